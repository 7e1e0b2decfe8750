//! Which new passwords are taken.

use super::*;

const SENTENCE: &str = "seven otters juggle cold lanterns";

fn check(text: &str, context: &[&str]) -> Result<String, PasswordRefusal> {
    let policy = PasswordPolicy::default();
    NewPassword::check(text, &policy, context).map(|password| password.expose().to_owned())
}

#[test]
fn s101_fifteen_characters_and_nothing_else_is_asked() {
    assert_eq!(PasswordPolicy::default().min_length(), 15);
    assert_eq!(check("jx7-qovaltrfzm", &[]), Err(PasswordRefusal::TooShort { min: 15 }));
    assert!(check("jx7-qovaltrfzmh", &[]).is_ok());
    // No composition rules: letters alone, digits alone, blanks, any script.
    for password in [
        SENTENCE,
        "  leading and trailing blanks  ",
        "947205816339058271",
        "синий кит поёт по вторникам",
        "\u{1f9a6}\u{1f3ee}\u{1f9a6}\u{2744}\u{1f98a}\u{1f680}\
         \u{1f419}\u{1f9c0}\u{1f3bb}\u{1f4a1}\u{1f9ed}\u{1f355}\u{1f30b}\u{1f984}\u{1f525}",
    ] {
        assert_eq!(check(password, &[]).as_deref(), Ok(password));
    }
}

#[test]
fn s101_up_to_128_characters_are_taken() {
    let long = |length: usize| SENTENCE.chars().cycle().take(length).collect::<String>();
    assert!(check(&long(64), &[]).is_ok());
    assert!(check(&long(128), &[]).is_ok());
    assert_eq!(check(&long(129), &[]), Err(PasswordRefusal::TooLong { max: 128 }));
}

#[test]
fn s101_characters_are_counted_and_not_bytes() {
    // 14 letters, each typed as two code points.
    let apart = "e\u{301}".repeat(14);
    assert_eq!(check(&apart, &[]), Err(PasswordRefusal::TooShort { min: 15 }));
}

#[test]
fn an_operator_may_ask_for_12_to_64_characters() {
    let policy = PasswordPolicy::with_min_length(12).unwrap();
    assert!(NewPassword::check("jx7-qovaltrf", &policy, &[]).is_ok());
    assert!(NewPassword::check("jx7-qovaltr", &policy, &[]).is_err());
    assert!(PasswordPolicy::with_min_length(64).is_ok());
    for wrong in [0, 11, 65] {
        assert_eq!(PasswordPolicy::with_min_length(wrong), Err(PasswordPolicyError));
    }
    let read = |text: &str| serde_json::from_str::<PasswordPolicy>(text);
    assert_eq!(read("{\"min_length\":20}").unwrap().min_length(), 20);
    assert!(read("{\"min_length\":8}").is_err());
}

#[test]
fn s102_what_everybody_uses_is_refused() {
    for common in [
        "passwordpassword",
        "password123456789",
        "qwertyuiopasdfghjkl",
        "aaaaaaaaaaaaaaaaaaaa",
        "12345678901234567890",
        "abcabcabcabcabcabcabc",
        "iloveyouiloveyou",
    ] {
        assert_eq!(check(common, &[]), Err(PasswordRefusal::Guessable), "{common}");
    }
}

#[test]
fn s102_an_estimate_of_three_of_four_is_enough() {
    let password = "purplehippos1942";
    assert_eq!(zxcvbn::zxcvbn(password, &[]).score(), zxcvbn::Score::Three);
    assert!(check(password, &[]).is_ok());
}

