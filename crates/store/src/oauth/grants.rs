//! Grants: begun by a code, carried on by refresh tokens, ended for good.

use identity::applications::ApplicationKey;
use identity::ids::{ClientId, GrantId, IdentityId, OrganisationId, ProviderId, SessionId, UserId};
use identity::oauth::grants::Grant;
use identity::oauth::refresh::{Presented, Refresh, refresh};
use identity::sessions::{Method, Session};
use identity::time::Moment;
use identity::users::User;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Error, Fault, Result};
use crate::row::{Maybe, json, to_json};
use crate::sessions::{SessionRow, session_columns};
use crate::users::{UserRow, user_columns};
use crate::value::args;

/// Why a grant was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeReason {
    /// Its code was used twice.
    CodeReplayed,
    /// One of its refresh tokens was used twice.
    RefreshReplayed,
    /// The client gave it back (RFC 7009).
    GivenBack,
    /// The user signed out everywhere, was deactivated, or has a new password.
    UserEnded,
    /// The provider that vouched for the user was switched off.
    ProviderDisabled,
    /// The client's application does not know the provider any more.
    ProviderDisconnected,
    /// The client's application takes no passwords any more, and the user came by one.
    LocalLoginClosed,
    /// The client was removed.
    ClientRemoved,
}

impl RevokeReason {
    /// The word for it in data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CodeReplayed => "code_replayed",
            Self::RefreshReplayed => "refresh_replayed",
            Self::GivenBack => "given_back",
            Self::UserEnded => "user_ended",
            Self::ProviderDisabled => "provider_disabled",
            Self::ProviderDisconnected => "provider_disconnected",
            Self::LocalLoginClosed => "local_login_closed",
            Self::ClientRemoved => "client_removed",
        }
    }
}

/// A grant with whoever is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundGrant {
    /// The grant, perhaps over.
    pub grant: Grant,
    /// Its user, as they are now.
    pub user: User,
    /// The session that it was given in, unless that is forgotten already.
    pub session: Option<Session>,
}

impl FoundGrant {
    /// Whether tokens of this grant hold.
    pub fn holds(&self, now: Moment) -> bool {
        self.grant.holds(&self.user, self.session.as_ref(), now)
    }
}

/// What came of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The family goes on; the grant holds the number of its newest token.
    Carried(Box<FoundGrant>),
    /// It was used before; the family is revoked now.
    Replayed(GrantId),
    /// The family is over, or is not this client's or this key's.
    Over,
}

macro_rules! grant_columns {
    () => {
        "g.id AS g_id, g.client_id AS g_client_id, g.user_id AS g_user_id, \
         g.session_id AS g_session_id, g.offline AS g_offline, g.scopes AS g_scopes, \
         g.resources AS g_resources, g.organisation_id AS g_organisation_id, \
         g.methods AS g_methods, g.auth_time AS g_auth_time, g.dpop_jkt AS g_dpop_jkt, \
         g.generation AS g_generation, g.refreshed_at AS g_refreshed_at, \
         g.created_at AS g_created_at, g.revoked_at AS g_revoked_at"
    };
}

/// Whether somebody came by the provider `$1`, of a row of grants.
macro_rules! came_by {
    () => {
        "(session_id IN (SELECT s.id FROM sessions s WHERE s.provider_id = $1) \
         OR (user_id IN (SELECT i.user_id FROM identities i WHERE i.provider_id = $1) \
         AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = grants.session_id)))"
    };
}

const FIND: &str = concat!(
    "SELECT ",
    grant_columns!(),
    ", ",
    user_columns!(),
    ", ",
    session_columns!(),
    " FROM grants g JOIN users u ON u.id = g.user_id \
     LEFT JOIN sessions s ON s.id = g.session_id WHERE g.id = $1"
);

#[derive(sqlx::FromRow)]
struct GrantRow {
    g_id: String,
    g_client_id: String,
    g_user_id: String,
    g_session_id: String,
    g_offline: bool,
    g_scopes: String,
    g_resources: String,
    g_organisation_id: Option<String>,
    g_methods: String,
    g_auth_time: Option<i64>,
    g_dpop_jkt: Option<String>,
    g_generation: i64,
    g_refreshed_at: i64,
    g_created_at: i64,
    g_revoked_at: Option<i64>,
}

