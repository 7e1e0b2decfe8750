//! Clients that have to be told that a session is over: written where it ends, and handed to one
//! worker at a time.

use std::time::Duration;

use identity::applications::ApplicationKey;
use identity::ids::{ClientId, IdentityId, ProviderId, PublicId, SessionId, UserId};
use identity::time::Moment;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::db::{Mode, Tx, transact};
use crate::error::{Fault, Result};
use crate::value::args;

/// A client that a worker has for itself to tell, until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedLogout {
    /// The session that is over.
    pub session: SessionId,
    /// Who has seen it.
    pub client: ClientId,
    /// Whose it was.
    pub user: UserId,
    /// `sub` of that user.
    pub subject: PublicId,
    /// How often it was leased, this time included.
    pub tries: u32,
}

/// What came of telling a client, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutOutcome {
    /// It is over there, too.
    Done,
    /// The client said that it cannot or will not.
    Refused,
    /// The client was away for too long.
    GivenUp,
    /// The client wants to hear of nothing any more.
    NotWanted,
}

impl LogoutOutcome {
    /// The word for it in the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::GivenUp => "given_up",
            Self::NotWanted => "not_wanted",
        }
    }
}

#[derive(sqlx::FromRow)]
struct LogoutRow {
    session_id: String,
    user_id: String,
    public_id: String,
    tries: i64,
}

/// Everybody who has a grant of the session has seen it, the grants included that were given back
/// since or that outlive it (Back-Channel Logout 1.0 section 2.7).
macro_rules! insert_logouts {
    ($of:literal) => {
        concat!(
            "INSERT INTO back_channel_logouts (session_id, client_id, user_id, created_at, due_at, \
             tries) SELECT DISTINCT s.id, c.id, s.user_id, $2, $2, 0 FROM sessions s \
             JOIN grants g ON g.session_id = s.id JOIN clients c ON c.id = g.client_id \
             WHERE c.backchannel_logout_uri IS NOT NULL AND s.ended_at IS NULL AND ",
            $of,
            // It may have been told before, when the session ended for its application alone.
            " ON CONFLICT (session_id, client_id) DO UPDATE SET created_at = $2, due_at = $2, \
             tries = 0"
        )
    };
}

const HOLD_THOSE_OF_PROVIDER: &str = "UPDATE users SET status = status WHERE id IN \
     (SELECT user_id FROM sessions WHERE provider_id = $1 AND ended_at IS NULL)";

impl Store {
    /// How many clients have yet to be told of a session's end: one for each of both.
    pub async fn count_back_channel_logouts(&self) -> Result<u64> {
        const SQL: &str = "SELECT count(*) FROM back_channel_logouts WHERE due_at IS NOT NULL";
        let (waiting,): (i64,) = self.db.one(SQL, args![]).await?;
        Ok(u64::try_from(waiting).unwrap_or(0))
    }

    /// The clients that somebody is due to be told about.
    pub async fn list_clients_due_a_logout(&self, now: Moment) -> Result<Vec<ClientId>> {
        const SQL: &str = "SELECT DISTINCT client_id FROM back_channel_logouts \
                           WHERE due_at <= $1 ORDER BY client_id";
        let rows: Vec<(String,)> = self.db.all(SQL, args![now]).await?;
        Ok(rows.into_iter().map(|(id,)| ClientId::from_stored(id)).collect())
    }

