//! ID tokens: what holds, and every way in which one does not.

use serde_json::json;

use super::*;
use crate::federation::fixtures::{CLIENT, ISSUER, NOW, RSA, Signer};

mod claims;
mod hostile;

const NONCE: &str = "nonce-of-this-trip";
const ACCESS_TOKEN: &str = "an-access-token";

/// The provider's key set: one key for each algorithm family, ids `rsa`, `ec`, `ec384`, `ed`.
fn keys() -> KeySet {
    set(&[("RS256", "rsa"), ("ES256", "ec"), ("ES384", "ec384"), ("EdDSA", "ed")]
        .map(|(algorithm, kid)| Signer::of(algorithm).jwk(kid)))
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn kid_of(algorithm: &str) -> &'static str {
    match algorithm {
        "ES256" => "ec",
        "ES384" => "ec384",
        "EdDSA" => "ed",
        _ => "rsa",
    }
}

fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "sub": "subject-1",
        "aud": CLIENT,
        "nonce": NONCE,
        "iat": NOW.seconds(),
        "exp": NOW.seconds() + 300,
    })
}

/// The good claims with some replaced; null takes one away.
fn claims_with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// What a careful caller expects.
fn expected<'a>(nonce: &'a Secret, algorithms: &'a [String]) -> Expected<'a> {
    Expected {
        issuer: ISSUER,
        client_id: CLIENT,
        nonce,
        algorithms,
        now: NOW,
        leeway: LEEWAY,
        max_age: None,
        access_token: Some(ACCESS_TOKEN),
    }
}

fn check_as(token: &str, change: impl FnOnce(&mut Expected<'_>)) -> Result<IdClaims, TokenFault> {
    let (nonce, algorithms) = (Secret::new(NONCE), ALGORITHMS.map(str::to_owned));
    let mut expected = expected(&nonce, &algorithms);
    change(&mut expected);
    verify(token, &keys(), &expected)
}

fn check_with(token: &str, algorithms: &[String]) -> Result<IdClaims, TokenFault> {
    verify(token, &keys(), &expected(&Secret::new(NONCE), algorithms))
}

fn check(token: &str) -> Result<IdClaims, TokenFault> {
    check_as(token, |_| ())
}

fn signed(claims: &Value) -> String {
    RSA.token(&json!({"alg": "RS256", "kid": "rsa"}), claims)
}

/// What becomes of a well-signed token with these claims changed.
fn fault_of(changes: Value) -> Option<TokenFault> {
    check(&signed(&claims_with(changes))).err()
}

#[test]
fn a_good_token_of_every_algorithm_holds() {
    for algorithm in ALGORITHMS {
        let header = json!({"alg": algorithm, "kid": kid_of(algorithm), "typ": "JWT"});
        let token = Signer::of(algorithm).token(&header, &claims());
        let proved = check(&token).unwrap();
        assert_eq!((proved.issuer.as_str(), proved.subject.as_str()), (ISSUER, "subject-1"));
        assert_eq!(Value::Object(proved.claims), claims());
    }
}

#[test]
fn a_token_without_kid_is_tried_with_every_key_of_its_algorithm() {
    let other = Signer::rsa();
    let token = RSA.token(&json!({"alg": "RS256"}), &claims());
    assert!(check(&token).is_ok());
    let (nonce, algorithms) = (Secret::new(NONCE), ["RS256".to_owned()]);
    let expected = expected(&nonce, &algorithms);
    let both = set(&[other.jwk("old"), RSA.jwk("new")]);
    assert!(verify(&token, &both, &expected).is_ok());
    let none = set(&[Signer::of("ES256").jwk("ec")]);
    assert_eq!(verify(&token, &none, &expected), Err(TokenFault::UnknownKey));
}

#[test]
fn only_faults_of_the_keys_are_worth_another_fetch() {
    let about_keys: Vec<_> =
        TokenFault::ALL.into_iter().filter(|fault| fault.is_about_keys()).collect();
    assert_eq!(about_keys, [TokenFault::UnknownKey, TokenFault::BadSignature]);
}

#[test]
fn every_fault_has_a_code_of_its_own_which_is_its_name_in_json() {
    for fault in TokenFault::ALL {
        assert_eq!(json!(fault), json!(fault.code()));
    }
    let codes: std::collections::BTreeSet<_> = TokenFault::ALL.map(TokenFault::code).into();
    assert_eq!(codes.len(), TokenFault::ALL.len());
}
