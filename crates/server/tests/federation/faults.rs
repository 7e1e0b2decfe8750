//! Providers and databases that fail: each trip ends signed in or in a named refusal.

use std::time::Duration;

use identity::secret::Secret;
use store::{By, ProviderChange};
use testkit::provider::{Fault, Place};
use testkit::{Engine, FakeProvider, House, on_both_engines};

use crate::scene::{Scene, assert_refused, callback_of};

fn html() -> Fault {
    Fault::Says("text/html", "<h1>Maintenance</h1>".to_owned())
}

fn broken_json() -> Fault {
    Fault::Says("application/json", "{\"id_token\": \"ey".to_owned())
}

/// Every fault at an endpoint, and what it is called.
async fn each_fault_at(place: Place, lean_id_token: bool) {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| script.lean_id_token = lean_id_token);
    for (fault, reason) in [
        (Fault::Status(500), "provider_error"),
        (Fault::Status(503), "provider_error"),
        (Fault::Status(400), "provider_error"),
        (html(), "provider_malformed"),
        (broken_json(), "provider_malformed"),
        (Fault::Says("application/json", "[]".to_owned()), "provider_malformed"),
        (Fault::Huge, "provider_malformed"),
        (Fault::Redirect("http://127.0.0.1:9/token".to_owned()), "provider_error"),
    ] {
        scene.provider.script(|script| {
            script.faults.insert(place, fault.clone());
        });
        let (browser, page) = scene.sign_in().await;
        // A document of the wrong shape at UserInfo speaks of nobody.
        let reason = match (&fault, place) {
            (Fault::Says(_, text), Place::Userinfo) if text == "[]" => "userinfo_mismatch",
            _ => reason,
        };
        assert_refused(&browser, &page, reason);
        assert_eq!(page.status, 502, "{fault:?}");
        assert_eq!(page.way_on().expect("a way on").path(), "/back-office/login/corp");
    }
    assert!(scene.house.users().await.is_empty(), "no half-made user");
    scene.provider.script(|script| script.faults.clear());
    assert!(scene.sign_in().await.1.is_signed_in(), "and it works again afterwards");
}

