//! Who is a guest, and that guests are linked to nobody and learn of nobody.

use serde_json::{Value, json};

use super::*;
use crate::applications::{Application, ApplicationKey};
use crate::email::Email;
use crate::federation::decide::{Candidate, Decided, Decision, Linked, decide};
use crate::federation::external::EmailVerified;
use crate::federation::fixtures::{NOW, known, provider};
use crate::federation::hook::{About, DecisionHook, HookAnswer, HookWord};
use crate::federation::policy::{
    Connection, ConnectionError, Policy, PolicyFields, check_connection,
};
use crate::federation::provider::Authority;
use crate::federation::refusal::Refusal;
use crate::ids::{ConnectionId, IdentityId};
use crate::oauth::fixtures::user;
use crate::users::{EmailStanding, Name, Status, User, UserType};

const ENTRA: &str = "https://login.microsoftonline.com/0f0f0f0f-aaaa-bbbb-cccc-000000000001/v2.0";
const GOOGLE: &str = "https://accounts.google.com";

fn external(issuer: &str, email: &str, claims: Value) -> ExternalIdentity {
    ExternalIdentity {
        provider: provider().id,
        issuer: issuer.to_owned(),
        subject: "subject".to_owned(),
        email: Some(Email::parse(email).unwrap()),
        email_verified: EmailVerified::Absent,
        hosted_domain: claims["hd"].as_str().map(str::to_owned),
        name: Name::default(),
        locale: None,
        claims: claims.as_object().unwrap().clone(),
    }
}

fn trusted(issuer: &str, authority: Authority, domains: &[&str]) -> Provider {
    let trusted_domains = domains.iter().map(|one| (*one).to_owned()).collect();
    Provider { issuer: issuer.to_owned(), authority, trusted_domains, ..provider() }
}

fn is_guest(external: &ExternalIdentity, provider: &Provider) -> Option<Guest> {
    guest(external, provider, trust::weigh(external, provider, UserType::Staff))
}

#[test]
fn an_address_outside_the_domains_makes_a_guest_unless_the_word_about_it_counts() {
    let inside = external("https://id.example.com", "ada@company.test", json!({}));
    let outside = external("https://id.example.com", "ada@elsewhere.test", json!({}));
    let vouched = ExternalIdentity { email_verified: EmailVerified::Yes, ..outside.clone() };
    for authority in [Authority::Operator, Authority::Organisation] {
        let provider = trusted("https://id.example.com", authority, &["company.test"]);
        assert_eq!(is_guest(&inside, &provider), None);
        assert_eq!(is_guest(&outside, &provider), Some(Guest::ByAddress));
        let expected = (authority == Authority::Organisation).then_some(Guest::ByAddress);
        assert_eq!(is_guest(&vouched, &provider), expected);
        let anybody = trusted("https://id.example.com", authority, &[]);
        assert_eq!(is_guest(&outside, &anybody), None, "no domain, no guest");
    }
}

#[test]
fn entra_says_who_is_a_guest_in_its_tenant() {
    let provider = trusted(ENTRA, Authority::Operator, &["company.test"]);
    let ask = |claims| is_guest(&external(ENTRA, "ada@company.test", claims), &provider);
    assert_eq!(ask(json!({})), None);
    assert_eq!(ask(json!({ "acct": 0, "tid": "0F0F0F0F-AAAA-bbbb-cccc-000000000001" })), None);
    assert_eq!(ask(json!({ "acct": 1 })), Some(Guest::ByTenant));
    assert_eq!(ask(json!({ "acct": "1" })), Some(Guest::ByTenant));
    assert_eq!(ask(json!({ "tid": "another" })), Some(Guest::ByTenant));
    // Elsewhere these claims mean nothing.
    let other = trusted("https://id.example.com", Authority::Operator, &["company.test"]);
    let claims = json!({ "acct": 1, "tid": "another" });
    assert_eq!(
        is_guest(&external(&other.issuer, "ada@company.test", claims.clone()), &other),
        None
    );
    let everybody = "https://login.microsoftonline.com/common/v2.0";
    let common = trusted(everybody, Authority::Organisation, &["company.test"]);
    let said = external(everybody, "ada@company.test", json!({ "tid": "any" }));
    assert_eq!(is_guest(&said, &common), None, "no tenant is its own");
}

