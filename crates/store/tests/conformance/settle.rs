//! Settling: what the decision says is what is written, and nothing else.

use identity::federation::decide::{Arrival, Decided, Decision, Known, decide};
use identity::federation::external::{EmailVerified, ExternalIdentity};
use identity::federation::hook::HookWord;
use identity::federation::mapping::Changes;
use identity::federation::policy::UnknownUser;
use identity::federation::provider::{Provider, ProviderState};
use identity::federation::refusal::Refusal;
use identity::groups::GroupName;
use identity::ids::{AttemptId, UserId};
use identity::sessions::Method;
use identity::users::{Birth, Name, StatusChange, UserType};
use store::{By, Error, NewSession, Paging, ProviderChange, Settle, Settled, UserFilter};

use crate::engines::both;
use crate::house::{House, at, digest, email, new_session};

/// Somebody at the back office's door, by a provider's proved word.
pub(crate) async fn arrive(
    house: &House,
    provider: &Provider,
    subject: &str,
    address: &str,
) -> Settle {
    let external = ExternalIdentity {
        provider: provider.id.clone(),
        issuer: provider.issuer.clone(),
        subject: subject.to_owned(),
        email: Some(email(address)),
        email_verified: EmailVerified::Yes,
        hosted_domain: None,
        name: Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
        locale: None,
        claims: serde_json::Map::new(),
    };
    let arrival = Arrival {
        external,
        application: house.back_office().await,
        hook: HookWord::Unasked,
        shown: None,
        now: at(10),
    };
    Settle {
        arrival,
        attempt: Some(AttemptId::from_stored(format!("attempt-{subject}"))),
        session: NewSession { methods: vec![Method::Provider], ..new_session(subject) },
        support_code: format!("CODE-{subject}"),
        by: By::visitor(store::AuditNote::default()),
        letter: None,
        proof: None,
    }
}

/// The policy itself.
pub(crate) fn decider(settle: &Settle) -> impl Fn(&Known) -> Decided + Sync {
    |known| decide(&settle.arrival, known)
}

async fn count_users(house: &House) -> usize {
    let all = UserFilter::default();
    house.store.list_users(&all, &Paging::first(100)).await.unwrap().items.len()
}

