//! `GET /oauth/jwks`: the public keys that others check our tokens with (RFC 7517).

use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use identity::oauth::clients::SigningAlgorithm;
use identity::oauth::signing_keys::JWKS_MAX_AGE;

use super::signing::SigningError;
use crate::app::App;
use crate::error::PageError;

/// Every published key. Makes the first ones where they are missing, so that nobody keeps a copy
/// without a key that our metadata promises.
pub async fn show(State(app): State<App>) -> Result<Response, PageError> {
    let now = app.now();
    app.signer.ensure(app.signing_tools(), &SigningAlgorithm::ALL, now).await.map_err(refuse)?;
    let kept = format!("public, max-age={}", JWKS_MAX_AGE.as_secs());
    let headers = [
        (CONTENT_TYPE, "application/jwk-set+json"),
        (CACHE_CONTROL, kept.as_str()),
        // Clients in a browser check signatures, too, and there is nothing here to hide.
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    Ok((headers, app.signer.jwks(now).to_string()).into_response())
}

fn refuse(error: SigningError) -> PageError {
    match error {
        SigningError::Store(error) => error.into(),
        other => PageError::broken(other),
    }
}
