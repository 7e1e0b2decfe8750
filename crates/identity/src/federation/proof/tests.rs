//! What a proof is bound to, and what is kept of whoever shall give it.

use serde_json::json;

use super::*;

const NOW: Moment = Moment::from_seconds(1_800_000_000);

fn external() -> ExternalIdentity {
    let claims = json!({ "sub": "f3a1", "groups": ["a", "b"], "deep": { "er": [1, null] } });
    ExternalIdentity {
        provider: ProviderId::from_stored("provider"),
        issuer: "https://idp.test".to_owned(),
        subject: "f3a1".to_owned(),
        email: Some(Email::parse("Ada@Company.test").unwrap()),
        email_verified: EmailVerified::No,
        hosted_domain: Some("company.test".to_owned()),
        name: Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
        locale: Some("en-GB".to_owned()),
        claims: claims.as_object().unwrap().clone(),
    }
}

fn proof() -> Proof {
    Proof {
        id: ProofId::from_stored("proof"),
        application: ApplicationKey::from_stored("storefront"),
        attempt: AttemptId::from_stored("attempt"),
        external: external(),
        auth_time: None,
        return_to: "/storefront".to_owned(),
        asked: Asked::Account,
        shown: Shown { user: None, account: false, mailbox: false },
        codes: Codes::default(),
        settled: false,
        expires_at: NOW.plus(PROOF_LIFE),
    }
}

#[test]
fn s045_a_proof_is_given_in_its_own_browser_in_time_and_once() {
    let (own, other) = (Digest::of(b"own"), Digest::of(b"other"));
    let last = NOW.plus(PROOF_LIFE - Duration::from_micros(1));
    assert_eq!(proof().open(&own, &own, NOW), Ok(()));
    assert_eq!(proof().open(&own, &own, last), Ok(()));
    assert_eq!(proof().open(&own, &own, NOW.plus(PROOF_LIFE)), Err(Refusal::AttemptExpired));
    assert_eq!(proof().open(&own, &other, NOW), Err(Refusal::AttemptForeign));
    let settled = Proof { settled: true, ..proof() };
    assert_eq!(settled.open(&own, &own, NOW), Err(Refusal::AttemptReplayed));
    // Another browser is told nothing more.
    assert_eq!(settled.open(&own, &other, NOW.plus(PROOF_LIFE)), Err(Refusal::AttemptForeign));
}

#[test]
fn a_proof_is_open_for_as_long_as_a_trip_which_is_ten_minutes() {
    assert_eq!(PROOF_LIFE, crate::federation::attempt::ATTEMPT_LIFE);
    assert_eq!(PROOF_LIFE.as_secs(), 600);
}

#[test]
fn s045_the_mailbox_is_shown_before_the_account_and_each_counts_for_itself() {
    use Asked::{Account, Both, Mailbox};
    for (asked, account, mailbox, answers, next) in [
        (Account, false, false, false, Some(Account)),
        (Account, false, true, false, Some(Account)),
        (Account, true, false, true, None),
        (Account, true, true, true, None),
        (Mailbox, false, false, false, Some(Mailbox)),
        (Mailbox, true, false, false, Some(Mailbox)),
        (Mailbox, false, true, true, None),
        (Mailbox, true, true, true, None),
        (Both, false, false, false, Some(Mailbox)),
        (Both, true, false, false, Some(Mailbox)),
        (Both, false, true, false, Some(Account)),
        (Both, true, true, true, None),
    ] {
        let shown = Shown { user: None, account, mailbox };
        assert_eq!(shown.answers(asked), answers, "{asked:?} {account} {mailbox}");
        let proof = Proof { asked, shown, ..proof() };
        assert_eq!(proof.next(), next, "{asked:?} {account} {mailbox}");
    }
}

#[test]
fn what_is_asked_has_a_word_in_data() {
    for asked in Asked::ALL {
        assert_eq!(Asked::from_word(asked.as_str()), Some(asked));
        assert_eq!(serde_json::to_value(asked).unwrap(), json!(asked.as_str()));
    }
    assert_eq!(Asked::from_word("nothing"), None);
}

#[test]
fn whoever_arrived_is_kept_whole() {
    let kept = serde_json::to_string(&WholeArrival::of(&external())).unwrap();
    let kept: WholeArrival = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept.external(ProviderId::from_stored("provider")), external());
}
