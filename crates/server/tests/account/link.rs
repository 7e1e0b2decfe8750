//! A provider becomes a way into one's own account, and into nobody else's.

use std::time::Duration;

use identity::applications::ApplicationKey;
use identity::federation::policy::Link;
use identity::federation::provider::ProviderState;
use store::{ApplicationChange, By};
use testkit::{Engine, MailServer, on_both_engines};

use crate::scene::{ACCOUNT, Linking, PASSWORD, Scene, add_staff, assert_refused, sign_in};

on_both_engines! {
    async fn s048_a_linked_provider_signs_in_the_one_who_linked_it_and_they_are_told(engine: Engine) {
        let mails = MailServer::start().await;
        let url = mails.url();
        let scene = Scene::set(engine, |config| config.mail.smtp_url = Some(url)).await;
        let linking = Linking::with(scene, |policy| policy.manual_linking = Some(true)).await;
        let house = &linking.scene.house;
        let before = house.browser().open("/back-office/login/corp").await;
        assert_refused(&before, "unknown_user");

        let browser = linking.scene.browser().await;
        let session = browser.cookie("staff");
        let page = linking.link(&browser).await;
        assert_eq!((page.status, page.url.path()), (200, ACCOUNT), "{}", page.text());
        for words in ["It is linked", "Corp", "ada@corp.example", "Unlink"] {
            assert!(page.text().contains(words), "{words}: {}", page.text());
        }
        assert!(page.find_form("/identities/link/").is_none(), "nothing is left to link");
        assert_eq!(browser.cookie("staff"), session, "nobody is signed in by it");
        let mail = mails.wait_for(1).await;
        assert!(mail.to.iter().any(|to| to.contains("grace@shop.test")), "{:?}", mail.to);
        assert!(mail.text().contains("Corp is now a way to sign in"), "{}", mail.text());

        let page = house.browser().open("/back-office/login/corp").await;
        assert!(page.is_signed_in() && page.text().contains("grace@shop.test"), "{}", page.text());
        let audit = house.audit().await;
        let entry = audit.iter().find(|one| one.action == "identity.link").expect("an entry");
        assert_eq!(entry.outcome, "done");
        assert_eq!(entry.user.as_ref(), Some(&linking.scene.grace.id));
        assert_eq!(entry.provider.as_ref(), Some(&linking.row.id));
        assert_eq!(linking.scene.grace_now().await.email, linking.scene.grace.email);
        // Once more changes nothing.
        let own = linking.scene.grace.clone();
        assert_eq!(linking.identities(&own).await, 1);
    }

    async fn s037_a_provider_for_linking_alone_makes_no_session_for_a_stranger(engine: Engine) {
        let scene = Scene::on(engine).await;
        let linking = Linking::with(scene, |policy| {
            policy.link = Some(Link::Never);
            policy.manual_linking = Some(true);
        })
        .await;
        // With her very address, and with the provider's word for it.
        linking.provider.person("grace-at-corp", "grace@shop.test");
        let house = &linking.scene.house;
        assert_refused(&house.browser().open("/back-office/login/corp").await, "linking_off");
        let browser = linking.scene.browser().await;
        linking.link(&browser).await;
        let page = house.browser().open("/back-office/login/corp").await;
        assert!(page.is_signed_in() && page.text().contains("grace@shop.test"), "{}", page.text());
        linking.provider.person("a-stranger", "stranger@shop.test");
        assert_refused(&house.browser().open("/back-office/login/corp").await, "unknown_user");
    }

    async fn s049_a_link_is_bound_to_the_session_that_began_it(engine: Engine) {
        let linking = Linking::on(engine).await;
        let house = &linking.scene.house;
        let hedy = add_staff(house, "hedy@shop.test").await;
        // Somebody else signs in before the answer comes; then the same one in another session;
        // then nobody is.
        for next in [Some("hedy@shop.test"), Some("grace@shop.test"), None] {
            let browser = linking.scene.browser().await;
            let place = linking.begin(&browser).await;
            match next {
                Some(email) => sign_in(&browser, email).await,
                None => browser.lose("staff"),
            }
            let page = browser.open(place.as_str()).await;
            assert_refused(&page, "not_signed_in_as_before");
            assert!(page.support_code().is_some(), "{}", page.text());
            assert_eq!(page.way_on().expect("a way on").path(), ACCOUNT);
        }
        assert_eq!(linking.identities(&linking.scene.grace).await, 0);
        assert_eq!(linking.identities(&hedy).await, 0);
        assert_refused(&house.browser().open("/back-office/login/corp").await, "unknown_user");
    }

    async fn s051_an_identity_of_somebody_else_is_not_linked_and_nothing_is_told_of_them(engine: Engine) {
        let linking = Linking::on(engine).await;
        let hedy = add_staff(&linking.scene.house, "hedy@shop.test").await;
        let hers = linking.scene.house.browser();
        sign_in(&hers, "hedy@shop.test").await;
        linking.link(&hers).await;
        let page = linking.link(&linking.scene.browser().await).await;
        assert_refused(&page, "identity_taken");
        assert_eq!(page.status, 403);
        for hidden in ["hedy", "Hedy", "ada@corp.example"] {
            assert!(!page.body.contains(hidden), "{hidden}: {}", page.body);
        }
        assert_eq!(linking.identities(&hedy).await, 1);
        assert_eq!(linking.identities(&linking.scene.grace).await, 0);
        let entry = linking.scene.house.audit_of(&page.support_code().expect("a code")).await;
        assert_eq!((entry.action.as_str(), entry.outcome.as_str()), ("identity.link", "identity_taken"));
        assert_eq!(entry.user.as_ref(), Some(&linking.scene.grace.id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s049_a_link_is_begun_by_a_form_of_ours_alone_and_ends_in_its_own_browser() {
    let linking = Linking::on(Engine::Sqlite).await;
    let browser = linking.scene.browser().await;
    let form = linking.scene.account(&browser).await.form("/identities/link/corp");
    let address = form.action.path().to_owned();
    // By a link on another site, by a form on another site, and by a form that no page of ours made.
    let page = browser.open(&address).await;
    assert_eq!(page.url.path(), ACCOUNT, "{}", page.text());
    browser.submit_from_elsewhere(&form).await;
    let page = browser.submit(&form.clone().with("csrf", "made up")).await;
    assert_refused(&page, "form_expired");
    assert!(linking.provider.seen().authorizations.is_empty());

    let place = linking.begin(&browser).await;
    let victim = linking.scene.house.browser();
    sign_in(&victim, "grace@shop.test").await;
    assert_refused(&victim.open(place.as_str()).await, "attempt_foreign");
    assert_eq!(linking.identities(&linking.scene.grace).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_links_where_it_is_not_offered_or_switched_off_meanwhile() {
    let linking = Linking::on(Engine::Sqlite).await;
    let house = &linking.scene.house;
    let browser = linking.scene.browser().await;
    let form = linking.scene.account(&browser).await.form("/identities/link/corp");
    let place = linking.begin(&browser).await;
    linking.set(|policy| policy.manual_linking = Some(false)).await;
    assert_refused(&browser.open(place.as_str()).await, "linking_not_offered");
    let page = linking.scene.account(&browser).await;
    assert!(page.find_form("/identities/link").is_none(), "it is not offered");
    assert_refused(&browser.submit(&form).await, "linking_not_offered");

    linking.set(|policy| policy.manual_linking = Some(true)).await;
    let place = linking.begin(&browser).await;
    house.set_provider_state(&linking.row, ProviderState::Disabled).await;
    house.learn().await;
    assert_refused(&browser.open(place.as_str()).await, "provider_disabled");
    assert_refused(&browser.submit(&form).await, "linking_not_offered");
    assert_eq!(linking.identities(&linking.scene.grace).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s048_linking_needs_a_sign_in_of_the_last_ten_minutes() {
    let linking = Linking::on(Engine::Sqlite).await;
    let browser = linking.scene.browser().await;
    let form = linking.scene.account(&browser).await.form("/identities/link/corp");
    linking.scene.house.clock.turn(Duration::from_secs(600));
    let page = browser.submit(&form).await;
    let login = browser.arrive(page).await;
    assert_eq!(login.url.path(), "/back-office/login");
    assert!(login.text().contains("sign in once more"), "{}", login.text());
    // By a provider, too, it has to be a fresh one.
    let button = login.link("/login/corp").expect("a button");
    let start = browser.get(button.as_str()).await;
    assert_eq!(start.sent_on("max_age").as_deref(), Some("0"));
    assert_eq!(start.sent_on("prompt").as_deref(), Some("login"));

    let form = login.form("/login").with("email", "grace@shop.test").with("password", PASSWORD);
    let page = browser.submit(&form).await;
    let page = browser.arrive(page).await;
    assert_eq!(page.url.path(), ACCOUNT, "{}", page.text());
    let page = linking.link(&browser).await;
    assert!(page.text().contains("It is linked"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn s048_how_fresh_a_sign_in_has_to_be_is_the_applications_word() {
    let linking = Linking::on(Engine::Sqlite).await;
    let house = &linking.scene.house;
    let change = ApplicationChange {
        authenticated_for: Some(Duration::from_secs(1200)),
        ..ApplicationChange::default()
    };
    let door = ApplicationKey::from_stored("back-office");
    let (by, now) = (By::operator(), house.app.now());
    let changed = house.app.store.change_application(&door, &change, &by, now);
    changed.await.expect("a change");
    house.learn().await;
    let browser = linking.scene.browser().await;
    let form = linking.scene.account(&browser).await.form("/identities/link/corp");
    house.clock.turn(Duration::from_secs(1100));
    assert_eq!(browser.submit(&form).await.status, 200, "on to the provider");
    house.clock.turn(Duration::from_secs(200));
    let page = browser.submit(&form).await;
    let login = browser.arrive(page).await;
    assert!(login.text().contains("sign in once more"), "{}", login.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_one_identity_of_a_provider() {
    let linking = Linking::on(Engine::Sqlite).await;
    let browser = linking.scene.browser().await;
    let form = linking.scene.account(&browser).await.form("/identities/link/corp");
    linking.link(&browser).await;
    // The same one again stays what it is; another one is refused.
    let again = browser.submit(&form).await.way_on().expect("the way to the provider");
    let page = browser.open(again.as_str()).await;
    assert_eq!(page.url.path(), ACCOUNT, "{}", page.text());
    linking.provider.person("grace", "grace@corp.example");
    let again = browser.submit(&form).await.way_on().expect("the way to the provider");
    assert_refused(&browser.open(again.as_str()).await, "linked_already");
    assert_eq!(linking.identities(&linking.scene.grace).await, 1);
}
