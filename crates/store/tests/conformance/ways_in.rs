//! The lock-out guard: the last way in that administrators are known to have stays, unless somebody
//! insists.

use identity::federation::policy::{PolicyChange, PolicyField, PolicyFields, UnknownUser};
use identity::federation::proven::{Again, Gap};
use identity::federation::provider::{Provider, ProviderState};
use identity::federation::refusal::Refusal;
use identity::time::Moment;
use identity::users::{StatusChange, User};
use serde_json::{Value as Json, json};
use store::{
    ApplicationChange, By, Conflict, ConnectionChange, Error, Paging, ProviderChange, Settled,
    StatusOutcome,
};

use crate::engines::both;
use crate::house::{House, at, back_office, digest};
use crate::settle::{arrive, decider};

const DAY: u64 = 24 * 3600;

fn is_lock_out<T: std::fmt::Debug>(said: store::Result<T>) -> bool {
    match said {
        Err(Error::Conflict(Conflict::LockOut)) => true,
        Ok(_) => false,
        other => panic!("{other:?}"),
    }
}

/// Closes or opens the back office to passwords; true where the guard refused.
async fn passwords(house: &House, open: bool, by: &By, now: Moment) -> bool {
    let change = ApplicationChange { local_login: Some(open), ..ApplicationChange::default() };
    is_lock_out(house.store.change_application(&back_office(), &change, by, now).await)
}

async fn switch(house: &House, provider: &Provider, state: ProviderState, now: Moment) -> bool {
    let change = ProviderChange { state: Some(state), ..ProviderChange::default() };
    is_lock_out(house.store.change_provider(&provider.id, &change, &By::operator(), now).await)
}

/// When nothing that happened before is proof any more.
fn late(moment: Moment) -> Moment {
    moment.plus(std::time::Duration::from_secs(31 * DAY))
}

/// Comes back from the provider as this user, at the time of every arrival.
async fn come_by(house: &House, provider: &Provider, user: &User) -> Moment {
    let settle = arrive(house, provider, "subject", user.email.as_typed()).await;
    let settled = house.store.settle(&settle, decider(&settle)).await.unwrap();
    assert!(matches!(settled, Settled::SignedIn { .. }), "{settled:?}");
    settle.arrival.now
}

/// A back office without passwords whose only administrator comes by `acme`, of whom the department
/// was recorded.
async fn by_provider_alone(house: &House) -> Moment {
    house.administrator("ada@example.com").await;
    let acme = house.provider("acme", UnknownUser::Create, &[]).await;
    let reads = json!({ "allow_if": "claims.department != 'Attic'" });
    assert_eq!(policy(house, reads, at(1)).await, None, "passwords are taken");
    let mut settle = arrive(house, &acme, "subject", "ada@example.com").await;
    let claims = json!({ "department": "Sales" });
    settle.arrival.external.claims = claims.as_object().unwrap().clone();
    let settled = house.store.settle(&settle, decider(&settle)).await.unwrap();
    assert!(matches!(settled, Settled::SignedIn { .. }), "{settled:?}");
    let now = settle.arrival.now;
    assert!(!passwords(house, false, &By::operator(), now).await);
    now
}

async fn change_policy(house: &House, policy: PolicyChange, by: &By, now: Moment) -> Option<Again> {
    let id = house.store.list_connections(None).await.unwrap().remove(0).id;
    let change = ConnectionChange { policy, ..ConnectionChange::default() };
    match house.store.change_connection(&id, &change, by, now).await {
        Ok(_) => None,
        Err(Error::Conflict(Conflict::KeptOut(why))) => Some(why),
        Err(other) => panic!("{other:?}"),
    }
}

/// Sets fields of the connection; what would keep the administrators out, where that refused it.
async fn policy(house: &House, set: Json, now: Moment) -> Option<Again> {
    let set: PolicyFields = serde_json::from_value(set).unwrap();
    change_policy(house, set.into(), &By::operator(), now).await
}

/// The same for every connection of the back office.
async fn defaults(house: &House, set: Json, now: Moment) -> Option<Again> {
    let set: PolicyFields = serde_json::from_value(set).unwrap();
    let change = ApplicationChange { defaults: set.into(), ..ApplicationChange::default() };
    match house.store.change_application(&back_office(), &change, &By::operator(), now).await {
        Ok(_) => None,
        Err(Error::Conflict(Conflict::KeptOut(why))) => Some(why),
        Err(other) => panic!("{other:?}"),
    }
}

