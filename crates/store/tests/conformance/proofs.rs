//! Proofs: bound to one browser, one trip, one identity and one account, and settled once.

use identity::federation::attempt::{Attempt, Intent};
use identity::federation::decide::Arrival;
use identity::federation::external::EmailVerified;
use identity::federation::policy::{Link, PolicyFields, UnknownUser};
use identity::federation::proof::{Asked, Codes, Proof, Shown};
use identity::federation::provider::Provider;
use identity::federation::refusal::Refusal;
use identity::ids::{MailId, ProofId};
use identity::users::{StatusChange, User};
use serde_json::json;
use store::{
    By, ConnectionChange, HeldProof, NewMail, NewProof, Paging, PasswordOutcome, PasswordProof,
    ProviderProof, Recalled, Settle, SettleProof, Settled, VerifiedPassword,
};

use crate::attempts::attempt;
use crate::engines::both;
use crate::house::{House, at, back_office, digest, email};
use crate::settle::{arrive, decider};

mod mailbox;

/// A provider whose people are asked for proof.
async fn asking(house: &House) -> Provider {
    asking_for(house, Link::AskProof).await
}

async fn asking_for(house: &House, link: Link) -> Provider {
    let acme = house.provider("acme", UnknownUser::Create, &[]).await;
    let connection = house.store.list_connections(None).await.unwrap().remove(0);
    let policy = PolicyFields { link: Some(link), ..PolicyFields::default() };
    let change = ConnectionChange { policy: policy.into(), ..ConnectionChange::default() };
    house.store.change_connection(&connection.id, &change, &By::operator(), at(1)).await.unwrap();
    acme
}

/// Ada, with a password.
async fn ada(house: &House) -> User {
    let user = house.staff("ada@example.com").await;
    house.password(&user, "hash").await;
    user
}

fn proof_id() -> ProofId {
    ProofId::from_stored("proof")
}

async fn ask(house: &House, acme: &Provider) -> Settle {
    let new = NewProof {
        id: proof_id(),
        browser: digest("browser"),
        return_to: "/back-office/orders".to_owned(),
    };
    let mut settle =
        Settle { proof: Some(new), ..arrive(house, acme, "subject", "ada@example.com").await };
    settle.arrival.external.claims =
        json!({ "groups": ["a"] }).as_object().cloned().unwrap_or_default();
    let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
    let Settled::AskedForProof { proof } = done else { panic!("{done:?}") };
    assert_eq!(proof, proof_id());
    settle
}

async fn find(house: &House, browser: &str, second: u64) -> Result<Proof, Refusal> {
    let (id, browser) = (proof_id(), digest(browser));
    house.store.find_proof(HeldProof { id: &id, browser: &browser }, at(second)).await.unwrap()
}

async fn show_password(house: &House, user: &User, browser: &str, second: u64) -> PasswordOutcome {
    let (id, browser, door) = (proof_id(), digest(browser), back_office());
    let shown = PasswordProof {
        proof: HeldProof { id: &id, browser: &browser },
        password: VerifiedPassword { user: &user.id, verified_hash: "hash", rehash: None },
        application: &door,
        buckets: &[],
        by: &By::operator(),
    };
    let keep = |counters: &[_]| counters.to_vec();
    house.store.complete_password_proof(&shown, keep, at(second)).await.unwrap()
}

/// The settlement of a proof by what was shown for it.
async fn settled(house: &House, of: &Settle, browser: &str, second: u64) -> SettleProof {
    let shown = find(house, browser, second).await.map(|proof| proof.shown);
    let nothing = Shown { user: None, account: false, mailbox: false };
    let arrival =
        Arrival { shown: Some(shown.unwrap_or(nothing)), now: at(second), ..of.arrival.clone() };
    SettleProof {
        proof: proof_id(),
        browser: digest(browser),
        settle: Settle {
            arrival,
            proof: None,
            support_code: format!("CODE-{second}"),
            ..of.clone()
        },
        notice: Some(NewMail { id: MailId::from_stored("notice"), sealed: "sealed".to_owned() }),
    }
}

async fn ties(house: &House, user: &User) -> usize {
    house.store.list_identities_of(&user.id).await.unwrap().len()
}

