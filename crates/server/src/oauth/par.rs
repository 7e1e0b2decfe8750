//! `POST /oauth/par`: a client leaves its request here, where no browser can change it (RFC 9126).

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use identity::oauth::authorize::{AuthorizationRequest, Target};
use identity::oauth::dpop::ProofFault;
use identity::oauth::error::{OAuthError, OAuthFault};
use identity::secret::Secret;
use serde_json::json;
use store::WaitingRequest;

use super::answer::{Failure, good};
use super::authorize::{PUSHED, pushed};
use super::client_auth::authenticate;
use super::dpop::key_of;
use super::form::read_form;
use crate::app::App;
use crate::visit::Visit;

/// How long a pushed request waits for its browser.
const WAITS: Duration = Duration::from_secs(90);

/// What proves who the client is; it is no part of the request.
const PROOFS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// `POST /oauth/par`. Checked like a request at the authorization endpoint, so that its client
/// hears of a mistake at once (RFC 9126 section 2.1).
pub async fn answer(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = read_form(&headers, &body)?;
    form.check_repetition()?;
    let client = authenticate(&app, &visit, &headers, &form).await?;
    if form.has("request_uri") {
        let text = "a pushed request cannot name another one";
        return Err(Failure::new(OAuthError::InvalidRequest, text));
    }
    let mut parameters = form.without(&PROOFS).with("client_id", client.id.as_str());
    if let Some(jkt) = key_of(&app, &visit, &client, "/oauth/par").await? {
        // RFC 9449 section 10.1: a proof says the same as the parameter.
        if parameters.once("dpop_jkt").is_some_and(|named| named != jkt) {
            return Err(OAuthFault::from(ProofFault::OtherKey).into());
        }
        parameters = parameters.with("dpop_jkt", &jkt);
    }
    let target = Target::of(&parameters, &client)?;
    AuthorizationRequest::check(&parameters, &client, target)?;
    let name = Secret::generate(app.entropy.as_ref());
    let waiting = WaitingRequest { client: client.id.clone(), parameters, created_at: visit.now };
    app.store.add_authorization_request(&pushed(name.expose()), &waiting, WAITS).await?;
    let request_uri = format!("{PUSHED}{}", name.expose());
    let body = json!({ "request_uri": request_uri, "expires_in": WAITS.as_secs() });
    Ok((StatusCode::CREATED, good(body)).into_response())
}
