//! Data keys: kept wrapped, in the order in which they came.

use identity::ids::DataKeyId;
use store::{Conflict, Error};

use crate::engines::both;
use crate::house::{at, open};
use crate::races::at_once;

both! {
    async fn of_many_first_keys_one_is_added(house) {
        let others = [open(&house.url).await.unwrap(), open(&house.url).await.unwrap()];
        let stores = [&others[0], &others[1], &house.store];
        let tasks = (0..12).map(|number| {
            let store = stores[number % 3].clone();
            async move {
                let id = DataKeyId::from_stored(format!("{number}"));
                let added = store.add_first_data_key(&id, "wrapped", at(1)).await.unwrap();
                let seen = store.list_data_keys().await.unwrap();
                assert_eq!(seen.len(), 1, "{number} came too early");
                added
            }
        });
        let added = at_once(tasks).await;
        assert_eq!(added.into_iter().filter(|added| *added).count(), 1);
        let late = DataKeyId::from_stored("late");
        assert!(!house.store.add_first_data_key(&late, "wrapped", at(2)).await.unwrap());
        for other in others {
            other.close().await;
        }
    }

    async fn keys_are_kept_in_order_and_never_replaced(house) {
        assert_eq!(house.store.list_data_keys().await.unwrap(), []);
        let seen = house.store.latest_change().await.unwrap();
        let (one, two) = (DataKeyId::from_stored("1"), DataKeyId::from_stored("2"));
        house.store.add_data_key(&two, "wrapped two", at(1)).await.unwrap();
        house.store.add_data_key(&one, "wrapped one", at(2)).await.unwrap();
        let said = house.store.add_data_key(&one, "another", at(3)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::KeyTaken))), "{said:?}");
        let keys = house.store.list_data_keys().await.unwrap();
        assert_eq!(keys, [(one, "wrapped one".to_owned()), (two, "wrapped two".to_owned())]);
        assert_eq!(house.store.latest_change().await.unwrap(), seen + 2);
    }
}
