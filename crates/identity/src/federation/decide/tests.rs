//! What becomes of people; `tests/decision_table` walks every case, these tell the reasons.

use super::*;
use crate::applications::ApplicationKey;
use crate::federation::external::EmailVerified;
use crate::federation::fixtures::{NOW, known, provider};
use crate::federation::policy::UnknownUser;
use crate::federation::provider::Authority;
use crate::ids::{ConnectionId, PublicId};
use crate::users::{Birth, Population, UserType};

mod addresses;
mod audit;
mod page;
mod policies;
mod proofs;
mod rules;

fn arrival(email: Option<&str>) -> Arrival {
    let [_, back_office, ..] = Application::built_in();
    Arrival {
        external: ExternalIdentity {
            provider: provider().id,
            issuer: provider().issuer,
            subject: "subject".to_owned(),
            email: email.map(|email| Email::parse(email).unwrap()),
            email_verified: EmailVerified::Yes,
            hosted_domain: None,
            name: Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
            locale: Some("en".to_owned()),
            claims: serde_json::Map::new(),
        },
        application: back_office,
        hook: HookWord::Unasked,
        shown: None,
        now: NOW,
    }
}

fn stranger(unknown_user: UnknownUser) -> Known {
    let connection = Connection {
        id: ConnectionId::from_stored("connection"),
        application: ApplicationKey::from_stored("back-office"),
        provider: provider().id,
        policy: PolicyFields {
            default_groups: Some(vec![GroupId::from_stored("newcomers")]),
            ..PolicyFields::from(unknown_user)
        },
        position: 0,
        exchange_audiences: Vec::new(),
        exchange_staff: false,
    };
    known(connection)
}

fn user(status: Status, email_standing: EmailStanding) -> User {
    User {
        id: UserId::from_stored("user"),
        public_id: PublicId::from_stored("public"),
        user_type: UserType::Staff,
        population: Population::default_one(),
        email: Email::parse("ada@company.test").unwrap(),
        email_standing,
        name: Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
        locale: Some("en".to_owned()),
        status,
        birth: Birth::Added,
        created_at: NOW,
    }
}

fn linked(email: Option<&str>, status: Status) -> Known {
    let linked = Linked {
        identity: IdentityId::from_stored("identity"),
        email: email.map(str::to_owned),
        user: user(status, EmailStanding::VouchedFor),
    };
    Known { linked: Some(linked), ..stranger(UnknownUser::Refuse) }
}

fn same_address(status: Status, standing: EmailStanding, tied: bool) -> Known {
    let candidate = Candidate { user: user(status, standing), has_identity_of_provider: tied };
    Known { candidate: Some(candidate), ..stranger(UnknownUser::Create) }
}

fn ask(arrival: &Arrival, known: &Known) -> Decision {
    decide(arrival, known).decision
}

fn refused(reason: Refusal) -> Decision {
    Decision::Refuse { reason }
}

fn signed_in(identity_email: Option<Option<&str>>) -> Decision {
    Decision::SignIn {
        user: UserId::from_stored("user"),
        identity: IdentityId::from_stored("identity"),
        identity_email: identity_email.map(|email| email.map(str::to_owned)),
        changes: Changes::default(),
    }
}

fn link_user() -> Decision {
    Decision::Link { user: UserId::from_stored("user"), changes: Changes::default() }
}

const ADA: Option<&str> = Some("ada@company.test");

#[test]
fn s026_the_identity_decides_and_the_address_only_follows() {
    let known = linked(ADA, Status::Active);
    assert_eq!(ask(&arrival(ADA), &known), signed_in(None));
    let married = "ada@married.test";
    assert_eq!(ask(&arrival(Some(married)), &known), signed_in(Some(Some(married))));
    // As the provider writes it, so a change of case is kept too.
    let capital = "Ada@company.test";
    assert_eq!(ask(&arrival(Some(capital)), &known), signed_in(Some(Some(capital))));
    // An answer without an address says nothing about it.
    assert_eq!(ask(&arrival(None), &known), signed_in(None));
    assert_eq!(ask(&arrival(ADA), &linked(None, Status::Active)), signed_in(Some(ADA)));
}