#[tokio::test(flavor = "multi_thread")]
async fn s032_faults_of_the_token_endpoint_have_names() {
    each_fault_at(Place::Token, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s032_faults_of_userinfo_have_names() {
    each_fault_at(Place::Userinfo, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s032_a_good_answer_that_is_too_large_or_not_called_json_is_not_read() {
    for place in [Place::Token, Place::Keys, Place::Userinfo] {
        let scene = Scene::on(Engine::Sqlite).await;
        scene.provider.script(|script| script.lean_id_token = true);
        for (fault, said) in [
            (Fault::Huge, "larger than 1048576 bytes"),
            (Fault::Kind("text/html"), "text/html instead of JSON"),
            (Fault::Kind("text/plain; charset=utf-8"), "text/plain instead of JSON"),
        ] {
            scene.provider.script(|script| {
                script.faults.insert(place, fault);
            });
            let page = scene.refused("provider_malformed").await;
            let entry = scene.house.audit_of(&page.support_code().expect("a code")).await;
            let detail = entry.detail["detail"].as_str().expect("text").to_owned();
            assert!(detail.contains(said), "{place:?}: {detail}");
        }
        scene.provider.script(|script| {
            script.faults.insert(place, Fault::Kind("application/jwk-set+json; charset=utf-8"));
        });
        assert!(scene.sign_in().await.1.is_signed_in(), "{place:?}: that is JSON");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s032_a_redirect_is_not_followed() {
    let scene = Scene::on(Engine::Sqlite).await;
    let other = FakeProvider::start(scene.house.clock.clone()).await;
    scene.provider.script(|script| {
        let elsewhere = format!("{}/token", other.issuer());
        script.faults.insert(Place::Token, Fault::Redirect(elsewhere));
    });
    scene.refused("provider_error").await;
    assert_eq!(other.times(Place::Token), 0, "the secret stayed at home");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_is_said_to_be() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.house.browser();
    let callback = callback_of(&browser).await;
    scene.provider.down().await;
    let page = browser.open(&callback).await;
    assert_refused(&browser, &page, "provider_unreachable");
    scene.provider.up().await;
    let page = browser.open(page.way_on().expect("a way on").as_str()).await;
    assert!(page.is_signed_in(), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn s032_a_provider_that_is_too_slow_is_not_waited_for() {
    let house = House::with(Engine::Sqlite, |config| config.outbound.timeout_seconds = 1).await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    house.connect(&provider).await;
    let browser = house.browser();
    let callback = callback_of(&browser).await;
    provider.hold(Place::Token);
    let page = browser.open(&callback).await;
    assert_refused(&browser, &page, "provider_unreachable");
    assert_eq!(provider.times(Place::Token), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_the_provider_knows_no_more_is_its_error() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.house.browser();
    let mut callback = url::Url::parse(&callback_of(&browser).await).expect("an address");
    let pairs: Vec<(String, String)> = callback.query_pairs().into_owned().collect();
    let pairs = pairs.into_iter().map(|(name, value)| {
        let value = if name == "code" { "stale".to_owned() } else { value };
        (name, value)
    });
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    callback.set_query(Some(&query));
    let page = browser.open(callback.as_str()).await;
    assert_refused(&browser, &page, "provider_error");
    let entry = scene.house.audit_of(&page.support_code().expect("a code")).await;
    let detail = entry.detail["detail"].as_str().expect("text").to_owned();
    assert!(detail.contains("invalid_grant"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_ours_that_does_not_open_is_our_fault_and_not_the_providers() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.house.browser();
    let callback = callback_of(&browser).await;
    let app = &scene.house.app;
    let elsewhere = app.keyring.seal(&Secret::new("x"), "another/place", app.entropy.as_ref());
    let change = ProviderChange {
        sealed_secret: Some(elsewhere.expect("sealed")),
        ..ProviderChange::default()
    };
    let (by, now) = (By::operator(), app.now());
    app.store.change_provider(&scene.row.id, &change, &by, now).await.expect("a change");
    scene.house.learn().await;
    let page = browser.open(&callback).await;
    assert_eq!((page.status, page.reason().as_deref()), (500, Some("broken")), "{}", page.text());
    assert!(page.text().contains("on our side"), "{}", page.text());
    assert!(!page.text().contains("Corp"), "{}", page.text());
    assert_eq!(scene.provider.times(Place::Token), 0);
}

on_both_engines! {
    async fn a_database_that_is_gone_is_503_and_writes_nothing(engine: Engine) {
        let scene = Scene::on(engine).await;
        let browser = scene.house.browser();
        let callback = callback_of(&browser).await;
        scene.provider.hold(Place::Token);
        let tab = browser.tab();
        let trip = tokio::spawn(async move { tab.open(&callback).await });
        scene.provider.until_waiting(1).await;
        scene.house.app.store.close().await;
        scene.provider.release();
        let page = trip.await.expect("no panic");
        assert_eq!(page.status, 503, "{}", page.text());
        assert_eq!(page.reason().as_deref(), Some("busy"));
        assert!(page.headers.contains_key("retry-after"));
        assert_eq!(browser.cookie("staff"), None);
        let start = browser.open("/back-office/login/corp").await;
        assert_eq!(start.status, 503, "{}", start.text());
    }

    async fn after_a_restart_trips_under_way_still_end_well(engine: Engine) {
        let mut scene = Scene::on(engine).await;
        let browser = scene.house.browser();
        let callback = callback_of(&browser).await;
        scene.house.stop().await;
        scene.house.start_again().await;
        scene.house.clock.turn(Duration::from_secs(1));
        let page = browser.open(&callback).await;
        assert!(page.is_signed_in(), "{}", page.text());
    }
}
