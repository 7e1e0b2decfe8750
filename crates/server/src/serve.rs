//! The house open for visitors, and closed again without cutting anybody off.

use std::future::Future;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::app::App;
use crate::connections::receive;
use crate::{mail, oauth, sessions};

/// Serves on `listener` until `stop` comes, then finishes what is under way.
pub async fn serve(
    app: App,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    // Where the caches begin to follow the changes: before anything is cached.
    let seen = app.store.latest_change().await.map_err(std::io::Error::other)?;
    app.directory.reload(&app.store).await.map_err(std::io::Error::other)?;
    app.keyring.reload(&app.store).await.map_err(std::io::Error::other)?;
    app.signer.reload(app.signing_tools()).await.map_err(std::io::Error::other)?;
    let mut tasks = JoinSet::new();
    tasks.spawn(sessions::watch::look(app.clone(), seen));
    tasks.spawn(sessions::watch::write_behind(app.clone()));
    tasks.spawn(sessions::watch::prune(app.clone()));
    tasks.spawn(mail::queue::work(app.clone()));
    tasks.spawn(oauth::signing::work(app.clone()));
    tasks.spawn(oauth::back_channel_logout::work(app.clone()));
    receive(&app, listener, stop).await;
    tasks.shutdown().await;
    sessions::watch::flush(&app).await;
    app.store.close().await;
    app.traces.close().await;
    Ok(())
}

/// Comes when the process is asked to stop (SIGTERM or Ctrl-C). It listens from the call on, and
/// not only once somebody waits for it: until then a signal ends the process at once.
pub fn asked_to_stop() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{Signal, SignalKind, signal};
    let listen = |kind, name| {
        signal(kind).inspect_err(|error| tracing::warn!(%error, "cannot listen for {name}")).ok()
    };
    let interrupted = listen(SignalKind::interrupt(), "Ctrl-C");
    let terminated = listen(SignalKind::terminate(), "SIGTERM");
    async fn heard(signal: Option<Signal>) {
        match signal {
            Some(mut signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
    async {
        tokio::select! {
            () = heard(interrupted) => {}
            () = heard(terminated) => {}
        }
    }
}
