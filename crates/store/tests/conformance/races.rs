//! Races: whoever else does it at the same moment, the promise holds.

use std::sync::Arc;
use std::time::Duration;

use identity::federation::policy::UnknownUser;
use identity::throttle::{Limit, Reservation, Throttles, reserve};
use identity::users::{StatusChange, UserType};
use store::{
    By, Paging, PasswordSignIn, Recalled, Reset, Settled, Setup, Store, UserFilter,
    VerifiedPassword,
};

use crate::attempts::attempt;
use crate::engines::both;
use crate::house::{Counting, at, digest, new_session, open};
use crate::mails::mail;
use crate::resets::{ask, taking};
use crate::settle::{arrive, decider};
use crate::setup::first;
use crate::throttles::buckets;

/// Runs them all at once and gives back what each said.
pub(crate) async fn at_once<T: Send + 'static, F>(tasks: impl Iterator<Item = F>) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = tasks.map(tokio::spawn).collect();
    let mut said = Vec::new();
    for task in tasks {
        said.push(task.await.expect("no task panics"));
    }
    said
}

both! {
    async fn s050_fifty_first_logins_of_one_person_make_one_user(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        // Two processes, as two nodes behind one address are.
        let other = open(&house.url).await.unwrap();
        let mut tasks = Vec::new();
        for number in 0..50 {
            let mut settle = arrive(house, &acme, "subject", "ada@example.com").await;
            settle.session.token = digest(&format!("token {number}"));
            settle.support_code = format!("CODE-{number}");
            let store = if number % 2 == 0 { house.store.clone() } else { other.clone() };
            tasks.push(async move { store.settle(&settle, decider(&settle)).await });
        }
        let mut users = std::collections::HashSet::new();
        let mut created = 0;
        for said in at_once(tasks.into_iter()).await {
            let Settled::SignedIn { user, created: new, .. } = said.expect("no error") else {
                panic!("refused")
            };
            created += usize::from(new);
            users.insert(user.id);
        }
        assert_eq!((users.len(), created), (1, 1));
        let page = house.store.list_users(&UserFilter::default(), &Paging::first(10)).await;
        let user = page.unwrap().items.remove(0);
        assert_eq!(house.store.list_identities_of(&user.id).await.unwrap().len(), 1);
        assert_eq!(house.store.list_sessions(&user.id).await.unwrap().len(), 50);
        other.close().await;
    }

    async fn s043_of_two_strangers_with_one_address_one_is_linked(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        for round in 0..8 {
            let address = format!("ada{round}@example.com");
            let user = house.staff(&address).await;
            let mut tasks = Vec::new();
            for number in 0..4 {
                let subject = format!("subject {round} {number}");
                let settle = arrive(house, &acme, &subject, &address).await;
                let store = house.store.clone();
                tasks.push(async move { store.settle(&settle, decider(&settle)).await });
            }
            let said = at_once(tasks.into_iter()).await;
            let linked =
                said.iter().filter(|said| matches!(said, Ok(Settled::SignedIn { .. }))).count();
            assert_eq!(linked, 1, "round {round}: {said:?}");
            assert_eq!(house.store.list_identities_of(&user.id).await.unwrap().len(), 1);
        }
    }

    async fn fifty_people_arrive_at_once(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        // Enough connections for all of them to be in the middle of it at the same moment.
        let wide = Store::open(&house.url, 50, Arc::new(Counting), at(0)).await.unwrap();
        let mut tasks = Vec::new();
        for number in 0..50 {
            let address = format!("user{number}@example.com");
            let settle = arrive(house, &acme, &format!("subject {number}"), &address).await;
            let store = wide.clone();
            tasks.push(async move { store.settle(&settle, decider(&settle)).await });
        }
        for said in at_once(tasks.into_iter()).await {
            assert!(matches!(said, Ok(Settled::SignedIn { created: true, .. })), "{said:?}");
        }
        wide.close().await;
    }

    async fn of_two_last_administrators_one_stays(house) {
        let admins = [
            house.administrator("one@example.com").await,
            house.administrator("two@example.com").await,
        ];
        let other = open(&house.url).await.unwrap();
        let stores = [house.store.clone(), other.clone()];
        for round in 0..20 {
            let tasks: Vec<_> = admins
                .iter()
                .zip(&stores)
                .map(|(user, store)| {
                    let (id, store) = (user.id.clone(), store.clone());
                    async move {
                        let (off, by) = (StatusChange::Deactivate, By::operator());
                        store.change_user_status(&id, off, &by, at(1)).await.unwrap()
                    }
                })
                .collect();
            let said = at_once(tasks.into_iter()).await;
            assert_eq!(house.store.count_administrators().await.unwrap(), 1, "{round}: {said:?}");
            for user in &admins {
                let (on, by) = (StatusChange::Activate, By::operator());
                house.store.change_user_status(&user.id, on, &by, at(2)).await.unwrap();
            }
        }
        other.close().await;
    }

    async fn no_session_begins_behind_the_back_of_a_deactivation(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let mut first = arrive(house, &acme, "subject", "ada@example.com").await;
        let done = house.store.settle(&first, decider(&first)).await.unwrap();
        let Settled::SignedIn { user, .. } = done else { panic!("{done:?}") };
        let by = By::operator();
        for round in 0..10 {
            let on = StatusChange::Activate;
            house.store.change_user_status(&user.id, on, &by, at(20)).await.unwrap();
            let store = house.store.clone();
            let id = user.id.clone();
            let off = tokio::spawn(async move {
                let by = By::operator();
                store.change_user_status(&id, StatusChange::Deactivate, &by, at(21)).await
            });
            let mut tasks = Vec::new();
            for number in 0..4 {
                first.session.token = digest(&format!("token {round} {number}"));
                first.support_code = format!("CODE-{round}-{number}");
                let (settle, store) = (first.clone(), house.store.clone());
                tasks.push(async move { store.settle(&settle, decider(&settle)).await });
            }
            for said in at_once(tasks.into_iter()).await {
                said.expect("signed in or refused");
            }
            off.await.unwrap().unwrap();
            assert_eq!(house.store.list_sessions(&user.id).await.unwrap(), [], "round {round}");
        }
    }

    async fn no_session_begins_with_a_password_that_was_replaced(house) {
        let user = house.staff("ada@example.com").await;
        for round in 0..10 {
            house.password(&user, "old").await;
            let (store, id) = (house.store.clone(), user.id.clone());
            let replace = tokio::spawn(async move {
                store.set_password(&id, "new", None, &By::operator(), at(2)).await
            });
            let tasks = (0..4).map(|number| {
                let (store, id) = (house.store.clone(), user.id.clone());
                async move {
                    let by = By::operator();
                    let sign_in = PasswordSignIn {
                        password: VerifiedPassword {
                            user: &id,
                            verified_hash: "old",
                            rehash: None,
                        },
                        session: &new_session(&format!("token {round} {number}")),
                        buckets: &[],
                        by: &by,
                    };
                    let keep = |counters: &[_]| counters.to_vec();
                    store.complete_password_sign_in(&sign_in, keep, at(1)).await.map(|_| ())
                }
            });
            for said in at_once(tasks).await {
                said.expect("signed in or told");
            }
            replace.await.unwrap().unwrap();
            assert_eq!(house.store.list_sessions(&user.id).await.unwrap(), [], "round {round}");
        }
    }

    async fn s104_a_hundred_parallel_guesses_get_exactly_the_limit(house) {
        let minute = Duration::from_secs(60);
        let limit = Limit { failures: 9, window: 15 * minute, wait: 6 * minute };
        let throttles = Throttles { account_network: limit, ..Throttles::default() };
        let tasks = (0..100).map(|_| {
            let store = house.store.clone();
            async move {
                let decider = |counters: &[_]| reserve(at(1), &throttles, counters);
                store.reserve_sign_in(&buckets("ada@example.com"), decider, at(1)).await
            }
        });
        let said = at_once(tasks).await;
        let granted = said
            .iter()
            .filter(|said| matches!(said.as_ref().expect("no error"), Reservation::Granted { .. }))
            .count();
        assert_eq!(granted, 9);
    }

    async fn s001_a_trip_is_taken_by_one_of_fifty(house) {
        let (state, browser) = (digest("state"), digest("browser"));
        house.store.add_attempt(&state, &browser, &attempt("one")).await.unwrap();
        let tasks = (0..50).map(|_| {
            let store = house.store.clone();
            let (state, browser) = (state.clone(), browser.clone());
            async move { store.take_attempt(&state, &browser, at(1)).await.expect("no error") }
        });
        let said = at_once(tasks).await;
        let taken = said.iter().filter(|said| matches!(said, Recalled::Taken(_))).count();
        let replayed = said.iter().filter(|said| matches!(said, Recalled::Replayed { .. })).count();
        assert_eq!((taken, replayed), (1, 49));
    }

    async fn a_reset_link_is_used_by_one_of_twenty(house) {
        let user = house.staff("ada@example.com").await;
        ask(house, &user, "link").await;
        let tasks = (0..20).map(|number| {
            let store = house.store.clone();
            async move {
                let take = taking("link", &format!("hash {number}"));
                let by = By::operator();
                store.take_password_reset(&take, &by, at(2)).await.expect("no error")
            }
        });
        let said = at_once(tasks).await;
        assert_eq!(said.iter().filter(|said| matches!(said, Reset::Good(_))).count(), 1);
    }

    async fn a_mail_is_leased_by_one_worker(house) {
        for number in 0..40 {
            house.store.add_mail(&mail(&format!("{number}")), at(0)).await.unwrap();
        }
        let other = open(&house.url).await.unwrap();
        let stores = [house.store.clone(), other.clone(), house.store.clone(), other.clone()];
        let tasks = stores.into_iter().map(|store| async move {
            let mut mine = Vec::new();
            loop {
                let lease = Duration::from_secs(60);
                let mails = store.lease_mails(at(1), 3, lease).await.expect("no error");
                if mails.is_empty() {
                    return mine;
                }
                mine.extend(mails.into_iter().map(|mail| mail.id));
            }
        });
        let mut leased: Vec<_> = at_once(tasks).await.concat();
        assert!(leased.len() <= 40, "some mail went to two workers: {}", leased.len());
        leased.sort();
        leased.dedup();
        // A worker that met another one may have found nothing left in its batch.
        let rest = house.store.lease_mails(at(1), 100, Duration::from_secs(60)).await.unwrap();
        assert_eq!(leased.len() + rest.len(), 40);
        other.close().await;
    }

    async fn one_setup_link_makes_one_administrator(house) {
        let token = digest("link");
        let by = By::operator();
        house.store.add_setup_link(&token, at(600), &by, at(0)).await.unwrap();
        let tasks = (0..10).map(|number| {
            let store = house.store.clone();
            async move {
                let new = first(&format!("first{number}@example.com"));
                let token = digest("link");
                store.take_setup_link(&token, &new, &By::operator(), at(1)).await.expect("no error")
            }
        });
        let said = at_once(tasks).await;
        assert_eq!(said.iter().filter(|said| matches!(said, Setup::Done(_))).count(), 1);
        assert_eq!(house.store.count_administrators().await.unwrap(), 1);
    }

    async fn one_address_is_added_by_one_of_ten(house) {
        let tasks = (0..10).map(|_| {
            let store = house.store.clone();
            async move {
                let new = crate::house::new_staff("ada@example.com");
                store.add_user(&new, &[], &By::operator(), at(1)).await.is_ok()
            }
        });
        assert_eq!(at_once(tasks).await.into_iter().filter(|added| *added).count(), 1);
        let filter = UserFilter { user_type: Some(UserType::Staff), ..UserFilter::default() };
        let page = house.store.list_users(&filter, &Paging::first(10)).await.unwrap();
        assert_eq!(page.items.len(), 1);
    }
}
