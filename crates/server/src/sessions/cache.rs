//! Live sessions in memory, so that a check that hits asks nobody.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use identity::ids::{SessionId, UserId};
use identity::secret::Digest;
use identity::sessions::Session;
use identity::time::Moment;
use identity::users::{User, UserType};

use super::last_use::{LastUse, LastUses};

/// Most sessions held at once; past it the ones used longest ago are forgotten and read again.
const CAPACITY: usize = 50_000;

/// Without a look at the changes for so long, memory alone is not believed.
const TRUSTED_FOR: Duration = Duration::from_secs(2);

/// A session and its user, as read together.
#[derive(Debug)]
pub struct Held {
    session: Session,
    user: Arc<User>,
    last_use: Arc<LastUse>,
}

impl Held {
    /// The session with its true last use.
    pub fn session(&self) -> Session {
        Session { last_used_at: self.last_use.at(), ..self.session.clone() }
    }

    /// Its user.
    pub fn user(&self) -> &Arc<User> {
        &self.user
    }

    /// Notes a use.
    pub fn touch(&self, now: Moment) {
        self.last_use.note(now);
    }
}

/// Whether memory may answer alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Changes were looked at a moment ago.
    Fresh,
    /// They were not: ask the database, and if it is away, be strict.
    Stale {
        /// Since when nobody knows.
        since: Moment,
    },
}

#[derive(Default)]
struct Shelves {
    by_digest: HashMap<Digest, Arc<Held>>,
    by_session: HashMap<SessionId, Digest>,
    by_user: HashMap<UserId, Vec<Digest>>,
    /// Not taken down with the sessions: a session that is read again is no less used.
    last_uses: LastUses,
    /// Grows with every change that was applied. A session that was read before a change, and
    /// would be shelved after it, might be the one that the change ended.
    generation: u64,
}

impl Shelves {
    fn remove(&mut self, digest: &Digest) {
        let Some(held) = self.by_digest.remove(digest) else { return };
        self.by_session.remove(&held.session.id);
        if let Some(digests) = self.by_user.get_mut(&held.session.user) {
            digests.retain(|own| own != digest);
            if digests.is_empty() {
                self.by_user.remove(&held.session.user);
            }
        }
    }

    fn make_room(&mut self) {
        if self.by_digest.len() < CAPACITY {
            return;
        }
        let mut ages: Vec<(Moment, Digest)> = self
            .by_digest
            .iter()
            .map(|(digest, held)| (held.last_use.at(), digest.clone()))
            .collect();
        // A tenth at once, so that a full shelf is not sorted for every newcomer.
        let oldest = CAPACITY / 10;
        ages.select_nth_unstable_by_key(oldest, |(used, _)| *used);
        for (_, digest) in ages.drain(..oldest) {
            self.remove(&digest);
        }
    }
}

/// All of them.
pub struct SessionCache {
    shelves: RwLock<Shelves>,
    looked_at: AtomicI64,
}

impl SessionCache {
    /// An empty cache whose picture of the changes is fresh as of `now`.
    pub fn new(now: Moment) -> Self {
        Self { shelves: RwLock::new(Shelves::default()), looked_at: AtomicI64::new(now.micros()) }
    }

    fn read(&self) -> RwLockReadGuard<'_, Shelves> {
        self.shelves.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelves> {
        self.shelves.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of this cookie, if it is at hand.
    pub fn find(&self, digest: &Digest) -> Option<Arc<Held>> {
        self.read().by_digest.get(digest).cloned()
    }

    /// To be taken before the database is read, and handed to [`Self::shelve`] after.
    pub fn generation(&self) -> u64 {
        self.read().generation
    }

    /// Keeps what was read, unless something changed since `generation`; then it is good for this
    /// one request only.
    pub fn shelve(
        &self,
        digest: Digest,
        session: Session,
        user: User,
        generation: u64,
    ) -> Arc<Held> {
        let mut shelves = self.write();
        let last_use = shelves.last_uses.of(&session.id, session.last_used_at);
        let held = Arc::new(Held { session, user: Arc::new(user), last_use });
        if shelves.generation == generation {
            shelves.remove(&digest);
            shelves.make_room();
            shelves.by_session.insert(held.session.id.clone(), digest.clone());
            shelves.by_user.entry(held.session.user.clone()).or_default().push(digest.clone());
            shelves.by_digest.insert(digest, Arc::clone(&held));
        }
        held
    }

    /// A session has changed or ended.
    pub fn forget_session(&self, id: &SessionId) {
        let mut shelves = self.write();
        shelves.generation += 1;
        if let Some(digest) = shelves.by_session.get(id).cloned() {
            shelves.remove(&digest);
        }
    }

    /// A user has changed: their sessions are read again.
    pub fn forget_user(&self, id: &UserId) {
        let mut shelves = self.write();
        shelves.generation += 1;
        for digest in shelves.by_user.get(id).cloned().unwrap_or_default() {
            shelves.remove(&digest);
        }
    }

    /// Nobody knows what has changed.
    pub fn forget_all(&self) {
        let mut shelves = self.write();
        let generation = shelves.generation + 1;
        let last_uses = std::mem::take(&mut shelves.last_uses);
        *shelves = Shelves { generation, last_uses, ..Shelves::default() };
    }

    /// Changes were looked at.
    pub fn looked(&self, now: Moment) {
        self.looked_at.store(now.micros(), Ordering::Relaxed);
    }

    /// Whether memory may answer alone.
    pub fn trust(&self, now: Moment) -> Trust {
        let since = Moment::from_micros(self.looked_at.load(Ordering::Relaxed));
        if since.since(now) >= TRUSTED_FOR {
            // The clock was set back: how old the last look is, it cannot say.
            return Trust::Stale { since: Moment::from_micros(i64::MIN) };
        }
        if now.since(since) >= TRUSTED_FOR { Trust::Stale { since } } else { Trust::Fresh }
    }

    /// Uses that the database should learn of.
    pub fn unwritten(&self) -> Vec<(SessionId, Moment)> {
        self.read().last_uses.unwritten()
    }

    /// The database has learnt of them.
    pub fn written(&self, uses: &[(SessionId, Moment)]) {
        self.write().last_uses.written(uses);
    }

    /// How many are held.
    pub fn len(&self) -> usize {
        self.read().by_digest.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How long a session of this type is believed while the database is away.
pub fn patience(user_type: UserType, customers: Duration) -> Duration {
    if user_type.is_privileged() { Duration::ZERO } else { customers }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s093_memory_is_not_believed_for_longer_because_a_clock_was_set_back() {
        let at = Moment::from_seconds;
        let sessions = SessionCache::new(at(1000));
        assert_eq!(sessions.trust(at(1001)), Trust::Fresh);
        assert_eq!(sessions.trust(at(999)), Trust::Fresh, "a request that came in before the look");
        assert_eq!(sessions.trust(at(1002)), Trust::Stale { since: at(1000) });
        let Trust::Stale { since } = sessions.trust(at(500)) else { panic!("believed for ever") };
        assert!(at(500).since(since) > Duration::from_secs(3600), "not even for customers");
    }
}
