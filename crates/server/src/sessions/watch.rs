//! Keeps memory true: looks at what other processes changed, and writes last uses behind.

use std::time::Duration;

use identity::ids::{GrantId, SessionId, UserId};
use store::{Change, ChangeKind, Changes};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::cache::SessionCache;
use crate::app::App;
use crate::clock::Clock;
use crate::keys::KeyError;
use crate::oauth::signing::SigningError;

/// Between two looks at the changes.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Most changes read at once.
const PAGE: u32 = 500;

/// Longest wait for one look.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// Between two writes of last uses.
const WRITE_EVERY: Duration = Duration::from_secs(10);

/// Between two clearings of what has expired.
const PRUNE_EVERY: Duration = Duration::from_secs(300);

/// Looks at the changes for ever.
pub async fn look(app: App, mut seen: i64) {
    let mut tick = interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        look_once(&app.sessions, app.clock.as_ref(), catch_up(&app, &mut seen)).await;
    }
}

/// One look. What it found was true when it began, and nobody knows since when it is not.
async fn look_once(
    sessions: &SessionCache,
    clock: &dyn Clock,
    catch_up: impl Future<Output = Result<(), store::Error>>,
) {
    let began = clock.now();
    match timeout(LOOK_LIMIT, catch_up).await {
        Ok(Ok(())) => sessions.looked(began),
        Ok(Err(error)) => {
            tracing::warn!(%error, "cannot see what other processes changed");
        }
        Err(_) => {
            tracing::warn!("the database takes longer than 2 s to say what changed");
        }
    }
}

/// What has to be read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stale {
    directory: bool,
    signing_keys: bool,
    data_keys: bool,
}

impl Stale {
    const EVERYTHING: Self = Self { directory: true, signing_keys: true, data_keys: true };

    const fn or(self, other: Self) -> Self {
        Self {
            directory: self.directory || other.directory,
            signing_keys: self.signing_keys || other.signing_keys,
            data_keys: self.data_keys || other.data_keys,
        }
    }
}

/// Applies everything behind `seen`.
async fn catch_up(app: &App, seen: &mut i64) -> Result<(), store::Error> {
    loop {
        let (latest, more, stale) = match app.store.list_changes(*seen, PAGE).await? {
            Changes::Missed { latest } => {
                app.sessions.forget_all();
                app.grants.forget_all();
                app.hosts.forget_all();
                (latest, false, Stale::EVERYTHING)
            }
            Changes::Since(changes) => {
                let stale =
                    changes.iter().fold(Stale::default(), |so_far, one| so_far.or(apply(app, one)));
                let latest = changes.last().map_or(*seen, |last| last.seq);
                (latest, changes.len() >= PAGE as usize, stale)
            }
        };
        if stale.directory {
            app.directory.reload(&app.store).await?;
        }
        // First what opens, then what is sealed.
        if stale.data_keys {
            reload_data_keys(app).await?;
        }
        if stale.signing_keys {
            reload_keys(app).await?;
        }
        *seen = latest;
        if !more {
            return Ok(());
        }
    }
}

/// Keys that cannot be used are no reason to miss what else changed.
async fn reload_keys(app: &App) -> Result<(), store::Error> {
    match app.signer.reload(app.signing_tools()).await {
        Err(SigningError::Store(error)) => return Err(error),
        Err(error) => tracing::error!(%error, "the signing keys stay as they were"),
        Ok(()) => {}
    }
    Ok(())
}

/// Another process has sealed with a key that this one does not know yet.
async fn reload_data_keys(app: &App) -> Result<(), store::Error> {
    match app.keyring.reload(&app.store).await {
        Err(KeyError::Store(error)) => return Err(error),
        Err(error) => tracing::error!(%error, "the data keys stay as they were"),
        Ok(()) => {}
    }
    Ok(())
}

