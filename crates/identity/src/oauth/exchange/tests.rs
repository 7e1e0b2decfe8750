//! What an exchange gives, and that it is never more than was there.

use proptest::prelude::*;

use super::*;
use crate::ids::ClientId;
use crate::oauth::fixtures::{at, client};

const ISSUER: &str = "https://id.test";
const ORDERS: &str = "https://orders.test";

fn form(changed: &[(&'static str, &'static str)]) -> Parameters {
    let mut pairs = vec![("subject_token", "a.b.c"), ("subject_token_type", ACCESS_TOKEN)];
    pairs.retain(|(name, _)| changed.iter().all(|(other, _)| other != name));
    pairs.extend_from_slice(changed);
    Parameters::read(pairs).unwrap()
}

fn ask(changed: &[(&'static str, &'static str)]) -> Result<ExchangeRequest, OAuthFault> {
    ExchangeRequest::read(&form(changed), &client())
}

fn error_of(changed: &[(&'static str, &'static str)]) -> OAuthError {
    ask(changed).unwrap_err().error
}

/// An access token of a person, with these scopes, for these audiences.
fn token(scopes: &str, audience: &[&str]) -> AccessToken {
    let claims = json!({
        "iss": ISSUER, "sub": "person", "client_id": "portal", "scope": scopes, "aud": audience,
        "exp": at(300).seconds(), "grant": "grant", "sid": "session", "acr": "one", "jti": "old",
        "cnf": { "jkt": "old key" },
    });
    AccessToken::read(claims.as_object().unwrap().clone()).unwrap()
}

fn with_act(mut token: AccessToken, act: Value) -> AccessToken {
    token.claims.insert("act".to_owned(), act);
    token
}

/// A client's own token.
fn actor(client: &str) -> AccessToken {
    AccessToken { subject: client.to_owned(), grant: None, ..token("orders", &[ORDERS]) }
}

fn terms(
    asked: &[(&'static str, &'static str)],
    subject: &AccessToken,
    acting: Option<&AccessToken>,
) -> Result<Terms, OAuthFault> {
    let mut client = client();
    client.scopes.extend(["orders", "orders:write", "admin", "admin:users"].map(str::to_owned));
    let asked = ExchangeRequest::read(&form(asked), &client)?;
    let subject = Some(subject);
    let bounds = Bounds {
        issuer: ISSUER,
        client: &client,
        asked: &asked,
        subject,
        actor: acting,
        ends_at: at(300),
        now: at(0),
    };
    bounds.terms()
}

#[test]
fn what_cannot_be_asked_for_is_named() {
    assert!(ask(&[]).is_ok());
    for kind in [ID_TOKEN, JWT] {
        assert!(ask(&[("subject_token_type", kind)]).is_ok());
    }
    for bad in [
        ("subject_token", ""),
        ("subject_token_type", ""),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:saml2"),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
        ("requested_token_type", ID_TOKEN),
        ("actor_token", "a.b.c"),
        ("actor_token_type", ACCESS_TOKEN),
    ] {
        assert_eq!(error_of(&[bad]), OAuthError::InvalidRequest, "{bad:?}");
    }
    let provider = [("actor_token", "a.b.c"), ("actor_token_type", ID_TOKEN)];
    assert_eq!(error_of(&provider), OAuthError::InvalidRequest);
    for name in ["resource", "audience"] {
        assert_eq!(ask(&[(name, ORDERS)]).unwrap().targets, [ORDERS]);
        assert_eq!(error_of(&[(name, "https://other.test")]), OAuthError::InvalidTarget);
    }
}

#[test]
fn s083_a_result_has_no_scope_that_its_subject_has_not() {
    let subject = token("openid orders offline_access payments", &[ISSUER]);
    let given = |scope: &'static str| {
        terms(&[("scope", scope)], &subject, None).map(|terms| terms.scopes.to_string())
    };
    assert_eq!(given("orders").unwrap(), "orders");
    assert_eq!(given("").unwrap(), "openid orders", "all of both, and nothing that lasts");
    for more in ["orders:write", "payments", "offline_access", "orders profile"] {
        assert_eq!(given(more).unwrap_err().error, OAuthError::InvalidScope, "{more}");
    }
}

#[test]
fn s083_a_result_ends_with_its_subject_and_after_ten_minutes() {
    let subject = token("orders", &[ISSUER]);
    assert_eq!(terms(&[], &subject, None).unwrap().ends_at, at(300));
    let (client, asked) = (client(), ask(&[]).unwrap());
    let bounds = Bounds {
        issuer: ISSUER,
        client: &client,
        asked: &asked,
        subject: None,
        actor: None,
        ends_at: at(3600),
        now: at(0),
    };
    let terms = bounds.terms().unwrap();
    assert_eq!(terms.ends_at, at(600));
    for (now, seconds) in [(0, 600), (599, 1), (600, 0), (601, 0)] {
        assert_eq!(terms.life(at(now)), Duration::from_secs(seconds), "{now}");
    }
}

#[test]
fn s076_a_result_is_for_resources_of_the_client_alone() {
    let audience = |asked: &[(&'static str, &'static str)], was_for: &[&str]| {
        terms(asked, &token("orders", was_for), None).map(|terms| terms.audience)
    };
    let other = "https://other.test";
    assert_eq!(audience(&[("resource", ORDERS)], &[other]).unwrap(), [ORDERS]);
    assert_eq!(audience(&[], &[ORDERS, other]).unwrap(), [ORDERS], "as far as it is the client's");
    assert_eq!(audience(&[], &[ISSUER]).unwrap(), [ISSUER]);
    assert_eq!(audience(&[], &[other]).unwrap_err().error, OAuthError::InvalidTarget);
    let both = terms(&[("resource", ORDERS)], &token("openid", &[ISSUER]), None).unwrap();
    assert_eq!(both.audience, [ORDERS, ISSUER], "userinfo may be asked");
}