    /// Takes up to `limit` logouts that are due at one client, for `lease`. Two workers never get
    /// the same one, and what a worker dies over is due again when its lease ends.
    pub async fn lease_back_channel_logouts(
        &self,
        client: &ClientId,
        now: Moment,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<LeasedLogout>> {
        // As for mails: who waits for another worker's update looks at the row again.
        const SQL: &str = "UPDATE back_channel_logouts SET due_at = $2, tries = tries + 1 \
             WHERE client_id = $4 AND due_at <= $1 AND session_id IN \
             (SELECT d.session_id FROM back_channel_logouts d WHERE d.client_id = $4 \
             AND d.due_at <= $1 ORDER BY d.due_at, d.session_id LIMIT $3) \
             RETURNING session_id, user_id, tries, (SELECT u.public_id FROM users u \
             WHERE u.id = back_channel_logouts.user_id) AS public_id";
        let rows: Vec<LogoutRow> = transact!(self.db, Mode::Plain, |tx| {
            tx.all(SQL, args![now, now.plus(lease), limit, client]).await
        })?;
        let leased = |row: LogoutRow| LeasedLogout {
            session: SessionId::from_stored(row.session_id),
            client: client.clone(),
            user: UserId::from_stored(row.user_id),
            subject: PublicId::from_stored(row.public_id),
            tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
        };
        Ok(rows.into_iter().map(leased).collect())
    }

    /// Notes why a client has not been told; the next try is due at `next`.
    pub async fn put_off_back_channel_logout(
        &self,
        leased: &LeasedLogout,
        error: &str,
        next: Moment,
    ) -> Result<()> {
        const SQL: &str = "UPDATE back_channel_logouts SET due_at = $3, last_error = $4 \
                           WHERE session_id = $1 AND client_id = $2 AND due_at IS NOT NULL";
        let values = args![&leased.session, &leased.client, next, error];
        transact!(self.db, Mode::Plain, |tx| tx.run(SQL, values.clone()).await.map(|_| ()))
    }

    /// Notes what came of it, here and in the audit; once, whoever else comes with the same.
    pub async fn end_back_channel_logout(
        &self,
        leased: &LeasedLogout,
        application: Option<&ApplicationKey>,
        outcome: LogoutOutcome,
        said: &str,
        now: Moment,
    ) -> Result<()> {
        const SQL: &str = "UPDATE back_channel_logouts SET due_at = NULL, last_error = $3 \
                           WHERE session_id = $1 AND client_id = $2 AND due_at IS NOT NULL";
        let happened = Happened {
            action: "client.logout",
            outcome: outcome.as_str(),
            application: application.cloned(),
            ..Happened::default()
        };
        let happened = happened
            .about(&leased.user)
            .with("client", leased.client.as_str())
            .with("session", leased.session.as_str())
            .with("tries", leased.tries)
            .with("said", said);
        transact!(self.db, Mode::Plain, |tx| {
            match tx.run(SQL, args![&leased.session, &leased.client, said]).await? {
                0 => Ok(()),
                _ => self.note(tx, &happened, &By::system(), now).await,
            }
        })
    }
}

impl Tx {
    /// Before a session ends: whom to tell. Whoever redeems a code holds the session's user, so
    /// that nobody gets a grant of a session whose clients have been told; the caller must hold
    /// them, too. A client that cannot tell sessions apart hears nothing while the same browser
    /// is signed in anew: it would sign the person out who has just come.
    pub(crate) async fn insert_logouts_of_session(
        &mut self,
        session: &SessionId,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = insert_logouts!(
            "s.id = $1 AND (c.backchannel_logout_session_required OR NOT EXISTS \
             (SELECT 1 FROM sessions o WHERE o.user_id = s.user_id AND o.id <> s.id \
             AND o.browser_digest = s.browser_digest AND o.ended_at IS NULL))"
        );
        self.run(SQL, args![session, now]).await.map(|_| ())
    }

    /// Before all sessions of a user end, but one if named. The caller holds the user.
    pub(crate) async fn insert_logouts_of_user(
        &mut self,
        user: &UserId,
        except: &str,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = insert_logouts!("s.user_id = $1 AND s.id <> $3");
        self.run(SQL, args![user, now, except]).await.map(|_| ())
    }

    /// Before all sessions end that came by a provider. It holds their users.
    pub(crate) async fn insert_logouts_of_provider(
        &mut self,
        provider: &ProviderId,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = insert_logouts!("s.provider_id = $1");
        self.run(HOLD_THOSE_OF_PROVIDER, args![provider]).await?;
        self.run(SQL, args![provider, now]).await.map(|_| ())
    }

    /// Before a user's sessions end that came by an identity. The caller holds the user.
    pub(crate) async fn insert_logouts_of_identity(
        &mut self,
        user: &UserId,
        identity: &IdentityId,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = insert_logouts!("s.user_id = $1 AND s.identity_id = $3");
        self.run(SQL, args![user, now, identity]).await.map(|_| ())
    }

    /// Before a provider's people lose what an application's clients have got from them: whom of
    /// those clients to tell. It holds the people, so that nobody redeems a code meanwhile.
    pub(crate) async fn insert_logouts_by_provider(
        &mut self,
        provider: &ProviderId,
        application: &ApplicationKey,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str =
            insert_logouts!("s.provider_id = $1 AND c.application = $3 AND g.revoked_at IS NULL");
        self.run(HOLD_THOSE_OF_PROVIDER, args![provider]).await?;
        self.run(SQL, args![provider, now, application]).await.map(|_| ())
    }

    /// The same for people who came by a password.
    pub(crate) async fn insert_logouts_by_password(
        &mut self,
        application: &ApplicationKey,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const HOLD_USERS: &str = "UPDATE users SET status = status WHERE id IN \
             (SELECT s.user_id FROM sessions s JOIN applications a ON a.user_type = s.user_type \
             WHERE a.key = $1 AND s.provider_id IS NULL AND s.ended_at IS NULL)";
        const SQL: &str = insert_logouts!(
            "s.provider_id IS NULL AND c.application = $1 AND g.revoked_at IS NULL"
        );
        self.run(HOLD_USERS, args![application]).await?;
        self.run(SQL, args![application, now]).await.map(|_| ())
    }
}
