//! Another password for whoever knows the one there is, where they may have one at all.

use identity::federation::policy::{LocalPassword, UnknownUser};
use identity::secret::Secret;
use store::{By, Conflict, Error};
use testkit::{Browser, Engine, MailServer, Page, on_both_engines};

use crate::scene::{ACCOUNT, Linking, PASSWORD, Scene, assert_refused, sign_in};

const OTHER: &str = "seven purple kites over Riga";

async fn change(scene: &Scene, browser: &Browser, current: &str, password: &str) -> Page {
    let form = scene.account(browser).await.form("/account/password").with("current", current);
    browser.submit(&form.with("password", password).with("repeat", password)).await
}

on_both_engines! {
    async fn a_changed_password_ends_every_other_session_and_the_owner_is_told(engine: Engine) {
        let mails = MailServer::start().await;
        let url = mails.url();
        let scene = Scene::set(engine, |config| config.mail.smtp_url = Some(url)).await;
        let (browser, other) = (scene.browser().await, scene.browser().await);
        let done = change(&scene, &browser, PASSWORD, OTHER).await;
        let page = browser.arrive(done).await;
        assert!(page.text().contains("Your new password is set"), "{}", page.text());
        assert_eq!(page.url.path(), ACCOUNT, "this session stays");
        assert_eq!(other.open(ACCOUNT).await.url.path(), "/back-office/login");
        let mail = mails.wait_for(1).await;
        assert!(mail.text().contains("was changed"), "{}", mail.text());
        let login = other.open("/back-office/login").await.form("/login");
        let login = login.with("email", "grace@shop.test");
        let old = other.submit(&login.clone().with("password", PASSWORD)).await;
        assert_refused(&old, "not_accepted");
        assert_eq!(other.submit(&login.with("password", OTHER)).await.status, 303);
    }

    async fn local_password_holds_for_every_way_to_a_password(engine: Engine) {
        let linking = Linking::with(Scene::on(engine).await, |policy| {
            *policy = UnknownUser::Create.into();
            policy.local_password = Some(LocalPassword::Allowed);
        })
        .await;
        let house = &linking.scene.house;
        let store = &house.app.store;
        let browser = house.browser();
        assert!(browser.open("/back-office/login/corp").await.is_signed_in());
        let ada = house.find_staff("ada@corp.example").await.expect("Ada");
        let page = browser.open(ACCOUNT).await;
        assert!(page.link("/password/forgot").is_some(), "a way to a first one: {}", page.text());
        let hash = house.app.hasher.hash(Secret::new(PASSWORD)).await.expect("a hash").to_string();
        let set = async || {
            store.set_password(&ada.id, &hash, None, &By::operator(), house.app.now()).await
        };
        set().await.expect("allowed");
        sign_in(&house.browser(), "ada@corp.example").await;

        linking.set(|policy| policy.local_password = Some(LocalPassword::Never)).await;
        // What is in the table does not count any more.
        let stranger = house.browser();
        let form = stranger.open("/back-office/login").await.form("/login");
        let page = stranger.submit(&form.with("email", "ada@corp.example").with("password", PASSWORD)).await;
        assert_refused(&page, "not_accepted");
        assert!(matches!(set().await, Err(Error::Conflict(Conflict::NoPassword))));
        assert!(!store.find_password_allowed(&ada).await.expect("an answer"));
        assert!(browser.open("/back-office/login/corp").await.is_signed_in());
        let page = browser.open(ACCOUNT).await;
        assert!(page.find_form("/account/password").is_none(), "{}", page.text());
        assert!(page.link("/password/forgot").is_none(), "{}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_password_stands_beside_its_field() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.browser().await;
    let form = scene.account(&browser).await.form("/account/password").with("current", PASSWORD);
    let unequal = form.clone().with("password", OTHER).with("repeat", PASSWORD);
    for (form, reason, field) in [
        (unequal, "passwords_differ", "repeat"),
        (
            form.clone().with("password", "short").with("repeat", "short"),
            "password_too_short",
            "password",
        ),
        (
            form.with("password", OTHER).with("repeat", OTHER).with("current", "wrong"),
            "wrong_password",
            "current",
        ),
    ] {
        let page = browser.submit(&form).await;
        assert_eq!(page.status, 422, "{}", page.text());
        assert_refused(&page, reason);
        assert!(page.body.contains(&format!("id=\"{field}-problem\"")), "{field}: {}", page.body);
        for secret in [PASSWORD, OTHER] {
            assert!(!page.body.contains(secret), "no password comes back");
        }
    }
    sign_in(&scene.house.browser(), "grace@shop.test").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_the_current_password_are_counted_as_at_the_login() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.browser().await;
    let mut reasons = Vec::new();
    for _ in 0..30 {
        let page = change(&scene, &browser, "not my password", OTHER).await;
        reasons.push(page.reason().unwrap_or_default());
        if page.status == 429 {
            break;
        }
    }
    assert_eq!(reasons.pop().as_deref(), Some("throttled"), "{reasons:?}");
    let page = change(&scene, &browser, PASSWORD, OTHER).await;
    assert_refused(&page, "throttled");
}
