//! Codes are for whom they were given to.

use super::*;
use crate::oauth::fixtures::{REDIRECT_URI, VERIFIER, ask, at, client, session};

fn terms() -> CodeTerms {
    CodeTerms::of(&ask(&client(), &[("scope", "openid offline_access")]).unwrap())
}

fn redeemed(client: &ClientId) -> Redeemed<'_> {
    Redeemed { client, redirect_uri: REDIRECT_URI, verifier: Some(VERIFIER), dpop_jkt: None }
}

#[test]
fn s064_a_code_is_for_one_client_one_redirect_uri_and_one_verifier() {
    let (ours, other) = (ClientId::from_stored("shop"), ClientId::from_stored("other"));
    assert_eq!(terms().accept(&redeemed(&ours)), Ok(()));
    let wrong = [
        redeemed(&other),
        Redeemed { redirect_uri: "https://shop.test/callback", ..redeemed(&ours) },
        Redeemed { redirect_uri: "", ..redeemed(&ours) },
        Redeemed { verifier: None, ..redeemed(&ours) },
        Redeemed {
            verifier: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ..redeemed(&ours)
        },
    ];
    for wrong in wrong {
        let said = terms().accept(&wrong);
        assert!(said.is_err_and(|fault| fault.error == OAuthError::InvalidGrant), "{wrong:?}");
    }
}

#[test]
fn s065_a_verifier_without_a_challenge_is_a_downgrade() {
    let id = ClientId::from_stored("shop");
    let bare = CodeTerms { challenge: None, ..terms() };
    assert!(bare.accept(&redeemed(&id)).is_err());
    assert_eq!(bare.accept(&Redeemed { verifier: None, ..redeemed(&id) }), Ok(()));
}

#[test]
fn a_code_for_a_key_needs_that_key() {
    let id = ClientId::from_stored("shop");
    let bound = CodeTerms { dpop_jkt: Some("key".to_owned()), ..terms() };
    let (key, other) = ("key", "other");
    assert!(bound.accept(&redeemed(&id)).is_err());
    assert!(bound.accept(&Redeemed { dpop_jkt: Some(other), ..redeemed(&id) }).is_err());
    assert_eq!(bound.accept(&Redeemed { dpop_jkt: Some(key), ..redeemed(&id) }), Ok(()));
    // A code that was not asked for with a key may be redeemed with one (RFC 9449 section 5).
    assert_eq!(terms().accept(&Redeemed { dpop_jkt: Some(key), ..redeemed(&id) }), Ok(()));
}

#[test]
fn only_a_client_that_may_refresh_gets_a_family() {
    let id = GrantId::from_stored("grant");
    let with = terms().grant(id.clone(), &session(), true, None, at(5));
    assert_eq!((with.generation, with.offline, with.refreshed_at), (1, true, at(5)));
    let without = terms().grant(id.clone(), &session(), false, None, at(5));
    assert_eq!((without.generation, without.offline), (0, false));
    let online = CodeTerms { scopes: Scopes::of(["openid"]), ..terms() };
    assert!(!online.grant(id, &session(), true, None, at(5)).offline);
}
