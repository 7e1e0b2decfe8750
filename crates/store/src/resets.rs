//! Forgotten passwords: links by mail that work once, for two hours, and only the latest one.

use identity::applications::ApplicationKey;
use identity::ids::UserId;
use identity::secret::Digest;
use identity::time::Moment;
use identity::users::{Status, User};

use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, Tx, transact};
use crate::error::{Fault, Result};
use crate::mails::NewMail;
use crate::users::{UserRow, user_columns};
use crate::value::args;

/// A reset link to be mailed.
#[derive(Clone, Debug)]
pub struct NewReset {
    /// Whose password.
    pub user: UserId,
    /// Digest of what is in the link.
    pub token: Digest,
    /// Until when it works.
    pub expires_at: Moment,
    /// The mail with the link.
    pub mail: NewMail,
}

/// A link that is used, and what becomes of it.
#[derive(Clone, Debug)]
pub struct TakeReset {
    /// The link's.
    pub token: Digest,
    /// The door at which it is used.
    pub application: ApplicationKey,
    /// The new password, hashed.
    pub hash: String,
    /// Tells the user that the password was changed.
    pub notice: NewMail,
}

/// What a reset link is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// It works (found), or has worked (taken), for this user.
    Good(Box<User>),
    /// It does not, and nothing was written.
    Refused(ResetRefusal),
}

/// Why a reset link does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetRefusal {
    /// No such link, or so old that it is forgotten.
    Unknown,
    /// Too late.
    Expired,
    /// It was used.
    Used,
    /// A later link or a new password took its place.
    Voided,
    /// The user may not come in.
    NotActive,
    /// The user signs in through a provider and may have no password here.
    NoPassword,
    /// The door at which it is used takes no passwords.
    LocalLoginClosed,
}

impl ResetRefusal {
    /// Stable name for pages, logs and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "reset_unknown",
            Self::Expired => "reset_expired",
            Self::Used => "reset_used",
            Self::Voided => "reset_voided",
            Self::NotActive => "user_not_active",
            Self::NoPassword => "no_password",
            Self::LocalLoginClosed => "local_login_closed",
        }
    }
}

#[derive(sqlx::FromRow)]
struct ResetRow {
    #[sqlx(flatten)]
    user: UserRow,
    expires_at: i64,
    used_at: Option<i64>,
    voided_at: Option<i64>,
}

/// A link, as far as it is about time.
struct ResetLink {
    used: bool,
    voided: bool,
    expires_at: Moment,
}

impl ResetRow {
    fn read(self) -> std::result::Result<(User, ResetLink), Fault> {
        let link = ResetLink {
            used: self.used_at.is_some(),
            voided: self.voided_at.is_some(),
            expires_at: Moment::from_micros(self.expires_at),
        };
        Ok((self.user.read()?, link))
    }
}

impl ResetLink {
    /// What it is worth for this user.
    fn weigh(&self, user: User, may_have_password: bool, now: Moment) -> Reset {
        let refusals = [
            (self.used, ResetRefusal::Used),
            (self.voided, ResetRefusal::Voided),
            (now >= self.expires_at, ResetRefusal::Expired),
            (user.status != Status::Active, ResetRefusal::NotActive),
            (!may_have_password, ResetRefusal::NoPassword),
        ];
        let refusal = refusals.into_iter().find_map(|(holds, refusal)| holds.then_some(refusal));
        refusal.map_or_else(|| Reset::Good(Box::new(user)), Reset::Refused)
    }
}

const FIND: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", r.expires_at, r.used_at, r.voided_at FROM password_resets r \
     JOIN users u ON u.id = r.user_id WHERE r.digest = $1"
);

