//! Carries a decision out, inside the transaction in which it was made.

use identity::federation::decide::{Arrival, Decided, Decision, Known, NewUser as Newcomer};
use identity::federation::kept::KeptArrival;
use identity::federation::policy::{Connection, Policy};
use identity::federation::proof::Asked;
use identity::federation::refusal::Refusal;
use identity::ids::{IdentityId, UserId};
use identity::users::{Birth, Status, User};
use serde_json::Value as Json;

use crate::Store;
use crate::audit::Happened;
use crate::db::Tx;
use crate::error::{Error, Fault};
use crate::federation::settle::{Settle, Settled, now_of, user_of};
use crate::groups::Grant;
use crate::row::to_json;
use crate::sessions::Origin;
use crate::users::NewUser;
use crate::value::args;

/// What the audit calls a sign-in through a provider.
const SIGN_IN: &str = "sign_in.provider";

/// What it calls the same without a trip: a client brought the provider's token.
const EXCHANGE: &str = "token.exchange";

/// What the outcome is called of somebody who has to show something first.
const ASKED: &str = "proof_asked";

/// The address that an identity's provider gave last.
const KEEP_ADDRESS: &str = "UPDATE identities SET email = $2 WHERE id = $1";

impl Store {
    pub(crate) async fn carry_out(
        &self,
        tx: &mut Tx,
        settle: &Settle,
        known: Known,
        decided: Decided,
    ) -> Result<Settled, Fault> {
        let (connection, kept) = (known.connection.clone(), kept(settle, &known)?);
        let (user, identity, created) = match &decided.decision {
            Decision::Refuse { reason } => {
                return self.refuse(tx, settle, &known, &decided, *reason).await;
            }
            Decision::AskProof { asked } => {
                return self.ask_proof(tx, settle, &known, &decided, *asked).await;
            }
            Decision::SignIn { identity, identity_email, changes, .. } => {
                if let Some(email) = identity_email {
                    tx.run(KEEP_ADDRESS, args![identity, email]).await?;
                }
                let identity = identity.clone();
                let user = self.held(tx, known, &decided.decision).await?;
                let user = tx.change_by_rules(user, changes, connection.as_ref(), settle).await?;
                (user, identity, false)
            }
            Decision::Link { changes, .. } => {
                let user = self.held(tx, known, &decided.decision).await?;
                let user = tx.change_by_rules(user, changes, connection.as_ref(), settle).await?;
                let identity = self.insert_identity(tx, &settle.arrival, &user.id).await?;
                (user, identity, false)
            }
            Decision::Create(newcomer) => {
                let connection = connection.as_ref();
                let user =
                    self.insert_newcomer(tx, settle, newcomer, Status::Active, connection).await?;
                let identity = self.insert_identity(tx, &settle.arrival, &user.id).await?;
                (user, identity, true)
            }
            Decision::Hold(newcomer) => {
                return self.hold_newcomer(tx, settle, newcomer, &known, &decided).await;
            }
        };
        let origin = Origin {
            provider: Some(settle.arrival.external.provider.clone()),
            identity: Some(identity),
            attempt: settle.attempt.clone(),
        };
        let session =
            self.insert_session(tx, &user, &settle.session, origin, now_of(settle)).await?;
        let happened =
            Happened::done(action(settle)).about(&user.id).with("session", session.id.as_str());
        let happened = explained(happened, settle, &decided, kept)?;
        self.note(tx, &happened, &settle.by, now_of(settle)).await?;
        Ok(Settled::SignedIn {
            session: Box::new(session),
            user: Box::new(user),
            created,
            linked: matches!(decided.decision, Decision::Link { .. }),
            changed: decided.decision.changes().is_some_and(|changes| !changes.is_empty()),
        })
    }

    /// The user whom the decision lets in, held until the session is there.
    async fn held(&self, tx: &mut Tx, known: Known, decision: &Decision) -> Result<User, Fault> {
        let decided_on = user_of(known, decision)?;
        let user = tx.hold(&decided_on.id).await?;
        if user.status != decided_on.status {
            return Err(Fault::Again("the user's status changed during the decision".to_owned()));
        }
        Ok(user)
    }

    /// Makes the user who has to wait, with their identity, so that they are known when they come
    /// back; they are not signed in.
    async fn hold_newcomer(
        &self,
        tx: &mut Tx,
        settle: &Settle,
        newcomer: &Newcomer,
        known: &Known,
        decided: &Decided,
    ) -> Result<Settled, Fault> {
        let connection = known.connection.as_ref();
        let user = self.insert_newcomer(tx, settle, newcomer, Status::Held, connection).await?;
        self.insert_identity(tx, &settle.arrival, &user.id).await?;
        let reason = Refusal::UserHeld;
        let held = Happened::refused(action(settle), reason.code())
            .coded(settle.support_code.as_str())
            .about(&user.id);
        let held = explained(held, settle, decided, kept(settle, known)?)?;
        self.note(tx, &held, &settle.by, now_of(settle)).await?;
        Ok(Settled::Refused { reason, support_code: settle.support_code.clone() })
    }