#[test]
fn google_says_of_which_company_somebody_is() {
    let provider = trusted(GOOGLE, Authority::Organisation, &["company.test"]);
    let ask = |claims| is_guest(&external(GOOGLE, "ada@company.test", claims), &provider);
    assert_eq!(ask(json!({ "hd": "company.test" })), None);
    assert_eq!(ask(json!({ "hd": "other.test" })), Some(Guest::ByTenant));
    assert_eq!(ask(json!({})), Some(Guest::ByTenant));
    let anybody = trusted(GOOGLE, Authority::Public, &[]);
    assert_eq!(is_guest(&external(GOOGLE, "ada@gmail.com", json!({})), &anybody), None);
}

/// A guest, with what was set, at a storefront that would take anybody else.
fn arrive(by: Guest, policy: Value) -> (Arrival, Known) {
    let [storefront, ..] = Application::built_in();
    let email = match by {
        Guest::ByAddress => "ada@elsewhere.test",
        Guest::ByTenant => "ada@company.test",
    };
    let claims = json!({ "acct": i32::from(by == Guest::ByTenant) });
    let policy: PolicyFields = serde_json::from_value(policy).unwrap();
    let connection = Connection {
        id: ConnectionId::from_stored("connection"),
        application: ApplicationKey::from_stored("storefront"),
        provider: provider().id,
        policy,
        position: 0,
        exchange_audiences: Vec::new(),
        exchange_staff: false,
    };
    let provider = trusted(ENTRA, Authority::Operator, &["company.test"]);
    let arrival = Arrival {
        external: external(ENTRA, email, claims),
        application: storefront,
        hook: HookWord::Unasked,
        shown: None,
        now: NOW,
    };
    (arrival, Known { provider, ..known(connection) })
}

fn account() -> Candidate {
    let user =
        User { user_type: UserType::Customer, email_standing: EmailStanding::Verified, ..user() };
    Candidate { user, has_identity_of_provider: false }
}

fn reason(decided: &Decided) -> Refusal {
    let Decision::Refuse { reason } = decided.decision else { panic!("{decided:?}") };
    reason
}

#[test]
fn guests_are_turned_away_unless_the_policy_takes_them() {
    for policy in [json!({}), json!({ "link": "any_email" })] {
        for (by, expected) in
            [(Guest::ByAddress, Refusal::EmailUntrusted), (Guest::ByTenant, Refusal::GuestRefused)]
        {
            let (arrival, mut known) = arrive(by, policy.clone());
            assert_eq!(reason(&decide(&arrival, &known)), expected);
            known.candidate = Some(account());
            let decided = decide(&arrival, &known);
            assert_eq!(reason(&decided), expected);
            assert!(!decided.considered_account());
        }
    }
}

#[test]
fn the_audit_says_by_what_somebody_is_a_guest_and_what_becomes_of_guests() {
    for (guests, word) in
        [(Guests::Refuse, "refuse"), (Guests::Hold, "hold"), (Guests::Create, "create")]
    {
        assert_eq!(serde_json::to_value(guests).unwrap(), word);
        assert_eq!(word.parse(), Ok(guests));
        for (by, what) in
            [(Guest::ByAddress, "of another domain"), (Guest::ByTenant, "of another tenant")]
        {
            let (arrival, known) = arrive(by, json!({ "guests": word }));
            let rules = decide(&arrival, &known).rules;
            let saw = rules.into_iter().find(|weighed| weighed.rule == "guests").unwrap().saw;
            assert_eq!(saw, format!("{what}: {word}"));
        }
    }
}

#[test]
fn guests_of_an_organisation_are_let_in_by_nobody_but_an_administrator() {
    let [storefront, ..] = Application::built_in();
    let save = |authority, guests: &str| {
        let (_, known) = arrive(Guest::ByTenant, json!({ "guests": guests }));
        let fields = known.connection.unwrap().policy;
        let policy = Policy::of(&fields, &PolicyFields::default(), UserType::Customer);
        let provider = trusted("https://id.example.com", authority, &["company.test"]);
        check_connection(&provider, &storefront, &policy, &[])
    };
    assert_eq!(save(Authority::Operator, "create"), Ok(()));
    for guests in ["refuse", "hold"] {
        assert_eq!(save(Authority::Organisation, guests), Ok(()));
    }
    let refused = ConnectionError::GuestsOfOrganisation { provider: "Corp".to_owned() };
    assert_eq!(save(Authority::Organisation, "create"), Err(refused));
}

