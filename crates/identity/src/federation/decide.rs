//! The decision: what the policy makes of somebody whom a provider vouches for.

mod linking;
mod newcomers;

use serde::{Serialize, Serializer};

use crate::applications::Application;
use crate::email::Email;
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::guests;
use crate::federation::hook::{self, HookWord};
use crate::federation::mapping::{Changes, Facts, Membership, Rules};
use crate::federation::policy::{Connection, Link, Policy, PolicyFields};
use crate::federation::proof::{Asked, Shown};
use crate::federation::provider::{Provider, ProviderState};
use crate::federation::refusal::Refusal;
use crate::federation::trust::{self, EmailTrust};
use crate::groups::Group;
use crate::ids::{GroupId, IdentityId, UserId};
use crate::time::Moment;
use crate::users::{EmailStanding, Name, Status, User};

pub use crate::weighed::Weighed;

/// Who arrived, and where.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// What the provider proved.
    pub external: ExternalIdentity,
    /// The door.
    pub application: Application,
    /// What the decision hook said, where the policy names one.
    pub hook: HookWord,
    /// What they have shown since they arrived, if they were asked for it.
    pub shown: Option<Shown>,
    /// When.
    pub now: Moment,
}

/// The tie that the person came by before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The identity.
    pub identity: IdentityId,
    /// The address that its provider gave last time, as the provider wrote it.
    pub email: Option<String>,
    /// Whom it is tied to.
    pub user: User,
}

/// A user of the door's type and population with the same e-mail key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The user.
    pub user: User,
    /// Whether somebody else at the same provider is already tied to them.
    pub has_identity_of_provider: bool,
}

/// What the store knows, read in the transaction that carries the decision out.
#[derive(Clone, Debug)]
pub struct Known {
    /// The provider as it is now, not as it was when the trip began.
    pub provider: Provider,
    /// How this door is joined to it, if it is.
    pub connection: Option<Connection>,
    /// What was set for every connection of this door.
    pub defaults: PolicyFields,
    /// The identity of exactly this provider, issuer and subject.
    pub linked: Option<Linked>,
    /// The user with the same address, where that counts: of somebody new, and of whoever is known
    /// where their own address follows their provider's.
    pub candidate: Option<Candidate>,
    /// The groups of whichever of the two there is, where the policy has rules.
    pub memberships: Vec<Membership>,
    /// Those that there are of the groups that the rules name ([`named_groups`]).
    ///
    /// [`named_groups`]: crate::federation::mapping::named_groups
    pub groups: Vec<Group>,
}

/// A user to be made. As JSON, for the audit, it is without what a person is called and where
/// mail reaches them: the claims beside it are redacted, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewUser {
    /// The address.
    #[serde(skip)]
    pub email: Email,
    /// Verified where the provider's word for it counted.
    pub email_standing: EmailStanding,
    /// As far as the provider told.
    #[serde(skip)]
    pub name: Name,
    /// As far as the provider told, else the policy's.
    pub locale: Option<String>,
    /// Default groups of the policy.
    pub groups: Vec<GroupId>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// The known person signs in.
    SignIn {
        /// Who.
        user: UserId,
        /// By which identity.
        identity: IdentityId,
        /// What the identity's e-mail column becomes, when it changes. As JSON, only that it does.
        #[serde(
            rename = "identity_email_changes",
            skip_serializing_if = "Option::is_none",
            serialize_with = "only_that_it_is_there"
        )]
        identity_email: Option<Option<String>>,
        /// What changes about them.
        #[serde(flatten)]
        changes: Changes,
    },
    /// The account of the same address gets the identity, and signs in.
    Link {
        /// Whom.
        user: UserId,
        /// What changes about them.
        #[serde(flatten)]
        changes: Changes,
    },
    /// They have to show first that the account of the same address is theirs, or its mailbox. Whether
    /// there is one is not said here where the address does not count: everybody is asked then.
    AskProof {
        /// What they have to show.
        asked: Asked,
    },
    /// A user is made and signs in.
    Create(NewUser),
    /// A user is made and waits for approval.
    Hold(NewUser),
    /// Nothing is written but the audit.
    Refuse {
        /// Why.
        reason: Refusal,
    },
}

