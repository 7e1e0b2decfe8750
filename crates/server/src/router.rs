//! Every address that is served: the table of contents of the product.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::csrf::need_browser;
use crate::pages::{STYLE, dress_errors, secure_headers};
use crate::{federation, login, oauth, operations, passwords, sessions, setup};

/// Longest that a request may take; longer than one trip to a slow provider's token endpoint,
/// keys and user information.
const REQUEST_LIMIT: Duration = Duration::from_secs(45);

/// Largest form that we read, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// Paths and what answers them. `make gen` and the tests read the same list.
pub const ROUTES: &[&str] = &[
    "/",
    "/healthz",
    "/readyz",
    "/assets/{file}",
    "/login/callback",
    "/login/callback/{provider}",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/oauth/authorize",
    "/oauth/authorize/continue",
    "/oauth/introspect",
    "/oauth/jwks",
    "/oauth/logout",
    "/oauth/par",
    "/oauth/revoke",
    "/oauth/token",
    "/oauth/userinfo",
    "/back-office/setup",
    "/{application}",
    "/{application}/login",
    "/{application}/login/{provider}",
    "/{application}/logout",
    "/{application}/password/forgot",
    "/{application}/password/reset",
];

/// The whole house as a service.
pub fn router(app: App) -> Router {
    let style = app.pages.style_path().to_owned();
    let forms = Router::new()
        .route("/back-office/setup", get(setup::show).post(setup::send))
        .route("/{application}/login", get(login::show).post(login::send))
        .route("/{application}/logout", get(sessions::logout::ask).post(sessions::logout::leave))
        .route(
            "/{application}/password/forgot",
            get(passwords::forgot::show).post(passwords::forgot::send),
        )
        .route(
            "/{application}/password/reset",
            get(passwords::reset::show).post(passwords::reset::send),
        )
        .route_layer(from_fn_with_state(app.clone(), need_browser));
    let machines = Router::new()
        .route("/oauth/introspect", post(oauth::introspect::answer))
        .route("/oauth/par", post(oauth::par::answer))
        .route("/oauth/revoke", post(oauth::revoke::answer))
        .route("/oauth/token", post(oauth::token::answer))
        .route("/oauth/userinfo", get(oauth::userinfo::answer).post(oauth::userinfo::answer))
        .route_layer(from_fn_with_state(app.clone(), oauth::cors::allow_registered));
    let routes = Router::new()
        .route("/", get(|| async { Redirect::to("/back-office") }))
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route(&style, get(style_sheet))
        .route("/login/callback", get(federation::callback::bare))
        .route(
            "/login/callback/{provider}",
            get(federation::callback::arrive).post(federation::callback::repost),
        )
        .route("/.well-known/openid-configuration", get(oauth::metadata::show))
        .route("/.well-known/oauth-authorization-server", get(oauth::metadata::show))
        .route("/oauth/authorize", get(oauth::authorize::show).post(oauth::authorize::send))
        .route(
            "/oauth/authorize/continue",
            get(oauth::authorize::resume).post(oauth::consent::send),
        )
        .route("/oauth/jwks", get(oauth::jwks::show))
        .route("/oauth/logout", get(oauth::logout::show).post(oauth::logout::send))
        .merge(machines)
        .route("/{application}", get(sessions::home::show))
        .route("/{application}/login/{provider}", get(federation::start::start))
        .merge(forms);
    routes
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_LIMIT))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(app.clone(), dress_errors))
        .layer(from_fn(secure_headers))
        .with_state(app)
}

/// The style sheet; its address changes with its content, so it never has to be asked for again.
async fn style_sheet() -> Response {
    let kept = "public, max-age=31536000, immutable";
    let kind = "text/css; charset=utf-8";
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)], STYLE).into_response()
}
