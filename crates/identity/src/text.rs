//! Text as people compare it.

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

/// NFC, default case fold, NFC: equal for what people read as the same word in either case.
pub fn fold(text: &str) -> String {
    text.nfc().default_case_fold().nfc().collect()
}

/// Unicode normalization form C.
pub fn nfc(text: &str) -> String {
    text.nfc().collect()
}

/// Whether a letter does something to the screen or to its neighbours instead of showing itself:
/// control characters (a terminal obeys them), line ends, and what turns the direction of writing
/// (Unicode Technical Report 36, section 2.4).
pub fn is_unprintable(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// The text for a terminal: what would not show itself stands as `\u{9b}`. A text from outside
/// can so neither move the cursor nor begin a line of its own.
pub fn printable(text: &str) -> String {
    let shown = |letter: char| {
        if is_unprintable(letter) { letter.escape_unicode().collect() } else { letter.to_string() }
    };
    text.chars().map(shown).collect()
}

/// How many letters must be put in, taken out or exchanged to make one word of the other
/// (Levenshtein), for the question what somebody meant.
pub fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{9b}1m"), r"a\u{1b}[2Jb\u{a}c\u{9b}1m");
        assert_eq!(printable("user\u{202e}gpj.exe\u{2066}"), r"user\u{202e}gpj.exe\u{2066}");
        assert_eq!(printable("Zo\u{eb} \u{5d0} \u{1f600}"), "Zo\u{eb} \u{5d0} \u{1f600}");
    }

    #[test]
    fn one_word_in_either_case_and_either_form_is_one_word() {
        assert_eq!(fold("Caf\u{c9}"), fold("cafe\u{301}"));
        assert_eq!(fold("STRASSE"), fold("stra\u{df}e"));
        assert_ne!(fold("resume"), fold("r\u{e9}sum\u{e9}"));
        // Folding takes this letter apart; the key is composed again.
        assert_eq!(fold("\u{1f0}"), "\u{1f0}");
    }

    #[test]
    fn a_distance_counts_letters_put_in_taken_out_or_exchanged() {
        assert_eq!((distance("", "abc"), distance("abc", ""), distance("é", "é")), (3, 3, 0));
        assert_eq!((distance("kitten", "sitting"), distance("usr", "user")), (3, 1));
    }

    #[test]
    fn composing_keeps_the_case() {
        assert_eq!(nfc("Cafe\u{301}"), "Caf\u{e9}");
    }

    #[test]
    fn words_are_as_far_apart_as_letters_have_to_be_changed() {
        for (left, right, letters) in [
            ("", "", 0),
            ("link", "link", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("a", "abcd", 3),
            ("abcd", "a", 3),
            ("kitten", "sitting", 3),
            ("unknown_users", "unknown_user", 1),
            ("lnik", "link", 2),
        ] {
            assert_eq!(distance(left, right), letters, "{left} {right}");
        }
    }
}
