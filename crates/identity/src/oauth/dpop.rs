//! DPoP (RFC 9449): the proof that whoever sends a request holds the key that a token is bound to.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value, json};
use url::Url;

use crate::federation::jwks::{KeySet, PRIVATE_MEMBERS};
use crate::oauth::error::{OAuthError, OAuthFault};
use crate::oauth::metadata::CLIENT_ALGORITHMS;
use crate::oauth::once::OnceId;
use crate::oauth::signing_keys::thumbprint;
use crate::secret::Digest;
use crate::time::Moment;

#[cfg(test)]
mod tests;

/// How far `iat` may be from our clock, either way; differences of the clocks are in it.
pub const WINDOW: Duration = Duration::from_secs(60);

/// A longer proof is not looked at, in bytes.
const MAX_PROOF: usize = 8 * 1024;

/// A longer `jti` is no random value, in bytes.
const MAX_ID: usize = 255;

/// Characters of a thumbprint: SHA-256 as base64url.
const THUMBPRINT: usize = 43;

/// The request that a proof has to be for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its address under our public URL.
    pub url: &'a str,
    /// The access token that came with it, where a resource is asked for.
    pub access_token: Option<&'a str>,
    /// Now.
    pub now: Moment,
}

/// A proof that holds, once its id has been taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Thumbprint of the key (RFC 7638), as in `cnf.jkt`.
    pub jkt: String,
    /// Of key and `jti`: a proof counts once (section 11.1).
    pub id: OnceId,
}

/// What does not hold about a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ProofFault {
    /// More than one, or none where there must be one.
    #[error("send exactly one DPoP header with a proof in it")]
    Number,
    /// No signed JWT, or too long, or with a header that we must understand and do not.
    #[error("the DPoP proof is no signed JSON Web Token of at most {MAX_PROOF} bytes")]
    Malformed,
    /// A token that was made for something else.
    #[error("the typ of a DPoP proof is dpop+jwt")]
    Type,
    /// `none`, HS…, or one that is not usual.
    #[error("a DPoP proof is signed with RS256, PS256, ES256 or EdDSA")]
    Algorithm,
    /// Not there, of another type than `alg`, or weak.
    #[error("the jwk of the DPoP proof is no public key that its alg can be checked with")]
    Key,
    /// What was sent around is no secret any more.
    #[error(
        "the jwk of the DPoP proof has private members; make a new key, and send its public half"
    )]
    PrivateKey,
    /// Another key, or changed on the way.
    #[error("the signature of the DPoP proof is not made with its jwk")]
    Signature,
    /// For another method.
    #[error("htm of the DPoP proof is not the method of this request")]
    Method,
    /// For another address.
    #[error("htu of the DPoP proof is not the address of this request, without query and fragment")]
    Address,
    /// Old, or from the future.
    #[error(
        "iat of the DPoP proof is missing or more than 60 seconds off; make a new proof each time"
    )]
    IssuedAt,
    /// Could be a second time.
    #[error("the DPoP proof needs a jti of at most {MAX_ID} bytes, different each time")]
    Id,
    /// For another token.
    #[error("ath of the DPoP proof is not the SHA-256 of this access token")]
    AccessToken,
    /// The second time.
    #[error("this DPoP proof was used before; make a new proof with a new jti each time")]
    Replayed,
    /// Not the one that the token is bound to.
    #[error("the DPoP proof is made with another key than the token is bound to")]
    OtherKey,
}

impl From<ProofFault> for OAuthFault {
    fn from(fault: ProofFault) -> Self {
        Self::new(OAuthError::InvalidDpopProof, fault.to_string())
    }
}

/// Whether this may be a thumbprint (RFC 9449 section 10: `dpop_jkt`).
pub fn is_thumbprint(text: &str) -> bool {
    text.len() == THUMBPRINT
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Checks a proof as RFC 9449 section 4.3 says. Nothing of its payload is read before the
/// signature holds.
pub fn verify(proof: &str, asked: &Asked<'_>) -> Result<Proof, ProofFault> {
    if proof.len() > MAX_PROOF {
        return Err(ProofFault::Malformed);
    }
    let (message, signature) = proof.rsplit_once('.').ok_or(ProofFault::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(ProofFault::Malformed)?;
    let header = object(header)?;
    let jkt = check_header(&header, message, signature)?;
    check_claims(&object(payload)?, jkt, asked)
}

/// The thumbprint of the key that signed it. RFC 7515 section 4.1.11: what is critical and not
/// understood makes the proof invalid, and we understand no extension.
fn check_header(
    header: &Map<String, Value>,
    message: &str,
    signature: &str,
) -> Result<String, ProofFault> {
    if header.contains_key("crit") {
        return Err(ProofFault::Malformed);
    }
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if !text("typ").is_some_and(|typ| typ.eq_ignore_ascii_case("dpop+jwt")) {
        return Err(ProofFault::Type);
    }
    let wanted = text("alg");
    let name = CLIENT_ALGORITHMS.into_iter().find(|known| Some(*known) == wanted);
    let name = name.ok_or(ProofFault::Algorithm)?;
    let algorithm: Algorithm = name.parse().map_err(|_| ProofFault::Algorithm)?;
    let jwk = header.get("jwk").and_then(Value::as_object).ok_or(ProofFault::Key)?;
    if PRIVATE_MEMBERS.iter().any(|member| jwk.contains_key(*member)) {
        return Err(ProofFault::PrivateKey);
    }
    let set = json!({ "keys": [jwk] }).to_string();
    let set = KeySet::parse(set.as_bytes()).map_err(|_| ProofFault::Key)?;
    let key = set.candidates(None, name).next().ok_or(ProofFault::Key)?;
    let jkt = thumbprint(jwk).ok_or(ProofFault::Key)?;
    if key.verifies(algorithm, message, signature) { Ok(jkt) } else { Err(ProofFault::Signature) }
}

fn check_claims(
    claims: &Map<String, Value>,
    jkt: String,
    asked: &Asked<'_>,
) -> Result<Proof, ProofFault> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("htm") != Some(asked.method) {
        return Err(ProofFault::Method);
    }
    if !text("htu").is_some_and(|address| is_same_address(address, asked.url)) {
        return Err(ProofFault::Address);
    }
    let issued = claims.get("iat").and_then(Value::as_f64).ok_or(ProofFault::IssuedAt)?;
    // Casting stops at the ends of the number range instead of wrapping.
    let issued = Moment::from_micros((issued * 1_000_000.0) as i64);
    let ends = issued.plus(WINDOW);
    if asked.now >= ends || issued > asked.now.plus(WINDOW) {
        return Err(ProofFault::IssuedAt);
    }
    let id = text("jti").filter(|id| (1..=MAX_ID).contains(&id.len())).ok_or(ProofFault::Id)?;
    if let Some(token) = asked.access_token
        && text("ath") != Some(Digest::of(token.as_bytes()).as_str())
    {
        return Err(ProofFault::AccessToken);
    }
    let digest = Digest::of_parts(&["dpop", &jkt, id]);
    Ok(Proof { jkt, id: OnceId { digest, expires_at: ends } })
}

/// Section 4.3 (9): compared as addresses, not as text, and without query and fragment.
fn is_same_address(sent: &str, own: &str) -> bool {
    let bare = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    bare(sent).is_some_and(|sent| Some(sent) == bare(own))
}

fn object(part: &str) -> Result<Map<String, Value>, ProofFault> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| ProofFault::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| ProofFault::Malformed)
}
