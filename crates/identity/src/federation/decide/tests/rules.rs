//! What the rules of a policy make of people and of their claims.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::policies::under;
use super::*;
use crate::expressions::{Expression, Rule};
use crate::federation::mapping::named_groups;
use crate::federation::policy::{Mapping, NoGroupMatch, SyncMode, SyncModes};

pub(super) fn rule(text: &str) -> Option<Expression<Rule>> {
    Some(Expression::compile(text).unwrap())
}

pub(super) fn with(claims: Value) -> Arrival {
    let mut arrival = arrival(ADA);
    arrival.external.claims = claims.as_object().unwrap().clone();
    arrival
}

pub(super) fn groups(text: &str) -> PolicyFields {
    let mapping = Mapping { groups: rule(text), ..Mapping::default() };
    PolicyFields { on_sign_in: Some(mapping), ..PolicyFields::default() }
}

fn group(name: &str) -> Group {
    Group {
        id: GroupId::from_stored(name),
        user_type: UserType::Staff,
        name: name.to_owned(),
        built_in: name == crate::groups::ADMINISTRATORS,
        created_at: NOW,
    }
}

/// Somebody known, in groups that this connection gave them and in others.
pub(super) fn member(given: &[&str], others: &[&str]) -> Known {
    let membership = |granted_here: bool| {
        move |name: &&str| Membership {
            group: GroupId::from_stored(*name),
            name: (*name).to_owned(),
            granted_here,
        }
    };
    let given = given.iter().map(membership(true));
    let memberships = given.chain(others.iter().map(membership(false))).collect();
    let there = ["Editors", "Support", "newcomers", crate::groups::ADMINISTRATORS];
    let groups = there.iter().map(|name| group(name)).collect();
    Known { memberships, groups, ..linked(ADA, Status::Active) }
}

fn changes(decision: Decision) -> Changes {
    match decision {
        Decision::SignIn { changes, .. } | Decision::Link { changes, .. } => changes,
        other => panic!("{other:?}"),
    }
}

fn ids(names: &[&str]) -> Vec<GroupId> {
    names.iter().map(|name| GroupId::from_stored(*name)).collect()
}

#[test]
fn who_may_pass_is_exactly_true_for_known_people_and_for_new_ones() {
    let only = |text: &str| PolicyFields { allow_if: Some(rule(text)), ..PolicyFields::default() };
    let sales = r#"claims.department == "Sales""#;
    for (claims, passes) in [
        (json!({ "department": "Sales" }), true),
        (json!({ "department": "Legal" }), false),
        (json!({}), false),
        (json!({ "department": null }), false),
    ] {
        for known in [stranger(UnknownUser::Create), linked(ADA, Status::Active)] {
            let decided = ask(&with(claims.clone()), &under(only(sales), known));
            assert_eq!(decided != refused(Refusal::NotAllowed), passes, "{claims}");
        }
    }
    // What cannot be applied lets nobody in.
    let fault = under(only("claims.level > 3"), linked(ADA, Status::Active));
    assert_eq!(ask(&with(json!({ "level": "high" })), &fault), refused(Refusal::RuleFailed));
    // The account of the same address is not looked at: it is not theirs yet.
    let known =
        under(only("user != null"), same_address(Status::Active, EmailStanding::Verified, false));
    assert_eq!(ask(&arrival(ADA), &known), refused(Refusal::NotAllowed));
    assert!(!decide(&arrival(ADA), &known).considered_account());
}

#[test]
fn either_mapping_may_refuse_and_then_nothing_is_decided_but_that() {
    let refusing = || Mapping { refuse_if: rule("claims.contractor"), ..Mapping::default() };
    let create = PolicyFields { on_create: Some(refusing()), ..PolicyFields::default() };
    let sign_in = PolicyFields { on_sign_in: Some(refusing()), ..PolicyFields::default() };
    let contractor = with(json!({ "contractor": true }));
    let employee = with(json!({ "contractor": false }));
    let all = [
        stranger(UnknownUser::Create),
        linked(ADA, Status::Active),
        same_address(Status::Active, EmailStanding::Verified, false),
    ];
    for (known, by_create) in all.into_iter().zip([true, false, false]) {
        let turned_away = |policy: &PolicyFields, arrival: &Arrival| {
            ask(arrival, &under(policy.clone(), known.clone())) == refused(Refusal::NotAllowed)
        };
        assert_eq!(turned_away(&create, &contractor), by_create);
        assert!(turned_away(&sign_in, &contractor));
        assert!(!turned_away(&create, &employee) && !turned_away(&sign_in, &employee));
    }
}

