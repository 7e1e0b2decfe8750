//! Trips to a provider: remembered when they begin, taken once when they end.

use identity::applications::ApplicationKey;
use identity::federation::attempt::{Asker, Attempt, Intent};
use identity::ids::{AttemptId, ProofId, ProviderId, SessionId, UserId};
use identity::secret::{Digest, Secret};
use identity::sessions::Session;
use identity::time::Moment;

use crate::Store;
use crate::db::{Mode, transact};
use crate::error::Result;
use crate::row::{Maybe, micros, span};
use crate::sessions::{SessionRow, session_columns};
use crate::value::args;

/// What became of a browser's claim to a trip.
#[derive(Clone, Debug)]
pub enum Recalled {
    /// It is the browser's, it is in time, and nobody can take it again.
    Taken(Attempt),
    /// This browser took it before.
    Replayed {
        /// The trip; its return target is where a quiet reload goes.
        attempt: Attempt,
        /// The session that it made, unless somebody ended it; ask `Session::at` whether it
        /// still lives.
        session: Option<Box<Session>>,
    },
    /// This browser's, but too late.
    Expired(Attempt),
    /// Another browser began it, or this one has lost its cookie since. Not taken; told is only
    /// what somebody needs to begin anew, and only to who has the whole state.
    ForeignBrowser {
        /// Where it began.
        application: ApplicationKey,
        /// Where the person wanted to go.
        return_to: String,
    },
    /// No such trip, or so long ago that it is forgotten.
    Unknown,
}

/// Columns of an attempt, for a table or alias `attempts`.
macro_rules! attempt_columns {
    () => {
        "attempts.id AS a_id, attempts.application AS a_application, \
         attempts.provider_id AS a_provider_id, attempts.redirect_uri AS a_redirect_uri, \
         attempts.nonce AS a_nonce, attempts.verifier AS a_verifier, \
         attempts.link_user AS a_link_user, attempts.link_session AS a_link_session, \
         attempts.proof AS a_proof, \
         attempts.return_to AS a_return_to, attempts.max_age AS a_max_age, \
         attempts.created_at AS a_created_at, \
         attempts.expires_at AS a_expires_at"
    };
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    a_id: String,
    a_application: String,
    a_provider_id: String,
    a_redirect_uri: String,
    a_nonce: String,
    a_verifier: Option<String>,
    a_link_user: Option<String>,
    a_link_session: Option<String>,
    a_proof: Option<String>,
    a_return_to: String,
    a_max_age: Option<i64>,
    a_created_at: i64,
    a_expires_at: i64,
}

impl AttemptRow {
    fn read(self) -> Attempt {
        let intent = match (self.a_link_user, self.a_link_session, self.a_proof) {
            (Some(user), Some(session), _) => Intent::Link(Asker {
                user: UserId::from_stored(user),
                session: SessionId::from_stored(session),
            }),
            (_, _, Some(proof)) => Intent::Prove(ProofId::from_stored(proof)),
            _ => Intent::SignIn,
        };
        Attempt {
            id: AttemptId::from_stored(self.a_id),
            application: ApplicationKey::from_stored(self.a_application),
            provider: ProviderId::from_stored(self.a_provider_id),
            redirect_uri: self.a_redirect_uri,
            nonce: Secret::new(self.a_nonce),
            verifier: self.a_verifier.map(Secret::new),
            intent,
            return_to: self.a_return_to,
            max_age: self.a_max_age.map(span),
            created_at: Moment::from_micros(self.a_created_at),
            expires_at: Moment::from_micros(self.a_expires_at),
        }
    }
}

#[derive(sqlx::FromRow)]
struct SpentRow {
    browser_digest: String,
    taken_at: Option<i64>,
    #[sqlx(flatten)]
    attempt: AttemptRow,
    #[sqlx(flatten)]
    session: Maybe<SessionRow>,
}

impl Store {
    /// Remembers a trip under the digest of its state, for the browser that begins it.
    pub async fn add_attempt(
        &self,
        state: &Digest,
        browser: &Digest,
        attempt: &Attempt,
    ) -> Result<()> {
        let (asker, proof) = match &attempt.intent {
            Intent::Link(asker) => (Some(asker), None),
            Intent::Prove(proof) => (None, Some(proof)),
            Intent::SignIn => (None, None),
        };
        transact!(self.db, Mode::Plain, |tx| {
            tx.run(
                "INSERT INTO attempts (state_digest, browser_digest, id, application, \
                 provider_id, redirect_uri, nonce, verifier, link_user, link_session, proof, \
                 return_to, max_age, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
                args![
                    state,
                    browser,
                    &attempt.id,
                    &attempt.application,
                    &attempt.provider,
                    &attempt.redirect_uri,
                    attempt.nonce.expose(),
                    attempt.verifier.as_ref().map(Secret::expose),
                    asker.map(|asker| &asker.user),
                    asker.map(|asker| &asker.session),
                    proof,
                    &attempt.return_to,
                    attempt.max_age.map(micros),
                    attempt.created_at,
                    attempt.expires_at,
                ],
            )
            .await
            .map(|_| ())
        })
    }

    /// Takes a trip: one conditional update, so that of any number of callers exactly one gets
    /// it. Only when there is nothing to take does a second statement find out why. A foreign
    /// browser uses nothing up, so that nobody can spoil somebody else's trip.
    pub async fn take_attempt(
        &self,
        state: &Digest,
        browser: &Digest,
        now: Moment,
    ) -> Result<Recalled> {
        const TAKE: &str = concat!(
            "UPDATE attempts SET taken_at = $3 WHERE state_digest = $1 AND browser_digest = $2 \
             AND taken_at IS NULL AND expires_at > $3 RETURNING ",
            attempt_columns!()
        );
        let taken: Option<AttemptRow> = self.db.write_opt(TAKE, args![state, browser, now]).await?;
        match taken {
            Some(row) => Ok(Recalled::Taken(row.read())),
            None => self.why_not_taken(state, browser).await,
        }
    }

    async fn why_not_taken(&self, state: &Digest, browser: &Digest) -> Result<Recalled> {
        const SPENT: &str = concat!(
            "SELECT attempts.browser_digest, attempts.taken_at, ",
            attempt_columns!(),
            ", ",
            session_columns!(),
            " FROM attempts LEFT JOIN sessions s ON s.attempt_id = attempts.id \
             AND s.ended_at IS NULL WHERE attempts.state_digest = $1"
        );
        let Some(spent) = self.db.opt::<SpentRow>(SPENT, args![state]).await? else {
            return Ok(Recalled::Unknown);
        };
        if spent.browser_digest != browser.as_str() {
            let Attempt { application, return_to, .. } = spent.attempt.read();
            return Ok(Recalled::ForeignBrowser { application, return_to });
        }
        let attempt = spent.attempt.read();
        if spent.taken_at.is_none() {
            return Ok(Recalled::Expired(attempt));
        }
        let session = spent.session.0.map(SessionRow::read).transpose()?.map(Box::new);
        Ok(Recalled::Replayed { attempt, session })
    }
}
