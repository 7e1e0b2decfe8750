//! Whether a way in that somebody went lately would still be open: what the lock-out guard asks
//! before a policy changes.

use crate::federation::decide::{Arrival, Decision, Known, decide};
use crate::federation::kept::KeptArrival;
use crate::federation::policy::Policy;
use crate::federation::refusal::Refusal;

/// What becomes of somebody who came in lately, if they came again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Again {
    /// They would be in.
    In,
    /// They would be kept out.
    Out(Refusal),
    /// Nobody knows.
    Unproven(Gap),
}

/// Why nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gap {
    /// A rule reads a claim that was not recorded when they came.
    NotRecorded,
    /// A decision hook will be asked that was not asked when they came.
    AnotherHook,
}

/// What the policy in `known` makes of somebody who was kept. `before` is the policy that they came
/// in by: of its decision hook it is known that it let them.
pub fn again(kept: &KeptArrival, arrival: &Arrival, known: &Known, before: &Policy) -> Again {
    let Some(connection) = &known.connection else {
        return Again::Out(Refusal::ProviderNotConnected);
    };
    let door = &arrival.application;
    let policy = Policy::of(&connection.policy, &known.defaults, door.user_type);
    if kept.lacks(&policy).is_some() {
        return Again::Unproven(Gap::NotRecorded);
    }
    match decide(arrival, known).decision {
        Decision::Refuse { reason } => Again::Out(reason),
        // Who comes again is no newcomer: the tie was cut, or the account is gone.
        Decision::AskProof { .. } | Decision::Create(_) | Decision::Hold(_) => {
            Again::Out(Refusal::UnknownUser)
        }
        Decision::SignIn { .. } | Decision::Link { .. } => {
            let hook = &policy.decision_hook.value;
            let another = hook.is_some() && *hook != before.decision_hook.value;
            if another { Again::Unproven(Gap::AnotherHook) } else { Again::In }
        }
    }
}

impl Policy {
    /// Whether it could keep somebody out, who has come before, whom `other` lets in.
    pub fn passes_differently(&self, other: &Self) -> bool {
        self.allow_if.value != other.allow_if.value
            || self.allowed_domains.value != other.allowed_domains.value
            || self.on_sign_in.value != other.on_sign_in.value
            || self.no_group_match.value != other.no_group_match.value
            || self.decision_hook.value != other.decision_hook.value
            // What is taken from claims can fail, and what is not taken cannot.
            || self.sync.value != other.sync.value
    }
}

#[cfg(test)]
mod tests;
