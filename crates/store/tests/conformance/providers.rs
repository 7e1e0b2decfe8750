//! Providers and connections: kept as set up, and never taken away from under anybody.

use identity::federation::policy::{PolicyFields, UnknownUser};
use identity::federation::provider::{Authority, ProviderState};
use identity::groups::GroupName;
use identity::ids::ProviderId;
use identity::users::UserType;
use store::{By, Conflict, ConnectionChange, Error, NewConnection, Paging, ProviderChange};

use crate::engines::both;
use crate::house::{at, back_office, provider};
use crate::settle::{arrive, decider};

fn groups_for(groups: Vec<identity::ids::GroupId>) -> PolicyFields {
    PolicyFields { default_groups: Some(groups), ..PolicyFields::from(UnknownUser::Refuse) }
}

fn connection(groups: Vec<identity::ids::GroupId>) -> NewConnection {
    NewConnection { application: back_office(), policy: groups_for(groups), position: 3 }
}

both! {
    async fn a_provider_is_read_back_as_it_was_saved(house) {
        let saved = house.provider("acme", UnknownUser::Create, &[]).await;
        assert_eq!(house.store.find_provider(&saved.id).await.unwrap(), Some(saved.clone()));
        assert_eq!(house.store.find_provider_by_key("acme").await.unwrap(), Some(saved.clone()));
        assert_eq!(house.store.list_providers().await.unwrap(), std::slice::from_ref(&saved));
        let secret = house.store.get_provider_secret(&saved.id).await.unwrap();
        assert_eq!(secret.as_deref(), Some("sealed"));
        let nobody = ProviderId::from_stored("nobody");
        let said = house.store.get_provider_secret(&nobody).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
        let mut twin = provider("acme");
        twin.id = ProviderId::from_stored("twin");
        let said = house.store.add_provider(&twin, None, &[], &By::operator(), at(1)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::KeyTaken))), "{said:?}");
    }

    async fn a_provider_is_saved_with_its_connections_or_not_at_all(house) {
        let by = By::operator();
        let administrators = house.administrators().await.id;
        let new = connection(vec![administrators.clone()]);
        let said = house.store.add_provider(&provider("acme"), None, &[new], &by, at(1)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::BuiltIn))), "{said:?}");
        assert_eq!(house.store.find_provider_by_key("acme").await.unwrap(), None);
        let saved = house.provider("acme", UnknownUser::Create, &[]).await;
        let of_door = house.store.list_connections(Some(&back_office())).await.unwrap();
        assert_eq!(of_door.len(), 1);
        let change = ConnectionChange {
            policy: groups_for(vec![administrators]).into(),
            ..ConnectionChange::default()
        };
        let said = house.store.change_connection(&of_door[0].id, &change, &by, at(2)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::BuiltIn))), "{said:?}");
        let said = house.store.add_connection(&saved.id, &connection(vec![]), &by, at(3)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::AlreadyConnected))), "{said:?}");
    }

    async fn a_default_group_is_for_the_doors_own_users(house) {
        let by = By::operator();
        let name = GroupName::parse("VIP").unwrap();
        let group = house.store.add_group(UserType::Customer, &name, &by, at(1)).await.unwrap();
        let new = connection(vec![group.id]);
        let said = house.store.add_provider(&provider("acme"), None, &[new], &by, at(1)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::WrongUserType))), "{said:?}");
    }

    async fn changes_of_providers_and_connections_are_read_back(house) {
        let by = By::operator();
        let saved = house.provider("acme", UnknownUser::Create, &[]).await;
        let change = ProviderChange {
            state: Some(ProviderState::Disabled),
            trusted_domains: Some(vec!["other.example".to_owned()]),
            sealed_secret: Some("sealed anew".to_owned()),
            ..ProviderChange::default()
        };
        let changed = house.store.change_provider(&saved.id, &change, &by, at(1)).await.unwrap();
        assert_eq!(changed.state, ProviderState::Disabled);
        assert_eq!(changed.issuer, saved.issuer);
        assert_eq!(house.store.find_provider(&saved.id).await.unwrap(), Some(changed));
        let secret = house.store.get_provider_secret(&saved.id).await.unwrap();
        assert_eq!(secret.as_deref(), Some("sealed anew"));
        let audit = house.store.list_audit(None, &Paging::first(1)).await.unwrap().items;
        let told = serde_json::to_value(&audit[0].detail).unwrap();
        let expected = serde_json::json!({
            "state": "disabled", "trusted_domains": ["other.example"], "secret_changed": true, "ended": 0
        });
        assert_eq!(told, expected, "what changed, and nothing of the secret");
        let all = house.store.list_connections(None).await.unwrap();
        let change = ConnectionChange {
            policy: PolicyFields::from(UnknownUser::Refuse).into(),
            position: Some(7),
            exchange_audiences: Some(vec!["mobile".to_owned()]),
            exchange_staff: Some(true),
        };
        assert_eq!((&all[0].exchange_audiences[..], all[0].exchange_staff), (&[][..], false));
        let changed = house.store.change_connection(&all[0].id, &change, &by, at(2)).await.unwrap();
        let unknown_user = changed.policy.unknown_user;
        assert_eq!((unknown_user, changed.position), (Some(UnknownUser::Refuse), 7));
        assert_eq!((&changed.exchange_audiences[..], changed.exchange_staff), (&["mobile".to_owned()][..], true));
        let kept = house.store.list_connections(None).await.unwrap();
        assert_eq!(kept, [changed]);
        house.store.remove_connection(&all[0].id, &by, at(3)).await.unwrap();
        assert_eq!(house.store.list_connections(None).await.unwrap(), []);
        let again = connection(vec![]);
        house.store.add_connection(&saved.id, &again, &by, at(4)).await.unwrap();
        assert_eq!(house.store.list_connections(None).await.unwrap().len(), 1);
    }

    async fn a_provider_that_people_came_by_is_not_removed(house) {
        let by = By::operator();
        let unused = house.provider("unused", UnknownUser::Create, &[]).await;
        house.store.remove_provider(&unused.id, &by, at(1)).await.unwrap();
        assert_eq!(house.store.find_provider(&unused.id).await.unwrap(), None);
        let said = house.store.remove_provider(&unused.id, &by, at(1)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
        let used = house.provider("used", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &used, "subject", "ada@example.com").await;
        house.store.settle(&settle, decider(&settle)).await.unwrap();
        let said = house.store.remove_provider(&used.id, &by, at(2)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::InUse))), "{said:?}");
        assert_eq!(house.store.list_connections(None).await.unwrap().len(), 1, "undone as a whole");
    }

    async fn s028_the_issuer_of_a_provider_that_people_came_by_stays(house) {
        let by = By::operator();
        let used = house.provider("used", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &used, "subject", "ada@example.com").await;
        house.store.settle(&settle, decider(&settle)).await.unwrap();
        let mut moved = provider("used");
        moved.id = ProviderId::from_stored("moved");
        moved.issuer = "https://elsewhere.example".to_owned();
        let said = house.store.add_provider(&moved, None, &[], &by, at(1)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::KeyTaken))), "{said:?}");
        let said = house.store.remove_provider(&used.id, &by, at(2)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::InUse))), "{said:?}");
        // Everything that a provider can be changed in: whoever adds a field meets this test.
        let change = ProviderChange {
            name: Some("Moved".to_owned()),
            authority: Some(Authority::Organisation),
            state: Some(ProviderState::Disabled),
            client_id: Some("other".to_owned()),
            client_authentication: Some(moved.client_authentication),
            scopes: Some(moved.scopes.clone()),
            trusted_domains: Some(moved.trusted_domains.clone()),
            allow_private: Some(vec!["elsewhere.example".to_owned()]),
            endpoints: Some(moved.endpoints.clone()),
            algorithms: Some(moved.algorithms.clone()),
            promises_iss: Some(false),
            pkce: Some(false),
            sealed_secret: Some("other".to_owned()),
        };
        let changed = house.store.change_provider(&used.id, &change, &by, at(3)).await.unwrap();
        assert_eq!(changed, change.apply(used.clone()));
        assert_eq!(changed.issuer, used.issuer);
        let kept = house.store.find_provider(&used.id).await.unwrap();
        assert_eq!(kept, Some(changed));
    }
}
