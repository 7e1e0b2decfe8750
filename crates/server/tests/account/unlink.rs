//! A provider stops being a way into an account, but never the last one.

use std::time::Duration;

use identity::federation::policy::UnknownUser;
use testkit::{Engine, MailServer, on_both_engines};

use crate::scene::{ACCOUNT, Linking, Scene, assert_refused};

on_both_engines! {
    async fn s048_what_came_by_an_unlinked_identity_ends_and_the_owner_is_told(engine: Engine) {
        let mails = MailServer::start().await;
        let url = mails.url();
        let scene = Scene::set(engine, |config| config.mail.smtp_url = Some(url)).await;
        let linking = Linking::with(scene, |policy| policy.manual_linking = Some(true)).await;
        let house = &linking.scene.house;
        let browser = linking.scene.browser().await;
        linking.link(&browser).await;
        mails.wait_for(1).await;
        let by = house.browser();
        assert!(by.open("/back-office/login/corp").await.is_signed_in());

        let page = linking.scene.account(&browser).await;
        assert!(page.text().contains("last used just now"), "{}", page.text());
        let done = browser.submit(&page.form("/identities/unlink")).await;
        let page = browser.arrive(done).await;
        assert_eq!(page.url.path(), ACCOUNT);
        assert!(page.text().contains("not a way to sign in any more"), "{}", page.text());
        assert_eq!(by.open(ACCOUNT).await.url.path(), "/back-office/login");
        assert_eq!(linking.identities(&linking.scene.grace).await, 0);
        assert_refused(&house.browser().open("/back-office/login/corp").await, "unknown_user");
        let mail = mails.wait_for(2).await;
        assert!(mail.to.iter().any(|to| to.contains("grace@shop.test")), "{:?}", mail.to);
        assert!(mail.text().contains("no longer a way to sign in"), "{}", mail.text());
        let audit = house.audit().await;
        let entry = audit.iter().find(|one| one.action == "identity.unlink").expect("an entry");
        assert_eq!(entry.actor, format!("user:{}", linking.scene.grace.id));
    }

    async fn s048_the_last_way_in_stays(engine: Engine) {
        let linking = Linking::with(Scene::on(engine).await, |policy| {
            *policy = UnknownUser::Create.into();
            policy.manual_linking = Some(true);
        })
        .await;
        let house = &linking.scene.house;
        // Staff who came by single sign-on have no password, so this is all they have.
        linking.provider.script(|script| {
            let now = house.app.now().seconds();
            script.claims.insert("auth_time".to_owned(), now.into());
        });
        let browser = house.browser();
        assert!(browser.open("/back-office/login/corp").await.is_signed_in());
        let page = browser.open(ACCOUNT).await;
        let page = browser.submit(&page.form("/identities/unlink")).await;
        assert_refused(&page, "last_way_in");
        assert!(page.text().contains("only way in"), "{}", page.text());
        let ada = house.find_staff("ada@corp.example").await.expect("Ada");
        assert_eq!(linking.identities(&ada).await, 1);
        assert!(house.browser().open("/back-office/login/corp").await.is_signed_in());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s048_unlinking_needs_a_sign_in_of_the_last_ten_minutes() {
    let linking = Linking::on(Engine::Sqlite).await;
    let browser = linking.scene.browser().await;
    let page = linking.link(&browser).await;
    linking.scene.house.clock.turn(Duration::from_secs(600));
    let page = browser.submit(&page.form("/identities/unlink")).await;
    let login = browser.arrive(page).await;
    assert_eq!(login.url.path(), "/back-office/login");
    assert_eq!(linking.identities(&linking.scene.grace).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn s049_nobody_unlinks_what_is_somebody_elses_and_no_other_site_does() {
    let linking = Linking::on(Engine::Sqlite).await;
    let browser = linking.scene.browser().await;
    let form = linking.link(&browser).await.form("/identities/unlink");
    browser.submit_from_elsewhere(&form).await;
    let page = browser.submit(&form.clone().with("csrf", "made up")).await;
    assert_refused(&page, "form_expired");
    crate::scene::add_staff(&linking.scene.house, "hedy@shop.test").await;
    let other = linking.scene.house.browser();
    crate::scene::sign_in(&other, "hedy@shop.test").await;
    let theirs = other.open(ACCOUNT).await.form("/account/profile");
    let csrf = theirs.field("csrf").expect("a token").to_owned();
    other.submit(&form.with("csrf", &csrf)).await;
    assert_eq!(linking.identities(&linking.scene.grace).await, 1);
}
