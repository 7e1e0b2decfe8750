//! Tokens that we signed ourselves: proved with keys in memory, or refused with the reason.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use crate::federation::id_token::MAX_TOKEN;
use crate::federation::jwks::{KeySet, KeySetError};
use crate::oauth::clients::SigningAlgorithm;
use crate::oauth::signing_keys::{SigningKey, jwks, signing};
use crate::time::Moment;

/// What a token of ours must be.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// `typ` of its header, so that no kind of token passes for another (RFC 8725 section 3.11).
    pub typ: &'a str,
    /// What this kind of token is signed with.
    pub algorithms: &'a [SigningAlgorithm],
    /// We: the public URL.
    pub issuer: &'a str,
    /// Now.
    pub now: Moment,
}

/// Why a token is none of ours, or no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum OwnTokenFault {
    /// No signed token at all, or too long.
    #[error("this is no signed JSON Web Token of at most {MAX_TOKEN} bytes")]
    Malformed,
    /// Another kind of token.
    #[error("the token is of another kind (typ)")]
    Type,
    /// Nobody's key, or one that is removed or no longer published.
    #[error("the token names no key of ours that is in use (kid)")]
    UnknownKey,
    /// Not what the key or this kind of token is for.
    #[error("the token is signed with another algorithm than its key or kind is for (alg)")]
    Algorithm,
    /// Changed, or another's.
    #[error("the signature of the token is not ours")]
    BadSignature,
    /// Of a house at another address.
    #[error("the token is another issuer's")]
    Issuer,
    /// Too late.
    #[error("the token has expired")]
    Expired,
}

/// Our keys as they are in the database, ready to check signatures.
#[derive(Clone, Debug, Default)]
pub struct OwnKeys {
    keys: Vec<SigningKey>,
    set: KeySet,
}

impl OwnKeys {
    /// Of everything that is kept.
    pub fn new(keys: Vec<SigningKey>) -> Result<Self, KeySetError> {
        let all: Vec<&Value> = keys.iter().map(|key| &key.public_jwk).collect();
        let document = serde_json::json!({ "keys": all }).to_string();
        let set = KeySet::parse(document.as_bytes())?;
        Ok(Self { keys, set })
    }

    /// All of them.
    pub fn all(&self) -> &[SigningKey] {
        &self.keys
    }

    /// The one that signs.
    pub fn signing(&self, algorithm: SigningAlgorithm, now: Moment) -> Option<&SigningKey> {
        signing(&self.keys, algorithm, now)
    }

    /// The document at `jwks_uri`.
    pub fn jwks(&self, now: Moment) -> Value {
        jwks(&self.keys, now)
    }

    /// The claims of a token that we signed, with a key that is published, and that has not
    /// expired.
    pub fn verify(
        &self,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<Map<String, Value>, OwnTokenFault> {
        let token = Token::read(token)?;
        let in_use = |key: &SigningKey| key.standing(&self.keys, expected.now).is_published();
        let claims = self.prove(&token, in_use, expected)?;
        let ends_at = claims.get("exp").and_then(Value::as_i64).ok_or(OwnTokenFault::Expired)?;
        if expected.now >= Moment::from_seconds(ends_at) {
            return Err(OwnTokenFault::Expired);
        }
        Ok(claims)
    }

    /// The claims of a token that we signed at any time: a hint (OpenID Connect RP-Initiated
    /// Logout 1.0 section 2), which proves nothing about now.
    pub fn recognise(
        &self,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<Map<String, Value>, OwnTokenFault> {
        self.prove(&Token::read(token)?, |_| true, expected)
    }

    /// The token's key is chosen by `kid` alone, the algorithm by the key; the header widens
    /// neither (RFC 8725 section 3.1). Nothing of the payload is read before the signature holds.
    fn prove(
        &self,
        token: &Token<'_>,
        is_good: impl Fn(&SigningKey) -> bool,
        expected: &Expected<'_>,
    ) -> Result<Map<String, Value>, OwnTokenFault> {
        if token.text("typ") != Some(expected.typ) {
            return Err(OwnTokenFault::Type);
        }
        let kid = token.text("kid").ok_or(OwnTokenFault::UnknownKey)?;
        let key = self.keys.iter().find(|key| key.kid == kid && is_good(key));
        let key = key.ok_or(OwnTokenFault::UnknownKey)?;
        let name = key.algorithm.as_str();
        if token.text("alg") != Some(name) || !expected.algorithms.contains(&key.algorithm) {
            return Err(OwnTokenFault::Algorithm);
        }
        let algorithm: Algorithm = name.parse().map_err(|_| OwnTokenFault::Algorithm)?;
        let mut candidates = self.set.candidates(Some(kid), name);
        if !candidates.any(|key| key.verifies(algorithm, token.message, token.signature)) {
            return Err(OwnTokenFault::BadSignature);
        }
        let claims = object(token.payload)?;
        if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
            return Err(OwnTokenFault::Issuer);
        }
        Ok(claims)
    }
}

/// A token taken apart.
struct Token<'a> {
    header: Map<String, Value>,
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Token<'a> {
    /// RFC 7515 section 4.1.11: what is critical and not understood makes the token invalid, and
    /// we understand no extension.
    fn read(token: &'a str) -> Result<Self, OwnTokenFault> {
        if token.len() > MAX_TOKEN {
            return Err(OwnTokenFault::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(OwnTokenFault::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(OwnTokenFault::Malformed)?;
        let header = object(header)?;
        if header.contains_key("crit") {
            return Err(OwnTokenFault::Malformed);
        }
        Ok(Self { header, message, payload, signature })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }
}

fn object(part: &str) -> Result<Map<String, Value>, OwnTokenFault> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| OwnTokenFault::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| OwnTokenFault::Malformed)
}

#[cfg(test)]
mod tests;
