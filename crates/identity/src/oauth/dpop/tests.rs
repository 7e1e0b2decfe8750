//! The proof that holds, and every one that does not.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::federation::fixtures::{EC, EC384, ED, RSA, Signer, base64url, message};

const NOW: Moment = Moment::from_seconds(1_800_000_000);
const TOKEN_URL: &str = "https://id.test/oauth/token";
const ASKED: Asked<'_> = Asked { method: "POST", url: TOKEN_URL, access_token: None, now: NOW };

fn header(algorithm: &str) -> Value {
    let jwk = Signer::of(algorithm).jwk("any");
    json!({ "typ": "dpop+jwt", "alg": algorithm, "jwk": jwk })
}

fn claims() -> Value {
    json!({ "htm": "POST", "htu": TOKEN_URL, "iat": NOW.seconds(), "jti": "once" })
}

/// With some members replaced; null takes one away.
fn with(mut all: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => all.as_object_mut().unwrap().remove(name),
            value => all.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    all
}

fn fault_of_header(changes: Value) -> Option<ProofFault> {
    verify(&EC.token(&with(header("ES256"), changes), &claims()), &ASKED).err()
}

fn fault_of(changes: Value) -> Option<ProofFault> {
    fault_at(&ASKED, changes)
}

fn fault_at(asked: &Asked<'_>, changes: Value) -> Option<ProofFault> {
    verify(&EC.token(&header("ES256"), &with(claims(), changes)), asked).err()
}

#[test]
fn s079_a_proof_holds_and_names_its_key() {
    for (algorithm, signer) in [("RS256", &RSA), ("PS256", &RSA), ("ES256", &EC), ("EdDSA", &ED)] {
        let proof = verify(&signer.token(&header(algorithm), &claims()), &ASKED).unwrap();
        let jwk = signer.jwk("another name");
        assert_eq!(Some(proof.jkt), thumbprint(jwk.as_object().unwrap()), "{algorithm}");
    }
}

#[test]
fn s079_another_kind_of_token_is_no_proof() {
    for typ in [json!("JWT"), json!("at+jwt"), json!("dpop"), json!(null), json!(7)] {
        assert_eq!(fault_of_header(json!({ "typ": typ })), Some(ProofFault::Type), "{typ}");
    }
    let critical = fault_of_header(json!({ "crit": ["exp"] }));
    assert_eq!(critical, Some(ProofFault::Malformed));
}

#[test]
fn s079_no_symmetric_algorithm_and_not_none() {
    for algorithm in ["none", "HS256", "HS512", "RS512", "ES384", "es256", ""] {
        let fault = fault_of_header(json!({ "alg": algorithm }));
        assert_eq!(fault, Some(ProofFault::Algorithm), "{algorithm}");
    }
    assert_eq!(fault_of_header(json!({ "alg": null })), Some(ProofFault::Algorithm));
    let unsigned = message(&with(header("ES256"), json!({ "alg": "none" })), &claims());
    assert_eq!(verify(&format!("{unsigned}."), &ASKED), Err(ProofFault::Algorithm));
}

#[test]
fn s079_a_private_key_is_refused_wherever_it_goes() {
    for member in PRIVATE_MEMBERS {
        let jwk = with(EC.jwk("a"), json!({ member: "AQAB" }));
        assert_eq!(
            fault_of_header(json!({ "jwk": jwk })),
            Some(ProofFault::PrivateKey),
            "{member}"
        );
    }
}

#[test]
fn s079_the_key_is_one_that_the_algorithm_is_for() {
    let symmetric = json!({ "kty": "oct" });
    let encrypts = with(EC.jwk("a"), json!({ "use": "enc" }));
    let keys = [json!(null), json!("EC"), symmetric, RSA.jwk("a"), EC384.jwk("a"), encrypts];
    for jwk in keys {
        assert_eq!(fault_of_header(json!({ "jwk": jwk })), Some(ProofFault::Key), "{jwk}");
    }
}

#[test]
fn s079_a_signature_of_another_key_or_over_something_else_proves_nothing() {
    let other = Signer::ec("P-256").jwk("a");
    assert_eq!(fault_of_header(json!({ "jwk": other })), Some(ProofFault::Signature));
    let good = EC.token(&header("ES256"), &claims());
    let (_, signature) = good.rsplit_once('.').unwrap();
    let changed = message(&header("ES256"), &with(claims(), json!({ "jti": "twice" })));
    assert_eq!(verify(&format!("{changed}.{signature}"), &ASKED), Err(ProofFault::Signature));
}

#[test]
fn s079_a_proof_is_for_one_method_and_one_address() {
    for method in [json!("GET"), json!("post"), json!(null)] {
        assert_eq!(fault_of(json!({ "htm": method })), Some(ProofFault::Method), "{method}");
    }
    for same in [
        "HTTPS://ID.test/oauth/token",
        "https://id.test:443/oauth/token",
        "https://id.test/oauth/./token",
        "https://id.test/oauth/token?grant_type=refresh_token#here",
    ] {
        assert_eq!(fault_of(json!({ "htu": same })), None, "{same}");
    }
    for other in [
        "https://id.test/oauth/userinfo",
        "https://id.test/oauth/token/",
        "https://id.test/OAUTH/token",
        "http://id.test/oauth/token",
        "https://id.test:8443/oauth/token",
        "https://user@id.test/oauth/token",
        "https://evil.test/oauth/token",
        "/oauth/token",
        "",
    ] {
        assert_eq!(fault_of(json!({ "htu": other })), Some(ProofFault::Address), "{other}");
    }
    assert_eq!(fault_of(json!({ "htu": null })), Some(ProofFault::Address));
}

