//! What an authorization request may ask, and what it is told otherwise.

use super::*;
use crate::oauth::clients::ClientKind;
use crate::oauth::fixtures::{CHALLENGE, REDIRECT_URI, ask, client, sent, sent_with};

fn error_of(changed: &[(&'static str, &'static str)]) -> OAuthError {
    ask(&client(), changed).unwrap_err().error
}

#[test]
fn what_a_well_behaved_client_sends_is_taken_as_it_is() {
    let request = ask(&client(), &[("max_age", "60"), ("prompt", "login consent")]).unwrap();
    assert_eq!(request.target.redirect_uri, REDIRECT_URI);
    assert_eq!(request.target.state.as_deref(), Some("s"));
    assert_eq!(request.scopes, Scopes::of(["openid", "profile"]));
    assert_eq!(request.nonce.as_deref(), Some("n"));
    assert_eq!(request.challenge.unwrap().as_str(), CHALLENGE);
    assert_eq!(request.max_age, Some(Duration::from_secs(60)));
    let expected = Prompt { login: true, consent: true, ..Prompt::default() };
    assert_eq!(request.prompt, expected);
}

#[test]
fn s063_without_one_registered_redirect_uri_there_is_no_target() {
    let cases: [&[(&str, &str)]; 4] = [
        &[("redirect_uri", "https://evil.test/")],
        &[("redirect_uri", "")],
        &[("redirect_uri", REDIRECT_URI), ("redirect_uri", REDIRECT_URI)],
        &[("redirect_uri", REDIRECT_URI), ("redirect_uri", "https://evil.test/")],
    ];
    for changed in cases {
        let mut pairs = sent();
        pairs.retain(|(name, _)| *name != "redirect_uri");
        pairs.extend_from_slice(changed);
        let parameters = Parameters::read(pairs).unwrap();
        assert!(Target::of(&parameters, &client()).is_err(), "{changed:?}");
    }
}

#[test]
fn s065_pkce_and_nonce_are_asked_for_unless_a_switch_is_off() {
    assert_eq!(
        error_of(&[("code_challenge", ""), ("code_challenge_method", "")]),
        OAuthError::InvalidRequest
    );
    assert_eq!(error_of(&[("nonce", "")]), OAuthError::InvalidRequest);
    let lax = Client { require_pkce: false, require_nonce: false, ..client() };
    let bare = [("nonce", ""), ("code_challenge", ""), ("code_challenge_method", "")];
    assert!(ask(&lax, &bare).is_ok());
    // A challenge that comes is checked all the same.
    assert!(ask(&lax, &[("code_challenge_method", "plain")]).is_err());
    assert_eq!(client().kind, ClientKind::Confidential);
}

#[test]
fn s066_there_is_no_answer_but_a_code() {
    for kind in ["token", "id_token", "code token", "code id_token", "none", "CODE"] {
        assert_eq!(error_of(&[("response_type", kind)]), OAuthError::UnsupportedResponseType);
    }
    assert_eq!(error_of(&[("response_type", "")]), OAuthError::InvalidRequest);
    assert_eq!(error_of(&[("response_mode", "fragment")]), OAuthError::InvalidRequest);
    let machine = Client { grant_types: vec![GrantType::ClientCredentials], ..client() };
    assert_eq!(ask(&machine, &[]).unwrap_err().error, OAuthError::UnauthorizedClient);
}

#[test]
fn nobody_asks_for_more_than_the_client_is_registered_for() {
    assert_eq!(error_of(&[("scope", "openid admin")]), OAuthError::InvalidScope);
    assert_eq!(error_of(&[("resource", "https://other.test")]), OAuthError::InvalidTarget);
    let ours = ask(&client(), &[("resource", "https://orders.test")]).unwrap();
    assert_eq!(ours.resources, ["https://orders.test"]);
}

#[test]
fn offline_access_is_ignored_for_a_client_that_cannot_refresh() {
    let scope = [("scope", "openid offline_access")];
    assert!(ask(&client(), &scope).unwrap().scopes.contains(OFFLINE_ACCESS));
    let one_time = Client { grant_types: vec![GrantType::AuthorizationCode], ..client() };
    assert!(!ask(&one_time, &scope).unwrap().scopes.contains(OFFLINE_ACCESS));
}

