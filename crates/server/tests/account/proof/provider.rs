//! An account is shown by another provider, which has to say that its owner signed in just now.

use super::*;

on_both_engines! {
    async fn s045_an_older_sign_in_at_the_other_provider_shows_nothing(engine: Engine) {
        let asking = Asking::on(engine).await;
        let other = asking.other().await;
        let linked = asking.scene.house.browser().open("/back-office/login/other").await;
        assert!(linked.is_signed_in(), "{}", linked.text());
        let before = asking.identities(&asking.scene.grace).await;
        let long_ago = asking.scene.house.app.now().seconds() - 600;
        // The provider let in whoever it knew, without asking them, and says when, or not even that.
        for tells in [None, Some(long_ago)] {
            other.person("grace-at-other", GRACE);
            other.script(|script| {
                script.claims.extend(tells.map(|at| ("auth_time".to_owned(), at.into())));
            });
            let (browser, page) = asking.asked().await;
            let place = browser.submit(&page.form("/other")).await.way_on().expect("the way");
            let back = browser.open(place.as_str()).await;
            assert_refused(&back, "not_signed_in_anew");
            assert_eq!(browser.cookie("staff"), None, "nobody is signed in by it");
            assert_eq!(asking.identities(&asking.scene.grace).await, before);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cancels_at_the_other_provider_may_choose_another_way() {
    let asking = Asking::on(Engine::Sqlite).await;
    let other = asking.other().await;
    other.script(|script| script.error = Some("access_denied"));
    let (browser, page) = asking.asked().await;
    let place = browser.submit(&page.form("/other")).await.way_on().expect("the way");
    let cancelled = browser.open(place.as_str()).await;
    assert_refused(&cancelled, "provider_denied");
    let back = browser.open(cancelled.way_on().expect("a way on").as_str()).await;
    assert_eq!((back.status, back.url.path()), (200, page.url.path()), "{}", back.text());
}
