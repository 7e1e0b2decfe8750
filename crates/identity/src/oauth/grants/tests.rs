//! Codes are for whom they were given to.

use super::*;
use crate::oauth::fixtures::{REDIRECT_URI, VERIFIER, ask, at, client, grant, session, user};
use crate::sessions::Method;

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

#[test]
fn s107_what_the_glass_was_broken_for_ends_with_the_session() {
    let methods = vec![Method::Password, Method::BreakGlass];
    let broken = Session { methods: methods.clone(), ..session() };
    let grant = terms().grant(GrantId::from_stored("grant"), &broken, true, None, at(5));
    assert!(!grant.offline, "whatever the application asked for");
    assert_eq!(grant.methods, methods);
}

#[test]
fn s075_a_grant_holds_while_it_is_not_revoked_and_its_user_and_session_live() {
    let (grant, user, session) = (grant(), user(), session());
    let ended = Session { ended_at: Some(at(4)), ..session.clone() };
    let holds = |grant: &Grant, session: Option<&Session>| grant.holds(&user, session, at(5));
    assert!(holds(&grant, Some(&session)));
    assert!(!holds(&grant, Some(&ended)) && !holds(&grant, None));
    let away = Grant { offline: true, ..grant.clone() };
    assert!(holds(&away, Some(&session)) && holds(&away, Some(&ended)) && holds(&away, None));
    for grant in [&grant, &away] {
        let revoked = Grant { revoked_at: Some(at(4)), ..grant.clone() };
        assert!(!holds(&revoked, Some(&session)));
        for status in [Status::Held, Status::Deactivated, Status::Deleted] {
            let user = User { status, ..user.clone() };
            assert!(!grant.holds(&user, Some(&session), at(5)), "{status:?}");
        }
    }
}
