//! A process that has not heard of changes for a while asks the database, about providers as well.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use identity::federation::provider::ProviderState;
use identity::secret::Secret;
use identity::sessions::AdmitRefusal;
use identity::users::{Status, UserType};
use server::app::{App, Parts};
use server::clock::SystemEntropy;
use server::sessions::current::{AtDoor, at_door};
use server::visit::Visit;
use store::By;
use testkit::{Browser, House, on_both_engines};

use crate::scene::Scene;

/// A second process on the same data that does not look at what changes.
async fn deaf(house: &House) -> App {
    let parts = Parts { clock: house.clock.clone(), entropy: Arc::new(SystemEntropy) };
    App::open(house.app.config.clone(), parts).await.expect("a house")
}

fn visit(app: &App, browser: &Browser) -> Visit {
    let token = browser.cookie("staff").expect("a session");
    let cookie = format!("{}={token}", app.cookies.session_name(UserType::Staff));
    let cookie = HeaderValue::from_str(&cookie).expect("a header");
    Visit {
        now: app.now(),
        request_id: "test".into(),
        address: IpAddr::from(Ipv4Addr::LOCALHOST),
        browser: None,
        user_agent: String::new(),
        headers: HeaderMap::from_iter([(header::COOKIE, cookie)]),
    }
}

/// Tries again until it is so, and gives up after half a minute.
async fn until(mut so: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "it never came to be");
}

/// Somebody who signed in without a provider.
async fn by_password(house: &House) -> Browser {
    let password = "correct horse battery staple";
    let user = house.add_staff("grace@corp.example", Status::Active).await;
    let hash = house.app.hasher.hash(Secret::new(password)).await.expect("a hash").to_string();
    let (store, by, now) = (&house.app.store, By::operator(), house.app.now());
    store.set_password(&user.id, &hash, None, &by, now).await.expect("a password");
    let browser = house.browser();
    let form = browser.open("/back-office/login").await.form("/login");
    let form = form.with("email", "grace@corp.example").with("password", password);
    assert_eq!(browser.submit(&form).await.status, 303);
    browser
}

on_both_engines! {
    async fn a_process_that_hears_nothing_asks_whether_the_provider_is_connected(engine: Engine) {
        let scene = Scene::on(engine).await;
        let (browser, _) = scene.sign_in().await;
        let app = deaf(&scene.house).await;
        let door = app.directory.now().application("back-office").expect("a door");
        let ask = async || {
            let visit = visit(&app, &browser);
            at_door(&app, &door, &visit).await.expect("an answer")
        };
        assert!(matches!(ask().await, AtDoor::Enter(_)));
        let store = &scene.house.app.store;
        let connection = store.list_connections(None).await.expect("a list").remove(0);
        store.remove_connection(&connection.id, &By::operator(), app.now()).await.expect("gone");
        scene.house.clock.turn(Duration::from_secs(3));
        let refused = AdmitRefusal::ProviderNotConnected;
        assert!(matches!(ask().await, AtDoor::Turned(refusal) if refusal == refused));
        let picture = app.directory.now();
        assert!(picture.is_connected(&door.key, &scene.row.id), "its own picture is old");
    }

    async fn s093_a_provider_that_is_switched_off_ends_its_sessions_and_no_others(engine: Engine) {
        let scene = Scene::on(engine).await;
        let (browser, page) = scene.sign_in().await;
        assert!(page.is_signed_in(), "{}", page.text());
        let other = by_password(&scene.house).await;
        scene.house.set_provider_state(&scene.row, ProviderState::Disabled).await;
        until(async || !browser.open("/back-office").await.is_signed_in()).await;
        assert!(other.open("/back-office").await.is_signed_in());
        scene.house.set_provider_state(&scene.row, ProviderState::Enabled).await;
        let button = "/back-office/login/corp";
        until(async || scene.house.browser().get(button).await.status == 303).await;
        assert!(!browser.open("/back-office").await.is_signed_in(), "it does not come back");
        assert!(other.open("/back-office").await.is_signed_in());
    }
}
