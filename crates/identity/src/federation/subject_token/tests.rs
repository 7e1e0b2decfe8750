//! The token that is taken in exchange, and every one that is not.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::federation::fixtures::{EC, ISSUER, NOW, RSA, Signer, base64url};

const HOUSE: &str = "https://id.test";
const APP: &str = "mobile-app";

fn check_as(kind: SubjectKind, token: &str, now: Moment) -> Result<SubjectToken, TokenFault> {
    let keys = json!({ "keys": [RSA.jwk("rsa")] }).to_string();
    let keys = KeySet::parse(keys.as_bytes()).unwrap();
    let (algorithms, audiences) = (["RS256".to_owned()], [APP.to_owned(), "web".to_owned()]);
    let expected = Expected {
        issuer: ISSUER,
        algorithms: &algorithms,
        kind,
        audiences: &audiences,
        house: HOUSE,
        now,
        leeway: Duration::from_secs(60),
    };
    verify(token, &keys, &expected)
}

fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "sub": "ada", "aud": APP, "iat": NOW.seconds(), "exp": NOW.seconds() + 3600,
        "at_hash": "of a token that stays with its client", "nonce": "of that client",
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn id_token(changes: Value) -> String {
    RSA.token(&json!({ "alg": "RS256", "kid": "rsa", "typ": "JWT" }), &claims(changes))
}

fn access_token(changes: Value) -> String {
    let header = json!({ "alg": "RS256", "kid": "rsa", "typ": "at+jwt" });
    let mut claims = claims(json!({ "aud": HOUSE, "client_id": APP }));
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    RSA.token(&header, &claims)
}

fn fault_of(changes: Value) -> Option<TokenFault> {
    check_as(SubjectKind::IdToken, &id_token(changes), NOW).err()
}

#[test]
fn s083_an_id_token_for_a_listed_client_holds() {
    for changes in [
        json!({}),
        json!({ "typ": "ID" }),
        json!({ "aud": ["web", "another"] }),
        json!({ "aud": ["another", "web"], "azp": APP }),
        // An app on a phone gets a token for the server that it belongs to.
        json!({ "azp": "android" }),
    ] {
        assert_eq!(fault_of(changes.clone()), None, "{changes}");
    }
    for changes in [
        json!({ "aud": "another" }),
        json!({ "aud": HOUSE }),
        json!({ "aud": null }),
        json!({ "aud": [APP, 7] }),
        json!({ "aud": "another", "azp": APP }),
    ] {
        assert_eq!(fault_of(changes.clone()), Some(TokenFault::Audience), "{changes}");
    }
}

#[test]
fn s083_a_subject_token_is_of_the_provider_unexpired_and_five_minutes_old_at_most() {
    assert_eq!(fault_of(json!({ "iss": "https://other.test" })), Some(TokenFault::Issuer));
    assert_eq!(fault_of(json!({ "sub": "" })), Some(TokenFault::Subject));
    assert_eq!(fault_of(json!({ "exp": null })), Some(TokenFault::Expired));
    assert_eq!(fault_of(json!({ "exp": NOW.seconds() })), Some(TokenFault::Expired));
    assert_eq!(fault_of(json!({ "nbf": NOW.seconds() + 61 })), Some(TokenFault::NotYet));
    let issued = |ago: i64| fault_of(json!({ "iat": NOW.seconds() - ago }));
    assert_eq!((issued(299), issued(-60)), (None, None));
    assert_eq!(issued(300), Some(TokenFault::IssuedAt));
    assert_eq!(issued(-61), Some(TokenFault::IssuedAt));
    assert_eq!(fault_of(json!({ "iat": null })), Some(TokenFault::IssuedAt));
}

#[test]
fn s083_a_signature_of_nobodys_key_proves_nothing() {
    let header = json!({ "alg": "RS256", "kid": "rsa" });
    let strangers = Signer::rsa().token(&header, &claims(json!({})));
    let said = check_as(SubjectKind::IdToken, &strangers, NOW);
    assert_eq!(said, Err(TokenFault::BadSignature));
    let other = EC.token(&json!({ "alg": "ES256", "kid": "rsa" }), &claims(json!({})));
    assert_eq!(check_as(SubjectKind::IdToken, &other, NOW), Err(TokenFault::Algorithm));
}

#[test]
fn s083_one_kind_of_token_never_passes_for_another() {
    let id = |typ: Value| {
        let mut header = json!({ "alg": "RS256", "kid": "rsa" });
        header["typ"] = typ;
        check_as(SubjectKind::IdToken, &RSA.token(&header, &claims(json!({}))), NOW).err()
    };
    assert_eq!(id(json!("jwt")), None);
    for typ in ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt"] {
        assert_eq!(id(json!(typ)), Some(TokenFault::Type), "{typ}");
    }
    assert_eq!(id(json!(7)), Some(TokenFault::Type));
    let access = |token: &str| check_as(SubjectKind::AccessToken, token, NOW).err();
    assert_eq!(access(&access_token(json!({}))), None);
    assert_eq!(access(&id_token(json!({ "aud": HOUSE }))), Some(TokenFault::Type));
    let untyped = RSA.token(&json!({ "alg": "RS256" }), &claims(json!({ "aud": HOUSE })));
    assert_eq!(access(&untyped), Some(TokenFault::Type));
}

