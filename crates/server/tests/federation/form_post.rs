//! Answers by `form_post`, which come without our cookies.

use testkit::provider::Place;
use testkit::{Engine, Form};

use crate::scene::{Scene, assert_refused, out};

#[tokio::test(flavor = "multi_thread")]
async fn s035_a_posted_answer_changes_nothing_until_our_own_page_posts_it_again() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| script.form_post = true);
    let browser = scene.house.browser();
    let at_provider = out(&browser).await;
    let posted = at_provider.form("/login/callback/corp");
    let ours = browser.submit_from_elsewhere(&posted).await;
    assert_eq!(ours.status, 200, "{}", ours.text());
    assert_eq!(browser.cookie("staff"), None);
    assert_eq!(scene.provider.times(Place::Token), 0);
    let reposted = ours.form("/login/callback/corp");
    assert_eq!(reposted.field("state"), posted.field("state"));
    assert_eq!(reposted.field("code"), posted.field("code"));
    let done = browser.submit(&reposted).await;
    let landed = browser.arrive(done).await;
    assert!(landed.is_signed_in(), "{}", landed.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn s035_a_page_elsewhere_cannot_post_the_second_time() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| script.form_post = true);
    let browser = scene.house.browser();
    let posted = out(&browser).await.form("/login/callback/corp").with("reposted", "1");
    let page = browser.submit_from_elsewhere(&posted).await;
    assert_refused(&browser, &page, "attempt_foreign");
    assert_eq!(scene.provider.times(Place::Token), 0);
    let page = browser.submit(&posted).await;
    assert!(browser.arrive(page).await.is_signed_in(), "the trip was not used up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posted_answer_at_a_provider_that_is_not_there_is_refused() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| script.form_post = true);
    let browser = scene.house.browser();
    let mut posted = out(&browser).await.form("/login/callback/corp");
    posted.action.set_path("/login/callback/nobody");
    let page = browser.submit_from_elsewhere(&posted).await;
    assert_refused(&browser, &page, "provider_not_connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn s035_a_form_elsewhere_does_not_take_the_browsers_cookie_away() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| script.form_post = true);
    let browser = scene.house.browser();
    let posted = out(&browser).await.form("/login/callback/corp");
    let cookie = browser.cookie("browser");
    let again = posted.clone().with("reposted", "1");
    let twice = Form { fields: [&posted.fields[..], &posted.fields[..]].concat(), ..posted };
    for form in [&again, &twice] {
        browser.submit_from_elsewhere(form).await;
        assert_eq!(browser.cookie("browser"), cookie);
    }
}
