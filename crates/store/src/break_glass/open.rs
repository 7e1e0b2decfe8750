//! Breaking the glass: the code is used up in the transaction that begins the session, writes the
//! audit and tells the administrators.

use identity::break_glass::{Decided, GlassRefusal, Standing, Trial, decide};
use identity::ids::UserId;
use identity::secret::Digest;
use identity::sessions::Session;
use identity::throttle::{Bucket, Counter};
use identity::time::Moment;
use identity::users::User;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::db::{Mode, Tx, transact};
use crate::error::{Conflict, Error, Fault, Meaning, Result};
use crate::mails::NewMail;
use crate::sessions::{NewSession, Origin};
use crate::value::args;

/// Somebody who has come with an address, a password and a code.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// Whoever has the address at this door, if anybody.
    pub user: Option<&'a UserId>,
    /// The hash that the password was right against; none where it was wrong.
    pub verified_hash: Option<&'a str>,
    /// Digest of the code.
    pub code: &'a Digest,
    /// What the session begins with; its application is the door.
    pub session: &'a NewSession,
    /// The counters that were reserved.
    pub buckets: &'a [Bucket],
    /// What finds the entry in the audit, however it ends.
    pub support_code: &'a str,
    /// Who does it: a visitor, with the request's note.
    pub by: &'a By,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum GlassOutcome {
    /// They are in; the code is used up, and the administrators will be told.
    Opened {
        /// The session.
        session: Box<Session>,
        /// Whose.
        user: Box<User>,
    },
    /// They are not; nothing but the audit was written. Whoever tries is not told why.
    Refused(GlassRefusal),
}

/// What is known of somebody who tries.
struct Known {
    user: Option<User>,
    decided: Decided,
}

impl Store {
    /// Breaks the glass, if everything fits: of any number of callers with one code one is in.
    /// `letter` writes to an administrator of the door; each gets one. `counters` says what becomes
    /// of the reserved counters (`identity::throttle::settled_ok`). `Conflict(KeyTaken)` when the
    /// support code was given out before; draw another.
    pub async fn open_break_glass(
        &self,
        opening: &Opening<'_>,
        counters: impl Fn(&[(Bucket, Option<Counter>)]) -> Vec<(Bucket, Option<Counter>)> + Sync,
        letter: impl Fn(&UserId) -> std::result::Result<NewMail, String> + Sync,
        now: Moment,
    ) -> Result<GlassOutcome> {
        const USE_UP: &str = "UPDATE break_glass_seals SET opened_at = $4 WHERE application = $1 \
             AND user_id = $2 AND code_digest = $3 AND opened_at IS NULL";
        let door = &opening.session.application;
        transact!(self.db, Mode::Plain, |tx| {
            let Known { user, decided } = tx.weigh_glass(opening).await?;
            let (Some(user), None) = (&user, decided.refusal) else {
                let refusal = decided.refusal.unwrap_or(GlassRefusal::NotSealed);
                return self
                    .glass_holds(tx, opening, (user.as_ref(), refusal, &decided), now)
                    .await;
            };
            // Of two with the same code the second waits for the first, and finds it used.
            if tx.run(USE_UP, args![door, &user.id, opening.code, now]).await? == 0 {
                let refusal = GlassRefusal::Void(Standing::Opened);
                return self.glass_holds(tx, opening, (Some(user), refusal, &decided), now).await;
            }
            let session =
                self.insert_session(tx, user, opening.session, Origin::default(), now).await?;
            for administrator in tx.administrators_of(user).await? {
                let mail = letter(&administrator).map_err(Error::Broken)?;
                tx.insert_mail(&mail, now).await?;
            }
            let happened = Happened::done("break_glass.open")
                .with("session", session.id.as_str())
                .with("rules", serde_json::to_value(&decided.rules)?);
            self.note_glass(tx, happened, opening, Some(user), now).await?;
            // The network's counter is shared with strangers, so its lock comes last.
            tx.change_counters(opening.buckets, &counters, now).await?;
            let (session, user) = (Box::new(session), Box::new(user.clone()));
            Ok(GlassOutcome::Opened { session, user })
        })
    }

    async fn glass_holds(
        &self,
        tx: &mut Tx,
        opening: &Opening<'_>,
        (user, refusal, decided): (Option<&User>, GlassRefusal, &Decided),
        now: Moment,
    ) -> std::result::Result<GlassOutcome, Fault> {
        let happened = Happened::refused("break_glass.open", refusal.code())
            .with("rules", serde_json::to_value(&decided.rules)?);
        self.note_glass(tx, happened, opening, user, now).await?;
        Ok(GlassOutcome::Refused(refusal))
    }

    async fn note_glass(
        &self,
        tx: &mut Tx,
        happened: Happened,
        opening: &Opening<'_>,
        user: Option<&User>,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        let mut happened = happened.at(&opening.session.application).coded(opening.support_code);
        happened.user = user.map(|user| user.id.clone());
        self.note(tx, &happened, opening.by, now).await.on_unique(Conflict::KeyTaken)
    }
}

impl Tx {
    /// What counts now, whatever was looked up before the password was hashed. As many statements
    /// for an address that nobody has as for one with a seal.
    async fn weigh_glass(&mut self, opening: &Opening<'_>) -> std::result::Result<Known, Fault> {
        const FACTS: &str = "SELECT a.local_login, s.code_digest, s.opened_at, w.hash \
             FROM applications a LEFT JOIN break_glass_seals s ON s.application = a.key \
             AND s.user_id = $2 LEFT JOIN passwords w ON w.user_id = $2 WHERE a.key = $1";
        let nobody = UserId::from_stored("");
        let id = opening.user.unwrap_or(&nobody);
        let user = match self.hold(id).await {
            Ok(user) => Some(user),
            Err(Fault::Final(Error::NotFound)) => None,
            Err(fault) => return Err(fault),
        };
        let row: (bool, Option<String>, Option<i64>, Option<String>) =
            self.one(FACTS, args![&opening.session.application, id]).await?;
        let (local_login, code, opened_at, hash) = row;
        let is_administrator = self.is_administrator(id).await?;
        let has_password = match &user {
            Some(user) => hash.is_some() && self.may_have_password(user).await?,
            None => false,
        };
        let standing = user.as_ref().map(|user| {
            let status = user.status;
            let owner = identity::break_glass::Owner { status, is_administrator, has_password };
            Standing::of(opened_at.is_some(), owner)
        });
        let trial = Trial {
            local_login,
            seal: standing.filter(|_| code.is_some()),
            password: opening.verified_hash.is_some_and(|right| hash.as_deref() == Some(right)),
            code: code.as_deref() == Some(opening.code.as_str()),
        };
        Ok(Known { user, decided: decide(trial) })
    }

    /// The active administrators of this user's kind.
    async fn administrators_of(&mut self, user: &User) -> std::result::Result<Vec<UserId>, Fault> {
        const SQL: &str = "SELECT DISTINCT u.id FROM users u JOIN user_groups m ON m.user_id = u.id \
             JOIN groups g ON g.id = m.group_id WHERE g.built_in AND u.status = 'active' \
             AND u.user_type = $1 AND u.population = $2 ORDER BY u.id";
        let rows: Vec<(String,)> = self.all(SQL, args![user.user_type, &user.population]).await?;
        Ok(rows.into_iter().map(|(id,)| UserId::from_stored(id)).collect())
    }
}