both! {
    async fn s083_somebody_for_whom_a_token_came_has_made_no_trip(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let settle = Settle {
            attempt: None,
            ..arrive(house, &acme, "subject", "ada@example.com").await
        };
        let settled = house.store.settle(&settle, decider(&settle)).await.unwrap();
        let Settled::SignedIn { user, .. } = settled else { panic!("not in: {settled:?}") };
        let audit = house.store.list_audit(Some(&user.id), &Paging::first(1)).await.unwrap().items;
        assert_eq!(audit[0].action, "token.exchange");
        assert_eq!(audit[0].detail.get("attempt"), None);
    }

    async fn s026_a_newcomer_is_made_once_and_comes_back_as_the_same(house) {
        let name = GroupName::parse("Newcomers").unwrap();
        let by = By::operator();
        let group = house.store.add_group(UserType::Staff, &name, &by, at(1)).await.unwrap();
        let acme = house.provider("acme", UnknownUser::Create, std::slice::from_ref(&group.id)).await;
        let mut settle = arrive(house, &acme, "subject", "ada@example.com").await;
        let first = house.store.settle(&settle, decider(&settle)).await.unwrap();
        let Settled::SignedIn { session, user, created: true, linked: false, changed: false } = first else {
            panic!("{first:?}")
        };
        assert_eq!(user.birth, Birth::SingleSignOn);
        assert_eq!(session.provider.as_ref(), Some(&acme.id));
        assert_eq!(house.store.list_groups_of(&user.id).await.unwrap(), [group]);
        let identities = house.store.list_identities_of(&user.id).await.unwrap();
        assert_eq!(identities.len(), 1);
        assert_eq!(session.identity.as_ref(), Some(&identities[0].id));
        let found = house.store.find_session(&digest("subject")).await.unwrap().unwrap();
        assert_eq!((&found.session, &found.user), (&*session, &*user));
        // Another address at the provider: the same user, whose own address stays.
        settle.arrival.external.email = Some(email("countess@example.com"));
        settle.session.token = digest("second");
        let again = house.store.settle(&settle, decider(&settle)).await.unwrap();
        let Settled::SignedIn { user: same, created: false, linked: false, .. } = again else {
            panic!("{again:?}")
        };
        assert_eq!(same, user);
        let identities = house.store.list_identities_of(&user.id).await.unwrap();
        assert_eq!(identities[0].email.as_deref(), Some("countess@example.com"));
        assert_eq!(count_users(house).await, 1);
    }

    async fn s043_an_account_is_linked_once_per_provider(house) {
        let user = house.staff("ada@example.com").await;
        let acme = house.provider("acme", UnknownUser::Refuse, &[]).await;
        let settle = arrive(house, &acme, "subject", "ADA@example.com").await;
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        let Settled::SignedIn { user: linked, created: false, linked: true, .. } = done else {
            panic!("{done:?}")
        };
        assert_eq!(*linked, user);
        // Somebody else with a recycled address is not let into the account.
        let other = arrive(house, &acme, "other", "ada@example.com").await;
        let done = house.store.settle(&other, decider(&other)).await.unwrap();
        assert!(
            matches!(&done, Settled::Refused { reason: Refusal::LinkedToAnother, .. }),
            "{done:?}"
        );
        assert_eq!(house.store.list_identities_of(&user.id).await.unwrap().len(), 1);
    }

    async fn s051_a_refusal_leaves_the_audit_and_nothing_else(house) {
        let acme = house.provider("acme", UnknownUser::Refuse, &[]).await;
        let settle = arrive(house, &acme, "subject", "ada@example.com").await;
        let before = house.store.counted();
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        let Settled::Refused { reason: Refusal::UnknownUser, support_code } = done else {
            panic!("{done:?}")
        };
        assert_eq!(house.store.counted().since(before).rows_written, 1);
        assert_eq!(count_users(house).await, 0);
        assert_eq!(house.store.find_session(&digest("subject")).await.unwrap(), None);
        let entry = house.store.find_audit_by_support_code(&support_code).await.unwrap().unwrap();
        assert_eq!(entry.outcome, "unknown_user");
        assert_eq!(entry.provider.as_ref(), Some(&acme.id));
        assert_eq!(entry.detail["decision"]["decision"], "refuse");
        assert!(entry.detail["rules"].as_array().is_some_and(|rules| rules.len() > 2));
    }

    async fn s051_the_audit_names_who_has_an_address_only_when_it_counts(house) {
        let user = house.staff("ada@example.com").await;
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let first = arrive(house, &acme, "subject", "ada@example.com").await;
        house.store.settle(&first, decider(&first)).await.unwrap();
        let mut other = arrive(house, &acme, "other", "ada@example.com").await;
        house.store.settle(&other, decider(&other)).await.unwrap();
        let entry = house.store.find_audit_by_support_code("CODE-other").await.unwrap().unwrap();
        assert_eq!((entry.outcome.as_str(), entry.user), ("linked_to_another", Some(user.id)));
        other.arrival.external.email_verified = EmailVerified::No;
        other.support_code = "CODE-untrusted".to_owned();
        house.store.settle(&other, decider(&other)).await.unwrap();
        let entry = house.store.find_audit_by_support_code("CODE-untrusted").await.unwrap().unwrap();
        assert_eq!((entry.outcome.as_str(), entry.user), ("email_untrusted", None));
    }

    async fn s036_a_provider_disabled_meanwhile_refuses(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &acme, "subject", "ada@example.com").await;
        let off = ProviderChange {
            state: Some(ProviderState::Disabled),
            ..ProviderChange::default()
        };
        house.store.change_provider(&acme.id, &off, &By::operator(), at(2)).await.unwrap();
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        assert!(matches!(done, Settled::Refused { reason: Refusal::ProviderDisabled, .. }));
        assert_eq!(count_users(house).await, 0);
    }

    async fn who_is_deactivated_deleted_or_unconnected_is_refused(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let mut settle = arrive(house, &acme, "subject", "ada@example.com").await;
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        let Settled::SignedIn { user, .. } = done else { panic!("{done:?}") };
        let by = By::operator();
        for (round, change, reason) in [
            ("one", StatusChange::Deactivate, Refusal::UserDeactivated),
            ("two", StatusChange::Delete, Refusal::UserDeleted),
        ] {
            house.store.change_user_status(&user.id, change, &by, at(20)).await.unwrap();
            settle.support_code = round.to_owned();
            let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
            let Settled::Refused { reason: said, .. } = done else { panic!("{done:?}") };
            assert_eq!(said, reason);
        }
        let connection = house.store.list_connections(None).await.unwrap().remove(0);
        house.store.remove_connection(&connection.id, &by, at(21)).await.unwrap();
        settle.support_code = "three".to_owned();
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        assert!(matches!(done, Settled::Refused { reason: Refusal::ProviderNotConnected, .. }));
    }

    async fn an_answer_without_an_address_still_finds_the_identity(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let mut settle = arrive(house, &acme, "subject", "ada@example.com").await;
        house.store.settle(&settle, decider(&settle)).await.unwrap();
        settle.arrival.external.email = None;
        settle.session.token = digest("second");
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        let Settled::SignedIn { user, created: false, .. } = done else { panic!("{done:?}") };
        let identities = house.store.list_identities_of(&user.id).await.unwrap();
        assert_eq!(identities[0].email.as_deref(), Some("ada@example.com"));
    }

    async fn s027_the_same_subject_of_another_provider_is_somebody_else(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let other = house.provider("other", UnknownUser::Create, &[]).await;
        let first = arrive(house, &acme, "subject", "ada@example.com").await;
        house.store.settle(&first, decider(&first)).await.unwrap();
        let mut second = arrive(house, &other, "subject", "eve@example.com").await;
        second.session.token = digest("second");
        let known = house.store.find_known(&second.arrival).await.unwrap();
        assert_eq!(known.linked, None);
        assert_eq!(known.provider, other);
        let done = house.store.settle(&second, decider(&second)).await.unwrap();
        assert!(matches!(done, Settled::SignedIn { created: true, .. }), "{done:?}");
        assert_eq!(count_users(house).await, 2);
    }

    async fn a_removed_group_or_provider_turns_into_no_half_made_user(house) {
        let name = GroupName::parse("Newcomers").unwrap();
        let by = By::operator();
        let group = house.store.add_group(UserType::Staff, &name, &by, at(1)).await.unwrap();
        let acme = house.provider("acme", UnknownUser::Create, std::slice::from_ref(&group.id)).await;
        house.store.remove_group(&group.id, &by, at(2)).await.unwrap();
        let settle = arrive(house, &acme, "subject", "ada@example.com").await;
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        assert!(matches!(done, Settled::SignedIn { created: true, .. }), "{done:?}");
        let gone = house.provider("gone", UnknownUser::Create, &[]).await;
        house.store.remove_provider(&gone.id, &by, at(3)).await.unwrap();
        let settle = arrive(house, &gone, "nobody", "eve@example.com").await;
        let said = house.store.settle(&settle, decider(&settle)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
        assert_eq!(count_users(house).await, 1);
    }

    async fn a_decision_about_somebody_else_is_not_carried_out(house) {
        let victim = house.staff("victim@example.com").await;
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &acme, "subject", "ada@example.com").await;
        let user: UserId = victim.id.clone();
        let wrong = |known: &Known| {
            let decided = decide(&settle.arrival, known);
            Decided { decision: Decision::Link { user: user.clone(), changes: Changes::default() }, ..decided }
        };
        let said = house.store.settle(&settle, wrong).await;
        assert!(matches!(said, Err(Error::Broken(_))), "{said:?}");
        assert_eq!(house.store.list_identities_of(&victim.id).await.unwrap(), []);
    }
}
