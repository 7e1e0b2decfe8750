//! An OpenTelemetry collector that does what the test says: takes spans, or behaves badly.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::Url;

/// How it answers.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// As it should.
    Good,
    /// With a word of thanks that is none.
    Garbage,
    /// By sending the exporter elsewhere.
    Elsewhere(Url),
    /// Not at all.
    Silent,
}

/// One span, as far as the tests look.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: i32,
    pub(crate) failed: bool,
    pub(crate) said: HashMap<String, String>,
}

/// One export.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Clone)]
struct Desk {
    manner: Manner,
    exports: Arc<Mutex<Vec<Export>>>,
    came: watch::Sender<usize>,
    left: watch::Sender<usize>,
}

/// The collector.
pub(crate) struct Collector {
    pub(crate) url: Url,
    desk: Desk,
}

/// Counts exporters that did not wait for their answer.
struct Waiting(watch::Sender<usize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.send_modify(|left| *left += 1);
    }
}

impl Collector {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (came, left) = (watch::channel(0).0, watch::channel(0).0);
        let desk = Desk { manner, exports: Arc::default(), came, left };
        let router = Router::new().fallback(take).with_state(desk.clone());
        tokio::spawn(async { axum::serve(listener, router).await.expect("it serves") });
        Self { url: url.parse().expect("an address"), desk }
    }

    /// Everything that came, in order.
    pub(crate) fn exports(&self) -> Vec<Export> {
        self.desk.exports.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every span of it.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.exports().iter().flat_map(spans).collect()
    }

    /// The spans of a name.
    pub(crate) fn named(&self, name: &str) -> Vec<Span> {
        self.spans().into_iter().filter(|span| span.name == name).collect()
    }

    /// Comes back when something has come.
    pub(crate) async fn wait(&self) {
        let mut came = self.desk.came.subscribe();
        came.wait_for(|came| *came > 0).await.expect("it serves");
    }

    /// How many exporters left without an answer.
    pub(crate) fn left(&self) -> usize {
        *self.desk.left.borrow()
    }
}

async fn take(State(desk): State<Desk>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let export = Export { path: uri.path().to_owned(), headers, body };
    desk.exports.lock().unwrap_or_else(PoisonError::into_inner).push(export);
    desk.came.send_modify(|came| *came += 1);
    match desk.manner {
        Manner::Good => [(header::CONTENT_TYPE, "application/x-protobuf")].into_response(),
        Manner::Garbage => "<!doctype html>thank you".into_response(),
        Manner::Elsewhere(to) => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to.to_string())]).into_response()
        }
        Manner::Silent => {
            let _waiting = Waiting(desk.left);
            std::future::pending().await
        }
    }
}

/// The attributes of what exported them.
pub(crate) fn resource(export: &Export) -> HashMap<String, String> {
    let decoded = decode(export);
    let resources = decoded.resource_spans.into_iter().filter_map(|one| one.resource);
    resources.flat_map(|one| one.attributes).map(pair).collect()
}

fn decode(export: &Export) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(export.body.clone()).expect("OTLP")
}

fn spans(export: &Export) -> Vec<Span> {
    let scopes = decode(export).resource_spans.into_iter().flat_map(|one| one.scope_spans);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    scopes
        .flat_map(|scope| scope.spans)
        .map(|span| {
            assert!(span.events.is_empty() && span.links.is_empty(), "{span:?}");
            assert_eq!(span.trace_state, "");
            Span {
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                name: span.name,
                kind: span.kind,
                failed: span.status.is_some_and(|status| status.code == 2),
                said: span.attributes.into_iter().map(pair).collect(),
            }
        })
        .collect()
}

fn pair(attribute: KeyValue) -> (String, String) {
    let value = match attribute.value {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text,
        Some(AnyValue { value: Some(Value::IntValue(number)) }) => number.to_string(),
        other => panic!("{}: {other:?}", attribute.key),
    };
    (attribute.key, value)
}
