//! The lock-out guard: the last way in that administrators are known to have stays, unless somebody
//! insists.

use identity::federation::policy::UnknownUser;
use identity::federation::provider::{Provider, ProviderState};
use identity::time::Moment;
use identity::users::{StatusChange, User};
use store::{
    ApplicationChange, By, Conflict, Error, Paging, ProviderChange, Settled, StatusOutcome,
};

use crate::engines::both;
use crate::house::{House, at, back_office};
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

/// Comes back from the provider as this user, at the time of every arrival.
async fn come_by(house: &House, provider: &Provider, user: &User) -> Moment {
    let settle = arrive(house, provider, "subject", user.email.as_typed()).await;
    let settled = house.store.settle(&settle, decider(&settle)).await.unwrap();
    assert!(matches!(settled, Settled::SignedIn { .. }), "{settled:?}");
    settle.arrival.now
}

both! {
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
