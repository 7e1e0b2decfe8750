//! `/forward-auth/{application}`: who is let through, what is told of them, and whom we believe.

use std::time::Duration;

use identity::applications::ApplicationKey;
use identity::forward_auth::TOKEN_TYP;
use identity::oauth::clients::SigningAlgorithm;
use identity::oauth::own_tokens::Expected;
use server::sessions::cache::Trust;
use store::{ApplicationChange, By};
use testkit::{Engine, Page, on_both_engines};

use crate::scene::{CHECK, EMAIL, OTHER, Scene, behind, header, until};

fn text(page: &Page, name: &str) -> String {
    header(page, name).unwrap_or_else(|| panic!("no {name} in {page:?}"))
}

fn key() -> ApplicationKey {
    ApplicationKey::parse("back-office").expect("a key")
}

/// Until the house has looked at every change so far: what it remembers then, no change takes away.
async fn caught_up(scene: &Scene) {
    let app = &scene.house.app;
    scene.house.clock.turn(Duration::from_secs(3));
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while app.sessions.trust(app.now()) != Trust::Fresh {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.expect("a look at the changes before half a minute has passed");
}

on_both_engines! {
    async fn whoever_is_signed_in_passes_and_the_application_learns_who_it_is(engine: Engine) {
        let scene = Scene::set(engine).await;
        let group = scene.house.add_group("Größe, \"M\"").await;
        let (by, now) = (By::operator(), scene.house.app.now());
        let store = &scene.house.app.store;
        store.add_group_member(&group, &scene.grace.id, &by, now).await.expect("a member");
        scene.sign_in("/").await;
        let page = scene.check().await;
        assert_eq!(page.status, 200);
        assert_eq!(text(&page, "cache-control"), "no-store");
        assert_eq!(text(&page, "x-vestibule-user"), scene.grace.public_id.as_str());
        assert_eq!(text(&page, "x-vestibule-email"), EMAIL);
        assert_eq!(text(&page, "x-vestibule-name"), "Grace%20Hopper");
        assert_eq!(text(&page, "x-vestibule-groups"), r#"["Gr%C3%B6%C3%9Fe,%20\"M\""]"#);
        assert_eq!(text(&page, "x-vestibule-type"), "staff");
    }

    async fn the_token_is_ours_for_this_application_and_a_minute(engine: Engine) {
        let scene = Scene::set(engine).await;
        scene.sign_in("/").await;
        let token = text(&scene.check().await, "x-vestibule-token");
        let read = |typ: &str| {
            let app = &scene.house.app;
            let issuer = app.issuer();
            let expected = Expected {
                typ,
                algorithms: &[SigningAlgorithm::Es256],
                issuer: &issuer,
                now: app.now(),
            };
            app.signer.verify(&token, &expected)
        };
        let claims = read(TOKEN_TYP).expect("a token of ours");
        assert_eq!(claims["aud"], "back-office");
        assert_eq!(claims["sub"], scene.grace.public_id.as_str());
        let number = |name: &str| claims[name].as_i64().expect("a number");
        assert!(number("exp") - number("iat") <= 60);
        assert!(read("at+jwt").is_err(), "it is no access token");
        // A new one comes before the old one is over, and not with every request.
        assert_eq!(text(&scene.check().await, "x-vestibule-token"), token);
        scene.house.clock.turn(Duration::from_secs(31));
        assert_ne!(text(&scene.check().await, "x-vestibule-token"), token);
    }

    async fn checks_are_answered_from_memory(engine: Engine) {
        let scene = Scene::set(engine).await;
        scene.sign_in("/").await;
        caught_up(&scene).await;
        assert_eq!(scene.check().await.status, 200);
        scene.house.app.store.close().await;
        assert_eq!(scene.check().await.status, 200);
    }

    async fn a_group_that_is_removed_is_not_told_any_more(engine: Engine) {
        let scene = Scene::set(engine).await;
        let group = scene.house.add_group("buyers").await;
        let (by, now) = (By::operator(), scene.house.app.now());
        let store = &scene.house.app.store;
        store.add_group_member(&group, &scene.grace.id, &by, now).await.expect("a member");
        scene.sign_in("/").await;
        assert_eq!(text(&scene.check().await, "x-vestibule-groups"), r#"["buyers"]"#);
        store.remove_group(&group, &by, now).await.expect("removed");
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while text(&scene.check().await, "x-vestibule-groups") != "[]" {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        waited.await.expect("no group before half a minute has passed");
    }

    async fn who_is_signed_in_but_not_admitted_is_refused(engine: Engine) {
        let scene = Scene::set(engine).await;
        scene.sign_in("/").await;
        let (by, now) = (By::operator(), scene.house.app.now());
        let closed =
            ApplicationChange { local_login: Some(false), ..ApplicationChange::default() };
        let store = &scene.house.app.store;
        store.change_application(&key(), &closed, &by, now).await.expect("changed");
        until(&scene, 403).await;
        let page = scene.check().await;
        assert_eq!(text(&page, "x-vestibule-reason"), "local_login_closed");
        assert_eq!(header(&page, "x-vestibule-user"), None);
    }
}

#[tokio::test]
async fn without_a_session_it_is_401_and_only_navigations_are_led_to_the_login() {
    let scene = Scene::set(Engine::Sqlite).await;
    let redirect = format!("{CHECK}?on_denied=redirect");
    let asked = scene.shop.tab().saying("x-forwarded-uri", "/cart?a=1&b=2");
    let login =
        "http://shop.localhost:8090/.vestibule/start?return_to=%2Fcart%3Fa%3D1%26b%3D2".to_owned();
    for (path, mode, status) in [
        (CHECK, "navigate", 401),
        (&redirect, "navigate", 303),
        (CHECK, "cors", 401),
        (&redirect, "cors", 401),
    ] {
        let page = asked.tab().saying("sec-fetch-mode", mode).get(path).await;
        assert_eq!(page.status, status, "{path} {mode}");
        assert_eq!(text(&page, "cache-control"), "no-store");
        assert_eq!(header(&page, "x-vestibule-user"), None);
        let led = header(&page, "location").or_else(|| header(&page, "x-vestibule-login"));
        assert_eq!(led, (mode == "navigate").then(|| login.clone()), "{path} {mode}");
    }
    let post = asked.saying("sec-fetch-mode", "navigate").saying("x-forwarded-method", "POST");
    assert_eq!(post.get(&redirect).await.status, 401, "a form would be lost on the way");
}

#[tokio::test]
async fn s109_forwarded_headers_of_others_are_ignored_and_counted() {
    let scene = Scene::with(Engine::Sqlite, |config| {
        config.server.trusted_proxies = vec!["127.0.0.9".to_owned()];
    })
    .await;
    let trusted = scene.shop.clone().at([127, 0, 0, 9]);
    assert_eq!(trusted.get("/.vestibule/start").await.status, 303);
    assert_eq!(scene.house.app.ignored.requests(), 0);
    // The same words from somebody else: not the shop, and no oddity either.
    let page = scene.shop.get("/.vestibule/start").await;
    assert_eq!((page.status, page.reason().as_deref()), (400, Some("host_not_registered")));
    assert_eq!(scene.house.app.ignored.requests(), 1);
    let odd = scene.house.browser().saying("x-original-url", "https://evil.test/a/../b");
    assert_eq!(odd.get(CHECK).await.status, 401);
    assert_eq!(scene.house.app.ignored.requests(), 2);
    assert_eq!(odd.at([127, 0, 0, 9]).get(CHECK).await.status, 403);
}

#[tokio::test]
async fn s109_odd_paths_and_contradictions_are_refused_even_to_whoever_is_signed_in() {
    let scene = Scene::set(Engine::Sqlite).await;
    scene.sign_in("/").await;
    let ask = async |name, value: &str| {
        let page = scene.shop.tab().saying(name, value).get(CHECK).await;
        (page.status, header(&page, "x-vestibule-reason").unwrap_or_default())
    };
    assert_eq!(ask("x-forwarded-uri", "/cart?next=//a").await, (200, String::new()));
    for odd in ["//a", "/a%2fb", "/a%5Cb", "/a/../b", "/a/%2e%2e/b", "/a;b", "/a%252fb"] {
        let refused = (403, "odd_path".to_owned());
        assert_eq!(ask("x-forwarded-uri", odd).await, refused, "{odd}");
        let url = format!("http://shop.localhost:8090{odd}");
        assert_eq!(ask("x-original-url", &url).await, refused, "{url}");
    }
    let contradiction = (403, "contradiction".to_owned());
    assert_eq!(ask("x-original-url", "http://other.localhost:8090/").await, contradiction);
    assert_eq!(ask("x-forwarded-host", "shop.localhost:8090").await, contradiction, "twice");
}

#[tokio::test]
async fn a_host_of_another_application_or_of_nobody_is_refused() {
    let scene = Scene::set(Engine::Sqlite).await;
    for name in [OTHER, "nobody.localhost"] {
        let page = behind(&scene.house, name).get(CHECK).await;
        let reason = header(&page, "x-vestibule-reason");
        assert_eq!((page.status, reason.as_deref()), (403, Some("host_not_registered")), "{name}");
    }
    assert_eq!(behind(&scene.house, OTHER).get("/forward-auth/storefront").await.status, 401);
    assert_eq!(scene.shop.get("/forward-auth/nowhere").await.status, 404);
}

#[tokio::test]
async fn under_our_own_host_our_own_cookie_counts() {
    let scene = Scene::set(Engine::Sqlite).await;
    assert_eq!(scene.own.get(CHECK).await.status, 401);
    scene.sign_in("/").await;
    assert_eq!(scene.own.get(CHECK).await.status, 200);
    let own = format!("127.0.0.1:{}", scene.house.url().port().expect("a port"));
    assert_eq!(scene.own.tab().saying("x-forwarded-host", &own).get(CHECK).await.status, 200);
    // And nowhere else.
    let carried = scene.own.tab().saying("x-forwarded-host", "shop.localhost:8090");
    assert_eq!(carried.get(CHECK).await.status, 401);
}

#[tokio::test]
async fn switched_off_the_token_is_empty_and_not_missing() {
    let scene = Scene::with(Engine::Sqlite, |config| config.forward_auth.token = false).await;
    scene.sign_in("/").await;
    assert_eq!(text(&scene.check().await, "x-vestibule-token"), "");
}
