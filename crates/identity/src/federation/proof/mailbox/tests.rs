//! Codes: what is sent, what is read, and how often.

use super::*;

struct Bytes([u8; 5]);

impl Entropy for Bytes {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.0);
    }
}

#[test]
fn s045_a_code_is_forty_bits_in_eight_letters() {
    for (drawn, code, people) in [
        ([0; 5], "00000000", "0000-0000"),
        ([0xff; 5], "ZZZZZZZZ", "ZZZZ-ZZZZ"),
        ([0, 0, 0, 0, 1], "00000001", "0000-0001"),
        ([0x80, 0, 0, 0, 0], "G0000000", "G000-0000"),
        ([0x12, 0x34, 0x56, 0x78, 0x9a], "28T5CY4T", "28T5-CY4T"),
    ] {
        let made = new_code(&Bytes(drawn));
        assert_eq!((made.expose(), for_people(&made).as_str()), (code, people));
    }
}

#[test]
fn s045_a_code_is_read_as_people_type_it_and_counts_in_one_browser() {
    let (own, other) = (Secret::new("own".to_owned()), Secret::new("other".to_owned()));
    let digest = |typed: &str, browser| code_digest(&Secret::new(typed.to_owned()), browser);
    let right = digest("10T5CY4T", &own);
    for typed in ["10T5-CY4T", " 10t5 cy4t\n", "IoT5CY4T", "l 0 T 5-C Y 4 T"] {
        assert_eq!(digest(typed, &own), right, "{typed}");
    }
    for wrong in ["10T5CY4", "10T5CY4V", "10T5CY4T0", "", "10T5.CY4T"] {
        assert_ne!(digest(wrong, &own), right, "{wrong}");
    }
    assert_ne!(digest("10T5CY4T", &other), right);
    assert_ne!(Secret::new("10T5CY4T".to_owned()).digest(), right);
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
