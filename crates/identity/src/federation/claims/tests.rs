//! From claims to a person: names, addresses, and what the audit sees.

use proptest::prelude::*;

use super::*;
use crate::federation::fixtures::{ISSUER, provider};

fn id(claims: Value) -> IdClaims {
    IdClaims {
        issuer: ISSUER.to_owned(),
        subject: "subject-1".to_owned(),
        auth_time: None,
        claims: claims.as_object().unwrap().clone(),
    }
}

fn from_id(claims: Value) -> ExternalIdentity {
    read(&provider(), &id(claims), None).unwrap()
}

/// With a UserInfo answer about the same person.
fn from_both(claims: Value, mut userinfo: Value) -> ExternalIdentity {
    userinfo["sub"] = json!("subject-1");
    read(&provider(), &id(claims), Some(&userinfo)).unwrap()
}

fn email_of(external: &ExternalIdentity) -> (Option<&str>, EmailVerified) {
    (external.email.as_ref().map(Email::as_typed), external.email_verified)
}

fn names(claims: Value) -> (String, String) {
    let name = from_id(claims).name;
    (name.given, name.family)
}

fn pair(given: &str, family: &str) -> (String, String) {
    (given.to_owned(), family.to_owned())
}

#[test]
fn s026_s027_the_identity_is_provider_issuer_and_subject() {
    let one = from_id(json!({"sub": "not read from here", "email": "ada@example.com"}));
    assert_eq!((one.issuer.as_str(), one.subject.as_str()), (ISSUER, "subject-1"));
    assert_eq!(one.provider, provider().id);
    let other = Provider { id: crate::ids::ProviderId::from_stored("provider-b"), ..provider() };
    let two = read(&other, &id(json!({"email": "ada@example.com"})), None).unwrap();
    assert_ne!(one.provider, two.provider);
    assert_eq!(one.subject, two.subject);
}

#[test]
fn s023_userinfo_about_somebody_else_is_refused() {
    for said in [
        json!({"sub": "subject-2", "email": "eve@example.com"}),
        json!({"email": "eve@example.com"}),
        json!({"sub": ["subject-1"]}),
        json!({"sub": ""}),
        json!({"sub": "Subject-1"}),
        json!("subject-1"),
        json!(null),
        json!([]),
    ] {
        let result = read(&provider(), &id(json!({})), Some(&said));
        assert_eq!(result, Err(Refusal::UserinfoMismatch), "{said}");
    }
    assert!(read(&provider(), &id(json!({})), Some(&json!({"sub": "subject-1"}))).is_ok());
}

#[test]
fn s041_only_the_boolean_true_verifies_an_address() {
    let flag_of = |flag: Value| from_id(json!({"email": "a@example.com", "email_verified": flag}));
    assert_eq!(flag_of(json!(true)).email_verified, EmailVerified::Yes);
    for no in [
        json!(false),
        json!("true"),
        json!("false"),
        json!("pending"),
        json!(1),
        json!([]),
        json!([true]),
        json!({}),
        json!(null),
        json!(""),
    ] {
        assert_eq!(flag_of(no.clone()).email_verified, EmailVerified::No, "{no}");
    }
    let absent = from_id(json!({"email": "a@example.com"}));
    assert_eq!(absent.email_verified, EmailVerified::Absent);
}

#[test]
fn s041_an_address_never_borrows_the_other_documents_word() {
    let address = json!({"email": "a@example.com"});
    let verified = json!({"email_verified": true});
    let absent = (Some("a@example.com"), EmailVerified::Absent);
    assert_eq!(email_of(&from_both(address.clone(), verified.clone())), absent);
    assert_eq!(email_of(&from_both(verified, address)), absent);
}