#[test]
fn request_objects_get_the_standards_own_errors() {
    assert_eq!(error_of(&[("request", "eyJ")]), OAuthError::RequestNotSupported);
    let by_reference = [("request_uri", "https://shop.test/request.jwt")];
    assert_eq!(error_of(&by_reference), OAuthError::RequestUriNotSupported);
}

#[test]
fn odd_values_are_refused_and_not_guessed_at() {
    let long: &'static str = "x".repeat(1025).leak();
    for odd in [
        ("prompt", "none login"),
        ("prompt", "create"),
        ("max_age", "-1"),
        ("max_age", "soon"),
        ("max_age", "99999999999"),
        ("nonce", long),
        ("state", long),
    ] {
        assert_eq!(error_of(&[odd]), OAuthError::InvalidRequest, "{odd:?}");
    }
}

#[test]
fn a_repeated_parameter_is_refused_at_the_target() {
    let mut pairs = sent();
    pairs.push(("scope", "openid"));
    let parameters = Parameters::read(pairs).unwrap();
    let target = Target::of(&parameters, &client()).unwrap();
    let said = AuthorizationRequest::check(&parameters, &client(), target);
    assert_eq!(said.unwrap_err().error, OAuthError::InvalidRequest);
}

#[test]
fn s067_every_answer_names_us_and_keeps_what_the_redirect_uri_had() {
    let parameters = Parameters::read(sent_with(&[("state", "a b&c")])).unwrap();
    let target = Target::of(&parameters, &client()).unwrap();
    let location = target.location("https://id.test", &[("code", "c")]);
    assert_eq!(
        location,
        "https://shop.test/callback?shop=1&code=c&state=a+b%26c&iss=https%3A%2F%2Fid.test"
    );
}

#[test]
fn what_is_kept_of_a_request_says_the_same_as_all_of_it() {
    let all = [
        ("dpop_jkt", "0123456789012345678901234567890123456789012"),
        ("id_token_hint", "a.b.c"),
        ("login_hint", "ada"),
        ("max_age", "60"),
        ("prompt", "consent"),
        ("provider", "corp"),
        ("resource", "https://orders.test"),
        ("response_mode", "form_post"),
        ("ui_locales", "de"),
    ];
    let whole = Parameters::read(sent_with(&all)).unwrap().with("junk", "x");
    let kept = whole.clone().only(&KEPT);
    assert!(whole.has("junk") && !kept.has("junk"));
    let read = |parameters: &Parameters| {
        let target = Target::of(parameters, &client()).unwrap();
        AuthorizationRequest::check(parameters, &client(), target).unwrap()
    };
    assert_eq!(read(&kept), read(&whole));
}

#[test]
fn what_is_kept_as_it_came_is_bounded() {
    let long: &'static str = "x".repeat(MAX_KEPT + 1).leak();
    for name in BOUNDED {
        assert_eq!(error_of(&[(name, long)]), OAuthError::InvalidRequest, "{name}");
    }
    for name in ["state", "nonce", "login_hint", "provider", "ui_locales"] {
        assert!(ask(&client(), &[(name, &long[1..])]).is_ok(), "{name}");
    }
}

#[test]
fn the_answer_takes_the_way_that_was_asked_for() {
    for (asked, mode) in [
        ("", ResponseMode::Query),
        ("query", ResponseMode::Query),
        ("form_post", ResponseMode::FormPost),
    ] {
        let request = ask(&client(), &[("response_mode", asked)]).unwrap();
        assert_eq!(request.target.mode, mode, "{asked}");
    }
}

#[test]
fn a_code_is_bound_to_the_key_whose_thumbprint_was_sent() {
    let thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let bound = ask(&client(), &[("dpop_jkt", thumbprint)]).unwrap();
    assert_eq!(bound.dpop_jkt.as_deref(), Some(thumbprint));
    assert_eq!(ask(&client(), &[]).unwrap().dpop_jkt, None);
    for none in [
        "a key",
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4",
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I=",
        "0ZcOCORZNYy+DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
    ] {
        assert_eq!(error_of(&[("dpop_jkt", none)]), OAuthError::InvalidRequest, "{none}");
    }
}
