//! Key sets: which keys are taken, and which are tried for a token.

use serde_json::json;

use super::*;
use crate::federation::fixtures::{EC, EC384, ED, RSA, base64url};

fn parse(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// The key with some members replaced; null takes one away.
fn with(key: &Value, changes: Value) -> Value {
    let mut key = key.clone();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => key.as_object_mut().unwrap().remove(name),
            value => key.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    key
}

fn is_taken(key: Value) -> bool {
    !parse(&[key]).is_empty()
}

fn all_four() -> [Value; 4] {
    [RSA.jwk("rsa"), EC.jwk("ec"), EC384.jwk("ec384"), ED.jwk("ed")]
}

#[test]
fn keys_of_every_type_that_we_know_are_taken() {
    let set = parse(&all_four());
    assert_eq!((set.len(), set.is_empty()), (4, false));
    for algorithm in ALGORITHMS {
        let kid = match algorithm {
            "ES256" => "ec",
            "ES384" => "ec384",
            "EdDSA" => "ed",
            _ => "rsa",
        };
        assert_eq!(set.candidates(Some(kid), algorithm).count(), 1, "{algorithm}");
        assert_eq!(set.candidates(None, algorithm).count(), 1, "{algorithm}");
        assert_eq!(set.candidates(Some("other"), algorithm).count(), 0, "{algorithm}");
    }
    assert_eq!(set.candidates(None, "HS256").count(), 0);
}

#[test]
fn keys_that_check_no_signatures_are_left_out() {
    for key in all_four() {
        for good in [
            json!({"use": "sig"}),
            json!({"key_ops": ["verify"]}),
            json!({"key_ops": ["sign", "verify"]}),
        ] {
            assert!(is_taken(with(&key, good.clone())), "{good}");
        }
        for bad in [
            json!({"use": "enc"}),
            json!({"use": 1}),
            json!({"key_ops": []}),
            json!({"key_ops": ["encrypt"]}),
            json!({"key_ops": "verify"}),
            json!({"use": "enc", "key_ops": ["verify"]}),
            json!({"use": "sig", "key_ops": ["encrypt"]}),
        ] {
            assert!(!is_taken(with(&key, bad.clone())), "{bad}");
        }
    }
}

#[test]
fn a_key_that_is_for_one_algorithm_is_tried_for_no_other() {
    let set = parse(&[with(&RSA.jwk("a"), json!({"alg": "RS256"}))]);
    assert_eq!(set.candidates(Some("a"), "RS256").count(), 1);
    for other in ["RS384", "PS256", "ES256", "EdDSA"] {
        assert_eq!(set.candidates(Some("a"), other).count(), 0, "{other}");
    }
    for bad in ["RSA-OAEP", "ES256", "HS256", "none", ""] {
        assert!(!is_taken(with(&RSA.jwk("a"), json!({"alg": bad}))), "{bad}");
    }
    assert!(!is_taken(with(&RSA.jwk("a"), json!({"alg": 256}))));
}

#[test]
fn s013_symmetric_keys_are_never_taken() {
    assert!(!is_taken(json!({"kty": "oct", "kid": "a", "alg": "HS256", "k": base64url("secret")})));
    assert!(!is_taken(with(&RSA.jwk("a"), json!({"kty": "oct", "k": base64url("secret")}))));
}

#[test]
fn broken_and_weak_keys_are_left_out() {
    let odd = base64url([1_u8; 31]);
    let cases = [
        with(&RSA.jwk("a"), json!({"n": base64url([0xff; 255])})),
        with(&RSA.jwk("a"), json!({"n": base64url([0xff; 1025])})),
        with(&RSA.jwk("a"), json!({"n": base64url([&[0][..], &[0xff; 255]].concat())})),
        with(&RSA.jwk("a"), json!({"e": ""})),
        with(&RSA.jwk("a"), json!({"e": base64url([1; 9])})),
        with(&RSA.jwk("a"), json!({"e": null})),
        with(&RSA.jwk("a"), json!({"n": "!!"})),
        with(&RSA.jwk("a"), json!({"n": 5})),
        with(&EC.jwk("a"), json!({"crv": "P-384"})),
        with(&EC.jwk("a"), json!({"crv": "P-521"})),
        with(&EC.jwk("a"), json!({"crv": "secp256k1"})),
        with(&EC.jwk("a"), json!({"crv": null})),
        with(&EC.jwk("a"), json!({"x": odd})),
        with(&EC.jwk("a"), json!({"y": odd})),
        with(&EC.jwk("a"), json!({"y": null})),
        with(&EC384.jwk("a"), json!({"crv": "P-256"})),
        with(&ED.jwk("a"), json!({"crv": "Ed448"})),
        with(&ED.jwk("a"), json!({"crv": null})),
        with(&ED.jwk("a"), json!({"x": odd})),
        with(&RSA.jwk("a"), json!({"kty": "EC"})),
        with(&RSA.jwk("a"), json!({"kty": "XYZ"})),
        with(&RSA.jwk("a"), json!({"kty": null})),
        with(&RSA.jwk("a"), json!({"kid": 1})),
        with(&RSA.jwk("a"), json!({"kid": "x".repeat(1025)})),
        json!("a key"),
        json!(null),
    ];
    for case in &cases {
        assert!(!is_taken(case.clone()), "{case}");
    }
    // One such entry does not spoil its neighbours.
    let mixed: Vec<Value> = cases.into_iter().chain(all_four()).collect();
    assert_eq!(parse(&mixed).len(), 4);
}

#[test]
fn keys_at_the_edges_of_the_limits_are_taken() {
    let leading_zero = [&[0][..], &[0xff; 256]].concat();
    for good in [
        json!({"n": base64url([0xff; 256])}),
        json!({"n": base64url([0xff; 1024])}),
        json!({"n": base64url(leading_zero)}),
        json!({"e": base64url([3])}),
        json!({"e": base64url([1; 8])}),
        json!({"kid": "x".repeat(1024)}),
        json!({"kid": null}),
    ] {
        assert!(is_taken(with(&RSA.jwk("a"), good.clone())), "{good}");
    }
}

#[test]
fn keys_with_the_same_id_are_all_tried_and_keys_without_id_fit_no_named_one() {
    let anonymous = with(&RSA.jwk(""), json!({"kid": null}));
    let set = parse(&[RSA.jwk("a"), RSA.jwk("a"), anonymous]);
    assert_eq!(set.candidates(Some("a"), "RS256").count(), 2);
    assert_eq!(set.candidates(None, "RS256").count(), 3);
}

#[test]
fn s019_what_is_no_key_set_is_refused_and_an_empty_one_is_not() {
    for bad in [&b""[..], b"<html>", b"[]", b"{}", b"{\"keys\":{}}", b"null"] {
        assert_eq!(KeySet::parse(bad).unwrap_err(), KeySetError::NotKeys);
    }
    assert!(KeySet::parse(b"{\"keys\":[]}").unwrap().is_empty());
}

#[test]
fn size_and_number_of_keys_are_bounded() {
    let many = |count: usize| {
        let keys = vec![ED.jwk("a"); count];
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    };
    assert_eq!(many(100).unwrap().len(), 100);
    assert_eq!(many(101).unwrap_err(), KeySetError::TooMany);
    let mut body = b"{\"keys\":[]}".to_vec();
    body.resize(MAX_DOCUMENT, b' ');
    assert!(KeySet::parse(&body).is_ok());
    body.push(b' ');
    assert_eq!(KeySet::parse(&body).unwrap_err(), KeySetError::TooLarge);
    assert_eq!(MAX_DOCUMENT, 1_048_576);
}

#[test]
fn every_error_has_a_code_and_keys_print_only_what_they_are() {
    let errors = [KeySetError::TooLarge, KeySetError::NotKeys, KeySetError::TooMany];
    assert_eq!(errors.map(KeySetError::code), ["too_large", "not_keys", "too_many"]);
    let printed = format!("{:?}", parse(&[EC.jwk("a")]));
    assert_eq!(printed, "KeySet { keys: [VerificationKey(Some(\"a\"), P256)] }");
}
