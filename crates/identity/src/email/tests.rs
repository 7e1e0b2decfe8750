//! What may be an e-mail address, and which spellings are one.

use proptest::prelude::*;

use super::*;

fn key(text: &str) -> String {
    Email::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).key().to_owned()
}

fn refusal(text: &str) -> EmailError {
    Email::parse(text).expect_err(text)
}

#[test]
fn an_address_is_shown_as_typed_and_found_in_any_case() {
    let email = Email::parse("  Ada.Lovelace@Company.TEST ").unwrap();
    assert_eq!(email.as_typed(), "Ada.Lovelace@Company.TEST");
    assert_eq!(email.key(), "ada.lovelace@company.test");
    assert_eq!(email.domain(), "company.test");
    assert_eq!(Email::key_of("\tADA.lovelace@company.test\n").as_deref(), Some(email.key()));
    assert_eq!(email.to_string(), email.as_typed());
    assert_eq!(format!("{email:?}"), "Email(Ada.Lovelace@Company.TEST)");
}

#[test]
fn s052_spellings_of_one_address_have_one_key() {
    for (one, other) in [
        ("Jos\u{e9}@example.com", "jose\u{301}@EXAMPLE.com"),
        ("STRASSE@example.com", "stra\u{df}e@example.com"),
        ("\u{3a3}\u{3a4}\u{39f}\u{3a3}@example.com", "\u{3c3}\u{3c4}\u{3bf}\u{3c2}@example.com"),
        ("a@B\u{dc}CHER.example", "a@xn--bcher-kva.example"),
        ("a@bu\u{308}cher.example", "a@b\u{fc}cher.example"),
    ] {
        assert_eq!(key(one), key(other), "{one}");
    }
    assert_eq!(key("a@B\u{fc}cher.example"), "a@xn--bcher-kva.example");
    // Non-transitional: straße.example is not strasse.example.
    assert_ne!(key("a@stra\u{df}e.example"), key("a@strasse.example"));
}

#[test]
fn s052_letters_of_several_scripts_are_refused() {
    for mixed in [
        "p\u{430}ypal@example.com",
        "admin@p\u{430}ypal.com",
        "admin@xn--pypal-4ve.com",
        "\u{3b1}dmin@example.com",
        "ad\u{435}n@example.com",
    ] {
        assert_eq!(refusal(mixed), EmailError::MixedScripts, "{mixed}");
    }
    for plain in [
        "\u{438}\u{432}\u{430}\u{43d}@\u{43f}\u{43e}\u{447}\u{442}\u{430}.\u{440}\u{444}",
        "\u{438}\u{432}\u{430}\u{43d}+2@example.com",
        "m\u{fc}ller@example.com",
        "\u{7530}\u{4e2d}taro@example.jp",
        "o'brien!#$%&*/=?^_`{|}~-@example.com",
    ] {
        assert!(Email::parse(plain).is_ok(), "{plain}");
    }
}

#[test]
fn s052_another_script_must_not_pass_for_latin() {
    // Cyrillic letters that all look Latin: "сосо" and "аррӏе".
    let local = "\u{441}\u{43e}\u{441}\u{43e}";
    assert_eq!(refusal(&format!("{local}@example.com")), EmailError::LooksLatin);
    let domain = "\u{430}\u{440}\u{440}\u{4cf}\u{435}.com";
    assert_eq!(refusal(&format!("admin@{domain}")), EmailError::LooksLatin);
    // In a Cyrillic domain, nobody reads them as Latin.
    assert!(
        Email::parse(&format!("{local}@\u{43f}\u{43e}\u{447}\u{442}\u{430}.\u{440}\u{444}"))
            .is_ok()
    );
    // A Latin letter without its dot is a Latin letter.
    assert!(Email::parse("m\u{131}ke@example.com").is_ok());
    // Digits alone are of no script.
    assert!(Email::parse("4711@example.com").is_ok());
}

#[test]
fn s052_what_cannot_be_seen_or_told_apart_is_refused() {
    for (text, found) in [
        ("a\u{200d}b@example.com", '\u{200d}'),
        ("a\u{200c}b@example.com", '\u{200c}'),
        ("a\u{ad}b@example.com", '\u{ad}'),
        ("a@exa\u{ad}mple.com", '\u{ad}'),
        ("\u{212a}im@example.com", '\u{212a}'),
        ("\u{ff41}@example.com", '\u{ff41}'),
        ("a\u{202e}b@example.com", '\u{202e}'),
    ] {
        assert_eq!(refusal(text), EmailError::Character(found), "{text:?}");
    }
    // The full stop that Japanese keyboards write is one to the domain name system too.
    assert_eq!(key("a@example\u{3002}jp"), "a@example.jp");
}

#[test]
fn s053_another_spelling_finds_the_account_but_mail_goes_to_the_stored_address() {
    let stored = Email::parse("Kim@example.com").unwrap();
    let typed_by_a_stranger = "\u{212a}im@example.com";
    assert_eq!(Email::key_of(typed_by_a_stranger).as_deref(), Some(stored.key()));
    assert_eq!(stored.as_typed(), "Kim@example.com");
    // The dotless i becomes an I in capitals, but it is another letter.
    assert_ne!(Email::key_of("k\u{131}m@example.com").as_deref(), Some(stored.key()));
    assert!(Email::key_of("k\u{131}m@example.com").is_some());
}

#[test]
fn s054_plus_tags_and_dots_stay() {
    let keys = ["ada.b@gmail.com", "adab@gmail.com", "ada.b+shop@gmail.com"].map(key);
    assert_eq!(keys, ["ada.b@gmail.com", "adab@gmail.com", "ada.b+shop@gmail.com"]);
}

