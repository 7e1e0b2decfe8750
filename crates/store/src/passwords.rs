//! Passwords of ours: looked up, set, and turned into a session.

use identity::applications::ApplicationKey;
use identity::federation::policy::{DoorPolicy, may_have_password};
use identity::ids::{SessionId, UserId};
use identity::secret::Digest;
use identity::sessions::Session;
use identity::throttle::{Bucket, Counter, buckets_removed_by_reset};
use identity::time::Moment;
use identity::users::{Birth, Population, Status, User, UserType};

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Conflict, Error, Fault, Result};
use crate::mails::NewMail;
use crate::row::json;
use crate::sessions::{EndReason, NewSession, Origin};
use crate::users::{UserRow, user_columns};
use crate::value::args;

/// Who would sign in with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordLogin {
    /// Whoever has the address, whatever their status.
    pub user: User,
    /// The hash as a PHC string, if they have a password at all.
    pub hash: Option<String>,
    /// Whether they may have one: what is in the table does not count where they may not.
    pub may_have_password: bool,
}

/// A password that whoever is signed in takes in the place of the one that they have.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// Whose.
    pub user: UserId,
    /// The door at which they do.
    pub application: ApplicationKey,
    /// The hash that the current password was verified against.
    pub verified_hash: String,
    /// The new password, hashed.
    pub hash: String,
    /// The session that stays.
    pub keep: SessionId,
    /// Tells the user that the password was changed.
    pub notice: NewMail,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedPassword {
    /// It is set.
    Done,
    /// The user may have none, or may not come in, or the door takes none, by now; nothing was
    /// written.
    NotAllowed,
    /// It was changed since it was verified; nothing was written.
    ChangedMeanwhile,
}

/// A password that was right when it was verified.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedPassword<'a> {
    /// Whose.
    pub user: &'a UserId,
    /// The hash that it was verified against.
    pub verified_hash: &'a str,
    /// The same password hashed with today's parameters, when they have risen.
    pub rehash: Option<&'a str>,
}

/// A password that was right, to be turned into a session.
#[derive(Clone, Debug)]
pub struct PasswordSignIn<'a> {
    /// The password, and whose it is.
    pub password: VerifiedPassword<'a>,
    /// What the session begins with; its browser becomes a known device.
    pub session: &'a NewSession,
    /// The counters that were reserved.
    pub buckets: &'a [Bucket],
    /// Who does it: a visitor, with the request's note.
    pub by: &'a By,
}

/// What came of a right password.
#[derive(Clone, Debug)]
pub enum PasswordOutcome {
    /// They are in.
    SignedIn {
        /// The session.
        session: Box<Session>,
        /// Whose.
        user: Box<User>,
    },
    /// The user is not active; nothing was written, and the page says no more than it does for
    /// a wrong password.
    NotActive(Status),
    /// It was shown for an account, and nobody is signed in.
    Shown {
        /// Whose it is.
        user: Box<User>,
    },
    /// The password was changed since it was looked up; nothing was written.
    PasswordChanged,
    /// The door takes no passwords any more; nothing was written.
    LocalLoginClosed,
}

#[derive(sqlx::FromRow)]
struct LoginRow {
    #[sqlx(flatten)]
    user: UserRow,
    hash: Option<String>,
    defaults: Option<String>,
    policy: Option<String>,
}

/// The doors of a user `u`, each with its connection to a provider by which they have an identity.
macro_rules! door_policies {
    () => {
        "LEFT JOIN applications a ON a.user_type = u.user_type AND a.population = u.population \
         LEFT JOIN connections c ON c.application = a.key AND c.provider_id IN \
         (SELECT i.provider_id FROM identities i WHERE i.user_id = u.id)"
    };
}

const DOORS: &str = concat!(
    "SELECT a.defaults, c.policy FROM users u ",
    door_policies!(),
    " WHERE u.id = $1 AND a.key IS NOT NULL"
);

