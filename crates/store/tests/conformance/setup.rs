//! The first administrator: by a link that works once, while nobody else can get in.

use store::{By, Conflict, Error, Setup, SetupUser};

use crate::engines::both;
use crate::house::{at, digest, new_staff};

pub(crate) fn first(email: &str) -> SetupUser {
    SetupUser { user: new_staff(email), hash: "hash".to_owned() }
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
}
