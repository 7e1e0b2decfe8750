//! What the tests of this folder share: a provider, an entropy that never repeats, keys that sign.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature as sig;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::entropy::Entropy;
use crate::federation::decide::Known;
use crate::federation::policy::{Connection, PolicyFields};
use crate::federation::provider::{
    Authority, ClientAuthentication, Endpoints, Provider, ProviderState,
};
use crate::ids::ProviderId;
use crate::time::Moment;

pub(crate) const ISSUER: &str = "https://id.example.com";
pub(crate) const CLIENT: &str = "vestibule";
pub(crate) const NOW: Moment = Moment::from_seconds(1_800_000_000);

/// Fills every buffer with another byte than the one before.
#[derive(Default)]
pub(crate) struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

pub(crate) fn provider() -> Provider {
    Provider {
        id: ProviderId::from_stored("provider-a"),
        key: "corp".to_owned(),
        name: "Corp".to_owned(),
        organisation: None,
        authority: Authority::Operator,
        state: ProviderState::Enabled,
        issuer: ISSUER.to_owned(),
        client_id: CLIENT.to_owned(),
        client_authentication: ClientAuthentication::ClientSecretBasic,
        scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
        trusted_domains: Vec::new(),
        allow_private: Vec::new(),
        endpoints: Endpoints {
            authorization: format!("{ISSUER}/authorize"),
            token: format!("{ISSUER}/token"),
            userinfo: Some(format!("{ISSUER}/userinfo")),
            jwks: format!("{ISSUER}/jwks"),
        },
        algorithms: vec!["RS256".to_owned()],
        promises_iss: false,
        pkce: true,
        created_at: Moment::from_seconds(0),
    }
}

/// The facts about somebody whom nobody knows, who comes through a connection.
pub(crate) fn known(connection: Connection) -> Known {
    Known {
        provider: provider(),
        connection: Some(connection),
        defaults: PolicyFields::default(),
        linked: None,
        candidate: None,
        memberships: Vec::new(),
        groups: Vec::new(),
    }
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A private key of a provider.
pub(crate) enum Signer {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair, &'static str),
    Ed(Ed25519KeyPair),
}

/// The provider's own keys; made once, because RSA keys take their time.
pub(crate) static RSA: LazyLock<Signer> = LazyLock::new(Signer::rsa);
pub(crate) static EC: LazyLock<Signer> = LazyLock::new(|| Signer::ec("P-256"));
pub(crate) static EC384: LazyLock<Signer> = LazyLock::new(|| Signer::ec("P-384"));
pub(crate) static ED: LazyLock<Signer> =
    LazyLock::new(|| Signer::Ed(Ed25519KeyPair::generate().unwrap()));

impl Signer {
    pub(crate) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn ec(curve: &'static str) -> Self {
        let algorithm = match curve {
            "P-256" => &sig::ECDSA_P256_SHA256_FIXED_SIGNING,
            _ => &sig::ECDSA_P384_SHA384_FIXED_SIGNING,
        };
        Self::Ec(EcdsaKeyPair::generate(algorithm).unwrap(), curve)
    }

    /// Which of the provider's keys signs so.
    pub(crate) fn of(algorithm: &str) -> &'static Self {
        match algorithm {
            "ES256" => &EC,
            "ES384" => &EC384,
            "EdDSA" => &ED,
            _ => &RSA,
        }
    }

    /// The public key as the provider publishes it, without `use` and `alg`.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(pair) => {
                let public = pair.public_key();
                let n = base64url(public.modulus().big_endian_without_leading_zero());
                let e = base64url(public.exponent().big_endian_without_leading_zero());
                json!({"kty": "RSA", "kid": kid, "n": n, "e": e})
            }
            Self::Ec(pair, curve) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let (x, y) = (base64url(x), base64url(y));
                json!({"kty": "EC", "crv": curve, "kid": kid, "x": x, "y": y})
            }
            Self::Ed(pair) => {
                let x = base64url(pair.public_key());
                json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x})
            }
        }
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::default();
        match self {
            Self::Rsa(pair) => {
                let encoding: &dyn sig::RsaEncoding = match algorithm {
                    "RS384" => &sig::RSA_PKCS1_SHA384,
                    "RS512" => &sig::RSA_PKCS1_SHA512,
                    "PS256" => &sig::RSA_PSS_SHA256,
                    "PS384" => &sig::RSA_PSS_SHA384,
                    "PS512" => &sig::RSA_PSS_SHA512,
                    _ => &sig::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Ec(pair, _) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with exactly this header and these claims; the header's `alg` says how it is signed.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let algorithm = header["alg"].as_str().unwrap_or_default();
        let signature = base64url(self.sign(algorithm, message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// The same, filled up to exactly this many bytes. Base64 grows in steps; padding both parts
    /// reaches every length.
    pub(crate) fn token_of_length(&self, wanted: usize, header: &Value, claims: &Value) -> String {
        let padded = |part: &Value, size: usize| {
            let mut part = part.clone();
            part["pad"] = "x".repeat(size).into();
            part
        };
        let bare = self.token(header, claims).len();
        let rest = wanted.checked_sub(bare).unwrap() * 3 / 4;
        let signature = bare - message(header, claims).len();
        let sizes =
            (0..4).flat_map(|some| (rest.saturating_sub(40)..=rest).map(move |more| (some, more)));
        let mut parts = sizes.map(|(some, more)| (padded(header, some), padded(claims, more)));
        let fits =
            |(header, claims): &(Value, Value)| message(header, claims).len() + signature == wanted;
        let (header, claims) = parts.find(fits).unwrap();
        self.token(&header, &claims)
    }
}

/// Header and claims as they are signed.
pub(crate) fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()))
}
