//! The first administrator: by a link that works once, while nobody else can get in.

use identity::federation::policy::UnknownUser;
use identity::federation::provider::{Provider, ProviderState};
use store::{By, Conflict, Error, ProviderChange, Settled, Setup, SetupUser};

use crate::engines::both;
use crate::house::{House, at, back_office, digest, new_staff};
use crate::settle::{arrive, decider};

pub(crate) fn first(email: &str) -> SetupUser {
    let application = back_office();
    SetupUser { application, user: new_staff(email), hash: "hash".to_owned() }
}

both! {
    async fn a_link_makes_the_first_administrator_and_no_second(house) {
        let (store, by) = (&house.store, By::operator());
        let old = digest("old");
        assert_eq!(store.add_setup_link(&old, at(600), &by, at(0)).await.unwrap(), Setup::Open);
        let token = digest("link");
        assert_eq!(store.add_setup_link(&token, at(600), &by, at(1)).await.unwrap(), Setup::Open);
        assert_eq!(store.find_setup_link(&old, at(2)).await.unwrap(), Setup::Unusable);
        assert_eq!(store.find_setup_link(&token, at(2)).await.unwrap(), Setup::Open);
        assert_eq!(store.find_setup_link(&token, at(600)).await.unwrap(), Setup::Unusable);
        let late = store.take_setup_link(&token, &first("a@example.com"), &by, at(600)).await;
        assert_eq!(late.unwrap(), Setup::Unusable);
        let done = store.take_setup_link(&token, &first("a@example.com"), &by, at(3)).await.unwrap();
        let Setup::Done(user) = done else { panic!("{done:?}") };
        assert_eq!(store.count_administrators().await.unwrap(), 1);
        assert!(store.list_groups_of(&user.id).await.unwrap()[0].is_administrators());
        let again = store.take_setup_link(&token, &first("b@example.com"), &by, at(4)).await;
        assert_eq!(again.unwrap(), Setup::AdministratorExists);
        let more = store.add_setup_link(&digest("more"), at(600), &by, at(5)).await;
        assert_eq!(more.unwrap(), Setup::AdministratorExists);
        assert_eq!(store.find_setup_link(&token, at(5)).await.unwrap(), Setup::Unusable);
    }

    async fn a_taken_address_leaves_the_link_good(house) {
        house.staff("taken@example.com").await;
        let (store, by) = (&house.store, By::operator());
        let token = digest("link");
        store.add_setup_link(&token, at(600), &by, at(0)).await.unwrap();
        let said = store.take_setup_link(&token, &first("taken@example.com"), &by, at(1)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::EmailTaken))), "{said:?}");
        let done = store.take_setup_link(&token, &first("free@example.com"), &by, at(2)).await;
        assert!(matches!(done.unwrap(), Setup::Done(_)));
    }

    async fn a_link_stays_void_when_the_first_administrator_has_lost_the_way_in(house) {
        let (store, by) = (&house.store, By::operator());
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &acme, "subject", "ada@example.com").await;
        let done = store.settle(&settle, decider(&settle)).await.unwrap();
        let Settled::SignedIn { user, .. } = done else { panic!("{done:?}") };
        for (number, looked) in [(1, false), (2, true)] {
            let group = house.administrators().await.id;
            let token = digest(&format!("link {number}"));
            let added = store.add_setup_link(&token, at(600), &by, at(11)).await.unwrap();
            assert_eq!(added, Setup::Open);
            if looked {
                // They were one before, and now have a way in again.
                switch(house, &acme, ProviderState::Enabled).await;
                let found = store.find_setup_link(&token, at(12)).await.unwrap();
                assert_eq!(found, Setup::AdministratorExists);
            } else {
                store.add_group_member(&group, &user.id, &by, at(12)).await.unwrap();
            }
            assert_eq!(store.count_administrators().await.unwrap(), 1);
            switch(house, &acme, ProviderState::Disabled).await;
            assert_eq!(store.count_administrators().await.unwrap(), 0);
            let found = store.find_setup_link(&token, at(13)).await.unwrap();
            assert_eq!(found, Setup::Unusable, "{number}");
        }
    }
}

async fn switch(house: &House, provider: &Provider, state: ProviderState) {
    let change = ProviderChange { state: Some(state), ..ProviderChange::default() };
    let by = By::operator().forced(true);
    house.store.change_provider(&provider.id, &change, &by, at(12)).await.unwrap();
}