impl Store {
    /// Who has this e-mail key, and their password's hash.
    pub async fn find_password_login(
        &self,
        user_type: UserType,
        population: &Population,
        email_key: &str,
    ) -> Result<Option<PasswordLogin>> {
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            ", w.hash AS hash, a.defaults AS defaults, c.policy AS policy FROM users u \
             LEFT JOIN passwords w ON w.user_id = u.id ",
            door_policies!(),
            " WHERE u.user_type = $1 AND u.population = $2 AND u.email_key = $3"
        );
        // One row per door; the user and the password are the same in each. One statement for
        // everybody, so that what it takes says nothing about anybody.
        let rows: Vec<LoginRow> = self.db.all(SQL, args![user_type, population, email_key]).await?;
        let doors: std::result::Result<Vec<_>, Fault> = rows
            .iter()
            .filter_map(|row| row.defaults.as_deref().map(|text| (text, row.policy.as_deref())))
            .map(|(defaults, policy)| door_policy(defaults, policy))
            .collect();
        let doors = doors?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let user = row.user.read()?;
        let may_have_password = may_have_password(&user, &doors);
        Ok(Some(PasswordLogin { user, hash: row.hash, may_have_password }))
    }

    /// Whether this user may have a password of ours.
    pub async fn find_password_allowed(&self, user: &User) -> Result<bool> {
        if user.birth == Birth::Added {
            return Ok(true);
        }
        let rows: Vec<(String, Option<String>)> = self.db.all(DOORS, args![&user.id]).await?;
        Ok(may_have_password(user, &doors_of(&rows)?))
    }

    /// Whether this user has signed in from this browser with a password before.
    pub async fn find_known_device(&self, user: &UserId, browser: &Digest) -> Result<bool> {
        const SQL: &str = "SELECT last_used_at FROM known_devices \
                           WHERE user_id = $1 AND browser_digest = $2";
        let row: Option<(i64,)> = self.db.opt(SQL, args![user, browser]).await?;
        Ok(row.is_some())
    }

    /// Turns a right password into a session, in one transaction that looks again whether the
    /// user is active, the door takes passwords, and the password is still the one that was
    /// verified: hashing takes long enough for any of it to change. `counters` says what becomes of the reserved counters
    /// (`identity::throttle::settled_ok`).
    pub async fn complete_password_sign_in(
        &self,
        sign_in: &PasswordSignIn<'_>,
        counters: impl Fn(&[(Bucket, Option<Counter>)]) -> Vec<(Bucket, Option<Counter>)> + Sync,
        now: Moment,
    ) -> Result<PasswordOutcome> {
        let PasswordSignIn { password, session, buckets, by } = *sign_in;
        transact!(self.db, Mode::Plain, |tx| {
            let user = match tx.accept_password(&session.application, &password).await? {
                Ok(user) => user,
                Err(outcome) => return Ok(outcome),
            };
            let begun = self.insert_session(tx, &user, session, Origin::default(), now).await?;
            if let Some(browser) = &session.browser {
                tx.remember_device(&user.id, browser, now).await?;
            }
            let happened = Happened::done("sign_in.password")
                .about(&user.id)
                .at(&session.application)
                .with("session", begun.id.as_str())
                .with("rehashed", password.rehash.is_some());
            self.note(tx, &happened, by, now).await?;
            // The network's counter is shared with strangers, so its lock comes last.
            tx.change_counters(buckets, &counters, now).await?;
            Ok(PasswordOutcome::SignedIn { session: Box::new(begun), user: Box::new(user) })
        })
    }

    /// Sets a password. Ends every session of the user but `keep`, voids reset links, and lifts
    /// the barrier of too many wrong passwords. `Conflict(NoPassword)` for a user who may have
    /// none, or is deleted.
    pub async fn set_password(
        &self,
        user: &UserId,
        hash: &str,
        keep: Option<&SessionId>,
        by: &By,
        now: Moment,
    ) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| {
            tx.lock_user(user).await?;
            let user = tx.user(user).await?;
            if user.status == Status::Deleted || !tx.may_have_password(&user).await? {
                return Err(Error::Conflict(Conflict::NoPassword).into());
            }
            tx.replace_password(&user, hash, keep, now).await?;
            self.note(tx, &Happened::done("password.set").about(&user.id), by, now).await?;
            tx.changed(&[(ChangeKind::User, user.id.as_str())], now).await
        })
    }

    /// Sets the password of somebody who has just proved to know the one that they have. Ends every
    /// other session of theirs, voids reset links, and puts the notice of it all into the queue.
    pub async fn change_password(
        &self,
        change: &PasswordChange,
        by: &By,
        now: Moment,
    ) -> Result<ChangedPassword> {
        transact!(self.db, Mode::Plain, |tx| {
            let user = tx.hold(&change.user).await?;
            if user.status != Status::Active || !tx.may_have_password(&user).await? {
                return Ok(ChangedPassword::NotAllowed);
            }
            let (local_login, hash) = tx.password_at(&change.application, &user.id).await?;
            if !local_login {
                return Ok(ChangedPassword::NotAllowed);
            }
            if hash.is_none_or(|hash| hash != change.verified_hash) {
                return Ok(ChangedPassword::ChangedMeanwhile);
            }
            tx.replace_password(&user, &change.hash, Some(&change.keep), now).await?;
            tx.insert_mail(&change.notice, now).await?;
            self.note(tx, &Happened::done("password.change").about(&user.id), by, now).await?;
            tx.changed(&[(ChangeKind::User, user.id.as_str())], now).await?;
            Ok(ChangedPassword::Done)
        })
    }
}

fn door_policy(defaults: &str, policy: Option<&str>) -> std::result::Result<DoorPolicy, Fault> {
    Ok(DoorPolicy { defaults: json(defaults)?, connection: policy.map(json).transpose()? })
}

