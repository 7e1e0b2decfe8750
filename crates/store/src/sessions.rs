//! Sessions: begun by a sign-in, found by their cookie's digest, ended at once in every process.

use identity::applications::ApplicationKey;
use identity::ids::{AttemptId, IdentityId, OrganisationId, ProviderId, SessionId, UserId};
use identity::secret::Digest;
use identity::sessions::{Method, Session, SessionTimes};
use identity::time::Moment;
use identity::users::{Population, User};

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Fault, Result};
use crate::row::{Keyed, json, micros, span, to_json, word};
use crate::users::{UserRow, user_columns};
use crate::value::args;

/// What a session begins with, whoever signs in.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Digest of the cookie's value; a fresh one for every sign-in.
    pub token: Digest,
    /// The door.
    pub application: ApplicationKey,
    /// How the person proved who they are.
    pub methods: Vec<Method>,
    /// When they did, if anybody knows.
    pub auth_time: Option<Moment>,
    /// Its limits.
    pub times: SessionTimes,
    /// The organisation that it acts for.
    pub organisation: Option<OrganisationId>,
    /// Digest of the browser's long-lived cookie.
    pub browser: Option<Digest>,
    /// The `User-Agent` header, shortened, for the list of sessions.
    pub user_agent: Option<String>,
}

/// By what a session came, besides a password.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) provider: Option<ProviderId>,
    pub(crate) identity: Option<IdentityId>,
    pub(crate) attempt: Option<AttemptId>,
}

/// A session as a door needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSession {
    /// The session, perhaps ended or expired: ask `identity::sessions::admit`.
    pub session: Session,
    /// Its user, as they are now.
    pub user: User,
    /// The doors that the session's provider is connected to while it is enabled; none of them for a
    /// session that came by no provider.
    pub connected: Vec<ApplicationKey>,
}

/// A session in the list that its owner reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSession {
    /// The session, perhaps over by time.
    pub session: Session,
    /// What its browser called itself, shortened.
    pub user_agent: Option<String>,
}

/// Why a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// By its owner.
    SignedOut,
    /// By an administrator or the operator.
    Ended,
    /// The user is not active any more.
    UserNotActive,
    /// The password was changed or reset.
    PasswordChanged,
    /// The same browser signed in anew.
    Replaced,
    /// The provider that vouched for the person was switched off.
    ProviderDisabled,
    /// The identity that it came by was unlinked.
    Unlinked,
}

impl EndReason {
    /// The word for it in data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Ended => "ended",
            Self::UserNotActive => "user_not_active",
            Self::PasswordChanged => "password_changed",
            Self::Replaced => "replaced",
            Self::ProviderDisabled => "provider_disabled",
            Self::Unlinked => "unlinked",
        }
    }
}

/// Columns of a session, for an alias `s`.
macro_rules! session_columns {
    () => {
        "s.id AS s_id, s.user_id AS s_user_id, s.user_type AS s_user_type, \
         s.population AS s_population, s.application AS s_application, \
         s.provider_id AS s_provider_id, s.identity_id AS s_identity_id, \
         s.organisation_id AS s_organisation_id, s.methods AS s_methods, \
         s.began_at AS s_began_at, s.auth_time AS s_auth_time, s.last_used_at AS s_last_used_at, s.idle AS s_idle, \
         s.absolute AS s_absolute, s.ended_at AS s_ended_at"
    };
}
pub(crate) use session_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct SessionRow {
    s_id: String,
    s_user_id: String,
    s_user_type: String,
    s_population: String,
    s_application: String,
    s_provider_id: Option<String>,
    s_identity_id: Option<String>,
    s_organisation_id: Option<String>,
    s_methods: String,
    s_began_at: i64,
    s_auth_time: Option<i64>,
    s_last_used_at: i64,
    s_idle: i64,
    s_absolute: i64,
    s_ended_at: Option<i64>,
}

impl Keyed for SessionRow {
    const KEY: &'static str = "s_id";
}

