//! `private_key_jwt`: the JWT that holds, and every one that does not.

use serde_json::Value;

use super::*;
use crate::federation::fixtures::{EC384, RSA, Signer, base64url, message};

/// A client with one key for each type, ids `rsa`, `ec`, `ed`.
fn shop() -> Registered {
    let keys = [("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")]
        .map(|(algorithm, kid)| Signer::of(algorithm).jwk(kid));
    with_keys(json!({ "keys": keys }))
}

fn with_keys(jwks: Value) -> Registered {
    let authentication = ClientAuthMethod::PrivateKeyJwt;
    let client = Client { authentication, jwks: Some(jwks), ..client() };
    Registered::new(Arc::new(client), Vec::new())
}

fn claims() -> Value {
    json!({
        "iss": "shop",
        "sub": "shop",
        "aud": ISSUER,
        "jti": "once",
        "iat": NOW.seconds(),
        "exp": NOW.seconds() + 60,
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

fn check(jwt: &str) -> Result<Option<OnceId>, ClientFault> {
    let form =
        [("client_id", "shop"), ("client_assertion", jwt), ("client_assertion_type", JWT_BEARER)];
    shop().check(&read(&[], &form).unwrap(), ISSUER, NOW)
}

fn fault_of(changes: Value) -> Option<AssertionFault> {
    let jwt = RSA.token(&json!({"alg": "RS256", "kid": "rsa"}), &claims_with(changes));
    match check(&jwt) {
        Ok(_) => None,
        Err(ClientFault::Assertion(fault)) => Some(fault),
        Err(other) => panic!("{other}"),
    }
}

fn fault_of_header(header: Value) -> Option<AssertionFault> {
    let algorithm = header["alg"].as_str().unwrap_or_default().to_owned();
    match check(&Signer::of(&algorithm).token(&header, &claims())) {
        Ok(_) => None,
        Err(ClientFault::Assertion(fault)) => Some(fault),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn s078_a_jwt_of_the_clients_own_key_holds() {
    for (algorithm, kid) in [("RS256", "rsa"), ("PS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")] {
        for header in [
            json!({"alg": algorithm, "kid": kid}),
            json!({"alg": algorithm}),
            json!({"alg": algorithm, "kid": kid, "typ": "JWT"}),
            json!({"alg": algorithm, "kid": kid, "typ": "client-authentication+jwt"}),
        ] {
            assert_eq!(fault_of_header(header.clone()), None, "{header}");
        }
    }
}

#[test]
fn the_id_may_be_left_out_of_the_form() {
    let jwt = RSA.token(&json!({"alg": "RS256", "kid": "rsa"}), &claims());
    let form = [("client_assertion", jwt.as_str()), ("client_assertion_type", JWT_BEARER)];
    let presented = read(&[], &form).unwrap();
    assert_eq!(presented.client_id(), "shop");
    assert!(shop().check(&presented, ISSUER, NOW).is_ok());
}

#[test]
fn s078_only_our_issuer_as_the_one_audience() {
    assert_eq!(fault_of(json!({ "aud": ISSUER })), None);
    for audience in [
        json!([ISSUER]),
        json!([ISSUER, "https://other.test"]),
        json!(format!("{ISSUER}/")),
        json!(format!("{ISSUER}/oauth/token")),
        json!("https://other.test"),
        json!("HTTPS://id.shop.test"),
        json!(""),
        json!(1),
        json!({ "iss": ISSUER }),
        json!(null),
    ] {
        let fault = fault_of(json!({ "aud": audience.clone() }));
        assert_eq!(fault, Some(AssertionFault::Audience), "{audience}");
    }
}

#[test]
fn s078_each_jwt_has_an_id_of_its_own_which_is_kept_until_it_expires() {
    let id_of = |changes| {
        let jwt = RSA.token(&json!({"alg": "RS256", "kid": "rsa"}), &claims_with(changes));
        check(&jwt).unwrap().unwrap()
    };
    let one = id_of(json!({}));
    assert_eq!(one.expires_at, after(120), "expiry and leeway");
    assert_eq!(one.digest, id_of(json!({"exp": NOW.seconds() + 30})).digest, "the jti alone");
    assert_ne!(one.digest, id_of(json!({"jti": "twice"})).digest);
    for id in [json!(null), json!(""), json!(7)] {
        assert_eq!(fault_of(json!({ "jti": id })), Some(AssertionFault::Id));
    }
}

#[test]
fn s078_a_jwt_is_about_the_client_itself() {
    for changes in [
        json!({"iss": "other"}),
        json!({"sub": "other"}),
        json!({"iss": null}),
        json!({"sub": null}),
        json!({"sub": ["shop"]}),
        json!({"iss": ISSUER}),
        json!({"iss": "other", "sub": "other"}),
    ] {
        assert_eq!(fault_of(changes.clone()), Some(AssertionFault::Party), "{changes}");
    }
}

#[test]
fn s078_a_jwt_lives_for_five_minutes_at_most() {
    let seconds = |after: i64| json!(NOW.seconds() + after);
    for (changes, fault) in [
        (json!({"exp": seconds(300)}), None),
        (json!({"exp": seconds(301)}), Some(AssertionFault::TooLong)),
        (json!({"exp": seconds(3600)}), Some(AssertionFault::TooLong)),
        (json!({"exp": 1e300}), Some(AssertionFault::TooLong)),
        (json!({"exp": seconds(-59)}), None),
        (json!({"exp": seconds(-60)}), Some(AssertionFault::Expired)),
        (json!({"exp": null}), Some(AssertionFault::Expired)),
        (json!({"exp": "soon"}), Some(AssertionFault::Expired)),
        (json!({"iat": null}), None),
        (json!({"iat": seconds(60)}), None),
        (json!({"iat": seconds(61)}), Some(AssertionFault::NotYet)),
        (json!({"iat": "now"}), Some(AssertionFault::NotYet)),
        (json!({"nbf": seconds(60)}), None),
        (json!({"nbf": seconds(61)}), Some(AssertionFault::NotYet)),
        (json!({"nbf": []}), Some(AssertionFault::NotYet)),
    ] {
        assert_eq!(fault_of(changes.clone()), fault, "{changes}");
    }
}

#[test]
fn s078_nothing_but_the_usual_asymmetric_algorithms() {
    for algorithm in ["none", "HS256", "HS512", "RS384", "RS512", "PS384", "ES384", "rs256", ""] {
        let fault = fault_of_header(json!({"alg": algorithm, "kid": "rsa"}));
        assert_eq!(fault, Some(AssertionFault::Algorithm), "{algorithm}");
    }
    assert_eq!(fault_of_header(json!({"kid": "rsa"})), Some(AssertionFault::Algorithm));
    // A key is for its own type, whatever the header says.
    assert_eq!(
        fault_of_header(json!({"alg": "RS256", "kid": "ec"})),
        Some(AssertionFault::UnknownKey)
    );
}

#[test]
fn s078_no_other_kind_of_token_passes_for_a_proof() {
    for typ in [json!("at+jwt"), json!("dpop+jwt"), json!("logout+jwt"), json!(""), json!(1)] {
        let fault = fault_of_header(json!({"alg": "RS256", "kid": "rsa", "typ": typ}));
        assert_eq!(fault, Some(AssertionFault::Type));
    }
    let critical = json!({"alg": "RS256", "kid": "rsa", "crit": ["exp"]});
    assert_eq!(fault_of_header(critical), Some(AssertionFault::Malformed));
    let number = json!({"alg": "RS256", "kid": 7});
    assert_eq!(fault_of_header(number), Some(AssertionFault::Malformed));
}

#[test]
fn s078_a_signature_of_another_key_holds_nothing() {
    let header = json!({"alg": "RS256", "kid": "rsa"});
    let stranger = Signer::rsa();
    let forged = stranger.token(&header, &claims());
    let said = Err(ClientFault::Assertion(AssertionFault::Signature));
    assert_eq!(check(&forged), said);
    let changed = {
        let good = RSA.token(&header, &claims());
        let (_, signature) = good.rsplit_once('.').unwrap();
        let other = message(&header, &claims_with(json!({"jti": "other"})));
        format!("{other}.{signature}")
    };
    assert_eq!(check(&changed), said);
    let embedded = json!({"alg": "RS256", "kid": "rsa", "jwk": stranger.jwk("rsa")});
    assert_eq!(check(&stranger.token(&embedded, &claims())), said, "its own key is not asked");
    let unsigned = format!("{}.", message(&header, &claims()));
    assert_eq!(check(&unsigned), said);
    let unknown = RSA.token(&json!({"alg": "RS256", "kid": "newer"}), &claims());
    assert_eq!(check(&unknown), Err(ClientFault::Assertion(AssertionFault::UnknownKey)));
}

#[test]
fn s078_a_client_without_usable_keys_proves_nothing() {
    let jwt = RSA.token(&json!({"alg": "RS256", "kid": "rsa"}), &claims());
    let form =
        [("client_id", "shop"), ("client_assertion", &jwt), ("client_assertion_type", JWT_BEARER)];
    let presented = read(&[], &form).unwrap();
    for jwks in [json!({"keys": []}), json!("broken"), json!({"keys": [EC384.jwk("rsa")]})] {
        let said = with_keys(jwks).check(&presented, ISSUER, NOW);
        assert_eq!(said, Err(ClientFault::Assertion(AssertionFault::UnknownKey)));
    }
}

#[test]
fn a_jwt_of_more_than_8_kilobytes_is_not_looked_at() {
    let header = json!({"alg": "RS256", "kid": "rsa"});
    let of = |length| RSA.token_of_length(length, &header, &claims());
    let expected = assertion::Expected { client: "shop", issuer: ISSUER, now: NOW };
    let verify = |jwt: &str| assertion::verify(jwt, &KeySet::default(), &expected);
    assert_eq!(verify(&of(8192)), Err(AssertionFault::UnknownKey));
    assert_eq!(verify(&of(8193)), Err(AssertionFault::Malformed));
    assert_eq!(assertion::claimed_subject(&of(8192)).as_deref(), Some("shop"));
    assert_eq!(assertion::claimed_subject(&of(8193)), None);
}

#[test]
fn times_may_have_fractions_of_a_second() {
    let at = |seconds: f64| json!(NOW.seconds() as f64 + seconds);
    assert_eq!(fault_of(json!({ "exp": at(60.5) })), None);
    assert_eq!(fault_of(json!({ "exp": at(300.5) })), Some(AssertionFault::TooLong));
    assert_eq!(fault_of(json!({ "exp": at(-60.5) })), Some(AssertionFault::Expired));
}

#[test]
fn what_is_no_jwt_is_malformed() {
    let huge = RSA.token(
        &json!({"alg": "RS256", "kid": "rsa"}),
        &claims_with(json!({"x": "a".repeat(8 * 1024)})),
    );
    let array = base64url("[]");
    for jwt in ["a", "a.b", "a.b.c", &format!("{array}.{array}.c"), &huge] {
        let said = assertion::verify(
            jwt,
            &KeySet::default(),
            &assertion::Expected { client: "shop", issuer: ISSUER, now: NOW },
        );
        assert_eq!(said, Err(AssertionFault::Malformed));
    }
    let listed = RSA.token(&json!({"alg": "RS256", "kid": "rsa"}), &json!([1]));
    assert_eq!(check(&listed), Err(ClientFault::Assertion(AssertionFault::Malformed)));
}
