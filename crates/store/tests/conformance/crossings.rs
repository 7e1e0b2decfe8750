//! Two changes of one thing at the same moment: neither undoes or misses the other.

use identity::federation::policy::{Link, PolicyFields, UnknownUser};
use identity::federation::provider::ProviderState;
use identity::ids::MailId;
use identity::users::{Name, StatusChange};
use store::{
    ApplicationChange, By, ConnectionChange, NewMail, NewReset, ProfileChange, ProviderChange,
    Reset, Store,
};

use crate::engines::both;
use crate::house::{House, at, digest, open};
use crate::races::at_once;

/// Often enough that on PostgreSQL some of them meet.
const ROUNDS: u32 = 25;

/// Runs two changes on two processes at once, again and again.
async fn crossing<A, B, FA, FB>(house: &House, other: &Store, one: A, two: B)
where
    A: Fn(Store) -> FA,
    B: Fn(Store) -> FB,
    FA: Future<Output = ()> + Send + 'static,
    FB: Future<Output = ()> + Send + 'static,
{
    let (one, two) = (tokio::spawn(one(house.store.clone())), tokio::spawn(two(other.clone())));
    one.await.expect("no panic");
    two.await.expect("no panic");
}

both! {
    async fn two_changes_of_a_provider_do_not_undo_each_other(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let other = open(&house.url).await.unwrap();
        for round in 0..ROUNDS {
            let name = format!("Acme {round}");
            let on = ProviderChange { state: Some(ProviderState::Enabled), ..Default::default() };
            house.store.change_provider(&acme.id, &on, &By::operator(), at(1)).await.unwrap();
            let rename = |store: Store| {
                let (id, name) = (acme.id.clone(), Some(name.clone()));
                async move {
                    let change = ProviderChange { name, ..Default::default() };
                    store.change_provider(&id, &change, &By::operator(), at(2)).await.unwrap();
                }
            };
            let disable = |store: Store| {
                let (id, state) = (acme.id.clone(), Some(ProviderState::Disabled));
                async move {
                    let change = ProviderChange { state, ..Default::default() };
                    store.change_provider(&id, &change, &By::operator(), at(2)).await.unwrap();
                }
            };
            crossing(house, &other, rename, disable).await;
            let left = house.store.find_provider(&acme.id).await.unwrap().unwrap();
            assert_eq!((left.name, left.state), (name, ProviderState::Disabled), "{round}");
        }
        other.close().await;
    }

    async fn two_changes_of_a_connection_do_not_undo_each_other(house) {
        house.provider("acme", UnknownUser::Create, &[]).await;
        let id = house.store.list_connections(None).await.unwrap().remove(0).id;
        let other = open(&house.url).await.unwrap();
        for round in 0..ROUNDS {
            let create = PolicyFields {
                link: Some(Link::TrustedEmail),
                ..PolicyFields::from(UnknownUser::Create)
            };
            let back = ConnectionChange { policy: create.into(), ..Default::default() };
            house.store.change_connection(&id, &back, &By::operator(), at(1)).await.unwrap();
            let position = i64::from(round);
            let shift = |store: Store| {
                let id = id.clone();
                async move {
                    let link = PolicyFields { link: Some(Link::AnyEmail), ..Default::default() };
                    let position = Some(position);
                    let change =
                        ConnectionChange { policy: link.into(), position, ..Default::default() };
                    store.change_connection(&id, &change, &By::operator(), at(2)).await.unwrap();
                }
            };
            let refuse = |store: Store| {
                let id = id.clone();
                async move {
                    let policy = PolicyFields::from(UnknownUser::Refuse).into();
                    let change = ConnectionChange { policy, ..Default::default() };
                    store.change_connection(&id, &change, &By::operator(), at(2)).await.unwrap();
                }
            };
            crossing(house, &other, shift, refuse).await;
            let left = house.store.list_connections(None).await.unwrap().remove(0);
            let expected = PolicyFields {
                link: Some(Link::AnyEmail),
                ..PolicyFields::from(UnknownUser::Refuse)
            };
            let left_policy = PolicyFields { default_groups: None, ..left.policy };
            assert_eq!((left.position, left_policy), (position, expected));
        }
        other.close().await;
    }

    async fn two_changes_of_a_door_do_not_undo_each_other(house) {
        let key = house.store.list_applications().await.unwrap().remove(0).key;
        let other = open(&house.url).await.unwrap();
        for round in 0..ROUNDS {
            let name = format!("Door {round}");
            let local = ApplicationChange { local_login: Some(true), ..Default::default() };
            house.store.change_application(&key, &local, &By::operator(), at(1)).await.unwrap();
            let rename = |store: Store| {
                let (key, name) = (key.clone(), Some(name.clone()));
                async move {
                    let change = ApplicationChange { name, ..Default::default() };
                    store.change_application(&key, &change, &By::operator(), at(2)).await.unwrap();
                }
            };
            let close = |store: Store| {
                let key = key.clone();
                async move {
                    let change = ApplicationChange { local_login: Some(false), ..Default::default() };
                    store.change_application(&key, &change, &By::operator(), at(2)).await.unwrap();
                }
            };
            crossing(house, &other, rename, close).await;
            let left = house.store.get_application(&key).await.unwrap();
            assert_eq!((left.name, left.local_login), (name, false), "{round}");
        }
        other.close().await;
    }

    async fn two_changes_of_a_person_do_not_undo_each_other(house) {
        let user = house.staff("ada@example.com").await;
        let other = open(&house.url).await.unwrap();
        for round in 0..ROUNDS {
            let given = format!("Ada {round}");
            let locale = Some(format!("de-{round}"));
            let rename = |store: Store| {
                let (id, given) = (user.id.clone(), given.clone());
                async move {
                    let name = Some(Name { given, family: "Lovelace".into() });
                    let change = ProfileChange { name, ..Default::default() };
                    store.change_user_profile(&id, &change, &By::operator(), at(2)).await.unwrap();
                }
            };
            let speak = |store: Store| {
                let (id, locale) = (user.id.clone(), Some(locale.clone()));
                async move {
                    let change = ProfileChange { locale, ..Default::default() };
                    store.change_user_profile(&id, &change, &By::operator(), at(2)).await.unwrap();
                }
            };
            crossing(house, &other, rename, speak).await;
            let left = house.store.find_user(&user.id).await.unwrap().unwrap();
            assert_eq!((left.name.given, left.locale), (given, locale), "{round}");
        }
        other.close().await;
    }

    async fn of_links_made_at_once_one_works(house) {
        let user = house.staff("ada@example.com").await;
        for round in 0..ROUNDS {
            let tokens: Vec<_> = (0..4).map(|number| format!("link {round} {number}")).collect();
            let tasks = tokens.iter().map(|token| {
                let (store, new) = (house.store.clone(), new_reset(&user.id, token));
                async move { store.add_password_reset(&new, &By::operator(), at(1)).await.unwrap() }
            });
            at_once(tasks.collect::<Vec<_>>().into_iter()).await;
            let mut working = 0;
            for token in &tokens {
                let found = house.store.find_password_reset(&digest(token), at(2)).await.unwrap();
                working += usize::from(matches!(found, Reset::Good(_)));
            }
            assert_eq!(working, 1, "round {round}");
        }
    }

    async fn no_link_outlives_a_deactivation_or_a_new_password(house) {
        let user = house.staff("ada@example.com").await;
        let other = open(&house.url).await.unwrap();
        for round in 0..ROUNDS {
            let off = |store: Store| {
                let id = user.id.clone();
                async move {
                    let by = By::operator();
                    store.change_user_status(&id, StatusChange::Deactivate, &by, at(2)).await.unwrap();
                }
            };
            let token = format!("link {round}");
            let ask = |store: Store| {
                let new = new_reset(&user.id, &token);
                async move {
                    store.add_password_reset(&new, &By::operator(), at(1)).await.unwrap();
                }
            };
            crossing(house, &other, off, ask).await;
            let by = By::operator();
            let on = StatusChange::Activate;
            house.store.change_user_status(&user.id, on, &by, at(3)).await.unwrap();
            let found = house.store.find_password_reset(&digest(&token), at(4)).await.unwrap();
            assert!(!matches!(found, Reset::Good(_)), "round {round}: {found:?}");
        }
        other.close().await;
    }
}

fn new_reset(user: &identity::ids::UserId, token: &str) -> NewReset {
    NewReset {
        user: user.clone(),
        token: digest(token),
        expires_at: at(7200),
        mail: NewMail { id: MailId::from_stored(token), sealed: "sealed".to_owned() },
    }
}
