//! Guessing: slowed down for everybody alike, and never a way to lock somebody out.

use std::time::Duration;

use identity::users::Status;
use testkit::{Browser, Engine, House, MailServer, on_both_engines};

use crate::scene::{
    OTHER, PASSWORD, ask, cheap, choose, grace, house, house_with_mail, outcome, refused,
    set_password, sign_in, signed_in, throttled,
};

const MINUTE: Duration = Duration::from_secs(60);

/// A browser that has never been here, in the network of this address.
fn stranger(house: &House, number: u8) -> Browser {
    house.browser().at([127, 0, 1, number])
}

async fn guess(browser: &Browser, email: &str, times: usize) -> Vec<(u16, String)> {
    let mut seen = Vec::new();
    for number in 0..times {
        seen.push(outcome(&sign_in(browser, email, &format!("guess {number}")).await));
    }
    seen
}

on_both_engines! {
    async fn s104_after_nine_failures_an_account_waits_for_one_network(engine: Engine) {
        let house = house(engine).await;
        grace(&house).await;
        let here = stranger(&house, 1);
        assert_eq!(guess(&here, "grace@shop.test", 9).await, vec![refused(); 9]);
        let tenth = sign_in(&here, "grace@shop.test", PASSWORD).await;
        assert_eq!(outcome(&tenth), throttled(), "not even the right one is tried");
        assert!(tenth.text().contains("wait 6 minutes"), "{}", tenth.text());
        assert!(tenth.headers.contains_key("retry-after"));
        assert_eq!(here.cookie("staff"), None);

        let elsewhere = stranger(&house, 2);
        let page = sign_in(&elsewhere, "grace@shop.test", "guess").await;
        assert_eq!(outcome(&page), refused(), "another network is not affected");

        house.clock.turn(5 * MINUTE);
        let page = sign_in(&here, "grace@shop.test", PASSWORD).await;
        assert!(page.text().contains("wait 1 minute "), "{}", page.text());
        house.clock.turn(MINUTE);
        signed_in(&here, "grace@shop.test", PASSWORD).await;
    }

    async fn s104_a_stranger_cannot_lock_a_known_device_out(engine: Engine) {
        let house = house(engine).await;
        grace(&house).await;
        let own = stranger(&house, 1);
        signed_in(&own, "grace@shop.test", PASSWORD).await;
        let strange = stranger(&house, 1);
        guess(&strange, "grace@shop.test", 9).await;
        assert_eq!(outcome(&sign_in(&strange, "grace@shop.test", PASSWORD).await), throttled());
        signed_in(&own, "grace@shop.test", PASSWORD).await;
        // The device has a count of its own.
        assert_eq!(guess(&own, "grace@shop.test", 9).await, vec![refused(); 9]);
        assert_eq!(outcome(&sign_in(&own, "grace@shop.test", PASSWORD).await), throttled());
    }

    async fn s104_guesses_sent_at_once_are_counted_like_guesses_in_a_row(engine: Engine) {
        let house = house(engine).await;
        grace(&house).await;
        let mut guesses = tokio::task::JoinSet::new();
        for number in 0..30 {
            let browser = house.browser();
            let form = browser.open("/back-office/login").await.form("/login");
            let form = form.with("email", "grace@shop.test").with("password", &number.to_string());
            guesses.spawn(async move { outcome(&browser.submit(&form).await) });
        }
        let seen = guesses.join_all().await;
        let tried = seen.iter().filter(|one| **one == refused()).count();
        let waited = seen.iter().filter(|one| **one == throttled()).count();
        assert_eq!((tried, waited), (9, 21), "{seen:?}");
    }
}

#[tokio::test]
async fn s104_s106_an_unknown_address_is_throttled_like_a_known_one() {
    let house = house(Engine::Sqlite).await;
    grace(&house).await;
    let known = guess(&stranger(&house, 1), "grace@shop.test", 12).await;
    let unknown = guess(&stranger(&house, 2), "nobody@shop.test", 12).await;
    let odd = guess(&stranger(&house, 3), "no address", 12).await;
    assert_eq!(known, unknown);
    assert_eq!(known, odd);
    assert_eq!(known.last(), Some(&throttled()));
}

