//! The house open for visitors, and closed again without cutting anybody off.

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::app::App;
use crate::router::router;
use crate::{mail, oauth, sessions};

/// How long requests under way may take to finish after a stop was asked for.
const FAREWELL: Duration = Duration::from_secs(20);

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
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let (said_stop, mut heard_stop) = tokio::sync::watch::channel(false);
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.await;
        // Nobody listens any more only when the server is already gone.
        let _ = said_stop.send(true);
    });
    let mut server = std::pin::pin!(server.into_future());
    let result = tokio::select! {
        ended = &mut server => ended,
        _ = heard_stop.changed() => match timeout(FAREWELL, &mut server).await {
            Ok(ended) => ended,
            Err(_) => {
                tracing::warn!("some requests took longer than 20 s and were cut off");
                Ok(())
            }
        },
    };
    tasks.shutdown().await;
    sessions::watch::flush(&app).await;
    app.store.close().await;
    result
}

/// Comes when the process is asked to stop (SIGTERM or Ctrl-C).
pub async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => tokio::select! {
            _ = interrupted => {}
            _ = terminated.recv() => {}
        },
        Err(error) => {
            tracing::warn!(%error, "cannot listen for SIGTERM; Ctrl-C still works");
            // Only fails where there are no signals at all; then only a kill ends the process.
            let _ = interrupted.await;
        }
    }
}
