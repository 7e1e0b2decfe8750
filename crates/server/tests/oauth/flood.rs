//! What somebody who is nobody can make the house keep by way of the protocol.

use identity::oauth::clients::{ClientKind, GrantType};
use identity::secret::Secret;
use server::config::Config;
use store::WaitingRequest;
use testkit::{Browser, Engine, Form, House, Page, on_both_engines};
use url::Url;

use crate::shop::{Answer, Shop, brought, machine, read};

/// So many requests of one network are kept at once.
const MOST: u32 = 3;

async fn narrow(engine: Engine) -> House {
    House::with(engine, |config: &mut Config| config.throttle.request_network_per_minute = MOST)
        .await
}

/// The pairs of an authorization request.
fn pairs(shop: &Shop<'_>, changed: &[(&str, &str)]) -> Vec<(String, String)> {
    let url = Url::parse(&shop.address(changed)).expect("an address");
    url.query_pairs().into_owned().collect()
}

/// The request as a page of the application posts it.
async fn post(shop: &Shop<'_>, browser: &Browser, changed: &[(&str, &str)]) -> Page {
    let action = shop.house.url().join("/oauth/authorize").expect("an address");
    browser.submit_from_elsewhere(&Form { action, fields: pairs(shop, changed) }).await
}

/// What is kept of a request whose answer leads to the way back.
async fn kept(house: &House, way_back: &str) -> WaitingRequest {
    let url = house.url().join(way_back).expect("an address");
    let name = url.query_pairs().find(|(name, _)| name == "request").expect("a name").1;
    let digest = Secret::new(name.as_ref()).digest();
    let found = house.app.store.find_authorization_request(&digest, house.app.now()).await;
    found.expect("an answer").expect("a request that waits")
}

/// A public client leaves a request.
async fn push(house: &House, form: &[(String, String)]) -> Answer {
    read(machine().post(house.app.url("/oauth/par")).form(form)).await
}

on_both_engines! {
    async fn s063_nothing_is_kept_of_a_posted_request_that_could_not_be_answered(engine: Engine) {
        let house = narrow(engine).await;
        let shop = Shop::open(&house).await;
        let browser = house.browser();
        for changed in [("redirect_uri", "https://evil.example/"), ("client_id", "nobody")] {
            let page = post(&shop, &browser, &[changed]).await;
            assert_eq!((page.status, page.location()), (400, None), "{changed:?}");
            assert_eq!(page.reason().as_deref(), Some("invalid_request"), "{changed:?}");
        }
        for (changed, error) in [
            (("scope", "openid everything"), "invalid_scope"),
            (("request", "eyJ"), "request_not_supported"),
            (("nonce", ""), "invalid_request"),
        ] {
            let page = post(&shop, &browser, &[changed]).await;
            assert_eq!(brought(&page, "error").as_deref(), Some(error), "{changed:?}");
        }
        for _ in 0..MOST {
            assert_eq!(post(&shop, &browser, &[]).await.status, 303, "none of it was counted");
        }
    }

    async fn what_is_kept_of_a_request_is_what_means_something(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let junk = [("junk", "of a stranger"), ("scope", "openid"), ("login_hint", "ada")];
        let posted = post(&shop, &house.browser(), &junk).await.location().expect("the way back");
        let asked = house.browser().get(&shop.address(&junk)).await;
        let asked = asked.sent_on("return_to").expect("the way back");
        for way_back in [posted.as_str(), asked.as_str()] {
            let kept = kept(&house, way_back).await.parameters;
            assert_eq!(kept.once("login_hint"), Some("ada"));
            assert!(!kept.has("junk"), "{kept:?}");
        }
    }

    async fn one_network_cannot_make_the_house_keep_requests_without_end(engine: Engine) {
        let house = narrow(engine).await;
        let shop = Shop::open(&house).await;
        let browser = house.browser();
        let asked = browser.get(&shop.address(&[])).await;
        let waiting = asked.sent_on("return_to").expect("the way back");
        for _ in 1..MOST {
            assert_eq!(post(&shop, &browser, &[]).await.status, 303);
        }
        for page in [post(&shop, &browser, &[]).await, browser.get(&shop.address(&[])).await] {
            assert_eq!((page.status, page.reason().as_deref()), (429, Some("too_many_requests")));
            assert_eq!(page.headers["retry-after"], "20", "{}", page.text());
        }
        let again = shop.onward(&browser, browser.get(&waiting).await).await;
        assert!(again.find_form("/login").is_some(), "what is kept is not kept again");
        let elsewhere = house.browser().at([127, 0, 0, 9]);
        assert_eq!(post(&shop, &elsewhere, &[]).await.status, 303);
        house.clock.turn(std::time::Duration::from_secs(20));
        assert_eq!(browser.get(&shop.address(&[])).await.status, 303);
    }

    async fn s080_a_public_client_pushes_no_more_than_a_network_may(engine: Engine) {
        let house = narrow(engine).await;
        let shop = Shop::open(&house).await;
        let app = Shop::register(&house, "app", |new| {
            new.kind = ClientKind::Public;
            new.grant_types = vec![GrantType::AuthorizationCode];
        })
        .await;
        let form = pairs(&app, &[]);
        for _ in 0..MOST {
            assert_eq!(push(&house, &form).await.status, 201);
        }
        let answer = push(&house, &form).await;
        assert_eq!(answer.error(), (429, "temporarily_unavailable".to_owned()));
        assert_eq!(answer.headers["retry-after"], "20");
        let own = pairs(&shop, &[]);
        let own: Vec<_> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = shop.post("/oauth/par", &own).await;
        assert_eq!(answer.status, 201, "who authenticates is somebody: {answer:?}");
    }
}
