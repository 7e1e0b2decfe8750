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

/// The proof that a request of an authenticated client to one of our endpoints comes with, checked
/// and not taken yet; none when it has none.
pub fn proof_of(app: &App, visit: &Visit, path: &str) -> Result<Option<Proof>, Failure> {
    read(app, visit, &Method::POST, path, None).map_err(|fault| OAuthFault::from(fault).into())
}

/// The same for a client whose tokens must be bound.
pub fn proof_for_tokens(
    app: &App,
    visit: &Visit,
    client: &Client,
    path: &str,
) -> Result<Option<Proof>, Failure> {
    let proof = proof_of(app, visit, path)?;
    if client.require_dpop && proof.is_none() {
        let text = "this client gets tokens that are bound to a key alone; send a DPoP proof";
        return Err(Failure::new(OAuthError::InvalidRequest, text));
    }
    Ok(proof)
}

/// Takes a proof: whoever overhears one has it, and not the key, so it opens nothing a second
/// time.
///
/// That is a durable write, and anybody makes keys and proofs without end. So it is done once
/// something else has been found genuine: the client by its secret, or what a public client brings.
pub async fn take(app: &App, client: &Client, proof: &Proof) -> Result<(), Failure> {
    if !app.store.take_once(&client.id, &proof.id).await? {
        return Err(OAuthFault::from(ProofFault::Replayed).into());
    }
    Ok(())
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
