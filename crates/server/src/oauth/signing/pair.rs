//! A private key in memory: made, written down, read again, and signing.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::oauth::clients::SigningAlgorithm;
use identity::secret::Secret;
use serde_json::{Map, Value};

/// Ready to sign: parsed and checked once, and not for every token.
pub(super) enum Pair {
    Rs256(RsaKeyPair),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl Pair {
    /// A fresh one. RSA has 2048 bits, which every client takes and which is good for longer than
    /// a key signs here; finding its primes takes a tenth of a second of processor time.
    ///
    /// The library draws the randomness itself, from where [`crate::clock::SystemEntropy`] has it,
    /// too: it takes no other source for keys.
    pub(super) fn generate(algorithm: SigningAlgorithm) -> Result<Self, Unspecified> {
        match algorithm {
            SigningAlgorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Self::Rs256),
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Self::Es256)
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate().map(Self::EdDsa),
        }
    }

    /// Out of what [`Pair::to_text`] wrote; none for anything else.
    pub(super) fn parse(algorithm: SigningAlgorithm, text: &Secret) -> Option<Self> {
        let der = URL_SAFE_NO_PAD.decode(text.expose()).ok()?;
        match algorithm {
            SigningAlgorithm::Rs256 => RsaKeyPair::from_pkcs8(&der).ok().map(Self::Rs256),
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der)
                    .ok()
                    .map(Self::Es256)
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(&der).ok().map(Self::EdDsa),
        }
    }

    /// PKCS #8 as base64url.
    pub(super) fn to_text(&self) -> Result<Secret, Unspecified> {
        let text = match self {
            Self::Rs256(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der()?;
                URL_SAFE_NO_PAD.encode(der.as_ref())
            }
            Self::Es256(pair) => URL_SAFE_NO_PAD.encode(pair.to_pkcs8v1()?.as_ref()),
            Self::EdDsa(pair) => URL_SAFE_NO_PAD.encode(pair.to_pkcs8()?.as_ref()),
        };
        Ok(Secret::new(text))
    }

    /// The public half, as the members of a JSON Web Key (RFC 7518 section 6, RFC 8037).
    pub(super) fn public_members(&self) -> Map<String, Value> {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let members = match self {
            Self::Rs256(pair) => {
                let public = pair.public_key();
                vec![
                    ("kty", "RSA".to_owned()),
                    ("n", text(public.modulus().big_endian_without_leading_zero())),
                    ("e", text(public.exponent().big_endian_without_leading_zero())),
                ]
            }
            Self::Es256(pair) => {
                // An uncompressed point: a byte that says so, then both coordinates.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                vec![
                    ("kty", "EC".to_owned()),
                    ("crv", "P-256".to_owned()),
                    ("x", text(x)),
                    ("y", text(y)),
                ]
            }
            Self::EdDsa(pair) => vec![
                ("kty", "OKP".to_owned()),
                ("crv", "Ed25519".to_owned()),
                ("x", text(pair.public_key().as_ref())),
            ],
        };
        members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }

    /// The signature of a token's header and payload (RFC 7515 section 5.1).
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&RSA_PKCS1_SHA256, &digest(&SHA256, message), &mut signature)?;
                Ok(signature)
            }
            Self::Es256(pair) => {
                pair.sign_digest(&digest(&SHA256, message)).map(|made| made.as_ref().to_vec())
            }
            Self::EdDsa(pair) => pair.try_sign(message).map(|made| made.as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_survives_being_written_down() {
        for algorithm in SigningAlgorithm::ALL {
            let made = Pair::generate(algorithm).unwrap();
            let text = made.to_text().unwrap();
            let read = Pair::parse(algorithm, &text).unwrap();
            assert_eq!(made.public_members(), read.public_members(), "{algorithm}");
            assert!(Pair::parse(algorithm, &Secret::new("AQAB")).is_none(), "{algorithm}");
            let other = SigningAlgorithm::ALL.into_iter().find(|other| *other != algorithm);
            assert!(Pair::parse(other.unwrap(), &text).is_none(), "{algorithm}");
        }
    }

    #[test]
    fn s087_the_public_half_has_no_private_member() {
        for algorithm in SigningAlgorithm::ALL {
            let members = Pair::generate(algorithm).unwrap().public_members();
            for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                assert!(!members.contains_key(name), "{algorithm}: {name}");
            }
        }
    }
}