both! {
    async fn s045_a_proof_remembers_who_arrived_by_which_trip_and_whose_the_address_was(house) {
        let (user, acme) = (ada(house).await, asking(house).await);
        let settle = ask(house, &acme).await;
        assert_eq!(ties(house, &user).await, 0);
        let proof = find(house, "browser", 11).await.unwrap();
        assert_eq!(proof.external, settle.arrival.external);
        assert_eq!(Some(&proof.attempt), settle.attempt.as_ref());
        assert_eq!(proof.application, back_office());
        assert_eq!(proof.return_to, "/back-office/orders");
        assert_eq!((proof.asked, proof.codes), (Asked::Account, Codes::default()));
        assert_eq!(proof.auth_time, settle.session.auth_time);
        assert_eq!(proof.shown, Shown { user: Some(user.id), account: false, mailbox: false });
        assert_eq!(find(house, "other", 11).await, Err(Refusal::AttemptForeign));
        assert!(find(house, "browser", 10 + 599).await.is_ok());
        assert_eq!(find(house, "browser", 10 + 600).await, Err(Refusal::AttemptExpired));
        house.store.prune(at(10 + 600 + 3600)).await.unwrap();
        assert!(find(house, "browser", 10 + 600).await.is_err());
        house.store.prune(at(10 + 600 + 3601)).await.unwrap();
        assert_eq!(find(house, "browser", 11).await, Err(Refusal::AttemptUnknown));
    }

    async fn s045_what_is_shown_is_shown_for_the_right_account_in_the_right_browser_in_time(house) {
        let (user, acme) = (ada(house).await, asking(house).await);
        let other = house.staff("other@example.com").await;
        house.password(&other, "hash").await;
        ask(house, &acme).await;
        for (who, browser, second) in
            [(&other, "browser", 20), (&user, "another", 20), (&user, "browser", 10 + 600)]
        {
            let outcome = show_password(house, who, browser, second).await;
            assert!(matches!(outcome, PasswordOutcome::PasswordChanged), "{outcome:?}");
            assert!(!find(house, "browser", 20).await.unwrap().shown.account);
        }
        let outcome = show_password(house, &user, "browser", 20).await;
        assert!(matches!(&outcome, PasswordOutcome::Shown { user: own } if own.id == user.id), "{outcome:?}");
        assert!(find(house, "browser", 20).await.unwrap().shown.account);
        assert!(house.store.find_known_device(&user.id, &digest("browser")).await.unwrap());
        assert!(house.store.list_sessions(&user.id).await.unwrap().is_empty(), "nobody is in by it");
        let audit = house.store.list_audit(Some(&user.id), &Paging::first(1)).await.unwrap().items;
        assert_eq!((audit[0].action.as_str(), audit[0].outcome.as_str()), ("proof.password", "done"));
    }

    async fn s045_a_proof_is_settled_once_and_tells_whoever_has_the_account(house) {
        let (user, acme) = (ada(house).await, asking(house).await);
        let of = ask(house, &acme).await;
        show_password(house, &user, "browser", 20).await;
        let theft = SettleProof { browser: digest("another"), ..settled(house, &of, "browser", 21).await };
        let done = house.store.settle_proof(&theft, decider(&theft.settle)).await.unwrap();
        assert!(matches!(done, Err(Refusal::AttemptReplayed)), "{done:?}");
        assert_eq!(ties(house, &user).await, 0);
        let mine = settled(house, &of, "browser", 22).await;
        let [first, second] = [
            house.store.settle_proof(&mine, decider(&mine.settle)).await.unwrap(),
            house.store.settle_proof(&mine, decider(&mine.settle)).await.unwrap(),
        ];
        assert!(matches!(&first, Ok(Settled::SignedIn { linked: true, .. })), "{first:?}");
        assert!(matches!(second, Err(Refusal::AttemptReplayed)), "{second:?}");
        assert_eq!(ties(house, &user).await, 1);
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 1);
        assert_eq!(find(house, "browser", 23).await, Err(Refusal::AttemptReplayed));
        let outcome = show_password(house, &user, "browser", 23).await;
        assert!(matches!(outcome, PasswordOutcome::PasswordChanged), "{outcome:?}");
    }

    async fn s045_a_proof_that_was_settled_and_refused_is_spent_and_leaves_nothing(house) {
        let (user, acme) = (ada(house).await, asking(house).await);
        let of = ask(house, &acme).await;
        show_password(house, &user, "browser", 20).await;
        let mine = settled(house, &of, "browser", 21).await;
        let off = StatusChange::Deactivate;
        house.store.change_user_status(&user.id, off, &By::operator(), at(22)).await.unwrap();
        let done = house.store.settle_proof(&mine, decider(&mine.settle)).await.unwrap();
        let reason = match done {
            Ok(Settled::Refused { reason, .. }) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason, Refusal::UserDeactivated);
        assert_eq!((ties(house, &user).await, house.store.count_mails().await.unwrap().waiting), (0, 0));
        assert_eq!(find(house, "browser", 23).await, Err(Refusal::AttemptReplayed));
        // Late, and never shown.
        let nothing = settled(house, &of, "browser", 700).await;
        let done = house.store.settle_proof(&nothing, decider(&nothing.settle)).await.unwrap();
        assert!(done.is_err(), "{done:?}");
    }

    async fn s045_another_provider_shows_the_account_of_whoever_it_signs_in(house) {
        let (user, acme) = (ada(house).await, asking(house).await);
        ask(house, &acme).await;
        let other = house.provider("other", UnknownUser::Refuse, &[]).await;
        let stranger = house.staff("eve@example.com").await;
        for (subject, address) in [("ada-there", "ada@example.com"), ("eve-there", "eve@example.com")] {
            let settle = arrive(house, &other, subject, address).await;
            house.store.settle(&settle, decider(&settle)).await.unwrap();
        }
        let (id, browser) = (proof_id(), digest("browser"));
        let held = HeldProof { id: &id, browser: &browser };
        let before = ties(house, &stranger).await;
        // A stranger with the same address would be linked by it, and shows nothing.
        for (subject, address, shows) in [
            ("eve-there", "eve@example.com", false),
            ("somebody", "ada@example.com", false),
            ("ada-there", "moved@example.com", true),
        ] {
            let mut settle = arrive(house, &other, subject, address).await;
            settle.arrival.now = at(30);
            settle.arrival.external.email_verified = EmailVerified::Yes;
            let code = format!("OTHER-{subject}");
            let shown = ProviderProof {
                proof: held,
                arrival: &settle.arrival,
                support_code: &code,
                by: &By::operator(),
            };
            let done = house.store.complete_provider_proof(&shown, decider(&settle)).await.unwrap();
            assert_eq!(done, shows, "{subject}");
            assert_eq!(find(house, "browser", 31).await.unwrap().shown.account, shows);
        }
        assert_eq!((ties(house, &user).await, ties(house, &stranger).await), (1, before));
        let kept = house.store.list_identities_of(&user.id).await.unwrap().remove(0);
        assert_eq!(kept.email.as_deref(), Some("ada@example.com"), "nothing about them changes");
        let entry = house.store.find_audit_by_support_code("OTHER-eve-there").await.unwrap().unwrap();
        assert_eq!((entry.action.as_str(), entry.outcome.as_str()), ("proof.provider", "not_the_account"));
    }

    async fn a_trip_may_be_for_a_proof(house) {
        let trip = Attempt { intent: Intent::Prove(proof_id()), ..attempt("for-a-proof") };
        let (state, browser) = (digest("state"), digest("browser"));
        house.store.add_attempt(&state, &browser, &trip).await.unwrap();
        let Recalled::Taken(taken) = house.store.take_attempt(&state, &browser, at(1)).await.unwrap()
        else {
            panic!("not taken")
        };
        assert_eq!(taken.intent, Intent::Prove(proof_id()));
    }

    async fn nobodys_address_is_asked_about_as_well(house) {
        let acme = asking(house).await;
        let mut settle = arrive(house, &acme, "subject", "nobody@elsewhere.example").await;
        settle.arrival.external.email_verified = EmailVerified::Yes;
        settle.arrival.external.email = Some(email("nobody@example.com"));
        let provider = store::ProviderChange {
            trusted_domains: Some(Vec::new()),
            ..store::ProviderChange::default()
        };
        house.store.change_provider(&acme.id, &provider, &By::operator(), at(2)).await.unwrap();
        settle.arrival.external.email_verified = EmailVerified::Absent;
        settle.proof = Some(NewProof {
            id: proof_id(),
            browser: digest("browser"),
            return_to: "/back-office".to_owned(),
        });
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        assert!(matches!(done, Settled::AskedForProof { .. }), "{done:?}");
        assert_eq!(find(house, "browser", 11).await.unwrap().shown.user, None);
        // Where nobody could show anything, nothing is written.
        let nowhere = Settle { proof: None, ..settle };
        assert!(house.store.settle(&nowhere, decider(&nowhere)).await.is_err());
    }
}
