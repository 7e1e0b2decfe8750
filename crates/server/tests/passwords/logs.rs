//! Secrets stay out of the log and the audit.

use std::time::Duration;

use testkit::log::Log;
use testkit::{Engine, MailServer};

use crate::scene::{OTHER, PASSWORD, ask, choose, grace, house_with_mail, sign_in, signed_in};

/// Tries again until it is so, and gives up after half a minute.
pub(crate) async fn until(mut so: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "it never came to be");
}

#[tokio::test(flavor = "multi_thread")]
async fn s085_no_password_token_or_cookie_is_ever_logged() {
    let log = Log::start("trace,hyper_util=info");
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    let user = grace(&house).await;
    let browser = house.browser();
    let wrong = "password1 in the wrong field";
    sign_in(&browser, wrong, wrong).await;
    sign_in(&browser, "grace@shop.test", wrong).await;
    signed_in(&browser, "grace@shop.test", PASSWORD).await;
    let first = browser.cookie("staff").expect("a session");
    ask(&browser, "grace@shop.test").await;
    let link = mails.wait_for(1).await.link();
    choose(&browser, link.as_str(), "too short").await;
    choose(&browser, link.as_str(), OTHER).await;
    mails.wait_for(2).await;
    signed_in(&browser, "grace@shop.test", OTHER).await;
    let second = browser.cookie("staff").expect("a session");
    let form = browser.open("/back-office").await.form("/logout");
    let csrf = form.field("csrf").expect("a field").to_owned();
    browser.submit(&form).await;

    let (_, token) = link.query_pairs().next().expect("a token");
    let own = browser.cookie("browser").expect("a browser");
    let audit = format!("{:?}", house.audit().await);
    let text = log.text();
    assert!(text.contains("INSERT INTO sessions"), "the log is a full one");
    assert!(audit.contains(user.id.as_str()), "the audit is a full one");
    for secret in [PASSWORD, OTHER, wrong, "too short", &first, &second, &token, &own, &csrf] {
        assert!(!text.contains(secret), "{secret:?} is in the log");
        assert!(!audit.contains(secret), "{secret:?} is in the audit");
    }
    assert!(!text.contains("$argon2id$"), "a hash is in the log");
}