impl Decision {
    /// What changes about somebody who was a user before.
    pub fn changes(&self) -> Option<&Changes> {
        match self {
            Self::SignIn { changes, .. } | Self::Link { changes, .. } => Some(changes),
            Self::AskProof { .. } | Self::Create(_) | Self::Hold(_) | Self::Refuse { .. } => None,
        }
    }

    /// Whether they are signed in by it.
    pub fn lets_in(&self) -> bool {
        matches!(self, Self::SignIn { .. } | Self::Link { .. } | Self::Create(_))
    }
}

fn only_that_it_is_there<T, S: Serializer>(_: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(true)
}

/// A decision and the rules that were weighed for it, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// What is to be done.
    pub decision: Decision,
    /// Why.
    pub rules: Vec<Weighed>,
}

impl Decided {
    /// Whether the account of the same address was considered at all. Until trust in the address
    /// counts, it has nothing to do with the person who arrived, and the audit does not name it.
    pub fn considered_account(&self) -> bool {
        self.rules.iter().any(|weighed| weighed.rule == SAME_ADDRESS)
    }
}

/// The rule by which the account of the same address is considered.
const SAME_ADDRESS: &str = "same_address";

/// Decides. Pure: the same arrival and the same facts always give the same decision.
///
/// The order is the policy: what is switched off wins; then who may pass at all; then the identity,
/// which is for ever; then who is a guest; then trust in the address, weighed before the account
/// that has it is considered; then that account, and whether it was shown to be theirs; then what
/// the door makes of strangers; then the operator's hook, which can only refuse or add.
pub fn decide(arrival: &Arrival, known: &Known) -> Decided {
    let mut weighing = Weighing { rules: Vec::new() };
    let decision = weighing.run(arrival, known);
    let decided = hook::weigh(arrival, known, Decided { decision, rules: weighing.rules });
    newcomers::weigh_held_guest(arrival, known, decided)
}

struct Weighing {
    rules: Vec<Weighed>,
}

/// Who is decided about, and by which policy.
struct Case<'a> {
    arrival: &'a Arrival,
    known: &'a Known,
    policy: &'a Policy,
}

/// An address that is good enough to be linked by and made a user of.
struct Address<'a> {
    email: &'a Email,
    standing: EmailStanding,
}

impl Weighing {
    fn run(&mut self, arrival: &Arrival, known: &Known) -> Decision {
        match self.outcome(arrival, known) {
            Ok(decision) => decision,
            Err(reason) => Decision::Refuse { reason },
        }
    }

    fn outcome(&mut self, arrival: &Arrival, known: &Known) -> Result<Decision, Refusal> {
        let connection = self.door(known)?;
        let user_type = arrival.application.user_type;
        let policy = Policy::of(&connection.policy, &known.defaults, user_type);
        self.allowed(arrival, &policy)?;
        let case = Case { arrival, known, policy: &policy };
        // Whom the address belongs to does not count before the address does.
        let linked = known.linked.as_ref().map(|linked| &linked.user);
        self.ask(&case, linked, |rules| rules.allow())?;
        if let Some(linked) = self.identity(known) {
            return self.returning(&case, linked);
        }
        if let Some(guest) = guests::new_guest(arrival, known) {
            return self.guest(&case, guest);
        }
        let link = policy.link.value.held_to(user_type, known.provider.authority);
        if let Some(asked) = link.asks(user_type) {
            return self.by_proof(&case, asked);
        }
        let address = self.address(arrival, known, &policy)?;
        match self.same_address(known) {
            Some(candidate) => self.link(&case, candidate),
            None => self.stranger(&case, &address),
        }
    }