#[test]
fn s041_the_document_with_address_and_word_counts_the_id_token_first() {
    let both = |email: &str, flag: bool| json!({"email": email, "email_verified": flag});
    let only = |email: &str| json!({"email": email});
    let cases = [
        (both("a@x.test", true), both("b@x.test", true), "a@x.test", EmailVerified::Yes),
        (both("a@x.test", true), only("b@x.test"), "a@x.test", EmailVerified::Yes),
        (only("a@x.test"), both("b@x.test", true), "b@x.test", EmailVerified::Yes),
        (only("a@x.test"), only("b@x.test"), "a@x.test", EmailVerified::Absent),
        (json!({}), only("b@x.test"), "b@x.test", EmailVerified::Absent),
        (json!({"email": ""}), only("b@x.test"), "b@x.test", EmailVerified::Absent),
        (json!({"email": null}), both("b@x.test", true), "b@x.test", EmailVerified::Yes),
        (both("a@x.test", false), both("b@x.test", true), "a@x.test", EmailVerified::No),
        (both("a@x.test", true), both("b@x.test", false), "a@x.test", EmailVerified::Yes),
    ];
    for (claims, userinfo, email, verified) in cases {
        let external = from_both(claims.clone(), userinfo.clone());
        assert_eq!(email_of(&external), (Some(email), verified), "{claims} {userinfo}");
    }
}

#[test]
fn s041_either_document_can_take_the_word_back_for_the_same_address() {
    let yes = json!({"email": "a@example.com", "email_verified": true});
    let no = json!({"email": "a@example.com", "email_verified": "pending"});
    let bare_no = json!({"email_verified": false});
    for (claims, userinfo) in [(&yes, &no), (&no, &yes), (&yes, &bare_no), (&bare_no, &yes)] {
        let external = from_both(claims.clone(), userinfo.clone());
        let expected = (Some("a@example.com"), EmailVerified::No);
        assert_eq!(email_of(&external), expected, "{claims} {userinfo}");
    }
}

#[test]
fn s041_an_address_is_taken_to_the_letter_or_not_at_all() {
    for bad in ["nobody", "a b@example.com", "a@", "a\u{202e}@example.com", "a\u{0}@example.com"] {
        let external = from_id(json!({"email": bad, "email_verified": true}));
        assert_eq!(email_of(&external), (None, EmailVerified::Yes), "{bad:?}");
    }
    let external = from_id(json!({"email": ["a@example.com"]}));
    assert_eq!(email_of(&external), (None, EmailVerified::Absent));
}

#[test]
fn the_hosted_domain_comes_with_the_address_it_vouches_for() {
    let hosted = |claims: Value| from_id(claims).hosted_domain;
    assert_eq!(hosted(json!({"hd": "Example.COM"})).as_deref(), Some("example.com"));
    assert_eq!(hosted(json!({"hd": "bücher.example"})).as_deref(), Some("xn--bcher-kva.example"));
    for bad in [json!(""), json!("a b"), json!(["example.com"]), json!("example.com/evil")] {
        assert_eq!(hosted(json!({ "hd": bad })), None);
    }
    let split =
        from_both(json!({"email": "a@x.test", "email_verified": true}), json!({"hd": "x.test"}));
    assert_eq!(split.hosted_domain, None);
}

#[test]
fn a_name_is_given_and_family_name_else_name_else_the_user_name() {
    let full = json!({
        "given_name": "Ada", "family_name": "Lovelace", "name": "X Y", "preferred_username": "al",
    });
    assert_eq!(names(full), pair("Ada", "Lovelace"));
    assert_eq!(names(json!({"given_name": "Ada", "name": "X Y"})), pair("Ada", ""));
    assert_eq!(names(json!({"family_name": "Lovelace", "name": "X Y"})), pair("", "Lovelace"));
    assert_eq!(names(json!({"name": "Ada King Lovelace"})), pair("Ada", "King Lovelace"));
    assert_eq!(names(json!({"name": " Ada \t King "})), pair("Ada", "King"));
    assert_eq!(names(json!({"name": "Ada", "preferred_username": "al"})), pair("Ada", ""));
    assert_eq!(names(json!({"preferred_username": "al"})), pair("al", ""));
    assert_eq!(names(json!({"preferred_username": "al@example.com"})), pair("", ""));
    assert_eq!(names(json!({"given_name": " ", "name": 7})), pair("", ""));
    assert_eq!(names(json!({})), pair("", ""));
}