/// Forgets what changed, and says what has to be read again.
fn apply(app: &App, change: &Change) -> Stale {
    match change.kind {
        ChangeKind::Session => {
            let id = SessionId::from_stored(change.id.as_str());
            app.forget_session(&id);
            Stale::default()
        }
        ChangeKind::User => {
            let id = UserId::from_stored(change.id.as_str());
            app.forget_user(&id);
            Stale::default()
        }
        ChangeKind::Application => {
            app.hosts.forget_all();
            // Closed to passwords, it has taken along what came of them.
            app.grants.forget_all();
            Stale { directory: true, ..Stale::default() }
        }
        ChangeKind::Provider => {
            // Switched off, it has taken along whatever came by it.
            app.sessions.forget_all();
            app.grants.forget_all();
            Stale { directory: true, ..Stale::default() }
        }
        ChangeKind::Connection => {
            // Removed, it has taken along what the door's clients had got by it.
            app.grants.forget_all();
            Stale { directory: true, ..Stale::default() }
        }
        ChangeKind::Client => {
            // A client that is gone takes everything along that it was given.
            app.grants.forget_all();
            Stale { directory: true, ..Stale::default() }
        }
        ChangeKind::SigningKey => Stale { signing_keys: true, ..Stale::default() },
        ChangeKind::Grant => {
            app.grants.forget(&GrantId::from_stored(change.id.as_str()));
            Stale::default()
        }
        ChangeKind::Group => {
            // Whoever was in it is told of without it from now on.
            app.sessions.forget_all();
            app.grants.forget_all();
            Stale::default()
        }
        ChangeKind::Keys => Stale { data_keys: true, ..Stale::default() },
        ChangeKind::Other => {
            app.hosts.forget_all();
            app.sessions.forget_all();
            app.grants.forget_all();
            Stale::EVERYTHING
        }
    }
}

/// Writes last uses behind, for ever.
pub async fn write_behind(app: App) {
    let mut tick = interval(WRITE_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        flush(&app).await;
    }
}

/// Writes last uses once; also the last thing before a stop.
pub async fn flush(app: &App) {
    let uses = app.sessions.unwritten();
    if uses.is_empty() {
        app.sessions.written(&uses);
        return;
    }
    match app.store.touch_sessions(&uses).await {
        Ok(()) => app.sessions.written(&uses),
        Err(error) => tracing::warn!(%error, "cannot write when sessions were last used"),
    }
}

/// Clears what has expired, for ever.
pub async fn prune(app: App) {
    let mut tick = interval(PRUNE_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = prune_now(&app).await {
            tracing::warn!(%error, "cannot clear what has expired");
        }
    }
}

/// Clears what has expired by now.
pub async fn prune_now(app: &App) -> Result<(), store::Error> {
    let now = app.now();
    app.store.prune(now).await?;
    let audit = &app.config.audit;
    let before = |days: u64| now.minus(Duration::from_secs(days.saturating_mul(24 * 3600)));
    app.store.prune_visitor_refusals(before(audit.visitor_refusals_days)).await?;
    if audit.keep_days > 0 {
        app.store.prune_audit(before(audit.keep_days)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use identity::time::Moment;

    use super::super::cache::Trust;
    use super::*;

    struct Turned(AtomicI64);

    impl Clock for Turned {
        fn now(&self) -> Moment {
            Moment::from_seconds(self.0.load(Ordering::Relaxed))
        }
    }

    #[tokio::test]
    async fn s093_a_look_that_took_long_is_as_old_as_its_beginning() {
        let clock = Turned(AtomicI64::new(1000));
        let sessions = SessionCache::new(clock.now());
        let slow = async {
            clock.0.store(1002, Ordering::Relaxed);
            Ok(())
        };
        look_once(&sessions, &clock, slow).await;
        assert_eq!(sessions.trust(clock.now()), Trust::Stale { since: Moment::from_seconds(1000) });
        look_once(&sessions, &clock, async { Ok(()) }).await;
        assert_eq!(sessions.trust(clock.now()), Trust::Fresh);
    }
}
