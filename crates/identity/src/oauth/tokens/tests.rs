//! What tokens say, and to whom.

use super::*;
use crate::oauth::fixtures::{at, grant, user};

const ISSUER: &str = "https://id.test";

fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).unwrap()
}

fn issue<'a>(
    grant: &'a Grant,
    scopes: &'a Scopes,
    dpop_jkt: Option<&'a str>,
    now: Moment,
) -> Issue<'a> {
    Issue { issuer: ISSUER, grant, scopes, resources: &grant.resources, dpop_jkt, now }
}

#[test]
fn an_id_token_says_who_for_whom_and_since_when() {
    let (grant, scopes, user) = (grant(), scopes("openid"), user());
    let issue = issue(&grant, &scopes, None, at(60));
    let subject = Subject { user: &user, groups: &[], organisation: None };
    let with = |algorithm| id_token(issue, subject, Some("n"), "token", algorithm);
    let expected = json!({
        "iss": ISSUER, "sub": "0123456789abcdef0123456789abcdef", "aud": "shop",
        "iat": 1_800_000_060, "exp": 1_800_000_660, "auth_time": 1_800_000_000,
        "amr": ["pwd"], "acr": ACR_ONE_FACTOR, "sid": "session", "nonce": "n",
        "at_hash": "PEaenWxYddN6Q_NT1PiOYQ",
    });
    assert_eq!(Value::Object(with(SigningAlgorithm::Rs256)), expected);
    assert_eq!(Value::Object(with(SigningAlgorithm::Es256)), expected);
    let unknown = Grant { auth_time: None, ..grant.clone() };
    let issue = Issue { grant: &unknown, ..issue };
    let said = id_token(issue, subject, Some("n"), "token", SigningAlgorithm::Rs256);
    assert_eq!(said.get("auth_time"), None, "nobody knows, so nobody says");
    assert_eq!(access_token(issue, &user.public_id, "j").get("auth_time"), None);
    // Ed25519 hashes with SHA-512.
    let longer = "ImXaughy_DrvFp0Hk2XlkPDLyO1GwqeYTIpkKAPP2Ww";
    assert_eq!(with(SigningAlgorithm::EdDsa)["at_hash"], longer);
}

#[test]
fn a_scope_opens_its_claims_and_no_others() {
    let user = user();
    let groups = ["Buyers".to_owned()];
    let organisation = OrganisationId::from_stored("acme");
    let subject = Subject { user: &user, groups: &groups, organisation: Some(&organisation) };
    let keys = |text: &str| {
        let mut keys: Vec<_> =
            userinfo(subject, &scopes(text)).into_iter().map(|one| one.0).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys("openid"), ["sub"]);
    assert_eq!(keys("openid email"), ["email", "email_verified", "sub"]);
    assert_eq!(keys("openid groups"), ["groups", "sub"]);
    assert_eq!(keys("openid organisation"), ["organisation", "sub"]);
    let profile = ["family_name", "given_name", "locale", "name", "sub", "user_type"];
    assert_eq!(keys("openid profile"), profile);
}

#[test]
fn email_verified_is_true_only_when_mail_has_arrived() {
    for (standing, verified) in [
        (EmailStanding::Unconfirmed, false),
        (EmailStanding::VouchedFor, false),
        (EmailStanding::Verified, true),
    ] {
        let user = User { email_standing: standing, ..user() };
        let said =
            userinfo(Subject { user: &user, groups: &[], organisation: None }, &scopes("email"));
        assert_eq!(said["email_verified"], verified, "{standing:?}");
    }
}

#[test]
fn s076_an_access_token_is_for_what_it_was_asked_for() {
    let audience = |resources: &[&str], text: &str| {
        let resources: Vec<String> = resources.iter().map(|&one| one.to_owned()).collect();
        let (grant, scopes) = (grant(), scopes(text));
        let issue = Issue { resources: &resources, ..issue(&grant, &scopes, None, at(0)) };
        access_token(issue, &user().public_id, "jti")["aud"].clone()
    };
    assert_eq!(audience(&[], "orders"), json!([ISSUER]));
    assert_eq!(audience(&["https://orders.test"], "orders"), json!(["https://orders.test"]));
    let both = json!(["https://orders.test", ISSUER]);
    assert_eq!(audience(&["https://orders.test"], "openid orders"), both);
}

#[test]
fn an_access_token_is_read_back_whole_or_not_at_all() {
    let (grant, scopes) = (grant(), scopes("openid"));
    let issue = issue(&grant, &scopes, Some("key"), at(0));
    let claims = access_token(issue, &user().public_id, "jti");
    let read = AccessToken::read(claims.clone()).unwrap();
    assert_eq!(read.grant, Some(grant.id));
    assert_eq!((read.audience, read.scopes), (vec![ISSUER.to_owned()], scopes));
    assert_eq!((read.dpop_jkt.as_deref(), read.expires_at), (Some("key"), at(600)));
    for needed in ["client_id", "sub", "aud", "scope", "exp"] {
        let mut less = claims.clone();
        less.remove(needed);
        assert_eq!(AccessToken::read(less), None, "{needed}");
    }
}

#[test]
fn what_is_for_one_may_say_so_without_a_list() {
    let (grant, scopes) = (grant(), scopes("openid"));
    let mut claims = access_token(issue(&grant, &scopes, None, at(0)), &user().public_id, "jti");
    claims.insert("aud".to_owned(), json!("https://orders.test"));
    assert_eq!(AccessToken::read(claims).unwrap().audience, ["https://orders.test"]);
}

#[test]
fn a_clients_own_token_is_about_the_client() {
    let client = ClientId::from_stored("reports");
    let scopes = scopes("orders:read");
    let resources = ["https://orders.test".to_owned()];
    let issue = OwnIssue {
        issuer: ISSUER,
        client: &client,
        scopes: &scopes,
        resources: &resources,
        dpop_jkt: Some("key"),
        now: at(0),
    };
    let expected = json!({
        "iss": ISSUER, "sub": "reports", "aud": ["https://orders.test"], "client_id": "reports",
        "scope": "orders:read", "iat": 1_800_000_000, "exp": 1_800_000_600, "jti": "j",
        "cnf": { "jkt": "key" },
    });
    assert_eq!(Value::Object(client_token(issue, "j")), expected);
    let for_us = client_token(OwnIssue { resources: &[], dpop_jkt: None, ..issue }, "j");
    assert_eq!((&for_us["aud"], for_us.get("cnf")), (&json!([ISSUER]), None));
}

#[test]
fn two_proofs_are_of_another_class_than_one() {
    assert_eq!(acr(&[Method::Password]), "urn:vestibule:acr:one-factor");
    assert_eq!(acr(&[Method::Provider]), "urn:vestibule:acr:one-factor");
    let two = acr(&[Method::Password, Method::Provider]);
    assert_eq!(two, "urn:vestibule:acr:two-factors");
}
