//! Well-signed tokens with claims that are not for us, not now, or not about anybody.

use super::*;

#[test]
fn s009_nonce_must_match() {
    assert_eq!(fault_of(json!({"nonce": NONCE})), None);
    for bad in [json!(null), json!("nonce-of-that-trip"), json!(""), json!([NONCE]), json!(1)] {
        assert_eq!(fault_of(json!({"nonce": bad})), Some(TokenFault::Nonce), "{bad}");
    }
}

#[test]
fn s010_issuer_must_be_equal_to_the_letter() {
    for bad in [
        json!(null),
        json!("https://id.example.com/"),
        json!("https://ID.example.com"),
        json!("https://id.example.com:443"),
        json!("https://other.example.com"),
        json!([ISSUER]),
    ] {
        assert_eq!(fault_of(json!({"iss": bad})), Some(TokenFault::Issuer), "{bad}");
    }
}

#[test]
fn s011_audience_must_contain_us() {
    for good in [json!(CLIENT), json!([CLIENT]), json!([CLIENT, CLIENT])] {
        assert_eq!(fault_of(json!({"aud": good})), None, "{good}");
    }
    for bad in [
        json!(null),
        json!("other"),
        json!(["other"]),
        json!([]),
        json!([CLIENT, 1]),
        json!({"a": CLIENT}),
        json!("vestibule other"),
    ] {
        assert_eq!(fault_of(json!({"aud": bad})), Some(TokenFault::Audience), "{bad}");
    }
}

#[test]
fn s011_among_several_audiences_the_authorized_party_must_be_us() {
    let several = json!([CLIENT, "other"]);
    assert_eq!(fault_of(json!({"aud": several, "azp": CLIENT})), None);
    assert_eq!(fault_of(json!({"aud": CLIENT, "azp": CLIENT})), None);
    for bad in [
        json!({"aud": several}),
        json!({"aud": ["other", CLIENT]}),
        json!({"aud": several, "azp": "other"}),
        json!({"aud": CLIENT, "azp": "other"}),
        json!({"aud": CLIENT, "azp": [CLIENT]}),
    ] {
        assert_eq!(fault_of(bad.clone()), Some(TokenFault::AuthorizedParty), "{bad}");
    }
}

#[test]
fn s020_times_are_honoured_with_a_leeway_of_sixty_seconds() {
    let now = NOW.seconds();
    let cases = [
        ("exp", now + 1, None),
        ("exp", now - 59, None),
        ("exp", now - 60, Some(TokenFault::Expired)),
        ("nbf", now + 10, None),
        ("nbf", now + 60, None),
        ("nbf", now + 61, Some(TokenFault::NotYet)),
        ("iat", now + 10, None),
        ("iat", now + 60, None),
        ("iat", now + 61, Some(TokenFault::IssuedAt)),
        ("iat", now - 3660, None),
        ("iat", now - 3661, Some(TokenFault::IssuedAt)),
    ];
    for (claim, at, fault) in cases {
        assert_eq!(fault_of(json!({ claim: at })), fault, "{claim} {}", at - now);
    }
}

#[test]
fn s020_times_that_are_missing_or_no_numbers_count_as_wrong() {
    let now = NOW.seconds();
    for (claim, fault) in [("exp", TokenFault::Expired), ("iat", TokenFault::IssuedAt)] {
        for bad in [json!(null), json!(now.to_string()), json!([now]), json!(true)] {
            assert_eq!(fault_of(json!({ claim: bad })), Some(fault), "{claim} {bad}");
        }
    }
    assert_eq!(fault_of(json!({"nbf": now.to_string()})), Some(TokenFault::NotYet));
}

#[test]
fn s020_times_may_have_fractions_and_absurd_ones_do_not_wrap() {
    let now = NOW.seconds() as f64;
    assert_eq!(fault_of(json!({"iat": now + 59.5})), None);
    assert_eq!(fault_of(json!({"iat": now + 60.5})), Some(TokenFault::IssuedAt));
    assert_eq!(fault_of(json!({"exp": now - 59.5})), None);
    assert_eq!(fault_of(json!({"exp": now - 60.5})), Some(TokenFault::Expired));
    for far in [json!(1e300), json!(u64::MAX), json!(i64::MAX)] {
        assert_eq!(fault_of(json!({"iat": far})), Some(TokenFault::IssuedAt), "{far}");
        assert_eq!(fault_of(json!({"exp": far})), None, "{far}");
    }
    assert_eq!(fault_of(json!({"exp": -1e300})), Some(TokenFault::Expired));
    assert_eq!(fault_of(json!({"exp": i64::MIN})), Some(TokenFault::Expired));
}

