//! Codes: sent so often, tried so often, in one browser and in time, and before the account is shown.

use identity::ids::ProviderId;
use identity::secret::Digest;
use store::{CodeOutcome, MailboxProof, NewCode};

use super::*;

/// Somebody who was asked for the mailbox, and then for the account.
async fn asked(house: &House) -> (User, Settle) {
    let (user, acme) = (ada(house).await, asking_for(house, Link::ProveMailbox).await);
    (user, ask(house, &acme).await)
}

async fn send(house: &House, code: &str, browser: &str, second: u64) -> bool {
    let (id, browser, door) = (proof_id(), digest(browser), back_office());
    let id_of_mail = MailId::from_stored(format!("mail-{code}-{second}"));
    let new = NewCode {
        proof: HeldProof { id: &id, browser: &browser },
        code: &digest(code),
        mail: &NewMail { id: id_of_mail, sealed: "sealed".to_owned() },
        application: &door,
        provider: &ProviderId::from_stored("acme"),
        by: &By::operator(),
    };
    house.store.change_proof_code(&new, at(second)).await.unwrap()
}

async fn try_code(house: &House, code: &str, browser: &str, second: u64) -> CodeOutcome {
    try_digest(house, &digest(code), browser, second).await
}

async fn try_digest(house: &House, code: &Digest, browser: &str, second: u64) -> CodeOutcome {
    let (id, browser, door) = (proof_id(), digest(browser), back_office());
    let shown = MailboxProof {
        proof: HeldProof { id: &id, browser: &browser },
        code,
        application: &door,
        provider: &ProviderId::from_stored("acme"),
        by: &By::operator(),
    };
    house.store.complete_mailbox_proof(&shown, at(second)).await.unwrap()
}

async fn mails(house: &House) -> u64 {
    house.store.count_mails().await.unwrap().waiting
}

both! {
    async fn s045_the_code_that_was_sent_last_shows_the_mailbox_once(house) {
        let (user, _) = asked(house).await;
        let proof = find(house, "browser", 11).await.unwrap();
        assert_eq!((proof.asked, proof.codes), (Asked::Both, Codes { sent: 0, tries: 0 }));
        assert_eq!(try_code(house, "first", "browser", 12).await, CodeOutcome::None, "none was sent");
        assert!(send(house, "first", "browser", 13).await);
        assert!(send(house, "second", "browser", 14).await);
        assert_eq!(mails(house).await, 2);
        assert_eq!(try_code(house, "first", "browser", 15).await, CodeOutcome::Wrong);
        assert_eq!(find(house, "browser", 15).await.unwrap().codes, Codes { sent: 2, tries: 1 });
        assert_eq!(try_code(house, "second", "browser", 16).await, CodeOutcome::Shown);
        let shown = find(house, "browser", 17).await.unwrap().shown;
        assert_eq!(shown, Shown { user: Some(user.id), account: false, mailbox: true });
        assert_eq!(try_code(house, "second", "browser", 18).await, CodeOutcome::None, "once");
        assert!(!send(house, "third", "browser", 19).await, "nothing is to be shown there any more");
        let audit = house.store.list_audit(None, &Paging::first(5)).await.unwrap().items;
        let told: Vec<_> =
            audit.iter().map(|entry| (entry.action.as_str(), entry.outcome.as_str())).collect();
        let expected = [
            ("proof.mailbox", "done"),
            ("proof.mailbox", "wrong_code"),
            ("proof.code", "done"),
            ("proof.code", "done"),
        ];
        assert_eq!(&told[..4], expected);
    }

    async fn s045_a_code_is_tried_five_times_and_three_are_sent(house) {
        asked(house).await;
        for (n, code) in ["first", "second", "third"].into_iter().enumerate() {
            assert!(send(house, code, "browser", 20).await, "{code}");
            for _ in 0..5 {
                let outcome = try_code(house, "guess", "browser", 21).await;
                assert_eq!(outcome, CodeOutcome::Wrong, "{n}");
            }
            assert_eq!(try_code(house, code, "browser", 22).await, CodeOutcome::None, "too late");
        }
        assert!(!send(house, "fourth", "browser", 23).await);
        assert_eq!(mails(house).await, 3);
        assert!(!find(house, "browser", 24).await.unwrap().shown.mailbox);
    }

    async fn s045_as_many_tries_at_once_are_no_more_than_five(house) {
        asked(house).await;
        send(house, "code", "browser", 20).await;
        let guesses = (0..12).map(|_| try_code(house, "guess", "browser", 21));
        let outcomes = futures_util::future::join_all(guesses).await;
        let tried = outcomes.iter().filter(|outcome| **outcome == CodeOutcome::Wrong).count();
        assert_eq!(tried, 5, "{outcomes:?}");
    }

    async fn s045_a_code_counts_in_its_own_browser_in_time_for_what_is_open(house) {
        let (user, of) = asked(house).await;
        assert!(!send(house, "code", "another", 20).await);
        assert!(send(house, "code", "browser", 20).await);
        assert_eq!(try_code(house, "code", "another", 21).await, CodeOutcome::None);
        assert_eq!(try_code(house, "code", "browser", 10 + 600).await, CodeOutcome::None);
        assert!(!send(house, "late", "browser", 10 + 600).await);
        assert_eq!(try_code(house, "code", "browser", 10 + 599).await, CodeOutcome::Shown);
        // What was settled, and refused, takes no code.
        let mine = settled(house, &of, "browser", 12).await;
        let done = house.store.settle_proof(&mine, decider(&mine.settle)).await.unwrap();
        assert!(matches!(done, Ok(Settled::Refused { reason: Refusal::ProofVoid, .. })), "{done:?}");
        assert!(!send(house, "new", "browser", 13).await);
        assert_eq!(ties(house, &user).await, 0);
    }

    async fn s045_an_account_is_shown_after_the_mailbox_and_not_before(house) {
        let (user, of) = asked(house).await;
        let outcome = show_password(house, &user, "browser", 12).await;
        assert!(matches!(outcome, PasswordOutcome::PasswordChanged), "{outcome:?}");
        assert!(!find(house, "browser", 12).await.unwrap().shown.account);
        send(house, "code", "browser", 13).await;
        assert_eq!(try_code(house, "code", "browser", 14).await, CodeOutcome::Shown);
        let outcome = show_password(house, &user, "browser", 15).await;
        assert!(matches!(outcome, PasswordOutcome::Shown { .. }), "{outcome:?}");
        let mine = settled(house, &of, "browser", 16).await;
        let done = house.store.settle_proof(&mine, decider(&mine.settle)).await.unwrap();
        assert!(matches!(&done, Ok(Settled::SignedIn { linked: true, .. })), "{done:?}");
        assert_eq!(ties(house, &user).await, 1);
    }

    async fn whoever_is_asked_for_the_account_alone_is_sent_no_code(house) {
        let (_, acme) = (ada(house).await, asking(house).await);
        ask(house, &acme).await;
        assert!(!send(house, "code", "browser", 12).await);
        assert_eq!(mails(house).await, 0);
        assert_eq!(try_code(house, "code", "browser", 13).await, CodeOutcome::None);
    }
}
