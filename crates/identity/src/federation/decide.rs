//! The decision: what the policy makes of somebody whom a provider vouches for.

use serde::{Serialize, Serializer};

use crate::applications::Application;
use crate::email::Email;
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::policy::{Connection, Link, Policy, PolicyFields, UnknownUser};
use crate::federation::provider::{Provider, ProviderState};
use crate::federation::refusal::Refusal;
use crate::federation::trust::{self, EmailTrust};
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
    /// The user with the same address.
    pub candidate: Option<Candidate>,
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
    },
    /// The account of the same address gets the identity, and signs in.
    Link {
        /// Whom.
        user: UserId,
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
/// which is for ever; then trust in the address, weighed before the account that has it is
/// considered; then that account; then what the door makes of strangers.
pub fn decide(arrival: &Arrival, known: &Known) -> Decided {
    let mut weighing = Weighing { rules: Vec::new() };
    let decision = weighing.run(arrival, known);
    Decided { decision, rules: weighing.rules }
}

struct Weighing {
    rules: Vec<Weighed>,
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
        if let Some(linked) = self.identity(known) {
            return self.returning(arrival, linked);
        }
        let address = self.address(arrival, known, &policy)?;
        match self.same_address(known) {
            Some(candidate) => self.link(candidate, &policy),
            None => self.stranger(arrival, &policy, &address),
        }
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
    fn returning(&mut self, arrival: &Arrival, linked: &Linked) -> Result<Decision, Refusal> {
        self.status(linked.user.status)?;
        let now = arrival.external.email.as_ref().map(|email| email.as_typed().to_owned());
        // An answer without an address says nothing about it: the column keeps what it has.
        let changed = now.is_some() && now != linked.email;
        Ok(Decision::SignIn {
            user: linked.user.id.clone(),
            identity: linked.identity.clone(),
            identity_email: changed.then_some(now),
        })
    }

    fn status(&mut self, status: Status) -> Result<(), Refusal> {
        self.saw("user_status", status.as_str(), true);
        match status {
            Status::Active => Ok(()),
            Status::Held => Err(Refusal::UserHeld),
            Status::Deactivated => Err(Refusal::UserDeactivated),
            Status::Deleted => Err(Refusal::UserDeleted),
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

    fn same_address<'k>(&mut self, known: &'k Known) -> Option<&'k Candidate> {
        let saw = if known.candidate.is_some() { "a user has it" } else { "nobody has it" };
        self.saw(SAME_ADDRESS, saw, false);
        known.candidate.as_ref()
    }

    fn link(&mut self, candidate: &Candidate, policy: &Policy) -> Result<Decision, Refusal> {
        if policy.link.value == Link::Never {
            self.saw("link", policy.link.value.as_str(), true);
            return Err(Refusal::LinkingOff);
        }
        let standing = candidate.user.email_standing;
        let unconfirmed = standing == EmailStanding::Unconfirmed;
        self.saw("account_standing", standing.as_str(), unconfirmed);
        if unconfirmed {
            return Err(Refusal::AccountUnconfirmed);
        }
        let other = candidate.has_identity_of_provider;
        let saw = if other { "tied to another subject" } else { "not tied to this provider" };
        self.saw("same_provider", saw, other);
        if other {
            return Err(Refusal::LinkedToAnother);
        }
        self.status(candidate.user.status)?;
        Ok(Decision::Link { user: candidate.user.id.clone() })
    }

    fn stranger(
        &mut self,
        arrival: &Arrival,
        policy: &Policy,
        address: &Address<'_>,
    ) -> Result<Decision, Refusal> {
        let unknown_user = policy.unknown_user.value;
        self.saw("unknown_user", unknown_user.as_str(), true);
        let external = &arrival.external;
        let newcomer = || NewUser {
            email: address.email.clone(),
            email_standing: address.standing,
            name: external.name.clone(),
            locale: external.locale.clone().or_else(|| policy.default_locale.value.clone()),
            groups: policy.default_groups.value.clone(),
        };
        match unknown_user {
            UnknownUser::Refuse => Err(Refusal::UnknownUser),
            UnknownUser::Create => Ok(Decision::Create(newcomer())),
            UnknownUser::Hold => Ok(Decision::Hold(newcomer())),
        }
    }
}

#[cfg(test)]
mod tests;
