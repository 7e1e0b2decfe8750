//! Forms that another browser was given: whoever plants one in a victim's browser changes nothing.

use identity::secret::Secret;
use server::setup::make_link;
use store::By;
use testkit::{Browser, Engine, Form, MailServer, Page};

use crate::scene::{
    OTHER, PASSWORD, ask, grace, house, house_with_mail, outcome, sign_in, signed_in,
};

/// The victim sends the form with the hidden field that the attacker's browser has.
async fn sent_forged(victim: &Browser, form: &Form, attackers: &Page, action: &str) -> Page {
    let field = attackers.form(action).field("csrf").expect("a field").to_owned();
    assert_ne!(form.field("csrf"), Some(&*field), "two browsers have two fields");
    victim.submit(&form.clone().with("csrf", &field)).await
}

fn expired() -> (u16, String) {
    (403, "form_expired".to_owned())
}

#[tokio::test]
async fn s049_a_forged_form_signs_nobody_out() {
    let house = house(Engine::Sqlite).await;
    grace(&house).await;
    let (victim, attacker) = (house.browser(), house.browser());
    signed_in(&victim, "grace@shop.test", PASSWORD).await;
    let attackers = attacker.open("/back-office/logout").await;
    let form = victim.open("/back-office/logout").await.form("/logout");
    let page = sent_forged(&victim, &form, &attackers, "/logout").await;
    assert_eq!(outcome(&page), expired());
    assert!(victim.open("/back-office").await.is_signed_in());
    assert_eq!(victim.submit(&form).await.status, 303, "their own is taken");
    assert!(!victim.open("/back-office").await.is_signed_in());
}

#[tokio::test]
async fn s049_a_forged_form_signs_nobody_in() {
    let house = house(Engine::Sqlite).await;
    grace(&house).await;
    let (victim, attacker) = (house.browser(), house.browser());
    let attackers = attacker.open("/back-office/login").await;
    let form = victim.open("/back-office/login").await.form("/login");
    let form = form.with("email", "grace@shop.test").with("password", PASSWORD);
    let page = sent_forged(&victim, &form, &attackers, "/login").await;
    assert_eq!(outcome(&page), expired());
    assert_eq!(victim.cookie("staff"), None);
}

#[tokio::test]
async fn s049_a_forged_form_asks_for_no_mail() {
    let house = house(Engine::Sqlite).await;
    grace(&house).await;
    let (victim, attacker) = (house.browser(), house.browser());
    let attackers = attacker.open("/back-office/password/forgot").await;
    let form = victim.open("/back-office/password/forgot").await.form("/forgot");
    let form = form.with("email", "grace@shop.test");
    let page = sent_forged(&victim, &form, &attackers, "/forgot").await;
    assert_eq!(outcome(&page), expired());
    let waiting = async || house.app.store.count_mails().await.expect("a count").waiting;
    assert_eq!(waiting().await, 0);
    assert_eq!(victim.submit(&form).await.status, 200, "their own is taken");
    assert_eq!(waiting().await, 1);
}

#[tokio::test]
async fn s049_a_forged_form_sets_no_password() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    let (victim, attacker) = (house.browser(), house.browser());
    ask(&victim, "grace@shop.test").await;
    let link = mails.wait_for(1).await.link();
    let attackers = attacker.open(link.as_str()).await;
    let form = victim.open(link.as_str()).await.form("/reset");
    let form = form.with("password", OTHER).with("repeat", OTHER);
    let page = sent_forged(&victim, &form, &attackers, "/reset").await;
    assert_eq!(outcome(&page), expired());
    let refused = sign_in(&house.browser(), "grace@shop.test", OTHER).await;
    assert_eq!(outcome(&refused), (422, "not_accepted".to_owned()));
    assert_eq!(victim.submit(&form).await.status, 303, "their own is taken, and so is the link");
}

#[tokio::test]
async fn s049_a_forged_form_makes_no_administrator() {
    let house = house(Engine::Sqlite).await;
    let (victim, attacker) = (house.browser(), house.browser());
    let (store, url) = (&house.app.store, &house.app.config.server.public_url);
    let token = Secret::generate(house.app.entropy.as_ref());
    let link = make_link(store, url, &token, &By::operator(), house.app.now()).await;
    let link = link.expect("an answer").expect("nobody is there yet");
    let attackers = attacker.open(&link).await;
    let form = victim.open(&link).await.form("/setup").with("email", "eve@shop.test");
    let form = form.with("password", OTHER).with("repeat", OTHER);
    let page = sent_forged(&victim, &form, &attackers, "/setup").await;
    assert_eq!(outcome(&page), expired());
    assert_eq!(house.users().await, []);
    assert_eq!(victim.submit(&form).await.status, 303, "their own is taken, and so is the link");
}