#[test]
fn groups_follow_the_claims_and_only_those_that_came_by_them_go() {
    let policy = || groups("claims.groups");
    let told = |names: Value, known: Known| {
        changes(ask(&with(json!({ "groups": names })), &under(policy(), known)))
    };
    let moved = told(json!(["editors", "no such"]), member(&["Support"], &["Sales"]));
    assert_eq!((moved.granted, moved.revoked), (ids(&["Editors"]), ids(&["Support"])));
    // By hand, or by another connection: not ours to take.
    let kept = told(json!(["Editors"]), member(&["Editors"], &["Support", "Sales"]));
    assert!(kept.is_empty());
    // Granted by hand and named by the provider: it is also granted here, and goes alone.
    let both = told(json!(["Support"]), member(&[], &["Support"]));
    assert_eq!((both.granted, both.revoked), (ids(&["Support"]), vec![]));
    let twice = told(json!(["Support", "support", "Editors"]), member(&[], &[]));
    assert_eq!(twice.granted, ids(&["Support", "Editors"]), "each once");
    // No claim makes an administrator.
    let none = told(json!(["administrators", "Editors"]), member(&["Editors"], &[]));
    assert!(none.is_empty());
}

#[test]
fn whom_no_group_fits_gets_the_default_keeps_what_there_is_or_is_refused() {
    let choose = |choice: NoGroupMatch, claims: Value, known: Known| {
        let policy = PolicyFields { no_group_match: Some(choice), ..groups("claims.groups") };
        ask(&with(claims), &under(policy, known))
    };
    let nothing = || json!({ "groups": ["elsewhere"] });
    let default = changes(choose(NoGroupMatch::Default, nothing(), member(&["Editors"], &[])));
    assert_eq!((default.granted, default.revoked), (ids(&["newcomers"]), ids(&["Editors"])));
    let keep = changes(choose(NoGroupMatch::Keep, nothing(), member(&["Editors"], &[])));
    assert!(keep.is_empty());
    let refuse = choose(NoGroupMatch::Refuse, nothing(), member(&["Editors"], &[]));
    assert_eq!(refuse, refused(Refusal::NoGroup));
    // A claim that is missing names nothing; one that was too long to be told says nothing.
    let missing = changes(choose(NoGroupMatch::Default, json!({}), member(&["Editors"], &[])));
    assert_eq!(missing.revoked, ids(&["Editors"]));
    let overage = json!({ "_claim_names": { "groups": "src1" } });
    let untold = changes(choose(NoGroupMatch::Default, overage.clone(), member(&["Editors"], &[])));
    assert!(untold.is_empty());
    let refuse = choose(NoGroupMatch::Refuse, overage, member(&["Editors"], &[]));
    assert_eq!(refuse, refused(Refusal::NoGroup));
}

#[test]
fn how_often_groups_are_taken_is_a_choice() {
    let mode = |groups_mode: SyncMode, known: Known| {
        let sync = SyncModes { groups: groups_mode, ..SyncModes::default() };
        let policy = PolicyFields { sync: Some(sync), ..groups("claims.groups") };
        changes(ask(&with(json!({ "groups": ["Editors"] })), &under(policy, known)))
    };
    assert!(mode(SyncMode::Off, member(&["Support"], &[])).is_empty());
    assert!(mode(SyncMode::Import, member(&["Support"], &[])).is_empty());
    let first = || Known {
        linked: None,
        candidate: same_address(Status::Active, EmailStanding::Verified, false).candidate,
        ..member(&["Support"], &[])
    };
    let imported = mode(SyncMode::Import, first());
    assert_eq!((imported.granted, imported.revoked), (ids(&["Editors"]), vec![]));
    assert!(mode(SyncMode::Off, first()).is_empty());
    assert_eq!(mode(SyncMode::Force, first()).revoked, ids(&["Support"]));
}

