//! From a protected host through the login and back, and every way to misuse it.

use std::time::Duration;

use testkit::{Engine, on_both_engines};

use crate::scene::{CHECK, OTHER, SHOP, Scene, behind, path};

on_both_engines! {
    async fn a_person_signs_in_and_comes_back_to_where_they_were(engine: Engine) {
        let scene = Scene::set(engine).await;
        assert_eq!(scene.check().await.status, 401);
        let page = scene.sign_in("/cart%3Fa%3D1%26b%3D2").await;
        assert_eq!(path(&page_on_shop(&page)), "/cart?a=1&b=2");
        let cookie = page.headers.get_all("set-cookie").iter().next().expect("a cookie");
        let cookie = cookie.to_str().expect("ASCII");
        for part in ["vestibule_host_8090=", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        assert_eq!(scene.check().await.status, 200);
    }

    async fn a_ticket_works_once(engine: Engine) {
        let scene = Scene::set(engine).await;
        scene.sign_in("/").await;
        let ticket = scene.ticket().await;
        assert_eq!(scene.shop.head(&ticket).await.status, 405, "looking uses nothing up");
        assert_eq!(scene.shop.get(&ticket).await.status, 303);
        let again = scene.shop.get(&ticket).await;
        assert_eq!((again.status, again.reason().as_deref()), (403, Some("ticket_refused")));
        assert!(again.headers.get("set-cookie").is_none());
    }

    async fn a_ticket_works_at_its_host_in_its_browser_and_for_a_minute_only(engine: Engine) {
        let scene = Scene::set(engine).await;
        scene.sign_in("/").await;
        let ticket = scene.ticket().await;
        // Another browser, which has a mark of its own.
        let other = behind(&scene.house, SHOP);
        other.get("/.vestibule/start").await;
        assert_eq!(other.get(&ticket).await.reason().as_deref(), Some("ticket_refused"));
        assert_eq!(other.get(CHECK).await.status, 401);
        // Another host, in a browser that carries the very mark there.
        let elsewhere = behind(&scene.house, OTHER);
        let mark = scene.shop.cookie("browser").expect("a mark");
        elsewhere.plant_new("vestibule_browser_8090", &mark);
        assert_eq!(elsewhere.get(&ticket).await.reason().as_deref(), Some("ticket_refused"));
        scene.house.clock.turn(Duration::from_secs(60));
        assert_eq!(scene.shop.get(&ticket).await.reason().as_deref(), Some("ticket_refused"));
    }

    async fn the_cookie_of_a_host_opens_nothing_else(engine: Engine) {
        let scene = Scene::set(engine).await;
        scene.sign_in("/").await;
        let token = scene.shop.cookie("_host_").expect("a cookie");
        let elsewhere = behind(&scene.house, OTHER);
        elsewhere.plant_new("vestibule_host_8090", &token);
        assert_eq!(elsewhere.get("/forward-auth/storefront").await.status, 401);
        let own = scene.house.browser();
        let name = scene.house.app.cookies.session_name(identity::users::UserType::Staff);
        own.plant_new(&name, &token);
        assert!(!own.open("/back-office").await.is_signed_in());
        assert_eq!(own.get(CHECK).await.status, 401);
    }
}

/// The redirect that the shop's browser got, as of the shop.
fn page_on_shop(page: &testkit::Page) -> testkit::Page {
    let mut page = page.clone();
    page.url = url::Url::parse("http://shop.localhost:8090/").expect("an address");
    page
}

#[tokio::test]
async fn whoever_is_signed_in_already_sees_no_login_on_another_host() {
    let scene = Scene::set(Engine::Sqlite).await;
    scene.sign_in("/").await;
    scene.shop.lose("_host_");
    assert_eq!(scene.check().await.status, 401);
    let ticket = scene.ticket().await;
    assert_eq!(scene.shop.get(&ticket).await.status, 303);
    assert_eq!(scene.check().await.status, 200);
}

#[tokio::test]
async fn a_browser_that_keeps_no_cookies_gets_a_page_and_no_loop() {
    let scene = Scene::set(Engine::Sqlite).await;
    scene.sign_in("/").await;
    let ticket = scene.ticket().await;
    scene.shop.lose("vestibule");
    let page = scene.shop.get(&ticket).await;
    assert_eq!((page.status, page.reason().as_deref()), (403, Some("no_cookie")));
    let style = page.body.split("href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let style = style.expect("a style sheet").replace("&#x2f;", "/");
    assert!(style.starts_with("/.vestibule/assets/"), "{style}");
    assert_eq!(scene.shop.get(&style).await.status, 200);
}

#[tokio::test]
async fn s070_tickets_go_to_registered_hosts_only_and_back_to_their_own_paths() {
    let scene = Scene::set(Engine::Sqlite).await;
    scene.sign_in("/").await;
    let mark = "a".repeat(43);
    for (host, browser, reason) in [
        ("evil.test", mark.as_str(), "host_not_registered"),
        (OTHER, &mark, "host_not_registered"),
        ("", &mark, "host_not_registered"),
        (SHOP, "short", "incomplete"),
    ] {
        let enter = format!("{CHECK}/enter?host={host}&browser={browser}&return_to=/");
        let page = scene.own.get(&enter).await;
        assert_eq!((page.status, page.reason().as_deref()), (400, Some(reason)), "{host}");
    }
    for evil in ["https://evil.test/", "//evil.test", "/.vestibule/logout"] {
        let enter = scene.leave_shop(&format!("/.vestibule/start?return_to={evil}")).await;
        let ticket = path(&scene.own.get(enter.as_str()).await);
        let page = scene.shop.get(&ticket).await;
        assert_eq!(page.headers["location"], "/", "{evil}");
    }
}

#[tokio::test]
async fn the_form_of_the_login_may_lead_to_the_protected_hosts_of_its_application() {
    let scene = Scene::set(Engine::Sqlite).await;
    let page = scene.own.open("/back-office/login").await;
    let policy = page.headers["content-security-policy"].to_str().expect("ASCII");
    assert!(policy.contains("form-action 'self' http://shop.localhost:8090;"), "{policy}");
}
