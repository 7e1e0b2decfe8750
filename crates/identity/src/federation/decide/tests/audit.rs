//! What the audit reads of rules: what each saw, whether it settled the matter, and nobody's name.

use serde_json::json;

use super::policies::under;
use super::rules::{groups, member, rule, with};
use super::*;
use crate::federation::policy::{Mapping, SyncMode, SyncModes};

/// What a rule saw, and whether it settled the matter.
fn saw(arrival: &Arrival, known: &Known, rule: &str) -> (String, bool) {
    let rules = decide(arrival, known).rules;
    let weighed = rules.into_iter().find(|weighed| weighed.rule == rule).unwrap();
    (weighed.saw, weighed.settled)
}

#[test]
fn the_audit_lists_what_was_named_and_never_a_name_of_a_person() {
    let known = under(groups("claims.groups"), member(&[], &[]));
    let decided = decide(&with(json!({ "groups": ["Editors", "x\u{202e}y"] })), &known);
    let saw = decided.rules.iter().find(|one| one.rule == "on_sign_in.groups").unwrap();
    assert!(saw.saw.starts_with("2 named, 1 found; no such group: x"), "{}", saw.saw);
    assert!(!saw.saw.contains('\u{202e}'));
    let force = SyncModes { name: SyncMode::Force, ..SyncModes::default() };
    let fields = PolicyFields { sync: Some(force), ..PolicyFields::default() };
    let mut married = arrival(ADA);
    married.external.name.family = "Secret".to_owned();
    let decided = decide(&married, &under(fields, linked(ADA, Status::Active)));
    let audited = serde_json::to_string(&decided).unwrap();
    assert!(audited.contains(r#""name_changes":true"#) && !audited.contains("Secret"), "{audited}");
}

#[test]
fn the_audit_lists_twenty_of_the_groups_that_there_are_not_and_a_hundred_letters_of_each() {
    let known = under(groups("claims.groups"), member(&[], &[]));
    let listed =
        |names: &[String]| saw(&with(json!({ "groups": names })), &known, "on_sign_in.groups").0;
    let names: Vec<String> = (1..=21).map(|number| format!("g{number}")).collect();
    let twenty = names[..20].join(", ");
    let begins = |count| format!("{count} named, 0 found; no such group: {twenty}");
    assert_eq!(listed(&names[..20]), begins(20));
    assert_eq!(listed(&names), format!("{}, …", begins(21)));
    let long = listed(&["x".repeat(101)]);
    assert_eq!(long, format!("1 named, 0 found; no such group: {}", "x".repeat(100)));
}

#[test]
fn a_condition_settles_the_matter_where_it_keeps_somebody_out_and_there_alone() {
    let refusing = || Mapping { refuse_if: rule("claims.yes"), ..Mapping::default() };
    let allow = PolicyFields { allow_if: Some(rule("claims.yes")), ..PolicyFields::default() };
    let create = PolicyFields { on_create: Some(refusing()), ..PolicyFields::default() };
    let sign_in = PolicyFields { on_sign_in: Some(refusing()), ..PolicyFields::default() };
    for (fields, name, settles) in [
        (allow, "allow_if", false),
        (create, "on_create.refuse_if", true),
        (sign_in, "on_sign_in.refuse_if", true),
    ] {
        let known = under(fields, stranger(UnknownUser::Create));
        for (yes, word) in [(true, "true"), (false, "not true")] {
            let seen = saw(&with(json!({ "yes": yes })), &known, name);
            assert_eq!(seen, (word.to_owned(), yes == settles), "{name}");
        }
    }
}

#[test]
fn the_audit_says_whether_a_name_and_a_language_changed() {
    let force =
        SyncModes { name: SyncMode::Force, locale: SyncMode::Force, ..SyncModes::default() };
    let fields = PolicyFields { sync: Some(force), ..PolicyFields::default() };
    let known = under(fields, linked(ADA, Status::Active));
    let mut changed = arrival(ADA);
    changed.external.name.family = "King".to_owned();
    changed.external.locale = Some("fr".to_owned());
    for rule in ["sync.name", "sync.locale"] {
        assert_eq!(saw(&arrival(ADA), &known, rule), ("no change".to_owned(), false));
        assert_eq!(saw(&changed, &known, rule), ("changed".to_owned(), false));
    }
}
