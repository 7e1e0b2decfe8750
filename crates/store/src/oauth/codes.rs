//! Codes: given once, redeemed once; a second use takes back what the first one gave.

use identity::applications::ApplicationKey;
use identity::ids::{ClientId, GrantId, SessionId};
use identity::oauth::error::OAuthFault;
use identity::oauth::grants::{CODE_LIFE, CodeTerms, Grant};
use identity::secret::Digest;
use identity::sessions::Session;
use identity::time::Moment;
use identity::users::{Status, User};

use super::grants::RevokeReason;
use crate::Store;
use crate::by::By;
use crate::db::{Mode, Tx, transact};
use crate::error::{Fault, Result};
use crate::row::{json, to_json};
use crate::sessions::{SessionRow, session_columns};
use crate::users::{UserRow, user_columns};
use crate::value::args;

/// A code that is redeemed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeSession {
    /// What it stands for.
    pub terms: CodeTerms,
    /// The session that it was given in; alive.
    pub session: Session,
}

/// What came of redeeming a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenCode {
    /// A grant begins.
    Granted {
        /// The grant.
        grant: Box<Grant>,
        /// Who gave it.
        user: Box<User>,
        /// What the ID token echoes.
        nonce: Option<String>,
    },
    /// Whoever came with it may not have it; it is used up.
    Refused(OAuthFault),
    /// There is no such code, it is too old, or its session is over.
    Gone,
    /// It was used before; what it gave then is revoked now.
    Replayed {
        /// What it gave.
        grant: Option<GrantId>,
    },
}

#[derive(sqlx::FromRow)]
struct TakenRow {
    terms: String,
    session_id: String,
}

/// A session, and whether the application of a client knows the ways in.
#[derive(sqlx::FromRow)]
struct EnteringRow {
    #[sqlx(flatten)]
    session: SessionRow,
    door: String,
    local_login: bool,
    connected: bool,
}

impl Store {
    /// Keeps a code for its minute.
    pub async fn add_code(
        &self,
        code: &Digest,
        terms: &CodeTerms,
        session: &SessionId,
        now: Moment,
    ) -> Result<()> {
        const SQL: &str = "INSERT INTO codes (digest, client_id, terms, session_id, expires_at) \
                           VALUES ($1, $2, $3, $4, $5)";
        let written = to_json(terms)?;
        transact!(self.db, Mode::Plain, |tx| {
            let values = args![code, &terms.client, &written, session, now.plus(CODE_LIFE)];
            tx.run(SQL, values).await.map(|_| ())
        })
    }

    /// What a code of this client stands for that nobody has taken yet and that still counts.
    /// Nothing is used up.
    pub async fn find_code(
        &self,
        code: &Digest,
        client: &ClientId,
        now: Moment,
    ) -> Result<Option<CodeTerms>> {
        const SQL: &str = "SELECT terms FROM codes WHERE digest = $1 AND client_id = $2 \
                           AND taken_at IS NULL AND expires_at > $3";
        let row: Option<(String,)> = self.db.opt(SQL, args![code, client, now]).await?;
        Ok(row.map(|(terms,)| json(&terms)).transpose()?)
    }

    /// Redeems a code: of any number of callers one. `decider` says whether the caller may have
    /// it, and what the grant is.
    pub async fn take_code(
        &self,
        code: &Digest,
        client: &ClientId,
        decider: impl Fn(&CodeSession) -> std::result::Result<Grant, OAuthFault> + Sync,
        by: &By,
        now: Moment,
    ) -> Result<TakenCode> {
        // Another client uses nothing up, and hears what it hears of a code that never was.
        const TAKE: &str = "UPDATE codes SET taken_at = $3 WHERE digest = $1 AND client_id = $2 \
                            AND taken_at IS NULL AND expires_at > $3 RETURNING terms, session_id";
        const GAVE: &str = "UPDATE codes SET grant_id = $2 WHERE digest = $1";
        transact!(self.db, Mode::Plain, |tx| {
            let Some(row) = tx.opt::<TakenRow>(TAKE, args![code, client, now]).await? else {
                return self.take_back(tx, code, client, by, now).await;
            };
            let terms: CodeTerms = json(&row.terms)?;
            let Some((session, user)) = tx.person(&row.session_id, client, now).await? else {
                return Ok(TakenCode::Gone);
            };
            let nonce = terms.nonce.clone();
            match decider(&CodeSession { terms, session }) {
                Err(fault) => Ok(TakenCode::Refused(fault)),
                Ok(grant) => {
                    tx.insert_grant(&grant).await?;
                    tx.run(GAVE, args![code, &grant.id]).await?;
                    Ok(TakenCode::Granted { grant: Box::new(grant), user: Box::new(user), nonce })
                }
            }
        })
    }

    /// A code that cannot be taken: if it was taken before, somebody has a copy, and what it gave
    /// is taken back (RFC 6749 section 4.1.2). Only for the client that it was given to: nobody
    /// else can know whether it ever was a code.
    async fn take_back(
        &self,
        tx: &mut Tx,
        code: &Digest,
        client: &ClientId,
        by: &By,
        now: Moment,
    ) -> std::result::Result<TakenCode, Fault> {
        const TAKEN: &str = "SELECT grant_id FROM codes WHERE digest = $1 AND client_id = $2 \
                             AND taken_at IS NOT NULL";
        let taken: Option<(Option<String>,)> = tx.opt(TAKEN, args![code, client]).await?;
        let Some((grant,)) = taken else { return Ok(TakenCode::Gone) };
        let grant = grant.map(GrantId::from_stored);
        if let Some(grant) = &grant {
            self.revoke(tx, grant, RevokeReason::CodeReplayed, by, now).await?;
        }
        Ok(TakenCode::Replayed { grant })
    }
}

impl Tx {
    /// A live session that the client's application still lets in, and its active user, who stays
    /// as they are until the end of the transaction.
    async fn person(
        &mut self,
        session: &str,
        client: &ClientId,
        now: Moment,
    ) -> std::result::Result<Option<(Session, User)>, Fault> {
        const USER: &str = concat!(
            "SELECT ",
            user_columns!(),
            " FROM users u JOIN sessions s ON s.user_id = u.id WHERE s.id = $1"
        );
        // Only once the user is held: whoever ends the session or closes its way in holds them too,
        // and what was read of it before is as it was before that.
        const SESSION: &str = concat!(
            "SELECT ",
            session_columns!(),
            ", a.key AS door, a.local_login, EXISTS (SELECT 1 FROM connections k \
             JOIN providers p ON p.id = k.provider_id WHERE k.application = a.key \
             AND p.id = s.provider_id AND p.state = 'enabled') AS connected \
             FROM sessions s, clients c JOIN applications a ON a.key = c.application \
             WHERE s.id = $1 AND c.id = $2"
        );
        let user = match self.hold_user::<UserRow>(USER, args![session]).await {
            Err(Fault::Final(crate::error::Error::NotFound)) => return Ok(None),
            user => user?.read()?,
        };
        let row: Option<EnteringRow> = self.opt(SESSION, args![session, client]).await?;
        let Some(row) = row else { return Ok(None) };
        let session = row.session.read()?;
        let alive = session.at(now).is_ok() && user.status == Status::Active;
        let door = ApplicationKey::from_stored(row.door);
        let closed = session.way_closed(&door, row.local_login, row.connected);
        let enters = alive && closed.is_none();
        Ok(enters.then_some((session, user)))
    }
}
