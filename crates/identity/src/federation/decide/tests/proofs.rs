//! An account is linked by what its owner shows, and by nobody else's word or deed.

use super::policies::under;
use super::*;
use crate::federation::proof::{Asked, Shown};

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
    let user = user.map(UserId::from_stored);
    let shown = Shown { user, account, mailbox: false };
    Arrival { shown: Some(shown), ..arrival }
}

const WORDS: [EmailVerified; 3] = EmailVerified::ALL;

#[test]
fn s045_nobody_is_linked_before_they_have_shown_that_the_account_is_theirs() {
    for word in WORDS {
        assert_eq!(
            ask(&with_word(word), &account()),
            Decision::AskProof { asked: Asked::Account },
            "{word:?}"
        );
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
        assert_eq!(without.decision, Decision::AskProof { asked: Asked::Account });
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

/// A door that has a code sent to the address.
fn by_mailbox(known: Known) -> Known {
    under(PolicyFields { link: Some(Link::ProveMailbox), ..PolicyFields::default() }, known)
}

fn at_the_storefront(arrival: Arrival) -> Arrival {
    let [storefront, ..] = Application::built_in();
    Arrival { application: storefront, ..arrival }
}

fn shown(user: Option<&str>, account: bool, mailbox: bool, arrival: &Arrival) -> Arrival {
    let shown = Shown { user: user.map(UserId::from_stored), account, mailbox };
    Arrival { shown: Some(shown), ..arrival.clone() }
}

#[test]
fn s045_customers_show_the_mailbox_and_everybody_else_the_account_beside_it() {
    let known = by_mailbox(same_address(Status::Active, EmailStanding::Verified, false));
    let mailbox = Decision::AskProof { asked: Asked::Mailbox };
    let both = Decision::AskProof { asked: Asked::Both };
    for word in WORDS {
        let staff = with_word(word);
        let customer = at_the_storefront(staff.clone());
        assert_eq!(ask(&customer, &known), mailbox, "{word:?}");
        assert_eq!(ask(&staff, &known), both, "{word:?}");
        for (account, in_mailbox) in [(false, false), (true, false), (false, true), (true, true)] {
            let at = |arrival| ask(&shown(Some("user"), account, in_mailbox, arrival), &known);
            let void = refused(Refusal::ProofVoid);
            assert_eq!(at(&customer), if in_mailbox { link_user() } else { void.clone() });
            assert_eq!(at(&staff), if account && in_mailbox { link_user() } else { void });
        }
    }
}

#[test]
fn s045_a_mailbox_opens_no_account_that_it_was_not_shown_for() {
    let known = by_mailbox(same_address(Status::Active, EmailStanding::Verified, false));
    let nobody = by_mailbox(stranger(UnknownUser::Create));
    for word in WORDS {
        let customer = at_the_storefront(with_word(word));
        for (user, known) in [(Some("another"), &known), (None, &known), (Some("user"), &nobody)] {
            let arrival = shown(user, true, true, &customer);
            assert_eq!(ask(&arrival, known), refused(Refusal::ProofVoid), "{user:?} {word:?}");
        }
        // An account that somebody else may have made in advance stays theirs alone.
        let unconfirmed =
            by_mailbox(same_address(Status::Active, EmailStanding::Unconfirmed, false));
        let arrival = shown(Some("user"), true, true, &customer);
        assert_eq!(ask(&arrival, &unconfirmed), refused(Refusal::AccountUnconfirmed));
    }
}

#[test]
fn a_stranger_whose_mailbox_was_shown_has_a_verified_address_and_staff_are_made_by_no_mailbox() {
    for word in [EmailVerified::Absent, EmailVerified::No] {
        let nobody = with_no_ground(&by_mailbox(stranger(UnknownUser::Create)));
        let customer = at_the_storefront(with_word(word));
        let made = ask(&shown(None, false, true, &customer), &nobody);
        let Decision::Create(new) = made else { panic!("{made:?}") };
        assert_eq!(new.email_standing, EmailStanding::Verified);
        let refusing = with_no_ground(&by_mailbox(stranger(UnknownUser::Refuse)));
        let done = ask(&shown(None, false, true, &customer), &refusing);
        assert_eq!(done, refused(Refusal::UnknownUser));
        let staff = shown(None, true, true, &with_word(word));
        assert_eq!(ask(&staff, &nobody), refused(Refusal::ProofVoid));
    }
}
