//! Letters for codes that people write down and type: Crockford's base 32.

/// No I, L, O and U, which are misheard and misread.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Letters between two hyphens.
const GROUP: usize = 4;

/// Bytes as letters, five bits in each, the highest first.
pub(crate) fn write(bytes: &[u8]) -> String {
    let letter = |value: u32| char::from(ALPHABET[(value & 31) as usize]);
    let mut code = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut waiting, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        waiting = (waiting << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            code.push(letter(waiting >> bits));
            waiting &= (1 << bits) - 1;
        }
    }
    if bits > 0 {
        code.push(letter(waiting << (5 - bits)));
    }
    code
}

/// In groups that an eye can keep.
pub(crate) fn in_groups(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(GROUP).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// What somebody typed, as it was written: case, blanks and hyphens do not matter, and what is
/// mistaken for a digit is the digit.
pub(crate) fn read(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}