#[test]
fn s026_the_identity_wins_over_whoever_has_the_address_now() {
    let recycled = same_address(Status::Active, EmailStanding::Verified, false).candidate;
    let known = Known { candidate: recycled, ..linked(ADA, Status::Active) };
    assert_eq!(ask(&arrival(ADA), &known), signed_in(None));
    let mut untrusted = arrival(ADA);
    untrusted.external.email_verified = EmailVerified::No;
    assert_eq!(ask(&untrusted, &known), signed_in(None));
}

#[test]
fn s036_what_is_switched_off_meanwhile_wins_over_everything() {
    for known in [
        linked(ADA, Status::Active),
        stranger(UnknownUser::Create),
        same_address(Status::Active, EmailStanding::Verified, false),
    ] {
        let mut disabled = known.clone();
        disabled.provider.state = ProviderState::Disabled;
        assert_eq!(ask(&arrival(ADA), &disabled), refused(Refusal::ProviderDisabled));
        let unconnected = Known { connection: None, ..known };
        assert_eq!(ask(&arrival(ADA), &unconnected), refused(Refusal::ProviderNotConnected));
    }
}

#[test]
fn only_the_active_come_in() {
    for (status, reason) in [
        (Status::Held, Refusal::UserHeld),
        (Status::Deactivated, Refusal::UserDeactivated),
        (Status::Deleted, Refusal::UserDeleted),
    ] {
        assert_eq!(ask(&arrival(ADA), &linked(ADA, status)), refused(reason));
        let known = same_address(status, EmailStanding::VouchedFor, false);
        assert_eq!(ask(&arrival(ADA), &known), refused(reason));
    }
}

#[test]
fn s042_an_address_links_only_when_the_providers_word_counts() {
    let mut known = same_address(Status::Active, EmailStanding::VouchedFor, false);
    let link = link_user();
    assert_eq!(ask(&arrival(ADA), &known), link);
    known.provider.authority = Authority::Organisation;
    assert_eq!(ask(&arrival(ADA), &known), refused(Refusal::EmailUntrusted));
    known.provider.trusted_domains = vec!["company.test".to_owned()];
    assert_eq!(ask(&arrival(ADA), &known), link);
    assert_eq!(ask(&arrival(None), &known), refused(Refusal::EmailMissing));
}

#[test]
fn s043_nobody_links_into_an_unconfirmed_account_or_a_tied_one() {
    let unconfirmed = same_address(Status::Active, EmailStanding::Unconfirmed, false);
    assert_eq!(ask(&arrival(ADA), &unconfirmed), refused(Refusal::AccountUnconfirmed));
    for standing in [EmailStanding::VouchedFor, EmailStanding::Verified] {
        let tied = same_address(Status::Active, standing, true);
        assert_eq!(ask(&arrival(ADA), &tied), refused(Refusal::LinkedToAnother));
        let free = same_address(Status::Active, standing, false);
        assert_eq!(ask(&arrival(ADA), &free), link_user());
    }
}

#[test]
fn s047_a_public_provider_neither_links_nor_makes_staff() {
    let mut google = arrival(Some("ada@gmail.com"));
    google.external.issuer = "https://accounts.google.com".to_owned();
    for mut known in [
        same_address(Status::Active, EmailStanding::Verified, false),
        stranger(UnknownUser::Create),
    ] {
        known.provider.authority = Authority::Public;
        for user_type in [UserType::Staff, UserType::Merchant, UserType::Member] {
            google.application.user_type = user_type;
            assert_eq!(ask(&google, &known), refused(Refusal::EmailUntrusted));
        }
        google.application.user_type = UserType::Customer;
        assert!(!matches!(ask(&google, &known), Decision::Refuse { .. }));
    }
}

#[test]
fn a_stranger_becomes_a_user_of_the_default_groups_where_the_door_makes_users() {
    let made = NewUser {
        email: Email::parse("ada@company.test").unwrap(),
        email_standing: EmailStanding::Verified,
        name: Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
        locale: Some("en".to_owned()),
        groups: vec![GroupId::from_stored("newcomers")],
    };
    assert_eq!(ask(&arrival(ADA), &stranger(UnknownUser::Create)), Decision::Create(made));
}

#[test]
fn a_stranger_waits_for_approval_where_the_door_holds_them() {
    let Decision::Hold(held) = ask(&arrival(ADA), &stranger(UnknownUser::Hold)) else {
        panic!("not held")
    };
    assert_eq!(held.groups, [GroupId::from_stored("newcomers")]);
    assert_eq!(
        (held.email.as_typed(), held.email_standing),
        (ADA.unwrap(), EmailStanding::Verified)
    );
}

