//! Applications: four from the start, changed in place, noticed everywhere.

use identity::applications::{Application, ApplicationKey};
use identity::federation::policy::UnknownUser;
use identity::return_to::Origin;
use store::{ApplicationChange, By, ChangeKind, Changes, Conflict, Error, NewConnection, Paging};

use crate::engines::both;
use crate::house::{at, back_office, open};

both! {
    async fn every_house_has_four_doors_and_opening_again_keeps_changes(house) {
        let doors = house.store.list_applications().await.unwrap();
        assert_eq!(doors.len(), 4);
        for door in Application::built_in() {
            assert_eq!(house.store.find_application(&door.key).await.unwrap(), Some(door));
        }
        let closed =
            ApplicationChange { local_login: Some(false), ..ApplicationChange::default() };
        house
            .store
            .change_application(&back_office(), &closed, &By::operator(), at(1))
            .await
            .unwrap();
        let again = open(&house.url).await.unwrap();
        assert!(!again.get_application(&back_office()).await.unwrap().local_login);
        again.close().await;
    }

    async fn a_door_sends_people_on_to_a_provider_of_its_own_until_that_is_gone(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let by = By::operator();
        let to = |provider| ApplicationChange {
            auto_redirect: Some(provider),
            ..ApplicationChange::default()
        };
        let store = &house.store;
        let storefront = ApplicationKey::from_stored("storefront");
        let there = to(Some(acme.id.clone()));
        let said = store.change_application(&storefront, &there, &by, at(1)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::NotConnected))), "{said:?}");
        let set = async || {
            let door = store.change_application(&back_office(), &there, &by, at(2)).await.unwrap();
            assert_eq!(house.back_office().await.auto_redirect, Some(acme.id.clone()));
            assert_eq!(house.back_office().await, door);
        };
        set().await;
        let audit = store.list_audit(None, &Paging::first(1)).await.unwrap().items;
        assert_eq!(audit[0].detail["auto_redirect"], acme.id.as_str());
        store.change_application(&back_office(), &to(None), &by, at(3)).await.unwrap();
        assert_eq!(house.back_office().await.auto_redirect, None);
        let other = ApplicationChange { name: Some("Office".to_owned()), ..Default::default() };
        set().await;
        store.change_application(&back_office(), &other, &by, at(4)).await.unwrap();
        assert_eq!(house.back_office().await.auto_redirect, Some(acme.id.clone()), "it stays");
        let connection = store.list_connections(None).await.unwrap().remove(0);
        store.remove_connection(&connection.id, &by, at(5)).await.unwrap();
        assert_eq!(house.back_office().await.auto_redirect, None, "taken away with it");
        let new = NewConnection {
            application: back_office(),
            policy: UnknownUser::Create.into(),
            position: 0,
        };
        store.add_connection(&acme.id, &new, &by, at(6)).await.unwrap();
        set().await;
        store.remove_provider(&acme.id, &by, at(7)).await.unwrap();
        assert_eq!(house.back_office().await.auto_redirect, None);
    }

    async fn a_changed_door_is_read_back_and_announced(house) {
        let origin = Origin::parse("https://shop.example").unwrap();
        let change = ApplicationChange {
            name: Some("Office".to_owned()),
            return_origins: Some(vec![origin.clone()]),
            fresh_within: Some(Some(std::time::Duration::from_secs(60))),
            authenticated_for: Some(std::time::Duration::from_secs(90)),
            ..ApplicationChange::default()
        };
        let seen = house.store.latest_change().await.unwrap();
        let by = By::operator();
        let door =
            house.store.change_application(&back_office(), &change, &by, at(1)).await.unwrap();
        assert_eq!(door.return_origins, [origin]);
        assert_eq!(house.back_office().await, door);
        let Changes::Since(lines) = house.store.list_changes(seen, 10).await.unwrap() else {
            panic!("missed")
        };
        assert_eq!((lines[0].kind, lines[0].id.as_str()), (ChangeKind::Application, "back-office"));
        let audit = house.store.list_audit(None, &Paging::first(1)).await.unwrap().items;
        let told = serde_json::to_value(&audit[0].detail).unwrap();
        let expected = serde_json::json!({
            "name": "Office", "return_origins": ["https://shop.example"], "fresh_within": 60,
            "authenticated_for": 90,
        });
        assert_eq!((audit[0].action.as_str(), told), ("application.change", expected));
        let nowhere = ApplicationKey::from_stored("nowhere");
        let said = house.store.change_application(&nowhere, &change, &by, at(2)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
        let said = house.store.get_application(&nowhere).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
    }
}
