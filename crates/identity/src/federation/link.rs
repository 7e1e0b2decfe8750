//! Linking on purpose: somebody who is signed in ties an identity to their own account, or cuts
//! the tie again.

use serde::Serialize;

use crate::applications::Application;
use crate::federation::attempt::Asker;
use crate::federation::decide::Arrival;
use crate::federation::policy::{Connection, Policy, PolicyFields};
use crate::federation::provider::{Provider, ProviderState};
use crate::federation::refusal::Refusal;
use crate::ids::UserId;
use crate::sessions::{AdmitRefusal, Session};
use crate::time::Moment;
use crate::users::{Status, User};

pub use crate::weighed::Weighed;

/// Whoever is signed in in the browser that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Their session, perhaps over by now.
    pub session: Session,
    /// Who they are now.
    pub user: User,
    /// Why the way that the session came by does not lead into the door any more, if it does not.
    pub way_closed: Option<AdmitRefusal>,
}

/// What is known when an identity is to be tied, read in the transaction that ties it.
#[derive(Clone, Debug)]
pub struct LinkKnown {
    /// The provider as it is now.
    pub provider: Provider,
    /// How the door is joined to it, if it is.
    pub connection: Option<Connection>,
    /// What was set for every connection of the door.
    pub defaults: PolicyFields,
    /// Whoever is signed in in this browser.
    pub signed_in: Option<SignedIn>,
    /// To whom the identity is tied already.
    pub owner: Option<UserId>,
    /// Whether the asker is tied to another subject of the provider.
    pub has_identity_of_provider: bool,
}

/// What becomes of the wish to link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum LinkDecision {
    /// The identity is tied to the asker.
    Link,
    /// It is theirs already, so nothing is written but the audit.
    Stays,
    /// Nothing is written but the audit.
    Refuse {
        /// Why.
        reason: Refusal,
    },
}

/// A decision and the rules that were weighed for it, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkDecided {
    /// What is to be done.
    pub decision: LinkDecision,
    /// Why.
    pub rules: Vec<Weighed>,
}

/// Decides whether whoever arrived is tied to whoever asked for it. Pure.
///
/// The order is the policy: what is switched off; whether people may do this themselves; whether it
/// is still the same person, in the same session, who is signed in here (a link that somebody else
/// began must not tie their identity to this account, nor this identity to theirs); and only then
/// whose the identity is. Who may pass a door by it is weighed at every sign-in.
pub fn decide_link(arrival: &Arrival, asker: &Asker, known: &LinkKnown) -> LinkDecided {
    let mut weighing = Weighing { rules: Vec::new() };
    let decision = match weighing.outcome(arrival, asker, known) {
        Ok(decision) => decision,
        Err(reason) => LinkDecision::Refuse { reason },
    };
    LinkDecided { decision, rules: weighing.rules }
}

struct Weighing {
    rules: Vec<Weighed>,
}

impl Weighing {
    /// Notes what a rule saw; if it refuses, nothing is weighed any more.
    fn weigh(
        &mut self,
        rule: &'static str,
        saw: &str,
        refusal: Option<Refusal>,
    ) -> Result<(), Refusal> {
        self.rules.push(Weighed { rule, saw: saw.to_owned(), settled: refusal.is_some() });
        refusal.map_or(Ok(()), Err)
    }

    fn outcome(
        &mut self,
        arrival: &Arrival,
        asker: &Asker,
        known: &LinkKnown,
    ) -> Result<LinkDecision, Refusal> {
        let door = &arrival.application;
        let state = known.provider.state;
        let off = (state == ProviderState::Disabled).then_some(Refusal::ProviderDisabled);
        self.weigh("provider_state", state.as_str(), off)?;
        let Some(connection) = &known.connection else {
            self.weigh("connection", "not connected", Some(Refusal::ProviderNotConnected))?;
            return Err(Refusal::ProviderNotConnected);
        };
        self.weigh("connection", "connected", None)?;
        let policy = Policy::of(&connection.policy, &known.defaults, door.user_type);
        let offered = policy.manual_linking.value;
        let saw = if offered { "offered" } else { "not offered" };
        self.weigh("manual_linking", saw, (!offered).then_some(Refusal::LinkingNotOffered))?;
        self.signed_in(asker, known.signed_in.as_ref(), door, arrival.now)?;
        match &known.owner {
            Some(owner) if *owner == asker.user => {
                self.weigh("identity", "theirs already", None)?;
                return Ok(LinkDecision::Stays);
            }
            Some(_) => {
                self.weigh("identity", "somebody else's", Some(Refusal::IdentityTaken))?;
            }
            None => self.weigh("identity", "nobody's", None)?,
        }
        let other = known.has_identity_of_provider;
        let saw = if other { "tied to another subject" } else { "not tied to this provider" };
        self.weigh("same_provider", saw, other.then_some(Refusal::LinkedAlready))?;
        Ok(LinkDecision::Link)
    }

    /// The same session of the same user as when the trip began, alive, of the door's own people.
    fn signed_in(
        &mut self,
        asker: &Asker,
        signed_in: Option<&SignedIn>,
        door: &Application,
        now: Moment,
    ) -> Result<(), Refusal> {
        let refusal = Some(Refusal::NotSignedInAsBefore);
        let Some(SignedIn { session, user, way_closed }) = signed_in else {
            return self.weigh("signed_in", "nobody", refusal);
        };
        let is_of_door = user.user_type == door.user_type && user.population == door.population;
        let faults = [
            (user.id != asker.user, "somebody else"),
            (session.id != asker.session, "in another session"),
            (session.at(now).is_err(), "not any more"),
            (!is_of_door, "for another door"),
            (user.status != Status::Active, "not active"),
            // What is linked stays, so it is not for whoever got in by a way that is closed, or for
            // an hour.
            (way_closed.is_some(), "by a way that is closed"),
            (session.broke_glass(), "by breaking the glass"),
        ];
        match faults.into_iter().find_map(|(holds, saw)| holds.then_some(saw)) {
            Some(saw) => self.weigh("signed_in", saw, refusal),
            None => self.weigh("signed_in", "as before", None),
        }
    }
}

/// What is known when a tie is to be cut, read in the transaction that cuts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnlinkKnown {
    /// Whether people may link and unlink this provider at this door themselves.
    pub manual_linking: bool,
    /// Whether the user has a password of ours, and may have one.
    pub password: bool,
    /// Whether a door of the user's type and population takes passwords.
    pub local_login: bool,
    /// Whether another identity of theirs, of an enabled provider, opens such a door.
    pub other_identity: bool,
}

/// Why a tie is not cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlinkRefusal {
    /// People may not do this themselves.
    NotOffered,
    /// They could not sign in any more.
    LastWayIn,
}

impl UnlinkRefusal {
    /// Stable name for pages, the audit and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotOffered => "linking_not_offered",
            Self::LastWayIn => "last_way_in",
        }
    }
}

/// Whether a tie may be cut. Pure.
pub fn decide_unlink(known: &UnlinkKnown) -> Result<(), UnlinkRefusal> {
    if !known.manual_linking {
        return Err(UnlinkRefusal::NotOffered);
    }
    let by_password = known.password && known.local_login;
    if by_password || known.other_identity { Ok(()) } else { Err(UnlinkRefusal::LastWayIn) }
}

#[cfg(test)]
mod tests;
