//! How long a provider's keys are trusted, and when they are fetched again.

use std::sync::Arc;
use std::time::Duration;

use super::KeySet;
use crate::time::Moment;

#[cfg(test)]
mod tests;

/// A provider that asks for less is asked once a minute.
pub const MIN_MAX_AGE: Duration = Duration::from_secs(60);
/// A provider that says nothing about it is asked every ten minutes.
pub const DEFAULT_MAX_AGE: Duration = Duration::from_secs(10 * 60);
/// A withdrawn key is trusted no longer than this, whatever the provider's cache headers say.
pub const MAX_MAX_AGE: Duration = Duration::from_secs(60 * 60);
/// From one fetch that a token forced to the next one; also how long a provider that just failed
/// is left alone while there is an older copy to go on with.
pub const REFETCH_PAUSE: Duration = Duration::from_secs(30);
/// A copy that could not be renewed for so long is not used any more.
pub const STALE_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an answer stays fresh by its `Cache-Control` header (RFC 9111 section 5.2.2), within
/// our own bounds: `no-store` and `no-cache` mean the shortest time, nothing at all the default.
pub fn max_age(cache_control: Option<&str>) -> Duration {
    let mut shortest = None;
    for directive in cache_control.unwrap_or_default().split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let seconds = match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => Some(0),
            "max-age" => value.trim().trim_matches('"').parse().ok(),
            _ => None,
        };
        // Of several the strictest counts.
        shortest = shortest.into_iter().chain(seconds).min();
    }
    shortest.map_or(DEFAULT_MAX_AGE, Duration::from_secs).clamp(MIN_MAX_AGE, MAX_MAX_AGE)
}

/// What to do before a token is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The copy is good enough.
    Use,
    /// Fetch; if that fails, go on with [`KeyCache::keys`] if it still gives any.
    FetchFirst,
}

/// One provider's keys with the rules about them, and nothing that fetches.
///
/// Around it, per provider and with one fetch in flight: `plan`, fetch if it says so, then
/// `stored` or `failed`. If the token then has no key or a bad signature: when [`Self::fetched_at`]
/// has moved on since the keys were read, try the newer keys; else, if [`Self::begin_refetch`]
/// gives leave, fetch once more and try again; then refuse.
#[derive(Clone, Debug, Default)]
pub struct KeyCache {
    copy: Option<Copy>,
    failed_at: Option<Moment>,
    forced_at: Option<Moment>,
}

#[derive(Clone, Debug)]
struct Copy {
    keys: Arc<KeySet>,
    fetched_at: Moment,
    fresh_until: Moment,
}

impl KeyCache {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The last good copy, unless it is older than [`STALE_LIMIT`].
    pub fn keys(&self, now: Moment) -> Option<&Arc<KeySet>> {
        let copy = self.copy.as_ref()?;
        (now.since(copy.fetched_at) < STALE_LIMIT).then_some(&copy.keys)
    }

    /// When the last good copy was fetched.
    pub fn fetched_at(&self) -> Option<Moment> {
        self.copy.as_ref().map(|copy| copy.fetched_at)
    }

    /// Whether the keys must be fetched before they are used.
    pub fn plan(&self, now: Moment) -> Plan {
        // A clock that was set back must not keep an old copy fresh.
        let fresh =
            self.copy.as_ref().is_some_and(|copy| copy.fetched_at <= now && now < copy.fresh_until);
        let going_on = self.keys(now).is_some() && !is_over(self.failed_at, now);
        if fresh || going_on { Plan::Use } else { Plan::FetchFirst }
    }

    /// Whether a token that the keys do not prove may make us fetch them once more.
    pub fn may_refetch(&self, now: Moment) -> bool {
        is_over(self.forced_at, now)
    }

    /// Takes the leave that [`Self::may_refetch`] speaks of. Counted from the beginning, so that a
    /// fetch that fails uses it up, too: strangers with made-up tokens must not drive our fetches.
    pub fn begin_refetch(&mut self, now: Moment) -> bool {
        let leave = self.may_refetch(now);
        if leave {
            self.forced_at = Some(now);
        }
        leave
    }

    /// A good answer came. It replaces the copy whole: what is not in it is trusted no more.
    pub fn stored(&mut self, keys: KeySet, max_age: Duration, now: Moment) {
        let fresh_until = now.plus(max_age.clamp(MIN_MAX_AGE, MAX_MAX_AGE));
        self.copy = Some(Copy { keys: Arc::new(keys), fetched_at: now, fresh_until });
        self.failed_at = None;
    }

    /// No answer came, or a bad one. The copy stays.
    pub fn failed(&mut self, now: Moment) {
        self.failed_at = Some(now);
    }
}

/// Whether the pause since `start` is over; without a start there is none.
fn is_over(start: Option<Moment>, now: Moment) -> bool {
    start.is_none_or(|start| now.since(start) >= REFETCH_PAUSE || now < start)
}