#[tokio::test]
async fn s104_a_hundred_failures_in_a_row_need_a_reset_which_clears_them() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    let own = stranger(&house, 200);
    signed_in(&own, "grace@shop.test", PASSWORD).await;
    for number in 0..25 {
        let seen = guess(&stranger(&house, number), "grace@shop.test", 4).await;
        assert_eq!(seen, vec![refused(); 4], "from network {number}");
    }
    let fresh = stranger(&house, 100);
    let page = sign_in(&fresh, "grace@shop.test", PASSWORD).await;
    assert_eq!(outcome(&page), (429, "needs_reset".to_owned()));
    house.clock.turn(7 * 24 * 60 * MINUTE);
    let page = sign_in(&fresh, "grace@shop.test", PASSWORD).await;
    assert_eq!(outcome(&page), (429, "needs_reset".to_owned()), "time does not help");
    signed_in(&own, "grace@shop.test", PASSWORD).await;
    let page = sign_in(&fresh, "grace@shop.test", PASSWORD).await;
    assert_eq!(outcome(&page), (429, "needs_reset".to_owned()), "nor does the known device");

    ask(&fresh, "grace@shop.test").await;
    let link = mails.wait_for(1).await.link();
    assert_eq!(choose(&fresh, link.as_str(), OTHER).await.status, 303);
    signed_in(&fresh, "grace@shop.test", OTHER).await;
}

#[tokio::test]
async fn s104_a_reset_ends_the_wait_of_whoever_proved_the_mailbox_is_theirs() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    let browser = house.browser();
    guess(&browser, "grace@shop.test", 9).await;
    assert_eq!(outcome(&sign_in(&browser, "grace@shop.test", PASSWORD).await), throttled());
    ask(&browser, "grace@shop.test").await;
    let link = mails.wait_for(1).await.link();
    assert_eq!(choose(&browser, link.as_str(), OTHER).await.status, 303);
    signed_in(&browser, "grace@shop.test", OTHER).await;
}

#[tokio::test]
async fn s104_one_network_cannot_try_many_accounts() {
    let house = House::with(Engine::Sqlite, |config| {
        cheap(config);
        config.throttle.network_failures = 20;
    })
    .await;
    grace(&house).await;
    let spraying = stranger(&house, 1);
    for number in 0..20 {
        let email = format!("person{number}@shop.test");
        let page = sign_in(&spraying, &email, "Winter2026!Winter").await;
        assert_eq!(outcome(&page), refused(), "{email}");
    }
    let page = sign_in(&spraying, "grace@shop.test", PASSWORD).await;
    assert_eq!(outcome(&page), throttled());
    assert!(page.text().contains("wait 15 minutes"), "{}", page.text());
    signed_in(&stranger(&house, 2), "grace@shop.test", PASSWORD).await;
    house.clock.turn(15 * MINUTE);
    signed_in(&spraying, "grace@shop.test", PASSWORD).await;
}

#[tokio::test]
async fn s105_a_right_password_that_a_policy_refuses_is_no_failed_guess() {
    let house = house(Engine::Sqlite).await;
    let user = house.add_staff("gone@shop.test", Status::Deactivated).await;
    set_password(&house, &user, PASSWORD).await;
    let browser = house.browser();
    for _ in 0..12 {
        assert_eq!(outcome(&sign_in(&browser, "gone@shop.test", PASSWORD).await), refused());
    }
    assert_eq!(guess(&browser, "gone@shop.test", 10).await.last(), Some(&throttled()));
}

#[tokio::test]
async fn a_sign_in_ends_the_count_of_its_account() {
    let house = house(Engine::Sqlite).await;
    grace(&house).await;
    for _ in 0..3 {
        let browser = stranger(&house, 1);
        assert_eq!(guess(&browser, "grace@shop.test", 8).await, vec![refused(); 8]);
        signed_in(&browser, "grace@shop.test", PASSWORD).await;
    }
}
