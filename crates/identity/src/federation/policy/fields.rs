//! The fields of a policy: what may be set for a connection and for an application, what holds
//! where nothing is set, and from where each value comes.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

use super::rules::{Mapping, NoGroupMatch, Parameters, SyncMode, SyncModes};
use crate::expressions::{Expression, Rule};
use crate::federation::button::{Colour, Icon};
use crate::federation::guests::Guests;
use crate::federation::hook::DecisionHook;
use crate::federation::proof::Asked;
use crate::federation::provider::Authority;
use crate::ids::GroupId;
use crate::users::{UserType, words};

/// What becomes of somebody whom we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownUser {
    /// A user is made for them.
    Create,
    /// A user is made for them, who waits until an administrator approves.
    Hold,
    /// They are told that they have no account.
    Refuse,
}

impl UnknownUser {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Create, Self::Hold, Self::Refuse];

    /// The word for it in data and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }

    /// Whether a user is made.
    pub const fn makes_users(self) -> bool {
        matches!(self, Self::Create | Self::Hold)
    }
}

/// When a new identity is tied to the account that has the same e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// Not at all.
    Never,
    /// When they sign in once with what the account already has.
    AskProof,
    /// When they give back a code that is sent to the address; staff, merchants and members besides
    /// sign in once with what the account already has.
    ProveMailbox,
    /// When the provider's word about the address counts.
    TrustedEmail,
    /// Whatever the provider's word is, unless it says that the address is not verified.
    AnyEmail,
}

impl Link {
    /// Every choice.
    pub const ALL: [Self; 5] =
        [Self::Never, Self::AskProof, Self::ProveMailbox, Self::TrustedEmail, Self::AnyEmail];

    /// The word for it in data and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::AskProof => "ask_proof",
            Self::ProveMailbox => "prove_mailbox",
            Self::TrustedEmail => "trusted_email",
            Self::AnyEmail => "any_email",
        }
    }

    /// What holds for these people and this provider, whatever was saved before one of the two
    /// changed: any address is good enough for customers of the operator's own provider alone, and
    /// a public provider becomes no way into the account of somebody who works for somebody.
    pub fn held_to(self, user_type: UserType, authority: Authority) -> Self {
        let privileged = user_type.is_privileged();
        let too_lax = match self {
            Self::AnyEmail => privileged || authority != Authority::Operator,
            Self::AskProof | Self::ProveMailbox => privileged && authority == Authority::Public,
            Self::Never | Self::TrustedEmail => false,
        };
        if too_lax { Self::TrustedEmail } else { self }
    }

    /// What people have to show before they are linked, if anything.
    pub fn asks(self, user_type: UserType) -> Option<Asked> {
        match self {
            Self::AskProof => Some(Asked::Account),
            Self::ProveMailbox if user_type.is_privileged() => Some(Asked::Both),
            Self::ProveMailbox => Some(Asked::Mailbox),
            Self::Never | Self::TrustedEmail | Self::AnyEmail => None,
        }
    }
}

/// Whether users who were made by single sign-on may have a password of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalPassword {
    /// They get none: leaving their company closes every way in.
    Never,
    /// They may set one.
    Allowed,
}

impl LocalPassword {
    /// Every choice.
    pub const ALL: [Self; 2] = [Self::Never, Self::Allowed];

    /// The word for it in data and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Allowed => "allowed",
        }
    }
}

words!(UnknownUser, Link, LocalPassword);

/// Where a value of a policy comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// It was set for the connection.
    Connection,
    /// It was set for every connection of the application.
    Application,
    /// Nobody set it.
    BuiltIn,
}

impl Source {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Application => "application",
            Self::BuiltIn => "built-in",
        }
    }
}

/// A value that holds, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting<T> {
    /// What holds.
    pub value: T,
    /// Who said so.
    pub from: Source,
}

