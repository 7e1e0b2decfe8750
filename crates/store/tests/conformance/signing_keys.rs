//! Signing keys: one first key and one successor, however many processes make them.

use std::time::Duration;

use identity::oauth::clients::SigningAlgorithm::{self, EdDsa, Es256};
use identity::oauth::signing_keys::SigningKey;
use identity::time::Moment;
use serde_json::json;
use store::{By, ChangeKind, Changes, Conflict, Error, Store};

use crate::engines::both;
use crate::house::{House, at, open};

fn key(algorithm: SigningAlgorithm, kid: &str, signs_from: Moment) -> SigningKey {
    SigningKey {
        kid: kid.to_owned(),
        algorithm,
        public_jwk: json!({ "kid": kid }),
        created_at: at(1),
        signs_from,
        retired_at: None,
    }
}

/// Name, sealed half and retirement of every key.
async fn kept(store: &Store) -> Vec<(String, Option<String>, Option<Moment>)> {
    let keys = store.list_signing_keys().await.unwrap().into_iter();
    keys.map(|one| (one.key.kid, one.sealed_private, one.key.retired_at)).collect()
}

async fn first(house: &House, algorithm: SigningAlgorithm, kid: &str) -> bool {
    house.store.add_first_signing_key(&key(algorithm, kid, at(1)), "sealed", at(1)).await.unwrap()
}

/// Which keys other processes were told of behind `seen`.
async fn told(house: &House, seen: i64) -> Vec<String> {
    let Changes::Since(lines) = house.store.list_changes(seen, 100).await.unwrap() else {
        panic!("missed")
    };
    assert!(lines.iter().all(|line| line.kind == ChangeKind::SigningKey), "{lines:?}");
    lines.into_iter().map(|line| line.id).collect()
}

