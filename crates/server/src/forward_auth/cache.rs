//! What the check keeps in memory: what cookies of other hosts stand for, and answers made before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use identity::applications::ApplicationKey;
use identity::secret::Digest;
use identity::time::Moment;
use identity::users::User;
use store::{HostSession, Store};

use crate::sessions::current::SignedIn;

/// Most entries held of each kind. Past it everything is forgotten and read again.
const CAPACITY: usize = 50_000;

/// How long an answer is given again: half of its token's life, so that the other half is left to
/// whoever receives it.
const ANSWER_LIFE: Duration = Duration::from_secs(30);

/// An answer, for as long as its user stays as they are.
struct Kept {
    user: Arc<User>,
    made_at: Moment,
    headers: HeaderMap,
}

/// A session, and the application that asks about it.
type Asker = (Digest, ApplicationKey);

#[derive(Default)]
struct Shelf {
    sessions: HashMap<Digest, Arc<HostSession>>,
    answers: HashMap<Asker, Arc<Kept>>,
    /// Grows when hosts change: what was read before is not kept after.
    generation: u64,
}

/// All of it. What a cookie stands for never changes; whether that session lives is asked of the
/// sessions in memory every time.
#[derive(Default)]
pub struct HostCache(Mutex<Shelf>);

impl HostCache {
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many answers are held.
    pub fn len(&self) -> usize {
        self.lock().answers.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a cookie of another host stands for.
    pub async fn session(
        &self,
        store: &Store,
        token: &Digest,
    ) -> Result<Option<Arc<HostSession>>, store::Error> {
        let generation = {
            let shelf = self.lock();
            if let Some(found) = shelf.sessions.get(token) {
                return Ok(Some(Arc::clone(found)));
            }
            shelf.generation
        };
        let Some(found) = store.find_host_session(token).await? else { return Ok(None) };
        let found = Arc::new(found);
        let mut shelf = self.lock();
        if shelf.generation == generation {
            if shelf.sessions.len() >= CAPACITY {
                shelf.sessions.clear();
            }
            shelf.sessions.insert(token.clone(), Arc::clone(&found));
        }
        Ok(Some(found))
    }

    /// The headers that this application was told before, if they still hold. A user who has
    /// changed is another one in memory, and so are their groups.
    pub fn answer(
        &self,
        application: &ApplicationKey,
        signed_in: &SignedIn,
        now: Moment,
    ) -> Option<HeaderMap> {
        let asker = (signed_in.digest.clone(), application.clone());
        let kept = self.lock().answers.get(&asker).cloned()?;
        let holds = Arc::ptr_eq(&kept.user, &signed_in.user)
            && now >= kept.made_at
            && now.since(kept.made_at) < ANSWER_LIFE;
        holds.then(|| kept.headers.clone())
    }

    /// Keeps an answer.
    pub fn keep(
        &self,
        application: &ApplicationKey,
        signed_in: &SignedIn,
        headers: &HeaderMap,
        now: Moment,
    ) {
        let (user, headers) = (Arc::clone(&signed_in.user), headers.clone());
        let mut shelf = self.lock();
        if shelf.answers.len() >= CAPACITY {
            shelf.answers.clear();
        }
        let asker = (signed_in.digest.clone(), application.clone());
        shelf.answers.insert(asker, Arc::new(Kept { user, made_at: now, headers }));
    }

    /// Hosts have changed, or nobody knows what has.
    pub fn forget_all(&self) {
        let mut shelf = self.lock();
        *shelf = Shelf { generation: shelf.generation + 1, ..Shelf::default() };
    }
}
