//! What an operator's machinery asks.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::App;
use crate::doctor::probe::Asked;
use crate::metrics;

/// What is looked at, and what is wrong with it.
struct Check {
    name: &'static str,
    why: Option<&'static str>,
}

/// `GET /healthz`: the process runs. The house's own doctor learns how it is seen besides.
pub async fn healthz(Asked(seen): Asked) -> Response {
    let health = match seen {
        None => json!({ "status": "ok" }),
        Some(seen) => json!({ "status": "ok", "seen": seen }),
    };
    Json(health).into_response()
}

/// `GET /readyz`: the process can serve, because its database answers and there are keys to sign
/// with. As text where that is asked for.
pub async fn readyz(State(app): State<App>, headers: HeaderMap) -> Response {
    let checks = [database(&app).await, keys(&app)];
    let ready = checks.iter().all(|check| check.why.is_none());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accepted.is_some_and(|kinds| kinds.starts_with("text/plain")) {
        let line = |check: &Check| format!("{}: {}\n", check.name, check.why.unwrap_or("ok"));
        return (status, checks.iter().map(line).collect::<String>()).into_response();
    }
    let named = checks.iter().map(|check| {
        let found = match check.why {
            None => json!({ "ok": true }),
            Some(why) => json!({ "ok": false, "why": why }),
        };
        (check.name.to_owned(), found)
    });
    let word = if ready { "ok" } else { "unavailable" };
    let checks: serde_json::Map<String, Value> = named.collect();
    (status, Json(json!({ "status": word, "checks": checks }))).into_response()
}

/// The answer says no more than anybody may know; the log says what it is.
async fn database(app: &App) -> Check {
    let why = app.store.health().await.err().map(|error| {
        tracing::warn!(%error, "not ready: the database does not answer");
        "does not answer; the log says why"
    });
    Check { name: "database", why }
}

fn keys(app: &App) -> Check {
    let why = app.signer.not_ready(app.now()).map(|algorithm| {
        tracing::warn!(%algorithm, "not ready: there is no key that signs so");
        "none to sign with; look with: vestibule keys list"
    });
    Check { name: "keys", why }
}

/// `GET /metrics`
async fn show_metrics(State(app): State<App>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, metrics::write(&app).await).into_response()
}

/// What is served at `operations.listen`. Metrics are served nowhere else: how many sign in, and
/// through whom, is nobody's business but the operator's.
fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [("/healthz", get(healthz)), ("/metrics", get(show_metrics)), ("/readyz", get(readyz))]
}

/// Every path that is served there.
pub fn paths() -> [&'static str; 3] {
    routes().map(|(path, _)| path)
}

/// The listener of its own as a service.
pub fn router(app: App) -> Router {
    let add = |router: Router<App>, (path, answers)| router.route(path, answers);
    routes().into_iter().fold(Router::new(), add).with_state(app)
}

/// Serves it for as long as the process lives: it is asked until the end.
pub async fn serve(app: App, listener: TcpListener) {
    if let Err(error) = axum::serve(listener, router(app)).await {
        tracing::error!(%error, "nobody can ask for metrics any more");
    }
}