#[test]
fn s079_a_proof_is_fresh_and_remembered_for_as_long_as_it_is() {
    let iat = |off: i64| fault_of(json!({ "iat": NOW.seconds() + off }));
    assert_eq!((iat(-59), iat(60)), (None, None));
    for off in [-60, -3600, 61, 3600, i64::MAX / 4, i64::MIN / 4] {
        assert_eq!(iat(off), Some(ProofFault::IssuedAt), "{off}");
    }
    for none in [json!(null), json!("now")] {
        assert_eq!(fault_of(json!({ "iat": none })), Some(ProofFault::IssuedAt));
    }
    let proof = EC.token(&header("ES256"), &with(claims(), json!({ "iat": NOW.seconds() + 60 })));
    let id = verify(&proof, &ASKED).unwrap().id;
    let last = Asked { now: Moment::from_micros(id.expires_at.micros() - 1), ..ASKED };
    assert!(verify(&proof, &last).is_ok());
    let over = verify(&proof, &Asked { now: id.expires_at, ..ASKED });
    assert_eq!(over, Err(ProofFault::IssuedAt), "what is forgotten does not hold any more");
}

#[test]
fn s079_each_proof_of_a_key_has_an_id_of_its_own() {
    let id = |signer: &Signer, algorithm: &str, jti: &str| {
        let proof = signer.token(&header(algorithm), &with(claims(), json!({ "jti": jti })));
        verify(&proof, &ASKED).unwrap().id
    };
    assert_eq!(id(&EC, "ES256", "one"), id(&EC, "ES256", "one"));
    assert_ne!(id(&EC, "ES256", "one"), id(&EC, "ES256", "two"));
    assert_ne!(id(&EC, "ES256", "one"), id(&ED, "EdDSA", "one"), "keys do not disturb each other");
    for none in [json!(null), json!(""), json!(7)] {
        assert_eq!(fault_of(json!({ "jti": none })), Some(ProofFault::Id), "{none}");
    }
}

#[test]
fn s079_for_a_resource_the_proof_is_about_the_access_token() {
    let asked = Asked { access_token: Some("token"), ..ASKED };
    let hash = Digest::of(b"token");
    assert_eq!(fault_at(&asked, json!({ "ath": hash.as_str() })), None);
    for other in [json!(null), json!("token"), json!(Digest::of(b"another").as_str())] {
        let fault = fault_at(&asked, json!({ "ath": other }));
        assert_eq!(fault, Some(ProofFault::AccessToken), "{other}");
    }
}

#[test]
fn what_is_too_long_is_not_looked_at() {
    let of_length = |wanted| EC.token_of_length(wanted, &header("ES256"), &claims());
    assert_eq!(verify(&of_length(8_192), &ASKED).map(|_| ()), Ok(()));
    assert_eq!(verify(&of_length(8_193), &ASKED), Err(ProofFault::Malformed));
    assert_eq!(fault_of(json!({ "jti": "x".repeat(255) })), None);
    assert_eq!(fault_of(json!({ "jti": "x".repeat(256) })), Some(ProofFault::Id));
    for none in ["", ".", "..", "a.b.c", "eyJ9"] {
        assert_eq!(verify(none, &ASKED), Err(ProofFault::Malformed), "{none}");
    }
}

#[test]
fn a_thumbprint_has_the_length_and_letters_of_one() {
    assert!(is_thumbprint("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"));
    for none in ["", "short", &"=".repeat(43), &"a".repeat(44)] {
        assert!(!is_thumbprint(none), "{none}");
    }
}

proptest! {
    /// Whatever comes, reading it ends, and nothing that nobody signed holds.
    #[test]
    fn s079_what_nobody_signed_is_no_proof(
        text in ".{0,80}",
        noise in proptest::collection::vec(any::<u8>(), 0..80),
        name in "(htm|htu|iat|jti|ath|typ|alg|jwk|kty|crv|x|y)",
        value in prop_oneof![Just(json!(null)), any::<i64>().prop_map(|n| json!(n)),
            ".{0,20}".prop_map(|text| json!(text)), Just(json!([])), Just(json!({}))],
    ) {
        prop_assert!(verify(&text, &ASKED).is_err());
        let payload = base64url(&noise);
        let three = [payload.as_str(), text.as_str(), payload.as_str()].join(".");
        prop_assert!(verify(&three, &ASKED).is_err());
        let changed = json!({ name: value });
        for head in [with(header("ES256"), changed.clone()), with(header("RS256"), changed.clone())] {
            let unsigned = message(&head, &with(claims(), changed.clone()));
            let proof = format!("{unsigned}.{payload}");
            prop_assert!(verify(&proof, &ASKED).is_err());
        }
    }

    /// Only the proof as it was signed holds: one letter of it changed, and it does not.
    #[test]
    fn s079_a_changed_proof_does_not_hold(place in any::<proptest::sample::Index>()) {
        let good = EC.token(&header("ES256"), &claims());
        let place = place.index(good.len());
        let letter = if good.as_bytes()[place] == b'A' { "B" } else { "A" };
        let mut changed = good.clone();
        changed.replace_range(place..=place, letter);
        prop_assert!(verify(&changed, &ASKED).is_err());
    }
}
