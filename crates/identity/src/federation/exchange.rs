//! The decision about somebody for whom a client brings a token instead of a browser (RFC 8693).

use crate::federation::decide::{Arrival, Decided, Decision, Known, Weighed, decide};
use crate::federation::guests::new_guest;
use crate::federation::policy::Connection;
use crate::federation::refusal::Refusal;
use crate::federation::subject_token::SubjectKind;
use crate::users::UserType;

#[cfg(test)]
mod tests;

/// What was brought.
#[derive(Clone, Copy, Debug)]
pub struct Brought<'a> {
    /// Which kind of token.
    pub kind: SubjectKind,
    /// Its `aud`.
    pub audiences: &'a [String],
}

/// Decides as a callback does, by the same rules, with three more: the connection must take such
/// tokens at all, staff are asked for by a switch of their own, and nobody is linked or held.
/// Whoever links an account or asks for one has to be there, and a token shows only that its
/// client is.
pub fn decide_exchange(arrival: &Arrival, known: &Known, brought: Brought<'_>) -> Decided {
    let mut rules = Vec::new();
    if let Some(connection) = &known.connection
        && let Err(reason) = gate(&mut rules, arrival, connection, brought)
    {
        return Decided { decision: Decision::Refuse { reason }, rules };
    }
    let mut decided = decide(arrival, known);
    rules.append(&mut decided.rules);
    let is_guest = new_guest(arrival, known).is_some();
    if let Some(reason) = for_a_browser(&decided.decision, is_guest) {
        rules.push(weighed("exchange_needs_browser", reason.code(), true));
        decided.decision = Decision::Refuse { reason };
    }
    Decided { decision: decided.decision, rules }
}

/// Why this needs the person in front of a browser, if it does.
fn for_a_browser(decision: &Decision, is_guest: bool) -> Option<Refusal> {
    match decision {
        // Whether a guest would be held, or somebody has their address, comes out alike.
        Decision::Refuse { reason: Refusal::UserHeld } if is_guest => {
            Some(Refusal::ApprovalNeedsSignIn)
        }
        Decision::Link { .. } | Decision::AskProof { .. } => Some(Refusal::LinkNeedsSignIn),
        Decision::Hold(_) => Some(Refusal::ApprovalNeedsSignIn),
        Decision::SignIn { .. } | Decision::Create(_) | Decision::Refuse { .. } => None,
    }
}

fn gate(
    rules: &mut Vec<Weighed>,
    arrival: &Arrival,
    connection: &Connection,
    brought: Brought<'_>,
) -> Result<(), Refusal> {
    let listed = &connection.exchange_audiences;
    let takes = match brought.kind {
        SubjectKind::IdToken => brought.audiences.iter().any(|one| listed.contains(one)),
        // It names us, which the list cannot; the list only says that there are exchanges.
        SubjectKind::AccessToken => !listed.is_empty(),
    };
    let saw = if takes { "listed" } else { "not listed" };
    rules.push(weighed("exchange_audience", saw, !takes));
    let staff = arrival.application.user_type == UserType::Staff;
    if takes && staff {
        let saw = if connection.exchange_staff { "staff, allowed" } else { "staff, not allowed" };
        rules.push(weighed("exchange_staff", saw, !connection.exchange_staff));
    }
    let refused = !takes || (staff && !connection.exchange_staff);
    if refused { Err(Refusal::ExchangeOff) } else { Ok(()) }
}

fn weighed(rule: &'static str, saw: &str, settled: bool) -> Weighed {
    Weighed { rule, saw: saw.to_owned(), settled }
}
