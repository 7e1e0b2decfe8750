//! The sealed code: 256 bits as people write them down and type them.

use crate::entropy::{Entropy, draw};
use crate::secret::{Digest, Secret};

/// Crockford's base 32: no I, L, O and U, which are misheard and misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters of a code: as many as 256 bits take, five in each.
const LENGTH: usize = 52;

/// Letters between two hyphens.
const GROUP: usize = 4;

/// A fresh code.
pub fn new_code(entropy: &dyn Entropy) -> Secret {
    let letter = |value: u32| char::from(ALPHABET[(value & 31) as usize]);
    let mut code = String::with_capacity(LENGTH);
    let (mut waiting, mut bits) = (0_u32, 0_u32);
    for byte in draw::<32>(entropy) {
        waiting = (waiting << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            code.push(letter(waiting >> bits));
            waiting &= (1 << bits) - 1;
        }
    }
    code.push(letter(waiting << (5 - bits)));
    Secret::new(code)
}

/// A code as it is printed: in groups that an eye can keep.
pub fn for_people(code: &Secret) -> String {
    let letters: Vec<char> = code.expose().chars().collect();
    letters.chunks(GROUP).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// What stands for the code that somebody typed: case, blanks and hyphens do not matter, and what is
/// mistaken for a digit is the digit. What cannot be a code has a digest as well, that of no code.
pub fn code_digest(typed: &Secret) -> Digest {
    let read: String = typed
        .expose()
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    Secret::new(read).digest()
}