#[test]
fn userinfo_fills_what_the_id_token_lacks_and_overrules_nothing() {
    let external = from_both(
        json!({"given_name": "Ada", "locale": "de"}),
        json!({"given_name": "Eve", "family_name": "Lovelace", "locale": "fr"}),
    );
    assert_eq!((external.name.given.as_str(), external.name.family.as_str()), ("Ada", "Lovelace"));
    assert_eq!(external.locale.as_deref(), Some("de"));
}

#[test]
fn rules_see_both_documents_as_one_with_one_word_about_the_mailbox() {
    let claims_of = |claims, userinfo| Value::Object(from_both(claims, userinfo).claims);
    assert_eq!(
        claims_of(json!({"groups": ["a"], "tid": "t"}), json!({"groups": ["b"], "team": "x"})),
        json!({"groups": ["a"], "tid": "t", "team": "x", "sub": "subject-1"})
    );
    let said = json!({"email": "a@x.test", "email_verified": true, "team": "x"});
    assert_eq!(
        claims_of(json!({"email": "b@x.test", "hd": "x.test", "tid": "t"}), said),
        json!({
            "email": "a@x.test", "email_verified": true, "team": "x", "tid": "t", "sub": "subject-1",
        })
    );
}

#[test]
fn names_are_one_bounded_line_of_text() {
    assert_eq!(names(json!({"given_name": "A\u{0}d\u{1b}a"})), pair("Ada", ""));
    assert_eq!(names(json!({"given_name": "Ada\r\nKing"})), pair("Ada  King", ""));
    assert_eq!(
        names(json!({"given_name": "\u{202e}adA\u{202c}\u{2066}x\u{2069}"})),
        pair("adAx", "")
    );
    assert_eq!(names(json!({"given_name": "ü".repeat(300)})), pair(&"ü".repeat(255), ""));
    let cut_at_a_space = format!("{} {}", "x".repeat(254), "y");
    assert_eq!(names(json!({"given_name": cut_at_a_space})), pair(&"x".repeat(254), ""));
}

#[test]
fn a_locale_is_a_language_tag_or_nothing() {
    let locale = |tag: &str| from_id(json!({"locale": tag})).locale;
    for good in ["de", "de-AT", "zh-Hant-TW", "sl-rozaj-biske-1994", "es-419", "abcdefgh-x-1"] {
        assert_eq!(locale(good).as_deref(), Some(good));
    }
    assert_eq!(locale("de_AT").as_deref(), Some("de-AT"));
    for bad in
        ["d", "abcdefghi", "d1", "de-", "de--AT", "de-abcdefghi", "en_US.UTF-8", "de AT", "../x"]
    {
        assert_eq!(locale(bad), None, "{bad}");
    }
    let long = |parts: usize| format!("de{}", "-abcdefgh".repeat(parts));
    assert_eq!(locale(&format!("{}-abcde", long(3))).map(|tag| tag.len()), Some(35));
    assert_eq!(locale(&format!("{}-abcdef", long(3))), None);
}