impl GrantRow {
    fn read(self) -> std::result::Result<Grant, Fault> {
        let broken = |_| Fault::Final(Error::Broken("a grant without a number".to_owned()));
        let scopes = self.g_scopes.try_into();
        Ok(Grant {
            id: GrantId::from_stored(self.g_id),
            client: ClientId::from_stored(self.g_client_id),
            user: UserId::from_stored(self.g_user_id),
            session: SessionId::from_stored(self.g_session_id),
            offline: self.g_offline,
            scopes: scopes.map_err(|_| Error::Broken("a grant's scopes".to_owned()))?,
            resources: json(&self.g_resources)?,
            organisation: self.g_organisation_id.map(OrganisationId::from_stored),
            methods: json(&self.g_methods)?,
            auth_time: self.g_auth_time.map(Moment::from_micros),
            dpop_jkt: self.g_dpop_jkt,
            generation: u32::try_from(self.g_generation).map_err(broken)?,
            refreshed_at: Moment::from_micros(self.g_refreshed_at),
            created_at: Moment::from_micros(self.g_created_at),
            revoked_at: self.g_revoked_at.map(Moment::from_micros),
        })
    }
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    #[sqlx(flatten)]
    grant: GrantRow,
    #[sqlx(flatten)]
    user: UserRow,
    #[sqlx(flatten)]
    session: Maybe<SessionRow>,
}

impl FoundRow {
    fn read(self) -> std::result::Result<FoundGrant, Fault> {
        Ok(FoundGrant {
            grant: self.grant.read()?,
            user: self.user.read()?,
            session: self.session.0.map(SessionRow::read).transpose()?,
        })
    }
}

impl Store {
    /// The grant behind a token, with everything that says whether it holds, in one statement.
    pub async fn find_grant(&self, id: &GrantId) -> Result<Option<FoundGrant>> {
        let row: Option<FoundRow> = self.db.opt(FIND, args![id]).await?;
        Ok(row.map(FoundRow::read).transpose()?)
    }

    /// Begins a grant that no code stands behind: what a client got in exchange for a provider's
    /// token. It ends with its session.
    pub async fn add_grant(&self, grant: &Grant) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| tx.insert_grant(grant).await)
    }

    /// Uses a refresh token. Of any number of callers with the head one makes the next one, and
    /// the others get the same; whoever comes with an older one ends the family.
    pub async fn refresh_grant(
        &self,
        presented: &Presented,
        client: &ClientId,
        dpop_jkt: Option<&str>,
        by: &By,
        now: Moment,
    ) -> Result<Refreshed> {
        const LOCK: &str = "UPDATE grants SET generation = generation WHERE id = $1";
        const NEXT: &str =
            "UPDATE grants SET generation = generation + 1, refreshed_at = $2 WHERE id = $1";
        transact!(self.db, Mode::Plain, |tx| {
            // What is read next is what the last user of this family left.
            tx.run(LOCK, args![&presented.grant]).await?;
            let row: Option<FoundRow> = tx.opt(FIND, args![&presented.grant]).await?;
            let Some(row) = row else { return Ok(Refreshed::Over) };
            let mut found = row.read()?;
            let bound = found.grant.dpop_jkt.as_deref();
            if found.grant.client != *client || (bound.is_some() && bound != dpop_jkt) {
                return Ok(Refreshed::Over);
            }
            match refresh(&found.grant, presented.generation, now) {
                Refresh::Over => return Ok(Refreshed::Over),
                Refresh::Replayed => {
                    let reason = RevokeReason::RefreshReplayed;
                    self.revoke(tx, &presented.grant, reason, by, now).await?;
                    return Ok(Refreshed::Replayed(presented.grant.clone()));
                }
                Refresh::Rotate | Refresh::Again if !found.holds(now) => {
                    return Ok(Refreshed::Over);
                }
                Refresh::Rotate => {
                    tx.run(NEXT, args![&presented.grant, now]).await?;
                    found.grant.generation += 1;
                    found.grant.refreshed_at = now;
                }
                Refresh::Again => {}
            }
            Ok(Refreshed::Carried(Box::new(found)))
        })
    }

    /// Ends a grant of this client; false when there is none that lives.
    pub async fn revoke_grant(
        &self,
        id: &GrantId,
        client: &ClientId,
        reason: RevokeReason,
        by: &By,
        now: Moment,
    ) -> Result<bool> {
        const OWN: &str = "SELECT user_id FROM grants WHERE id = $1 AND client_id = $2";
        transact!(self.db, Mode::Plain, |tx| {
            if tx.opt::<(String,)>(OWN, args![id, client]).await?.is_none() {
                return Ok(false);
            }
            self.revoke(tx, id, reason, by, now).await
        })
    }

    pub(super) async fn revoke(
        &self,
        tx: &mut Tx,
        id: &GrantId,
        reason: RevokeReason,
        by: &By,
        now: Moment,
    ) -> std::result::Result<bool, Fault> {
        const SQL: &str = "UPDATE grants SET revoked_at = $2, revoke_reason = $3 \
                           WHERE id = $1 AND revoked_at IS NULL RETURNING user_id, client_id";
        let ended: Option<(String, String)> = tx.opt(SQL, args![id, now, reason.as_str()]).await?;
        let Some((user, client)) = ended else { return Ok(false) };
        let happened = Happened::done("grant.revoke")
            .about(&UserId::from_stored(user))
            .with("client", client)
            .with("grant", id.as_str())
            .with("reason", reason.as_str());
        self.note(tx, &happened, by, now).await?;
        tx.changed(&[(ChangeKind::Grant, id.as_str())], now).await?;
        Ok(true)
    }
}

