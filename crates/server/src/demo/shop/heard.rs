//! What the shop hears of logouts that began elsewhere (OpenID Connect Back-Channel Logout 1.0).

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use identity::secret::Secret;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{CLIENT, Shop};

/// What makes a token one of a logout (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What Vestibule sends (section 2.5).
#[derive(Deserialize)]
pub(super) struct Told {
    logout_token: Secret,
}

/// What the shop reads of a logout token.
#[derive(Deserialize)]
struct Logout {
    sid: String,
    events: Map<String, Value>,
    nonce: Option<Value>,
}

/// `POST /backchannel-logout`: whoever's session at Vestibule has ended is logged out here too.
pub(super) async fn hear(State(shop): State<Arc<Shop>>, Form(told): Form<Told>) -> StatusCode {
    let Ok(keys) = shop.issuer.keys().await else { return StatusCode::SERVICE_UNAVAILABLE };
    match proved(&told.logout_token, &keys, shop.issuer.url()) {
        Some(logout) => {
            shop.memory.end_sessions_of(&logout.sid);
            StatusCode::OK
        }
        None => StatusCode::BAD_REQUEST,
    }
}

/// The logout, if the token is one (section 2.6). Told twice, there is nothing left to end.
fn proved(token: &Secret, keys: &[u8], issuer: &str) -> Option<Logout> {
    let header = decode_header(token.expose()).ok()?;
    // An ID token is signed by the same key, and is no logout.
    if header.typ.as_deref() != Some("logout+jwt") {
        return None;
    }
    let keys: JwkSet = serde_json::from_slice(keys).ok()?;
    let key = DecodingKey::from_jwk(keys.find(header.kid.as_deref()?)?).ok()?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[CLIENT]);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["exp", "aud", "iss"]);
    let logout = decode::<Logout>(token.expose(), &key, &validation).ok()?.claims;
    (logout.events.contains_key(EVENT) && logout.nonce.is_none()).then_some(logout)
}
