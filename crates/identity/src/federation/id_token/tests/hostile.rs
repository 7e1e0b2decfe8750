//! Tokens that somebody forged, bent or broke.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::KeyPair;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::federation::fixtures::{base64url, message};

fn with_hmac(name: &str, secret: &[u8]) -> String {
    let algorithm = match name {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA512,
    };
    let message = message(&json!({"alg": name, "kid": "rsa"}), &claims());
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes());
    format!("{message}.{}", base64url(tag))
}

/// Even an allow-list that somebody filled badly does not let these in.
fn check_carelessly(token: &str) -> Result<IdClaims, TokenFault> {
    let careless = ["none", "None", "", "HS256", "HS384", "HS512", "RS256"].map(str::to_owned);
    check_with(token, &careless)
}

#[test]
fn s012_an_unsigned_token_is_refused() {
    for name in ["none", "None", "NONE", "", "nOnE"] {
        let message = message(&json!({"alg": name, "kid": "rsa"}), &claims());
        let signature = signed(&claims()).rsplit_once('.').unwrap().1.to_owned();
        for token in [format!("{message}."), format!("{message}.{signature}")] {
            assert_eq!(check_carelessly(&token), Err(TokenFault::Algorithm), "{name}");
        }
    }
    for header in [json!({"kid": "rsa"}), json!({"alg": 256}), json!({"alg": ["RS256"]})] {
        let token = RSA.token(&header, &claims());
        assert_eq!(check_carelessly(&token), Err(TokenFault::Algorithm), "{header}");
    }
}

#[test]
fn s012_a_token_without_a_signature_is_refused() {
    let token = signed(&claims());
    let (message, _) = token.rsplit_once('.').unwrap();
    assert_eq!(check(&format!("{message}.")), Err(TokenFault::BadSignature));
}

#[test]
fn s012_only_algorithms_of_the_providers_list_count() {
    let only_rs256 = ["RS256".to_owned()];
    for algorithm in ALGORITHMS {
        let header = json!({"alg": algorithm, "kid": kid_of(algorithm)});
        let token = Signer::of(algorithm).token(&header, &claims());
        let fault = (algorithm != "RS256").then_some(TokenFault::Algorithm);
        assert_eq!(check_with(&token, &only_rs256).err(), fault, "{algorithm}");
        assert_eq!(check_with(&token, &[]), Err(TokenFault::Algorithm));
    }
}

#[test]
fn s013_the_public_rsa_key_is_no_hmac_secret() {
    let Signer::Rsa(pair) = &*RSA else { panic!("the RSA key is an RSA key") };
    let pkcs1 = pair.public_key().as_ref().to_vec();
    let spki = pair.public_key().as_der().unwrap().as_ref().to_vec();
    let pem = |label: &str, der: &[u8]| {
        let text = STANDARD.encode(der);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    };
    let jwk = RSA.jwk("rsa");
    let n = jwk["n"].as_str().unwrap();
    let secrets = [
        pem("PUBLIC KEY", &spki).into_bytes(),
        pem("PUBLIC KEY", &spki).trim_end().as_bytes().to_vec(),
        pem("RSA PUBLIC KEY", &pkcs1).into_bytes(),
        spki,
        pkcs1,
        n.as_bytes().to_vec(),
        URL_SAFE_NO_PAD.decode(n).unwrap(),
        jwk.to_string().into_bytes(),
    ];
    for secret in secrets {
        for name in ["HS256", "HS384", "HS512"] {
            assert_eq!(check_carelessly(&with_hmac(name, &secret)), Err(TokenFault::Algorithm));
            assert_eq!(check(&with_hmac(name, &secret)), Err(TokenFault::Algorithm));
        }
    }
}

#[test]
fn s013_a_key_checks_only_signatures_of_its_own_kind() {
    // The header names another family than the key has: no key fits.
    for (named, kid) in [("ES256", "rsa"), ("EdDSA", "rsa"), ("RS256", "ec"), ("ES384", "ec")] {
        let token = RSA.token(&json!({"alg": named, "kid": kid}), &claims());
        assert_eq!(check(&token), Err(TokenFault::UnknownKey), "{named} {kid}");
    }
    // The header names another padding than the one that was used.
    let good = signed(&claims());
    let (_, signature) = good.rsplit_once('.').unwrap();
    let bent = message(&json!({"alg": "PS256", "kid": "rsa"}), &claims());
    assert_eq!(check(&format!("{bent}.{signature}")), Err(TokenFault::BadSignature));
}

