//! Forgotten passwords: one answer for everybody, one use for a link, one mailbox that it goes to.

use std::time::Duration;

use identity::applications::ApplicationKey;
use identity::federation::provider::ProviderState;
use identity::secret::Secret;
use identity::users::Status;
use server::federation::save::{Door, NewProvider};
use store::{ApplicationChange, By};
use testkit::{Browser, Engine, FakeProvider, Form, House, MailServer, on_both_engines};

use crate::scene::{
    OTHER, PASSWORD, ask, choose, grace, house, house_with_mail, outcome, refused, set_password,
    sign_in, signed_in,
};

const HOUR: Duration = Duration::from_secs(3600);

on_both_engines! {
    async fn a_reset_sets_the_password_and_ends_every_other_session(engine: Engine) {
        let mails = MailServer::start().await;
        let house = house_with_mail(engine, &mails).await;
        grace(&house).await;
        let (one, two, forgetful) = (house.browser(), house.browser(), house.browser());
        signed_in(&one, "grace@shop.test", PASSWORD).await;
        signed_in(&two, "grace@shop.test", PASSWORD).await;

        let page = ask(&forgetful, "grace@shop.test").await;
        assert_eq!(outcome(&page), (200, "reset_asked".to_owned()));
        let mail = mails.wait_for(1).await;
        assert_eq!(mail.to, ["grace@shop.test"]);
        assert!(mail.text().starts_with("Hello Grace Hopper,"), "{}", mail.data);
        assert!(mail.header("Subject").is_some_and(|subject| subject.contains("Back Office")));
        let link = mail.link();
        assert_eq!(link.origin(), house.url().origin());

        // Mail scanners follow links; that uses nothing up and ends nothing.
        for _ in 0..3 {
            let seen = house.browser().open(link.as_str()).await;
            assert_eq!(seen.status, 200, "{}", seen.text());
            assert_eq!(seen.headers["referrer-policy"], "no-referrer");
            assert_eq!(seen.headers["cache-control"], "no-store");
        }
        assert!(one.open("/back-office").await.is_signed_in());

        let set = choose(&forgetful, link.as_str(), OTHER).await;
        assert_eq!(set.status, 303, "{}", set.text());
        assert!(forgetful.arrive(set).await.text().contains("Your new password is set"));
        for browser in [&one, &two] {
            assert!(!browser.open("/back-office").await.is_signed_in(), "signed out everywhere");
        }
        assert_eq!(outcome(&sign_in(&one, "grace@shop.test", PASSWORD).await), refused());
        signed_in(&one, "grace@shop.test", OTHER).await;

        let notice = mails.wait_for(2).await;
        assert_eq!(notice.to, ["grace@shop.test"]);
        assert!(notice.text().contains("was changed just now"), "{}", notice.data);
        assert!(notice.link().path().ends_with("/password/forgot"));

        let again = forgetful.open(link.as_str()).await;
        assert_eq!(outcome(&again), (410, "reset_used".to_owned()));
        let way_on = again.way_on().expect("a way to ask again");
        assert!(way_on.path().ends_with("/password/forgot"));
    }

    async fn only_the_latest_link_works_and_only_for_two_hours(engine: Engine) {
        let mails = MailServer::start().await;
        let house = house_with_mail(engine, &mails).await;
        grace(&house).await;
        let browser = house.browser();
        ask(&browser, "grace@shop.test").await;
        let first = mails.wait_for(1).await.link();
        ask(&browser, "grace@shop.test").await;
        let second = mails.wait_for(2).await.link();
        let page = browser.open(first.as_str()).await;
        assert_eq!(outcome(&page), (410, "reset_voided".to_owned()));

        let form = browser.open(second.as_str()).await.form("/reset");
        house.clock.turn(2 * HOUR);
        let form = form.with("password", OTHER).with("repeat", OTHER);
        let page = browser.submit(&form).await;
        assert_eq!(outcome(&page), (410, "reset_expired".to_owned()));
        signed_in(&browser, "grace@shop.test", PASSWORD).await;
    }

    async fn s106_asking_tells_nobody_whether_there_is_an_account(engine: Engine) {
        let mails = MailServer::start().await;
        let house = house_with_mail(engine, &mails).await;
        grace(&house).await;
        house.add_staff("gone@shop.test", Status::Deactivated).await;
        house.add_staff("held@shop.test", Status::Held).await;
        let browser = house.browser();
        let mut seen = Vec::new();
        for email in ["nobody@shop.test", "gone@shop.test", "held@shop.test", "grace@shop.test"] {
            let before = house.app.store.counted();
            let page = ask(&browser, email).await;
            assert_eq!(outcome(&page), (200, "reset_asked".to_owned()));
            assert!(house.app.store.counted().since(before).rows_written >= 3);
            seen.push(page.body.replace(email, "ADDRESS"));
        }
        assert!(seen.windows(2).all(|two| two[0] == two[1]), "one answer for all of them");
        // The queue goes in order, so nothing is behind this one.
        assert_eq!(mails.wait_for(1).await.to, ["grace@shop.test"]);
        assert_eq!(mails.mails().len(), 1, "and nobody else gets a mail");
    }
}