impl Tx {
    pub(super) async fn insert_grant(&mut self, grant: &Grant) -> std::result::Result<(), Fault> {
        const SQL: &str = "INSERT INTO grants (id, client_id, user_id, session_id, offline, \
             scopes, resources, organisation_id, methods, auth_time, dpop_jkt, generation, \
             refreshed_at, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
        let values = args![
            &grant.id,
            &grant.client,
            &grant.user,
            &grant.session,
            grant.offline,
            grant.scopes.to_string(),
            to_json(&grant.resources)?,
            grant.organisation.as_ref(),
            to_json(&grant.methods)?,
            grant.auth_time,
            &grant.dpop_jkt,
            grant.generation,
            grant.refreshed_at,
            grant.created_at,
        ];
        self.run(SQL, values).await.map(|_| ())
    }

    /// Ends what outlives sessions, when all sessions of a user end. What does not outlive them
    /// ends with them. The caller appends the user to `changes`.
    pub(crate) async fn revoke_offline_grants(
        &mut self,
        user: &UserId,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = "UPDATE grants SET revoked_at = $2, revoke_reason = $3 \
                           WHERE user_id = $1 AND offline AND revoked_at IS NULL";
        let reason = RevokeReason::UserEnded.as_str();
        self.run(SQL, args![user, now, reason]).await.map(|_| ())
    }

    /// Ends what outlives the sessions that came by a provider. By whom a session came that is
    /// forgotten already, nobody knows: then it ends for everybody who ever came by this one. The
    /// caller appends the provider to `changes`.
    pub(crate) async fn revoke_offline_grants_by(
        &mut self,
        provider: &ProviderId,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = concat!(
            "UPDATE grants SET revoked_at = $2, revoke_reason = $3 \
             WHERE offline AND revoked_at IS NULL AND ",
            came_by!()
        );
        let reason = RevokeReason::ProviderDisabled.as_str();
        self.run(SQL, args![provider, now, reason]).await.map(|_| ())
    }

    /// Ends what outlives the sessions of a user that came by an identity, and those of which nobody
    /// knows any more by what they came. The caller appends the user to `changes`.
    pub(crate) async fn revoke_offline_grants_by_identity(
        &mut self,
        user: &UserId,
        identity: &IdentityId,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = "UPDATE grants SET revoked_at = $2, revoke_reason = $3 \
             WHERE user_id = $1 AND offline AND revoked_at IS NULL AND NOT EXISTS \
             (SELECT 1 FROM sessions s WHERE s.id = grants.session_id \
             AND (s.identity_id IS NULL OR s.identity_id <> $4))";
        let reason = RevokeReason::UserEnded.as_str();
        self.run(SQL, args![user, now, reason, identity]).await.map(|_| ())
    }

    /// Ends what an application's clients got from people who came by a provider, and says how much
    /// that was. Their sessions live on for other applications. The caller holds the users and
    /// appends the connection to `changes`.
    pub(crate) async fn revoke_grants_by_provider(
        &mut self,
        provider: &ProviderId,
        application: &ApplicationKey,
        now: Moment,
    ) -> std::result::Result<u64, Fault> {
        const SQL: &str = concat!(
            "UPDATE grants SET revoked_at = $2, revoke_reason = $3 WHERE revoked_at IS NULL \
             AND client_id IN (SELECT c.id FROM clients c WHERE c.application = $4) AND ",
            came_by!()
        );
        let reason = RevokeReason::ProviderDisconnected.as_str();
        self.run(SQL, args![provider, now, reason, application]).await
    }

    /// The same for people who came by a password.
    pub(crate) async fn revoke_grants_by_password(
        &mut self,
        application: &ApplicationKey,
        now: Moment,
    ) -> std::result::Result<u64, Fault> {
        // A grant keeps how the person signed in also when its session is forgotten.
        const SQL: &str = "UPDATE grants SET revoked_at = $2, revoke_reason = $3 \
             WHERE revoked_at IS NULL AND methods = $4 \
             AND client_id IN (SELECT c.id FROM clients c WHERE c.application = $1)";
        let by_password = to_json(&[Method::Password])?;
        let reason = RevokeReason::LocalLoginClosed.as_str();
        self.run(SQL, args![application, now, reason, by_password]).await
    }
}
