//! Who sees the page, and what becomes of the profile.

use testkit::{Engine, on_both_engines};

use crate::scene::{ACCOUNT, Scene};

on_both_engines! {
    async fn a_profile_is_changed_and_what_is_wrong_stands_beside_its_field(engine: Engine) {
        let scene = Scene::on(engine).await;
        let browser = scene.browser().await;
        let form = scene.account(&browser).await.form("/account/profile");
        let long = "a".repeat(101);
        let bad = form.clone().with("given_name", "Grace B.").with("family_name", &long);
        let page = browser.submit(&bad.with("locale", "de-AT")).await;
        assert_eq!((page.status, page.reason().as_deref()), (422, Some("bad_name")));
        assert!(page.text().contains("at most 100 characters"), "{}", page.text());
        assert!(page.body.contains("id=\"family_name-problem\""), "beside its field");
        let again = page.form("/account/profile");
        assert_eq!(again.field("given_name"), Some("Grace B."), "nothing is lost");
        assert_eq!(again.field("family_name"), Some(long.as_str()), "nothing is lost");
        assert!(page.body.contains("value=\"de-AT\" lang=\"de-AT\" selected"), "nothing is lost");

        let good = form.with("given_name", " Grace ").with("family_name", "Hopper");
        let page = browser.submit(&good.clone().with("locale", "de-AT")).await;
        assert_eq!(page.status, 303, "{}", page.text());
        let page = browser.arrive(page).await;
        assert!(page.text().contains("Your profile is saved."), "{}", page.text());
        let grace = scene.grace_now().await;
        assert_eq!((grace.name.given.as_str(), grace.name.family.as_str()), ("Grace", "Hopper"));
        assert_eq!(grace.locale.as_deref(), Some("de-AT"));
        assert_eq!(grace.email, scene.grace.email);
        assert!(browser.open("/back-office").await.text().contains("Signed in as Grace Hopper"));

        let page = browser.submit(&good.with("locale", "no language")).await;
        assert_eq!((page.status, page.reason().as_deref()), (422, Some("bad_locale")));
        assert_eq!(scene.grace_now().await.locale.as_deref(), Some("de-AT"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_signed_in_comes_to_the_page_by_way_of_the_login() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.house.browser();
    let login = browser.open(ACCOUNT).await;
    assert_eq!(login.url.path(), "/back-office/login");
    let form = login.form("/login").with("email", "grace@shop.test");
    let page = browser.submit(&form.with("password", crate::scene::PASSWORD)).await;
    let page = browser.arrive(page).await;
    assert_eq!(page.url.path(), ACCOUNT);
    for known in ["grace@shop.test", "This browser", "Back Office"] {
        assert!(page.text().contains(known), "{known}: {}", page.text());
    }
    let home = browser.open("/back-office").await;
    assert_eq!(home.link("/account").expect("a link").path(), ACCOUNT);
    // A session of another kind of user opens no page here.
    assert_eq!(browser.open("/storefront/account").await.url.path(), "/storefront/login");
}

#[tokio::test(flavor = "multi_thread")]
async fn s049_no_form_of_the_account_page_is_taken_from_another_site_or_browser() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.browser().await;
    scene.browser().await;
    let page = scene.account(&browser).await;
    let sessions = async || {
        scene.house.app.store.list_sessions(&scene.grace.id).await.expect("an answer").len()
    };
    for part in ["/profile", "/sessions/end", "/sessions/end-all"] {
        let form = page.form(part).with("given_name", "Mallory");
        let stranger = scene.house.browser();
        let theirs = stranger.open("/back-office/login").await.form("/login");
        let theirs = theirs.field("csrf").expect("a token").to_owned();
        let page = browser.submit(&form.clone().with("csrf", &theirs)).await;
        assert_eq!((page.status, page.reason().as_deref()), (403, Some("form_expired")), "{part}");
        let page = browser.submit_from_elsewhere(&form).await;
        assert_eq!(page.status, 303, "{part}");
        assert_eq!(page.location().expect("back").query(), Some("notice=expired"), "{part}");
        let page = browser.arrive(page).await;
        assert_eq!(page.reason().as_deref(), Some("form_expired"), "{part}");
    }
    assert_eq!(sessions().await, 2, "nobody was signed out");
    assert_eq!(scene.grace_now().await.name, scene.grace.name);
}
