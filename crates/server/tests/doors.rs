//! What every door promises, whoever stands before it.

use std::collections::BTreeSet;

use identity::applications::{Application, RESERVED_KEYS};
use identity::secret::Secret;
use identity::users::{Status, UserType};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use server::router::{interfaces, paths};
use store::By;
use testkit::browser::{Browser, Page};
use testkit::house::{Engine, House};

const EMAIL: &str = "grace@shop.test";
const PASSWORD: &str = "correct horse battery staple";

#[expect(clippy::disallowed_methods, reason = "a program that asks has no guards of ours")]
fn machine() -> reqwest::Client {
    reqwest::Client::new()
}

/// A house in which Grace has a password.
async fn house() -> House {
    let house = House::start(Engine::Sqlite).await;
    let user = house.add_staff(EMAIL, Status::Active).await;
    let hash = house.app.hasher.hash(Secret::new(PASSWORD)).await.expect("a hash").to_string();
    let (by, now) = (By::operator(), house.app.now());
    house.app.store.set_password(&user.id, &hash, None, &by, now).await.expect("a password");
    house
}

async fn sign_in(browser: &Browser, address: &str) -> Page {
    let form = browser.open(address).await.form("/login");
    browser.submit(&form.with("email", EMAIL).with("password", PASSWORD)).await
}

#[test]
fn every_served_first_segment_is_reserved_or_an_application() {
    let built_in = Application::built_in();
    for route in paths() {
        let first = route.split('/').nth(1).unwrap_or_default();
        let known = first.is_empty()
            || first == "{application}"
            || RESERVED_KEYS.contains(&first)
            || built_in.iter().any(|door| door.key.as_str() == first);
        assert!(known, "{route}");
    }
}

#[test]
fn the_api_document_describes_every_path_for_programs_and_no_other() {
    let document = server::openapi::document(server::openapi::EXAMPLE);
    let described = document["paths"].as_object().expect("paths").keys().map(String::as_str);
    let served = interfaces().into_iter().chain(server::operations::paths());
    let (described, served): (BTreeSet<_>, BTreeSet<_>) = (described.collect(), served.collect());
    assert_eq!(described, served);
}

/// Method by method: what is described is answered, and what is not is refused.
#[tokio::test]
async fn the_api_document_describes_every_method_that_is_served() {
    let house = house().await;
    let machine = machine();
    let served: Value = serde_json::from_str(&house.browser().get("/openapi.json").await.body)
        .expect("the document");
    for path in interfaces() {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let described = !served["paths"][path][method.as_str().to_lowercase()].is_null();
            let address = house.url().join(&path.replace("{application}", "back-office"));
            let request = machine.request(method.clone(), address.expect("an address"));
            let answer = request.send().await.expect("an answer");
            let refused = answer.status() == StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(described, !refused, "{method} {path}: {}", answer.status());
        }
    }
}

#[tokio::test]
async fn every_listed_route_is_served() {
    let house = house().await;
    let browser = house.browser();
    // The one that is there only once something is sealed.
    let sealed = "/{application}/break-glass";
    let open = |route: &&str| !route.contains("{file}") && *route != sealed;
    for route in paths().into_iter().filter(open) {
        let path = route.replace("{application}", "back-office").replace("{provider}", "acme");
        let path = path.replace("{proof}", "01a1");
        let page = browser.get(&path).await;
        assert_ne!(page.reason().as_deref(), Some("not_found"), "{route}");
    }
    let style = browser.get(house.app.pages.style_path()).await;
    assert_eq!(style.status, 200, "the one file");
}

