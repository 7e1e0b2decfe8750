//! Codes: what is sent, what is read, and how often.

use super::*;

struct Bytes([u8; 8]);

impl Entropy for Bytes {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0);
    }
}

#[test]
fn s045_a_code_is_eight_digits_of_what_was_drawn() {
    for (drawn, code, people) in [
        (0_u64, "00000000", "0000 0000"),
        (42, "00000042", "0000 0042"),
        (100_000_000, "00000000", "0000 0000"),
        (912_345_678, "12345678", "1234 5678"),
        (u64::MAX, "09551615", "0955 1615"),
    ] {
        let made = new_code(&Bytes(drawn.to_be_bytes()));
        assert_eq!((made.expose(), for_people(&made).as_str()), (code, people));
    }
}

#[test]
fn s045_a_code_is_read_as_people_type_it_and_counts_in_one_browser() {
    let (own, other) = (Secret::new("own".to_owned()), Secret::new("other".to_owned()));
    let digest = |typed: &str, browser| code_digest(&Secret::new(typed.to_owned()), browser);
    let right = digest("12345678", &own);
    for typed in ["1234 5678", " 1234-5678\n", "1 2 3 4 5 6 7 8"] {
        assert_eq!(digest(typed, &own), right, "{typed}");
    }
    for wrong in ["1234567", "12345679", "123456780", "", "1234.5678"] {
        assert_ne!(digest(wrong, &own), right, "{wrong}");
    }
    assert_ne!(digest("12345678", &other), right);
    assert_ne!(Secret::new("12345678".to_owned()).digest(), right);
}

#[test]
fn s045_each_code_is_tried_five_times_and_three_are_sent() {
    let codes = |sent, tries| Codes { sent, tries };
    assert!(!codes(0, 0).may_try(), "there is none yet");
    assert!(codes(1, 0).may_try() && codes(3, 4).may_try());
    assert!(!codes(1, 5).may_try() && !codes(1, 6).may_try());
    assert!(codes(0, 0).may_send() && codes(2, 5).may_send());
    assert!(!codes(3, 0).may_send() && !codes(4, 0).may_send());
}
