//! Unfolds `docs/decision-table.md` and compares it with the functions that decide on every case.

mod arrivals;
mod document;
mod glass;
mod guests;
mod hook;
mod proofs;
mod rules;
mod ties;
mod visits;
mod words;

use std::collections::BTreeSet;

use document::{Cases, Table, document, each_case, table};
use identity::federation::refusal::Refusal;
use identity::sessions::AdmitRefusal;

fn compare<C: Cases>(cases: &mut C, table: &Table) -> usize {
    let mut count = 0;
    each_case(cases, &mut Vec::new(), &mut |case, at| {
        let outcome = &table.outcomes[table.only_line_for(at)];
        assert!(case.comes_out_as(outcome), "{at:?} does not come out as {outcome}");
        count += 1;
    });
    count
}

#[test]
fn every_word_about_an_address_comes_out_as_its_one_line_says() {
    let mut facts = words::Word::new();
    let table = table("Word of a provider", facts.facets());
    assert_eq!(compare(&mut facts, &table), table.promised_cases);
}

#[test]
fn every_linking_comes_out_as_its_one_line_says() {
    let mut facts = words::Linking::new();
    let table = table("Linking", facts.facets());
    assert_eq!(compare(&mut facts, &table), table.promised_cases);
}

#[test]
fn every_sign_in_through_a_provider_comes_out_as_its_one_line_says() {
    let mut facts = arrivals::Facts::new();
    let table = table("Sign-in through a provider", facts.facets());
    assert_eq!(compare(&mut facts, &table), table.promised_cases);
}

fn compare_rules(title: &str, facets: document::Facets) {
    let table = table(title, facets);
    assert_eq!(compare(&mut rules::Facts::new(facets), &table), table.promised_cases);
}

#[test]
fn everybody_comes_through_the_rules_as_their_one_line_says() {
    compare_rules("Rules", rules::OF_PEOPLE);
}

#[test]
fn everybodys_groups_become_what_their_one_line_says() {
    compare_rules("Groups", rules::OF_GROUPS);
}

#[test]
fn everybody_is_called_what_their_one_line_says() {
    compare_rules("Names", rules::OF_NAMES);
}

#[test]
fn every_wish_to_link_comes_out_as_its_one_line_says() {
    let table = table("Linking on the account page", ties::OF_LINKS);
    assert_eq!(compare(&mut ties::Links::new(), &table), table.promised_cases);
}

#[test]
fn every_wish_to_unlink_comes_out_as_its_one_line_says() {
    let table = table("Unlinking", ties::OF_UNLINKS);
    assert_eq!(compare(&mut ties::Unlinks::new(), &table), table.promised_cases);
}

#[test]
fn every_guest_comes_out_as_their_one_line_says() {
    let mut facts = guests::Facts::new();
    let table = table("Guests", facts.facets());
    assert_eq!(compare(&mut facts, &table), table.promised_cases);
}

#[test]
fn everybody_is_asked_for_proof_and_linked_by_it_as_their_one_line_says() {
    let mut facts = proofs::Facts::new();
    let table = table("Proof", facts.facets());
    assert_eq!(compare(&mut facts, &table), table.promised_cases);
}

#[test]
fn everybody_comes_by_the_decision_hook_as_their_one_line_says() {
    let mut facts = hook::Facts::new();
    let table = table("Decision hook", facts.facets());
    assert_eq!(compare(&mut facts, &table), table.promised_cases);
}

#[test]
fn every_session_at_a_door_comes_out_as_its_one_line_says() {
    let mut facts = visits::Facts::new();
    let table = table("Sessions at a door", facts.facets());
    assert_eq!(compare(&mut facts, &table), table.promised_cases);
}

#[test]
fn s107_whoever_wants_to_break_the_glass_comes_out_as_their_one_line_says() {
    let table = table("Breaking the glass", glass::OF_GLASS);
    assert_eq!(compare(&mut glass::Facts::new(), &table), table.promised_cases);
    let into: Vec<_> = table.outcomes.iter().filter(|outcome| *outcome == "sign in").collect();
    assert_eq!(into.len(), 1, "one way in");
}

#[test]
fn the_document_is_what_the_code_writes() {
    assert!(
        document() == identity::tables::decision_table(),
        "docs/decision-table.md is not up to date; run `make gen`"
    );
}

#[test]
fn every_reason_of_the_decisions_occurs_and_every_code_is_listed() {
    let ends = |title: &str, prefix: &str, facets| -> BTreeSet<String> {
        let table = table(title, facets);
        let codes = table.outcomes.iter().filter_map(|outcome| outcome.strip_prefix(prefix));
        codes.map(str::to_owned).collect()
    };
    let mut refused = ends("Sign-in through a provider", "refuse: ", arrivals::FACETS);
    refused.extend(ends("Rules", "refuse: ", rules::OF_PEOPLE));
    refused.extend(ends("Groups", "refuse: ", rules::OF_GROUPS));
    refused.extend(ends("Guests", "refuse: ", guests::OF_GUESTS));
    refused.extend(ends("Proof", "refuse: ", proofs::OF_PROOFS));
    refused.extend(ends("Decision hook", "refuse: ", hook::OF_HOOK));
    let turned = ends("Sessions at a door", "sign in again: ", visits::FACETS);
    let all_turned: BTreeSet<_> =
        AdmitRefusal::ALL.iter().map(|refusal| refusal.code().to_owned()).collect();
    assert_eq!(turned, all_turned);

    let listed = document::rows("Reason codes");
    let codes: BTreeSet<_> = listed.iter().map(|row| row[0].clone()).collect();
    let all: BTreeSet<_> = Refusal::ALL.iter().map(|refusal| refusal.code().to_owned()).collect();
    assert_eq!(codes, all);
    let of_step = |step: &str| -> BTreeSet<String> {
        listed.iter().filter(|row| row[1] == step).map(|row| row[0].clone()).collect()
    };
    assert_eq!(refused, of_step("settle"));
    let not_linked = ends("Linking on the account page", "refuse: ", ties::OF_LINKS);
    assert_eq!(not_linked.difference(&refused).cloned().collect::<BTreeSet<_>>(), of_step("link"));
}

/// What somebody with an untrusted address sees must not tell whether an account has it.
#[test]
fn s051_an_untrusted_address_comes_out_alike_whoever_has_it() {
    let table = table("Sign-in through a provider", arrivals::FACETS);
    let of_account = |name: &&str| ["account", "standing", "tie"].contains(name);
    let untrusted: Vec<usize> = (0..table.outcomes.len())
        .filter(|line| {
            let outcome = table.outcomes[*line].as_str();
            ["refuse: email_untrusted", "refuse: email_missing"].contains(&outcome)
        })
        .collect();
    assert!(untrusted.len() > 1);
    for line in untrusted {
        for (facet, (name, values)) in arrivals::FACETS.iter().enumerate() {
            let every_value = (1_u32 << values.len()) - 1;
            assert!(!of_account(name) || table.sets[line][facet] == every_value, "{name}");
        }
    }
}