#[test]
fn s014_keys_in_the_header_are_ignored() {
    let attacker = Signer::rsa();
    let own_key = attacker.jwk("rsa");
    for kid in ["rsa", "mine"] {
        let header = json!({
            "alg": "RS256",
            "kid": kid,
            "jwk": own_key,
            "jku": "https://attacker.test/jwks",
            "x5u": "https://attacker.test/cert",
            "x5c": [base64url("certificate")],
        });
        let fault = if kid == "rsa" { TokenFault::BadSignature } else { TokenFault::UnknownKey };
        assert_eq!(check(&attacker.token(&header, &claims())), Err(fault));
    }
    let harmless = json!({"alg": "RS256", "kid": "rsa", "jwk": own_key, "jku": 1, "x5c": {}});
    assert!(check(&RSA.token(&harmless, &claims())).is_ok());
}

#[test]
fn s015_odd_characters_in_a_kid_have_no_effect() {
    for kid in ["../../dev/null", "' OR '1'='1", "rsa\u{0}", "rsa;id", "\u{202e}", "%72sa", ""] {
        let token = RSA.token(&json!({"alg": "RS256", "kid": kid}), &claims());
        assert_eq!(check(&token), Err(TokenFault::UnknownKey), "{kid:?}");
    }
    for kid in [json!(1), json!(null), json!(["rsa"]), json!({"kid": "rsa"})] {
        let token = RSA.token(&json!({"alg": "RS256", "kid": kid}), &claims());
        assert_eq!(check(&token), Err(TokenFault::Malformed), "{kid}");
    }
}

#[test]
fn s016_a_key_id_that_nobody_published_is_told_from_a_bad_signature() {
    let other = Signer::rsa();
    let token = other.token(&json!({"alg": "RS256", "kid": "new"}), &claims());
    assert_eq!(check(&token), Err(TokenFault::UnknownKey));
    let reused = other.token(&json!({"alg": "RS256", "kid": "rsa"}), &claims());
    assert_eq!(check(&reused), Err(TokenFault::BadSignature));
}

#[test]
fn a_critical_header_that_we_do_not_understand_is_refused() {
    for critical in [json!(["exp"]), json!(["b64"]), json!([]), json!("x"), json!(null)] {
        let header = json!({"alg": "RS256", "kid": "rsa", "crit": critical});
        assert_eq!(check(&RSA.token(&header, &claims())), Err(TokenFault::Malformed));
    }
}

#[test]
fn what_is_no_signed_token_is_malformed() {
    let token = signed(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    for bad in [
        String::new(),
        "...".to_owned(),
        "..".to_owned(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!(".{payload}.{signature}"),
        format!("!!.{payload}.{signature}"),
        format!("{}.{payload}.{signature}", base64url("[]")),
        format!("{}.{payload}.{signature}", base64url("not json")),
    ] {
        assert_eq!(check(&bad), Err(TokenFault::Malformed), "{bad}");
    }
    for bad in [
        format!("{token}."),
        format!("{header}.{payload}.x.{signature}"),
        format!("{header}..{signature}"),
        token[..token.len() - 8].to_owned(),
        format!(" {token}"),
        format!("{token}\n"),
    ] {
        assert!(check(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_payload_that_is_no_object_is_malformed_even_when_signed() {
    for payload in [json!([]), json!("text"), json!(null)] {
        assert_eq!(check(&signed(&payload)), Err(TokenFault::Malformed), "{payload}");
    }
}

#[test]
fn a_token_of_more_than_64_kilobytes_is_not_looked_at() {
    let header = json!({"alg": "RS256", "kid": "rsa"});
    let of_length = |wanted| RSA.token_of_length(wanted, &header, &claims_with(json!({})));
    let (largest, larger) = (of_length(65_536), of_length(65_537));
    assert!((largest.len(), larger.len()) == (65_536, 65_537) && check(&largest).is_ok());
    assert_eq!(check(&larger), Err(TokenFault::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_is_a_token_by_chance(
        text in "\\PC{0,200}|([A-Za-z0-9_-]{0,40}\\.){0,4}[A-Za-z0-9]{0,9}",
    ) {
        prop_assert!(check(&text).is_err());
    }

    #[test]
    fn a_token_with_one_character_changed_does_not_hold(
        at in 0_usize..10_000,
        by in "[A-Za-z0-9_.-]",
    ) {
        let token = signed(&claims());
        let at = at % token.len();
        prop_assume!(token[at..=at] != by);
        let changed = format!("{}{by}{}", &token[..at], &token[at + 1..]);
        prop_assert!(check(&changed).is_err());
    }
}
