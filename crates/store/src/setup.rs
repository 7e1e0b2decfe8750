//! The link by which the first administrator comes in.

use identity::applications::ApplicationKey;
use identity::secret::Digest;
use identity::time::Moment;
use identity::users::User;

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Conflict, Fault, Meaning, Result};
use crate::groups::Grant;
use crate::users::NewUser;
use crate::value::args;

/// Who is to be the first administrator.
#[derive(Clone, Debug)]
pub struct SetupUser {
    /// The door that they are to come in by, with the password.
    pub application: ApplicationKey,
    /// The user; staff.
    pub user: NewUser,
    /// Their password's hash as a PHC string.
    pub hash: String,
}

/// What a setup link is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setup {
    /// It works (made, found).
    Open,
    /// It has worked, and this is the first administrator.
    Done(Box<User>),
    /// Somebody can get in already, so nobody becomes an administrator by a link.
    AdministratorExists,
    /// No such link, too late, or used.
    Unusable,
    /// The door takes no passwords by now, so nobody begins with one. The link stays good.
    LocalLoginClosed,
}

impl Store {
    /// Makes a setup link, and voids older ones. `Open`, or `AdministratorExists`.
    pub async fn add_setup_link(
        &self,
        token: &Digest,
        expires_at: Moment,
        by: &By,
        now: Moment,
    ) -> Result<Setup> {
        const ADD: &str =
            "INSERT INTO setup_links (digest, created_at, expires_at) VALUES ($1, $2, $3)";
        transact!(self.db, Mode::Plain, |tx| {
            tx.lock_administrators().await?;
            if tx.count_administrators().await? > 0 {
                return Ok(Setup::AdministratorExists);
            }
            tx.run("DELETE FROM setup_links WHERE used_at IS NULL", args![]).await?;
            tx.run(ADD, args![token, now, expires_at]).await?;
            self.note(tx, &Happened::done("setup.link"), by, now).await?;
            Ok(Setup::Open)
        })
    }

    /// What a link is worth now; uses nothing up.
    pub async fn find_setup_link(&self, token: &Digest, now: Moment) -> Result<Setup> {
        const FIND: &str = "SELECT created_at FROM setup_links \
                            WHERE digest = $1 AND used_at IS NULL AND expires_at > $2";
        let found: Option<(i64,)> = self.db.opt(FIND, args![token, now]).await?;
        if found.is_none() {
            return Ok(Setup::Unusable);
        }
        if self.count_administrators().await? == 0 {
            return Ok(Setup::Open);
        }
        transact!(self.db, Mode::Plain, |tx| tx.void_setup_links().await)?;
        Ok(Setup::AdministratorExists)
    }

    /// Uses a link up and makes the first administrator, in one transaction. Of any number of
    /// callers with any number of links one gets `Done`. `Conflict(EmailTaken)` when a user has
    /// the address; the link stays good then.
    pub async fn take_setup_link(
        &self,
        token: &Digest,
        new: &SetupUser,
        by: &By,
        now: Moment,
    ) -> Result<Setup> {
        const TAKE: &str = "UPDATE setup_links SET used_at = $2 \
                            WHERE digest = $1 AND used_at IS NULL AND expires_at > $2";
        transact!(self.db, Mode::Plain, |tx| {
            tx.lock_administrators().await?;
            if tx.count_administrators().await? > 0 {
                tx.void_setup_links().await?;
                return Ok(Setup::AdministratorExists);
            }
            if !tx.takes_passwords(&new.application).await? {
                return Ok(Setup::LocalLoginClosed);
            }
            if tx.run(TAKE, args![token, now]).await? == 0 {
                return Ok(Setup::Unusable);
            }
            let user =
                self.insert_user(tx, &new.user, now).await.on_unique(Conflict::EmailTaken)?;
            let group = tx.administrators().await?;
            tx.grant(&group, &user, &Grant::Manual, now).await?;
            tx.replace_password(&user, &new.hash, None, now).await?;
            self.note(tx, &Happened::done("setup.done").about(&user.id), by, now).await?;
            tx.changed(&[(ChangeKind::User, user.id.as_str())], now).await?;
            Ok::<_, Fault>(Setup::Done(Box::new(user)))
        })
    }
}

impl Tx {
    /// Removes every open link once somebody can get in: a link must not come to life again when
    /// the last way in of the last administrator breaks.
    pub(crate) async fn void_setup_links(&mut self) -> std::result::Result<(), Fault> {
        if self.count_administrators().await? > 0 {
            self.run("DELETE FROM setup_links WHERE used_at IS NULL", args![]).await?;
        }
        Ok(())
    }
}