#[test]
fn s051_a_stranger_is_refused_by_a_code_of_its_own_where_the_door_makes_none() {
    let known = stranger(UnknownUser::Refuse);
    assert_eq!(ask(&arrival(ADA), &known), refused(Refusal::UnknownUser));
    let codes = Refusal::ALL.map(Refusal::code);
    assert_eq!(codes.iter().filter(|code| **code == "unknown_user").count(), 1);
}

#[test]
fn s051_trust_in_an_address_is_weighed_before_the_account_is_considered() {
    let mut untrusted = arrival(ADA);
    untrusted.external.email_verified = EmailVerified::No;
    let nobody = decide(&untrusted, &stranger(UnknownUser::Create));
    let somebody = same_address(Status::Held, EmailStanding::Verified, true);
    assert_eq!(nobody, decide(&untrusted, &somebody));
    assert_eq!(nobody.decision, refused(Refusal::EmailUntrusted));
    assert!(!nobody.considered_account());
    assert!(decide(&arrival(ADA), &somebody).considered_account());
    assert!(decide(&arrival(ADA), &stranger(UnknownUser::Create)).considered_account());
}

fn weighed(decided: &Decided) -> Vec<(&'static str, &str, bool)> {
    let rules = decided.rules.iter();
    rules.map(|rule| (rule.rule, rule.saw.as_str(), rule.settled)).collect()
}

#[test]
fn the_rules_are_told_in_the_order_in_which_they_were_weighed() {
    let linking = same_address(Status::Active, EmailStanding::VouchedFor, false);
    let trust = ("email_trust", "verified_by_operator_provider", false);
    let begin = [
        ("provider_state", "enabled", false),
        ("connection", "connected", false),
        ("allowed_domains", "every domain", false),
        ("identity", "new identity", false),
        trust,
    ];
    let after = |rest: &[(&'static str, &'static str, bool)]| [&begin[..], rest].concat();
    assert_eq!(
        weighed(&decide(&arrival(ADA), &linking)),
        after(&[
            ("same_address", "a user has it", false),
            ("account_standing", "vouched_for", false),
            ("same_provider", "not tied to this provider", false),
            ("user_status", "active", true),
        ])
    );
    assert_eq!(
        weighed(&decide(&arrival(ADA), &stranger(UnknownUser::Refuse))),
        after(&[("same_address", "nobody has it", false), ("unknown_user", "refuse", true)])
    );
    let tied = same_address(Status::Active, EmailStanding::Verified, true);
    assert_eq!(
        weighed(&decide(&arrival(ADA), &tied))[6..],
        [
            ("account_standing", "verified", false),
            ("same_provider", "tied to another subject", true)
        ]
    );
    let unconfirmed = same_address(Status::Active, EmailStanding::Unconfirmed, true);
    assert_eq!(
        weighed(&decide(&arrival(ADA), &unconfirmed))[6..],
        [("account_standing", "unconfirmed", true)]
    );
    assert_eq!(
        weighed(&decide(&arrival(ADA), &linked(ADA, Status::Held)))[3..],
        [("identity", "known identity", false), ("user_status", "held", true)]
    );
}

#[test]
fn a_refusal_is_settled_by_the_last_rule_that_was_weighed() {
    let mut disabled = stranger(UnknownUser::Create);
    disabled.provider.state = ProviderState::Disabled;
    let unconnected = Known { connection: None, ..stranger(UnknownUser::Create) };
    assert_eq!(weighed(&decide(&arrival(ADA), &disabled)), [("provider_state", "disabled", true)]);
    assert_eq!(
        weighed(&decide(&arrival(ADA), &unconnected))[1..],
        [("connection", "not connected", true)]
    );
    assert_eq!(
        weighed(&decide(&arrival(None), &stranger(UnknownUser::Create)))[4..],
        [("email_trust", "email_missing", true)]
    );
}

#[test]
fn the_audit_reads_a_decision_as_json() {
    let json = |decision: &Decision| serde_json::to_string(decision).unwrap();
    assert_eq!(
        json(&signed_in(None)),
        r#"{"decision":"sign_in","user":"user","identity":"identity"}"#
    );
    assert_eq!(
        json(&refused(Refusal::UnknownUser)),
        r#"{"decision":"refuse","reason":"unknown_user"}"#
    );
}
