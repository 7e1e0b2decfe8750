//! What one process does, every other one knows at once.

use std::time::Duration;

use identity::federation::policy::UnknownUser;
use testkit::{Browser, Engine, FakeProvider, on_both_engines};

use crate::desk::{Desk, PASSWORD};

async fn signed_in(desk: &Desk, email: &str) -> Browser {
    let browser = desk.house.browser();
    let form = browser.open("/back-office/login").await.form("/login");
    let page = browser.submit(&form.with("email", email).with("password", PASSWORD)).await;
    assert!(browser.arrive(page).await.is_signed_in());
    browser
}

/// Out soon; gives up after half a minute.
async fn out(browser: &Browser) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while browser.open("/back-office").await.is_signed_in() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "still signed in");
}

on_both_engines! {
    async fn s093_who_is_deactivated_at_the_command_line_is_out_of_the_running_house(
        engine: Engine
    ) {
        let desk = Desk::at(engine).await;
        desk.ask(&["users", "add", "grace@shop.test", "--password-file", "password"]).await;
        let browser = signed_in(&desk, "grace@shop.test").await;
        desk.ask(&["users", "deactivate", "grace@shop.test"]).await;
        out(&browser).await;
        desk.ask(&["users", "activate", "grace@shop.test"]).await;
        out(&browser).await;

        let browser = signed_in(&desk, "grace@shop.test").await;
        let phone = signed_in(&desk, "grace@shop.test").await;
        let signed_out = desk.ask(&["users", "sign-out", "grace@shop.test"]).await;
        assert_eq!(signed_out["ended"], 2);
        out(&browser).await;
        out(&phone).await;

        let browser = signed_in(&desk, "grace@shop.test").await;
        desk.ask(&["users", "delete", "grace@shop.test"]).await;
        out(&browser).await;
    }

    async fn s093_a_password_set_at_the_command_line_ends_sessions_in_the_running_house(
        engine: Engine
    ) {
        let desk = Desk::at(engine).await;
        desk.ask(&["users", "add", "grace@shop.test", "--password-file", "password"]).await;
        let browser = signed_in(&desk, "grace@shop.test").await;
        let set = ["users", "set-password", "grace@shop.test", "--json"];
        let output = desk.told(&set, "seven purple kites over Riga\nsecond line\n").await;
        assert_eq!(crate::desk::said(&output)["password_set"], true);
        out(&browser).await;
        let form = browser.open("/back-office/login").await.form("/login");
        let form = form.with("email", "grace@shop.test");
        let old = browser.submit(&form.clone().with("password", PASSWORD)).await;
        assert_eq!(old.reason().as_deref(), Some("not_accepted"));
        let new = browser.submit(&form.with("password", "seven purple kites over Riga")).await;
        assert_eq!(new.status, 303, "{}", new.text());
    }
}

#[tokio::test]
async fn a_setup_link_from_the_command_line_works_in_the_running_house() {
    let desk = Desk::at(Engine::Sqlite).await;
    let text = desk.read(&["setup-link"]).await;
    let link = text.split_whitespace().find(|word| word.starts_with("http")).expect("a link");
    assert!(link.starts_with(desk.house.url().as_str()), "{link}");
    let browser = desk.house.browser();
    let form = browser.open(link).await.form("/setup").with("email", "ada@shop.test");
    let page = browser.submit(&form.with("password", PASSWORD).with("repeat", PASSWORD)).await;
    assert_eq!(page.status, 303, "{}", page.text());
    let (code, message) = desk.refused(&["setup-link"]).await;
    assert_eq!(code, "administrator_exists");
    assert!(message.contains("vestibule groups add-member administrators"), "{message}");
}

#[tokio::test]
async fn a_support_code_leads_to_the_decision_and_its_rules() {
    let desk = Desk::at(Engine::Sqlite).await;
    let provider = FakeProvider::start(desk.house.clock.clone()).await;
    provider.person("subject-1", "eve@corp.test");
    let connected = desk
        .house
        .try_connect(&provider, |_, door| door.policy.unknown_user = Some(UnknownUser::Refuse))
        .await;
    connected.expect("a good provider");
    let page = desk.house.browser().open("/back-office/login/corp").await;
    assert_eq!(page.reason().as_deref(), Some("unknown_user"), "{}", page.text());
    let code = page.support_code().expect("a support code");

    let entry = desk.ask(&["audit", "show", &code.to_lowercase()]).await;
    assert_eq!(entry["entry"]["outcome"], "unknown_user");
    assert_eq!(entry["entry"]["support_code"], code.as_str());
    let text = desk.read(&["audit", "show", &code]).await;
    assert!(text.contains("unknown_user"), "{text}");
    assert!(text.contains("-> settles it"), "the rules that were weighed: {text}");
    assert!(text.contains("Provider    corp"), "by its key: {text}");
    // As people hear and type it: no hyphen, small letters, a letter for the digit.
    for typed in
        [code.replace('-', ""), code.to_lowercase().replace('-', " "), code.replace('0', "o")]
    {
        assert_eq!(desk.ask(&["audit", "show", &typed]).await, entry, "{typed}");
    }
    let id = entry["entry"]["id"].as_str().expect("an id");
    assert_eq!(desk.ask(&["audit", "show", id]).await, entry, "by its id as well");
    for none in ["NOSUCHCODE", "00000-00000"] {
        let (code, _) = desk.refused(&["audit", "show", none]).await;
        assert_eq!(code, "not_found", "{none}");
    }
}
