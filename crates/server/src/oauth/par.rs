//! `POST /oauth/par`: a client leaves its request here, where no browser can change it (RFC 9126).

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use identity::oauth::authorize::{AuthorizationRequest, KEPT, Target};
use identity::oauth::clients::ClientKind;
use identity::oauth::dpop::ProofFault;
use identity::oauth::error::{OAuthError, OAuthFault};
use identity::secret::Secret;
use serde_json::json;
use store::WaitingRequest;

use super::answer::{Failure, good};
use super::client_auth::authenticate;
use super::dpop;
use super::form::read_form;
use super::kept::{PUSHED, pushed};
use crate::app::App;
use crate::visit::Visit;

/// How long a pushed request waits for its browser.
const WAITS: Duration = Duration::from_secs(90);

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
    let mut parameters = form.with("client_id", client.id.as_str());
    let proof = dpop::proof_of(&app, &visit, "/oauth/par")?;
    if let Some(proof) = &proof {
        // RFC 9449 section 10.1: a proof says the same as the parameter.
        if parameters.once("dpop_jkt").is_some_and(|named| named != proof.jkt) {
            return Err(OAuthFault::from(ProofFault::OtherKey).into());
        }
        parameters = parameters.with("dpop_jkt", &proof.jkt);
    }
    let target = Target::of(&parameters, &client)?;
    AuthorizationRequest::check(&parameters, &client, target)?;
    // Whoever knows the name of a public client pushes as it.
    if client.kind == ClientKind::Public {
        app.flood.request(visit.address, visit.now).map_err(Failure::too_many)?;
    }
    if let Some(proof) = &proof {
        dpop::take(&app, &client, proof).await?;
    }
    // What proves who the client is goes with whatever else is no part of the request.
    let parameters = parameters.only(&KEPT);
    let name = Secret::generate(app.entropy.as_ref());
    let waiting = WaitingRequest { client: client.id.clone(), parameters, begun_at: visit.now };
    app.store.add_authorization_request(&pushed(name.expose()), &waiting, WAITS).await?;
    let request_uri = format!("{PUSHED}{}", name.expose());
    let body = json!({ "request_uri": request_uri, "expires_in": WAITS.as_secs() });
    Ok((StatusCode::CREATED, good(body)).into_response())
}
