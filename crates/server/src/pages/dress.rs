//! Turns a bare error into a page.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::View;
use crate::app::App;
use crate::error::PageError;
use crate::visit::RequestId;

/// Gives every request its id, and every error without a page the page that fits.
pub async fn dress_errors(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = RequestId::new(&app);
    request.extensions_mut().insert(id.clone());
    let door =
        request.uri().path().split('/').nth(1).and_then(|key| app.directory.now().application(key));
    // At the level of errors, so that whatever is logged at all carries the id. The query stays
    // out: it holds codes and tokens.
    let span = tracing::error_span!("request", id = %id.0, path = request.uri().path());
    let mut response = next.run(request).instrument(span).await;
    let error = response.extensions_mut().remove::<Arc<PageError>>();
    if let Some(error) = error.as_deref().cloned().or_else(|| undressed(&response)) {
        let (title, text) = error.words();
        let mut view = View::message(title, text).reason(error.code()).with("request_id", &*id.0);
        if let Some(door) = &door {
            view = view.at(door).way_on(format!("/{}", door.key), format!("Go to {}", door.name));
        }
        let kept = response.headers().clone();
        response = app.pages.page(error.status(), &view);
        // Cookies and Retry-After of the first answer still hold.
        for (name, value) in &kept {
            if matches!(*name, header::SET_COOKIE | header::RETRY_AFTER | header::ALLOW) {
                response.headers_mut().append(name, value.clone());
            }
        }
        if error.status() == StatusCode::SERVICE_UNAVAILABLE
            && !response.headers().contains_key(header::RETRY_AFTER)
        {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
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