#[test]
fn userinfo_is_asked_only_for_what_the_id_token_lacks() {
    let needs = |claims: Value| needs_userinfo(&provider(), &id(claims));
    let email = json!({"email": "a@example.com", "email_verified": false});
    let and = |more: Value| {
        let mut claims = email.clone();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    assert!(!needs(and(json!({"name": "Ada"}))));
    assert!(!needs(and(json!({"given_name": "Ada", "family_name": "King"}))));
    for lacking in [
        json!({}),
        email.clone(),
        and(json!({"given_name": "Ada"})),
        and(json!({"family_name": "King"})),
        and(json!({"name": "Ada", "email": null})),
        json!({"name": "Ada", "email": "a@example.com"}),
        json!({"name": "Ada", "email_verified": true}),
    ] {
        assert!(needs(lacking.clone()), "{lacking}");
    }
    let mut silent = provider();
    silent.endpoints.userinfo = None;
    assert!(!needs_userinfo(&silent, &id(json!({}))));
}

#[test]
fn the_audit_sees_names_of_claims_and_no_personal_values() {
    let claims = json!({
        "iss": ISSUER, "aud": ["a", "b"], "azp": "a", "exp": 1, "iat": 2, "nbf": 3, "auth_time": 4,
        "email_verified": true, "hd": "example.com", "email": "ada@example.com",
        "sub": "0123456789", "nonce": "ü", "phone_verified": false, "age": 36, "nothing": null,
        "groups": ["x", "y"], "address": {"city": "London"},
    });
    assert_eq!(
        redacted(&claims),
        json!({
            "iss": ISSUER, "aud": ["a", "b"], "azp": "a", "exp": 1, "iat": 2, "nbf": 3,
            "auth_time": 4, "email_verified": true, "hd": "example.com", "email": "…@example.com",
            "sub": "a text of 10 characters", "nonce": "a text of 1 characters",
            "phone_verified": "true or false", "age": "a number", "nothing": "null",
            "groups": "a list of 2", "address": "an object of 1",
        })
    );
}

#[test]
fn the_audit_stays_small_and_simple_whatever_is_claimed() {
    let many: Document = (0..300).map(|n| (format!("c{n:03}"), json!(n))).collect();
    assert_eq!(redacted(&Value::Object(many)).as_object().unwrap().len(), 100);
    assert_eq!(redacted(&json!("text")), json!("a text of 4 characters"));
    let odd = redacted(&json!({
        "email": "no address", "iss": "x".repeat(999), "aud": [{"deep": 1}], "hd": {"a": 1},
        "exp": ["1", "2"], "nbf": vec!["z"; 300], "line\nbreak": 1,
    }));
    assert_eq!(odd["email"], "a text of 10 characters");
    assert_eq!(odd["iss"].as_str().unwrap().len(), 255);
    assert_eq!((&odd["aud"], &odd["hd"]), (&json!("a list of 1"), &json!("an object of 1")));
    assert_eq!(odd["exp"], json!(["1", "2"]));
    assert_eq!(odd["nbf"].as_array().unwrap().len(), 100);
    assert_eq!(odd["line break"], "a number");
    assert_eq!(redacted(&json!({"email": ["a@b"]}))["email"], "a list of 1");
    assert_eq!(redacted(&json!({"email": "x@y@example.com\u{7}"}))["email"], "…@example.com");
}

proptest! {
    #[test]
    fn no_claim_brings_a_control_character_or_a_long_text(
        given in ".{0,300}", name in ".{0,300}", nick in ".{0,300}", locale in ".{0,50}",
    ) {
        for claims in [
            json!({"given_name": given, "locale": locale}),
            json!({"name": name}),
            json!({"preferred_username": nick}),
        ] {
            let external = from_id(claims);
            for text in [&external.name.given, &external.name.family] {
                prop_assert!(!text.chars().any(char::is_control) && text.chars().count() <= 255);
                prop_assert_eq!(text.trim(), text);
            }
            prop_assert!(external.locale.is_none_or(|tag| tag.is_ascii() && tag.len() <= 35));
        }
    }

    #[test]
    fn the_audit_never_shows_the_mailbox(local in "[a-z]{8,20}") {
        let shown = redacted(&json!({"email": format!("{local}@x.test"), "name": local})).to_string();
        prop_assert!(!shown.contains(&local), "{}", shown);
    }
}