#[test]
fn s083_an_access_token_that_calls_itself_jwt_is_no_id_token() {
    for says in [
        // Keycloak.
        json!({ "typ": "Bearer", "azp": APP, "aud": "other-api", "scope": "openid email" }),
        json!({ "typ": "Bearer" }),
        json!({ "typ": "Logout" }),
        json!({ "typ": 7 }),
        json!({ "scope": "openid" }),
        // Entra ID, Okta.
        json!({ "scp": "access_as_user" }),
        json!({ "scp": ["openid"] }),
        json!({ "appidacr": "1" }),
        json!({ "azpacr": "1" }),
        json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": {} } }),
    ] {
        assert_eq!(fault_of(says.clone()), Some(TokenFault::Type), "{says}");
    }
}

#[test]
fn s083_among_several_audiences_whoever_it_was_issued_to_is_listed_too() {
    for party in [json!("another"), json!([APP]), json!(7)] {
        let says = json!({ "aud": [APP, "another"], "azp": party });
        assert_eq!(fault_of(says.clone()), Some(TokenFault::AuthorizedParty), "{says}");
    }
}

#[test]
fn s083_an_access_token_is_for_us() {
    let access = |audience: Value| {
        let token = access_token(json!({ "aud": audience, "azp": APP }));
        check_as(SubjectKind::AccessToken, &token, NOW).err()
    };
    assert_eq!(access(json!([HOUSE, "https://orders.test"])), None);
    for other in [json!(APP), json!("https://orders.test"), json!(format!("{HOUSE}/"))] {
        assert_eq!(access(other.clone()), Some(TokenFault::Audience), "{other}");
    }
}

#[test]
fn s083_a_subject_token_is_remembered_for_as_long_as_it_is_taken() {
    let token = id_token(json!({}));
    let held = check_as(SubjectKind::IdToken, &token, NOW).unwrap();
    let last = Moment::from_micros(held.id.expires_at.micros() - 1);
    assert_eq!(check_as(SubjectKind::IdToken, &token, last).unwrap().id, held.id);
    let over = check_as(SubjectKind::IdToken, &token, held.id.expires_at);
    assert_eq!(over, Err(TokenFault::IssuedAt));
    let other = check_as(SubjectKind::IdToken, &id_token(json!({ "jti": "two" })), NOW).unwrap();
    assert_ne!(other.id, held.id);
}

#[test]
fn somebody_signed_in_before_the_token_was_issued() {
    let at = |changes: Value| {
        let held = check_as(SubjectKind::IdToken, &id_token(changes), NOW).unwrap();
        held.signed_in_at.map(|at| at.seconds() - NOW.seconds())
    };
    let (before, after) = (NOW.seconds() - 900, NOW.seconds() + 900);
    assert_eq!(at(json!({})), None, "nobody says when");
    assert_eq!(at(json!({ "auth_time": before })), Some(-900));
    assert_eq!(at(json!({ "auth_time": after })), Some(0));
    let issued = NOW.seconds() - 10;
    assert_eq!(at(json!({ "iat": issued, "auth_time": after })), Some(-10));
    assert_eq!(at(json!({ "iat": NOW.seconds() + 30, "auth_time": after })), Some(0));
}

#[test]
fn what_nobody_has_proved_only_says_whose_keys_to_ask() {
    let said = claimed(&id_token(json!({ "azp": "web" }))).unwrap();
    assert_eq!((said.issuer.as_str(), said.audiences), (ISSUER, vec![APP.to_owned()]));
    for none in ["", "a.b.c", "eyJ9.eyJ9.", &"x".repeat(MAX_TOKEN + 1)] {
        assert_eq!(claimed(none), None);
    }
}

#[test]
fn a_subject_token_of_more_than_64_kilobytes_is_not_looked_at() {
    let header = json!({ "alg": "RS256", "kid": "rsa", "typ": "JWT" });
    let of_length = |wanted| RSA.token_of_length(wanted, &header, &claims(json!({})));
    let (largest, larger) = (of_length(65_536), of_length(65_537));
    assert_eq!(claimed(&largest).unwrap().issuer, ISSUER);
    assert!(check_as(SubjectKind::IdToken, &largest, NOW).is_ok());
    assert_eq!(claimed(&larger), None);
    let refused = check_as(SubjectKind::IdToken, &larger, NOW);
    assert_eq!(refused, Err(TokenFault::Malformed));
}

proptest! {
    /// Whatever comes, reading it ends, and nothing that nobody signed holds.
    #[test]
    fn s083_what_nobody_signed_is_no_subject(
        text in ".{0,80}",
        noise in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let part = base64url(&noise);
        for token in [text.clone(), [part.as_str(), &text, &part].join("."), [part.as_str(); 3].join(".")] {
            let _ = claimed(&token);
            prop_assert!(check_as(SubjectKind::IdToken, &token, NOW).is_err());
            prop_assert!(check_as(SubjectKind::AccessToken, &token, NOW).is_err());
        }
    }
}
