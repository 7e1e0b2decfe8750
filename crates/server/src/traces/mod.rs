//! Traces of requests for an OpenTelemetry collector, off unless one is configured.
//!
//! What a span says is named here, one by one: a route of ours, a word of ours, a number. Nothing
//! that a visitor sends becomes part of one.

mod collector;
mod parent;
mod queue;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::trace::{
    FutureExt, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};
use url::Url;

pub(crate) use parent::parent;
pub use queue::Figures;

use crate::app::App;
use crate::config::{Config, TracesConfig};
use crate::federation::upstream::{self, Wire};

/// Most spans that wait for the collector; what comes then is dropped.
const ROOM: usize = 2048;

/// Most spans that are sent at once.
const BATCH: usize = 512;

/// Longest that a span waits for others to be sent with it.
const GATHER: Duration = Duration::from_secs(1);

/// How long the last spans may take to get away when the house closes.
const FAREWELL: Duration = Duration::from_secs(5);

/// Methods that are named; whatever else a visitor makes up is not.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"];

/// Why nothing can be traced.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The file of headers does not hold headers.
    #[error("traces.headers_file {0}")]
    Headers(String),
    /// No client can be made.
    #[error(transparent)]
    Client(#[from] upstream::SetupError),
    /// The exporter cannot be set up.
    #[error("cannot export traces: {0}; look at traces.url and variables named OTEL_EXPORTER_…")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// What traces requests, if anybody wants them.
#[derive(Default)]
pub struct Traces(Option<Tracing>);

struct Tracing {
    tracer: SdkTracer,
    provider: SdkTracerProvider,
    figures: Arc<Figures>,
}

/// What spans of one request are made with, for whoever works for it.
struct Here(SdkTracer);

impl Traces {
    /// Ready to export to the collector that is configured; asks it nothing yet. To be called on
    /// the runtime that the house is served on.
    pub fn start(config: &Config) -> Result<Self, SetupError> {
        let traces = &config.traces;
        let Some(url) = &traces.url else { return Ok(Self::default()) };
        let url = collector::endpoint(url);
        let headers = read_headers(traces).map_err(SetupError::Headers)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(url.as_str())
            .with_timeout(Duration::from_secs(config.outbound.timeout_seconds))
            .with_http_client(collector::Collector::new(Wire::new(&config.outbound)?, url, headers))
            .build()?;
        let figures = Arc::new(Figures::default());
        let exporter = queue::Counted { next: exporter, figures: Arc::clone(&figures) };
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(ROOM)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(GATHER)
            .build();
        let next = BatchSpanProcessor::builder(exporter).with_batch_config(batch).build();
        let bounded = queue::Bounded { next, room: ROOM as u64, figures: Arc::clone(&figures) };
        let provider = SdkTracerProvider::builder()
            .with_span_processor(bounded)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(traces.ratio))))
            .with_resource(resource(traces))
            .build();
        let tracer = provider.tracer("vestibule");
        Ok(Self(Some(Tracing { tracer, provider, figures })))
    }

    /// Whether anything is traced.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// What became of spans, if there are any.
    pub fn figures(&self) -> Option<&Figures> {
        self.0.as_ref().map(|tracing| &*tracing.figures)
    }

    /// Sends what waits, and gives up after five seconds: nobody waits for a collector.
    pub async fn close(&self) {
        let Some(tracing) = &self.0 else { return };
        let provider = tracing.provider.clone();
        let close = move || provider.shutdown_with_timeout(FAREWELL);
        if !matches!(tokio::task::spawn_blocking(close).await, Ok(Ok(()))) {
            tracing::warn!("the last traces did not get to the collector in time");
        }
    }
}

