//! Clients that failed to authenticate a moment ago, and from where.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use identity::throttle::Bucket;
use identity::time::Moment;

/// Most that are remembered. Past it everything is forgotten: each may then fail once more before
/// it is counted beforehand again.
const CAPACITY: usize = 50_000;

/// Counters that have counted a failure in this process not long ago. The counts themselves are
/// in the database; this tells when they have to be asked first.
#[derive(Default)]
pub struct Suspects(Mutex<HashMap<Bucket, Moment>>);

impl Suspects {
    /// Whether one of these has counted a failure that is not forgotten yet.
    pub(super) fn contain(&self, buckets: &[Bucket], now: Moment) -> bool {
        let known = self.lock();
        buckets.iter().any(|bucket| known.get(bucket).is_some_and(|until| now < *until))
    }

    /// Remembers a failure for as long as it counts.
    pub(super) fn add(&self, buckets: &[Bucket], now: Moment, window: Duration) {
        let mut known = self.lock();
        if known.len() >= CAPACITY {
            known.retain(|_, until| now < *until);
        }
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.extend(buckets.iter().map(|bucket| (bucket.clone(), now.plus(window))));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Bucket, Moment>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use identity::throttle::buckets_for_client;

    use super::*;

    const NOW: Moment = Moment::from_seconds(1_800_000_000);
    const WINDOW: Duration = Duration::from_secs(300);

    fn buckets(client: &str) -> Vec<Bucket> {
        buckets_for_client(client, "192.0.2.1".parse().expect("an address"))
    }

    #[test]
    fn a_failure_is_remembered_for_as_long_as_it_counts() {
        let suspects = Suspects::default();
        assert!(!suspects.contain(&buckets("shop"), NOW));
        suspects.add(&buckets("shop"), NOW, WINDOW);
        assert!(suspects.contain(&buckets("shop"), NOW));
        assert!(!suspects.contain(&buckets("other"), NOW));
        assert!(!suspects.contain(&buckets("shop"), NOW.plus(WINDOW)));
    }

    #[test]
    fn however_many_fail_memory_is_bounded() {
        let suspects = Suspects::default();
        for number in 0..CAPACITY + 10 {
            suspects.add(&buckets(&number.to_string()), NOW, WINDOW);
        }
        assert!(suspects.lock().len() <= CAPACITY);
        suspects.add(&buckets("late"), NOW.plus(WINDOW), WINDOW);
        assert!(suspects.contain(&buckets("late"), NOW.plus(WINDOW)));
    }
}
