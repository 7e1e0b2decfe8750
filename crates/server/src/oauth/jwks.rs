//! `GET /oauth/jwks`: the public keys that others check our tokens with (RFC 7517).

use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use identity::oauth::clients::SigningAlgorithm;
use identity::oauth::signing_keys::JWKS_MAX_AGE;

use super::answer::Failure;
use crate::app::App;

/// Every published key. Makes the first ones where they are missing, so that nobody keeps a copy
/// without a key that our metadata promises.
pub async fn show(State(app): State<App>) -> Result<Response, Failure> {
    let now = app.now();
    app.signer.ensure(app.signing_tools(), &SigningAlgorithm::ALL, now).await?;
    let kept = format!("public, max-age={}", JWKS_MAX_AGE.as_secs());
    let headers = [
        (CONTENT_TYPE, "application/jwk-set+json"),
        (CACHE_CONTROL, kept.as_str()),
        // Clients in a browser check signatures, too, and there is nothing here to hide.
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    Ok((headers, app.signer.jwks(now).to_string()).into_response())
}