#[tokio::test]
async fn s106_a_house_that_sends_no_mail_promises_none_to_anybody() {
    let house = house(Engine::Sqlite).await;
    grace(&house).await;
    let mut seen = Vec::new();
    for email in ["nobody@shop.test", "grace@shop.test"] {
        let page = ask(&house.browser(), email).await;
        assert_eq!(outcome(&page), (200, "reset_asked".to_owned()));
        assert_eq!(page.heading(), "No message can be sent");
        assert!(page.text().contains("ask your administrator"), "{}", page.text());
        assert!(!page.text().contains("on its way"), "{}", page.text());
        seen.push(page.body.replace(email, "ADDRESS"));
    }
    assert_eq!(seen[0], seen[1], "one answer for both of them");
}

#[tokio::test]
async fn s104_reset_mails_are_throttled_alike_for_every_address() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    let mut seen = Vec::new();
    for (number, email) in ["grace@shop.test", "nobody@shop.test"].iter().enumerate() {
        let network = u8::try_from(number).expect("few") + 10;
        let browser = house.browser().at([127, 0, 2, network]);
        for _ in 0..4 {
            seen.push(outcome(&ask(&browser, email).await));
        }
        let other = house.browser().at([127, 0, 3, network]);
        seen.push(outcome(&ask(&other, email).await));
    }
    let asked = (200, "reset_asked".to_owned());
    let waits = (429, "throttled".to_owned());
    let expected = [asked.clone(), asked.clone(), asked, waits.clone(), waits];
    assert_eq!(seen, [expected.clone(), expected].concat());
    let page = ask(&house.browser(), "grace@shop.test").await;
    assert!(page.text().contains("wait 60 minutes"), "{}", page.text());
    house.clock.turn(HOUR);
    let page = ask(&house.browser(), "grace@shop.test").await;
    assert_eq!(outcome(&page), (200, "reset_asked".to_owned()));
}

#[tokio::test]
async fn s104_one_network_cannot_have_many_people_mailed() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    let browser = house.browser();
    for number in 0..20 {
        let page = ask(&browser, &format!("person{number}@shop.test")).await;
        assert_eq!(page.status, 200, "{}", page.text());
    }
    assert_eq!(ask(&browser, "one.more@shop.test").await.status, 429);
    let elsewhere = house.browser().at([127, 0, 2, 2]);
    assert_eq!(ask(&elsewhere, "one.more@shop.test").await.status, 200);
}

#[tokio::test]
async fn s053_mail_goes_to_the_stored_address_whatever_was_typed() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    house.add_staff("Kim@shop.test", Status::Active).await;
    let browser = house.browser();
    // A dotless i is another letter, and the mailbox behind it somebody else's.
    ask(&browser, "k\u{131}m@shop.test").await;
    // The Kelvin sign folds to the same key as k, but would be somebody else's mailbox.
    ask(&browser, "\u{212a}im@shop.test").await;
    assert_eq!(mails.wait_for(1).await.to, ["Kim@shop.test"]);
    ask(&browser, "KIM@SHOP.TEST").await;
    assert_eq!(mails.wait_for(2).await.to, ["Kim@shop.test"]);
}

