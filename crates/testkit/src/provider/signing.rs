//! The scriptable provider's keys and tokens.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value, json};

use super::script::Signing;

/// A P-256 key with the id that it is published under.
pub(super) struct Key {
    pub(super) id: String,
    private: EncodingKey,
    public: Vec<u8>,
}

impl Key {
    pub(super) fn generate(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let private = pair.to_pkcs8v1().expect("PKCS #8");
        Self {
            id: id.to_owned(),
            private: EncodingKey::from_ec_der(private.as_ref()),
            public: pair.public_key().as_ref().to_vec(),
        }
    }

    /// As it is published (RFC 7517).
    pub(super) fn published(&self) -> Value {
        let coordinate = |range| URL_SAFE_NO_PAD.encode::<&[u8]>(&self.public[range]);
        json!({
            "kty": "EC",
            "crv": "P-256",
            "use": "sig",
            "alg": "ES256",
            "kid": self.id,
            "x": coordinate(1..33),
            "y": coordinate(33..65),
        })
    }

    /// A signed token, or what passes for one.
    pub(super) fn sign(
        &self,
        signing: Signing,
        claims: &Map<String, Value>,
        edit: impl Fn(&mut Map<String, Value>),
    ) -> String {
        let alg = match signing {
            Signing::Nothing => "none",
            Signing::PublicKeyAsSecret => "HS256",
            _ => "ES256",
        };
        let id = if signing == Signing::UnknownId { "unknown" } else { &self.id };
        let mut header = Map::new();
        header.insert("alg".to_owned(), alg.into());
        header.insert("typ".to_owned(), "JWT".into());
        header.insert("kid".to_owned(), id.into());
        edit(&mut header);
        let part = |members: &Map<String, Value>| {
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(members).expect("JSON"))
        };
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = self.signature(signing, &message);
        format!("{message}.{signature}")
    }

    fn signature(&self, signing: Signing, message: &str) -> String {
        let sign = |key: &EncodingKey, algorithm| {
            crypto::sign(message.as_bytes(), key, algorithm).expect("a signature")
        };
        match signing {
            Signing::Nothing => String::new(),
            Signing::PublicKeyAsSecret => {
                sign(&EncodingKey::from_secret(&self.public), Algorithm::HS256)
            }
            Signing::StrangersKey => sign(&Self::generate("x").private, Algorithm::ES256),
            Signing::Own | Signing::UnknownId => sign(&self.private, Algorithm::ES256),
        }
    }
}

/// `at_hash` (OpenID Connect Core 3.1.3.6) for ES256.
pub(super) fn at_hash(access_token: &str) -> String {
    let hash = digest(&SHA256, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

/// The S256 challenge of a verifier (RFC 7636 section 4.2).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}