/// Who says so. Nothing about the machine: what the operator wants to say of it, a collector adds.
fn resource(config: &TracesConfig) -> Resource {
    Resource::builder_empty()
        .with_service_name(config.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Headers for the collector; none without a file. The error says what is wrong with it.
pub(crate) fn read_headers(config: &TracesConfig) -> Result<HeaderMap, String> {
    let Some(file) = &config.headers_file else { return Ok(HeaderMap::new()) };
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("({}) cannot be read: {error}", file.display()))?;
    parse_headers(&text, file)
}

fn parse_headers(text: &str, file: &Path) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (at, line) in lines {
        let header = line.split_once(':').and_then(|(name, value)| {
            let name: HeaderName = name.trim().parse().ok()?;
            let mut value: HeaderValue = value.trim().parse().ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        // The line itself may be a secret.
        let (name, value) = header.ok_or_else(|| {
            format!("({}) has in line {} no header like `Name: value`", file.display(), at + 1)
        })?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Traces a request by the route that serves it, as part of the trace that it came with.
pub async fn follow(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(Tracing { tracer, .. }) = &app.traces.0 else { return next.run(request).await };
    let method = named(request.method());
    let mut attributes = vec![KeyValue::new("http.request.method", method)];
    let mut name = method.to_owned();
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        name = format!("{method} {}", route.as_str());
        attributes.push(KeyValue::new("http.route", route.as_str().to_owned()));
    }
    let builder = tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(attributes);
    let span = builder.start_with_context(tracer, &context_of(request.headers()));
    let context = Context::new().with_value(Here(tracer.clone())).with_span(span);
    let response = next.run(request).with_context(context.clone()).await;
    let span = context.span();
    // Ours, as every answer has it.
    if let Some(id) = response.headers().get("x-request-id").and_then(|id| id.to_str().ok()) {
        span.set_attribute(KeyValue::new("vestibule.request_id", id.to_owned()));
    }
    let status = response.status();
    span.set_attribute(status_attribute(status));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
    span.end();
    response
}

/// Trace of the request that is being answered here, if it is traced: 32 hexadecimal digits.
pub(crate) fn current_trace() -> Option<String> {
    Context::map_current(|context| {
        let span = context.span();
        let context = span.span_context();
        context.is_valid().then(|| context.trace_id().to_string())
    })
}

/// What `traceparent` says, as the SDK has it. What else came along (`tracestate`, `baggage`) is
/// text of a visitor and goes nowhere.
fn context_of(headers: &HeaderMap) -> Context {
    let told = parent(headers).and_then(|parent| {
        let trace = TraceId::from_hex(parent.trace).ok()?;
        let span = SpanId::from_hex(parent.span).ok()?;
        let flags = TraceFlags::NOT_SAMPLED.with_sampled(parent.sampled);
        Some(SpanContext::new(trace, span, flags, true, TraceState::NONE))
    });
    told.map_or_else(Context::new, |told| Context::new().with_remote_span_context(told))
}

fn named(method: &Method) -> &'static str {
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

fn status_attribute(status: StatusCode) -> KeyValue {
    KeyValue::new("http.response.status_code", i64::from(status.as_u16()))
}

/// A request of ours to somebody else, as a span of the request that it is made for. Whom it is
/// asked of never learns of the trace.
pub(crate) struct Errand(Option<Context>);

impl Errand {
    /// Begins one. Outside of a traced request it is nothing.
    pub(crate) fn begin(method: &Method, url: &Url) -> Self {
        Self(Context::map_current(|context| {
            let Here(tracer) = context.get::<Here>()?;
            let method = named(method);
            let mut attributes = vec![KeyValue::new("http.request.method", method)];
            if let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) {
                attributes.push(KeyValue::new("server.address", host.to_owned()));
                attributes.push(KeyValue::new("server.port", i64::from(port)));
            }
            let builder = tracer.span_builder(method).with_kind(SpanKind::Client);
            let span = builder.with_attributes(attributes).start_with_context(tracer, context);
            Some(context.with_span(span))
        }))
    }

    /// Ends it with what came: a status, or a word for what did not.
    pub(crate) fn end(self, came: Result<StatusCode, &'static str>) {
        let Some(context) = self.0 else { return };
        let span = context.span();
        match came {
            Ok(status) => span.set_attribute(status_attribute(status)),
            Err(word) => span.set_attribute(KeyValue::new("error.type", word)),
        }
        if !came.is_ok_and(|status| status.as_u16() < 400) {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_for_the_collector_are_read_line_by_line_and_never_shown() {
        let file = Path::new("headers");
        let text = "Authorization: Bearer a:b\r\n\nX-Scope-OrgID:  shop \n";
        let headers = parse_headers(text, file).expect("headers");
        assert_eq!(headers["authorization"], "Bearer a:b");
        assert_eq!(headers["x-scope-orgid"], "shop");
        assert!(!format!("{headers:?}").contains("Bearer"), "{headers:?}");
        for bad in ["Authorization Bearer secret", "Bad Name: secret", "Name: secret\u{1}"] {
            let why = parse_headers(&format!("Good: 1\n{bad}\n"), file).expect_err(bad);
            assert!(why.contains("line 2") && !why.contains("secret"), "{why}");
        }
    }

    #[test]
    fn a_method_that_somebody_makes_up_is_not_named() {
        let made_up = Method::from_bytes(b"SECRET").expect("a method");
        assert_eq!((named(&Method::POST), named(&made_up)), ("POST", "_OTHER"));
    }
}
