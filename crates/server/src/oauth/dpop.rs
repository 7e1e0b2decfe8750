//! Proofs of possession on their way in (RFC 9449): read from the header, checked, and taken once.

use axum::http::Method;
use identity::oauth::clients::Client;
use identity::oauth::dpop::{Asked, Proof, ProofFault, verify};
use identity::oauth::error::{OAuthError, OAuthFault};

use super::answer::Failure;
use crate::app::App;
use crate::visit::Visit;

/// The header of a proof (section 4.1).
const HEADER: &str = "dpop";

/// The key that an authenticated client proves to hold with a request to one of our endpoints, if
/// it sends a proof: its thumbprint.
pub async fn key_of(
    app: &App,
    visit: &Visit,
    client: &Client,
    path: &str,
) -> Result<Option<String>, Failure> {
    let proof = match read(app, visit, &Method::POST, path, None) {
        Err(fault) => return Err(OAuthFault::from(fault).into()),
        Ok(None) => return Ok(None),
        Ok(Some(proof)) => proof,
    };
    // Whoever overhears a proof has it, and not the key: it opens nothing a second time.
    if !app.store.take_once(&client.id, &proof.id).await? {
        return Err(OAuthFault::from(ProofFault::Replayed).into());
    }
    Ok(Some(proof.jkt))
}

/// The same for a client whose tokens must be bound.
pub async fn key_for_tokens(
    app: &App,
    visit: &Visit,
    client: &Client,
    path: &str,
) -> Result<Option<String>, Failure> {
    let key = key_of(app, visit, client, path).await?;
    if client.require_dpop && key.is_none() {
        let text = "this client gets tokens that are bound to a key alone; send a DPoP proof";
        return Err(Failure::new(OAuthError::InvalidRequest, text));
    }
    Ok(key)
}

/// The proof of a request; none when it has none. The address that it must name is under our
/// public URL and never what the request says about itself.
pub fn read(
    app: &App,
    visit: &Visit,
    method: &Method,
    path: &str,
    access_token: Option<&str>,
) -> Result<Option<Proof>, ProofFault> {
    let mut sent = visit.headers.get_all(HEADER).iter();
    let Some(proof) = sent.next() else { return Ok(None) };
    if sent.next().is_some() {
        return Err(ProofFault::Number);
    }
    let proof = proof.to_str().map_err(|_| ProofFault::Malformed)?;
    let url = app.url(path);
    let asked = Asked { method: method.as_str(), url: &url, access_token, now: visit.now };
    verify(proof, &asked).map(Some)
}
