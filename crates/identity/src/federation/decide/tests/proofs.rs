//! An account is linked by what its owner shows, and by nobody else's word or deed.

use super::policies::under;
use super::*;
use crate::federation::proof::Shown;

fn asking(known: Known) -> Known {
    under(PolicyFields { link: Some(Link::AskProof), ..PolicyFields::default() }, known)
}

fn account() -> Known {
    asking(same_address(Status::Active, EmailStanding::Verified, false))
}

fn with_word(word: EmailVerified) -> Arrival {
    let mut arrival = arrival(ADA);
    arrival.external.email_verified = word;
    arrival
}

fn having_shown(user: Option<&str>, account: bool, arrival: Arrival) -> Arrival {
    let shown = Shown { user: user.map(UserId::from_stored), account };
    Arrival { shown: Some(shown), ..arrival }
}

const WORDS: [EmailVerified; 3] = EmailVerified::ALL;

#[test]
fn s045_nobody_is_linked_before_they_have_shown_that_the_account_is_theirs() {
    for word in WORDS {
        assert_eq!(ask(&with_word(word), &account()), Decision::AskProof, "{word:?}");
        let shown = having_shown(Some("user"), true, with_word(word));
        assert_eq!(ask(&shown, &account()), link_user(), "{word:?}");
        let nothing = having_shown(Some("user"), false, with_word(word));
        assert_eq!(ask(&nothing, &account()), refused(Refusal::ProofVoid), "{word:?}");
    }
}

#[test]
fn s045_what_was_shown_is_about_the_account_that_had_the_address_then() {
    for word in WORDS {
        for user in [Some("another"), None] {
            let shown = having_shown(user, true, with_word(word));
            assert_eq!(ask(&shown, &account()), refused(Refusal::ProofVoid), "{user:?}");
        }
        // The account is gone, or another one has the address now: it makes nobody either.
        let shown = having_shown(Some("user"), true, with_word(word));
        let gone = asking(stranger(UnknownUser::Create));
        assert_eq!(ask(&shown, &gone), refused(Refusal::ProofVoid), "{word:?}");
    }
}

#[test]
fn s045_an_address_that_does_not_count_comes_out_alike_whoever_has_it() {
    let nobody = asking(stranger(UnknownUser::Create));
    for word in [EmailVerified::Absent, EmailVerified::No] {
        let mut arrival = with_word(word);
        arrival.external.email = Some(Email::parse("ada@company.test").unwrap());
        let without = decide(&arrival, &with_no_ground(&nobody));
        assert_eq!(without.decision, Decision::AskProof);
        assert!(!without.considered_account());
        for status in Status::ALL {
            for standing in EmailStanding::ALL {
                for tied in [false, true] {
                    let known = asking(same_address(status, standing, tied));
                    let known = with_no_ground(&known);
                    assert_eq!(decide(&arrival, &known), without, "{status} {standing} {tied}");
                }
            }
        }
    }
}

/// The provider's word counts in no domain by itself.
fn with_no_ground(known: &Known) -> Known {
    let mut known = known.clone();
    known.provider.trusted_domains = Vec::new();
    known
}

#[test]
fn where_the_address_counts_only_an_account_is_asked_about() {
    let stranger = asking(stranger(UnknownUser::Create));
    assert!(matches!(ask(&arrival(ADA), &stranger), Decision::Create(_)));
    for (known, reason) in [
        (
            same_address(Status::Deactivated, EmailStanding::Verified, false),
            Refusal::UserDeactivated,
        ),
        (
            same_address(Status::Active, EmailStanding::Unconfirmed, false),
            Refusal::AccountUnconfirmed,
        ),
        (same_address(Status::Active, EmailStanding::Verified, true), Refusal::LinkedToAnother),
    ] {
        // Who could not be linked in any case types no password for nothing.
        assert_eq!(ask(&arrival(ADA), &asking(known.clone())), refused(reason));
        let shown = having_shown(Some("user"), true, with_word(EmailVerified::Absent));
        assert_eq!(ask(&shown, &asking(known)), refused(reason), "nor is it by proof");
    }
    assert_eq!(ask(&arrival(None), &account()), refused(Refusal::EmailMissing));
}

#[test]
fn s045_what_changes_meanwhile_wins_over_what_was_shown() {
    let shown = having_shown(Some("user"), true, with_word(EmailVerified::Absent));
    let mut disabled = account();
    disabled.provider.state = ProviderState::Disabled;
    assert_eq!(ask(&shown, &disabled), refused(Refusal::ProviderDisabled));
    let unconnected = Known { connection: None, ..account() };
    assert_eq!(ask(&shown, &unconnected), refused(Refusal::ProviderNotConnected));
    let never = PolicyFields { link: Some(Link::Never), ..PolicyFields::default() };
    assert_eq!(ask(&shown, &under(never, account())), refused(Refusal::EmailUntrusted));
    // Somebody tied the identity meanwhile: it is theirs.
    assert_eq!(ask(&shown, &asking(linked(ADA, Status::Active))), signed_in(None));
    let theirs = asking(linked(ADA, Status::Deactivated));
    assert_eq!(ask(&shown, &theirs), refused(Refusal::UserDeactivated));
}

#[test]
fn s045_guests_are_linked_by_no_proof() {
    let guest = |word| {
        let mut known = account();
        known.provider.trusted_domains = vec!["another.test".to_owned()];
        (having_shown(Some("user"), true, with_word(word)), known)
    };
    for word in [EmailVerified::Absent, EmailVerified::No] {
        let (shown, known) = guest(word);
        assert_eq!(ask(&shown, &known), refused(Refusal::EmailUntrusted), "{word:?}");
        let first = Arrival { shown: None, ..shown };
        assert_eq!(ask(&first, &known), refused(Refusal::EmailUntrusted), "{word:?}");
    }
}

#[test]
fn s047_staff_are_not_linked_by_a_public_provider_whatever_they_show() {
    let mut known = account();
    known.provider.authority = Authority::Public;
    let shown = having_shown(Some("user"), true, with_word(EmailVerified::Yes));
    assert_eq!(ask(&shown, &known), refused(Refusal::EmailUntrusted));
    let [storefront, ..] = Application::built_in();
    let customer = Arrival { application: storefront, ..shown };
    assert_eq!(ask(&customer, &known), link_user());
}
