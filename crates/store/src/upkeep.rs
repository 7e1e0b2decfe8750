//! What a house does for itself: whether the database answers, and forgetting what is over.

use std::time::Duration;

use identity::oauth::refresh::IDLE as REFRESH_IDLE;
use identity::time::Moment;

use crate::Store;
use crate::db::{Mode, transact};
use crate::error::Result;
use crate::value::{Value, args};

/// Rows that one statement removes at most, so that nobody waits long for it.
const BATCH: u64 = 1000;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Rows removed.
    pub rows: u64,
}

/// What is over, `$1` is the moment before which it was, `$2` the size of a batch.
const OVER: [(&str, Duration); 21] = [
    (
        "DELETE FROM attempts WHERE state_digest IN \
         (SELECT state_digest FROM attempts WHERE expires_at < $1 LIMIT $2)",
        HOUR,
    ),
    ("DELETE FROM proofs WHERE id IN (SELECT id FROM proofs WHERE expires_at < $1 LIMIT $2)", HOUR),
    (
        "DELETE FROM sessions WHERE digest IN \
         (SELECT digest FROM sessions WHERE expires_at < $1 LIMIT $2)",
        DAY,
    ),
    (
        "DELETE FROM password_resets WHERE digest IN \
         (SELECT digest FROM password_resets WHERE expires_at < $1 LIMIT $2)",
        DAY,
    ),
    (
        "DELETE FROM setup_links WHERE digest IN \
         (SELECT digest FROM setup_links WHERE expires_at < $1 LIMIT $2)",
        DAY,
    ),
    (
        // Sent, given up after three days, or waiting for a mail server that never was there.
        "DELETE FROM mails WHERE id IN (SELECT id FROM mails WHERE created_at < $1 LIMIT $2)",
        Duration::from_secs(7 * 24 * 3600),
    ),
    (
        "DELETE FROM throttles WHERE (kind, key) IN (SELECT kind, key FROM throttles \
         WHERE changed_at < $1 AND kind NOT IN ('account_row', 'device_row') LIMIT $2)",
        DAY,
    ),
    // A few failures long ago are typing errors, or somebody's list of addresses that are nobody's.
    (
        "DELETE FROM throttles WHERE (kind, key) IN (SELECT kind, key FROM throttles \
         WHERE changed_at < $1 AND failures < 10 LIMIT $2)",
        Duration::from_secs(30 * 24 * 3600),
    ),
    // Failures in a row are counted without end; forgetting them sooner would be a way around
    // the barrier.
    (
        "DELETE FROM throttles WHERE (kind, key) IN (SELECT kind, key FROM throttles \
         WHERE changed_at < $1 LIMIT $2)",
        Duration::from_secs(400 * 24 * 3600),
    ),
    (
        "DELETE FROM known_devices WHERE (user_id, browser_digest) IN \
         (SELECT user_id, browser_digest FROM known_devices WHERE last_used_at < $1 LIMIT $2)",
        Duration::from_secs(400 * 24 * 3600),
    ),
    (
        "DELETE FROM authorization_requests WHERE digest IN \
         (SELECT digest FROM authorization_requests WHERE expires_at < $1 LIMIT $2)",
        HOUR,
    ),
    // A day longer than they work: somebody who comes with a copy is still noticed.
    (
        "DELETE FROM codes WHERE digest IN \
         (SELECT digest FROM codes WHERE expires_at < $1 LIMIT $2)",
        DAY,
    ),
    // What ended with its session, and what was revoked or not used for too long; but never before
    // the session is forgotten: a grant says that its client is to be told when that ends.
    (
        "DELETE FROM grants WHERE id IN (SELECT g.id FROM grants g WHERE g.refreshed_at < $1 \
         AND (g.revoked_at < $1 OR NOT g.offline) AND NOT EXISTS \
         (SELECT 1 FROM sessions s WHERE s.id = g.session_id) LIMIT $2)",
        DAY,
    ),
    (
        "DELETE FROM grants WHERE id IN (SELECT g.id FROM grants g WHERE g.refreshed_at < $1 \
         AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = g.session_id) LIMIT $2)",
        REFRESH_IDLE,
    ),
    (
        "DELETE FROM back_channel_logouts WHERE (session_id, client_id) IN \
         (SELECT session_id, client_id FROM back_channel_logouts WHERE created_at < $1 \
         AND due_at IS NULL LIMIT $2)",
        Duration::from_secs(7 * 24 * 3600),
    ),
    // A JWT that has expired is refused without looking here.
    (
        "DELETE FROM client_assertions WHERE digest IN \
         (SELECT digest FROM client_assertions WHERE expires_at < $1 LIMIT $2)",
        HOUR,
    ),
    (
        "DELETE FROM client_secrets WHERE digest IN \
         (SELECT digest FROM client_secrets WHERE expires_at < $1 LIMIT $2)",
        DAY,
    ),
    (
        "DELETE FROM host_tickets WHERE digest IN \
         (SELECT digest FROM host_tickets WHERE expires_at < $1 LIMIT $2)",
        HOUR,
    ),
    // What stood for a session at another host, once the session is forgotten.
    (
        "DELETE FROM host_sessions WHERE digest IN (SELECT h.digest FROM host_sessions h \
         WHERE h.begun_at < $1 AND NOT EXISTS \
         (SELECT 1 FROM sessions s WHERE s.id = h.session_id) LIMIT $2)",
        DAY,
    ),
    // Who arrived is for trying policies; the entry itself stays.
    (
        "UPDATE audit SET arrival = NULL WHERE id IN \
         (SELECT id FROM audit WHERE arrival IS NOT NULL AND at < $1 LIMIT $2)",
        Duration::from_secs(30 * 24 * 3600),
    ),
    (
        "DELETE FROM changes WHERE seq IN (SELECT seq FROM changes \
         WHERE seq <= (SELECT pruned FROM change_counter WHERE id = 1) AND at < $1 LIMIT $2)",
        HOUR,
    ),
];

