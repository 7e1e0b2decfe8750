//! Visitors who are nobody, and what they can make the house write.

use server::config::Config;
use testkit::{Engine, House, on_both_engines};

use crate::scene::{Scene, assert_refused};

on_both_engines! {
    async fn one_network_cannot_make_the_house_remember_trips_without_end(engine: Engine) {
        let change = |config: &mut Config| config.throttle.trip_network_per_minute = 3;
        let scene = Scene::set(engine, change).await;
        let browser = scene.house.browser();
        for _ in 0..3 {
            assert_eq!(browser.get("/back-office/login/corp").await.status, 303);
        }
        let page = browser.get("/back-office/login/corp").await;
        assert_eq!((page.status, page.reason().as_deref()), (429, Some("too_many_requests")));
        assert_eq!(page.headers["retry-after"], "20", "{}", page.text());
        assert!(page.text().contains("20 seconds"), "{}", page.text());
        let elsewhere = scene.house.browser().at([127, 0, 0, 9]);
        assert_eq!(elsewhere.get("/back-office/login/corp").await.status, 303);
        scene.house.clock.turn(std::time::Duration::from_secs(20));
        assert_eq!(browser.get("/back-office/login/corp").await.status, 303);
    }

    async fn answers_that_nobody_asked_for_do_not_fill_the_audit(engine: Engine) {
        let change = |config: &mut Config| config.throttle.refusal_network_per_hour = 2;
        let scene = Scene::set(engine, change).await;
        let before = scene.house.audit().await.len();
        let ways = ["/login/callback/corp?state=a", "/back-office/login/nobody"];
        for way in ways {
            let browser = scene.house.browser();
            let page = browser.open(way).await;
            let reason = page.reason().expect("a reason");
            assert_refused(&browser, &page, &reason);
        }
        for way in ways {
            let page = scene.house.browser().open(way).await;
            assert_eq!(page.reason().as_deref(), Some("too_many_requests"), "{}", page.text());
            assert!(page.text().contains("30 minutes"), "{}", page.text());
        }
        assert_eq!(scene.house.audit().await.len(), before + 2);
        let (_, page) = scene.sign_in().await;
        assert!(page.is_signed_in(), "whoever signs in is nobody's flood: {}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_networks_together_are_answered_without_filling_the_audit() {
    let house =
        House::with(Engine::Sqlite, |config| config.throttle.refusal_network_per_hour = 1).await;
    for last in 1..=12 {
        let browser = house.browser().at([127, 0, 0, last]);
        let page = browser.open("/back-office/login/nobody").await;
        assert_eq!(page.reason().as_deref(), Some("provider_not_connected"), "{}", page.text());
        assert_eq!(page.support_code().is_some(), last <= 10, "{last}: {}", page.text());
    }
    assert_eq!(house.audit().await.len(), 10);
}
