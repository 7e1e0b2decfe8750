//! A flood of passwords: refused with a promise, while everybody who is signed in goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use identity::secret::Secret;
use testkit::{Engine, House};

use crate::scene::{PASSWORD, grace, outcome, sign_in, signed_in};

#[tokio::test(flavor = "multi_thread")]
async fn s106_a_full_queue_answers_503_for_every_address_and_sessions_go_on() {
    let house = House::with(Engine::Sqlite, |config| {
        config.passwords.workers = 1;
        config.passwords.queue = 1;
    })
    .await;
    grace(&house).await;
    let inside = house.browser();
    signed_in(&inside, "grace@shop.test", PASSWORD).await;

    let flood = Arc::new(AtomicBool::new(true));
    let mut feeders = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (app, flood) = (house.app.clone(), Arc::clone(&flood));
        feeders.spawn(async move {
            while flood.load(Ordering::Relaxed) {
                // Whether it was hashed or turned away does not matter here.
                let _ = app.hasher.hash(Secret::new("flood")).await;
                tokio::task::yield_now().await;
            }
        });
    }
    for (email, password) in [("grace@shop.test", PASSWORD), ("nobody@shop.test", PASSWORD)] {
        let mut busy = None;
        // Now and then one slips into the queue.
        for _ in 0..200 {
            let page = sign_in(&house.browser(), email, password).await;
            assert!(inside.open("/back-office").await.is_signed_in(), "a session needs no hash");
            if page.status == 503 {
                busy = Some(page);
                break;
            }
        }
        let busy = busy.unwrap_or_else(|| panic!("{email} never had to wait for a hash"));
        assert_eq!(outcome(&busy), (503, "busy".to_owned()), "{email}");
        assert!(busy.headers.contains_key("retry-after"), "{email}");
    }
    flood.store(false, Ordering::Relaxed);
    feeders.join_all().await;
    // Being turned away is no failed guess.
    signed_in(&house.browser(), "grace@shop.test", PASSWORD).await;
}
