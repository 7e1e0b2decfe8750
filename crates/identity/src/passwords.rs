//! Passwords: which new ones are taken, and the one text form in which they are compared.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::text;

/// The fewest characters that an operator may ask for.
pub const LEAST_MIN_LENGTH: usize = 12;

/// The most that an operator may ask for: 64 characters always do (NIST SP 800-63B-4, 3.1.1.2).
pub const MOST_MIN_LENGTH: usize = 64;

/// Characters of the longest password.
pub const MAX_LENGTH: usize = 128;

/// Longest text that is tried at a sign-in, in bytes. No password that we take needs more: a
/// character has at most 12 bytes in any canonical form, and there are at most 128.
pub const MAX_RECEIVED_BYTES: usize = 2048;

/// Context words are shorter than this only by chance.
const SHORTEST_CONTEXT_WORD: usize = 3;

/// What a new password must have. There are no rules of composition and no expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "MinLength")]
pub struct PasswordPolicy {
    min_length: usize,
}

/// The one setting of the policy, as it stands in a configuration.
#[derive(Deserialize)]
struct MinLength {
    min_length: usize,
}

/// A minimum length that nobody should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the minimum length of passwords is a number from 12 to 64; 15 is the default")]
pub struct PasswordPolicyError;

impl PasswordPolicy {
    /// A policy with another minimum length, in characters.
    pub fn with_min_length(min_length: usize) -> Result<Self, PasswordPolicyError> {
        if (LEAST_MIN_LENGTH..=MOST_MIN_LENGTH).contains(&min_length) {
            Ok(Self { min_length })
        } else {
            Err(PasswordPolicyError)
        }
    }

    /// Fewest characters.
    pub const fn min_length(&self) -> usize {
        self.min_length
    }

    /// Most characters.
    pub const fn max_length(&self) -> usize {
        MAX_LENGTH
    }
}

impl Default for PasswordPolicy {
    /// 15 characters, the least for a password that stands alone (NIST SP 800-63B-4, 3.1.1.2).
    fn default() -> Self {
        Self { min_length: 15 }
    }
}

impl TryFrom<MinLength> for PasswordPolicy {
    type Error = PasswordPolicyError;

    fn try_from(setting: MinLength) -> Result<Self, PasswordPolicyError> {
        Self::with_min_length(setting.min_length)
    }
}

/// Why a new password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    /// Too few characters.
    #[error("this password is too short; use at least {min} characters, for example a sentence")]
    TooShort {
        /// Fewest characters.
        min: usize,
    },
    /// Too many characters.
    #[error("this password is too long; use at most {max} characters")]
    TooLong {
        /// Most characters.
        max: usize,
    },
    /// Made of the shop's name, the person's name or the address.
    #[error(
        "this password is made of your name, your e-mail address or the name of this site, which \
         are the first things that somebody tries; use other words"
    )]
    ContextWords,
    /// Easy to guess.
    #[error(
        "this password is easy to guess; use several words that do not belong together, or let a \
         password manager make one"
    )]
    Guessable,
}

impl PasswordRefusal {
    /// Stable name for JSON and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "password_too_short",
            Self::TooLong { .. } => "password_too_long",
            Self::ContextWords => "password_context_words",
            Self::Guessable => "password_guessable",
        }
    }
}

/// A password that somebody wants to have.
#[derive(Debug)]
pub struct NewPassword;

impl NewPassword {
    /// Checks it and gives the form to hash.
    ///
    /// `context` are texts that an attacker tries first: the site's and the application's name,
    /// the person's names, the e-mail address. Never ask this at a sign-in: a password that was
    /// once taken stays good.
    pub fn check(
        text: &str,
        policy: &PasswordPolicy,
        context: &[&str],
    ) -> Result<Secret, PasswordRefusal> {
        let password = normalised(text);
        let length = password.chars().count();
        if length < policy.min_length() {
            return Err(PasswordRefusal::TooShort { min: policy.min_length() });
        }
        if length > policy.max_length() {
            return Err(PasswordRefusal::TooLong { max: policy.max_length() });
        }
        let words = context_words(context);
        if is_made_of(&password, &words) {
            return Err(PasswordRefusal::ContextWords);
        }
        let inputs: Vec<&str> = words.iter().map(String::as_str).collect();
        // It looks at the first 100 characters only, which bounds its cost.
        if zxcvbn::zxcvbn(&password, &inputs).score() < zxcvbn::Score::Three {
            return Err(PasswordRefusal::Guessable);
        }
        Ok(Secret::new(password))
    }
}

/// The one form in which a password is hashed and compared: NFC (RFC 8265 section 4.2.1 asks the
/// same), so that a keyboard that sends `e` and an accent apart opens the same account. Nothing is
/// trimmed, folded or cut off.
pub fn normalised(text: &str) -> String {
    text::nfc(text)
}

/// What somebody typed at a sign-in, ready to be verified; none for a text so long that it cannot
/// be anybody's password, which is a wrong password without the work of hashing it.
pub fn received(text: &str) -> Option<Secret> {
    (text.len() <= MAX_RECEIVED_BYTES).then(|| Secret::new(normalised(text)))
}

/// The texts and their parts, folded, longest first.
fn context_words(context: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = context
        .iter()
        .map(|text| text::fold(text.trim()))
        .flat_map(|text| {
            let parts = text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned);
            parts.chain([text.clone()]).collect::<Vec<_>>()
        })
        .filter(|word| word.chars().count() >= SHORTEST_CONTEXT_WORD)
        .collect();
    words.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    words.dedup();
    words
}

/// Whether nothing but context words is left when digits and marks are taken away.
fn is_made_of(password: &str, words: &[String]) -> bool {
    let letters = only_letters(password);
    let words: Vec<String> =
        words.iter().map(|word| only_letters(word)).filter(|word| !word.is_empty()).collect();
    let mut reached = vec![false; letters.len() + 1];
    reached[0] = true;
    for at in 0..letters.len() {
        if !reached[at] {
            continue;
        }
        for word in words.iter().filter(|word| letters[at..].starts_with(word.as_str())) {
            reached[at + word.len()] = true;
        }
    }
    !letters.is_empty() && reached[letters.len()]
}

fn only_letters(text: &str) -> String {
    text::fold(text).chars().filter(|c| c.is_alphabetic()).collect()
}

#[cfg(test)]
mod tests;