#[test]
fn s051_a_held_guest_learns_nothing_about_accounts() {
    for by in [Guest::ByAddress, Guest::ByTenant] {
        for more in [
            json!({}),
            json!({ "link": "any_email", "unknown_user": "create" }),
            json!({ "on_create": { "status": "'active'", "groups": "user == null ? 'a' : 'b'" } }),
            json!({ "on_create": { "refuse_if": "user != null" } }),
        ] {
            let mut policy = more;
            policy["guests"] = json!("hold");
            let (arrival, mut known) = arrive(by, policy);
            let free = decide(&arrival, &known);
            let Decision::Hold(held) = &free.decision else { panic!("{free:?}") };
            let standing = match by {
                Guest::ByAddress => EmailStanding::Unconfirmed,
                Guest::ByTenant => EmailStanding::Verified,
            };
            assert_eq!(held.email_standing, standing);
            known.candidate = Some(account());
            let taken = decide(&arrival, &known);
            assert_eq!(reason(&taken), Refusal::UserHeld, "the page of whoever is held");
            assert!(!taken.considered_account(), "the audit does not tie them to the account");
            assert_eq!(taken.rules.last().unwrap().saw, "a user has the address");
            let but_last = |decided: &Decided| decided.rules[..decided.rules.len() - 1].to_vec();
            assert_eq!(but_last(&free), but_last(&taken));
        }
    }
}

#[test]
fn a_guest_is_let_in_at_once_only_with_an_address_that_counts_and_is_nobodys() {
    let policy = json!({ "guests": "create" });
    let (arrival, known) = arrive(Guest::ByAddress, policy.clone());
    assert_eq!(reason(&decide(&arrival, &known)), Refusal::EmailUntrusted);
    let (arrival, mut known) = arrive(Guest::ByTenant, policy);
    assert!(matches!(decide(&arrival, &known).decision, Decision::Create(_)));
    known.candidate = Some(account());
    assert_eq!(reason(&decide(&arrival, &known)), Refusal::LinkingOff);
}

#[test]
fn s051_the_hook_is_told_the_same_of_a_held_guest_whoever_has_their_address() {
    let url = "https://hook.example.com/";
    let hook = || DecisionHook { url: url.to_owned(), allow_private: Vec::new() };
    let hooked = json!({ "guests": "hold", "decision_hook": { "url": url } });
    let ask = |policy: &Value, word: &HookWord, taken: bool| {
        let (mut arrival, mut known) = arrive(Guest::ByTenant, policy.clone());
        arrival.hook = word.clone();
        known.candidate = taken.then(account);
        decide(&arrival, &known)
    };
    let ahead = ask(&hooked, &HookWord::Ahead, true);
    assert_eq!(ahead, ask(&hooked, &HookWord::Ahead, false));
    let about = About::of(&ahead.decision);
    let answer = HookAnswer::parse(br#"{"decision":"allow"}"#).unwrap();
    let said = HookWord::Said { hook: hook(), about, answer };
    assert!(matches!(ask(&hooked, &said, false).decision, Decision::Hold(_)));
    assert_eq!(reason(&ask(&hooked, &said, true)), Refusal::UserHeld);
    // Where there is none to be told, what is said ahead is what comes.
    let unhooked = json!({ "guests": "hold" });
    for taken in [false, true] {
        let ahead = ask(&unhooked, &HookWord::Ahead, taken);
        assert_eq!(ahead, ask(&unhooked, &HookWord::Unasked, taken));
    }
}

#[test]
fn a_guest_whom_a_rule_holds_waits_like_everybody_else() {
    let policy = json!({ "guests": "create", "on_create": { "status": "'held'" } });
    let (arrival, mut known) = arrive(Guest::ByTenant, policy);
    assert!(matches!(decide(&arrival, &known).decision, Decision::Hold(_)));
    known.candidate = Some(account());
    assert_eq!(reason(&decide(&arrival, &known)), Refusal::LinkingOff);
}

#[test]
fn the_word_about_a_guests_address_settles_the_matter_where_it_does_not_count() {
    for (by, guests, settles) in [
        (Guest::ByAddress, "create", true),
        (Guest::ByAddress, "hold", false),
        (Guest::ByTenant, "create", false),
        (Guest::ByTenant, "hold", false),
    ] {
        let (arrival, known) = arrive(by, json!({ "guests": guests }));
        let rules = decide(&arrival, &known).rules;
        let word = rules.iter().rfind(|weighed| weighed.rule == "email_trust").unwrap();
        assert_eq!(word.settled, settles, "{by:?} {guests}");
    }
}

#[test]
fn a_guest_who_is_known_comes_as_ever() {
    for by in [Guest::ByAddress, Guest::ByTenant] {
        let (arrival, mut known) = arrive(by, json!({}));
        let identity = IdentityId::from_stored("identity");
        let user = User { status: Status::Active, ..account().user };
        known.linked = Some(Linked { identity, email: None, user });
        assert!(matches!(decide(&arrival, &known).decision, Decision::SignIn { .. }));
    }
}
