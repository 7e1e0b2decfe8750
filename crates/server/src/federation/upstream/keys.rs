//! Providers' keys in memory: fetched by the rules of `KeyCache`, and never twice at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use identity::federation::jwks::{self, KeyCache, KeySet, Plan};
use identity::federation::provider::Provider;
use identity::federation::reach::Reach;
use identity::ids::ProviderId;
use identity::time::Moment;

use super::wire::{Wire, WireFault};
use crate::clock::Clock;

/// Why there are no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysFault {
    /// They could not be had.
    #[error(transparent)]
    Wire(#[from] WireFault),
    /// What came is no key set.
    #[error(transparent)]
    NotKeys(#[from] jwks::KeySetError),
}

/// Keys that were read, and the number of the copy that they are from.
#[derive(Clone)]
pub(crate) struct Read {
    pub(crate) keys: Arc<KeySet>,
    copy: u64,
}

/// How a provider's keys were come by the last time.
pub struct Health {
    /// Whose.
    pub provider: ProviderId,
    /// Whether they came.
    pub up: bool,
    /// When that was.
    pub at: Moment,
}

/// The caches of all providers, by provider and the address of its keys: another address is
/// another cache, so that keys of the old one are not trusted after a change.
#[derive(Default)]
pub(crate) struct Keys {
    slots: Mutex<HashMap<(ProviderId, String), Arc<Slot>>>,
}

/// One provider's cache. Whoever wants to fetch takes `flight` first, so that there is one fetch
/// at a time; who had to wait for it takes the result that somebody else has just brought.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    flight: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    cache: KeyCache,
    /// Good fetches so far.
    copies: u64,
    /// Fetches that ended, good or bad.
    ended: u64,
    /// How the last one ended.
    last: Option<KeysFault>,
    /// When.
    ended_at: Option<Moment>,
}

impl Keys {
    /// Keys to check a token with.
    pub(crate) async fn read(
        &self,
        wire: &Wire,
        provider: &Provider,
        clock: &dyn Clock,
    ) -> Result<Read, KeysFault> {
        let slot = self.slot(provider);
        let (plan, seen) = slot.with(|state| (state.cache.plan(clock.now()), state.ended));
        if plan == Plan::FetchFirst {
            slot.fetch(wire, provider, clock, seen).await;
        }
        slot.with(|state| state.read(clock))
    }

    /// Newer keys than `read`, when a token could not be proved with those: what somebody else
    /// has fetched meanwhile, else a fetch of our own where the pause between two allows it.
    /// None when there are no newer ones.
    pub(crate) async fn newer(
        &self,
        wire: &Wire,
        provider: &Provider,
        clock: &dyn Clock,
        read: &Read,
    ) -> Option<Read> {
        let slot = self.slot(provider);
        let (moved_on, seen) = slot.with(|state| (state.copies > read.copy, state.ended));
        if !moved_on {
            slot.refetch(wire, provider, clock, seen).await;
        }
        slot.with(|state| state.read(clock)).ok().filter(|newer| newer.copy > read.copy)
    }

    /// How the last fetch from every provider went that was asked since the start.
    pub(crate) fn health(&self) -> Vec<Health> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let health = |((provider, _), slot): (&(ProviderId, String), &Arc<Slot>)| {
            slot.with(|state| {
                let (provider, up) = (provider.clone(), state.last.is_none());
                state.ended_at.map(|at| Health { provider, up, at })
            })
        };
        slots.iter().filter_map(health).collect()
    }

    fn slot(&self, provider: &Provider) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (provider.id.clone(), provider.endpoints.jwks.clone());
        Arc::clone(slots.entry(name).or_default())
    }
}

impl Slot {
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn fetch(&self, wire: &Wire, provider: &Provider, clock: &dyn Clock, seen: u64) {
        let _flight = self.flight.lock().await;
        if self.with(|state| state.ended == seen) {
            self.fetch_now(wire, provider, clock).await;
        }
    }

    async fn refetch(&self, wire: &Wire, provider: &Provider, clock: &dyn Clock, seen: u64) {
        let _flight = self.flight.lock().await;
        // The leave is taken only by whoever really fetches.
        let may = self.with(|state| state.ended == seen && state.cache.begin_refetch(clock.now()));
        if may {
            self.fetch_now(wire, provider, clock).await;
        }
    }

    async fn fetch_now(&self, wire: &Wire, provider: &Provider, clock: &dyn Clock) {
        let reach = Reach { allow_private: &provider.allow_private };
        let fetched = fetch(wire, &provider.endpoints.jwks, &reach).await;
        let now = clock.now();
        self.with(|state| {
            state.ended += 1;
            state.ended_at = Some(now);
            match fetched {
                Ok((keys, max_age)) => {
                    state.cache.stored(keys, max_age, now);
                    state.copies += 1;
                    state.last = None;
                }
                Err(fault) => {
                    tracing::warn!(%fault, provider = provider.key, "cannot fetch the keys");
                    state.cache.failed(now);
                    state.last = Some(fault);
                }
            }
        });
    }
}

impl State {
    fn read(&self, clock: &dyn Clock) -> Result<Read, KeysFault> {
        match self.cache.keys(clock.now()) {
            Some(keys) => Ok(Read { keys: Arc::clone(keys), copy: self.copies }),
            None => Err(self.last.clone().unwrap_or(KeysFault::Wire(WireFault::TimedOut))),
        }
    }
}

/// One fetch, and how long its answer stays fresh.
pub(crate) async fn fetch(
    wire: &Wire,
    url: &str,
    reach: &Reach<'_>,
) -> Result<(KeySet, Duration), KeysFault> {
    let request = wire.get(url, reach)?;
    let reply = wire.send(request).await?;
    let keys = KeySet::parse(reply.good_json()?)?;
    Ok((keys, jwks::max_age(reply.cache_control())))
}
