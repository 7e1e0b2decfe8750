//! A provider's keys: kept, fetched again when they must be, and never twice at once.

use std::time::Duration;

use serde_json::Value;
use testkit::Engine;
use testkit::provider::{Fault, Place, Signing};

use crate::scene::{Scene, callback_of};

const PAUSE: Duration = Duration::from_secs(31);

/// How often the keys were fetched for sign-ins; the save fetches once itself.
fn fetches(scene: &Scene) -> usize {
    scene.provider.times(Place::Keys) - 1
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_once_and_kept() {
    let scene = Scene::on(Engine::Sqlite).await;
    for _ in 0..3 {
        assert!(scene.sign_in().await.1.is_signed_in());
    }
    assert_eq!(fetches(&scene), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn s016_an_unknown_key_id_makes_one_fetch_and_then_a_refusal() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.sign_in().await;
    scene.provider.script(|script| script.signing = Signing::UnknownId);
    for _ in 0..3 {
        scene.refused("token_invalid").await;
    }
    assert_eq!(fetches(&scene), 2, "one at first, one for the unknown id, none within the pause");
    scene.house.clock.turn(PAUSE);
    scene.refused("token_invalid").await;
    assert_eq!(fetches(&scene), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn s016_rotated_keys_are_found_without_a_restart() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.sign_in().await;
    scene.provider.rotate_keys("second");
    assert!(scene.sign_in().await.1.is_signed_in());
    assert_eq!(fetches(&scene), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn s017_a_key_id_that_was_used_again_makes_one_fetch() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.sign_in().await;
    scene.provider.reuse_key_id();
    assert!(scene.sign_in().await.1.is_signed_in(), "the new key under the old id");
    assert_eq!(fetches(&scene), 2);
    scene.provider.script(|script| script.signing = Signing::StrangersKey);
    for _ in 0..3 {
        scene.refused("token_invalid").await;
    }
    assert_eq!(fetches(&scene), 2, "the pause between two forced fetches holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn s018_a_withdrawn_key_stops_being_trusted() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| script.keys_cache_control = Some("max-age=86400"));
    scene.sign_in().await;
    // It goes on signing with the withdrawn key, as whoever stole it would.
    scene.provider.publish_another_key();
    assert!(scene.sign_in().await.1.is_signed_in(), "the copy is still fresh");
    scene.house.clock.turn(Duration::from_secs(3601));
    scene.refused("token_invalid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s019_a_bad_answer_never_replaces_the_good_copy_and_the_copy_ends() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.sign_in().await;
    for fault in [
        Fault::Status(500),
        Fault::Says("application/json", "{\"keys\":".to_owned()),
        Fault::Says("text/html", "<p>maintenance</p>".to_owned()),
        Fault::Huge,
    ] {
        scene.house.clock.turn(Duration::from_secs(2 * 3600));
        scene.provider.script(|script| {
            script.faults.insert(Place::Keys, fault.clone());
        });
        assert!(scene.sign_in().await.1.is_signed_in(), "{fault:?}: the old copy serves");
    }
    assert_eq!(fetches(&scene), 5, "every fault was really met");
    scene.house.clock.turn(Duration::from_secs(24 * 3600));
    let (browser, page) = scene.sign_in().await;
    let reason = page.reason().unwrap_or_default();
    crate::scene::assert_refused(&browser, &page, &reason);
    assert!(reason.starts_with("provider_"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_many_need_at_once_are_fetched_once() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.hold(Place::Keys);
    let mut trips = Vec::new();
    for _ in 0..10 {
        let browser = scene.house.browser();
        let callback = callback_of(&browser).await;
        trips.push(tokio::spawn(async move { browser.open(&callback).await }));
    }
    scene.provider.until_waiting(1).await;
    scene.provider.until_asked(Place::Token, 10).await;
    scene.provider.release();
    for trip in trips {
        assert!(trip.await.expect("no panic").is_signed_in());
    }
    assert_eq!(fetches(&scene), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_fails_fails_for_everybody_who_waited() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| {
        script.faults.insert(Place::Keys, Fault::Status(503));
    });
    scene.provider.hold(Place::Keys);
    let mut trips = Vec::new();
    for _ in 0..10 {
        let browser = scene.house.browser();
        let callback = callback_of(&browser).await;
        trips.push(tokio::spawn(async move { browser.open(&callback).await.reason() }));
    }
    scene.provider.until_waiting(1).await;
    scene.provider.until_asked(Place::Token, 10).await;
    // The last of them may still be on its way from the token to the keys.
    tokio::time::sleep(Duration::from_millis(200)).await;
    scene.provider.release();
    for trip in trips {
        assert_eq!(trip.await.expect("no panic").as_deref(), Some("provider_error"));
    }
    assert!(fetches(&scene) <= 2, "{}: those who waited asked again", fetches(&scene));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_set_says_nothing_that_the_audit_repeats() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| {
        let text = Value::from("tell nobody").to_string();
        script.faults.insert(Place::Keys, Fault::Says("application/json", text));
    });
    let page = scene.refused("provider_malformed").await;
    let entry = scene.house.audit_of(&page.support_code().expect("a code")).await;
    let detail = serde_json::to_string(&entry.detail).expect("JSON");
    assert!(!detail.contains("tell nobody"), "{detail}");
}