both! {
    async fn a_key_comes_back_as_it_was_added(house) {
        assert_eq!(house.store.list_signing_keys().await.unwrap(), []);
        assert!(first(house, Es256, "one").await);
        assert!(!first(house, Es256, "two").await, "there is one");
        assert!(first(house, EdDsa, "three").await, "of another algorithm");
        let keys = house.store.list_signing_keys().await.unwrap();
        let [one, three] = &keys[..] else { panic!("{keys:?}") };
        assert_eq!(one.key, key(Es256, "one", at(1)));
        assert_eq!(one.sealed_private.as_deref(), Some("sealed"));
        assert_eq!(three.key.algorithm, EdDsa);
        assert_eq!(told(house, 0).await, ["one", "three"]);
    }

    async fn a_successor_follows_the_latest_key_only(house) {
        let by = By::system();
        let add = async |kid: &str, after: &str| {
            let key = key(Es256, kid, at(100));
            house.store.add_next_signing_key(&key, "sealed", after, &by, at(2)).await.unwrap()
        };
        assert!(!add("two", "one").await, "there is none to follow");
        first(house, Es256, "one").await;
        assert!(add("two", "one").await);
        assert!(!add("three", "one").await);
        assert!(add("three", "two").await);
        let kids: Vec<_> = kept(&house.store).await.into_iter().map(|(kid, ..)| kid).collect();
        assert_eq!(kids, ["one", "two", "three"]);
        assert_eq!(told(house, 0).await, ["one", "two", "three"]);
    }

    async fn of_many_processes_one_adds_the_first_key_and_one_the_next(house) {
        let mut stores = vec![house.store.clone()];
        for _ in 0..3 {
            stores.push(open(&house.url).await.unwrap());
        }
        for round in ["first", "next"] {
            let latest = kept(&house.store).await.pop().map(|(kid, ..)| kid);
            let tasks: Vec<_> = (0..24)
                .map(|number| {
                    let (store, after) = (stores[number % 4].clone(), latest.clone());
                    let new = key(Es256, &format!("{round} {number}"), at(1));
                    tokio::spawn(async move {
                        let Some(after) = after else {
                            return store.add_first_signing_key(&new, "sealed", at(1)).await;
                        };
                        let by = By::system();
                        store.add_next_signing_key(&new, "sealed", &after, &by, at(1)).await
                    })
                })
                .collect();
            let mut added = 0;
            for task in tasks {
                added += usize::from(task.await.unwrap().unwrap());
            }
            assert_eq!(added, 1, "{round}");
        }
        assert_eq!(kept(&house.store).await.len(), 2);
        for other in &stores[1..] {
            other.close().await;
        }
    }

    async fn s086_a_successor_that_is_made_during_an_emergency_does_not_survive_it(house) {
        let other = open(&house.url).await.unwrap();
        first(house, Es256, "start").await;
        for round in 0..20 {
            let latest = kept(&house.store).await.pop().unwrap().0;
            let next = key(Es256, &format!("next {round}"), at(100));
            let new = key(Es256, &format!("new {round}"), at(1));
            let store = other.clone();
            let adding = tokio::spawn(async move {
                store.add_next_signing_key(&next, "sealed", &latest, &By::system(), at(2)).await
            });
            let by = By::operator();
            house.store.replace_signing_keys(&new, "sealed", &by, at(2)).await.unwrap();
            adding.await.unwrap().unwrap();
            let kids: Vec<_> = kept(&house.store).await.into_iter().map(|(kid, ..)| kid).collect();
            assert_eq!(kids, [new.kid]);
        }
        other.close().await;
    }

    async fn s086_a_retired_key_has_no_private_half_any_more(house) {
        let by = By::system();
        first(house, Es256, "one").await;
        house.store.retire_signing_key("one", at(5), &by, at(6)).await.unwrap();
        house.store.retire_signing_key("one", at(9), &by, at(9)).await.unwrap();
        house.store.retire_signing_key("none", at(9), &by, at(9)).await.unwrap();
        assert_eq!(kept(&house.store).await, [("one".to_owned(), None, Some(at(5)))]);
        assert_eq!(told(house, 0).await, ["one", "one"]);
    }

    async fn s086_the_key_that_signs_is_not_removed_and_every_other_is_at_once(house) {
        let by = By::operator();
        first(house, Es256, "one").await;
        let next = key(Es256, "two", at(100));
        house.store.add_next_signing_key(&next, "sealed", "one", &by, at(2)).await.unwrap();
        let remove = async |kid: &str, now| house.store.remove_signing_key(kid, &by, now).await;
        let said = remove("one", at(99)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::InUse))), "{said:?}");
        let said = remove("none", at(99)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
        assert_eq!(kept(&house.store).await.len(), 2);
        let seen = house.store.latest_change().await.unwrap();
        assert_eq!(remove("one", at(100)).await.unwrap().kid, "one");
        assert_eq!(kept(&house.store).await, [("two".to_owned(), Some("sealed".to_owned()), None)]);
        assert_eq!(told(house, seen).await, ["one"]);
        // Its number is not given out again.
        assert!(!first(house, Es256, "three").await);
    }

    async fn s086_a_replaced_key_is_gone_with_all_others_of_its_algorithm(house) {
        let by = By::operator();
        first(house, Es256, "one").await;
        first(house, EdDsa, "other").await;
        let next = key(Es256, "two", at(100));
        house.store.add_next_signing_key(&next, "sealed", "one", &by, at(2)).await.unwrap();
        let new = key(Es256, "three", at(3));
        let removed = house.store.replace_signing_keys(&new, "new", &by, at(3)).await.unwrap();
        assert_eq!(removed, ["one", "two"]);
        let kids: Vec<_> = kept(&house.store).await.into_iter().map(|(kid, ..)| kid).collect();
        assert_eq!(kids, ["three", "other"]);
        // Where there was none, too.
        let rsa = key(SigningAlgorithm::Rs256, "rsa", at(3));
        let removed = house.store.replace_signing_keys(&rsa, "new", &by, at(3)).await.unwrap();
        assert_eq!(removed, Vec::<String>::new());
        let late = Duration::from_secs(3600);
        let next = key(SigningAlgorithm::Rs256, "rsa 2", at(3).plus(late));
        assert!(house.store.add_next_signing_key(&next, "new", "rsa", &by, at(4)).await.unwrap());
    }
}
