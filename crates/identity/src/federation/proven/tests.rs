//! Who came in lately comes again, or does not, or nobody knows.

use serde_json::{Value, json};

use super::*;
use crate::applications::Application;
use crate::email::Email;
use crate::federation::decide::Linked;
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::fixtures::{ISSUER, NOW, known, provider};
use crate::federation::hook::HookWord;
use crate::federation::policy::{Connection, PolicyFields};
use crate::ids::{ConnectionId, IdentityId, PublicId, UserId};
use crate::time::Moment;
use crate::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};

const SALES: &str = "claims.department == 'Sales'";

fn fields(policy: &Value) -> PolicyFields {
    serde_json::from_value(policy.clone()).unwrap()
}

fn policy(set: &Value) -> Policy {
    Policy::of(&fields(set), &PolicyFields::default(), UserType::Staff)
}

fn ada() -> User {
    User {
        id: UserId::from_stored("ada"),
        public_id: PublicId::from_stored("ada"),
        user_type: UserType::Staff,
        population: Population::default_one(),
        email: Email::parse("ada@company.test").unwrap(),
        email_standing: EmailStanding::Verified,
        name: Name::default(),
        locale: None,
        status: Status::Active,
        birth: Birth::Added,
        created_at: Moment::from_seconds(0),
    }
}

/// Somebody of Sales who came in under `before`, and comes again under `after`.
fn comes(before: &Value, after: &Value, change: impl FnOnce(&mut Known)) -> Again {
    let doors = Application::built_in();
    let door = doors.into_iter().find(|door| door.user_type == UserType::Staff).unwrap();
    let external = ExternalIdentity {
        provider: provider().id,
        issuer: ISSUER.to_owned(),
        subject: "ada".to_owned(),
        email: Some(Email::parse("ada@company.test").unwrap()),
        email_verified: EmailVerified::Yes,
        hosted_domain: None,
        name: Name::default(),
        locale: None,
        claims: json!({ "department": "Sales" }).as_object().unwrap().clone(),
    };
    let kept = KeptArrival::of(&external, &policy(before));
    let arrival = Arrival {
        external: kept.external(&provider().id),
        application: door.clone(),
        hook: HookWord::Ahead,
        shown: None,
        now: NOW,
    };
    let mut known = known(Connection {
        id: ConnectionId::from_stored("connection"),
        application: door.key,
        provider: provider().id,
        policy: fields(after),
        position: 0,
        exchange_audiences: Vec::new(),
        exchange_staff: false,
    });
    known.linked = Some(Linked {
        identity: IdentityId::from_stored("identity"),
        email: Some("ada@company.test".to_owned()),
        user: ada(),
    });
    change(&mut known);
    again(&kept, &arrival, &known, &policy(before))
}

#[test]
fn who_came_in_comes_again_where_the_policy_lets_them() {
    let open = json!({});
    let reads = json!({ "allow_if": SALES });
    let hook = |url: &str| json!({ "decision_hook": { "url": url } });
    let out = |reason| Again::Out(reason);
    for (before, after, expected) in [
        (&open, &open, Again::In),
        (&open, &json!({ "unknown_user": "refuse", "link": "never" }), Again::In),
        (&reads, &reads, Again::In),
        (&reads, &json!({ "allow_if": "claims.department == 'Legal'" }), out(Refusal::NotAllowed)),
        (&open, &reads, Again::Unproven(Gap::NotRecorded)),
        (&open, &json!({ "allow_if": "claims.sub == 'ada'" }), Again::In),
        (&open, &json!({ "allowed_domains": ["company.test"] }), Again::In),
        (&open, &json!({ "allowed_domains": ["elsewhere.test"] }), out(Refusal::NotAllowed)),
        (&open, &hook("https://one.test/"), Again::Unproven(Gap::AnotherHook)),
        (&hook("https://one.test/"), &hook("https://one.test/"), Again::In),
        (&hook("https://one.test/"), &hook("https://two.test/"), Again::Unproven(Gap::AnotherHook)),
        (&hook("https://one.test/"), &open, Again::In),
    ] {
        assert_eq!(comes(before, after, |_| {}), expected, "{before} {after}");
    }
}

#[test]
fn who_is_not_tied_any_more_does_not_come_in_as_they_came() {
    let create = json!({ "unknown_user": "create" });
    let cut = |known: &mut Known| known.linked = None;
    assert_eq!(comes(&create, &create, cut), Again::Out(Refusal::UnknownUser));
    let disconnected = |known: &mut Known| known.connection = None;
    assert_eq!(comes(&create, &create, disconnected), Again::Out(Refusal::ProviderNotConnected));
}

/// Each field that can keep out somebody who is known, and some that cannot.
#[test]
fn what_can_keep_people_out_is_told_from_what_cannot() {
    let open = policy(&json!({}));
    for (set, differs) in [
        (json!({ "allow_if": SALES }), true),
        (json!({ "allowed_domains": ["company.test"] }), true),
        (json!({ "on_sign_in": { "refuse_if": SALES } }), true),
        (json!({ "no_group_match": "refuse" }), true),
        (json!({ "decision_hook": { "url": "https://one.test/" } }), true),
        (json!({ "sync": { "groups": "import" } }), true),
        (json!({ "unknown_user": "create" }), false),
        (json!({ "link": "never" }), false),
        (json!({ "button_hidden": true }), false),
        (json!({ "default_locale": "de" }), false),
    ] {
        assert_eq!(policy(&set).passes_differently(&open), differs, "{set}");
        assert_eq!(open.passes_differently(&policy(&set)), differs, "{set}");
    }
}