    /// What the policy's rules say about whoever arrived, who is `user` here.
    fn ask<T>(
        &mut self,
        case: &Case<'_>,
        user: Option<&User>,
        question: impl FnOnce(&mut Rules<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut rules = Rules::new(Facts::of(case.arrival, case.known, user), case.policy);
        let answer = question(&mut rules);
        self.rules.append(&mut rules.weighed);
        answer
    }

    fn saw(&mut self, rule: &'static str, saw: impl Into<String>, settled: bool) {
        self.rules.push(Weighed { rule, saw: saw.into(), settled });
    }

    fn door<'k>(&mut self, known: &'k Known) -> Result<&'k Connection, Refusal> {
        let disabled = known.provider.state == ProviderState::Disabled;
        self.saw("provider_state", known.provider.state.as_str(), disabled);
        if disabled {
            return Err(Refusal::ProviderDisabled);
        }
        let connection = known.connection.as_ref();
        let saw = if connection.is_some() { "connected" } else { "not connected" };
        self.saw("connection", saw, connection.is_none());
        connection.ok_or(Refusal::ProviderNotConnected)
    }

    /// At every sign-in, so that a domain that is taken off the list is out.
    fn allowed(&mut self, arrival: &Arrival, policy: &Policy) -> Result<(), Refusal> {
        let domains = &policy.allowed_domains.value;
        let email = arrival.external.email.as_ref();
        let (saw, refusal) = match email {
            _ if domains.is_empty() => ("every domain", None),
            None => ("no address", Some(Refusal::EmailMissing)),
            Some(email) if domains.iter().all(|own| own != email.domain()) => {
                ("not listed", Some(Refusal::NotAllowed))
            }
            // Whoever knows the list could write any address into their profile there.
            Some(_) if arrival.external.email_verified == EmailVerified::No => {
                ("listed, denied by provider", Some(Refusal::EmailUntrusted))
            }
            Some(_) => ("listed", None),
        };
        self.saw("allowed_domains", saw, refusal.is_some());
        refusal.map_or(Ok(()), Err)
    }

    fn identity<'k>(&mut self, known: &'k Known) -> Option<&'k Linked> {
        let saw = if known.linked.is_some() { "known identity" } else { "new identity" };
        self.saw("identity", saw, false);
        known.linked.as_ref()
    }

    /// The identity decides, even without an e-mail address, and whatever the address is now.
    fn returning(&mut self, case: &Case<'_>, linked: &Linked) -> Result<Decision, Refusal> {
        let changes = self.changes(case, &linked.user, false)?;
        let now = case.arrival.external.email.as_ref().map(|email| email.as_typed().to_owned());
        // An answer without an address says nothing about it: the column keeps what it has.
        let changed = now.is_some() && now != linked.email;
        Ok(Decision::SignIn {
            user: linked.user.id.clone(),
            identity: linked.identity.clone(),
            identity_email: changed.then_some(now),
            changes,
        })
    }

    /// What the sign-in of somebody who is a user changes about them; `first`: by this identity
    /// for the first time.
    fn changes(&mut self, case: &Case<'_>, user: &User, first: bool) -> Result<Changes, Refusal> {
        let held = user.status == Status::Held;
        let approved = held && self.ask(case, Some(user), |rules| rules.approves())?;
        if user.status != Status::Active && !approved {
            return Err(self.kept_out(user.status));
        }
        let changes = self.ask(case, Some(user), |rules| {
            rules.sign_in()?;
            let mut changes = rules.profile(user, first)?;
            rules.address(user, &mut changes);
            rules.groups(first, &mut changes)?;
            Ok(Changes { approved, ..changes })
        })?;
        self.saw("user_status", user.status.as_str(), true);
        Ok(changes)
    }

    fn kept_out(&mut self, status: Status) -> Refusal {
        self.saw("user_status", status.as_str(), true);
        match status {
            Status::Active | Status::Held => Refusal::UserHeld,
            Status::Deactivated => Refusal::UserDeactivated,
            Status::Deleted => Refusal::UserDeleted,
        }
    }

    fn address<'a>(
        &mut self,
        arrival: &'a Arrival,
        known: &Known,
        policy: &Policy,
    ) -> Result<Address<'a>, Refusal> {
        let user_type = arrival.application.user_type;
        let trust = trust::weigh(&arrival.external, &known.provider, user_type);
        let link = policy.link.value.held_to(user_type, known.provider.authority);
        let any = link == Link::AnyEmail && trust == EmailTrust::NoGround;
        self.saw("email_trust", trust.code(), !trust.counts() && !any);
        if any {
            self.saw("link", link.as_str(), false);
        }
        let email = arrival.external.email.as_ref().ok_or(Refusal::EmailMissing)?;
        match (trust.counts(), any) {
            (true, _) => Ok(Address { email, standing: EmailStanding::Verified }),
            (false, true) => Ok(Address { email, standing: EmailStanding::Unconfirmed }),
            (false, false) => Err(Refusal::EmailUntrusted),
        }
    }
}

#[cfg(test)]
mod tests;
