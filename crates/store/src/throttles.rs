//! The counters behind the throttles: read, decided on and written while nobody else can.

use identity::secret::Digest;
use identity::throttle::{Bucket, Counter, Reservation};
use identity::time::Moment;

use crate::Store;
use crate::db::{Mode, Tx, transact};
use crate::error::{Fault, Result};
use crate::value::args;

/// Counters as read, none where nothing was counted yet.
pub(crate) type Counters = Vec<(Bucket, Option<Counter>)>;

#[derive(sqlx::FromRow)]
struct CounterRow {
    failures: i64,
    window_started_at: i64,
    blocked_until: Option<i64>,
}

impl CounterRow {
    /// A row that was made only to be locked counts nothing.
    fn read(self) -> Option<Counter> {
        let failures = u32::try_from(self.failures).unwrap_or(u32::MAX);
        (failures > 0).then(|| Counter {
            failures,
            window_started_at: Moment::from_micros(self.window_started_at),
            blocked_until: self.blocked_until.map(Moment::from_micros),
        })
    }
}

impl Store {
    /// Counts an attempt before it is tried, if `decider` grants it; a refused one writes
    /// nothing. However many ask at once, they are counted one after the other.
    pub async fn reserve_sign_in(
        &self,
        buckets: &[Bucket],
        decider: impl Fn(&[(Bucket, Option<Counter>)]) -> Reservation + Sync,
        now: Moment,
    ) -> Result<Reservation> {
        let mut refused = None;
        let granted = transact!(self.db, Mode::Plain, |tx| {
            let counters = tx.lock_counters(buckets, now).await?;
            let reservation = decider(&counters);
            let Reservation::Granted { new } = &reservation else {
                refused = Some(reservation);
                return Err(Fault::Undo);
            };
            for (bucket, counter) in new {
                tx.write_counter(bucket, Some(counter), now).await?;
            }
            Ok(reservation)
        });
        refused.map_or(granted, Ok)
    }

    /// Changes counters as `decider` says: gives a reservation back when no verdict came of it.
    pub async fn change_throttles(
        &self,
        buckets: &[Bucket],
        decider: impl Fn(&[(Bucket, Option<Counter>)]) -> Vec<(Bucket, Option<Counter>)> + Sync,
        now: Moment,
    ) -> Result<()> {
        transact!(self.db, Mode::Plain, |tx| tx.change_counters(buckets, &decider, now).await)
    }
}

impl Tx {
    /// Reads counters and keeps everybody else from them until the end of the transaction. What
    /// is not there is made first, because only a row can be locked. Always in the same order, so
    /// that two transactions never wait for each other.
    async fn lock_counters(
        &mut self,
        buckets: &[Bucket],
        now: Moment,
    ) -> std::result::Result<Counters, Fault> {
        const LOCK: &str = "INSERT INTO throttles (kind, key, failures, window_started_at, \
             blocked_until, changed_at) VALUES ($1, $2, 0, $3, NULL, $3) \
             ON CONFLICT (kind, key) DO UPDATE SET changed_at = excluded.changed_at \
             RETURNING failures, window_started_at, blocked_until";
        let mut buckets = buckets.to_vec();
        buckets.sort();
        buckets.dedup();
        let mut counters = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            let values = args![bucket.kind.as_str(), &bucket.key, now];
            let row: CounterRow = self.one(LOCK, values).await?;
            counters.push((bucket, row.read()));
        }
        Ok(counters)
    }

    pub(crate) async fn change_counters(
        &mut self,
        buckets: &[Bucket],
        decider: impl Fn(&[(Bucket, Option<Counter>)]) -> Counters,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        let counters = self.lock_counters(buckets, now).await?;
        for (bucket, counter) in decider(&counters) {
            self.write_counter(&bucket, counter.as_ref(), now).await?;
        }
        Ok(())
    }

    async fn write_counter(
        &mut self,
        bucket: &Bucket,
        counter: Option<&Counter>,
        now: Moment,
    ) -> std::result::Result<(), Fault> {
        let Some(counter) = counter else {
            return self.remove_counter(bucket.kind.as_str(), &bucket.key).await;
        };
        self.run(
            "UPDATE throttles SET failures = $3, window_started_at = $4, blocked_until = $5, \
             changed_at = $6 WHERE kind = $1 AND key = $2",
            args![
                bucket.kind.as_str(),
                &bucket.key,
                counter.failures,
                counter.window_started_at,
                counter.blocked_until,
                now,
            ],
        )
        .await
        .map(|_| ())
    }

    pub(crate) async fn remove_counter(
        &mut self,
        kind: &str,
        key: &Digest,
    ) -> std::result::Result<(), Fault> {
        const SQL: &str = "DELETE FROM throttles WHERE kind = $1 AND key = $2";
        self.run(SQL, args![kind, key]).await.map(|_| ())
    }
}
