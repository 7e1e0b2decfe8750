//! What a changed policy changes for somebody, on the same facts.

use serde_json::{Value, json};

use super::*;
use crate::applications::Application;
use crate::email::Email;
use crate::federation::decide::Linked;
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::fixtures::{ISSUER, NOW, known, provider};
use crate::federation::hook::HookWord;
use crate::federation::mapping::Membership;
use crate::federation::policy::Connection;
use crate::groups::Group;
use crate::ids::{ConnectionId, IdentityId};
use crate::oauth::fixtures::user;
use crate::users::{Name, User, UserType};

fn under(policy: &Value) -> Known {
    let door = door();
    known(Connection {
        id: ConnectionId::from_stored("connection"),
        application: door.key,
        provider: provider().id,
        policy: serde_json::from_value(policy.clone()).unwrap(),
        position: 0,
        exchange_audiences: Vec::new(),
        exchange_staff: false,
    })
}

fn door() -> Application {
    let doors = Application::built_in();
    doors.into_iter().find(|door| door.user_type == UserType::Staff).unwrap()
}

/// Somebody new whose claims were kept under the first policy, and then asked about under both.
fn played(claims: &Value, in_force: &Value, changed: &Value) -> Option<Replayed> {
    played_to(claims, &Tried { in_force: under(in_force), changed: under(changed) })
}

/// Somebody whose claims were kept under the policy in force, and then asked about under both.
fn played_to(claims: &Value, tried: &Tried) -> Option<Replayed> {
    let external = ExternalIdentity {
        provider: provider().id,
        issuer: ISSUER.to_owned(),
        subject: "ada".to_owned(),
        email: Some(Email::parse("ada@company.test").unwrap()),
        email_verified: EmailVerified::Yes,
        hosted_domain: None,
        name: Name::default(),
        locale: None,
        claims: claims.as_object().unwrap().clone(),
    };
    let fields = &tried.in_force.connection.as_ref()?.policy;
    let policy = Policy::of(fields, &PolicyFields::default(), UserType::Staff);
    let kept = KeptArrival::of(&external, &policy);
    let arrival = Arrival {
        external: kept.external(&provider().id),
        application: door(),
        hook: HookWord::Ahead,
        shown: None,
        now: NOW,
    };
    replay(&kept, &arrival, tried)
}

/// Somebody known, whom this connection put into groups, where they are so many; a policy without
/// rules is not told of them.
fn member(policy: &Value, of: &[&str]) -> Known {
    let user = User { user_type: UserType::Staff, ..user() };
    let identity = IdentityId::from_stored("identity");
    let memberships = of.iter().map(|name| Membership {
        group: GroupId::from_stored(*name),
        name: (*name).to_owned(),
        granted_here: true,
    });
    let groups = ["editors", "support"].map(|name| Group {
        id: GroupId::from_stored(name),
        user_type: UserType::Staff,
        name: name.to_owned(),
        built_in: false,
        created_at: NOW,
    });
    Known {
        linked: Some(Linked { identity, email: None, user }),
        memberships: memberships.collect(),
        groups: groups.to_vec(),
        ..under(policy)
    }
}

fn difference(claims: &Value, in_force: &Value, changed: &Value) -> &'static str {
    difference_of(played(claims, in_force, changed))
}

fn difference_of(replayed: Option<Replayed>) -> &'static str {
    match replayed {
        Some(Replayed::Said(said)) => said.difference.as_str(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_differs_comes_from_the_policy_alone() {
    let sales = json!({ "department": "Sales" });
    let create = json!({ "unknown_user": "create" });
    let refuse = json!({ "unknown_user": "refuse" });
    let hold = json!({ "unknown_user": "hold" });
    let only = |who: &str| json!({ "unknown_user": "create", "allow_if": format!("claims.department == '{who}'") });
    for (in_force, changed, expected) in [
        (&refuse, &create, "let_in"),
        (&create, &refuse, "kept_out"),
        (&create, &hold, "kept_out"),
        (&hold, &refuse, "same"),
        (&only("Sales"), &only("Legal"), "kept_out"),
        (&only("Legal"), &only("Sales"), "let_in"),
        (&only("Sales"), &create, "same"),
        (&create, &json!({ "unknown_user": "create", "default_groups": ["g"] }), "groups"),
    ] {
        assert_eq!(difference(&sales, in_force, changed), expected, "{in_force} {changed}");
    }
}

#[test]
fn what_is_counted_as_other_groups_is_what_somebody_known_would_be_in() {
    let none = json!({});
    let gives = |name: &str| json!({ "on_sign_in": { "groups": format!("['{name}']") } });
    let (editors, support) = (gives("editors"), gives("support"));
    for (in_force, changed, are_in, expected) in [
        (&none, &editors, &[][..], "groups"),
        (&none, &editors, &["editors"], "same"),
        (&none, &editors, &["support"], "groups"),
        (&editors, &support, &["editors"], "groups"),
        (&editors, &support, &["support"], "groups"),
        (&editors, &editors, &["support"], "same"),
        (&editors, &none, &["editors"], "same"),
        (&editors, &none, &["editors", "support"], "groups"),
    ] {
        let told = |policy| member(policy, if *policy == none { &[] } else { are_in });
        let tried = Tried { in_force: told(in_force), changed: told(changed) };
        let said = difference_of(played_to(&json!({}), &tried));
        assert_eq!(said, expected, "{in_force} {changed} {are_in:?}");
    }
}

#[test]
fn nothing_is_said_about_claims_that_were_not_kept() {
    let create = json!({ "unknown_user": "create" });
    let reads = json!({ "unknown_user": "create", "allow_if": "claims.department == 'Sales'" });
    let said = played(&json!({ "department": "Sales" }), &create, &reads);
    assert_eq!(said, Some(Replayed::CannotSay { claim: "department".to_owned() }));
    assert_eq!(difference(&json!({}), &reads, &reads), "same");
}

#[test]
fn at_a_door_that_is_not_joined_any_more_no_policy_is_in_force() {
    let create = json!({ "unknown_user": "create" });
    let kept = KeptArrival::of(
        &ExternalIdentity {
            provider: provider().id,
            issuer: ISSUER.to_owned(),
            subject: "ada".to_owned(),
            email: None,
            email_verified: EmailVerified::Absent,
            hosted_domain: None,
            name: Name::default(),
            locale: None,
            claims: serde_json::Map::new(),
        },
        &Policy::of(&PolicyFields::default(), &PolicyFields::default(), UserType::Staff),
    );
    let arrival = Arrival {
        external: kept.external(&provider().id),
        application: door(),
        hook: HookWord::Ahead,
        shown: None,
        now: NOW,
    };
    let gone = Known { connection: None, ..under(&create) };
    let tried = Tried { in_force: gone.clone(), changed: gone };
    assert_eq!(replay(&kept, &arrival, &tried), None);
}
