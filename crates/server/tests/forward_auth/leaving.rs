//! Signing out, and being signed out: every host learns of it.

use identity::users::StatusChange;
use store::{By, EndReason};
use testkit::{Engine, on_both_engines};

use crate::scene::{CHECK, SHOP, Scene, behind, host, until};

on_both_engines! {
    async fn s093_signing_out_at_our_own_door_shuts_the_host(engine: Engine) {
        let scene = Scene::set(engine).await;
        scene.sign_in("/").await;
        assert_eq!(scene.check().await.status, 200);
        let form = scene.own.open("/back-office").await.form("/logout");
        scene.own.submit(&form).await;
        assert_eq!(scene.check().await.status, 401);
    }

    async fn s093_what_another_process_ends_shuts_the_host(engine: Engine) {
        let scene = Scene::set(engine).await;
        let (by, now) = (By::operator(), scene.house.app.now());
        let store = &scene.house.app.store;
        scene.sign_in("/").await;
        assert_eq!(scene.check().await.status, 200);
        let session = store.list_sessions(&scene.grace.id).await.expect("a list").remove(0).id;
        store.end_session(&session, EndReason::Ended, &by, now).await.expect("ended");
        until(&scene, 401).await;
        scene.sign_in("/").await;
        assert_eq!(scene.check().await.status, 200);
        let user = &scene.grace.id;
        let change = StatusChange::Deactivate;
        store.change_user_status(user, change, &by, now).await.expect("deactivated");
        until(&scene, 401).await;
    }

    async fn signing_out_on_a_host_asks_first_and_ends_the_session_everywhere(engine: Engine) {
        let scene = Scene::set(engine).await;
        scene.sign_in("/").await;
        let page = scene.shop.get("/.vestibule/logout").await;
        assert!(page.text().contains(SHOP), "{}", page.text());
        assert_eq!(scene.check().await.status, 200, "a link signs nobody out");
        let page = scene.shop.submit(&page.form("/.vestibule/logout")).await;
        assert_eq!((page.status, page.reason().as_deref()), (200, Some("signed_out")));
        assert_eq!(scene.shop.cookie("_host_"), None);
        assert_eq!(scene.check().await.status, 401);
        assert!(!scene.own.open("/back-office").await.is_signed_in());
    }

    async fn a_host_that_is_removed_is_shut_and_its_old_cookies_stay_worthless(engine: Engine) {
        let scene = Scene::set(engine).await;
        let (by, now) = (By::operator(), scene.house.app.now());
        let store = &scene.house.app.store;
        scene.sign_in("/").await;
        assert_eq!(scene.check().await.status, 200);
        let shop = host(SHOP, "back-office");
        store.remove_protected_host(&shop.origin, &by, now).await.expect("removed");
        until(&scene, 403).await;
        store.add_protected_host(&shop, &by, now).await.expect("added");
        until(&scene, 401).await;
    }
}

#[tokio::test]
async fn s049_another_sites_form_signs_nobody_out() {
    let scene = Scene::set(Engine::Sqlite).await;
    scene.sign_in("/").await;
    let form = scene.shop.get("/.vestibule/logout").await.form("/.vestibule/logout");
    let page = scene.shop.submit_from_elsewhere(&form).await;
    assert_eq!(page.headers["location"], "/.vestibule/logout");
    let page = scene.shop.submit(&form.clone().with("csrf", "guess")).await;
    assert_eq!(page.status, 403);
    let stranger = behind(&scene.house, SHOP);
    stranger.get("/.vestibule/logout").await;
    assert_eq!(stranger.submit(&form).await.status, 403);
    assert_eq!(scene.shop.get(CHECK).await.status, 200);
}
