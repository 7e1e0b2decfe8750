//! What each field of a policy makes of people.

use super::*;
use crate::federation::policy::PolicyChange;

pub(super) fn under(fields: PolicyFields, known: Known) -> Known {
    let connection = known.connection.clone().unwrap();
    let policy = PolicyChange::from(fields).apply(connection.policy.clone());
    Known { connection: Some(Connection { policy, ..connection }), ..known }
}

#[test]
fn where_nobody_is_linked_the_account_keeps_its_ways_in() {
    let never = || PolicyFields { link: Some(Link::Never), ..PolicyFields::default() };
    for standing in EmailStanding::ALL {
        let known = under(never(), same_address(Status::Active, standing, false));
        assert_eq!(ask(&arrival(ADA), &known), refused(Refusal::LinkingOff));
    }
    // Whoever has the identity comes in by it, and strangers are made as ever.
    assert_eq!(ask(&arrival(ADA), &under(never(), linked(ADA, Status::Active))), signed_in(None));
    let known = under(never(), stranger(UnknownUser::Create));
    assert!(matches!(ask(&arrival(ADA), &known), Decision::Create(_)));
}

/// A customer whose address the operator's own provider says nothing about.
fn unproven() -> Arrival {
    let [storefront, ..] = Application::built_in();
    let mut arrival = Arrival { application: storefront, ..arrival(ADA) };
    arrival.external.email_verified = EmailVerified::Absent;
    arrival
}

#[test]
fn any_address_links_and_makes_customers_only_where_the_policy_says_so() {
    let any = || PolicyFields { link: Some(Link::AnyEmail), ..PolicyFields::default() };
    let link = link_user();
    let account = same_address(Status::Active, EmailStanding::Verified, false);
    assert_eq!(ask(&unproven(), &account), refused(Refusal::EmailUntrusted));
    assert_eq!(ask(&unproven(), &under(any(), account.clone())), link);
    let known = under(any(), stranger(UnknownUser::Create));
    let Decision::Create(made) = ask(&unproven(), &known) else { panic!("not made") };
    assert_eq!(made.email_standing, EmailStanding::Unconfirmed);

    // What the provider denies, and an account that never showed that the address is its own.
    let mut denied = unproven();
    denied.external.email_verified = EmailVerified::No;
    assert_eq!(ask(&denied, &under(any(), account.clone())), refused(Refusal::EmailUntrusted));
    let unconfirmed = same_address(Status::Active, EmailStanding::Unconfirmed, false);
    let known = under(any(), unconfirmed);
    assert_eq!(ask(&unproven(), &known), refused(Refusal::AccountUnconfirmed));

    // Saved before the provider became somebody else's, or for people who work for somebody.
    let mut foreign = under(any(), account.clone());
    foreign.provider.authority = Authority::Organisation;
    assert_eq!(ask(&unproven(), &foreign), refused(Refusal::EmailUntrusted));
    let staff = Arrival { application: arrival(ADA).application, ..unproven() };
    assert_eq!(ask(&staff, &under(any(), account)), refused(Refusal::EmailUntrusted));
}

#[test]
fn who_has_no_address_in_a_listed_domain_does_not_pass() {
    let listed = |domain: &str, known| {
        let allowed_domains = Some(vec![domain.to_owned()]);
        under(PolicyFields { allowed_domains, ..PolicyFields::default() }, known)
    };
    let account = || same_address(Status::Active, EmailStanding::Verified, false);
    for known in [linked(ADA, Status::Active), stranger(UnknownUser::Create), account()] {
        let pass = listed("company.test", known.clone());
        assert!(!matches!(ask(&arrival(ADA), &pass), Decision::Refuse { .. }));
        let stop = listed("another.test", known);
        assert_eq!(ask(&arrival(ADA), &stop), refused(Refusal::NotAllowed));
        assert_eq!(ask(&arrival(None), &stop), refused(Refusal::EmailMissing));
        assert!(!decide(&arrival(ADA), &stop).considered_account());
    }
    let mut denied = arrival(ADA);
    denied.external.email_verified = EmailVerified::No;
    let known = linked(ADA, Status::Active);
    assert_eq!(ask(&denied, &known), signed_in(None), "the identity decides");
    let pass = listed("company.test", known);
    assert_eq!(ask(&denied, &pass), refused(Refusal::EmailUntrusted), "but does not pass a list");
    // A domain is a whole one.
    let known = listed("test", stranger(UnknownUser::Create));
    assert_eq!(ask(&arrival(ADA), &known), refused(Refusal::NotAllowed));
}

#[test]
fn the_language_of_a_newcomer_is_the_providers_else_the_policys() {
    let german =
        PolicyFields { default_locale: Some(Some("de".to_owned())), ..PolicyFields::default() };
    let made = |arrival: &Arrival| match ask(
        arrival,
        &under(german.clone(), stranger(UnknownUser::Create)),
    ) {
        Decision::Create(made) => made.locale,
        other => panic!("{other:?}"),
    };
    let mut silent = arrival(ADA);
    silent.external.locale = None;
    assert_eq!(made(&arrival(ADA)).as_deref(), Some("en"));
    assert_eq!(made(&silent).as_deref(), Some("de"));
}

#[test]
fn what_was_set_for_the_application_holds_where_the_connection_says_nothing() {
    let connection = Connection {
        policy: PolicyFields::default(),
        ..stranger(UnknownUser::Create).connection.unwrap()
    };
    let with = |defaults: PolicyFields| Known {
        connection: Some(connection.clone()),
        defaults,
        ..stranger(UnknownUser::Create)
    };
    assert_eq!(ask(&arrival(ADA), &with(PolicyFields::default())), refused(Refusal::UnknownUser));
    let made = ask(&arrival(ADA), &with(UnknownUser::Create.into()));
    assert!(matches!(made, Decision::Create(_)));
}
