//! Which way in: as a table for the door's own provider, by properties for what somebody types.

use proptest::prelude::*;

use super::*;
use crate::federation::fixtures::provider;

fn named(key: &str, domains: &[&str]) -> Provider {
    Provider {
        id: ProviderId::from_stored(key),
        key: key.to_owned(),
        name: format!("{key} Ltd"),
        trusted_domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
        ..provider()
    }
}

fn keys(typed: &str, all: &[Provider]) -> Vec<String> {
    find(typed, all).providers.into_iter().map(|one| one.key.clone()).collect()
}

#[test]
fn a_door_sends_people_on_only_where_nothing_has_to_be_said_and_nothing_can_go_round() {
    let [door, ..] = Application::built_in();
    let corp = named("corp", &[]);
    let sends = Application { auto_redirect: Some(corp.id.clone()), ..door.clone() };
    for case in 0..8 {
        let [told, every_way, turned_away] = [1, 2, 4].map(|bit| case & bit != 0);
        let coming = Coming { told, every_way, turned_away };
        let sent = straight_on(&sends, coming, [&corp]);
        assert_eq!(sent.is_some(), case == 0, "{coming:?}");
        assert_eq!(straight_on(&door, coming, [&corp]), None, "{coming:?}: no provider is named");
    }
    let off = Provider { state: ProviderState::Disabled, ..corp.clone() };
    assert_eq!(straight_on(&sends, Coming::default(), [&off]), None, "switched off");
    let other = named("other", &[]);
    assert_eq!(straight_on(&sends, Coming::default(), [&other]), None, "not connected");
    assert_eq!(straight_on(&sends, Coming::default(), [&other, &corp]), Some(&corp));
}

#[test]
fn an_address_leads_to_the_providers_that_own_its_very_domain() {
    let all = [
        named("acme", &["acme.test", "acme.example"]),
        named("sales", &["sales.acme.test"]),
        named("group", &["acme.example", "xn--mnchen-3ya.test"]),
    ];
    for (typed, expected) in [
        ("ann@acme.test", &["acme"][..]),
        (" Ann@ACME.Test ", &["acme"]),
        ("ann@sales.acme.test", &["sales"]),
        ("ann@other.acme.test", &[]),
        ("ann@notacme.test", &[]),
        ("ann@test", &[]),
        ("ann@acme.example", &["acme", "group"]),
        ("ann@m\u{fc}nchen.test", &["group"]),
        ("acme.test", &[]),
        ("@acme.test", &[]),
        ("ann@", &[]),
        ("", &[]),
        ("  ", &[]),
    ] {
        assert_eq!(keys(typed, &all), expected, "{typed:?}");
    }
    assert_eq!(
        find("ann@acme.test", &all).email.map(|one| one.as_typed().to_owned()),
        Some("ann@acme.test".to_owned())
    );
}

#[test]
fn a_name_leads_to_the_provider_that_is_called_so() {
    let all = [named("acme", &["acme.test"]), named("stra\u{df}e", &[])];
    for (typed, expected) in [
        ("acme", &["acme"][..]),
        ("ACME ltd", &["acme"]),
        ("STRASSE LTD", &["stra\u{df}e"]),
        ("acm", &[]),
        ("acme ltd.", &[]),
    ] {
        assert_eq!(keys(typed, &all), expected, "{typed:?}");
    }
    assert_eq!(find("acme", &all).email, None);
}

#[test]
fn what_is_switched_off_is_not_found_and_what_is_too_long_is_not_looked_for() {
    let off = Provider { state: ProviderState::Disabled, ..named("acme", &["acme.test"]) };
    assert_eq!(keys("ann@acme.test", std::slice::from_ref(&off)), [""; 0]);
    assert_eq!(keys("acme", &[off]), [""; 0]);
    let long = Provider { name: "x".repeat(255), ..named("acme", &[]) };
    assert_eq!(keys(&"x".repeat(255), std::slice::from_ref(&long)), [""; 0]);
    let fits = Provider { name: "x".repeat(254), ..long };
    assert_eq!(keys(&"x".repeat(254), &[fits]), ["acme"]);
}

proptest! {
    #[test]
    fn who_somebody_is_makes_no_difference(
        one in "[a-z0-9]{1,20}", other in "[a-z0-9]{1,20}", domain in "[a-z]{1,5}\\.(test|example)",
    ) {
        let all = [named("acme", &["acme.test", "b.example"]), named("b", &["b.example"])];
        prop_assert_eq!(
            keys(&format!("{one}@{domain}"), &all),
            keys(&format!("{other}@{domain}"), &all)
        );
    }

    #[test]
    fn only_the_domain_itself_is_owned(before in "[a-z]{1,5}[.-]?", domain in "[a-z]{1,5}\\.test") {
        let all = [named("acme", &[domain.as_str()])];
        prop_assert_eq!(keys(&format!("ann@{domain}"), &all), ["acme"]);
        let longer = format!("{before}{domain}");
        prop_assert_eq!(keys(&format!("ann@{longer}"), &all), [""; 0], "{}", longer);
    }

    #[test]
    fn nothing_that_can_be_typed_breaks_it(typed in ".{0,300}") {
        find(&typed, &[named("acme", &["acme.test"])]);
    }
}
