//! `/.well-known/…`: where everything is.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use identity::oauth::metadata::document;

use crate::app::App;

/// How long others may keep it.
const KEPT: &str = "public, max-age=3600";

/// `GET /.well-known/openid-configuration` (OpenID Connect Discovery 1.0 section 4) and
/// `GET /.well-known/oauth-authorization-server` (RFC 8414 section 3).
pub async fn show(State(app): State<App>) -> Response {
    let headers = [(header::CACHE_CONTROL, KEPT), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    (headers, Json(document(&app.issuer()))).into_response()
}