fn newcomer(fields: PolicyFields, claims: Value) -> (bool, NewUser) {
    let groups = member(&[], &[]).groups;
    let known = Known { groups, ..under(fields, stranger(UnknownUser::Create)) };
    match ask(&with(claims), &known) {
        Decision::Create(new) => (false, new),
        Decision::Hold(new) => (true, new),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_user_is_as_the_rules_say_and_those_for_newcomers_first() {
    let all = |given: &str, locale: &str, groups: &str| Mapping {
        given_name: rule(given),
        locale: rule(locale),
        groups: rule(groups),
        ..Mapping::default()
    };
    let mut fields = PolicyFields {
        on_sign_in: Some(all("claims.nick", r#""fr""#, r#""Support""#)),
        ..PolicyFields::default()
    };
    let claims = json!({ "nick": " Countess\n", "lang": "de_AT" });
    let (held, new) = newcomer(fields.clone(), claims.clone());
    assert_eq!((held, new.name.full().as_str()), (false, "Countess Lovelace"));
    assert_eq!((new.locale.as_deref(), new.groups), (Some("fr"), ids(&["Support"])));
    let create =
        Mapping { status: rule(r#""held""#), ..all(r#""A""#, "claims.lang", r#"["editors"]"#) };
    fields.on_create = Some(create);
    let (held, new) = newcomer(fields.clone(), claims);
    assert_eq!((held, new.name.full().as_str()), (true, "A Lovelace"));
    assert_eq!((new.locale.as_deref(), new.groups), (Some("de-AT"), ids(&["Editors"])));
    // What is not taken at all is not taken for newcomers either.
    let off = SyncMode::Off;
    fields.sync = Some(SyncModes { name: off, locale: off, email: off, groups: off });
    fields.default_locale = Some(Some("nl".to_owned()));
    let (_, new) = newcomer(fields, json!({}));
    assert_eq!((new.name, new.locale.as_deref()), (Name::default(), Some("nl")));
    assert_eq!(new.groups, ids(&["newcomers"]));
}

#[test]
fn a_newcomer_whom_no_group_fits_is_told_by_the_same_choice() {
    for (choice, expected) in [
        (NoGroupMatch::Default, Ok(ids(&["newcomers"]))),
        (NoGroupMatch::Keep, Ok(vec![])),
        (NoGroupMatch::Refuse, Err(Refusal::NoGroup)),
    ] {
        let policy = PolicyFields { no_group_match: Some(choice), ..groups("claims.groups") };
        let known = under(policy, stranger(UnknownUser::Create));
        let decided = match ask(&with(json!({ "groups": ["elsewhere"] })), &known) {
            Decision::Create(new) => Ok(new.groups),
            Decision::Refuse { reason } => Err(reason),
            other => panic!("{other:?}"),
        };
        assert_eq!(decided, expected);
    }
}

#[test]
fn a_status_is_one_of_two_words() {
    let says = |text: &str| {
        let mapping = Mapping { status: rule(text), ..Mapping::default() };
        let fields = PolicyFields { on_create: Some(mapping), ..PolicyFields::default() };
        ask(&arrival(ADA), &under(fields, stranger(UnknownUser::Hold)))
    };
    assert!(matches!(says(r#""active""#), Decision::Create(_)));
    assert!(matches!(says(r#""held""#), Decision::Hold(_)));
    assert!(matches!(says("claims.nothing"), Decision::Hold(_)), "as the policy says without");
    assert_eq!(says(r#""deleted""#), refused(Refusal::RuleFailed));
}

#[test]
fn a_rule_may_end_the_wait_of_somebody_who_is_held_and_of_nobody_else() {
    let mapping = Mapping { status: rule(r#""active""#), ..Mapping::default() };
    let fields = PolicyFields { on_sign_in: Some(mapping), ..PolicyFields::default() };
    let decided = |status| ask(&arrival(ADA), &under(fields.clone(), linked(ADA, status)));
    assert!(changes(decided(Status::Held)).approved);
    assert!(changes(decided(Status::Active)).is_empty());
    assert_eq!(decided(Status::Deactivated), refused(Refusal::UserDeactivated));
    assert_eq!(decided(Status::Deleted), refused(Refusal::UserDeleted));
}

#[test]
fn names_and_languages_follow_where_they_are_forced_and_are_never_emptied() {
    let force =
        SyncModes { name: SyncMode::Force, locale: SyncMode::Force, ..SyncModes::default() };
    let fields = PolicyFields { sync: Some(force), ..PolicyFields::default() };
    let known = || under(fields.clone(), linked(ADA, Status::Active));
    assert_eq!(ask(&arrival(ADA), &known()), signed_in(None), "nothing new");
    let mut married = arrival(ADA);
    married.external.name.family = "King".to_owned();
    married.external.locale = Some("fr".to_owned());
    let changed = changes(ask(&married, &known()));
    assert_eq!(changed.name.unwrap().full(), "Ada King");
    assert_eq!(changed.locale.as_deref(), Some("fr"));
    let import = under(PolicyFields::default(), linked(ADA, Status::Active));
    assert_eq!(ask(&married, &import), signed_in(None), "the first time only");
    let mut silent = arrival(ADA);
    (silent.external.name, silent.external.locale) = (Name::default(), None);
    assert_eq!(ask(&silent, &known()), signed_in(None));
}

#[test]
fn an_account_without_a_name_gets_one_when_it_is_linked() {
    let mut known = same_address(Status::Active, EmailStanding::Verified, false);
    let named = changes(ask(&arrival(ADA), &known));
    assert!(named.is_empty(), "it has one");
    let mut other = arrival(ADA);
    other.external.name.given = "Augusta".to_owned();
    other.external.locale = Some("fr".to_owned());
    assert!(changes(ask(&other, &known)).is_empty(), "and keeps it");
    let user = &mut known.candidate.as_mut().unwrap().user;
    (user.name, user.locale) = (Name::default(), None);
    let named = changes(ask(&arrival(ADA), &known));
    assert_eq!(
        (named.name.unwrap().full().as_str(), named.locale.as_deref()),
        ("Ada Lovelace", Some("en"))
    );
    let mut later = linked(ADA, Status::Active);
    let user = &mut later.linked.as_mut().unwrap().user;
    (user.name, user.locale) = (Name::default(), None);
    assert_eq!(ask(&arrival(ADA), &later), signed_in(None), "only then");
}

#[test]
fn too_many_groups_are_a_fault_and_not_a_long_wait() {
    let many: Vec<String> = (0..=500).map(|number| format!("g{number}")).collect();
    let known = under(groups("claims.groups"), member(&[], &[]));
    let arrival = with(json!({ "groups": many }));
    assert_eq!(ask(&arrival, &known), refused(Refusal::RuleFailed));
    assert_eq!(named_groups(&arrival, &known).len(), 500);
    let most = with(json!({ "groups": many[1..] }));
    assert_eq!(changes(ask(&most, &known)).granted, ids(&["newcomers"]), "and 500 are none");
}

proptest! {
    #[test]
    fn a_sync_never_takes_what_it_did_not_give(
        given in proptest::sample::subsequence(vec!["Editors", "Support", "newcomers", "Sales"], 0..=4),
        others in proptest::sample::subsequence(vec!["Editors", "Support", "administrators", "Sales"], 0..=4),
        named in proptest::collection::vec("Editors|support|administrators|Sales|other", 0..5),
        choice in proptest::sample::select(NoGroupMatch::ALL.to_vec()),
        mode in proptest::sample::select(SyncMode::ALL.to_vec()),
    ) {
        let sync = SyncModes { groups: mode, ..SyncModes::default() };
        let policy = PolicyFields {
            sync: Some(sync),
            no_group_match: Some(choice),
            ..groups("claims.groups")
        };
        let known = under(policy, member(&given, &others));
        let decided = ask(&with(json!({ "groups": named })), &known);
        if let Decision::SignIn { changes, .. } = decided {
            prop_assert!(changes.revoked.iter().all(|group| ids(&given).contains(group)));
            prop_assert!(!changes.granted.contains(&GroupId::from_stored("administrators")));
            prop_assert!(changes.granted.iter().all(|group| !changes.revoked.contains(group)));
        } else {
            prop_assert_eq!(decided, refused(Refusal::NoGroup));
            prop_assert_eq!(choice, NoGroupMatch::Refuse);
        }
    }
}
