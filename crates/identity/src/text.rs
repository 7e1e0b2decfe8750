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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_in_either_case_and_either_form_is_one_word() {
        assert_eq!(fold("Caf\u{c9}"), fold("cafe\u{301}"));
        assert_eq!(fold("STRASSE"), fold("stra\u{df}e"));
        assert_ne!(fold("resume"), fold("r\u{e9}sum\u{e9}"));
        // Folding takes this letter apart; the key is composed again.
        assert_eq!(fold("\u{1f0}"), "\u{1f0}");
    }

    #[test]
    fn composing_keeps_the_case() {
        assert_eq!(nfc("Cafe\u{301}"), "Caf\u{e9}");
    }
}
