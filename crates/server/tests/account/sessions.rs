//! Sessions: seen, signed out one by one and all at once.

use std::time::Duration;

use testkit::on_both_engines;

use crate::scene::{ACCOUNT, Scene, add_staff, sign_in};

const PHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Version/17.4 Safari/604.1";
const DESK: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0";

on_both_engines! {
    async fn one_session_is_signed_out_and_the_others_stay(engine: Engine) {
        let scene = Scene::on(engine).await;
        let phone = scene.house.browser().saying("user-agent", PHONE);
        sign_in(&phone, "grace@shop.test").await;
        scene.house.clock.turn(Duration::from_secs(3 * 60));
        let desk = scene.house.browser().saying("user-agent", DESK);
        sign_in(&desk, "grace@shop.test").await;
        let page = scene.account(&desk).await;
        let text = page.text();
        let (own, other) = (text.find("Firefox on Linux"), text.find("Safari on iPhone"));
        assert!(own.expect("this one") < other.expect("the other"), "this one first: {text}");
        for words in ["This browser", "with a password", "3 minutes ago", "just now"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let done = desk.submit(&page.form("/sessions/end")).await;
        let page = desk.arrive(done).await;
        assert!(page.text().contains("That session is signed out."), "{}", page.text());
        assert!(!page.text().contains("Safari on iPhone"), "{}", page.text());
        assert_eq!(phone.open(ACCOUNT).await.url.path(), "/back-office/login");
        assert_eq!(desk.open(ACCOUNT).await.url.path(), ACCOUNT);
    }

    async fn signing_out_everywhere_ends_every_session_of_the_user_and_nobody_elses(engine: Engine) {
        let scene = Scene::on(engine).await;
        add_staff(&scene.house, "hedy@shop.test").await;
        let (one, two, hedy) = (scene.browser().await, scene.browser().await, scene.house.browser());
        sign_in(&hedy, "hedy@shop.test").await;
        let done = one.submit(&scene.account(&one).await.form("/sessions/end-all")).await;
        assert_eq!(one.cookie("staff"), None);
        let page = one.arrive(done).await;
        assert!(page.text().contains("signed out everywhere"), "{}", page.text());
        for gone in [&one, &two] {
            assert_eq!(gone.open(ACCOUNT).await.url.path(), "/back-office/login");
        }
        assert_eq!(hedy.open(ACCOUNT).await.url.path(), ACCOUNT);
        let audit = scene.house.audit().await;
        let entry = audit.iter().find(|one| one.action == "session.end_all").expect("an entry");
        assert_eq!(entry.actor, format!("user:{}", scene.grace.id));
    }

    async fn nobody_signs_out_somebody_elses_session(engine: Engine) {
        let scene = Scene::on(engine).await;
        let hedy = add_staff(&scene.house, "hedy@shop.test").await;
        let hers = scene.house.browser();
        sign_in(&hers, "hedy@shop.test").await;
        let session = scene.house.app.store.list_sessions(&hedy.id).await.expect("a list").remove(0);
        let browser = scene.browser().await;
        scene.browser().await;
        let form = scene.account(&browser).await.form("/sessions/end");
        browser.submit(&form.with("session", session.id.as_str())).await;
        assert_eq!(hers.open(ACCOUNT).await.url.path(), ACCOUNT);
    }
}
