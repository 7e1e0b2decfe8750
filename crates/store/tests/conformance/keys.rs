//! Data keys: kept wrapped, in the order in which they came.

use identity::ids::DataKeyId;
use store::{Conflict, Error};

use crate::engines::both;
use crate::house::at;

both! {
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