#[tokio::test]
async fn s101_s102_a_password_that_will_not_do_costs_no_link() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    let browser = house.browser();
    ask(&browser, "grace@shop.test").await;
    let link = mails.wait_for(1).await.link();
    for (password, code) in [
        ("fourteen chars", "password_too_short"),
        ("Grace Hopper Back Office", "password_context_words"),
        ("passwordpassword", "password_guessable"),
        (&"x1y2 ".repeat(26), "password_too_long"),
    ] {
        let page = choose(&browser, link.as_str(), password).await;
        assert_eq!(outcome(&page), (422, code.to_owned()), "{password}");
        assert!(page.find_form("/reset").is_some(), "the form is there again");
        assert!(!page.body.contains(password), "what was typed is not");
    }
    let form = browser.open(link.as_str()).await.form("/reset");
    let page = browser.submit(&form.with("password", OTHER).with("repeat", PASSWORD)).await;
    assert_eq!(outcome(&page), (422, "passwords_differ".to_owned()));
    // The page that says so can be filled in at once.
    let form = page.form("/reset").with("password", OTHER).with("repeat", OTHER);
    assert_eq!(browser.submit(&form).await.status, 303);
    signed_in(&browser, "grace@shop.test", OTHER).await;
}

#[tokio::test]
async fn s101_long_passwords_with_blanks_and_any_letters_are_taken() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    let user = grace(&house).await;
    let browser = house.browser();
    let long: String =
        "zw\u{f6}lf b\u{e4}ume \u{7af9}\u{6797} ".chars().cycle().take(128).collect();
    for password in [
        "all lower case and no digits",
        "\u{7af9}\u{6797}\u{6df1}\u{5904}\u{6709}\u{4eba}\u{5bb6} 7 tigers",
        &long,
    ] {
        house.clock.turn(HOUR);
        let count = mails.mails().len();
        ask(&browser, "grace@shop.test").await;
        let link = mails.wait_for(count + 1).await.link();
        let page = choose(&browser, link.as_str(), password).await;
        assert_eq!(page.status, 303, "{password}: {}", page.text());
        mails.wait_for(count + 2).await;
        signed_in(&house.browser(), user.email.as_typed(), password).await;
    }
}

#[tokio::test]
async fn who_came_by_single_sign_on_is_told_so_and_gets_no_link() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    provider.person("subject-1", "ada@corp.test");
    house.connect(&provider).await;
    assert!(house.browser().open("/back-office/login/corp").await.is_signed_in());

    let page = ask(&house.browser(), "ada@corp.test").await;
    assert_eq!(outcome(&page), (200, "reset_asked".to_owned()));
    let mail = mails.wait_for(1).await;
    assert_eq!(mail.to, ["ada@corp.test"]);
    assert!(mail.text().contains("you sign in with Corp"), "{}", mail.data);
    assert!(mail.link().path().ends_with("/back-office/login"));
    assert!(!mail.data.contains("token"), "{}", mail.data);
}

#[tokio::test]
async fn the_mail_names_a_button_that_is_there_and_else_says_whom_to_ask() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    let (corp, other) = (
        FakeProvider::start(house.clock.clone()).await,
        FakeProvider::start(house.clock.clone()).await,
    );
    let first = house.connect(&corp).await;
    let named = |new: &mut NewProvider, _: &mut Door| {
        (new.key, new.name) = (Some("other".to_owned()), "Other".to_owned());
    };
    house.try_connect(&other, named).await.expect("a good provider");
    corp.person("subject-1", "ada@corp.test");
    let user = {
        assert!(house.browser().open("/back-office/login/corp").await.is_signed_in());
        house.find_staff("ada@corp.test").await.expect("a user")
    };
    assert!(!house.app.store.find_password_allowed(&user).await.expect("an answer"));
    house.set_provider_state(&first, ProviderState::Disabled).await;
    house.learn().await;
    ask(&house.browser(), "ada@corp.test").await;
    let text = mails.wait_for(1).await.text();
    assert!(text.contains("ask your administrator"), "{text}");
    assert!(!text.contains("Corp") && !text.contains("Other") && !text.contains("http"), "{text}");
}

