//! Tokens of ours: accepted, and told from everything that looks like one.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::federation::fixtures::{EC, ISSUER, NOW, Signer, base64url, message};
use crate::oauth::clients::SigningAlgorithm::{EdDsa, Es256, Rs256};
use crate::oauth::signing_keys::{KEPT, OVERLAP};

const TYP: &str = "at+jwt";

fn key(algorithm: SigningAlgorithm, signs_from: Moment) -> SigningKey {
    let mut jwk = Signer::of(algorithm.as_str()).jwk("");
    let members = jwk.as_object_mut().unwrap();
    members.remove("kid");
    SigningKey::new(algorithm, members.clone(), signs_from, signs_from).unwrap()
}

fn keys() -> OwnKeys {
    OwnKeys::new([Rs256, Es256, EdDsa].map(|algorithm| key(algorithm, NOW)).to_vec()).unwrap()
}

fn expected(algorithms: &[SigningAlgorithm]) -> Expected<'_> {
    Expected { typ: TYP, algorithms, issuer: ISSUER, now: NOW }
}

fn header(algorithm: SigningAlgorithm) -> Value {
    json!({ "alg": algorithm.as_str(), "typ": TYP, "kid": key(algorithm, NOW).kid })
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": "somebody", "exp": NOW.seconds() + 600 })
}

fn token(algorithm: SigningAlgorithm, header: &Value, claims: &Value) -> String {
    Signer::of(algorithm.as_str()).token(header, claims)
}

#[test]
fn a_token_of_each_algorithm_holds() {
    let keys = keys();
    for algorithm in [Rs256, Es256, EdDsa] {
        let good = token(algorithm, &header(algorithm), &claims());
        let found = keys.verify(&good, &expected(&[algorithm]));
        assert_eq!(found.map(Value::Object), Ok(claims()), "{algorithm}");
        let other = if algorithm == Es256 { EdDsa } else { Es256 };
        let refused = keys.verify(&good, &expected(&[other]));
        assert_eq!(refused, Err(OwnTokenFault::Algorithm), "{algorithm}");
    }
}

#[test]
fn s077_what_is_not_ours_is_refused_with_its_reason() {
    let keys = keys();
    let with = |name: &str, value: Value| {
        let mut header = header(Es256);
        header[name] = value;
        token(Es256, &header, &claims())
    };
    let good = token(Es256, &header(Es256), &claims());
    let (front, signature) = good.rsplit_once('.').unwrap();
    let other_claims = message(&header(Es256), &json!({ "iss": ISSUER, "exp": NOW.seconds() + 9 }));
    let rsa_kid = header(Rs256)["kid"].clone();
    let long = EC.token_of_length(65_537, &header(Es256), &claims());
    let no_claims = json!([1, 2]);
    for (bad, fault) in [
        ("", OwnTokenFault::Malformed),
        ("a.b", OwnTokenFault::Malformed),
        ("a.b.c", OwnTokenFault::Malformed),
        (&long, OwnTokenFault::Malformed),
        (&with("crit", json!(["b64"])), OwnTokenFault::Malformed),
        (&token(Es256, &header(Es256), &no_claims), OwnTokenFault::Malformed),
        (&with("typ", json!("JWT")), OwnTokenFault::Type),
        (&with("typ", json!(null)), OwnTokenFault::Type),
        (&with("kid", json!("another")), OwnTokenFault::UnknownKey),
        (&with("kid", json!(null)), OwnTokenFault::UnknownKey),
        (&with("kid", rsa_kid), OwnTokenFault::Algorithm),
        (&with("alg", json!("HS256")), OwnTokenFault::Algorithm),
        (&format!("{}.", message(&with_none(), &claims())), OwnTokenFault::Algorithm),
        (&format!("{other_claims}.{signature}"), OwnTokenFault::BadSignature),
        (&format!("{front}."), OwnTokenFault::BadSignature),
        (&format!("{front}.{}", base64url([0; 64])), OwnTokenFault::BadSignature),
        (&Signer::ec("P-256").token(&header(Es256), &claims()), OwnTokenFault::BadSignature),
    ] {
        assert_eq!(keys.verify(bad, &expected(&[Es256])), Err(fault), "{bad}");
    }
}

fn with_none() -> Value {
    let mut header = header(Es256);
    header["alg"] = json!("none");
    header
}

#[test]
fn issuer_and_end_are_checked() {
    let keys = keys();
    let said = |claims: &Value| keys.verify(&EC.token(&header(Es256), claims), &expected(&[Es256]));
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    assert!(said(&with("exp", json!(NOW.seconds() + 1))).is_ok());
    for late in [json!(NOW.seconds()), json!(null), json!("soon"), json!(NOW.seconds() - 1)] {
        assert_eq!(said(&with("exp", late)), Err(OwnTokenFault::Expired));
    }
    for other in [json!("https://id.example.com/"), json!(null)] {
        assert_eq!(said(&with("iss", other)), Err(OwnTokenFault::Issuer));
    }
}

