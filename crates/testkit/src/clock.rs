//! A clock that a test turns.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use identity::time::Moment;
use server::clock::{Clock, SystemClock};

/// 2026-11-21T08:00:00Z.
const START: i64 = 1_795_248_000_000_000;

/// Stands still but for a millisecond at every look, so that what happens later is later.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl Default for TestClock {
    fn default() -> Self {
        Self(AtomicI64::new(START))
    }
}

impl TestClock {
    /// Turns it forward.
    pub fn turn(&self, span: Duration) {
        self.0.fetch_add(micros(span), Ordering::SeqCst);
    }

    /// Turns it forward to where real clocks are, for tests whose commands run in a process of
    /// their own. It stays where it is when it is there already.
    pub fn catch_up(&self) {
        self.0.fetch_max(SystemClock.now().micros(), Ordering::SeqCst);
    }

    /// Turns it back.
    pub fn turn_back(&self, span: Duration) {
        self.0.fetch_sub(micros(span), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Moment {
        Moment::from_micros(self.0.fetch_add(1000, Ordering::SeqCst))
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).expect("no test waits that long")
}
