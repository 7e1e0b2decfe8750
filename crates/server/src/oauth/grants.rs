//! Grants in memory, so that a token that is asked about again asks nobody.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use identity::ids::{ClientId, GrantId, SessionId, UserId};
use store::{FoundGrant, Store};

use crate::app::App;
use crate::sessions::cache::Trust;
use crate::visit::Visit;

/// Most grants held at once. Past it everything is forgotten and read again: a token is asked
/// about for ten minutes at most, so a full shelf is mostly old.
const CAPACITY: usize = 20_000;

/// A grant, its user and session, and the names of the user's groups.
#[derive(Debug)]
pub struct HeldGrant {
    /// As read.
    pub found: FoundGrant,
    /// What the `groups` claim says.
    pub groups: Vec<String>,
}

#[derive(Default)]
struct Shelf {
    grants: HashMap<GrantId, Arc<HeldGrant>>,
    by_session: HashMap<SessionId, HashSet<GrantId>>,
    by_user: HashMap<UserId, HashSet<GrantId>>,
    /// Grows with every change: what was read before one is not kept after it.
    generation: u64,
}

impl Shelf {
    fn remove(&mut self, id: &GrantId) {
        let Some(held) = self.grants.remove(id) else { return };
        let grant = &held.found.grant;
        take_out(&mut self.by_session, &grant.session, id);
        take_out(&mut self.by_user, &grant.user, id);
    }

    fn insert(&mut self, held: Arc<HeldGrant>) {
        let grant = &held.found.grant;
        let id = grant.id.clone();
        self.remove(&id);
        self.by_session.entry(grant.session.clone()).or_default().insert(id.clone());
        self.by_user.entry(grant.user.clone()).or_default().insert(id.clone());
        self.grants.insert(id, held);
    }
}

fn take_out<K: std::hash::Hash + Eq>(
    index: &mut HashMap<K, HashSet<GrantId>>,
    key: &K,
    id: &GrantId,
) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

/// All of them.
#[derive(Default)]
pub struct GrantCache(Mutex<Shelf>);

impl GrantCache {
    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are held.
    pub fn len(&self) -> usize {
        self.lock().grants.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A grant was ended.
    pub fn forget(&self, id: &GrantId) {
        let mut shelf = self.lock();
        shelf.generation += 1;
        shelf.remove(id);
    }

    /// A session has changed or ended, and with it what was given in it.
    pub fn forget_session(&self, id: &SessionId) {
        let mut shelf = self.lock();
        shelf.generation += 1;
        for grant in shelf.by_session.get(id).cloned().unwrap_or_default() {
            shelf.remove(&grant);
        }
    }

    /// A user has changed.
    pub fn forget_user(&self, id: &UserId) {
        let mut shelf = self.lock();
        shelf.generation += 1;
        for grant in shelf.by_user.get(id).cloned().unwrap_or_default() {
            shelf.remove(&grant);
        }
    }

    /// Nobody knows what has changed.
    pub fn forget_all(&self) {
        let mut shelf = self.lock();
        *shelf = Shelf { generation: shelf.generation + 1, ..Shelf::default() };
    }

    fn find(&self, id: &GrantId) -> (Option<Arc<HeldGrant>>, u64) {
        let shelf = self.lock();
        (shelf.grants.get(id).cloned(), shelf.generation)
    }

    async fn read(
        &self,
        store: &Store,
        id: &GrantId,
        generation: u64,
    ) -> Result<Option<Arc<HeldGrant>>, store::Error> {
        let Some(found) = store.find_grant(id).await? else { return Ok(None) };
        let groups = store.list_groups_of(&found.user.id).await?;
        let groups = groups.into_iter().map(|group| group.name).collect();
        let held = Arc::new(HeldGrant { found, groups });
        let mut shelf = self.lock();
        if shelf.generation == generation {
            if shelf.grants.len() >= CAPACITY {
                *shelf = Shelf { generation, ..Shelf::default() };
            }
            shelf.insert(Arc::clone(&held));
        }
        Ok(Some(held))
    }
}

/// The grant behind a token, if it holds now. One that does not hold by what memory says is read
/// again: the session behind it may have been used at another node.
pub async fn holding(
    app: &App,
    visit: &Visit,
    id: &GrantId,
) -> Result<Option<Arc<HeldGrant>>, store::Error> {
    let (at_hand, generation) = app.grants.find(id);
    let fresh = app.sessions.trust(visit.now) == Trust::Fresh;
    let holds =
        |held: &Arc<HeldGrant>| held.found.holds(visit.now) && is_on(app, &held.found.grant.client);
    if let Some(held) = at_hand.filter(|held| fresh && holds(held)) {
        return Ok(Some(held));
    }
    let read = app.grants.read(&app.store, id, generation).await?;
    Ok(read.filter(holds))
}

/// Whether a client is registered and not switched off: tokens of others count for nothing.
pub fn is_on(app: &App, client: &ClientId) -> bool {
    app.directory.now().live_client(client.as_str()).is_some()
}
