//! The pool that hashes passwords: few threads, little memory, a queue with an end.
//!
//! Argon2id is made to be dear, in time and in memory. On threads of its own it keeps no request
//! waiting that needs no password, and what a flood of sign-ins costs is fixed at the start.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use argon2::Block;
use identity::entropy::Entropy;
use identity::secret::Secret;
use tokio::sync::oneshot;

use super::phc::{Cost, Phc, PhcError};
use crate::config::PasswordsConfig;

/// A thread that had nothing to do for so long gives its memory back.
const IDLE: Duration = Duration::from_secs(10);

/// Blocks to ask for at least. The C library keeps what it once handed out, unless it was larger
/// than 32 MiB; then it goes back to the system when dropped. Blocks that are never touched cost
/// address space only.
const LEAST_RESERVED: usize = 33 * 1024;

/// Why nothing was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The queue is full, or the house is closing; answer 503 with `Retry-After`.
    #[error("too many sign-ins at once")]
    Busy,
    /// The stored hash cannot be verified by this version.
    #[error(transparent)]
    Unreadable(#[from] PhcError),
}

/// What became of a password.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Whether it is the right one.
    pub ok: bool,
    /// The hash to store from now on, because parameters rose since the stored one was made.
    pub rehashed: Option<Phc>,
}

enum Job {
    Verify {
        password: Secret,
        hash: Option<Phc>,
        reply: oneshot::Sender<Result<Verified, HashError>>,
    },
    Make {
        password: Secret,
        reply: oneshot::Sender<Result<Phc, HashError>>,
    },
}

impl Job {
    /// Whether whoever asked is gone.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Verify { reply, .. } => reply.is_closed(),
            Self::Make { reply, .. } => reply.is_closed(),
        }
    }
}

struct Queue {
    jobs: VecDeque<Job>,
    most: usize,
    closed: bool,
}

struct Pool {
    queue: Mutex<Queue>,
    filled: Condvar,
    cost: Cost,
    nobody: Phc,
    entropy: Arc<dyn Entropy>,
    derived: AtomicU64,
}

impl Pool {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // A queue of whole jobs is in order even after a panic.
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Memory to derive once.
    fn lend<'m>(&self, memory: &'m mut Memory, cost: Cost) -> Result<&'m mut [Block], PhcError> {
        self.derived.fetch_add(1, Ordering::Relaxed);
        memory.blocks(cost)
    }
}

/// Hashes and verifies passwords.
pub struct Hasher {
    pool: Arc<Pool>,
}

impl Hasher {
    /// Starts the threads. They end when the hasher is dropped.
    pub fn start(config: &PasswordsConfig, entropy: &Arc<dyn Entropy>) -> Self {
        let cost =
            Cost { memory_kib: config.argon2_memory_kib, passes: config.argon2_passes, lanes: 1 };
        let queue = Queue { jobs: VecDeque::new(), most: config.queue.max(1), closed: false };
        let pool = Arc::new(Pool {
            queue: Mutex::new(queue),
            filled: Condvar::new(),
            cost,
            nobody: Phc::nobody(cost, entropy.as_ref()),
            entropy: Arc::clone(entropy),
            derived: AtomicU64::new(0),
        });
        let started = (0..workers(config.workers)).filter(|number| start_worker(*number, &pool));
        if started.count() == 0 {
            // Then every sign-in with a password is answered "busy", and the log says why.
            pool.queue().closed = true;
        }
        Self { pool }
    }

    /// Whether `password` makes `hash`. Without a hash the answer is no after the same work, so
    /// that nobody learns from the time it takes whether an account has a password.
    pub async fn verify(&self, password: Secret, hash: Option<Phc>) -> Result<Verified, HashError> {
        let (reply, answer) = oneshot::channel();
        self.queue(Job::Verify { password, hash, reply })?;
        answer.await.unwrap_or(Err(HashError::Busy))
    }

    /// The hash to store for a new password.
    pub async fn hash(&self, password: Secret) -> Result<Phc, HashError> {
        let (reply, answer) = oneshot::channel();
        self.queue(Job::Make { password, reply })?;
        answer.await.unwrap_or(Err(HashError::Busy))
    }

