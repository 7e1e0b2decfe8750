//! What other processes must forget: a log that a poller can follow without ever missing a line.
//!
//! A poller asks for everything behind the last number that it saw. With numbers from a sequence
//! it would miss some: transaction A draws 7, B draws 8 and commits, the poller sees 8, A commits
//! 7, and nobody ever asks for 7 again. So the number comes from one row that the writing
//! transaction updates as its last statement. The row's lock is held until the commit, hence
//! whoever draws the next number has waited for that commit: the order of numbers is the order of
//! commits. The price is that transactions which append stand in line for the length of one
//! COMMIT; sign-ins do not append.

use identity::time::Moment;

use crate::Store;
use crate::db::Tx;
use crate::error::{Fault, Result};
use crate::value::args;

/// What kind of thing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A session ended; the id is the session's.
    Session,
    /// A user's status, profile or password changed, and with it perhaps all of their sessions.
    User,
    /// An application; the id is its key.
    Application,
    /// A provider.
    Provider,
    /// A connection; the id is the application's key.
    Connection,
    /// The keys that encrypt fields at rest.
    Keys,
    /// The keys that tokens are signed with; the id is the key's.
    SigningKey,
    /// A client, its secrets, or everything that it was given; the id is the client's.
    Client,
    /// A grant to a client was ended.
    Grant,
    /// A group is gone, with everybody's membership of it.
    Group,
    /// A kind that a newer version writes; forget everything.
    Other,
}

impl ChangeKind {
    /// The word for it in data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::User => "user",
            Self::Application => "application",
            Self::Provider => "provider",
            Self::Connection => "connection",
            Self::Keys => "keys",
            Self::SigningKey => "signing_key",
            Self::Client => "client",
            Self::Grant => "grant",
            Self::Group => "group",
            Self::Other => "other",
        }
    }

    fn read(word: &str) -> Self {
        [
            Self::Session,
            Self::User,
            Self::Application,
            Self::Provider,
            Self::Connection,
            Self::Keys,
            Self::SigningKey,
            Self::Client,
            Self::Grant,
            Self::Group,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
        .unwrap_or(Self::Other)
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number; numbers are in the order of the commits, without gaps.
    pub seq: i64,
    /// What kind of thing.
    pub kind: ChangeKind,
    /// Which one.
    pub id: String,
}

/// What a poller gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Everything behind the cursor, up to the limit; ask again from the last number.
    Since(Vec<Change>),
    /// Lines behind the cursor are gone already: forget everything, go on from this number.
    Missed {
        /// The cursor to go on from.
        latest: i64,
    },
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    seq: i64,
    kind: String,
    id: String,
}

impl Store {
    /// The number of the latest change: where a fresh, empty cache begins to follow.
    pub async fn latest_change(&self) -> Result<i64> {
        let (seq,): (i64,) =
            self.db.one("SELECT seq FROM change_counter WHERE id = 1", args![]).await?;
        Ok(seq)
    }

    /// Everything behind `after`, at most `limit` lines.
    pub async fn list_changes(&self, after: i64, limit: u32) -> Result<Changes> {
        const BEHIND: &str =
            "SELECT seq, kind, id FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2";
        let rows: Vec<ChangeRow> = self.db.all(BEHIND, args![after, limit]).await?;
        // Numbers have no gaps, so when the first is the next one nothing was pruned in between.
        let in_line = rows.first().is_some_and(|row| row.seq == after + 1);
        if !in_line {
            const COUNTER: &str = "SELECT seq, pruned FROM change_counter WHERE id = 1";
            let (latest, pruned): (i64, i64) = self.db.one(COUNTER, args![]).await?;
            // A cursor from the future belongs to a database that was restored from a backup.
            if after < pruned || after > latest {
                return Ok(Changes::Missed { latest });
            }
        }
        let change =
            |row: ChangeRow| Change { seq: row.seq, kind: ChangeKind::read(&row.kind), id: row.id };
        Ok(Changes::Since(rows.into_iter().map(change).collect()))
    }
}

impl Tx {
    /// Appends to the log. The last statement of its transaction, so that the counter's lock is
    /// held for as short as can be.
    pub(crate) async fn changed(
        &mut self,
        changes: &[(ChangeKind, &str)],
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        for (kind, id) in changes {
            let (seq,): (i64,) = self
                .one("UPDATE change_counter SET seq = seq + 1 WHERE id = 1 RETURNING seq", args![])
                .await?;
            self.run(
                "INSERT INTO changes (seq, kind, id, at) VALUES ($1, $2, $3, $4)",
                args![seq, kind.as_str(), *id, now],
            )
            .await?;
        }
        Ok(())
    }
}
