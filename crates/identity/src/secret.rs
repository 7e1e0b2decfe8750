//! Values that must not be printed, and the digests that are kept in their place.

use std::fmt;

use aws_lc_rs::{constant_time, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::entropy::{Entropy, draw};

/// A secret text. It has no `Display`, its `Debug` shows nothing, and it cannot be serialised.
/// The default is the empty one, as of a form's field that did not come.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text that somebody handed in: a password, a client secret, a token.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A fresh 256-bit secret as base64url without padding: 43 characters.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(URL_SAFE_NO_PAD.encode(draw::<32>(entropy)))
    }

    /// The text itself. Every call is a place to look at in a review.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The digest that stands for this secret in the database.
    ///
    /// Only for generated secrets: 256 bits cannot be guessed, so SHA-256 is enough.
    /// A password needs argon2id.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// Compares without telling by its duration where the first difference is.
    pub fn matches(&self, other: &str) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), other.as_bytes()).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// SHA-256 of something secret or long, as base64url without padding: 43 characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes)))
    }

    /// Digest of several parts; no two different lists of parts have the same one.
    pub fn of_parts(parts: &[&str]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        Self(URL_SAFE_NO_PAD.encode(context.finish()))
    }

    /// As the database returns it.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The 43 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({}…)", self.0.get(..6).unwrap_or(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn a_secret_is_read_from_a_form_as_it_stands() {
        let secret: Secret = serde_json::from_str("\" two words \"").unwrap();
        assert_eq!(secret.expose(), " two words ");
    }

    #[test]
    fn the_boundary_between_parts_is_part_of_the_digest() {
        assert_ne!(Digest::of_parts(&["ab", "c"]), Digest::of_parts(&["a", "bc"]));
    }

    #[test]
    fn only_the_same_text_matches() {
        let secret = Secret::new("abc");
        assert!(secret.matches("abc"));
        assert!(!secret.matches("abd"));
        assert!(!secret.matches("ab"));
    }
}
