//! What claims become: what the rules of a policy look at, and what they change.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use crate::email::Email;
use crate::expressions::{EvaluationFault, Expression, KnownUser, Rule, RuleFacts};
use crate::federation::claims::clean;
use crate::federation::decide::{Arrival, Known};
use crate::federation::guests::new_guest;
use crate::federation::hook;
use crate::federation::policy::Policy;
use crate::federation::trust;
use crate::groups::GroupName;
use crate::ids::GroupId;
use crate::users::{Name, User};

mod address;
mod rules;

pub(super) use rules::Rules;

/// Most groups that rules may name for one person.
pub const MAX_GROUPS: usize = 500;

/// A group that a user is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: GroupId,
    /// Its name.
    pub name: String,
    /// Whether this connection put them into it. Somebody else may have done so, too.
    pub granted_here: bool,
}

/// What a sign-in shows to be wrong, without keeping anybody out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// Their address should follow the provider's, and somebody else has it.
    EmailTaken,
}

impl Warning {
    /// Stable name for the audit.
    pub const fn code(self) -> &'static str {
        match self {
            Self::EmailTaken => "email_taken",
        }
    }
}

/// What a sign-in changes about a user who was there before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// What they are called from now on. As JSON, only that it changes.
    #[serde(
        rename = "name_changes",
        skip_serializing_if = "Option::is_none",
        serialize_with = "only_that_it_is_there"
    )]
    pub name: Option<Name>,
    /// Their language from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Their own address from now on. As JSON, only that it changes.
    #[serde(
        rename = "email_changes",
        skip_serializing_if = "Option::is_none",
        serialize_with = "only_that_it_is_there"
    )]
    pub email: Option<Email>,
    /// What somebody should look at. It changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Warning>,
    /// Whether they were held, and are not any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approved: bool,
    /// Groups that this connection puts them into.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub granted: Vec<GroupId>,
    /// Groups that this connection had put them into, and does not any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<GroupId>,
}

impl Changes {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self { warning: self.warning, ..Self::default() }
    }
}

fn only_that_it_is_there<T, S: Serializer>(_: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(true)
}

/// The keys of the groups that rules and the decision hook name for whoever arrived, as far as they
/// name any: the store looks up which of them there are, and hands those to the decision.
pub fn named_groups(arrival: &Arrival, known: &Known) -> BTreeSet<String> {
    let Some(connection) = &known.connection else { return BTreeSet::new() };
    let user_type = arrival.application.user_type;
    let policy = Policy::of(&connection.policy, &known.defaults, user_type);
    let user = known.linked.as_ref().map(|linked| &linked.user);
    // A guest has nothing to do with the account of their address.
    let candidate = known.candidate.as_ref().filter(|_| new_guest(arrival, known).is_none());
    let user = user.or(candidate.map(|candidate| &candidate.user));
    let rule = groups_rule(&policy, user.is_none());
    // What cannot be evaluated names nobody's groups; the decision says what is wrong with it.
    let named =
        rule.and_then(|(_, rule)| Facts::of(arrival, known, user).texts(rule).ok().flatten());
    let by_rules = named.unwrap_or_default();
    keys(&by_rules).take(MAX_GROUPS).chain(keys(hook::names(arrival))).collect()
}

fn keys(named: &[String]) -> impl Iterator<Item = String> {
    named.iter().filter_map(|name| Some(GroupName::parse(name).ok()?.key().to_owned()))
}

/// The rule that says which groups somebody is in, and its name.
fn groups_rule(policy: &Policy, newcomer: bool) -> Option<(&'static str, &Expression<Rule>)> {
    let create = policy.on_create.value.groups.as_ref().filter(|_| newcomer);
    let sign_in = || Some(("on_sign_in.groups", policy.on_sign_in.value.groups.as_ref()?));
    create.map(|rule| ("on_create.groups", rule)).or_else(sign_in)
}

/// What rules look at.
pub(super) struct Facts<'a> {
    arrival: &'a Arrival,
    known: &'a Known,
    trusted: bool,
    user: Option<&'a User>,
    groups: Vec<&'a str>,
}

impl<'a> Facts<'a> {
    /// About whoever arrived, who is `user` here, or nobody yet.
    pub(super) fn of(arrival: &'a Arrival, known: &'a Known, user: Option<&'a User>) -> Self {
        let user_type = arrival.application.user_type;
        let trust = trust::weigh(&arrival.external, &known.provider, user_type);
        let groups: BTreeSet<&str> =
            known.memberships.iter().map(|one| one.name.as_str()).collect();
        let groups = if user.is_some() { groups.into_iter().collect() } else { Vec::new() };
        Self { arrival, known, trusted: trust.counts(), user, groups }
    }

    fn facts(&self) -> RuleFacts<'_> {
        let external = &self.arrival.external;
        RuleFacts {
            claims: &external.claims,
            email: external.email.as_ref().map(|email| email.as_typed()),
            email_trusted: self.trusted,
            provider: &self.known.provider.key,
            application: self.arrival.application.key.as_str(),
            user_type: self.arrival.application.user_type.as_str(),
            user: self.user.map(|user| KnownUser {
                email: user.email.as_typed(),
                locale: user.locale.as_deref(),
                status: user.status.as_str(),
                groups: &self.groups,
            }),
        }
    }

    fn is_true(&self, rule: &Expression<Rule>) -> Result<bool, EvaluationFault> {
        rule.is_true(&self.facts())
    }

    /// A text as one clean line, or none.
    fn text(&self, rule: &Expression<Rule>) -> Result<Option<String>, EvaluationFault> {
        let text = rule.text(&self.facts())?.map(|text| clean(&text));
        Ok(text.filter(|text| !text.is_empty()))
    }

    fn texts(&self, rule: &Expression<Rule>) -> Result<Option<Vec<String>>, EvaluationFault> {
        rule.texts(&self.facts())
    }

    /// Whether a claim that the rule looks at was too much for the token, which says where else
    /// it can be had instead (OpenID Connect Core 5.6.2). Nothing was said about it, then.
    fn is_elsewhere(&self, rule: &Expression<Rule>) -> bool {
        let names =
            self.arrival.external.claims.get("_claim_names").and_then(|all| all.as_object());
        names.is_some_and(|names| rule.reads().iter().any(|claim| names.contains_key(claim)))
    }
}
