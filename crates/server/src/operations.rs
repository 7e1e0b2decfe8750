//! What an operator's machinery asks.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::App;

fn answer(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// `GET /healthz`: the process runs.
pub async fn healthz() -> Response {
    answer(StatusCode::OK, "{\"status\":\"ok\"}")
}

/// `GET /readyz`: the process can serve, because its database answers.
pub async fn readyz(State(app): State<App>) -> Response {
    match app.store.health().await {
        Ok(()) => answer(StatusCode::OK, "{\"status\":\"ok\"}"),
        Err(error) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            answer(StatusCode::SERVICE_UNAVAILABLE, "{\"status\":\"database\"}")
        }
    }
}