/// One list of the fields for everything that has one of each.
macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident / $word:literal $variant:ident : $type:ty = $built_in:expr;)+) => {
        /// Values as somebody set them; what is none was not set.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct PolicyFields {
            $(
                $(#[$doc])*
                #[serde(deserialize_with = "set", skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )+
        }

        /// What holds for a connection.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        pub struct Policy {
            $($(#[$doc])* pub $name: Setting<$type>,)+
        }

        /// The name of a field.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum PolicyField {
            $($(#[$doc])* $variant,)+
        }

        impl PolicyField {
            /// Every field, in the order in which they are shown.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word for it in data and commands.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        words!(PolicyField);

        impl PolicyFields {
            fn changed(self, change: &PolicyChange) -> Self {
                let stays = |field| !change.unset.contains(&field);
                Self {
                    $($name: change.set.$name.clone().or(
                        self.$name.filter(|_| stays(PolicyField::$variant))
                    ),)+
                }
            }
        }

        impl Policy {
            /// What holds: what was set for the connection, else for its application, else what is
            /// safe for its users.
            pub fn of(
                connection: &PolicyFields,
                application: &PolicyFields,
                user_type: UserType,
            ) -> Self {
                Self {
                    $($name: settle(
                        &connection.$name,
                        &application.$name,
                        || ($built_in)(user_type),
                    ),)+
                }
            }

            /// Every field with its value as JSON and where that comes from.
            pub fn settings(&self) -> Vec<(PolicyField, Json, Source)> {
                vec![$((
                    PolicyField::$variant,
                    serde_json::json!(self.$name.value),
                    self.$name.from,
                ),)+]
            }
        }
    };
}

fields! {
    /// What becomes of people whom we do not know.
    unknown_user / "unknown_user" UnknownUser: UnknownUser = |user_type: UserType| {
        if user_type.is_privileged() { UnknownUser::Refuse } else { UnknownUser::Create }
    };
    /// When a new identity is tied to the account that has the same e-mail address.
    link / "link" Link: Link = |_| Link::TrustedEmail;
    /// Who may pass, at every sign-in: those for whom it is true; all of them where none is set.
    allow_if / "allow_if" AllowIf: Option<Expression<Rule>> = |_| None;
    /// Domains of the e-mail addresses that may pass, as A-labels; all of them where none is named.
    allowed_domains / "allowed_domains" AllowedDomains: Vec<String> = |_| Vec::new();
    /// What becomes of guests of the provider whom we do not know.
    guests / "guests" Guests: Guests = |_| Guests::Refuse;
    /// Groups for new users. They grant nothing by themselves, and are never the administrators.
    default_groups / "default_groups" DefaultGroups: Vec<GroupId> = |_| Vec::new();
    /// Language of new users of whom the provider does not say one (BCP 47).
    default_locale / "default_locale" DefaultLocale: Option<String> = |_| None;
    /// What claims become when a user is made; where it says nothing, `on_sign_in` does.
    on_create / "on_create" OnCreate: Mapping = |_| Mapping::default();
    /// What claims become at every sign-in, the first one too.
    on_sign_in / "on_sign_in" OnSignIn: Mapping = |_| Mapping::default();
    /// Parameters that are added to the request to the provider.
    on_challenge / "on_challenge" OnChallenge: Parameters = |_| Parameters::default();
    /// How often each attribute is taken from what the provider says.
    sync / "sync" Sync: SyncModes = |_| SyncModes::default();
    /// What becomes of people for whom the rules about groups name none that there is.
    no_group_match / "no_group_match" NoGroupMatch: NoGroupMatch = |_| NoGroupMatch::Default;
    /// The operator's own endpoint that is asked before anybody is let in.
    decision_hook / "decision_hook" DecisionHook: Option<DecisionHook> = |_| None;
    /// Whether people link and unlink this provider themselves, on their account page.
    manual_linking / "manual_linking" ManualLinking: bool = |user_type: UserType| {
        !user_type.is_privileged()
    };
    /// Whether users who were made here may have a password of ours.
    local_password / "local_password" LocalPassword: LocalPassword = |user_type: UserType| {
        if user_type.is_privileged() { LocalPassword::Never } else { LocalPassword::Allowed }
    };
    /// What the button says; where nothing is set, "Login with" and the provider's name.
    button_label / "button_label" ButtonLabel: Option<String> = |_| None;
    /// The picture on the button.
    button_icon / "button_icon" ButtonIcon: Option<Icon> = |_| None;
    /// The colour of the button.
    button_colour / "button_colour" ButtonColour: Option<Colour> = |_| None;
    /// Whether the login page shows no button; every other way to the provider stays.
    button_hidden / "button_hidden" ButtonHidden: bool = |_| false;
}

/// What to change about what was set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// Values to set; what is none stays as it is.
    pub set: PolicyFields,
    /// Fields that shall not be set any more.
    pub unset: Vec<PolicyField>,
}

impl PolicyChange {
    /// What is set afterwards.
    pub fn apply(&self, old: PolicyFields) -> PolicyFields {
        old.changed(self)
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<PolicyFields> for PolicyChange {
    fn from(set: PolicyFields) -> Self {
        Self { set, unset: Vec::new() }
    }
}

impl From<UnknownUser> for PolicyFields {
    fn from(unknown_user: UnknownUser) -> Self {
        Self { unknown_user: Some(unknown_user), ..Self::default() }
    }
}

impl Policy {
    /// Whether it has rules, or a hook, that look at whoever comes, or say which groups they are in.
    pub fn has_rules(&self) -> bool {
        let mappings = [&self.on_create.value, &self.on_sign_in.value];
        self.allow_if.value.is_some()
            || self.decision_hook.value.is_some()
            || mappings.iter().any(|mapping| mapping.rules().next().is_some())
    }

    /// Whether a decision needs the groups that somebody is in: rules look at them, and the address
    /// of an administrator stays.
    pub fn needs_groups(&self) -> bool {
        self.has_rules() || self.sync.value.email == SyncMode::Force
    }

    /// The claims that its rules look at, by their names.
    pub fn reads(&self) -> BTreeSet<&str> {
        let mappings = [&self.on_create.value, &self.on_sign_in.value];
        let rules = mappings.into_iter().flat_map(|mapping| mapping.rules().map(|(_, rule)| rule));
        let rules = self.allow_if.value.iter().chain(rules);
        rules.flat_map(|rule| rule.reads().iter().map(String::as_str)).collect()
    }
}

/// What is written was set, `null` too.
fn set<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

fn settle<T: Clone>(
    connection: &Option<T>,
    application: &Option<T>,
    built_in: impl FnOnce() -> T,
) -> Setting<T> {
    match (connection, application) {
        (Some(value), _) => Setting { value: value.clone(), from: Source::Connection },
        (None, Some(value)) => Setting { value: value.clone(), from: Source::Application },
        (None, None) => Setting { value: built_in(), from: Source::BuiltIn },
    }
}

#[cfg(test)]
mod tests;