#[test]
fn s102_what_belongs_to_the_person_or_the_shop_is_refused() {
    let context =
        ["Quillwharf Supplies", "Back Office", "Ada", "Lovelace", "ada.lovelace@company.test"];
    for own in [
        "quillwharf-supplies",
        "Quillwharf Supplies 2026!",
        "ADA.LOVELACE@company.test",
        "adalovelace2026",
        "2026lovelacelovelace",
        "Quillwharf&Lovelace",
    ] {
        assert_eq!(check(own, &context), Err(PasswordRefusal::ContextWords), "{own}");
    }
    // The estimate knows them too: long enough, but hardly more than one of them.
    assert!(check("quillwharfhandelsgesellschaft1a", &[]).is_ok());
    assert_eq!(
        check("quillwharfhandelsgesellschaft1a", &["Quillwharfhandelsgesellschaft"]),
        Err(PasswordRefusal::Guessable)
    );
    // One of them among other words does no harm.
    assert!(check("quillwharf otters juggle cold lanterns", &context).is_ok());
    // Digits alone are no context word, and two letters are none either.
    assert!(check("947205816339058271", &context).is_ok());
    assert!(check("qoqoqoxvqoqojqoqo7", &["qo"]) != Err(PasswordRefusal::ContextWords));
    assert_eq!(check("adaadaadaadaada", &["ada"]), Err(PasswordRefusal::ContextWords));
}

#[test]
fn context_words_meet_a_password_in_every_split() {
    let words = |texts: &[&str]| context_words(texts);
    assert!(is_made_of("ab-abc", &words(&["abc", "ab abc"])));
    assert!(is_made_of("abcabcd", &words(&["abc", "abcd"])));
    assert!(!is_made_of("abcabcde", &words(&["abc", "abcd"])));
    assert!(!is_made_of("", &words(&["abc"])));
    assert!(!is_made_of("xabc", &words(&["abc"])));
    assert!(!is_made_of("1234", &words(&["1234"])));
    assert_eq!(context_words(&["Ada Lovelace", "ada", " "]), ["ada lovelace", "lovelace", "ada"]);
}

#[test]
fn s103_a_password_is_compared_in_one_form_and_whole() {
    assert_eq!(normalised("cafe\u{301}"), "caf\u{e9}");
    // Compatibility letters, blanks and case stay what they are.
    assert_eq!(normalised(" \u{ff21}b\u{fb01} "), " \u{ff21}b\u{fb01} ");
    let sealed = check("cafe\u{301} cafe\u{301} jx7-qovaltrfzmh", &[]).unwrap();
    let typed = received("caf\u{e9} caf\u{e9} jx7-qovaltrfzmh").unwrap();
    assert!(typed.matches(&sealed));
    // No truncation at 72 bytes or anywhere.
    let long = "x".repeat(2047);
    assert!(!received(&(long.clone() + "a")).unwrap().matches(&(long + "b")));
}

#[test]
fn s103_policy_is_never_asked_at_a_sign_in() {
    for text in ["", "password", " short "] {
        assert_eq!(
            received(text).map(|password| password.expose().to_owned()).as_deref(),
            Some(text)
        );
    }
}

#[test]
fn a_text_that_nobody_has_as_password_is_not_hashed() {
    assert!(received(&"x".repeat(MAX_RECEIVED_BYTES)).is_some());
    assert!(received(&"x".repeat(MAX_RECEIVED_BYTES + 1)).is_none());
    // The longest that is taken, in its longest form: 128 Korean syllables, three letters each.
    assert!(received(&"\u{1112}\u{1161}\u{11ab}".repeat(128)).is_some());
}

#[test]
fn refusals_say_what_to_do() {
    for (refusal, code, words) in [
        (PasswordRefusal::TooShort { min: 15 }, "password_too_short", "at least 15"),
        (PasswordRefusal::TooLong { max: 128 }, "password_too_long", "at most 128"),
        (PasswordRefusal::ContextWords, "password_context_words", "use other words"),
        (PasswordRefusal::Guessable, "password_guessable", "several words"),
    ] {
        assert_eq!(refusal.code(), code);
        assert!(refusal.to_string().contains(words));
    }
}