impl Store {
    /// Makes a link, voids the user's older ones and puts the mail into the queue, in one
    /// transaction: no link without a mail, no mail without a link. Nothing is written for who may
    /// not come in, or may have no password, by then.
    pub async fn add_password_reset(&self, new: &NewReset, by: &By, now: Moment) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| {
            // Another link, a new password or a deactivation at the same moment voids this one, or
            // this waits for it; otherwise each would miss what the other has not committed yet.
            tx.lock_user(&new.user).await?;
            let user = tx.user(&new.user).await?;
            if user.status != Status::Active || !tx.may_have_password(&user).await? {
                return Ok(());
            }
            tx.void_resets(&new.user, now).await?;
            tx.run(
                "INSERT INTO password_resets (digest, user_id, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4)",
                args![&new.token, &new.user, now, new.expires_at],
            )
            .await?;
            tx.insert_mail(&new.mail, now).await?;
            let happened = Happened::done("password.reset_asked")
                .about(&new.user)
                .with("mail", new.mail.id.as_str());
            self.note(tx, &happened, by, now).await
        })
    }

    /// What a link is worth now. It uses nothing up: mail scanners follow links.
    pub async fn find_password_reset(&self, token: &Digest, now: Moment) -> Result<Reset> {
        let row: Option<ResetRow> = self.db.opt(FIND, args![token]).await?;
        let Some((user, link)) = row.map(ResetRow::read).transpose()? else {
            return Ok(Reset::Refused(ResetRefusal::Unknown));
        };
        let may_have_password = self.find_password_allowed(&user).await?;
        Ok(link.weigh(user, may_have_password, now))
    }

    /// Uses a link up and sets the password, at a door that takes passwords: of any number of
    /// callers one. Ends the user's
    /// sessions, voids other links, lifts the barrier, counts the address as verified, since mail
    /// to it arrived, and puts the notice of it all into the mail queue.
    pub async fn take_password_reset(
        &self,
        take: &TakeReset,
        by: &By,
        now: Moment,
    ) -> Result<Reset> {
        const TAKE: &str = "UPDATE password_resets SET used_at = $2 WHERE digest = $1 \
             AND used_at IS NULL AND voided_at IS NULL AND expires_at > $2 RETURNING user_id";
        // The user first, as everywhere, so that nobody waits crosswise.
        const LOCK: &str = "UPDATE users SET status = status WHERE id = \
             (SELECT user_id FROM password_resets WHERE digest = $1)";
        let mut refused = None;
        let taken = transact!(self.db, Mode::Plain, |tx| {
            tx.run(LOCK, args![&take.token]).await?;
            // The update waits for whoever takes or voids the link at the same moment; what is
            // read afterwards is what they left.
            let won: Option<(String,)> = tx.opt(TAKE, args![&take.token, now]).await?;
            let found = tx.opt::<ResetRow>(FIND, args![&take.token]).await?;
            let weighed = match found.map(ResetRow::read).transpose()? {
                None => Reset::Refused(ResetRefusal::Unknown),
                Some((user, link)) => {
                    let may_have_password = tx.may_have_password(&user).await?;
                    let used = link.used && won.is_none();
                    ResetLink { used, ..link }.weigh(user, may_have_password, now)
                }
            };
            let Reset::Good(user) = weighed else {
                refused = Some(weighed);
                return Err(Fault::Undo);
            };
            if !tx.takes_passwords(&take.application).await? {
                refused = Some(Reset::Refused(ResetRefusal::LocalLoginClosed));
                return Err(Fault::Undo);
            }
            tx.replace_password(&user, &take.hash, None, now).await?;
            const VERIFIED: &str = "UPDATE users SET email_standing = 'verified' WHERE id = $1";
            tx.run(VERIFIED, args![&user.id]).await?;
            tx.insert_mail(&take.notice, now).await?;
            self.note(tx, &Happened::done("password.reset").about(&user.id), by, now).await?;
            tx.changed(&[(ChangeKind::User, user.id.as_str())], now).await?;
            let user = tx.user(&user.id).await?;
            Ok(Reset::Good(Box::new(user)))
        });
        refused.map_or(taken, Ok)
    }
}

impl Tx {
    /// Voids every open link of a user.
    pub(crate) async fn void_resets(
        &mut self,
        user: &UserId,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = "UPDATE password_resets SET voided_at = $2 \
                           WHERE user_id = $1 AND used_at IS NULL AND voided_at IS NULL";
        self.run(SQL, args![user, now]).await.map(|_| ())
    }
}
