//! Every address that is served: the table of contents of the product.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{MethodRouter, any, get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use crate::app::App;
use crate::csrf::need_browser;
use crate::metrics::measure;
use crate::pages::{asset, dress_errors, secure_headers};
use crate::traces::follow;
use crate::{
    account, federation, forward_auth, login, oauth, openapi, operations, passwords, sessions,
    setup,
};

/// Longest that a request may take; longer than one trip to a slow provider's token endpoint,
/// keys and user information.
const REQUEST_LIMIT: Duration = Duration::from_secs(45);

/// Largest form that we read, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

type Route = (&'static str, MethodRouter<App>);

/// Pages with a form: who has no cookie of ours gets one first, or the form would not be taken.
fn forms() -> Vec<Route> {
    vec![
        ("/back-office/setup", get(setup::show).post(setup::send)),
        ("/{application}/account", get(account::show)),
        (
            "/{application}/account/identities/link/{provider}",
            get(account::back).post(account::identities::link),
        ),
        (
            "/{application}/account/identities/unlink",
            get(account::back).post(account::identities::unlink),
        ),
        ("/{application}/account/password", get(account::back).post(account::password::change)),
        ("/{application}/account/profile", get(account::back).post(account::profile::save)),
        ("/{application}/account/sessions/end", get(account::back).post(account::sessions::end)),
        (
            "/{application}/account/sessions/end-all",
            get(account::back).post(account::sessions::end_all),
        ),
        (
            "/{application}/break-glass",
            get(passwords::break_glass::show).post(passwords::break_glass::send),
        ),
        ("/{application}/login", get(login::show).post(login::send)),
        (
            "/{application}/proof/{proof}",
            get(federation::proof::show).post(federation::proof::send),
        ),
        (
            "/{application}/proof/{proof}/{provider}",
            get(federation::proof::back).post(federation::proof::go),
        ),
        (
            "/{application}/proof/{proof}/mailbox/send",
            get(federation::proof::back).post(federation::proof::send_code),
        ),
        (
            "/{application}/proof/{proof}/mailbox/check",
            get(federation::proof::back).post(federation::proof::check_code),
        ),
        ("/{application}/logout", get(sessions::logout::ask).post(sessions::logout::leave)),
        (
            "/{application}/password/forgot",
            get(passwords::forgot::show).post(passwords::forgot::send),
        ),
        ("/{application}/password/reset", get(passwords::reset::show).post(passwords::reset::send)),
    ]
}

/// What clients ask, from pages of other origins as well where those are registered.
fn machines() -> Vec<Route> {
    vec![
        ("/.well-known/openid-configuration", get(oauth::metadata::show)),
        ("/.well-known/oauth-authorization-server", get(oauth::metadata::show)),
        ("/oauth/introspect", post(oauth::introspect::answer)),
        ("/oauth/jwks", get(oauth::jwks::show)),
        ("/oauth/par", post(oauth::par::answer)),
        ("/oauth/revoke", post(oauth::revoke::answer)),
        ("/oauth/token", post(oauth::token::answer)),
        ("/oauth/userinfo", get(oauth::userinfo::answer).post(oauth::userinfo::answer)),
    ]
}

/// Whether programs alone ask this address: what goes wrong there is told in their language.
pub fn is_for_machines(path: &str) -> bool {
    machines().iter().any(|(own, _)| *own == path)
}

/// Where applications send browsers, by the standards of the same names.
fn protocol() -> Vec<Route> {
    vec![
        ("/oauth/authorize", get(oauth::authorize::show).post(oauth::authorize::send)),
        ("/oauth/logout", get(oauth::logout::show).post(oauth::logout::send)),
    ]
}

/// What reverse proxies and an operator's machinery ask.
fn checks() -> Vec<Route> {
    vec![
        ("/forward-auth/{application}", any(forward_auth::check::answer)),
        ("/healthz", get(operations::healthz)),
        ("/openapi.json", get(openapi::show)),
        ("/readyz", get(operations::readyz)),
    ]
}

/// What reverse proxies pass on from the hosts that they protect.
fn proxied() -> Vec<Route> {
    vec![
        ("/forward-auth/{application}/enter", get(forward_auth::start::enter)),
        ("/.vestibule/accept", get(forward_auth::accept::arrive)),
        ("/.vestibule/assets/{file}", get(asset)),
        ("/.vestibule/logout", get(forward_auth::logout::ask).post(forward_auth::logout::leave)),
        ("/.vestibule/start", get(forward_auth::start::start)),
    ]
}

/// Everything else.
fn others() -> Vec<Route> {
    vec![
        ("/", get(|| async { Redirect::to("/back-office") })),
        ("/assets/{file}", get(asset)),
        ("/login/callback", get(federation::callback::bare)),
        (
            "/login/callback/{provider}",
            get(federation::callback::arrive).post(federation::callback::repost),
        ),
        ("/oauth/authorize/continue", get(oauth::authorize::resume).post(oauth::consent::send)),
        ("/{application}", get(sessions::home::show)),
        ("/{application}/login/{provider}", get(federation::start::start)),
    ]
}

/// Every path that is served: the router is made of the same lists, and of nothing else.
pub fn paths() -> Vec<&'static str> {
    let pages = [forms(), proxied(), others()].into_iter().flatten().map(|(path, _)| path);
    pages.chain(interfaces()).collect()
}

/// Those of them that programs are written for: what [`crate::openapi`] describes.
pub fn interfaces() -> Vec<&'static str> {
    [machines(), protocol(), checks()].into_iter().flatten().map(|(path, _)| path).collect()
}

fn joined(routes: Vec<Route>) -> Router<App> {
    routes.into_iter().fold(Router::new(), |router, (path, answers)| router.route(path, answers))
}

/// The whole house as a service.
pub fn router(app: App) -> Router {
    let forms = joined(forms()).route_layer(from_fn_with_state(app.clone(), need_browser));
    let registered = from_fn_with_state(app.clone(), oauth::cors::allow_registered);
    let machines = joined(machines()).route_layer(registered);
    let routes = [others(), proxied(), protocol(), checks()]
        .into_iter()
        .fold(machines.merge(forms), |all, routes| all.merge(joined(routes)));
    let dressed = routes
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_LIMIT))
        .layer(CatchPanicLayer::new())
        .layer(from_fn_with_state(app.clone(), dress_errors))
        .layer(from_fn_with_state(app.clone(), secure_headers))
        .layer(from_fn_with_state(app.clone(), measure));
    // Whoever traces nothing pays nothing for it.
    let traced = if app.traces.is_on() {
        dressed.layer(from_fn_with_state(app.clone(), follow))
    } else {
        dressed
    };
    traced.with_state(app)
}
