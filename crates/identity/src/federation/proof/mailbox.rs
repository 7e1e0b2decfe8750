//! The code that shows who reads mail at an address.

use crate::entropy::{Entropy, draw};
use crate::letters;
use crate::secret::{Digest, Secret};

/// How often one code may be tried.
pub const MOST_TRIES: u32 = 5;

/// How many codes are sent for one proof.
pub const MOST_CODES: u32 = 3;

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

/// A fresh code of 40 bits. With the tries and codes that an address is given in an hour, guessing
/// one at any of ten thousand addresses, all at once and without a pause, takes centuries.
pub fn new_code(entropy: &dyn Entropy) -> Secret {
    Secret::new(letters::write(&draw::<5>(entropy)))
}

/// A code as it is written in a mail.
pub fn for_people(code: &Secret) -> String {
    letters::in_groups(code.expose())
}

/// What stands for a code that somebody typed. The browser's own secret is in it, so that nobody who
/// has the database can try all the codes on it.
pub fn code_digest(typed: &Secret, browser: &Secret) -> Digest {
    Digest::of_parts(&["proof code", browser.expose(), &letters::read(typed.expose())])
}

#[cfg(test)]
mod tests;
