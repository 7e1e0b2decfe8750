//! What everybody in a round shares: the yard, the ledger, and whether the end has come.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use testkit::wire::{Answer, Wire};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::ledger::Ledger;
use crate::trips::Pending;
use crate::yard::Yard;

/// Everything of one run.
pub struct Stage {
    /// The house and its surroundings.
    pub yard: Yard,
    ledger: Mutex<Ledger>,
    round: AtomicU64,
    end: watch::Sender<bool>,
    pending: Mutex<Option<Pending>>,
}

impl Stage {
    /// Before the first round.
    pub fn new(yard: Yard) -> Self {
        Self {
            yard,
            ledger: Mutex::default(),
            round: AtomicU64::new(0),
            end: watch::channel(false).0,
            pending: Mutex::default(),
        }
    }

    /// What was acknowledged. Never held across an await.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The trip that was under way when the house was killed.
    pub fn pending(&self) -> MutexGuard<'_, Option<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A round begins.
    pub fn begin(&self, round: u64) {
        self.round.store(round, Ordering::SeqCst);
        self.ledger().begin_round(round);
        self.end.send_replace(false);
    }

    /// Which round it is.
    pub fn round(&self) -> u64 {
        self.round.load(Ordering::SeqCst)
    }

    /// Comes back when the operator and everybody were told so often more that something is done.
    /// Counted and not timed, so that a slow machine is killed at work as well.
    pub async fn until_acknowledged(&self, operator: u64, everybody: u64) {
        let told = || {
            let ledger = self.ledger();
            (ledger.operator_acknowledged, ledger.acknowledged)
        };
        let (operator, everybody) = (told().0 + operator, told().1 + everybody);
        for _ in 0..60_000 {
            if told().0 >= operator && told().1 >= everybody {
                return;
            }
            sleep(Duration::from_millis(1)).await;
        }
        panic!("the house serves nobody: {:?}", self.ledger().summary());
    }

    /// From now on nobody wonders why the house is gone.
    pub fn end(&self) {
        self.end.send_replace(true);
    }

    /// Whether the house may be gone.
    pub fn has_ended(&self) -> bool {
        *self.end.borrow()
    }

    /// What a future gives, unless the end comes first; then it is dropped.
    pub async fn unless_ended<T>(&self, future: impl Future<Output = T>) -> io::Result<T> {
        let mut end = self.end.subscribe();
        tokio::select! {
            done = future => Ok(done),
            _ = end.wait_for(|ended| *ended) => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// A connection to the house.
    pub async fn connect(&self) -> io::Result<Wire> {
        Wire::connect(self.yard.address).await
    }

    /// The answer, if it is the one that was hoped for; none for "busy", which promises nothing.
    /// Whatever else comes is a fault.
    pub async fn expect(
        &self,
        answer: Answer,
        is_right: impl Fn(&Answer) -> bool,
    ) -> Option<Answer> {
        if is_right(&answer) {
            return Some(answer);
        }
        assert_eq!(answer.status, 503, "{:?} {}", answer.reason(), answer.body);
        self.ledger().busy += 1;
        sleep(Duration::from_millis(20)).await;
        None
    }
}