impl SessionRow {
    pub(crate) fn read(self) -> std::result::Result<Session, Fault> {
        Ok(Session {
            id: SessionId::from_stored(self.s_id),
            user: UserId::from_stored(self.s_user_id),
            user_type: word(&self.s_user_type)?,
            population: Population::from_stored(self.s_population),
            application: ApplicationKey::from_stored(self.s_application),
            provider: self.s_provider_id.map(ProviderId::from_stored),
            identity: self.s_identity_id.map(IdentityId::from_stored),
            organisation: self.s_organisation_id.map(OrganisationId::from_stored),
            methods: json(&self.s_methods)?,
            began_at: Moment::from_micros(self.s_began_at),
            auth_time: self.s_auth_time.map(Moment::from_micros),
            last_used_at: Moment::from_micros(self.s_last_used_at),
            times: SessionTimes { idle: span(self.s_idle), absolute: span(self.s_absolute) },
            ended_at: self.s_ended_at.map(Moment::from_micros),
        })
    }
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    #[sqlx(flatten)]
    session: SessionRow,
    #[sqlx(flatten)]
    user: UserRow,
    connected: Option<String>,
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    session: SessionRow,
    user_agent: Option<String>,
}

impl Store {
    /// The session behind a cookie, with everything a door asks about it, in one statement.
    pub async fn find_session(&self, token: &Digest) -> Result<Option<FoundSession>> {
        const SQL: &str = concat!(
            "SELECT ",
            session_columns!(),
            ", ",
            user_columns!(),
            ", c.application AS connected FROM sessions s JOIN users u ON u.id = s.user_id \
             LEFT JOIN providers p ON p.id = s.provider_id AND p.state = 'enabled' \
             LEFT JOIN connections c ON c.provider_id = p.id WHERE s.digest = $1"
        );
        // One row per connected door; the session and the user are the same in each.
        let mut rows: Vec<FoundRow> = self.db.all(SQL, args![token]).await?;
        let connected = rows
            .iter_mut()
            .filter_map(|row| row.connected.take().map(ApplicationKey::from_stored))
            .collect();
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        Ok(Some(FoundSession { session: row.session.read()?, user: row.user.read()?, connected }))
    }