    /// How often Argon2 has run since the start.
    pub fn derived(&self) -> u64 {
        self.pool.derived.load(Ordering::Relaxed)
    }

    fn queue(&self, job: Job) -> Result<(), HashError> {
        let mut queue = self.pool.queue();
        if queue.jobs.len() >= queue.most {
            // Visitors who went away must not keep others out.
            queue.jobs.retain(|job| !job.is_abandoned());
        }
        if queue.closed || queue.jobs.len() >= queue.most {
            return Err(HashError::Busy);
        }
        queue.jobs.push_back(job);
        self.pool.filled.notify_one();
        Ok(())
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        let mut queue = self.pool.queue();
        queue.closed = true;
        queue.jobs.clear();
        self.pool.filled.notify_all();
    }
}

fn workers(asked: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if asked == 0 { cores.saturating_sub(1).max(1) } else { asked }
}

fn start_worker(number: usize, pool: &Arc<Pool>) -> bool {
    let pool = Arc::clone(pool);
    let thread = std::thread::Builder::new().name(format!("hasher-{number}"));
    match thread.spawn(move || work(&pool)) {
        Ok(_) => true,
        Err(error) => {
            tracing::error!(%error, "a thread that hashes passwords cannot be started");
            false
        }
    }
}

fn work(pool: &Pool) {
    let mut memory = Memory::default();
    while let Some(job) = next(pool, &mut memory) {
        // Whoever asked may be gone: then there is nobody to tell.
        match job {
            Job::Verify { password, hash, reply } => {
                let _ = reply.send(verify(pool, &mut memory, &password, hash));
            }
            Job::Make { password, reply } => {
                let _ = reply.send(make(pool, &mut memory, &password));
            }
        }
    }
}

/// The next job that somebody still waits for; none when the house closes.
fn next(pool: &Pool, memory: &mut Memory) -> Option<Job> {
    let mut queue = pool.queue();
    loop {
        if queue.closed {
            return None;
        }
        match queue.jobs.pop_front() {
            Some(job) if job.is_abandoned() => {}
            Some(job) => return Some(job),
            None if memory.is_empty() => {
                queue = pool.filled.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
            }
            None => {
                let (woken, waited) = pool
                    .filled
                    .wait_timeout(queue, IDLE)
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                queue = woken;
                if waited.timed_out() {
                    memory.give_back();
                }
            }
        }
    }
}

fn verify(
    pool: &Pool,
    memory: &mut Memory,
    password: &Secret,
    hash: Option<Phc>,
) -> Result<Verified, HashError> {
    let known = hash.is_some();
    let hash = hash.unwrap_or_else(|| pool.nobody.clone());
    let bytes = password.expose().as_bytes();
    let matches = hash.verify(bytes, pool.lend(memory, hash.cost)?)?;
    let ok = matches && known;
    let rehashed =
        if ok && pool.cost.exceeds(hash.cost) { Some(make(pool, memory, password)?) } else { None };
    Ok(Verified { ok, rehashed })
}

fn make(pool: &Pool, memory: &mut Memory, password: &Secret) -> Result<Phc, HashError> {
    let blocks = pool.lend(memory, pool.cost)?;
    Ok(Phc::make(pool.cost, password.expose().as_bytes(), blocks, pool.entropy.as_ref())?)
}

/// A thread's memory, reused: asking the system for fresh pages is a fifth of a hash's cost.
#[derive(Default)]
struct Memory(Vec<Block>);

impl Memory {
    fn blocks(&mut self, cost: Cost) -> Result<&mut [Block], PhcError> {
        let needed = cost.blocks()?;
        if self.0.len() < needed {
            self.give_back();
            self.0.reserve_exact(needed.max(LEAST_RESERVED));
            self.0.resize(needed, Block::default());
        }
        Ok(&mut self.0[..needed])
    }

    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn give_back(&mut self) {
        self.0 = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;

    fn hasher(memory_kib: u32, queue: usize) -> Hasher {
        let config = PasswordsConfig {
            argon2_memory_kib: memory_kib,
            workers: 1,
            queue,
            ..PasswordsConfig::default()
        };
        Hasher::start(&config, &(Arc::new(SystemEntropy) as Arc<dyn Entropy>))
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text)
    }