#[test]
fn s086_a_key_that_is_no_longer_published_proves_nothing_but_is_recognised() {
    let old = key(Es256, NOW);
    let mut new = key(EdDsa, NOW.plus(OVERLAP));
    // Another key of the same algorithm, whatever it is made of.
    new.algorithm = Es256;
    let keys = OwnKeys::new(vec![old, new]).unwrap();
    let far = json!({ "iss": ISSUER, "exp": NOW.plus(KEPT).seconds() });
    let signed = EC.token(&header(Es256), &far);
    let at = |now: Moment| Expected { now, ..expected(&[Es256]) };
    let unpublished = NOW.plus(OVERLAP).plus(OVERLAP);
    let just_before = at(unpublished.minus(Duration::from_secs(1)));
    assert!(keys.verify(&signed, &just_before).is_ok());
    assert_eq!(keys.verify(&signed, &at(unpublished)), Err(OwnTokenFault::UnknownKey));
    assert!(keys.recognise(&signed, &at(unpublished)).is_ok());
}

#[test]
fn s086_a_removed_key_is_not_recognised_either() {
    let keys = OwnKeys::new(vec![key(Rs256, NOW)]).unwrap();
    let signed = EC.token(&header(Es256), &claims());
    let expected = expected(&[Es256, Rs256]);
    assert_eq!(keys.verify(&signed, &expected), Err(OwnTokenFault::UnknownKey));
    assert_eq!(keys.recognise(&signed, &expected), Err(OwnTokenFault::UnknownKey));
}

#[test]
fn an_expired_token_is_recognised_but_no_other_issuers_and_no_forged_one() {
    let keys = keys();
    let old = json!({ "iss": ISSUER, "exp": 1, "sub": "somebody" });
    let said =
        |claims: &Value| keys.recognise(&EC.token(&header(Es256), claims), &expected(&[Es256]));
    assert_eq!(said(&old).map(Value::Object), Ok(old));
    assert_eq!(said(&json!({ "iss": "https://evil.test" })), Err(OwnTokenFault::Issuer));
    let forged = Signer::ec("P-256").token(&header(Es256), &claims());
    let found = keys.recognise(&forged, &expected(&[Es256]));
    assert_eq!(found, Err(OwnTokenFault::BadSignature));
}

#[test]
fn a_token_of_64_kilobytes_is_the_longest_that_holds() {
    let of_length = |wanted| EC.token_of_length(wanted, &header(Es256), &claims());
    let (largest, larger) = (of_length(65_536), of_length(65_537));
    let (keys, expected) = (keys(), expected(&[Es256]));
    assert!(
        keys.verify(&largest, &expected).is_ok() && keys.recognise(&largest, &expected).is_ok()
    );
    assert_eq!(keys.verify(&larger, &expected), Err(OwnTokenFault::Malformed));
    assert_eq!(keys.recognise(&larger, &expected), Err(OwnTokenFault::Malformed));
}

#[test]
fn all_keys_are_there_one_of_each_algorithm_signs_and_those_in_use_are_published() {
    let (old, rsa) = (key(Es256, NOW), key(Rs256, NOW));
    let begins = NOW.plus(OVERLAP);
    let mut new = key(EdDsa, begins);
    // Another key of the same algorithm, whatever it is made of.
    new.algorithm = Es256;
    let keys = OwnKeys::new(vec![old.clone(), rsa.clone(), new.clone()]).unwrap();
    assert_eq!(keys.all(), [old.clone(), rsa.clone(), new.clone()]);
    for (algorithm, now, signs) in [
        (Es256, NOW, Some(&old)),
        (Es256, begins, Some(&new)),
        (Rs256, begins, Some(&rsa)),
        (EdDsa, NOW, None),
    ] {
        assert_eq!(keys.signing(algorithm, now), signs, "{algorithm}");
    }
    let ids = |now: Moment| {
        let document = keys.jwks(now);
        let ids = document["keys"].as_array().unwrap().iter().map(|jwk| jwk["kid"].clone());
        ids.collect::<Vec<_>>()
    };
    let just_before = begins.plus(OVERLAP).minus(Duration::from_secs(1));
    assert_eq!(ids(just_before), [&rsa, &new, &old].map(|key| json!(key.kid)));
    assert_eq!(ids(begins.plus(OVERLAP)), [&rsa, &new].map(|key| json!(key.kid)));
}

#[test]
fn a_published_key_says_what_it_is_for() {
    let kid = key(Es256, NOW).kid;
    let mut jwk = EC.jwk(&kid);
    jwk["use"] = json!("sig");
    jwk["alg"] = json!("ES256");
    let keys = OwnKeys::new(vec![key(Es256, NOW)]).unwrap();
    assert_eq!(keys.jwks(NOW), json!({ "keys": [jwk] }));
}