#[tokio::test]
async fn what_no_proof_is_called_is_not_looked_for() {
    let house = house().await;
    let browser = house.browser();
    for name in ["%0A", "..%2F..", "%00", "a%20b"] {
        let page = browser.get(&format!("/back-office/proof/{name}")).await;
        assert_eq!(page.reason().as_deref(), Some("attempt_unknown"), "{name}");
        let page = browser.get(&format!("/back-office/proof/{name}/corp")).await;
        assert_eq!((page.status, page.reason().as_deref()), (404, Some("not_found")), "{name}");
    }
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_method_get_a_page_with_a_request_id() {
    let house = house().await;
    let browser = house.browser();
    for path in ["/nowhere", "/nowhere/login", "/back-office/nowhere", "/assets/none.css"] {
        let page = browser.get(path).await;
        assert_eq!((page.status, page.reason().as_deref()), (404, Some("not_found")), "{path}");
        let id = page.headers.get("x-request-id").expect("a request id").to_str().expect("text");
        assert!(page.body.contains(id), "{path}");
    }
    let form = browser.open("/back-office/login").await.form("/login");
    let elsewhere = testkit::browser::Form {
        action: house.url().join("/back-office").expect("an address"),
        fields: form.fields,
    };
    let page = browser.submit(&elsewhere).await;
    assert_eq!((page.status, page.reason().as_deref()), (405, Some("method_not_allowed")));
}

#[tokio::test]
async fn s092_no_page_is_kept_by_the_browser_and_none_can_be_framed() {
    let house = house().await;
    let browser = house.browser();
    sign_in(&browser, "/back-office/login").await;
    for path in ["/back-office", "/back-office/login?notice=again", "/back-office/logout", "/nope"]
    {
        let page = browser.get(path).await;
        let header = |name: &str| {
            page.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned()
        };
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(!page.body.contains("<script"), "{path}");
    }
}

#[tokio::test]
async fn s092_after_signing_out_the_old_cookie_opens_nothing() {
    let house = house().await;
    let browser = house.browser();
    sign_in(&browser, "/back-office/login").await;
    let home = browser.get("/back-office").await;
    assert!(home.is_signed_in());
    let cookie = browser.cookie("staff").expect("a session");
    let page = browser.submit(&home.form("/logout")).await;
    assert_eq!(page.location().expect("a redirect").path(), "/back-office/login");
    // As a browser whose copy of the cookie survived would do.
    sign_in(&browser, "/back-office/login").await;
    browser.plant("staff", &cookie);
    assert!(!browser.open("/back-office").await.is_signed_in());
}

#[tokio::test]
async fn s049_a_form_from_another_site_or_another_browser_changes_nothing() {
    let house = house().await;
    let (own, other) = (house.browser(), house.browser());
    let filled = |page: &Page| page.form("/login").with("email", EMAIL).with("password", PASSWORD);
    let form = filled(&own.open("/back-office/login").await);
    other.open("/back-office/login").await;
    let page = other.submit(&form).await;
    assert_eq!((page.status, page.reason().as_deref()), (403, Some("form_expired")));
    assert_eq!(page.form("/login").field("email"), Some(EMAIL), "what was typed is kept");
    assert!(own.cookie("staff").is_none() && other.cookie("staff").is_none());
    // The page that came back can be sent.
    let page = own.open("/back-office/login").await;
    assert_eq!(own.submit(&filled(&page)).await.status, 303);
}

#[tokio::test]
async fn s049_a_form_elsewhere_does_not_take_the_browsers_cookie_away() {
    let house = house().await;
    let browser = house.browser();
    let page = browser.open("/back-office/login").await;
    let cookie = browser.cookie("browser");
    let form = page.form("/login").with("email", EMAIL).with("password", PASSWORD);
    let answer = browser.submit_from_elsewhere(&form).await;
    assert_eq!(answer.location().expect("a redirect").path(), "/back-office/login");
    assert_eq!(browser.cookie("browser"), cookie);
    assert!(browser.cookie("staff").is_none());
    // What was open goes on.
    assert_eq!(browser.submit(&form).await.status, 303);
}

#[tokio::test]
async fn s070_a_sign_in_returns_to_our_own_paths_and_registered_origins_only() {
    let house = house().await;
    let target = |address: &'static str| {
        let browser = house.browser();
        async move {
            let query = format!("/back-office/login?return_to={address}");
            sign_in(&browser, &query).await.location().expect("a redirect")
        }
    };
    assert_eq!(target("/back-office/logout").await.path(), "/back-office/logout");
    for evil in [
        "https://evil.test/",
        "//evil.test/",
        "/%5Cevil.test",
        "%5C%5Cevil.test",
        "https:evil.test",
        "javascript:alert(1)",
        "/%0d%0aLocation:%20https://evil.test",
    ] {
        let location = target(evil).await;
        assert_eq!(location.path(), "/back-office", "{evil}");
        assert_eq!(location.origin(), house.url().origin(), "{evil}");
    }
}

#[tokio::test]
async fn whoever_is_signed_in_does_not_see_the_form_again() {
    let house = house().await;
    let browser = house.browser();
    sign_in(&browser, "/back-office/login").await;
    let page = browser.tab().get("/back-office/login?return_to=/back-office/logout").await;
    assert_eq!(page.location().expect("a redirect").path(), "/back-office/logout");
}

#[tokio::test]
async fn a_staff_session_opens_no_other_types_door() {
    let house = house().await;
    let browser = house.browser();
    sign_in(&browser, "/back-office/login").await;
    let staff = browser.cookie("staff").expect("a session");
    for door in ["storefront", "merchant-portal", "dashboard"] {
        assert!(!browser.open(&format!("/{door}")).await.is_signed_in(), "{door}");
    }
    // Even when somebody renames the cookie.
    let name = house.app.cookies.session_name(UserType::Customer);
    browser.plant_new(&name, &staff);
    let page = browser.get("/storefront").await;
    assert!(!page.is_signed_in());
    assert_eq!(page.location().expect("a redirect").path(), "/storefront/login");
}

#[tokio::test]
async fn oversized_and_unreadable_forms_get_a_page_that_says_what_to_do() {
    let house = house().await;
    let browser = house.browser();
    let form = browser.open("/back-office/login").await.form("/login");
    let page = browser.submit(&form.with("email", &"a".repeat(100_000))).await;
    assert_eq!((page.status, page.reason().as_deref()), (413, Some("too_large")));
}

#[tokio::test]
async fn browsers_are_told_to_stay_with_https_where_the_house_is_called_by_it() {
    let mut address = None;
    let house = House::with(Engine::Sqlite, |config| {
        address = Some(config.server.public_url.clone());
        config.server.public_url = "https://shop.example".parse().expect("an address");
    });
    let house = house.await;
    let browser = Browser::new(&address.expect("where it listens"));
    for path in ["/back-office/login", "/healthz", "/nowhere"] {
        let page = browser.get(path).await;
        assert_eq!(page.headers["strict-transport-security"], "max-age=31536000", "{path}");
    }
    for path in ["/.vestibule/start", "/forward-auth/back-office"] {
        let page = browser.get(path).await;
        assert!(page.headers.get("strict-transport-security").is_none(), "another's host: {path}");
    }
    drop(house);
    let house = House::start(Engine::Sqlite).await;
    let page = house.browser().get("/back-office/login").await;
    assert!(page.headers.get("strict-transport-security").is_none(), "not on loopback");
}