#[test]
fn s020_the_leeway_can_be_set() {
    let token = signed(&claims_with(json!({"iat": NOW.seconds() + 10})));
    let strict = check_as(&token, |expected| expected.leeway = Duration::from_secs(9));
    assert_eq!(strict, Err(TokenFault::IssuedAt));
    assert_eq!(LEEWAY, Duration::from_secs(60));
}

#[test]
fn s021_auth_time_is_required_and_checked_when_max_age_was_sent() {
    let now = NOW.seconds();
    let recent = |changes: Value| {
        check_as(&signed(&claims_with(changes)), |expected| {
            expected.max_age = Some(Duration::from_secs(300));
        })
    };
    let at = |seconds: i64| recent(json!({"auth_time": seconds}));
    for good in [now, now - 300, now - 360, now + 60] {
        assert_eq!(at(good).unwrap().auth_time, Some(Moment::from_seconds(good)));
    }
    for bad in [now - 361, now + 61, 0] {
        assert_eq!(at(bad), Err(TokenFault::AuthTime), "{}", bad - now);
    }
    for bad in [json!(null), json!("now")] {
        assert_eq!(recent(json!({"auth_time": bad})), Err(TokenFault::AuthTime));
    }
}

#[test]
fn s021_auth_time_is_told_and_not_checked_when_no_max_age_was_sent() {
    let told = |value: Value| check(&signed(&claims_with(json!({"auth_time": value}))));
    assert_eq!(told(json!(1)).unwrap().auth_time, Some(Moment::from_seconds(1)));
    assert_eq!(told(json!(null)).unwrap().auth_time, None);
}

/// Left halves of SHA-256, SHA-384 and SHA-512 of "an-access-token", from `openssl dgst`.
const HALVES: [(&str, &str); 3] = [
    ("256", "YiHPD2T9DaX5B837XJXtow"),
    ("384", "p3iANihy1MamculNPUrQ8HsBkouO-q2I"),
    ("512", "nM_8k04LoVPQDh1346b6eHC5pCiIJeMDBg3Dhz6Pbt4"),
];

#[test]
fn s025_at_hash_is_verified_with_the_hash_of_the_algorithm() {
    for algorithm in ALGORITHMS {
        for (size, half) in HALVES {
            let header = json!({"alg": algorithm, "kid": kid_of(algorithm)});
            let claims = claims_with(json!({"at_hash": half}));
            let result = check(&Signer::of(algorithm).token(&header, &claims));
            let own = if algorithm == "EdDSA" { "512" } else { &algorithm[2..] };
            let fault = (own != size).then_some(TokenFault::AccessTokenHash);
            assert_eq!(result.err(), fault, "{algorithm} {size}");
        }
    }
}

#[test]
fn s025_at_hash_that_is_there_must_be_of_this_access_token() {
    let hash = HALVES[0].1;
    for bad in [json!(""), json!(&hash[1..]), json!(format!("{hash}=")), json!([hash])] {
        let fault = fault_of(json!({"at_hash": bad}));
        assert_eq!(fault, Some(TokenFault::AccessTokenHash), "{bad}");
    }
    let token = signed(&claims_with(json!({"at_hash": hash})));
    for other in [None, Some("another-access-token")] {
        let result = check_as(&token, |expected| expected.access_token = other);
        assert_eq!(result, Err(TokenFault::AccessTokenHash));
    }
    let without = check_as(&signed(&claims()), |expected| expected.access_token = None);
    assert!(without.is_ok());
}

#[test]
fn a_subject_is_somebody_and_has_at_most_255_characters() {
    for good in ["1".to_owned(), "x".repeat(255), "ü".repeat(255)] {
        let proved = check(&signed(&claims_with(json!({"sub": good})))).unwrap();
        assert_eq!(proved.subject, good);
    }
    for bad in [json!(null), json!(""), json!("x".repeat(256)), json!(7), json!("a\u{0}b")] {
        assert_eq!(fault_of(json!({"sub": bad})), Some(TokenFault::Subject), "{bad}");
    }
}
