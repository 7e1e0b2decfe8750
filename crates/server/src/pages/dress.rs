//! Turns a bare error into a page, or into what a program reads.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use identity::applications::Application;
use tracing::Instrument;
use tracing::field::Empty;

use super::View;
use crate::app::App;
use crate::error::PageError;
use crate::oauth::answer::Failure;
use crate::router::is_for_machines;
use crate::traces;
use crate::visit::RequestId;

/// Gives every request its id, and every error without a page the page that fits.
pub async fn dress_errors(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = RequestId::new(&app);
    request.extensions_mut().insert(id.clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let door =
        request.uri().path().split('/').nth(1).and_then(|key| app.directory.now().application(key));
    // At the level of errors, so that whatever is logged at all carries the id. The query stays
    // out: it holds codes and tokens.
    let path = request.uri().path();
    let span =
        tracing::error_span!("request", id = %id.0, path, trace_id = Empty, parent_id = Empty);
    // So that its lines in the log are found beside those of whoever asked.
    if let Some(parent) = traces::parent(request.headers()) {
        span.record("trace_id", parent.trace).record("parent_id", parent.span);
    } else if let Some(trace) = traces::current_trace() {
        span.record("trace_id", trace);
    }
    let mut response = next.run(request).instrument(span).await;
    let error = response.extensions_mut().remove::<Arc<PageError>>();
    if let Some(error) = error.as_deref().cloned().or_else(|| undressed(&response)) {
        let kept = response.headers().clone();
        response = match route.filter(|route| is_for_machines(route.as_str())) {
            Some(_) => Failure::from(error).into_response(),
            None => page(&app, &id, door.as_deref(), &error),
        };
        keep(&kept, response.headers_mut());
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

fn page(app: &App, id: &RequestId, door: Option<&Application>, error: &PageError) -> Response {
    let (title, text) = error.words();
    let mut view = View::message(title, text).reason(error.code()).with("request_id", &*id.0);
    if let Some(door) = door {
        view = view.at(door).way_on(format!("/{}", door.key), format!("Go to {}", door.name));
    }
    let mut response = app.pages.page(error.status(), &view);
    if error.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

/// What the first answer said besides its text still holds: cookies, how long to wait, which
/// methods there are, and which pages of other origins may read it.
fn keep(first: &HeaderMap, headers: &mut HeaderMap) {
    const ONCE: [HeaderName; 5] = [
        header::RETRY_AFTER,
        header::ALLOW,
        header::VARY,
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
    ];
    for name in ONCE {
        if let Some(value) = first.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    for cookie in first.get_all(header::SET_COOKIE) {
        headers.append(header::SET_COOKIE, cookie.clone());
    }
}

/// What the framework itself refused, without a page.
fn undressed(response: &Response) -> Option<PageError> {
    if response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes().starts_with(b"text/html")
            || kind.as_bytes().starts_with(b"application/json")
    }) {
        return None;
    }
    match response.status() {
        StatusCode::NOT_FOUND => Some(PageError::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => Some(PageError::MethodNotAllowed),
        StatusCode::PAYLOAD_TOO_LARGE => Some(PageError::TooLarge),
        StatusCode::BAD_REQUEST
        | StatusCode::UNPROCESSABLE_ENTITY
        | StatusCode::UNSUPPORTED_MEDIA_TYPE => Some(PageError::BadForm),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => Some(PageError::Busy),
        StatusCode::INTERNAL_SERVER_ERROR => Some(PageError::Broken),
        _ => None,
    }
}
