//! What is kept of somebody is enough to decide again, and no more.

use serde_json::{Value, json};

use super::*;
use crate::federation::policy::PolicyFields;
use crate::users::UserType;

fn policy(fields: &Value) -> Policy {
    let fields: PolicyFields = serde_json::from_value(fields.clone()).unwrap();
    Policy::of(&fields, &PolicyFields::default(), UserType::Staff)
}

fn somebody(claims: &Value) -> ExternalIdentity {
    ExternalIdentity {
        provider: ProviderId::from_stored("provider-a"),
        issuer: "https://id.example.com".to_owned(),
        subject: "ada".to_owned(),
        email: Some(Email::parse("ada@company.test").unwrap()),
        email_verified: EmailVerified::Yes,
        hosted_domain: None,
        name: Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
        locale: Some("en".to_owned()),
        claims: claims.as_object().unwrap().clone(),
    }
}

fn as_json(kept: &KeptArrival) -> Value {
    serde_json::to_value(kept).unwrap()
}

#[test]
fn of_the_claims_only_those_are_kept_that_rules_read() {
    let said = somebody(&json!({ "department": "Sales", "salary": "a lot", "groups": ["a"] }));
    let rules = policy(&json!({
        "allow_if": "claims.department == 'Sales'",
        "on_create": { "refuse_if": "claims.contractor" },
        "on_sign_in": { "groups": "claims.groups" },
    }));
    let kept = as_json(&KeptArrival::of(&said, &rules));
    assert_eq!(kept["claims"], json!({ "department": "Sales", "groups": ["a"] }));
    assert_eq!(kept["absent"], json!(["contractor"]));
    let text = kept.to_string();
    assert!(!text.contains("salary") && !text.contains("Lovelace"), "{text}");
    let none = as_json(&KeptArrival::of(&said, &policy(&json!({}))));
    assert_eq!(
        none,
        json!({
            "issuer": "https://id.example.com",
            "subject": "ada",
            "email": "ada@company.test",
            "email_verified": "yes",
        })
    );
}

#[test]
fn what_is_kept_stands_at_the_door_again() {
    let said = somebody(&json!({ "groups": ["a", 7], "other": 1 }));
    let rules = policy(&json!({ "on_sign_in": { "groups": "claims.groups" } }));
    let kept: KeptArrival =
        serde_json::from_value(as_json(&KeptArrival::of(&said, &rules))).unwrap();
    let again = kept.external(&said.provider);
    assert_eq!(again.claims["groups"], json!(["a", 7]));
    assert_eq!((&again.issuer, &again.subject), (&said.issuer, &said.subject));
    assert_eq!(kept.subject(), said.subject);
    assert_eq!((&again.email, again.email_verified), (&said.email, said.email_verified));
}

#[test]
fn a_claim_that_was_not_kept_is_named() {
    let said = somebody(&json!({ "groups": ["a"], "department": "Sales" }));
    let rules = policy(&json!({ "on_sign_in": { "groups": "claims.groups + claims.roles" } }));
    let kept = KeptArrival::of(&said, &rules);
    for (reads, lacks) in [
        ("claims.groups.size() > 0", None),
        ("has(claims.roles)", None),
        ("claims.sub == 'ada' && claims.email == email && claims.email_verified", None),
        ("claims.department == 'Sales'", Some("department")),
        ("claims.hd == 'company.test'", Some("hd")),
    ] {
        assert_eq!(kept.lacks(&policy(&json!({ "allow_if": reads }))), lacks, "{reads}");
    }
    // What was said about the address is known only as far as it was true.
    let denied = ExternalIdentity { email_verified: EmailVerified::No, ..said };
    let kept = KeptArrival::of(&denied, &rules);
    let reads = policy(&json!({ "allow_if": "claims.email_verified" }));
    assert_eq!(kept.lacks(&reads), Some("email_verified"));
}

#[test]
fn a_list_that_was_too_long_for_the_token_is_kept_as_such() {
    let elsewhere = json!({ "groups": "src1", "address": "src1" });
    let said = somebody(&json!({ "_claim_names": elsewhere }));
    let rules = policy(&json!({ "on_sign_in": { "groups": "claims.groups" } }));
    let kept = as_json(&KeptArrival::of(&said, &rules));
    assert_eq!(kept["claims"], json!({ "_claim_names": { "groups": null } }));
}

#[test]
fn what_is_too_long_is_not_kept_and_nothing_is_said_about_it() {
    let said = somebody(&json!({ "groups": "x".repeat(MAX_KEPT), "department": "Sales" }));
    let rules = policy(&json!({
        "allow_if": "claims.department == 'Sales'",
        "on_sign_in": { "groups": "claims.groups" },
    }));
    let kept = KeptArrival::of(&said, &rules);
    assert_eq!(as_json(&kept)["claims"], json!({ "department": "Sales" }));
    assert_eq!(kept.lacks(&rules), Some("groups"));
}

#[test]
fn of_one_person_16_kib_are_kept() {
    let rules = policy(&json!({ "allow_if": "claims.a == claims.b || claims.c == claims.d" }));
    let kept = |claims: Value| {
        let kept = as_json(&KeptArrival::of(&somebody(&claims), &rules));
        let claims = kept.get("claims").and_then(Value::as_object);
        claims.map(|claims| claims.keys().cloned().collect::<String>()).unwrap_or_default()
    };
    // A name of one letter, and the quotes of a text.
    let of = |length: usize| "x".repeat(length - 3);
    assert_eq!(kept(json!({ "a": of(16 * 1024) })), "a");
    assert_eq!(kept(json!({ "a": of(16 * 1024 + 1) })), "");
    let half = of(8 * 1024);
    assert_eq!(kept(json!({ "a": half, "b": half, "c": 1 })), "ab");
    assert_eq!(kept(json!({ "a": half, "b": of(8 * 1024 + 1), "c": 1, "d": 1 })), "acd");
}

#[test]
fn where_claims_are_to_be_had_is_kept_as_far_as_rules_read_those_or_all_of_it() {
    let elsewhere = json!({ "groups": "src1", "address": "src1" });
    let said = somebody(&json!({ "_claim_names": elsewhere }));
    let kept = |rule: &str| as_json(&KeptArrival::of(&said, &policy(&json!({ "allow_if": rule }))));
    assert_eq!(kept("has(claims.department)").get("claims"), None);
    let read = json!({ "_claim_names": { "groups": null } });
    assert_eq!(kept("has(claims.groups)")["claims"], read);
    let whole = json!({ "_claim_names": elsewhere });
    for rule in ["has(claims._claim_names)", "has(claims._claim_names) || has(claims.groups)"] {
        assert_eq!(kept(rule)["claims"], whole, "{rule}");
    }
}
