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