both! {
    async fn a_policy_that_would_keep_out_the_only_administrator_is_refused(house) {
        let now = by_provider_alone(house).await;
        let legal = || json!({ "allow_if": "claims.department == 'Legal'" });
        assert_eq!(policy(house, legal(), now).await, Some(Again::Out(Refusal::NotAllowed)));
        let set = house.store.list_connections(None).await.unwrap().remove(0).policy;
        let rule = serde_json::to_value(set.allow_if).unwrap();
        assert!(rule.to_string().contains("Attic"), "nothing was written: {rule}");
        assert_eq!(policy(house, json!({ "allow_if": "claims.department == 'Sales'" }), now).await, None);
        let elsewhere = json!({ "allowed_domains": ["elsewhere.test"] });
        assert_eq!(policy(house, elsewhere.clone(), now).await, Some(Again::Out(Refusal::NotAllowed)));
        assert_eq!(defaults(house, elsewhere, now).await, Some(Again::Out(Refusal::NotAllowed)));
        let refusing = json!({ "on_sign_in": { "refuse_if": "claims.department == 'Sales'" } });
        assert!(policy(house, refusing, now).await.is_some());
        // What cannot keep anybody out who is known is nobody's loss.
        assert_eq!(policy(house, json!({ "unknown_user": "refuse", "button_hidden": true }), now).await, None);
    }

    async fn what_cannot_be_said_proves_nothing(house) {
        let now = by_provider_alone(house).await;
        let rank = || json!({ "allow_if": "claims.rank == 'captain'" });
        assert_eq!(policy(house, rank(), now).await, Some(Again::Unproven(Gap::NotRecorded)));
        assert_eq!(defaults(house, rank(), now).await, None, "the connection has a rule of its own");
        let hook = json!({ "decision_hook": { "url": "https://hook.test/" } });
        assert_eq!(policy(house, hook, now).await, Some(Again::Unproven(Gap::AnotherHook)));
        // The application's rule would hold again, and reads what was not recorded.
        let unset = vec![PolicyField::AllowIf];
        let inherit = PolicyChange { unset, ..PolicyChange::default() };
        let said = change_policy(house, inherit.clone(), &By::operator(), now).await;
        assert_eq!(said, Some(Again::Unproven(Gap::NotRecorded)));
        let forced = By::operator().forced(true);
        assert_eq!(change_policy(house, inherit, &forced, now).await, None);
        // Who is out already loses nothing by the next change.
        assert_eq!(policy(house, json!({ "allowed_domains": ["elsewhere.test"] }), now).await, None);
    }

    async fn another_way_in_frees_the_policy(house) {
        let now = by_provider_alone(house).await;
        let legal = || json!({ "allow_if": "claims.department == 'Legal'" });
        assert!(!passwords(house, true, &By::operator(), now).await);
        assert_eq!(policy(house, legal(), now).await, None, "passwords are taken");
        // And back: closing the door to passwords asks what the policy makes of those who came.
        let change = ApplicationChange { local_login: Some(false), ..ApplicationChange::default() };
        let said = house.store.change_application(&back_office(), &change, &By::operator(), now).await;
        let kept_out = Conflict::KeptOut(Again::Out(Refusal::NotAllowed));
        assert!(matches!(&said, Err(Error::Conflict(why)) if *why == kept_out), "{said:?}");
        assert!(house.back_office().await.local_login);
    }

    async fn a_seal_is_a_way_in_until_it_is_opened_or_taken_away(house) {
        let ada = house.administrator("ada@example.com").await;
        let (by, now) = (By::operator(), at(2));
        assert!(passwords(house, false, &by, now).await, "there is nothing else");
        let door = house.back_office().await;
        house.store.add_break_glass_seal(&door, &ada.id, &digest("code"), &by, now).await.unwrap();
        assert!(!passwords(house, false, &by, now).await, "she has a password and a code");
        let key = back_office();
        assert!(is_lock_out(house.store.remove_break_glass_seal(&key, &ada.id, &by, now).await));
        assert!(house.store.has_usable_seal(&key).await.unwrap(), "nothing was written");
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let came = come_by(house, &acme, &ada).await;
        let legal = json!({ "allow_if": "claims.department == 'Legal'" });
        assert_eq!(policy(house, legal, came).await, None, "the seal is there");
        assert!(is_lock_out(house.store.remove_break_glass_seal(&key, &ada.id, &by, late(came)).await));
        let forced = By::operator().forced(true);
        assert!(house.store.remove_break_glass_seal(&key, &ada.id, &forced, came).await.unwrap());
    }

    async fn a_way_that_the_policy_has_closed_is_none(house) {
        let now = by_provider_alone(house).await;
        let by = By::operator();
        let ada = house.store.list_users(&Default::default(), &Paging::first(10)).await.unwrap();
        let ada = ada.items.into_iter().next().unwrap();
        let door = house.back_office().await;
        house.store.add_break_glass_seal(&door, &ada.id, &digest("code"), &by, now).await.unwrap();
        let nobody = json!({ "allow_if": "claims.department == 'Nobody'" });
        assert_eq!(policy(house, nobody, now).await, None, "the seal is there");
        let key = back_office();
        let taken = house.store.remove_break_glass_seal(&key, &ada.id, &by, now).await;
        assert!(is_lock_out(taken), "she came by Acme, and would not again");
        assert!(house.store.has_usable_seal(&key).await.unwrap());
    }

    async fn somebody_who_would_still_get_in_is_enough(house) {
        let now = by_provider_alone(house).await;
        let bob = house.staff("bob@example.com").await;
        let administrators = house.administrators().await.id;
        house.store.add_group_member(&administrators, &bob.id, &By::operator(), now).await.unwrap();
        let providers = house.store.list_providers().await.unwrap();
        let mut settle = arrive(house, &providers[0], "bob", "bob@example.com").await;
        let claims = json!({ "department": "Legal" });
        settle.arrival.external.claims = claims.as_object().unwrap().clone();
        house.store.settle(&settle, decider(&settle)).await.unwrap();
        let legal = json!({ "allow_if": "claims.department == 'Legal'" });
        assert_eq!(policy(house, legal, now).await, None);
        let change = StatusChange::Deactivate;
        let by = By::operator().forced(true);
        house.store.change_user_status(&bob.id, change, &by, now).await.unwrap();
        let nobody = json!({ "allow_if": "claims.department == 'Nobody'" });
        assert_eq!(policy(house, nobody, now).await, None, "nobody got in before either");
    }

    async fn closing_a_door_to_passwords_needs_a_way_that_somebody_has_gone(house) {
        let ada = house.administrator("ada@example.com").await;
        let by = By::operator();
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        assert!(passwords(house, false, &by, at(1)).await, "nobody has come by the provider yet");
        assert!(house.back_office().await.local_login, "nothing was written");
        let came = come_by(house, &acme, &ada).await;
        let late = |days: u64| came.plus(std::time::Duration::from_secs(days * DAY));
        assert!(passwords(house, false, &by, late(31)).await, "too long ago to prove anything");
        assert!(!passwords(house, false, &by, late(29)).await);
        assert!(!house.back_office().await.local_login);
    }

    async fn the_provider_that_administrators_come_by_stays_while_there_is_nothing_else(house) {
        let ada = house.administrator("ada@example.com").await;
        let by = By::operator();
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let now = come_by(house, &acme, &ada).await;
        assert!(!switch(house, &acme, ProviderState::Disabled, now).await, "passwords are taken");
        assert!(passwords(house, false, &by, now).await, "it is switched off");
        assert!(!switch(house, &acme, ProviderState::Enabled, now).await);
        assert!(!passwords(house, false, &by, now).await);
        assert!(switch(house, &acme, ProviderState::Disabled, now).await);
        let connection = house.store.list_connections(None).await.unwrap().remove(0);
        assert!(is_lock_out(house.store.remove_connection(&connection.id, &by, now).await));
        let provider = house.store.find_provider(&acme.id).await.unwrap().unwrap();
        assert_eq!(provider.state, ProviderState::Enabled);
        assert_eq!(house.store.list_connections(None).await.unwrap().len(), 1);
        assert!(!passwords(house, true, &by, now).await);
        assert!(!is_lock_out(house.store.remove_connection(&connection.id, &by, now).await));
    }

    async fn whoever_insists_is_obeyed_and_the_audit_says_so(house) {
        house.administrator("ada@example.com").await;
        let forced = By::operator().forced(true);
        assert!(!passwords(house, false, &forced, at(1)).await);
        let audit = house.store.list_audit(None, &Paging::first(1)).await.unwrap().items;
        assert_eq!((audit[0].action.as_str(), &audit[0].detail["forced"]), ("application.change", &true.into()));
        // What is locked already can be changed.
        let renamed = ApplicationChange { name: Some("Office".to_owned()), ..Default::default() };
        let by = By::operator();
        assert!(!is_lock_out(
            house.store.change_application(&back_office(), &renamed, &by, at(2)).await
        ));
    }

    async fn a_house_without_administrators_is_changed_as_ever(house) {
        let ada = house.staff("ada@example.com").await;
        house.password(&ada, "hash").await;
        assert!(!passwords(house, false, &By::operator(), at(1)).await);
    }

    async fn the_only_administrator_who_is_known_to_get_in_stays(house) {
        let (by, now) = (By::operator(), at(1));
        let ada = house.administrator("ada@example.com").await;
        // Tied to a provider of the door, but never seen here since.
        let bob = house.staff("bob@example.com").await;
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let came = come_by(house, &acme, &bob).await;
        let administrators = house.administrators().await.id;
        house.store.add_group_member(&administrators, &bob.id, &by, now).await.unwrap();
        let long_after = came.plus(std::time::Duration::from_secs(31 * DAY));
        let change = StatusChange::Deactivate;
        let store = &house.store;
        assert!(is_lock_out(store.change_user_status(&ada.id, change, &by, long_after).await));
        assert!(is_lock_out(
            store.remove_group_member(&administrators, &ada.id, &by, long_after).await
        ));
        assert!(store.find_user(&ada.id).await.unwrap().unwrap().status == identity::users::Status::Active);
        let said = store.change_user_status(&ada.id, change, &by, came).await.unwrap();
        assert!(matches!(said, StatusOutcome::Changed(_)), "Bob has just come: {said:?}");
    }
}