    /// Every session of a user that nobody ended, the latest first; some may be over by time.
    pub async fn list_sessions(&self, user: &UserId) -> Result<Vec<Session>> {
        const SQL: &str = concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions s WHERE s.user_id = $1 AND s.ended_at IS NULL ORDER BY s.id DESC"
        );
        let rows: Vec<SessionRow> = self.db.all(SQL, args![user]).await?;
        Ok(rows.into_iter().map(SessionRow::read).collect::<std::result::Result<_, _>>()?)
    }

    /// The same with the browser of each, for its owner to recognise.
    pub async fn list_sessions_with_devices(&self, user: &UserId) -> Result<Vec<ListedSession>> {
        const SQL: &str = concat!(
            "SELECT ",
            session_columns!(),
            ", s.user_agent FROM sessions s WHERE s.user_id = $1 AND s.ended_at IS NULL \
             ORDER BY s.id DESC"
        );
        let rows: Vec<ListedRow> = self.db.all(SQL, args![user]).await?;
        let listed = rows.into_iter().map(|row| {
            Ok(ListedSession { session: row.session.read()?, user_agent: row.user_agent })
        });
        Ok(listed.collect::<std::result::Result<_, Fault>>()?)
    }

    /// Ends the session with this id, and has the clients told that have seen it; false when it
    /// had ended already or never was.
    pub async fn end_session(
        &self,
        id: &SessionId,
        reason: EndReason,
        by: &By,
        now: Moment,
    ) -> Result<bool> {
        const SQL: &str = "UPDATE sessions SET ended_at = $2, end_reason = $3 \
                           WHERE id = $1 AND ended_at IS NULL RETURNING user_id";
        const HOLD_USER: &str = "UPDATE users SET status = status WHERE id = \
                                 (SELECT user_id FROM sessions WHERE id = $1)";
        transact!(self.db, Mode::Plain, |tx| {
            tx.run(HOLD_USER, args![id]).await?;
            tx.insert_logouts_of_session(id, now).await?;
            let ended: Option<(String,)> = tx.opt(SQL, args![id, now, reason.as_str()]).await?;
            let Some((user,)) = ended else { return Ok(false) };
            let happened = Happened::done("session.end")
                .about(&UserId::from_stored(user))
                .with("session", id.as_str())
                .with("reason", reason.as_str());
            self.note(tx, &happened, by, now).await?;
            tx.changed(&[(ChangeKind::Session, id.as_str())], now).await?;
            Ok(true)
        })
    }

    /// Ends every session of a user, but one if named, and has the clients told; says how many.
    pub async fn end_user_sessions(
        &self,
        user: &UserId,
        except: Option<&SessionId>,
        by: &By,
        now: Moment,
    ) -> Result<u64> {
        transact!(self.db, Mode::Plain, |tx| {
            tx.lock_user(user).await?;
            let own = by.actor.user() == Some(user);
            let reason = if own { EndReason::SignedOut } else { EndReason::Ended };
            let ended = tx.end_sessions(user, except, reason, now).await?;
            let happened = Happened::done("session.end_all").about(user).with("ended", ended);
            self.note(tx, &happened, by, now).await?;
            tx.changed(&[(ChangeKind::User, user.as_str())], now).await?;
            Ok(ended)
        })
    }

    /// Writes when sessions were last used. Only ever forward in time, so that batches of
    /// several processes may arrive in any order.
    pub async fn touch_sessions(&self, used: &[(SessionId, Moment)]) -> Result<()> {
        const SQL: &str = "UPDATE sessions SET last_used_at = $2 \
                           WHERE id = $1 AND last_used_at < $2 AND ended_at IS NULL";
        // In one order everywhere, so that two batches never wait for each other.
        let mut used = used.to_vec();
        used.sort();
        transact!(self.db, Mode::Plain, |tx| {
            for (id, at) in &used {
                tx.run(SQL, args![id, *at]).await?;
            }
            Ok(())
        })
    }

    pub(crate) async fn insert_session(
        &self,
        tx: &mut Tx,
        user: &User,
        new: &NewSession,
        origin: Origin,
        now: Moment,
    ) -> std::result::Result<Session, Fault> {
        let session = Session {
            id: SessionId::new(now, &self.entropy),
            user: user.id.clone(),
            user_type: user.user_type,
            population: user.population.clone(),
            application: new.application.clone(),
            provider: origin.provider,
            identity: origin.identity,
            organisation: new.organisation.clone(),
            methods: new.methods.clone(),
            began_at: now,
            auth_time: new.auth_time,
            last_used_at: now,
            times: new.times,
            ended_at: None,
        };
        tx.run(
            "INSERT INTO sessions (digest, id, user_id, user_type, population, application, \
             provider_id, identity_id, organisation_id, attempt_id, methods, began_at, \
             last_used_at, auth_time, idle, absolute, expires_at, browser_digest, user_agent) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, $14, $15, $16, \
             $17, $18)",
            args![
                &new.token,
                &session.id,
                &session.user,
                session.user_type,
                &session.population,
                &session.application,
                session.provider.as_ref(),
                session.identity.as_ref(),
                session.organisation.as_ref(),
                origin.attempt.as_ref(),
                to_json(&session.methods)?,
                now,
                session.auth_time,
                micros(new.times.idle),
                micros(new.times.absolute),
                now.plus(new.times.absolute),
                new.browser.as_ref(),
                &new.user_agent,
            ],
        )
        .await?;
        Ok(session)
    }
}

impl Tx {
    /// Ends a user's sessions, and what outlives sessions, and has the clients told; the caller
    /// holds the user and appends their change.
    pub(crate) async fn end_sessions(
        &mut self,
        user: &UserId,
        except: Option<&SessionId>,
        reason: EndReason,
        now: Moment,
    ) -> std::result::Result<u64, Fault> {
        const SQL: &str = "UPDATE sessions SET ended_at = $2, end_reason = $3 \
                           WHERE user_id = $1 AND ended_at IS NULL AND id <> $4";
        let except = except.map_or("", SessionId::as_str);
        self.insert_logouts_of_user(user, except, now).await?;
        let ended = self.run(SQL, args![user, now, reason.as_str(), except]).await?;
        self.revoke_offline_grants(user, now).await?;
        Ok(ended)
    }

    /// Ends every session that came by a provider, and what outlives those, and has the clients
    /// told; says how many. The caller appends the change of the provider.
    pub(crate) async fn end_provider_sessions(
        &mut self,
        provider: &ProviderId,
        now: Moment,
    ) -> std::result::Result<u64, Fault> {
        const SQL: &str = "UPDATE sessions SET ended_at = $2, end_reason = $3 \
                           WHERE provider_id = $1 AND ended_at IS NULL";
        self.insert_logouts_of_provider(provider, now).await?;
        self.revoke_offline_grants_by(provider, now).await?;
        self.run(SQL, args![provider, now, EndReason::ProviderDisabled.as_str()]).await
    }
}
