//! Whether somebody's own address follows their provider's.

use super::policies::under;
use super::*;
use crate::federation::mapping::Warning;
use crate::federation::policy::{SyncMode, SyncModes};
use crate::groups::ADMINISTRATORS;

const MARRIED: &str = "ada@married.test";

/// Somebody known whose address follows.
fn following() -> Known {
    let sync = SyncModes { email: SyncMode::Force, ..SyncModes::default() };
    let fields = PolicyFields { sync: Some(sync), ..PolicyFields::default() };
    under(fields, linked(ADA, Status::Active))
}

/// What becomes of the address, what is warned of, and what the rule saw.
fn outcome(arrival: &Arrival, known: &Known) -> (Option<String>, Option<Warning>, String) {
    let decided = decide(arrival, known);
    let Decision::SignIn { changes, .. } = decided.decision else { panic!("{decided:?}") };
    let email = changes.email.map(|email| email.as_typed().to_owned());
    let saw = decided.rules.into_iter().find(|one| one.rule == "sync.email");
    (email, changes.warning, saw.map(|one| one.saw).unwrap_or_default())
}

fn stays(arrival: &Arrival, known: &Known, because: &str) {
    assert_eq!(outcome(arrival, known), (None, None, because.to_owned()));
}

#[test]
fn an_address_follows_only_where_it_is_set_and_the_word_counts() {
    let (came, known) = (arrival(Some(MARRIED)), following());
    let followed = (Some(MARRIED.to_owned()), None, "changed".to_owned());
    assert_eq!(outcome(&came, &known), followed);
    stays(&came, &linked(ADA, Status::Active), "");
    stays(&arrival(None), &known, "no address");
    stays(&arrival(Some("ADA@company.test")), &known, "no change");
    for word in [EmailVerified::No, EmailVerified::Absent] {
        let mut untrusted = arrival(Some(MARRIED));
        untrusted.external.email_verified = word;
        stays(&untrusted, &known, "not trusted");
    }
}

#[test]
fn an_administrators_address_stays() {
    let group = Membership {
        group: GroupId::from_stored(ADMINISTRATORS),
        name: ADMINISTRATORS.to_owned(),
        granted_here: false,
    };
    let known = Known { memberships: vec![group], ..following() };
    stays(&arrival(Some(MARRIED)), &known, "an administrator's stays");
}

#[test]
fn a_provider_moves_nobody_out_of_a_mailbox_that_it_has_no_say_about() {
    let mut known = following();
    known.provider.authority = Authority::Organisation;
    known.provider.trusted_domains = vec!["married.test".to_owned()];
    let came = arrival(Some(MARRIED));
    stays(&came, &known, "the one so far is not the provider's to change");
    known.provider.trusted_domains.push("company.test".to_owned());
    assert_eq!(outcome(&came, &known).0.as_deref(), Some(MARRIED));
    // What the operator's own provider says of the new one, it need not have said of the one so far.
    let mut known = following();
    known.provider.trusted_domains = vec!["married.test".to_owned()];
    let mut unsaid = came;
    unsaid.external.email_verified = EmailVerified::Absent;
    assert_eq!(outcome(&unsaid, &known).0.as_deref(), Some(MARRIED));
}

#[test]
fn an_address_that_somebody_else_has_stays_theirs_and_is_warned_of() {
    let mut other = user(Status::Active, EmailStanding::Verified);
    other.id = UserId::from_stored("other");
    let candidate = Candidate { user: other, has_identity_of_provider: false };
    let known = Known { candidate: Some(candidate), ..following() };
    let (email, warning, saw) = outcome(&arrival(Some(MARRIED)), &known);
    assert_eq!((email, warning), (None, Some(Warning::EmailTaken)));
    assert_eq!(warning.map(Warning::code), Some("email_taken"));
    assert_eq!(saw, "somebody else has it");
    let Decision::SignIn { changes, .. } = ask(&arrival(Some(MARRIED)), &known) else { panic!() };
    assert!(changes.is_empty(), "a warning changes nothing");
    let Decision::SignIn { changes, .. } = ask(&arrival(Some(MARRIED)), &following()) else {
        panic!()
    };
    assert!(!changes.is_empty(), "an address that follows does");
}
