//! A process that has not heard of changes for a while asks the database, about providers as well.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use identity::federation::provider::ProviderState;
use identity::sessions::AdmitRefusal;
use identity::users::UserType;
use server::app::{App, Parts};
use server::clock::SystemEntropy;
use server::sessions::current::{AtDoor, at_door};
use server::visit::Visit;
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

on_both_engines! {
    async fn a_process_that_hears_nothing_asks_whether_the_provider_is_on(engine: Engine) {
        let scene = Scene::on(engine).await;
        let (browser, _) = scene.sign_in().await;
        let app = deaf(&scene.house).await;
        let door = app.directory.now().application("back-office").expect("a door");
        let ask = async || {
            let visit = visit(&app, &browser);
            at_door(&app, &door, &visit).await.expect("an answer")
        };
        assert!(matches!(ask().await, AtDoor::Enter(_)));
        scene.house.set_provider_state(&scene.row, ProviderState::Disabled).await;
        scene.house.clock.turn(Duration::from_secs(3));
        let refused = AdmitRefusal::ProviderNotConnected;
        assert!(matches!(ask().await, AtDoor::Turned(refusal) if refusal == refused));
        let known = app.directory.now().provider("corp").expect("a provider");
        assert_eq!(known.state, ProviderState::Enabled, "its own picture is old");
    }
}
