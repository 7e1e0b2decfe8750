//! How spans get to the collector: OTLP over HTTP, by the guarded client and no other.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;
use url::Url;

use crate::federation::upstream::{Reply, Wire, WireFault};

/// Where OTLP over HTTP takes traces (OTLP section "OTLP/HTTP Request").
const PATH: &str = "/v1/traces";

/// The collector, as the SDK's exporter sees it.
pub(super) struct Collector {
    wire: Arc<Wire>,
    url: Url,
    headers: HeaderMap,
    runtime: Handle,
    /// Whether the last batch did not get there: only changes are worth a line in the log.
    is_gone: AtomicBool,
}

impl fmt::Debug for Collector {
    /// Where, and nothing of what is said there.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Collector").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Collector {
    /// Reaches the collector by way of the runtime that this is called on.
    pub(super) fn new(wire: Wire, url: Url, headers: HeaderMap) -> Self {
        let (runtime, is_gone) = (Handle::current(), AtomicBool::new(false));
        Self { wire: Arc::new(wire), url, headers, runtime, is_gone }
    }

    fn note(&self, came: Result<u16, &WireFault>) {
        let why = match came {
            Ok(200..300) => None,
            Ok(status) => Some(WireFault::Status(status).to_string()),
            Err(fault) => Some(fault.to_string()),
        };
        let was_gone = self.is_gone.swap(why.is_some(), Ordering::Relaxed);
        match why {
            Some(why) if !was_gone => {
                tracing::warn!(why, "the collector takes no traces (traces.url); they are lost");
            }
            None if was_gone => tracing::info!("the collector takes traces again"),
            _ => {}
        }
    }
}

/// The whole address of a configured one: a bare origin has the path of the standard.
pub(super) fn endpoint(url: &Url) -> Url {
    let mut whole = url.clone();
    if whole.path() == "/" {
        whole.set_path(PATH);
    }
    whole
}

#[async_trait]
impl HttpClient for Collector {
    /// The exporter's own address and headers are not looked at: the environment may have put
    /// something there that the configuration does not say.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut post = self.wire.post_anywhere(&self.url).headers(self.headers.clone());
        if let Some(kind) = request.headers().get(CONTENT_TYPE) {
            post = post.header(CONTENT_TYPE, kind);
        }
        let post = post.body(request.into_body());
        // The exporter waits on a thread of its own, where no runtime is.
        let wire = Arc::clone(&self.wire);
        let came = self.runtime.spawn(async move { wire.send(post).await }).await?;
        self.note(came.as_ref().map(Reply::status));
        let (status, body) = came?.into_parts();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_gets_the_path_of_the_standard_and_a_whole_address_stays() {
        for (told, whole) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            ("https://traces.example/otlp", "https://traces.example/otlp"),
        ] {
            assert_eq!(endpoint(&Url::parse(told).expect("an address")).as_str(), whole);
        }
    }
}
