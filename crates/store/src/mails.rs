//! The mail queue: outlives a restart, and hands each mail to one worker at a time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use identity::email::Email;
use identity::ids::MailId;
use identity::time::Moment;

use crate::Store;
use crate::db::{Mode, Tx, transact};
use crate::error::{Error, Fault, Result};
use crate::value::args;

/// A mail to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    /// Minted by the caller, because the content is sealed for exactly this row.
    pub id: MailId,
    /// Recipient and content, sealed: a mail may carry a link that is worth an account.
    pub sealed: String,
}

/// Writes a letter to an address that only a transaction finds, and seals it; the network has no part
/// in it.
#[derive(Clone)]
pub struct Sealer(Arc<SealTo>);

/// What a [`Sealer`] does. Its fault is ours, and says what it is.
type SealTo = dyn Fn(&Email) -> std::result::Result<NewMail, String> + Send + Sync;

impl Sealer {
    /// Which writes so.
    pub fn new(
        write: impl Fn(&Email) -> std::result::Result<NewMail, String> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(write))
    }

    pub(crate) fn seal(&self, to: &Email) -> std::result::Result<NewMail, Fault> {
        (self.0)(to).map_err(|fault| Fault::Final(Error::Broken(fault)))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

/// A mail that a worker has for itself until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedMail {
    /// Name of the row.
    pub id: MailId,
    /// Recipient and content.
    pub sealed: String,
    /// How often it was leased, this time included.
    pub tries: u32,
    /// Since when it waits.
    pub created_at: Moment,
}

/// How long the queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailQueue {
    /// Waiting or leased.
    pub waiting: u64,
    /// Given up, and not forgotten yet.
    pub failed: u64,
}

#[derive(sqlx::FromRow)]
struct MailRow {
    id: String,
    sealed: String,
    tries: i64,
    created_at: i64,
}

impl Store {
    /// Puts a mail into the queue.
    pub async fn add_mail(&self, mail: &NewMail, now: Moment) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| tx.insert_mail(mail, now).await)
    }

    /// Takes up to `limit` due mails for `lease`. Two workers never get the same one, and what a
    /// worker dies over is due again when its lease ends.
    pub async fn lease_mails(
        &self,
        now: Moment,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<LeasedMail>> {
        // Who waits for another worker's update looks at the row again when it is through: the
        // outer condition is then false.
        const SQL: &str = "UPDATE mails SET due_at = $2, tries = tries + 1 WHERE due_at <= $1 \
             AND id IN (SELECT id FROM mails WHERE due_at <= $1 ORDER BY due_at, id LIMIT $3) \
             RETURNING id, sealed, tries, created_at";
        let rows: Vec<MailRow> = transact!(self.db, Mode::Plain, |tx| {
            tx.all(SQL, args![now, now.plus(lease), limit]).await
        })?;
        let mail = |row: MailRow| LeasedMail {
            id: MailId::from_stored(row.id),
            sealed: row.sealed,
            tries: u32::try_from(row.tries).unwrap_or(u32::MAX),
            created_at: Moment::from_micros(row.created_at),
        };
        Ok(rows.into_iter().map(mail).collect())
    }

    /// Notes that a mail is out, and forgets its content. `NotFound` when there is none.
    pub async fn mail_sent(&self, id: &MailId, now: Moment) -> Result<()> {
        const SQL: &str = "UPDATE mails SET sent_at = $2, due_at = NULL, sealed = '' WHERE id = $1";
        self.change_mail(SQL, args![id, now]).await
    }

    /// Notes why a mail is not out; the next try is due at `next`, or never, and then its
    /// content is forgotten. `NotFound` when there is none.
    pub async fn mail_failed(
        &self,
        id: &MailId,
        error: &str,
        next: Option<Moment>,
        now: Moment,
    ) -> Result<()> {
        const LATER: &str = "UPDATE mails SET due_at = $2, last_error = $3 WHERE id = $1";
        const NEVER: &str = "UPDATE mails SET due_at = NULL, failed_at = $2, last_error = $3, \
                             sealed = '' WHERE id = $1";
        match next {
            Some(next) => self.change_mail(LATER, args![id, next, error]).await,
            None => self.change_mail(NEVER, args![id, now, error]).await,
        }
    }

    /// How long the queue is.
    pub async fn count_mails(&self) -> Result<MailQueue> {
        const SQL: &str = "SELECT (SELECT count(*) FROM mails WHERE due_at IS NOT NULL), \
                           (SELECT count(*) FROM mails WHERE failed_at IS NOT NULL)";
        let (waiting, failed): (i64, i64) = self.db.one(SQL, args![]).await?;
        let count = |number| u64::try_from(number).unwrap_or(0);
        Ok(MailQueue { waiting: count(waiting), failed: count(failed) })
    }

    async fn change_mail(&self, sql: &'static str, values: Vec<crate::value::Value>) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| {
            match tx.run(sql, values.clone()).await? {
                0 => Err(Fault::from(Error::NotFound)),
                _ => Ok(()),
            }
        })
    }
}

impl Tx {
    pub(crate) async fn insert_mail(
        &mut self,
        mail: &NewMail,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        self.run(
            "INSERT INTO mails (id, sealed, created_at, due_at, tries) \
             VALUES ($1, $2, $3, $3, 0)",
            args![&mail.id, &mail.sealed, now],
        )
        .await
        .map(|_| ())
    }
}
