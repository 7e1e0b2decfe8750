//! The setup link: one administrator, once.

use identity::applications::ApplicationKey;
use identity::secret::Secret;
use server::setup::make_link;
use store::{ApplicationChange, By};
use testkit::{Engine, House, Page, on_both_engines};

use crate::scene::{OTHER, PASSWORD, house, outcome, signed_in};

async fn link(house: &House) -> Option<String> {
    let token = Secret::generate(house.app.entropy.as_ref());
    let url = &house.app.config.server.public_url;
    make_link(&house.app.store, url, &token, &By::operator(), house.app.now())
        .await
        .expect("a link")
}

async fn fill_in(house: &House, link: &str, email: &str, password: &str) -> Page {
    let browser = house.browser();
    let form = browser.open(link).await.form("/setup");
    let form = form.with("email", email).with("given_name", "Ada").with("family_name", "Byron");
    browser.submit(&form.with("password", password).with("repeat", password)).await
}

on_both_engines! {
    async fn a_setup_link_makes_the_first_administrator_once(engine: Engine) {
        let house = house(engine).await;
        let older = link(&house).await.expect("nobody is there yet");
        let link_now = link(&house).await.expect("nobody is there yet");
        let page = house.browser().open(&older).await;
        assert_eq!(outcome(&page), (410, "setup_link_unusable".to_owned()), "an older one is void");

        let page = fill_in(&house, &link_now, "ada@shop.test", "too short").await;
        assert_eq!(outcome(&page), (422, "password_too_short".to_owned()));
        assert_eq!(page.form("/setup").field("given_name"), Some("Ada"), "what was typed stays");
        let browser = house.browser();
        let form = browser.open(&link_now).await.form("/setup").with("email", "ada@shop.test");
        let form = form.with("password", PASSWORD).with("repeat", PASSWORD);
        // PostgreSQL has no text with this letter.
        let page = browser.submit(&form.with("given_name", "\0")).await;
        assert_eq!(outcome(&page), (422, "name".to_owned()), "{}", page.text());
        let page = fill_in(&house, &link_now, "no address", PASSWORD).await;
        assert_eq!(outcome(&page), (422, "email_shape".to_owned()));
        let page = fill_in(&house, &link_now, "ada@shop.test", PASSWORD).await;
        assert_eq!(page.status, 303, "{}", page.text());
        let arrived = house.browser().arrive(page).await;
        assert!(arrived.text().contains("You are the first administrator"), "{}", arrived.text());
        signed_in(&house.browser(), "ada@shop.test", PASSWORD).await;

        assert_eq!(house.app.store.count_administrators().await.expect("a count"), 1);
        let page = house.browser().open(&link_now).await;
        assert_eq!(page.status, 410, "{}", page.text());
        assert_eq!(link(&house).await, None, "and there is no second one");
    }
}

#[tokio::test]
async fn s107_a_closed_back_office_makes_no_first_administrator_with_a_password() {
    let house = house(Engine::Sqlite).await;
    let own = link(&house).await.expect("nobody is there yet");
    let browser = house.browser();
    let form = browser.open(&own).await.form("/setup").with("email", "ada@shop.test");
    let form = form.with("given_name", "Ada").with("family_name", "Byron");
    let key = ApplicationKey::from_stored("back-office");
    let closed = ApplicationChange { local_login: Some(false), ..ApplicationChange::default() };
    let (by, now) = (By::operator(), house.app.now());
    house.app.store.change_application(&key, &closed, &by, now).await.expect("a change");
    house.learn().await;
    let sent = browser.submit(&form.with("password", PASSWORD).with("repeat", PASSWORD)).await;
    for page in [sent, browser.open(&own).await] {
        assert_eq!(outcome(&page), (403, "local_login_closed".to_owned()), "{}", page.text());
    }
    assert!(house.users().await.is_empty());
}

#[tokio::test]
async fn an_old_link_and_one_that_another_overtook_make_nobody() {
    let house = house(Engine::Sqlite).await;
    let own = link(&house).await.expect("nobody is there yet");
    let browser = house.browser();
    let form = browser.open(&own).await.form("/setup");
    let form = form.with("email", "eve@shop.test").with("password", OTHER).with("repeat", OTHER);
    house.clock.turn(server::setup::SETUP_LIFE);
    let page = browser.submit(&form).await;
    assert_eq!(outcome(&page), (410, "setup_link_unusable".to_owned()));
    let page = browser.open("/back-office/setup?token=guessed").await;
    assert_eq!(outcome(&page), (410, "setup_link_unusable".to_owned()));
    assert_eq!(house.users().await, []);
}