    async fn refuse(
        &self,
        tx: &mut Tx,
        settle: &Settle,
        known: &Known,
        decided: &Decided,
        reason: Refusal,
    ) -> Result<Settled, Fault> {
        let refused = Happened::refused(action(settle), reason.code());
        self.note_refused(tx, settle, known, decided, refused).await?;
        Ok(Settled::Refused { reason, support_code: settle.support_code.clone() })
    }

    /// Nobody is in yet: what they shall show is remembered.
    async fn ask_proof(
        &self,
        tx: &mut Tx,
        settle: &Settle,
        known: &Known,
        decided: &Decided,
        asked: Asked,
    ) -> Result<Settled, Fault> {
        let proof = tx.insert_proof(settle, known, asked).await?;
        let asked = Happened::refused(action(settle), ASKED).with("proof", proof.as_str());
        self.note_refused(tx, settle, known, decided, asked).await?;
        Ok(Settled::AskedForProof { proof })
    }

    async fn note_refused(
        &self,
        tx: &mut Tx,
        settle: &Settle,
        known: &Known,
        decided: &Decided,
        refused: Happened,
    ) -> Result<(), Fault> {
        let mut refused = refused.coded(settle.support_code.as_str());
        refused.user = match (&known.linked, &known.candidate) {
            (Some(linked), _) => Some(linked.user.id.clone()),
            // Whoever has the address that somebody claims has no part in this until it counts.
            (None, Some(candidate)) if decided.considered_account() => {
                Some(candidate.user.id.clone())
            }
            (None, _) => None,
        };
        let refused = explained(refused, settle, decided, kept(settle, known)?)?;
        self.note(tx, &refused, &settle.by, now_of(settle)).await
    }

    async fn insert_newcomer(
        &self,
        tx: &mut Tx,
        settle: &Settle,
        newcomer: &Newcomer,
        status: Status,
        connection: Option<&Connection>,
    ) -> Result<User, Fault> {
        let door = &settle.arrival.application;
        let new = NewUser {
            user_type: door.user_type,
            population: door.population.clone(),
            email: newcomer.email.clone(),
            email_standing: newcomer.email_standing,
            name: newcomer.name.clone(),
            locale: newcomer.locale.clone(),
            status,
            birth: Birth::SingleSignOn,
        };
        let user = self.insert_user(tx, &new, now_of(settle)).await?;
        for group in &newcomer.groups {
            let grant = connection.map_or(Grant::Manual, Grant::of);
            tx.grant_if_there(group, &user, &grant, now_of(settle)).await?;
        }
        Ok(user)
    }

    pub(crate) async fn insert_identity(
        &self,
        tx: &mut Tx,
        arrival: &Arrival,
        user: &UserId,
    ) -> Result<IdentityId, Fault> {
        let Arrival { external, application: door, now, .. } = arrival;
        let id = IdentityId::new(*now, &self.entropy);
        tx.run(
            "INSERT INTO identities (id, user_type, population, provider_id, issuer, subject, \
             user_id, email, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            args![
                &id,
                door.user_type,
                &door.population,
                &external.provider,
                &external.issuer,
                &external.subject,
                user,
                external.email.as_ref().map(|email| email.as_typed()),
                *now,
            ],
        )
        .await?;
        Ok(id)
    }
}

/// What is kept of somebody who came by a trip, so that other policies can be tried on them.
fn kept(settle: &Settle, known: &Known) -> Result<Option<String>, Fault> {
    let Some(connection) = known.connection.as_ref().filter(|_| settle.attempt.is_some()) else {
        return Ok(None);
    };
    let Arrival { external, application, .. } = &settle.arrival;
    let policy = Policy::of(&connection.policy, &known.defaults, application.user_type);
    Ok(Some(to_json(&KeptArrival::of(external, &policy))?))
}

fn action(settle: &Settle) -> &'static str {
    if settle.attempt.is_some() { SIGN_IN } else { EXCHANGE }
}

/// The entry with the door, the provider, and the decision with every rule that was weighed.
fn explained(
    happened: Happened,
    settle: &Settle,
    decided: &Decided,
    arrival: Option<String>,
) -> Result<Happened, Fault> {
    let warning = decided.decision.changes().and_then(|changes| changes.warning);
    let Json::Object(decided) = serde_json::to_value(decided)? else {
        return Err(Fault::Final(Error::Broken("a decision is no JSON object".to_owned())));
    };
    let mut happened =
        happened.at(&settle.arrival.application.key).through(&settle.arrival.external.provider);
    if let Some(attempt) = &settle.attempt {
        happened = happened.with("attempt", attempt.as_str());
    }
    if let Some(warning) = warning {
        happened = happened.with("warning", warning.code());
    }
    happened.detail.extend(decided);
    happened.arrival = arrival;
    Ok(happened)
}