#[test]
fn what_mail_servers_do_not_take_is_refused() {
    for shape in ["", "ada", "@example.com", "ada@", "@"] {
        assert_eq!(refusal(shape), EmailError::Shape, "{shape}");
    }
    for (text, found) in [
        ("a b@example.com", ' '),
        ("\"a\"@example.com", '"'),
        ("a(b)@example.com", '('),
        ("a@b@example.com", '@'),
        ("a,b@example.com", ','),
        ("<a@example.com", '<'),
        ("a\r\nBcc: x@example.com", '\r'),
        ("a\u{0}@example.com", '\u{0}'),
        ("a\u{85}b@example.com", '\u{85}'),
        ("a\u{a0}b@example.com", '\u{a0}'),
    ] {
        assert_eq!(refusal(text), EmailError::Character(found), "{text:?}");
        assert_eq!(Email::key_of(text), None, "{text:?}");
    }
    for dots in [".a@example.com", "a.@example.com", "a..b@example.com"] {
        assert_eq!(refusal(dots), EmailError::Dots, "{dots}");
    }
    for domain in [
        "localhost",
        "192.0.2.1",
        "[192.0.2.1]",
        "-a.example",
        "a-.example",
        "a..example",
        "example.com.",
        "exa mple.com",
        "exa_mple.com",
        "xn--a.example",
        "exam\nple.com",
    ] {
        assert_eq!(refusal(&format!("a@{domain}")), EmailError::Domain, "{domain}");
    }
}

#[test]
fn lengths_are_those_of_rfc_5321() {
    let domain = |length: usize| {
        let labels = "a".repeat(49) + ".";
        let mut text = labels.repeat(length / 50 + 1);
        text.truncate(length - 3);
        if text.ends_with('.') {
            text.replace_range(text.len() - 1.., "a");
        }
        text + ".co"
    };
    let address =
        |local: usize, domain_length| format!("{}@{}", "l".repeat(local), domain(domain_length));
    assert!(Email::parse(&address(64, 189)).is_ok());
    assert_eq!(refusal(&address(65, 100)), EmailError::TooLong);
    assert_eq!(refusal(&address(64, 190)), EmailError::TooLong);
    // 32 letters of two bytes each.
    assert!(Email::parse(&format!("{}@example.com", "\u{fc}".repeat(32))).is_ok());
    assert_eq!(refusal(&format!("{}@example.com", "\u{fc}".repeat(33))), EmailError::TooLong);
    // Longer as typed than in A-labels: what counts is both.
    let domain = "\u{4e2d}\u{4e2d}\u{4e2d}\u{4e2d}\u{4e2d}\u{4e2d}.".repeat(14);
    assert_eq!(refusal(&format!("a@{domain}example")), EmailError::TooLong);
    // Shorter as typed than in A-labels, in which the domain alone would do.
    let labels = "b\u{fc}.".repeat(22);
    let typed = |local: usize| format!("{}@{labels}example", "l".repeat(local));
    assert_eq!(Email::parse(&typed(26)).unwrap().key().len(), 254);
    assert_eq!(refusal(&typed(27)), EmailError::TooLong);
}

#[test]
fn json_is_the_text_as_typed() {
    let email = Email::parse("Ada@Example.com").unwrap();
    assert_eq!(serde_json::to_string(&email).unwrap(), "\"Ada@Example.com\"");
    assert_eq!(serde_json::from_str::<Email>("\"Ada@Example.com\"").unwrap(), email);
    assert!(serde_json::from_str::<Email>("\"nobody\"").is_err());
    assert_eq!(Email::from_stored("Ada@Example.com", "ada@example.com"), email);
    assert_eq!(Email::from_stored("x", "no address").domain(), "");
}

#[test]
fn every_refusal_has_its_code_and_says_what_to_do() {
    let all = [
        (EmailError::Shape, "email_shape"),
        (EmailError::TooLong, "email_too_long"),
        (EmailError::Character(' '), "email_character"),
        (EmailError::Dots, "email_dots"),
        (EmailError::Domain, "email_domain"),
        (EmailError::MixedScripts, "email_mixed_scripts"),
        (EmailError::LooksLatin, "email_looks_latin"),
    ];
    for (error, code) in all {
        assert_eq!(error.code(), code);
        assert!(!error.to_string().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_is_its_own_key(local in "[^@\\s]{1,12}", domain in "[^@\\s.]{1,8}\\.[a-z]{2,5}") {
        if let Some(key) = Email::key_of(&format!("{local}@{domain}")) {
            prop_assert_eq!(Email::key_of(&key), Some(key));
        }
    }

    #[test]
    fn case_never_matters(local in "[a-zà-öø-þα-ωа-я0-9+]{1,12}", domain in "[a-zà-öа-я]{1,9}") {
        let lower = format!("{local}@{domain}.example");
        let upper = lower.to_uppercase();
        prop_assert_eq!(Email::key_of(&lower), Email::key_of(&upper));
    }

    #[test]
    fn what_is_taken_once_is_taken_again(local in "[\\PC]{1,12}", domain in "[a-zà-ö]{1,9}") {
        if let Ok(email) = Email::parse(&format!("{local}@{domain}.example")) {
            prop_assert_eq!(&Email::parse(email.as_typed()), &Ok(email.clone()));
            prop_assert_eq!(Email::key_of(email.as_typed()), Some(email.key().to_owned()));
        }
    }
}
