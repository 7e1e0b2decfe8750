//! A provider's public keys: read, chosen for a token, and kept for as long as they may be.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

pub use self::cache::{
    DEFAULT_MAX_AGE, KeyCache, MAX_MAX_AGE, MIN_MAX_AGE, Plan, REFETCH_PAUSE, STALE_LIMIT, max_age,
};

mod cache;
#[cfg(test)]
mod tests;

/// Signature algorithms that we accept at all. `none` and the symmetric ones (HS…) are not among
/// them: with a published key, anybody could sign (RFC 8725 sections 2.1 and 3.1).
pub const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// A larger answer is not read, in bytes.
pub const MAX_DOCUMENT: usize = 1024 * 1024;

/// More keys than this are no provider's; a token without `kid` is tried with every one.
pub const MAX_KEYS: usize = 100;

/// Members of a JWK that only its owner may have (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
pub const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A longer `kid` names nothing.
const MAX_KID: usize = 1024;

/// Why an answer is no key set. The last good copy stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// It would fill our memory.
    #[error(
        "the key set is larger than {MAX_DOCUMENT} bytes; check jwks_uri in the provider's \
         discovery document"
    )]
    TooLarge,
    /// A page, most likely.
    #[error(
        "what is served at jwks_uri is no JSON object with a list \"keys\"; check the provider's \
         discovery document"
    )]
    NotKeys,
    /// Nobody needs so many.
    #[error("the key set has more than {MAX_KEYS} keys; the provider must remove old ones")]
    TooMany,
}

impl KeySetError {
    /// Stable name for JSON and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NotKeys => "not_keys",
            Self::TooMany => "too_many",
        }
    }
}

/// Which signatures a key can check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Family {
    fn of(algorithm: &str) -> Option<Self> {
        match algorithm {
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => Some(Self::Rsa),
            "ES256" => Some(Self::P256),
            "ES384" => Some(Self::P384),
            "EdDSA" => Some(Self::Ed25519),
            _ => None,
        }
    }
}

/// A public key for signatures (RFC 7517).
#[derive(Clone)]
pub struct VerificationKey {
    kid: Option<String>,
    algorithm: Option<String>,
    family: Family,
    key: DecodingKey,
}

impl VerificationKey {
    /// Reads one entry. None for everything that checks no signature of ours: keys for encryption,
    /// symmetric and unknown types, other curves, broken numbers. One such entry must not spoil
    /// the others (RFC 7517 section 5).
    fn read(entry: &Value) -> Option<Self> {
        let entry = entry.as_object()?;
        let kid = optional_text(entry, "kid")?.filter(|kid| kid.len() <= MAX_KID);
        if entry.contains_key("kid") != kid.is_some() || !is_for_signatures(entry)? {
            return None;
        }
        let (family, key) = match entry.get("kty")?.as_str()? {
            "RSA" => (Family::Rsa, rsa(entry)?),
            "EC" => elliptic(entry)?,
            "OKP" => (Family::Ed25519, edwards(entry)?),
            _ => return None,
        };
        let algorithm = optional_text(entry, "alg")?;
        match &algorithm {
            Some(own) if Family::of(own) != Some(family) => None,
            _ => Some(Self { kid, algorithm, family, key }),
        }
    }

    /// Whether a token with this header may be checked with this key: same `kid` where the token
    /// names one, a key of the algorithm's type, and not a key that is for another algorithm.
    fn fits(&self, kid: Option<&str>, algorithm: &str) -> bool {
        (kid.is_none() || self.kid.as_deref() == kid)
            && Family::of(algorithm) == Some(self.family)
            && self.algorithm.as_deref().is_none_or(|own| own == algorithm)
    }

    /// Whether `signature` (base64url) is this key's for `message`.
    pub fn verifies(&self, algorithm: Algorithm, message: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, algorithm)
            .unwrap_or(false)
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({:?}, {:?})", self.kid, self.family)
    }
}

/// The keys that a provider publishes, as far as they are of use.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
}

impl KeySet {
    /// Reads a JWK Set (RFC 7517 section 5). A set without a usable key is a good answer too: the
    /// provider has withdrawn them all.
    pub fn parse(body: &[u8]) -> Result<Self, KeySetError> {
        if body.len() > MAX_DOCUMENT {
            return Err(KeySetError::TooLarge);
        }
        let document: Value = serde_json::from_slice(body).map_err(|_| KeySetError::NotKeys)?;
        let entries = document.get("keys").and_then(Value::as_array).ok_or(KeySetError::NotKeys)?;
        if entries.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        Ok(Self { keys: entries.iter().filter_map(VerificationKey::read).collect() })
    }

    /// How many keys are of use to us.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no token at all could be checked.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that a token with this header may have been signed with. `kid` is compared and
    /// never used for anything else, so it may contain what it likes (RFC 8725 section 3.10).
    pub fn candidates<'a>(
        &'a self,
        kid: Option<&'a str>,
        algorithm: &'a str,
    ) -> impl Iterator<Item = &'a VerificationKey> {
        self.keys.iter().filter(move |key| key.fits(kid, algorithm))
    }
}

/// `use` and `key_ops` say what a key is for; none of them means anything (RFC 7517 4.2, 4.3).
fn is_for_signatures(entry: &Map<String, Value>) -> Option<bool> {
    let by_use = optional_text(entry, "use")?.is_none_or(|usage| usage == "sig");
    let by_operations = match entry.get("key_ops") {
        None => true,
        Some(operations) => operations.as_array()?.iter().any(|one| one == "verify"),
    };
    Some(by_use && by_operations)
}

/// 2048 to 8192 bits, which is what the library checks, too; refused here so that a weak key is
/// never a candidate.
fn rsa(entry: &Map<String, Value>) -> Option<DecodingKey> {
    let modulus = bytes(entry, "n")?;
    let modulus = &modulus[modulus.iter().take_while(|byte| **byte == 0).count()..];
    let exponent = bytes(entry, "e")?;
    let usable = (256..=1024).contains(&modulus.len()) && (1..=8).contains(&exponent.len());
    usable.then(|| DecodingKey::from_rsa_raw_components(modulus, &exponent))
}

/// The uncompressed point (SEC 1 section 2.3.3); whether it lies on the curve, the library checks.
fn elliptic(entry: &Map<String, Value>) -> Option<(Family, DecodingKey)> {
    let (family, size) = match entry.get("crv")?.as_str()? {
        "P-256" => (Family::P256, 32),
        "P-384" => (Family::P384, 48),
        _ => return None,
    };
    let (x, y) = (bytes(entry, "x")?, bytes(entry, "y")?);
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    (x.len() == size && y.len() == size).then(|| (family, DecodingKey::from_ec_der(&point)))
}

/// Ed25519 alone (RFC 8037); Ed448 is not in our library.
fn edwards(entry: &Map<String, Value>) -> Option<DecodingKey> {
    let point = bytes(entry, "x")?;
    let usable = entry.get("crv")? == "Ed25519" && point.len() == 32;
    usable.then(|| DecodingKey::from_ed_der(&point))
}

fn bytes(entry: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(entry.get(name)?.as_str()?).ok()
}

/// The member as text: `Some(None)` when it is not there, none when it is something else.
fn optional_text(entry: &Map<String, Value>, name: &str) -> Option<Option<String>> {
    match entry.get(name) {
        None => Some(None),
        Some(value) => value.as_str().map(|text| Some(text.to_owned())),
    }
}
