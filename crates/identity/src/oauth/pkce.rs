//! Proof Key for Code Exchange (RFC 7636): S256 alone.

use aws_lc_rs::{constant_time, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::oauth::error::{OAuthError, OAuthFault};
use crate::oauth::parameters::Parameters;

/// SHA-256 of the verifier as base64url: always 43 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(String);

impl Challenge {
    /// The challenge of an authorization request, if it has one. `plain` protects nothing and is
    /// refused, also where it is meant by leaving the method out (RFC 7636 section 4.3).
    pub fn of(parameters: &Parameters) -> Result<Option<Self>, OAuthFault> {
        let fault = |text| Err(OAuthFault::new(OAuthError::InvalidRequest, text));
        match (parameters.once("code_challenge"), parameters.once("code_challenge_method")) {
            (None, None) => Ok(None),
            (None, Some(_)) => fault("code_challenge_method came without code_challenge"),
            (Some(challenge), Some("S256")) if is_digest(challenge) => {
                Ok(Some(Self(challenge.to_owned())))
            }
            (Some(_), Some("S256")) => {
                fault("code_challenge is BASE64URL(SHA256(code_verifier)): 43 characters")
            }
            (Some(_), _) => fault("code_challenge_method must be S256; plain is refused"),
        }
    }

    /// As the database gives it.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The 43 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the verifier behind it (RFC 7636 section 4.6). The size of the verifier is
    /// checked too: a short one could be guessed.
    pub fn is_met_by(&self, verifier: &str) -> bool {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
        let digest = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
        let same = constant_time::verify_slices_are_equal(self.0.as_bytes(), digest.as_bytes());
        well_formed && same.is_ok()
    }
}

fn is_digest(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == digest::SHA256_OUTPUT_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn of(pairs: &[(&str, &str)]) -> Result<Option<Challenge>, OAuthFault> {
        Challenge::of(&Parameters::read(pairs.iter().copied()).unwrap())
    }

    #[test]
    fn the_example_of_rfc_7636_holds() {
        let sent = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
        let challenge = of(&sent).unwrap().unwrap();
        assert!(challenge.is_met_by(VERIFIER));
        assert!(!challenge.is_met_by(&VERIFIER.replace('d', "e")));
    }

    #[test]
    fn s065_plain_is_refused_said_or_unsaid() {
        assert!(of(&[("code_challenge", CHALLENGE)]).is_err());
        let plain = [("code_challenge", VERIFIER), ("code_challenge_method", "plain")];
        assert!(of(&plain).is_err());
        assert!(of(&[("code_challenge_method", "S256")]).is_err());
        let short = [("code_challenge", "abc"), ("code_challenge_method", "S256")];
        assert!(of(&short).is_err());
    }

    #[test]
    fn a_verifier_that_could_be_guessed_meets_nothing() {
        let short = "short";
        let digest = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, short.as_bytes()));
        assert!(!Challenge(digest).is_met_by(short));
    }
}
