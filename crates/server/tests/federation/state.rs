//! Wrong, replayed, expired and foreign state; lost cookies, tabs, reloads and mixed-up providers.

use std::time::Duration;

use testkit::provider::{IssParameter, Place};
use testkit::{Engine, FakeProvider, on_both_engines};

use crate::scene::{Scene, assert_refused, callback_of, out};

on_both_engines! {
    async fn s001_a_state_works_once(engine: Engine) {
        let scene = Scene::on(engine).await;
        let browser = scene.house.browser();
        let callback = callback_of(&browser).await;
        assert!(browser.open(&callback).await.is_signed_in());
        // Signed out since: the session that it made is over, so it is a replay and no reload.
        let home = browser.open("/back-office").await;
        browser.submit(&home.form("/logout")).await;
        let page = browser.open(&callback).await;
        assert_refused(&browser, &page, "attempt_replayed");
        assert_eq!(page.status, 400);
        assert_eq!(scene.provider.times(Place::Token), 1);
    }

    async fn s001_a_state_of_another_browser_is_refused_and_not_used_up(engine: Engine) {
        let scene = Scene::on(engine).await;
        let browser = scene.house.browser();
        let callback = callback_of(&browser).await;
        let thief = scene.house.browser();
        thief.open("/back-office/login").await;
        let page = thief.open(&callback).await;
        assert_refused(&thief, &page, "attempt_foreign");
        assert_eq!(scene.provider.times(Place::Token), 0);
        assert!(browser.open(&callback).await.is_signed_in(), "its own browser still can");
    }

    async fn an_expired_state_is_refused(engine: Engine) {
        let scene = Scene::on(engine).await;
        let browser = scene.house.browser();
        let callback = callback_of(&browser).await;
        scene.house.clock.turn(Duration::from_secs(10 * 60 + 1));
        let page = browser.open(&callback).await;
        assert_refused(&browser, &page, "attempt_expired");
        assert_eq!(scene.provider.times(Place::Token), 0);
    }

    async fn a_reload_of_the_callback_goes_quietly_to_its_target(engine: Engine) {
        let scene = Scene::on(engine).await;
        let browser = scene.house.browser();
        let callback = callback_of(&browser).await;
        assert!(browser.open(&callback).await.is_signed_in());
        let session = browser.cookie("staff");
        let page = browser.open(&callback).await;
        assert!(page.is_signed_in(), "{}", page.text());
        assert_eq!(browser.cookie("staff"), session, "the same session");
        assert_eq!(scene.provider.times(Place::Token), 1);
    }

    async fn s050_fifty_callbacks_of_one_new_person_make_one_user(engine: Engine) {
        let scene = Scene::on(engine).await;
        let mut trips = Vec::new();
        for _ in 0..50 {
            let browser = scene.house.browser();
            let callback = callback_of(&browser).await;
            trips.push((browser, callback));
        }
        let arriving: Vec<_> = trips
            .into_iter()
            .map(|(browser, callback)| {
                tokio::spawn(async move { browser.open(&callback).await })
            })
            .collect();
        for trip in arriving {
            let page = trip.await.expect("no panic");
            assert!(page.is_signed_in(), "{} {}", page.status, page.text());
        }
        let users = scene.house.users().await;
        assert_eq!(users.len(), 1);
        let ties = scene.house.app.store.list_identities_of(&users[0].id).await.expect("ties");
        assert_eq!(ties.len(), 1);
        assert_eq!(scene.provider.times(Place::Keys), 2, "one at the save, one for all of them");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_nobody_began_is_refused_with_the_way_to_its_door() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.house.browser();
    let page = browser.open("/login/callback/corp?code=x&state=back-office_nonsense").await;
    assert_refused(&browser, &page, "attempt_unknown");
    let way_on = page.way_on().expect("a way on");
    assert_eq!(way_on.path(), "/back-office/login/corp");
    assert!(browser.open(way_on.as_str()).await.is_signed_in(), "and it leads in");
}

#[tokio::test(flavor = "multi_thread")]
async fn s039_an_answer_that_nobody_asked_for_is_refused() {
    let scene = Scene::on(Engine::Sqlite).await;
    for query in ["", "?code=x", "?code=x&state=", "?error=access_denied", "?state=%00_%FF&code=x"]
    {
        let browser = scene.house.browser();
        let page = browser.open(&format!("/login/callback/corp{query}")).await;
        assert_refused(&browser, &page, "attempt_unknown");
    }
    assert_eq!(scene.provider.times(Place::Token), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_sent_twice_or_too_long_is_no_answer() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.house.browser();
    let callback = callback_of(&browser).await;
    for odd in ["&code=other".to_owned(), format!("&iss={}", "x".repeat(5000))] {
        let page = browser.open(&format!("{callback}{odd}")).await;
        assert_refused(&browser, &page, "provider_malformed");
    }
    assert!(browser.open(&callback).await.is_signed_in(), "nothing was used up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_without_the_cookie_offers_to_start_again_and_keeps_the_path() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.house.browser();
    let start = browser.get("/back-office/login/corp?return_to=/back-office/login").await;
    let callback = browser.step(&start).await.location().expect("the way back");
    browser.lose("browser");
    let page = browser.open(callback.as_str()).await;
    assert_refused(&browser, &page, "attempt_foreign");
    let way_on = page.way_on().expect("a way on");
    assert_eq!(way_on.path(), "/back-office/login/corp");
    assert_eq!(way_on.query(), Some("return_to=%2Fback-office%2Flogin"));
    browser.get(way_on.as_str()).await;
    assert!(browser.cookie("browser").is_some());
    let page = browser.open(way_on.as_str()).await;
    assert!(browser.cookie("staff").is_some(), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_do_not_disturb_each_other() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.house.browser();
    browser.open("/back-office/login").await;
    let (one, two) = (browser.tab(), browser.tab());
    let first = callback_of(&one).await;
    let second = callback_of(&two).await;
    assert!(two.open(&second).await.is_signed_in());
    assert!(one.open(&first).await.is_signed_in());
    assert!(two.open("/back-office").await.is_signed_in(), "one session serves both tabs");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_back_button_to_the_provider_begins_no_loop() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.house.browser();
    let page = out(&browser).await;
    let callback = page.location().expect("the way back");
    assert!(browser.open(callback.as_str()).await.is_signed_in());
    // Back at the provider, it sends the browser here again with another code.
    let again = browser.get(page.url.as_str()).await.location().expect("the way back");
    assert_ne!(again, callback);
    assert!(browser.open(again.as_str()).await.is_signed_in(), "quietly to the target");
}

#[tokio::test(flavor = "multi_thread")]
async fn s002_a_state_of_one_provider_is_refused_at_another() {
    let scene = Scene::on(Engine::Sqlite).await;
    let other = FakeProvider::start(scene.house.clock.clone()).await;
    let added = scene.house.try_connect(&other, |new, _| new.key = Some("other".to_owned()));
    added.await.expect("a good provider");
    let browser = scene.house.browser();
    let crossed = callback_of(&browser).await.replace("/callback/corp", "/callback/other");
    let page = browser.open(&crossed).await;
    assert_refused(&browser, &page, "issuer_mismatch");
    let asked = scene.provider.times(Place::Token) + other.times(Place::Token);
    assert_eq!(asked, 0, "the code and the secret stayed at home");
}

#[tokio::test(flavor = "multi_thread")]
async fn s004_an_answer_without_a_promised_iss_is_refused() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| script.iss_parameter = IssParameter::Missing);
    scene.refused("issuer_mismatch").await;
    assert_eq!(scene.provider.times(Place::Token), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s005_a_wrong_iss_is_refused_before_the_code_leaves() {
    let scene = Scene::on(Engine::Sqlite).await;
    let other = IssParameter::Other("https://evil.example".to_owned());
    scene.provider.script(|script| script.iss_parameter = other);
    scene.refused("issuer_mismatch").await;
    assert_eq!(scene.provider.times(Place::Token), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s006_an_error_is_checked_for_iss_and_state_too() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| script.error = Some("access_denied"));
    scene.refused("provider_denied").await;
    scene.provider.script(|script| script.error = Some("server_error"));
    let page = scene.refused("provider_error").await;
    let entry = scene.house.audit_of(&page.support_code().expect("a code")).await;
    assert_eq!(entry.detail["error"], "server_error");
    let other = IssParameter::Other("https://evil.example".to_owned());
    scene.provider.script(|script| script.iss_parameter = other);
    scene.refused("issuer_mismatch").await;
    let browser = scene.house.browser();
    let page = browser.open("/login/callback/corp?error=access_denied&state=back-office_x").await;
    assert_refused(&browser, &page, "attempt_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_only_looks_at_the_callback_uses_nothing_up() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.house.browser();
    let callback = callback_of(&browser).await;
    assert_eq!(browser.head(&callback).await.status, 405);
    assert!(browser.open(&callback).await.is_signed_in());
}
