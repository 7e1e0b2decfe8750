//! The heart's transaction: read what is known, let the policy decide, carry it out, note it.

use identity::federation::decide::{Arrival, Candidate, Decided, Decision, Known, Linked};
use identity::federation::mapping::named_groups;
use identity::federation::policy::Policy;
use identity::federation::refusal::Refusal;
use identity::ids::{AttemptId, ProofId};
use identity::sessions::Session;
use identity::time::Moment;
use identity::users::User;

use crate::Store;
use crate::by::By;
use crate::db::{Mode, Tx, transact};
use crate::error::{Error, Fault, Result};
use crate::federation::connections::{ConnectionRow, connection_columns};
use crate::federation::identities::{IdentityRow, identity_columns};
use crate::federation::proofs::NewProof;
use crate::federation::providers::{ProviderRow, provider_columns};
use crate::mails::Sealer;
use crate::row::{Maybe, json};
use crate::sessions::NewSession;
use crate::users::{UserRow, user_columns};
use crate::value::args;

/// Everything that a sign-in through a provider is settled with.
#[derive(Clone, Debug)]
pub struct Settle {
    /// Who arrived, and where; its `now` is the time of everything that is written.
    pub arrival: Arrival,
    /// The trip that they came by; none where a client brought a token (RFC 8693).
    pub attempt: Option<AttemptId>,
    /// What their session begins with, should they get one.
    pub session: NewSession,
    /// What they are shown, should they get none; finds the audit entry either way.
    pub support_code: String,
    /// Who does it: a visitor, with the request's note. Claims go into the note's detail,
    /// redacted; the decision and the rules weighed are added here.
    pub by: By,
    /// Tells the address that somebody had so far, should theirs follow the provider's; none where
    /// nobody is told.
    pub letter: Option<Sealer>,
    /// What is remembered, should they have to show something first; none where nobody could.
    pub proof: Option<NewProof>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Settled {
    /// They are in.
    SignedIn {
        /// The session.
        session: Box<Session>,
        /// Whose.
        user: Box<User>,
        /// Whether the user was made just now.
        created: bool,
        /// Whether an account that was there got a new identity.
        linked: bool,
        /// Whether rules changed what they are called, or which groups they are in.
        changed: bool,
    },
    /// They have to show something first; that is remembered, and the audit was written.
    AskedForProof {
        /// What.
        proof: ProofId,
    },
    /// They are not. Only the audit was written, and whoever was held, if anybody was.
    Refused {
        /// Why.
        reason: Refusal,
        /// As handed in.
        support_code: String,
    },
}

#[derive(sqlx::FromRow)]
struct KnownRow {
    #[sqlx(flatten)]
    provider: ProviderRow,
    #[sqlx(flatten)]
    connection: Maybe<ConnectionRow>,
    #[sqlx(flatten)]
    identity: Maybe<IdentityRow>,
    #[sqlx(flatten)]
    user: Maybe<UserRow>,
    defaults: Option<String>,
}

#[derive(sqlx::FromRow)]
struct CandidateRow {
    #[sqlx(flatten)]
    user: UserRow,
    has_identity: bool,
}

impl Store {
    /// Decides with `decider` on the facts as they are in this transaction, and carries out what
    /// it says. The decider is synchronous and pure, so nothing can wait for the network here,
    /// and a lost race runs it again on fresh facts.
    ///
    /// `NotFound` when the provider was removed meanwhile.
    pub async fn settle(
        &self,
        settle: &Settle,
        decider: impl Fn(&Known) -> Decided + Sync,
    ) -> Result<Settled> {
        transact!(self.db, Mode::Settle, |tx| {
            let known = tx.known(&settle.arrival).await?;
            let decided = decider(&known);
            self.carry_out(tx, settle, known, decided).await
        })
    }

    /// What the store knows about an arrival now, for `explain`; decides and writes nothing.
    pub async fn find_known(&self, arrival: &Arrival) -> Result<Known> {
        transact!(self.db, Mode::Settle, |tx| tx.known(arrival).await)
    }
}

impl Tx {
    /// One statement for somebody who is known by their identity; a second one, which looks for
    /// an account of the same address, only for somebody who is not.
    pub(crate) async fn known(&mut self, arrival: &Arrival) -> std::result::Result<Known, Fault> {
        self.known_under(arrival, &|_| {}).await
    }