#[test]
fn s083_actors_are_chained_the_latest_outermost() {
    let subject = token("orders", &[ORDERS]);
    let one = terms(&[], &subject, Some(&actor("shop"))).unwrap().act.unwrap();
    assert_eq!(one, json!({ "sub": "shop" }));
    let subject = with_act(subject, one);
    let two = terms(&[], &subject, Some(&actor("courier"))).unwrap().act.unwrap();
    assert_eq!(two, json!({ "sub": "courier", "act": { "sub": "shop" } }));
    let kept = terms(&[], &with_act(subject.clone(), two.clone()), None).unwrap().act;
    assert_eq!(kept, Some(two), "nobody gets rid of it");
    let four = json!({ "sub": "d", "act": { "sub": "c", "act": { "sub": "b", "act": {
        "sub": "a" } } } });
    let after =
        |before: &Value| terms(&[], &with_act(subject.clone(), before.clone()), Some(&actor("e")));
    let five = after(&four).unwrap().act.unwrap();
    assert_eq!(five, json!({ "sub": "e", "act": four }));
    assert_eq!(after(&five).unwrap_err().error, OAuthError::InvalidRequest, "that makes a circle");
}

#[test]
fn s084_what_is_done_in_anothers_name_cannot_sign_in_last_or_administrate() {
    let subject = token("openid orders profile offline_access admin admin:users", &[ORDERS]);
    let all = terms(&[], &subject, Some(&actor("shop"))).unwrap();
    assert_eq!(all.scopes.to_string(), "orders profile");
    let inherited = with_act(subject.clone(), json!({ "sub": "shop" }));
    assert_eq!(terms(&[], &inherited, None).unwrap().scopes.to_string(), "orders profile");
    for scope in ["openid", "offline_access", "admin", "admin:users"] {
        let fault = terms(&[("scope", scope)], &subject, Some(&actor("shop"))).unwrap_err();
        assert_eq!(fault.error, OAuthError::InvalidScope, "{scope}");
    }
    assert!(terms(&[("scope", "admin")], &subject, None).is_ok(), "in the person's own name");
    assert!(delegable("administer") && !delegable("admin/users"));
}

#[test]
fn s083_a_token_is_brought_by_whoever_has_it_or_is_meant_by_it() {
    let (own, other) = (client(), Client { id: ClientId::from_stored("other"), ..client() });
    let mut token = token("orders", &["https://payments.test"]);
    token.client = own.id.clone();
    assert!(may_bring(&token, &own, Some("old key"), ISSUER));
    assert!(!may_bring(&token, &own, None, ISSUER), "it is bound to a key");
    assert!(!may_bring(&token, &own, Some("another key"), ISSUER));
    assert!(!may_bring(&token, &other, None, ISSUER));
    token.audience.push(ORDERS.to_owned());
    assert!(may_bring(&token, &other, None, ISSUER), "it was sent to that resource server");
}

#[test]
fn a_result_says_who_and_what_of_the_terms_alone() {
    let subject = token("openid orders", &[ISSUER]);
    let terms = terms(&[("scope", "orders")], &subject, Some(&actor("courier"))).unwrap();
    let claims = terms.claims(&subject.claims, &client(), None, "new", at(60));
    let expected = json!({
        "iss": ISSUER, "sub": "person", "grant": "grant", "sid": "session", "acr": "one",
        "aud": [ISSUER], "client_id": "shop", "scope": "orders", "iat": at(60).seconds(),
        "exp": at(300).seconds(), "jti": "new", "act": { "sub": "courier" },
    });
    assert_eq!(Value::Object(claims), expected);
    let bound = terms.claims(&subject.claims, &client(), Some("key"), "new", at(60));
    assert_eq!(bound["cnf"], json!({ "jkt": "key" }));
}

proptest! {
    /// Whatever is asked, nothing is given that the subject, the client or the actor do not allow.
    #[test]
    fn s083_no_exchange_widens(
        had in proptest::sample::subsequence(
            vec!["openid", "orders", "orders:write", "admin", "payments", "offline_access"], 0..6),
        wanted in proptest::sample::subsequence(
            vec!["openid", "orders", "orders:write", "admin", "payments", "offline_access"], 0..6),
        acts in any::<bool>(),
    ) {
        let subject = token(&had.join(" "), &[ORDERS]);
        let acting = actor("courier");
        let mut client = client();
        client.scopes.extend(["orders", "orders:write", "admin"].map(str::to_owned));
        let mut asked = ExchangeRequest::read(&form(&[]), &client).unwrap();
        asked.scopes = (!wanted.is_empty()).then(|| Scopes::of(wanted.iter().copied()));
        let bounds = Bounds {
            issuer: ISSUER,
            client: &client,
            asked: &asked,
            subject: Some(&subject),
            actor: acts.then_some(&acting),
            ends_at: at(300),
            now: at(0),
        };
        if let Ok(terms) = bounds.terms() {
            let own = Scopes::of(client.scopes.iter().map(String::as_str));
            prop_assert!(terms.scopes.is_within(&subject.scopes.and(&own)));
            prop_assert!(!terms.scopes.contains("offline_access"));
            prop_assert!(!acts || !(terms.scopes.contains("openid") || terms.scopes.contains("admin")));
            prop_assert!(terms.ends_at <= at(300));
        }
    }
}