#[tokio::test]
async fn s107_a_closed_door_closes_every_way_to_a_password() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    let browser = house.browser();
    ask(&browser, "grace@shop.test").await;
    let link = mails.wait_for(1).await.link();
    let form = browser.open(link.as_str()).await.form("/reset");
    let asking = browser.open("/back-office/password/forgot").await.form("/forgot");
    close(&house).await;
    for page in [
        browser.open(link.as_str()).await,
        browser.submit(&form.with("password", OTHER).with("repeat", OTHER)).await,
        browser.open("/back-office/password/forgot").await,
        browser.submit(&asking.with("email", "grace@shop.test")).await,
        browser.submit(&login_form(&house, &browser)).await,
    ] {
        assert_eq!(outcome(&page), (403, "local_login_closed".to_owned()), "{}", page.url);
    }
    assert_eq!(browser.cookie("staff"), None);
}

fn login_form(house: &House, browser: &Browser) -> Form {
    let token = Secret::new(browser.cookie("browser").expect("a browser"));
    let action = house.url().join("/back-office/login").expect("an address");
    let fields = vec![("csrf".to_owned(), house.app.forms.token(&token))];
    let form = Form { action, fields };
    form.with("email", "grace@shop.test").with("password", PASSWORD)
}

async fn close(house: &House) {
    let change = ApplicationChange { local_login: Some(false), ..ApplicationChange::default() };
    let key = ApplicationKey::parse("back-office").expect("a key");
    let (by, now) = (By::operator(), house.app.now());
    house.app.store.change_application(&key, &change, &by, now).await.expect("a change");
    house.learn().await;
}

#[tokio::test]
async fn a_form_from_elsewhere_uses_no_link_up_and_is_told_what_to_do() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    let browser = house.browser();
    ask(&browser, "grace@shop.test").await;
    let link = mails.wait_for(1).await.link();
    let form = browser.open(link.as_str()).await.form("/reset");
    let form = form.with("password", OTHER).with("repeat", OTHER);
    let back = browser.submit_from_elsewhere(&form).await;
    let page = browser.arrive(back).await;
    assert_eq!(outcome(&page), (403, "form_expired".to_owned()));
    assert!(page.text().contains("open the link in the message once more"), "{}", page.text());
    let page = browser.submit(&form.clone().with("csrf", "forged")).await;
    assert_eq!(outcome(&page), (403, "form_expired".to_owned()));
    assert_eq!(browser.submit(&form).await.status, 303, "it still works");

    let asking = browser.open("/back-office/password/forgot").await.form("/forgot");
    let back = browser.submit_from_elsewhere(&asking.with("email", "grace@shop.test")).await;
    let page = browser.arrive(back).await;
    assert!(page.text().contains("Please send the form once more"), "{}", page.text());
}

#[tokio::test]
async fn a_link_works_at_no_other_door_and_not_once_it_was_altered() {
    let mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    let user = grace(&house).await;
    set_password(&house, &user, PASSWORD).await;
    let browser = house.browser();
    ask(&browser, "grace@shop.test").await;
    let link = mails.wait_for(1).await.link().to_string();
    for bad in [
        link.replace("/back-office/", "/storefront/"),
        link.replace("token=", "token=x"),
        link.split('?').next().expect("a path").to_owned(),
    ] {
        let page = browser.open(&bad).await;
        assert_eq!(outcome(&page), (410, "reset_unknown".to_owned()), "{bad}");
    }
    let page = ask(&browser, "no address").await;
    assert_eq!(outcome(&page), (422, "email_shape".to_owned()));
}
