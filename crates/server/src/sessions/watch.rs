//! Keeps memory true: looks at what other processes changed, and writes last uses behind.

use std::time::Duration;

use identity::ids::{SessionId, UserId};
use store::{Change, ChangeKind, Changes};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::app::App;

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
        match timeout(LOOK_LIMIT, catch_up(&app, &mut seen)).await {
            Ok(Ok(())) => app.sessions.looked(app.now()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "cannot see what other processes changed");
            }
            Err(_) => {
                tracing::warn!("the database takes longer than 2 s to say what changed");
            }
        }
    }
}

/// Applies everything behind `seen`.
async fn catch_up(app: &App, seen: &mut i64) -> Result<(), store::Error> {
    loop {
        let (latest, more, reload) = match app.store.list_changes(*seen, PAGE).await? {
            Changes::Missed { latest } => {
                app.sessions.forget_all();
                (latest, false, true)
            }
            Changes::Since(changes) => {
                let reload = changes.iter().fold(false, |so_far, one| apply(app, one) | so_far);
                let latest = changes.last().map_or(*seen, |last| last.seq);
                (latest, changes.len() >= PAGE as usize, reload)
            }
        };
        if reload {
            app.directory.reload(&app.store).await?;
        }
        *seen = latest;
        if !more {
            return Ok(());
        }
    }
}

/// Forgets what changed; true when the directory has to be read again.
fn apply(app: &App, change: &Change) -> bool {
    match change.kind {
        ChangeKind::Session => {
            app.sessions.forget_session(&SessionId::from_stored(change.id.as_str()));
            false
        }
        ChangeKind::User => {
            app.sessions.forget_user(&UserId::from_stored(change.id.as_str()));
            false
        }
        ChangeKind::Application | ChangeKind::Provider | ChangeKind::Connection => true,
        ChangeKind::Keys => false,
        ChangeKind::Other => {
            app.sessions.forget_all();
            true
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
        if let Err(error) = app.store.prune(app.now()).await {
            tracing::warn!(%error, "cannot clear what has expired");
        }
    }
}
