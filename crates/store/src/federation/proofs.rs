//! Proofs: what people show before an account is linked, remembered once and settled once.

mod mailbox;

use identity::applications::ApplicationKey;
use identity::federation::decide::{Arrival, Decided, Decision, Known};
use identity::federation::proof::{Asked, Codes, PROOF_LIFE, Proof, Shown, WholeArrival};
use identity::federation::refusal::Refusal;
use identity::ids::{AttemptId, ProofId, ProviderId, UserId};
use identity::secret::Digest;
use identity::throttle::{Bucket, Counter};
use identity::time::Moment;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::db::{Mode, Tx, transact};
use crate::error::{Error, Fault, Result};
use crate::federation::settle::{Settle, Settled};
use crate::mails::NewMail;
use crate::passwords::{PasswordOutcome, VerifiedPassword};
use crate::row::{json, to_json};
use crate::value::args;

pub use mailbox::{CodeOutcome, MailboxProof, NewCode};

/// What a proof would be remembered under, should somebody be asked for one.
#[derive(Clone, Debug)]
pub struct NewProof {
    /// Name of the row.
    pub id: ProofId,
    /// Digest of the cookie of the browser that arrived.
    pub browser: Digest,
    /// Where the person wanted to go.
    pub return_to: String,
}

/// A proof that a browser holds.
#[derive(Clone, Copy, Debug)]
pub struct HeldProof<'a> {
    /// Which.
    pub id: &'a ProofId,
    /// Digest of the browser's cookie.
    pub browser: &'a Digest,
}

/// A password that was right, to be shown for an account and no more.
#[derive(Clone, Debug)]
pub struct PasswordProof<'a> {
    /// What it is shown for.
    pub proof: HeldProof<'a>,
    /// The password, and whose it is.
    pub password: VerifiedPassword<'a>,
    /// The door.
    pub application: &'a ApplicationKey,
    /// The counters that were reserved.
    pub buckets: &'a [Bucket],
    /// Who does it: a visitor, with the request's note.
    pub by: &'a By,
}

/// Somebody who came back from another provider, to show that an account is theirs.
#[derive(Clone, Debug)]
pub struct ProviderProof<'a> {
    /// What it is shown for.
    pub proof: HeldProof<'a>,
    /// By whom they came back.
    pub arrival: &'a Arrival,
    /// What they are shown, should it show nothing.
    pub support_code: &'a str,
    /// Who does it: a visitor, with the request's note.
    pub by: &'a By,
}

/// Everything that a proof is settled with.
#[derive(Clone, Debug)]
pub struct SettleProof {
    /// What was shown.
    pub proof: ProofId,
    /// Digest of the cookie of the browser that shows it.
    pub browser: Digest,
    /// As for whoever arrives; the arrival is the remembered one.
    pub settle: Settle,
    /// Tells the user of the new way into their account.
    pub notice: Option<NewMail>,
}

#[derive(sqlx::FromRow)]
struct ProofRow {
    id: String,
    browser_digest: String,
    application: String,
    provider_id: String,
    attempt_id: String,
    arrival: String,
    user_id: Option<String>,
    auth_time: Option<i64>,
    return_to: String,
    asked: String,
    account_shown_at: Option<i64>,
    mailbox_shown_at: Option<i64>,
    codes_sent: i64,
    code_tries: i64,
    settled_at: Option<i64>,
    expires_at: i64,
}

