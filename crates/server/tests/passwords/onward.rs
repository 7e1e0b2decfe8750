//! Where a visitor wanted to go, through every page that stands between them and their session.

use testkit::{Browser, Engine, House, MailServer, Page};

use crate::scene::{
    OTHER, PASSWORD, ask, cheap, grace, house, house_with_mail, outcome, sign_in, signed_in,
};

/// Within the house, with a query of its own.
const TARGET: &str = "/back-office/logout?from=a%26b";

/// An address of the back office with the target, as an application makes it.
fn wanting(path: &str) -> String {
    let pairs = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("return_to", TARGET)
        .finish();
    format!("/back-office{path}?{pairs}")
}

/// The page's form, filled in and sent; it must lead to the target.
async fn arrives(browser: &Browser, page: &Page, password: &str) {
    let form = page.form("/login").with("email", "grace@shop.test").with("password", password);
    let page = browser.submit(&form).await;
    let location = page.location().unwrap_or_else(|| panic!("no redirect: {}", page.text()));
    assert_eq!(&location[url::Position::BeforePath..], TARGET);
}

#[tokio::test]
async fn the_door_itself_takes_the_target_along_to_the_sign_in() {
    let house = house(Engine::Sqlite).await;
    grace(&house).await;
    let browser = house.browser();
    arrives(&browser, &browser.open(&wanting("")).await, PASSWORD).await;
    // As the login does, for whoever is signed in.
    let location = browser.get(&wanting("")).await.location().expect("a redirect");
    assert_eq!(&location[url::Position::BeforePath..], TARGET);
    // What the door's own address asks for is kept as well.
    let other = house.browser();
    let page = other.open("/back-office?tab=orders").await;
    let form = page.form("/login").with("email", "grace@shop.test").with("password", PASSWORD);
    let location = other.submit(&form).await.location().expect("a redirect");
    assert_eq!(&location[url::Position::BeforePath..], "/back-office?tab=orders");
    // A session that is over.
    house.clock.turn(std::time::Duration::from_secs(13 * 3600));
    let page = browser.open(&wanting("")).await;
    assert!(page.url.query().is_some_and(|query| query.contains("notice=again")), "{}", page.url);
    arrives(&browser, &page, PASSWORD).await;
}

#[tokio::test]
async fn a_form_that_is_sent_back_keeps_the_target() {
    let house = house(Engine::Sqlite).await;
    grace(&house).await;
    let browser = house.browser();
    let form = browser.open(&wanting("/login")).await.form("/login");
    let back = browser.submit_from_elsewhere(&form).await;
    assert_eq!(back.sent_on("notice").as_deref(), Some("expired"));
    arrives(&browser, &browser.arrive(back).await, PASSWORD).await;
    // And one that is answered with a page.
    let again = house.browser();
    let form = again.open(&wanting("/login")).await.form("/login").with("csrf", "forged");
    let page = again.submit(&form).await;
    assert_eq!(outcome(&page), (403, "form_expired".to_owned()));
    arrives(&again, &page, PASSWORD).await;
    // Nothing goes along that the door does not send people to.
    let evil = house.browser();
    let form = evil.open("/back-office/login?return_to=https://evil.test/").await.form("/login");
    let back = evil.submit_from_elsewhere(&form).await;
    assert_eq!(back.sent_on("return_to"), None, "{:?}", back.location());
}

#[tokio::test]
async fn a_forgotten_password_leads_to_the_target_in_the_end() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    let browser = house.browser();
    let login = browser.open(&wanting("/login")).await;
    let forgot = login.link("/password/forgot").expect("a link");
    let page = browser.open(forgot.as_str()).await;
    assert_eq!(page.link("/login").expect("a way back").query(), forgot.query());
    let form = page.form("/forgot").with("email", "grace@shop.test");
    let back = browser.submit_from_elsewhere(&form).await;
    let page = browser.arrive(back).await;
    assert_eq!(page.reason().as_deref(), Some("form_expired"));
    let sent = browser.submit(&page.form("/forgot").with("email", "grace@shop.test")).await;
    assert_eq!(outcome(&sent), (200, "reset_asked".to_owned()));
    assert_eq!(sent.way_on().expect("a way on").query(), forgot.query());

    // The mail may be opened anywhere.
    let link = mails.wait_for(1).await.link();
    let phone = house.browser();
    let form = phone.open(link.as_str()).await.form("/reset");
    let page = phone.submit(&form.with("password", OTHER).with("repeat", OTHER)).await;
    let page = phone.arrive(page).await;
    assert!(page.text().contains("Your new password is set"), "{}", page.text());
    arrives(&phone, &page, OTHER).await;
    let used = phone.open(link.as_str()).await;
    assert_eq!(outcome(&used), (410, "reset_used".to_owned()));
    assert_eq!(used.way_on().expect("a way on").query(), forgot.query());
}

#[tokio::test]
async fn a_link_never_leads_where_the_door_sends_nobody() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    let browser = house.browser();
    let page = browser.open("/back-office/password/forgot?return_to=//evil.test").await;
    browser.submit(&page.form("/forgot").with("email", "grace@shop.test")).await;
    let link = mails.wait_for(1).await.link();
    assert!(!link.as_str().contains("evil"), "{link}");
    ask(&browser, "grace@shop.test").await;
    assert!(!mails.wait_for(2).await.link().as_str().contains("return_to"));
}

#[tokio::test]
async fn a_form_to_sign_out_that_is_too_old_says_so_and_signs_nobody_out() {
    let house = House::with(Engine::Sqlite, cheap).await;
    grace(&house).await;
    let browser = house.browser();
    signed_in(&browser, "grace@shop.test", PASSWORD).await;
    let form = browser.open("/back-office/logout").await.form("/logout");
    let back = browser.submit_from_elsewhere(&form).await;
    let page = browser.arrive(back).await;
    assert_eq!(outcome(&page), (200, "form_expired".to_owned()));
    assert!(page.text().contains("send the form once more"), "{}", page.text());
    let page = browser.submit(&form.with("csrf", "forged")).await;
    assert_eq!(outcome(&page), (403, "form_expired".to_owned()));
    assert!(browser.open("/back-office").await.is_signed_in());
    assert_eq!(browser.submit(&page.form("/logout")).await.status, 303);
    assert!(!browser.open("/back-office").await.is_signed_in());
}

#[tokio::test]
async fn who_has_to_wait_is_told_the_same_by_the_page_and_by_its_header() {
    let house = house(Engine::Sqlite).await;
    grace(&house).await;
    let browser = house.browser();
    for _ in 0..9 {
        sign_in(&browser, "grace@shop.test", "guess").await;
    }
    let page = sign_in(&browser, "grace@shop.test", PASSWORD).await;
    assert!(page.text().contains("wait 6 minutes"), "{}", page.text());
    assert_eq!(page.headers.get("retry-after").expect("a header"), "360");
}