impl Store {
    /// Whether the database answers, for `/readyz`: one cheap statement.
    pub async fn health(&self) -> Result<()> {
        self.latest_change().await.map(|_| ())
    }

    /// Forgets what is over: trips, sessions, links, finished mails, counters, old changes. The
    /// audit stays. Safe to run in several processes at once.
    pub async fn prune(&self, now: Moment) -> Result<Pruned> {
        // First everybody is told that the old changes are gone, then they go: a poller that
        // finds none of them must find the reason.
        const TELL: &str = "UPDATE change_counter SET pruned = $1 WHERE id = 1 AND pruned < $1";
        const OLDEST: &str = "SELECT max(seq) FROM changes WHERE at < $1";
        let (last,): (Option<i64>,) = self.db.one(OLDEST, args![now.minus(HOUR)]).await?;
        let mut pruned = Pruned::default();
        if let Some(last) = last {
            self.remove(TELL, args![last]).await?;
        }
        transact!(self.db, Mode::Plain, |tx| tx.void_setup_links().await)?;
        for (sql, age) in OVER {
            pruned.rows += self.remove_before(sql, now.minus(age)).await?;
        }
        Ok(pruned)
    }

    /// Forgets what people who were not signed in were refused before a moment. Anybody can bring
    /// such entries about; all others stay.
    pub async fn prune_visitor_refusals(&self, before: Moment) -> Result<Pruned> {
        const OLD: &str = "DELETE FROM audit WHERE id IN (SELECT id FROM audit \
                           WHERE actor = 'visitor' AND outcome <> 'done' AND at < $1 LIMIT $2)";
        Ok(Pruned { rows: self.remove_before(OLD, before).await? })
    }

    /// Forgets whatever happened before a moment, for those who must not keep it longer.
    pub async fn prune_audit(&self, before: Moment) -> Result<Pruned> {
        const OLD: &str = "DELETE FROM audit WHERE id IN (SELECT id FROM audit \
                           WHERE at < $1 LIMIT $2)";
        Ok(Pruned { rows: self.remove_before(OLD, before).await? })
    }

    /// Batch by batch, until nothing is left to remove.
    async fn remove_before(&self, sql: &'static str, before: Moment) -> Result<u64> {
        let mut all = 0;
        loop {
            let batch = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let rows = self.remove(sql, args![before, batch]).await?;
            all += rows;
            if rows < BATCH {
                return Ok(all);
            }
        }
    }

    async fn remove(&self, sql: &'static str, values: Vec<Value>) -> Result<u64> {
        transact!(self.db, Mode::Plain, |tx| tx.run(sql, values.clone()).await)
    }
}
