//! A decision made again under a changed policy: who would be let in, kept out, or change groups.

use std::collections::BTreeSet;

use crate::federation::decide::{Arrival, Decided, Decision, Known, decide};
use crate::federation::kept::KeptArrival;
use crate::federation::policy::{Policy, PolicyFields};
use crate::ids::GroupId;

/// What another policy would make of somebody, beside what the one in force does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// A claim that one of the two policies reads was not kept.
    CannotSay {
        /// Which.
        claim: String,
    },
    /// Both were asked.
    Said(Box<Said>),
}

/// Two decisions about the same person, on the same facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What they differ in.
    pub difference: Difference,
    /// By the policy in force.
    pub before: Decided,
    /// By the other one.
    pub after: Decided,
}

/// What a changed policy changes for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// They are kept out now, and would be in.
    LetIn,
    /// They are in now, and would be kept out, wait for approval, or be asked for proof.
    KeptOut,
    /// They are in with either, and would be in other groups.
    Groups,
    /// None of these.
    Same,
}

impl Difference {
    /// Every one, as they are counted.
    pub const ALL: [Self; 4] = [Self::LetIn, Self::KeptOut, Self::Groups, Self::Same];

    /// The word for it in data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LetIn => "let_in",
            Self::KeptOut => "kept_out",
            Self::Groups => "groups",
            Self::Same => "same",
        }
    }
}

/// What is known now under the policy in force, and under the other one: the same facts, read at
/// once, with what the rules of each look at.
#[derive(Clone, Debug)]
pub struct Tried {
    /// Under the policy in force.
    pub in_force: Known,
    /// Under the other one.
    pub changed: Known,
}

/// Decides twice about somebody who was kept, and says what differs: on the facts of now and with the
/// same claims, so that whatever differs comes from the policy alone.
///
/// None where the door is not joined to the provider any more: no policy is in force there.
pub fn replay(kept: &KeptArrival, arrival: &Arrival, tried: &Tried) -> Option<Replayed> {
    for known in [&tried.in_force, &tried.changed] {
        let policy = policy_of(arrival, known)?;
        if let Some(claim) = kept.lacks(&policy) {
            return Some(Replayed::CannotSay { claim: claim.to_owned() });
        }
    }
    let before = decide(arrival, &tried.in_force);
    let after = decide(arrival, &tried.changed);
    let difference = match (before.decision.lets_in(), after.decision.lets_in()) {
        (false, true) => Difference::LetIn,
        (true, false) => Difference::KeptOut,
        (true, true) if groups(tried, &before) != groups(tried, &after) => Difference::Groups,
        _ => Difference::Same,
    };
    Some(Replayed::Said(Box::new(Said { difference, before, after })))
}

fn policy_of(arrival: &Arrival, known: &Known) -> Option<Policy> {
    let fields: &PolicyFields = &known.connection.as_ref()?.policy;
    Some(Policy::of(fields, &known.defaults, arrival.application.user_type))
}

/// The groups that somebody would be in. A policy without rules is not told of those that there are,
/// so both start from whatever either was told.
fn groups(tried: &Tried, decided: &Decided) -> BTreeSet<GroupId> {
    if let Decision::Create(new) = &decided.decision {
        return new.groups.iter().cloned().collect();
    }
    let told = tried.in_force.memberships.iter().chain(&tried.changed.memberships);
    let mut groups: BTreeSet<GroupId> = told.map(|one| one.group.clone()).collect();
    if let Some(changes) = decided.decision.changes() {
        groups.extend(changes.granted.iter().cloned());
        groups.retain(|group| !changes.revoked.contains(group));
    }
    groups
}

#[cfg(test)]
mod tests;
