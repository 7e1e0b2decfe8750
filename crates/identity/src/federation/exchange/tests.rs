//! What becomes of people for whom a client brings a token.

use super::*;
use crate::applications::Application;
use crate::email::Email;
use crate::federation::decide::{Candidate, Linked};
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::fixtures::{NOW, known, provider};
use crate::federation::hook::HookWord;
use crate::federation::policy::UnknownUser;
use crate::federation::provider::{Provider, ProviderState};
use crate::ids::{ConnectionId, IdentityId};
use crate::oauth::fixtures::user;
use crate::users::{Name, Status, User};

const APP: &str = "mobile-app";

fn arrival(door: usize) -> Arrival {
    Arrival {
        external: ExternalIdentity {
            provider: provider().id,
            issuer: provider().issuer,
            subject: "subject".to_owned(),
            email: Some(Email::parse("ada@example.com").unwrap()),
            email_verified: EmailVerified::Yes,
            hosted_domain: None,
            name: Name::default(),
            locale: None,
            claims: serde_json::Map::new(),
        },
        application: Application::built_in()[door].clone(),
        hook: HookWord::Unasked,
        shown: None,
        now: NOW,
    }
}

/// The storefront; the back office is the next one.
const STOREFRONT: usize = 0;
const BACK_OFFICE: usize = 1;

fn connection() -> Connection {
    Connection {
        id: ConnectionId::from_stored("connection"),
        application: Application::built_in()[STOREFRONT].key.clone(),
        provider: provider().id,
        policy: UnknownUser::Create.into(),
        position: 0,
        exchange_audiences: vec![APP.to_owned()],
        exchange_staff: false,
    }
}

fn linked(status: Status) -> Known {
    let user = User { status, ..user() };
    let linked = Linked { identity: IdentityId::from_stored("identity"), email: None, user };
    Known { linked: Some(linked), ..known(connection()) }
}

fn ask_at(door: usize, known: &Known, kind: SubjectKind, named: &[&str]) -> Decision {
    let named: Vec<String> = named.iter().map(|&one| one.to_owned()).collect();
    decide_exchange(&arrival(door), known, Brought { kind, audiences: &named }).decision
}

fn ask(known: &Known) -> Decision {
    ask_at(STOREFRONT, known, SubjectKind::IdToken, &[APP])
}

fn refused(reason: Refusal) -> Decision {
    Decision::Refuse { reason }
}

#[test]
fn s083_no_token_is_taken_whose_audience_the_connection_does_not_list() {
    let off = known(Connection { exchange_audiences: Vec::new(), ..connection() });
    let on = known(connection());
    for kind in [SubjectKind::IdToken, SubjectKind::AccessToken] {
        assert_eq!(ask_at(STOREFRONT, &off, kind, &[APP]), refused(Refusal::ExchangeOff));
        assert!(matches!(ask_at(STOREFRONT, &on, kind, &[APP]), Decision::Create(_)));
    }
    let id = |named: &[&str]| ask_at(STOREFRONT, &on, SubjectKind::IdToken, named);
    assert_eq!(id(&["another"]), refused(Refusal::ExchangeOff));
    assert!(matches!(id(&["another", APP]), Decision::Create(_)));
}

#[test]
fn s083_staff_are_asked_for_by_a_switch_of_their_own() {
    let staff = |exchange_staff| {
        let known = known(Connection { exchange_staff, ..connection() });
        ask_at(BACK_OFFICE, &known, SubjectKind::IdToken, &[APP])
    };
    assert_eq!(staff(false), refused(Refusal::ExchangeOff));
    assert!(matches!(staff(true), Decision::Create(_)));
}

#[test]
fn s083_an_exchange_links_nobody() {
    let candidate = Candidate { user: user(), has_identity_of_provider: false };
    let same_address = Known { candidate: Some(candidate), ..known(connection()) };
    assert_eq!(ask(&same_address), refused(Refusal::LinkNeedsSignIn));
}

#[test]
fn s083_an_exchange_asks_for_nobodys_approval() {
    let hold = Connection { policy: UnknownUser::Hold.into(), ..connection() };
    assert_eq!(ask(&known(hold)), refused(Refusal::ApprovalNeedsSignIn));
}

