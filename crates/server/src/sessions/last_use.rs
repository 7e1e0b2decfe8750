//! When sessions were last used, as far as this process saw it and has not written it yet.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use identity::ids::SessionId;
use identity::time::Moment;

/// How far the database may lag behind the true last use.
const WRITE_BEHIND: Duration = Duration::from_secs(20);

/// When one session was last used.
#[derive(Debug)]
pub(super) struct LastUse {
    used: AtomicI64,
    written: AtomicI64,
}

impl LastUse {
    fn new(written: Moment) -> Self {
        let written = written.micros();
        Self { used: AtomicI64::new(written), written: AtomicI64::new(written) }
    }

    /// When that was.
    pub(super) fn at(&self) -> Moment {
        Moment::from_micros(self.used.load(Ordering::Relaxed))
    }

    /// Notes a use.
    pub(super) fn note(&self, now: Moment) {
        self.used.fetch_max(now.micros(), Ordering::Relaxed);
    }

    /// How long the database did not learn of it.
    fn behind(&self) -> Duration {
        self.at().since(Moment::from_micros(self.written.load(Ordering::Relaxed)))
    }
}

/// All that anybody holds or that is not written yet. A change takes a session out of memory at any
/// moment, also between its use and the write; the use stays here until the database has it.
#[derive(Debug, Default)]
pub(super) struct LastUses(HashMap<SessionId, Arc<LastUse>>);

impl LastUses {
    /// That of a session which was read just now: the later of what the database says, `written`,
    /// and what this process saw.
    pub(super) fn of(&mut self, session: &SessionId, written: Moment) -> Arc<LastUse> {
        let own = self.0.entry(session.clone());
        let own = own.or_insert_with(|| Arc::new(LastUse::new(written)));
        own.note(written);
        own.written.fetch_max(written.micros(), Ordering::Relaxed);
        Arc::clone(own)
    }

    /// What the database should learn now: what it lags far behind, and the last of what nobody
    /// holds any more.
    pub(super) fn unwritten(&self) -> Vec<(SessionId, Moment)> {
        let due = |own: &Arc<LastUse>| {
            let behind = own.behind();
            behind >= WRITE_BEHIND || (behind > Duration::ZERO && Arc::strong_count(own) == 1)
        };
        self.0.iter().filter(|(_, own)| due(own)).map(|(id, own)| (id.clone(), own.at())).collect()
    }

    /// The database has learnt of them.
    pub(super) fn written(&mut self, uses: &[(SessionId, Moment)]) {
        for (id, used) in uses {
            if let Some(own) = self.0.get(id) {
                own.written.fetch_max(used.micros(), Ordering::Relaxed);
            }
        }
        self.0.retain(|_, own| Arc::strong_count(own) > 1 || own.behind() > Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_seconds(seconds)
    }

    #[test]
    fn a_use_outlives_the_session_in_memory_until_it_is_written() {
        let (mut all, id) = (LastUses::default(), SessionId::from_stored("session"));
        let held = all.of(&id, at(1000));
        held.note(at(1019));
        assert_eq!(all.unwritten(), [], "held, and the database is not far behind");
        drop(held);
        let uses = all.unwritten();
        assert_eq!(uses, [(id.clone(), at(1019))], "nobody else will say it");

        assert_eq!(all.of(&id, at(1000)).at(), at(1019), "read again before it was written");
        all.written(&uses);
        assert!(all.0.is_empty(), "nothing is kept of what is written");
        assert_eq!(all.of(&id, at(1030)).at(), at(1030));
    }

    #[test]
    fn the_database_lags_twenty_seconds_at_most_and_later_uses_are_not_taken_for_written() {
        let (mut all, id) = (LastUses::default(), SessionId::from_stored("session"));
        let held = all.of(&id, at(1000));
        held.note(at(1020));
        held.note(at(1010));
        let uses = all.unwritten();
        assert_eq!(uses, [(id.clone(), at(1020))]);
        held.note(at(1041));
        all.written(&uses);
        assert_eq!(all.unwritten(), [(id.clone(), at(1041))]);
        let elsewhere = all.of(&id, at(1050));
        assert_eq!((held.at(), elsewhere.at()), (at(1050), at(1050)), "used in another process");
        assert_eq!(all.unwritten(), []);
    }
}