/// A count that the house wrote; an impossible one allows nothing.
fn at_most(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl ProofRow {
    fn read(self) -> std::result::Result<(Digest, Proof), Fault> {
        let kept: WholeArrival = json(&self.arrival)?;
        let proof = Proof {
            id: ProofId::from_stored(self.id),
            application: ApplicationKey::from_stored(self.application),
            attempt: AttemptId::from_stored(self.attempt_id),
            external: kept.external(ProviderId::from_stored(self.provider_id)),
            auth_time: self.auth_time.map(Moment::from_micros),
            return_to: self.return_to,
            asked: Asked::from_word(&self.asked)
                .ok_or_else(|| Fault::Final(Error::Broken(format!("asked for {}", self.asked))))?,
            shown: Shown {
                user: self.user_id.map(UserId::from_stored),
                account: self.account_shown_at.is_some(),
                mailbox: self.mailbox_shown_at.is_some(),
            },
            codes: Codes { sent: at_most(self.codes_sent), tries: at_most(self.code_tries) },
            settled: self.settled_at.is_some(),
            expires_at: Moment::from_micros(self.expires_at),
        };
        Ok((Digest::from_stored(self.browser_digest), proof))
    }
}

impl Store {
    /// A proof for this browser, if something can still be shown there; `AttemptUnknown` where there
    /// is none, or it was forgotten. It uses nothing up.
    pub async fn find_proof(
        &self,
        held: HeldProof<'_>,
        now: Moment,
    ) -> Result<std::result::Result<Proof, Refusal>> {
        const SQL: &str = "SELECT id, browser_digest, application, provider_id, attempt_id, \
             arrival, user_id, auth_time, return_to, asked, account_shown_at, mailbox_shown_at, \
             codes_sent, code_tries, settled_at, expires_at FROM proofs WHERE id = $1";
        let Some(row) = self.db.opt::<ProofRow>(SQL, args![held.id]).await? else {
            return Ok(Err(Refusal::AttemptUnknown));
        };
        let (bound_to, proof) = row.read()?;
        Ok(proof.open(&bound_to, held.browser, now).map(|()| proof))
    }

    /// Notes that a right password was shown for the account of a proof: looks again at everything
    /// that a sign-in looks at, and leaves what one leaves, but no session. A password of another
    /// account, or for a proof that is not open any more, shows nothing and comes out as one that
    /// was changed meanwhile.
    pub async fn complete_password_proof(
        &self,
        shown: &PasswordProof<'_>,
        counters: impl Fn(&[(Bucket, Option<Counter>)]) -> Vec<(Bucket, Option<Counter>)> + Sync,
        now: Moment,
    ) -> Result<PasswordOutcome> {
        let PasswordProof { proof, password, buckets, by, .. } = shown;
        transact!(self.db, Mode::Plain, |tx| {
            let user = match tx.accept_password(shown.application, password).await? {
                Ok(user) => user,
                Err(outcome) => return Ok(outcome),
            };
            if !tx.account_shown(*proof, &user.id, now).await? {
                return Ok(PasswordOutcome::PasswordChanged);
            }
            tx.remember_device(&user.id, proof.browser, now).await?;
            let happened = Happened::done("proof.password")
                .about(&user.id)
                .at(shown.application)
                .with("proof", proof.id.as_str())
                .with("rehashed", password.rehash.is_some());
            self.note(tx, &happened, by, now).await?;
            // The network's counter is shared with strangers, so its lock comes last.
            tx.change_counters(buckets, &counters, now).await?;
            Ok(PasswordOutcome::Shown { user: Box::new(user) })
        })
    }

    /// Decides about somebody who came back from another provider, and notes that they have shown
    /// the account of a proof if they would be signed in there as exactly that user. Nobody is
    /// signed in, and nothing about them is changed. Whether it was shown.
    pub async fn complete_provider_proof(
        &self,
        shown: &ProviderProof<'_>,
        decider: impl Fn(&Known) -> Decided + Sync,
    ) -> Result<bool> {
        let (proof, now) = (shown.proof, shown.arrival.now);
        transact!(self.db, Mode::Settle, |tx| {
            let known = tx.known(shown.arrival).await?;
            let decided = decider(&known);
            let user = match &decided.decision {
                Decision::SignIn { user, .. } => Some(user),
                _ => None,
            };
            let theirs = match user {
                Some(user) => tx.account_shown(proof, user, now).await?,
                None => false,
            };
            let mut happened = match &decided.decision {
                _ if theirs => Happened::done("proof.provider"),
                Decision::Refuse { reason } => Happened::refused("proof.provider", reason.code()),
                _ => Happened::refused("proof.provider", "not_the_account"),
            };
            if !theirs {
                happened = happened.coded(shown.support_code);
            }
            happened.user = user.cloned();
            let happened = happened
                .at(&shown.arrival.application.key)
                .through(&shown.arrival.external.provider)
                .with("proof", proof.id.as_str())
                .with("rules", serde_json::to_value(&decided.rules)?);
            self.note(tx, &happened, shown.by, now).await?;
            Ok(theirs)
        })
    }

    /// Settles a proof: takes it, of any number of callers once, decides with `decider` on the facts
    /// as they are then, and carries out what it says. `Err` where nothing can come of it any more.
    pub async fn settle_proof(
        &self,
        settle: &SettleProof,
        decider: impl Fn(&Known) -> Decided + Sync,
    ) -> Result<std::result::Result<Settled, Refusal>> {
        const TAKE: &str = "UPDATE proofs SET settled_at = $3 WHERE id = $1 \
             AND browser_digest = $2 AND settled_at IS NULL AND expires_at > $3";
        let now = settle.settle.arrival.now;
        transact!(self.db, Mode::Settle, |tx| {
            // The user first, as everywhere, so that nobody waits crosswise.
            let shown = settle.settle.arrival.shown.as_ref();
            if let Some(user) = shown.and_then(|shown| shown.user.as_ref()) {
                tx.lock_user(user).await?;
            }
            let taken = tx.run(TAKE, args![&settle.proof, &settle.browser, now]).await?;
            if taken != 1 {
                return Ok(Err(Refusal::AttemptReplayed));
            }
            let known = tx.known(&settle.settle.arrival).await?;
            let decided = decider(&known);
            let settled = self.carry_out(tx, &settle.settle, known, decided).await?;
            if let (Settled::SignedIn { linked: true, .. }, Some(notice)) =
                (&settled, &settle.notice)
            {
                tx.insert_mail(notice, now).await?;
            }
            Ok(Ok(settled))
        })
    }
}

impl Tx {
    /// Remembers what somebody shall show. Whoever has the address is kept with it, or nobody.
    pub(super) async fn insert_proof(
        &mut self,
        settle: &Settle,
        known: &Known,
        asked: Asked,
    ) -> std::result::Result<ProofId, Fault> {
        const SQL: &str = "INSERT INTO proofs (id, browser_digest, application, provider_id, \
             attempt_id, arrival, user_id, auth_time, return_to, asked, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
        let broken = |what: &str| Fault::Final(Error::Broken(what.to_owned()));
        let new = settle.proof.as_ref().ok_or_else(|| broken("nobody can be asked for proof"))?;
        let attempt = settle.attempt.as_ref().ok_or_else(|| broken("a proof is of a trip"))?;
        let Arrival { external, application, now, .. } = &settle.arrival;
        let values = args![
            &new.id,
            &new.browser,
            &application.key,
            &external.provider,
            attempt,
            to_json(&WholeArrival::of(external))?,
            known.candidate.as_ref().map(|candidate| &candidate.user.id),
            settle.session.auth_time,
            &new.return_to,
            asked.as_str(),
            *now,
            now.plus(PROOF_LIFE),
        ];
        self.run(SQL, values).await?;
        Ok(new.id.clone())
    }

    /// Notes that the account of an open proof was shown, if it is this user's, and its turn.
    async fn account_shown(
        &mut self,
        held: HeldProof<'_>,
        user: &UserId,
        now: Moment,
    ) -> std::result::Result<bool, Fault> {
        const SQL: &str = "UPDATE proofs SET account_shown_at = $4 WHERE id = $1 \
             AND browser_digest = $2 AND user_id = $3 AND settled_at IS NULL AND expires_at > $4 \
             AND (asked = 'account' OR mailbox_shown_at IS NOT NULL)";
        Ok(self.run(SQL, args![held.id, held.browser, user, now]).await? == 1)
    }
}
