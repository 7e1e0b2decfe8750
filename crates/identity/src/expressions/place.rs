//! The places that expressions stand at, and what they can look at there.

use serde_json::{Map, Value as Json};

use super::tree::Variable;

/// Where an expression stands; says which names it may use.
pub trait Place: sealed::Place {}

/// A rule about somebody whom a provider vouches for: who may pass, and what claims become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {}

/// A parameter of the request that goes to a provider, before anybody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {}

impl Place for Rule {}
impl Place for Challenge {}

/// What a rule may look at.
#[derive(Clone, Copy, Debug)]
pub struct RuleFacts<'a> {
    /// `claims`: what the provider said, proved.
    pub claims: &'a Map<String, Json>,
    /// `email`: the address that it gave, if it is an address at all.
    pub email: Option<&'a str>,
    /// `email_trusted`: whether the provider's word about it counts.
    pub email_trusted: bool,
    /// `provider`: its key.
    pub provider: &'a str,
    /// `application`: its key.
    pub application: &'a str,
    /// `user_type`: of the application.
    pub user_type: &'a str,
    /// `user`: who it is here; nobody for newcomers.
    pub user: Option<KnownUser<'a>>,
}

/// What a rule may know of a user who exists.
#[derive(Clone, Copy, Debug)]
pub struct KnownUser<'a> {
    /// `user.email`: their own address.
    pub email: &'a str,
    /// `user.locale`: the language that they read, when known.
    pub locale: Option<&'a str>,
    /// `user.status`: `active`, `held` …
    pub status: &'a str,
    /// `user.groups`: the names of the groups that they are in.
    pub groups: &'a [&'a str],
}

/// What a parameter of a request to a provider may look at.
#[derive(Clone, Copy, Debug)]
pub struct ChallengeFacts<'a> {
    /// `locale`: the language of the pages, when known.
    pub locale: Option<&'a str>,
    /// `login_hint`: the address that was typed before, if any.
    pub login_hint: Option<&'a str>,
    /// `provider`: its key.
    pub provider: &'a str,
    /// `application`: its key.
    pub application: &'a str,
}

/// The members of `user`.
pub(super) const USER_MEMBERS: [&str; 4] = ["email", "locale", "status", "groups"];

/// What a name stands for.
#[derive(Clone, Copy)]
pub enum Given<'a> {
    Nothing,
    Condition(bool),
    Text(&'a str),
    Claims(&'a Map<String, Json>),
    User(KnownUser<'a>),
}

impl<'a> Given<'a> {
    fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Nothing, Self::Text)
    }
}

pub(super) mod sealed {
    use super::{Given, Variable};

    pub trait Place: 'static {
        type Facts<'a>: Look<'a>;
        const VARIABLES: &'static [Variable];
    }

    pub trait Look<'a> {
        fn look(&self, variable: Variable) -> Given<'a>;
    }
}

impl sealed::Place for Rule {
    type Facts<'a> = RuleFacts<'a>;
    const VARIABLES: &'static [Variable] = &[
        Variable::Claims,
        Variable::Email,
        Variable::EmailTrusted,
        Variable::Provider,
        Variable::Application,
        Variable::UserType,
        Variable::User,
    ];
}

impl<'a> sealed::Look<'a> for RuleFacts<'a> {
    fn look(&self, variable: Variable) -> Given<'a> {
        match variable {
            Variable::Claims => Given::Claims(self.claims),
            Variable::Email => Given::text(self.email),
            Variable::EmailTrusted => Given::Condition(self.email_trusted),
            Variable::Provider => Given::Text(self.provider),
            Variable::Application => Given::Text(self.application),
            Variable::UserType => Given::Text(self.user_type),
            Variable::User => self.user.map_or(Given::Nothing, Given::User),
            Variable::Locale | Variable::LoginHint => Given::Nothing,
        }
    }
}

impl sealed::Place for Challenge {
    type Facts<'a> = ChallengeFacts<'a>;
    const VARIABLES: &'static [Variable] =
        &[Variable::Locale, Variable::LoginHint, Variable::Application, Variable::Provider];
}

impl<'a> sealed::Look<'a> for ChallengeFacts<'a> {
    fn look(&self, variable: Variable) -> Given<'a> {
        match variable {
            Variable::Locale => Given::text(self.locale),
            Variable::LoginHint => Given::text(self.login_hint),
            Variable::Application => Given::Text(self.application),
            Variable::Provider => Given::Text(self.provider),
            _ => Given::Nothing,
        }
    }
}
