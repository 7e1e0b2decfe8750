//! Who may come in; what ends somebody's access ends their sessions with it.

use identity::ids::UserId;
use identity::time::Moment;
use identity::users::{Status, StatusChange, StatusFacts, StatusRefusal, User};

use super::{BY_ID, UserRow};
use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::changes::ChangeKind;
use crate::db::{Mode, transact};
use crate::error::Result;
use crate::mails::NewMail;
use crate::sessions::EndReason;
use crate::value::args;

/// What became of a change of status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusOutcome {
    /// It is so now, or was already.
    Changed(Box<User>),
    /// It may not be; nothing was written.
    Refused(StatusRefusal),
}

/// A change of somebody's status, and how they hear of it.
#[derive(Clone, Debug)]
pub struct StatusWish {
    /// What to do.
    pub change: StatusChange,
    /// Queued with the change, if it is one.
    pub mail: Option<NewMail>,
}

impl From<StatusChange> for StatusWish {
    fn from(change: StatusChange) -> Self {
        Self { change, mail: None }
    }
}

impl Store {
    /// Activates, deactivates, deletes or restores. What ends access ends every session of the
    /// user in the same transaction; who comes back from deleted comes back without groups.
    /// The last active administrator with a working way in stays; `Conflict(LockOut)` where no
    /// other is known to get in at some door, unless it is forced.
    pub async fn change_user_status(
        &self,
        id: &UserId,
        change: impl Into<StatusWish>,
        by: &By,
        now: Moment,
    ) -> Result<StatusOutcome> {
        let StatusWish { change, mail } = &change.into();
        transact!(self.db, Mode::Plain, |tx| {
            // Two who end the access of the last two administrators meet here: the second waits
            // for the first and then counts again.
            tx.lock_administrators().await?;
            let ways = tx.ways_in(by, now).await?;
            let mut user = tx.one::<UserRow>(BY_ID, args![id]).await?.read()?;
            let facts = StatusFacts {
                status: user.status,
                is_administrator: tx.is_administrator(id).await?,
                other_active_administrators: tx.count_other_administrators(id).await?,
                is_actor: by.actor.user() == Some(id),
            };
            let status = match change.apply(facts) {
                Err(refusal) => return Ok(StatusOutcome::Refused(refusal)),
                Ok(status) if status == user.status => {
                    return Ok(StatusOutcome::Changed(Box::new(user)));
                }
                Ok(status) => status,
            };
            let old = std::mem::replace(&mut user.status, status);
            tx.run("UPDATE users SET status = $2 WHERE id = $1", args![id, status]).await?;
            if status == Status::Deleted {
                tx.run("DELETE FROM user_groups WHERE user_id = $1", args![id]).await?;
            }
            tx.keep_ways_in(ways, now).await?;
            if status != Status::Active {
                tx.end_sessions(id, None, EndReason::UserNotActive, now).await?;
                tx.void_resets(id, now).await?;
            }
            let happened = Happened::done(action(*change))
                .about(id)
                .with("from", old.as_str())
                .with("to", status.as_str());
            self.note(tx, &happened, by, now).await?;
            if let Some(mail) = mail {
                tx.insert_mail(mail, now).await?;
            }
            tx.changed(&[(ChangeKind::User, id.as_str())], now).await?;
            Ok(StatusOutcome::Changed(Box::new(user)))
        })
    }
}

const fn action(change: StatusChange) -> &'static str {
    match change {
        StatusChange::Activate => "user.activate",
        StatusChange::Deactivate => "user.deactivate",
        StatusChange::Delete => "user.delete",
        StatusChange::Restore => "user.restore",
        StatusChange::Approve => "user.approve",
        StatusChange::Reject => "user.reject",
    }
}