fn doors_of(rows: &[(String, Option<String>)]) -> std::result::Result<Vec<DoorPolicy>, Fault> {
    rows.iter().map(|(defaults, policy)| door_policy(defaults, policy.as_deref())).collect()
}

impl Tx {
    /// Whether a door takes passwords, and the hash of what a user has as one, both as they are
    /// now: no other process's memory of the door counts.
    pub(crate) async fn password_at(
        &mut self,
        door: &ApplicationKey,
        user: &UserId,
    ) -> std::result::Result<(bool, Option<String>), Fault> {
        const SQL: &str = "SELECT a.local_login, w.hash FROM applications a \
                           LEFT JOIN passwords w ON w.user_id = $2 WHERE a.key = $1";
        let row: Option<(bool, Option<String>)> = self.opt(SQL, args![door, user]).await?;
        Ok(row.unwrap_or((false, None)))
    }

    /// Whether a door takes passwords now.
    pub(crate) async fn takes_passwords(
        &mut self,
        door: &ApplicationKey,
    ) -> std::result::Result<bool, Fault> {
        const SQL: &str = "SELECT local_login FROM applications WHERE key = $1";
        let row: Option<(bool,)> = self.opt(SQL, args![door]).await?;
        Ok(row.is_some_and(|(local_login,)| local_login))
    }

    /// Whether this user may have a password of ours, by what is set now.
    pub(crate) async fn may_have_password(
        &mut self,
        user: &User,
    ) -> std::result::Result<bool, Fault> {
        if user.birth == Birth::Added {
            return Ok(true);
        }
        let rows: Vec<(String, Option<String>)> = self.all(DOORS, args![&user.id]).await?;
        Ok(may_have_password(user, &doors_of(&rows)?))
    }

    /// Whose a verified password is, held until the transaction ends, if they may come in with it
    /// at this door now; a better hash takes the place of theirs.
    pub(crate) async fn accept_password(
        &mut self,
        door: &ApplicationKey,
        password: &VerifiedPassword<'_>,
    ) -> std::result::Result<std::result::Result<User, PasswordOutcome>, Fault> {
        const REHASH: &str = "UPDATE passwords SET hash = $2 WHERE user_id = $1";
        let user = self.hold(password.user).await?;
        if user.status != Status::Active {
            return Ok(Err(PasswordOutcome::NotActive(user.status)));
        }
        let (local_login, hash) = self.password_at(door, &user.id).await?;
        if !local_login {
            return Ok(Err(PasswordOutcome::LocalLoginClosed));
        }
        let same = hash.is_some_and(|hash| hash == password.verified_hash);
        if !same || !self.may_have_password(&user).await? {
            return Ok(Err(PasswordOutcome::PasswordChanged));
        }
        if let Some(hash) = password.rehash {
            self.run(REHASH, args![&user.id, hash]).await?;
        }
        Ok(Ok(user))
    }

    pub(crate) async fn remember_device(
        &mut self,
        user: &UserId,
        browser: &Digest,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        self.run(
            "INSERT INTO known_devices (user_id, browser_digest, last_used_at) \
             VALUES ($1, $2, $3) ON CONFLICT (user_id, browser_digest) \
             DO UPDATE SET last_used_at = excluded.last_used_at",
            args![user, browser, now],
        )
        .await
        .map(|_| ())
    }

    /// Everything that a new password brings with it, but audit and change.
    pub(crate) async fn replace_password(
        &mut self,
        user: &User,
        hash: &str,
        keep: Option<&SessionId>,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        // Whoever begins a session holds the user's row: they wait here, or this waits for them
        // and ends their session below.
        self.lock_user(&user.id).await?;
        self.run(
            "INSERT INTO passwords (user_id, hash, changed_at) VALUES ($1, $2, $3) \
             ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, \
             changed_at = excluded.changed_at",
            args![&user.id, hash, now],
        )
        .await?;
        self.end_sessions(&user.id, keep, EndReason::PasswordChanged, now).await?;
        self.void_resets(&user.id, now).await?;
        const DEVICES: &str = "SELECT browser_digest FROM known_devices WHERE user_id = $1";
        let devices: Vec<(String,)> = self.all(DEVICES, args![&user.id]).await?;
        let devices: Vec<Digest> =
            devices.into_iter().map(|(digest,)| Digest::from_stored(digest)).collect();
        let mut buckets =
            buckets_removed_by_reset(&user.population, user.user_type, user.email.key(), &devices);
        buckets.sort();
        for bucket in buckets {
            self.remove_counter(bucket.kind.as_str(), &bucket.key).await?;
        }
        // Whoever knew the old password is a stranger to the new one: their browser loses the
        // counters of its own.
        const STRANGERS: &str = "DELETE FROM known_devices WHERE user_id = $1 AND browser_digest \
             <> coalesce((SELECT browser_digest FROM sessions WHERE id = $2), '')";
        let keep = keep.map_or("", SessionId::as_str);
        self.run(STRANGERS, args![&user.id, keep]).await?;
        self.void_setup_links().await
    }
}