    /// The same, if `change` were true of what was set for the connection and its door.
    pub(crate) async fn known_under(
        &mut self,
        arrival: &Arrival,
        change: &(dyn Fn(&mut Known) + Sync),
    ) -> std::result::Result<Known, Fault> {
        const KNOWN: &str = concat!(
            "SELECT ",
            provider_columns!(),
            ", ",
            connection_columns!(),
            ", ",
            identity_columns!(),
            ", ",
            user_columns!(),
            ", (SELECT a.defaults FROM applications a WHERE a.key = $2) AS defaults \
             FROM providers p \
             LEFT JOIN connections c ON c.provider_id = p.id AND c.application = $2 \
             LEFT JOIN identities i ON i.provider_id = p.id AND i.issuer = $3 \
             AND i.subject = $4 AND i.user_type = $5 AND i.population = $6 \
             LEFT JOIN users u ON u.id = i.user_id WHERE p.id = $1"
        );
        let external = &arrival.external;
        let door = &arrival.application;
        let values = args![
            &external.provider,
            &door.key,
            &external.issuer,
            &external.subject,
            door.user_type,
            &door.population,
        ];
        let row = self.one::<KnownRow>(KNOWN, values).await?;
        let linked = match (row.identity.0, row.user.0) {
            (Some(identity), Some(user)) => {
                let identity = identity.read();
                Some(Linked { identity: identity.id, email: identity.email, user: user.read()? })
            }
            _ => None,
        };
        let candidate = match (&linked, &external.email) {
            (None, Some(email)) => self.candidate(arrival, email.key()).await?,
            _ => None,
        };
        let mut known = Known {
            provider: row.provider.read()?,
            connection: row.connection.0.map(ConnectionRow::read).transpose()?,
            defaults: row.defaults.as_deref().map(json).transpose()?.unwrap_or_default(),
            linked,
            candidate,
            memberships: Vec::new(),
            groups: Vec::new(),
        };
        change(&mut known);
        self.owner_of_new_address(arrival, &mut known).await?;
        self.groups_of_rules(arrival, &mut known).await?;
        Ok(known)
    }

    /// What the rules of the policy look at and name, where it has rules: one statement for the
    /// groups that somebody is in, one for every hundred that are named.
    async fn groups_of_rules(
        &mut self,
        arrival: &Arrival,
        known: &mut Known,
    ) -> std::result::Result<(), Fault> {
        let Some(connection) = known.connection.clone() else { return Ok(()) };
        let user_type = arrival.application.user_type;
        let policy = Policy::of(&connection.policy, &known.defaults, user_type);
        if !policy.needs_groups() {
            return Ok(());
        }
        let user = known.linked.as_ref().map(|linked| &linked.user.id);
        let user = user.or(known.candidate.as_ref().map(|candidate| &candidate.user.id));
        if let Some(user) = user {
            known.memberships = self.memberships(user, &connection).await?;
        }
        let keys: Vec<String> = named_groups(arrival, known).into_iter().collect();
        known.groups = self.groups_named(user_type, &keys).await?;
        Ok(())
    }

    pub(super) async fn candidate(
        &mut self,
        arrival: &Arrival,
        email_key: &str,
    ) -> std::result::Result<Option<Candidate>, Fault> {
        const CANDIDATE: &str = concat!(
            "SELECT ",
            user_columns!(),
            ", EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id \
             AND i.provider_id = $4) AS has_identity FROM users u \
             WHERE u.user_type = $1 AND u.population = $2 AND u.email_key = $3"
        );
        let door = &arrival.application;
        let values = args![door.user_type, &door.population, email_key, &arrival.external.provider];
        let row: Option<CandidateRow> = self.opt(CANDIDATE, values).await?;
        row.map(|row| {
            Ok(Candidate { user: row.user.read()?, has_identity_of_provider: row.has_identity })
        })
        .transpose()
    }
}

/// The user behind a decision, from the facts that it was made on.
pub(crate) fn user_of(known: Known, decision: &Decision) -> std::result::Result<User, Fault> {
    let (id, found) = match decision {
        Decision::SignIn { user, .. } => (user, known.linked.map(|linked| linked.user)),
        Decision::Link { user, .. } => (user, known.candidate.map(|candidate| candidate.user)),
        Decision::AskProof { .. }
        | Decision::Create(_)
        | Decision::Hold(_)
        | Decision::Refuse { .. } => {
            return Err(mismatch());
        }
    };
    found.filter(|user| user.id == *id).ok_or_else(mismatch)
}

/// A decider that names somebody whom it was not shown is a fault of ours, and signs nobody in.
fn mismatch() -> Fault {
    Fault::Final(Error::Broken("the decision names a user who is not among the facts".to_owned()))
}

/// When a settlement happens.
pub(crate) fn now_of(settle: &Settle) -> Moment {
    settle.arrival.now
}
