//! The mail queue: patient with mail servers, and not for ever.

use std::time::Duration;

use identity::users::Status;
use testkit::{Engine, House, MailServer, on_both_engines};

use crate::logs::until;
use crate::scene::{OTHER, ask, choose, grace, house, house_with_mail};

const HOUR: Duration = Duration::from_secs(3600);

/// The letter with the link is in the queue, and the one that asked for it is done with.
async fn link_made(house: &House) {
    until(async || {
        let made = house.audit().await.iter().any(|entry| entry.action == "password.reset_asked");
        made && waiting(house).await == 1
    })
    .await;
}

/// Waits while time goes by: what was tried a moment ago is due again only after its wait.
async fn until_with_time(house: &House, mut so: impl AsyncFnMut() -> bool) {
    until(async || {
        house.clock.turn(Duration::from_secs(60));
        so().await
    })
    .await;
}

async fn waiting(house: &House) -> u64 {
    house.app.store.count_mails().await.expect("a count").waiting
}

on_both_engines! {
    async fn mail_waits_for_the_mail_server_and_survives_a_restart(engine: Engine) {
        let mut mails = MailServer::start().await;
        let mut house = house_with_mail(engine, &mails).await;
        grace(&house).await;
        mails.down().await;
        assert_eq!(ask(&house.browser(), "grace@shop.test").await.status, 200);
        link_made(&house).await;
        house.stop().await;
        house.start_again().await;
        assert_eq!(waiting(&house).await, 1);
        mails.up().await;
        until_with_time(&house, async || !mails.mails().is_empty()).await;
        let link = mails.wait_for(1).await.link();
        assert_eq!(choose(&house.browser(), link.as_str(), OTHER).await.status, 303);
    }
}

#[tokio::test]
async fn what_was_asked_for_while_there_was_no_mail_server_is_not_sent_long_after() {
    let mails = MailServer::start().await;
    let mut house = house(Engine::Sqlite).await;
    grace(&house).await;
    house.add_staff("late@shop.test", Status::Active).await;
    ask(&house.browser(), "grace@shop.test").await;
    house.clock.turn(2 * HOUR);
    ask(&house.browser(), "late@shop.test").await;
    assert_eq!(waiting(&house).await, 2);
    house.stop().await;
    let url = mails.url();
    house.start_again_with(|config| config.mail.smtp_url = Some(url)).await;
    assert_eq!(mails.wait_for(1).await.to, ["late@shop.test"]);
    until(async || waiting(&house).await == 0).await;
    assert_eq!(mails.mails().len(), 1);
}

#[tokio::test]
async fn a_link_that_grew_too_old_in_the_queue_is_made_anew() {
    let mut mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    mails.down().await;
    ask(&house.browser(), "grace@shop.test").await;
    link_made(&house).await;
    house.clock.turn(5 * HOUR);
    mails.up().await;
    until_with_time(&house, async || !mails.mails().is_empty()).await;
    let link = mails.wait_for(1).await.link();
    let page = choose(&house.browser(), link.as_str(), OTHER).await;
    assert_eq!(page.status, 303, "a mail never brings a dead link: {}", page.text());
}

#[tokio::test]
async fn mail_is_given_up_after_three_days_and_the_audit_says_so() {
    let mut mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    mails.down().await;
    ask(&house.browser(), "grace@shop.test").await;
    link_made(&house).await;
    house.clock.turn(48 * HOUR);
    until_with_time(&house, async || {
        let mine = house.audit().await;
        mine.iter().filter(|entry| entry.action == "password.reset_asked").count() > 1
    })
    .await;
    assert!(!house.audit().await.iter().any(|entry| entry.action == "mail.send"));
    house.clock.turn(24 * HOUR);
    let given_up = async || house.audit().await.iter().any(|entry| entry.action == "mail.send");
    until_with_time(&house, given_up).await;
    let entries = house.audit().await;
    let entry = entries.iter().find(|entry| entry.action == "mail.send").expect("an entry");
    assert_eq!((entry.actor.as_str(), entry.outcome.as_str()), ("system", "given_up"));
    let queue = house.app.store.count_mails().await.expect("a count");
    assert_eq!((queue.waiting, queue.failed), (0, 1));
    mails.up().await;
    assert!(mails.mails().is_empty());
}
