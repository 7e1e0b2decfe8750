//! The code that shows who reads mail at an address.

use crate::entropy::{Entropy, draw};
use crate::secret::{Digest, Secret};

/// How often one code may be tried.
pub const MOST_TRIES: u32 = 5;

/// How many codes are sent for one proof.
pub const MOST_CODES: u32 = 3;

/// A code has eight digits. At five tries each, and as many codes for an address as the throttle of mails
/// lets through, nobody guesses one in a lifetime.
const CODES: u64 = 100_000_000;

/// What became of the codes of a proof so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Codes {
    /// How many were sent.
    pub sent: u32,
    /// How often the last one was tried.
    pub tries: u32,
}

impl Codes {
    /// Whether the last one may be tried.
    pub const fn may_try(self) -> bool {
        self.sent > 0 && self.tries < MOST_TRIES
    }

    /// Whether another one may be sent.
    pub const fn may_send(self) -> bool {
        self.sent < MOST_CODES
    }
}

/// A fresh code: digits, which every keyboard has, and which telephones offer from the message.
pub fn new_code(entropy: &dyn Entropy) -> Secret {
    let drawn = u64::from_be_bytes(draw::<8>(entropy));
    // 2^64 is no multiple of 10^8; what that adds to the likelihood of a code is below 2^-37.
    Secret::new(format!("{:08}", drawn % CODES))
}

/// A code as it is written in a mail: in two groups.
pub fn for_people(code: &Secret) -> String {
    let (one, other) = code.expose().split_at(code.expose().len() / 2);
    format!("{one} {other}")
}

/// What stands for a code that somebody typed: blanks and hyphens do not matter. The browser's own
/// secret is in it, so that nobody who has the database can try all the codes on it.
pub fn code_digest(typed: &Secret, browser: &Secret) -> Digest {
    let read: String = typed.expose().chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    Digest::of_parts(&["proof code", browser.expose(), &read])
}

#[cfg(test)]
mod tests;
