//! Counters: counted before the work, given back after, and untouched by what is refused.

use identity::throttle::{
    Bucket, Counter, Reservation, Throttles, buckets_for_sign_in, give_back, reserve,
};
use identity::users::{Population, UserType};

use crate::engines::both;
use crate::house::{House, at};

pub(crate) fn buckets(key: &str) -> Vec<Bucket> {
    let ip = "192.0.2.1".parse().unwrap();
    buckets_for_sign_in(&Population::default_one(), UserType::Staff, key, ip, None)
}

async fn read(house: &House, buckets: &[Bucket]) -> Vec<Option<Counter>> {
    let mut seen = Vec::new();
    let look = std::sync::Mutex::new(&mut seen);
    house
        .store
        .change_throttles(
            buckets,
            |counters| {
                let counters = counters.iter().map(|(_, counter)| *counter).collect();
                **look.lock().unwrap() = counters;
                Vec::new()
            },
            at(0),
        )
        .await
        .unwrap();
    seen
}

both! {
    async fn s104_the_ninth_failure_begins_the_wait(house) {
        let buckets = buckets("ada@example.com");
        let throttles = Throttles::default();
        let decider = |counters: &[_]| reserve(at(1), &throttles, counters);
        for _ in 0..9 {
            let done = house.store.reserve_sign_in(&buckets, decider, at(1)).await.unwrap();
            assert!(matches!(done, Reservation::Granted { .. }), "{done:?}");
        }
        let before = read(house, &buckets).await;
        let done = house.store.reserve_sign_in(&buckets, decider, at(1)).await.unwrap();
        assert_eq!(done, Reservation::Wait { minutes: 6 });
        assert_eq!(read(house, &buckets).await, before, "a refused attempt counts nothing");
        let later = |counters: &[_]| reserve(at(361), &throttles, counters);
        let done = house.store.reserve_sign_in(&buckets, later, at(361)).await.unwrap();
        assert!(matches!(done, Reservation::Granted { .. }), "{done:?}");
    }

    async fn what_is_given_back_is_gone(house) {
        let buckets = buckets("ada@example.com");
        let throttles = Throttles::default();
        let decider = |counters: &[_]| reserve(at(1), &throttles, counters);
        house.store.reserve_sign_in(&buckets, decider, at(1)).await.unwrap();
        assert!(read(house, &buckets).await.iter().all(Option::is_some));
        let returned = |counters: &[_]| give_back(&throttles, at(1), counters);
        house.store.change_throttles(&buckets, returned, at(2)).await.unwrap();
        assert!(read(house, &buckets).await.iter().all(Option::is_none));
    }
}
