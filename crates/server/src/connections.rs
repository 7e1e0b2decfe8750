//! Connections: how many there are at once, how long they may dawdle, and how they end.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::router::router;
use crate::visit::is_trusted;

/// How long a trusted proxy may keep a connection that nothing comes over: longer than the minute
/// that proxies keep theirs by default, so that it is never we who close one that is just taken up
/// again.
const PROXY_IDLE: Duration = Duration::from_secs(75);

/// Most bytes of a request's head that are waited for.
const HEAD_LIMIT: usize = 64 * 1024;

/// How long requests under way may take to finish after a stop was asked for.
const FAREWELL: Duration = Duration::from_secs(20);

/// Wait after a connection could not be accepted, most likely because files ran out.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// Takes connections until `stop` comes, then lets each finish what is under way.
pub async fn receive(app: &App, listener: TcpListener, stop: impl Future<Output = ()>) {
    let reception = Reception {
        service: TowerToHyperService::new(router(app.clone())),
        room: Arc::new(Semaphore::new(app.config.server.max_connections)),
        closing: watch::Sender::new(()),
    };
    let mut guests = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let next = tokio::select! {
            biased;
            () = &mut stop => break,
            // Only so that those who left are not kept.
            Some(_) = guests.join_next() => continue,
            next = reception.next(&listener) => next,
        };
        match next {
            Ok((stream, peer, place)) => {
                let patience = patience(app, peer.ip());
                guests.spawn(reception.attend(stream, peer, patience, place));
            }
            // Theirs alone, and over already.
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections; trying again in a second");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    reception.closing.send_replace(());
    let everybody = async { while guests.join_next().await.is_some() {} };
    if timeout(FAREWELL, everybody).await.is_err() {
        tracing::warn!("some requests took longer than 20 s and were cut off");
    }
    guests.shutdown().await;
}

/// How long this peer may say nothing before the head of a request is complete. Whoever dawdles
/// holds a place that others wait for; proxies that the operator trusts do not.
fn patience(app: &App, peer: IpAddr) -> Duration {
    let everybody = Duration::from_secs(app.config.server.header_seconds);
    if is_trusted(app, peer) { everybody.max(PROXY_IDLE) } else { everybody }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

struct Reception {
    service: TowerToHyperService<Router>,
    room: Arc<Semaphore>,
    closing: watch::Sender<()>,
}

impl Reception {
    /// The next connection, as soon as there is room for it.
    async fn next(
        &self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = Arc::clone(&self.room).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        Ok((stream, peer, place))
    }

    /// Answers what comes over one connection until it ends. It holds its place for as long.
    fn attend(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        patience: Duration,
        place: OwnedSemaphorePermit,
    ) -> impl Future<Output = ()> + use<> {
        let router = self.service.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = router.call(request);
            async move {
                Ok::<Response, Infallible>(answer.await.unwrap_or_else(|never| match never {}))
            }
        });
        let mut closing = self.closing.subscribe();
        async move {
            let _place = place;
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(patience)
                .max_buf_size(HEAD_LIMIT)
                .serve_connection(TokioIo::new(stream), service);
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                _ = closing.changed() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_connections_are_taken_than_there_is_room_for() {
        let reception = Reception {
            service: TowerToHyperService::new(Router::new()),
            room: Arc::new(Semaphore::new(2)),
            closing: watch::Sender::new(()),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut waiting = Vec::new();
        for _ in 0..3 {
            waiting.push(TcpStream::connect(address).await.expect("a connection"));
        }
        let first = reception.next(&listener).await.expect("there is room");
        let _second = reception.next(&listener).await.expect("there is room");
        tokio::select! {
            biased;
            _ = reception.next(&listener) => panic!("there is no room for a third one"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        let third = reception.next(&listener).await;
        assert!(third.is_ok(), "the first one is gone");
    }
}