#[test]
fn s083_an_exchange_tells_nobody_whether_a_guest_has_an_account() {
    let fields = serde_json::from_value(serde_json::json!({ "guests": "hold" })).unwrap();
    let own = Provider { trusted_domains: vec!["company.test".to_owned()], ..provider() };
    let free = Known { provider: own, ..known(Connection { policy: fields, ..connection() }) };
    let candidate = Candidate { user: user(), has_identity_of_provider: false };
    let taken = Known { candidate: Some(candidate), ..free.clone() };
    let mut guest = arrival(STOREFRONT);
    guest.external.email_verified = EmailVerified::Absent;
    let named = [APP.to_owned()];
    let brought = Brought { kind: SubjectKind::IdToken, audiences: &named };
    for known in [free, taken] {
        let decision = decide_exchange(&guest, &known, brought).decision;
        assert_eq!(decision, refused(Refusal::ApprovalNeedsSignIn));
    }
}

#[test]
fn s083_everything_else_is_as_at_a_callback() {
    assert!(matches!(ask(&linked(Status::Active)), Decision::SignIn { .. }));
    for (status, reason) in [
        (Status::Held, Refusal::UserHeld),
        (Status::Deactivated, Refusal::UserDeactivated),
        (Status::Deleted, Refusal::UserDeleted),
    ] {
        assert_eq!(ask(&linked(status)), refused(reason));
    }
    let policy = UnknownUser::Refuse.into();
    let closed = known(Connection { policy, ..connection() });
    assert_eq!(ask(&closed), refused(Refusal::UnknownUser));
    let disabled = Provider { state: ProviderState::Disabled, ..provider() };
    let disabled = Known { provider: disabled, ..linked(Status::Active) };
    assert_eq!(ask(&disabled), refused(Refusal::ProviderDisabled));
    let elsewhere = Known { connection: None, ..linked(Status::Active) };
    assert_eq!(ask(&elsewhere), refused(Refusal::ProviderNotConnected));
}

#[test]
fn the_rules_that_were_weighed_come_in_order() {
    let rules = |known: &Known| -> Vec<&str> {
        let named = [APP.to_owned()];
        let brought = Brought { kind: SubjectKind::IdToken, audiences: &named };
        let decided = decide_exchange(&arrival(STOREFRONT), known, brought);
        decided.rules.iter().map(|weighed| weighed.rule).collect()
    };
    let first =
        ["exchange_audience", "provider_state", "connection", "allowed_domains", "identity"];
    assert_eq!(rules(&linked(Status::Active))[..5], first);
    let candidate = Candidate { user: user(), has_identity_of_provider: false };
    let same_address = Known { candidate: Some(candidate), ..known(connection()) };
    assert_eq!(rules(&same_address).last(), Some(&"exchange_needs_browser"));
}

#[test]
fn a_rule_of_the_exchange_settles_what_it_refuses_and_nothing_else() {
    let weighed = |door, listed: &[&str], exchange_staff| -> Vec<(&str, bool)> {
        let exchange_audiences = listed.iter().map(|&one| one.to_owned()).collect();
        let known = known(Connection { exchange_audiences, exchange_staff, ..connection() });
        let named = [APP.to_owned()];
        let brought = Brought { kind: SubjectKind::IdToken, audiences: &named };
        let rules = decide_exchange(&arrival(door), &known, brought).rules;
        let own = rules.iter().filter(|one| one.rule.starts_with("exchange_"));
        own.map(|one| (one.rule, one.settled)).collect()
    };
    let (audience, staff) = ("exchange_audience", "exchange_staff");
    assert_eq!(weighed(STOREFRONT, &[APP], false), [(audience, false)]);
    assert_eq!(weighed(STOREFRONT, &[], false), [(audience, true)]);
    assert_eq!(weighed(BACK_OFFICE, &[APP], false), [(audience, false), (staff, true)]);
    assert_eq!(weighed(BACK_OFFICE, &[APP], true), [(audience, false), (staff, false)]);
}
