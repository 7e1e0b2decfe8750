//! Support codes: short enough to be read out, and they find their entry in the audit.

use identity::entropy::{Entropy, draw};

/// Crockford's base 32: no I, L, O and U, which are misheard and misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Characters in a group.
const GROUP: usize = 5;

/// A fresh code of 50 bits: `7K3Q9-M2XTB`. It is a name and no secret; that many bits only keep
/// two from being the same.
pub fn support_code(entropy: &dyn Entropy) -> String {
    let characters = draw::<{ 2 * GROUP }>(entropy)
        .map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
    let (first, second) = characters.split_at(GROUP);
    [first.iter().collect::<String>(), second.iter().collect()].join("-")
}

/// What somebody typed or heard, as it was given out: case, blanks and hyphens do not matter, and
/// what is mistaken for a digit is the digit. None for what cannot be a code.
pub fn read_support_code(typed: &str) -> Option<String> {
    let characters: Option<Vec<char>> = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => Some('0'),
            'I' | 'L' => Some('1'),
            other => ALPHABET.iter().map(|byte| char::from(*byte)).find(|own| *own == other),
        })
        .collect();
    let characters = characters.filter(|all| all.len() == 2 * GROUP)?;
    let (first, second) = characters.split_at(GROUP);
    Some([first.iter().collect::<String>(), second.iter().collect()].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;

    #[test]
    fn a_code_is_found_again_as_people_write_it() {
        let code = support_code(&SystemEntropy);
        assert_eq!(read_support_code(&code), Some(code.clone()));
        assert_eq!(read_support_code(&code.to_lowercase().replace('-', " ")), Some(code));
        assert_eq!(read_support_code("oi1l2-M2XTB"), Some("01112-M2XTB".to_owned()));
        for none in ["", "7K3Q9", "7K3Q9-M2XTBZ", "7K3Q9-M2XTU", "7K3Q9/M2XTB"] {
            assert_eq!(read_support_code(none), None, "{none}");
        }
    }

    #[test]
    fn codes_have_two_groups_of_five() {
        let code = support_code(&SystemEntropy);
        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [5, 5], "{code}");
    }
}