    #[tokio::test]
    async fn s103_only_the_very_password_verifies_and_every_hash_has_its_own_salt() {
        let hasher = hasher(64, 8);
        let long = "ä".repeat(128);
        let hash = hasher.hash(secret(&long)).await.expect("hash");
        let verify = |text: &str| hasher.verify(secret(text), Some(hash.clone()));
        assert!(verify(&long).await.expect("verified").ok);
        assert!(!verify(&"ä".repeat(127)).await.expect("verified").ok);
        assert!(!verify("").await.expect("verified").ok);
        let again = hasher.hash(secret(&long)).await.expect("hash");
        assert_ne!(again.to_string(), hash.to_string());
    }

    #[tokio::test]
    async fn s103_a_cheaper_hash_is_made_anew_and_a_dearer_one_is_kept() {
        let (cheap, dear) = (hasher(64, 8), hasher(128, 8));
        let old = cheap.hash(secret("words")).await.expect("hash");
        let verified = dear.verify(secret("words"), Some(old.clone())).await.expect("verified");
        let new = verified.rehashed.expect("made anew");
        assert_eq!(new.cost.memory_kib, 128);
        assert!(dear.verify(secret("words"), Some(new.clone())).await.expect("verified").ok);
        let wrong = dear.verify(secret("other"), Some(old)).await.expect("verified");
        assert!(!wrong.ok && wrong.rehashed.is_none());
        let kept = cheap.verify(secret("words"), Some(new)).await.expect("verified");
        assert!(kept.ok && kept.rehashed.is_none());
    }

    #[tokio::test]
    async fn s106_without_a_hash_the_answer_is_no_after_the_same_work() {
        let hasher = hasher(64, 8);
        assert_eq!(hasher.pool.nobody.cost, hasher.pool.cost);
        let hash = hasher.hash(secret("words")).await.expect("hash");
        for (hash, ok) in [(Some(hash), true), (None, false)] {
            let before = hasher.derived();
            let verified = hasher.verify(secret("words"), hash).await.expect("verified");
            assert_eq!((verified.ok, hasher.derived() - before), (ok, 1));
        }
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_and_the_abandoned_make_room() {
        let hasher = hasher(64, 2);
        // Held: the worker cannot take a job, so the queue stays as it is filled here.
        let (replies, jobs): (Vec<_>, Vec<_>) = (0..2)
            .map(|_| {
                let (reply, answer) = oneshot::channel();
                (answer, Job::Make { password: secret("words"), reply })
            })
            .unzip();
        {
            let mut queue = hasher.pool.queue();
            queue.jobs.extend(jobs);
            assert_eq!(queue.jobs.len(), queue.most);
            drop(queue);
        }
        drop(replies);
        for _ in 0..8 {
            assert!(hasher.hash(secret("words")).await.is_ok());
        }
        hasher.pool.queue().most = 0;
        assert_eq!(hasher.hash(secret("words")).await, Err(HashError::Busy));
    }

    #[tokio::test]
    async fn jobs_that_wait_when_the_house_closes_are_told() {
        let closing = hasher(64, 8);
        let pool = Arc::clone(&closing.pool);
        drop(closing);
        let left = Hasher { pool };
        assert_eq!(left.hash(secret("words")).await, Err(HashError::Busy));
    }

    #[test]
    fn memory_is_given_back_and_grows_when_needed() {
        let cost = |memory_kib| Cost { memory_kib, passes: 1, lanes: 1 };
        let mut memory = Memory::default();
        assert_eq!(memory.blocks(cost(64)).expect("blocks").len(), 64);
        assert_eq!(memory.blocks(cost(128)).expect("blocks").len(), 128);
        assert_eq!(memory.blocks(cost(64)).expect("blocks").len(), 64);
        memory.give_back();
        assert!(memory.is_empty());
    }
}
