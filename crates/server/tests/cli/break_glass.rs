//! Seals at the command line: the code is shown once, and opens the page beside it.

use testkit::on_both_engines;

use crate::desk::{Desk, PASSWORD, names};

const SEAL: [&str; 6] =
    ["break-glass", "seal", "--application", "back-office", "--user", "ada@shop.test"];
const UNSEAL: [&str; 6] =
    ["break-glass", "unseal", "--application", "back-office", "--user", "ada@shop.test"];

on_both_engines! {
    async fn s107_a_code_is_sealed_shown_once_listed_used_and_taken_away(engine: Engine) {
        let desk = Desk::at(engine).await;
        let (code, _) = desk.refused(&SEAL).await;
        assert_eq!(code, "not_found");
        desk.ask(&["users", "add", "ada@shop.test"]).await;
        let (code, message) = desk.refused(&SEAL).await;
        assert_eq!(code, "not_administrator");
        assert!(message.contains("vestibule groups add-member"), "{message}");
        desk.ask(&["groups", "add-member", "administrators", "ada@shop.test"]).await;
        let (code, message) = desk.refused(&SEAL).await;
        assert_eq!(code, "no_password");
        assert!(message.contains("vestibule users set-password"), "{message}");
        desk.ask(&["users", "set-password", "ada@shop.test", "--password-file", "password"]).await;
        assert_eq!(desk.read(&["break-glass", "show"]).await.trim(), "Nothing is sealed.");

        let text = desk.read(&SEAL).await;
        let printed = |text: &str| {
            let line = text.lines().find(|line| line.starts_with("  ")).expect("a code");
            line.trim().to_owned()
        };
        let first = printed(&text);
        assert!(text.contains("/back-office/break-glass"), "{text}");
        assert!(text.contains("takes passwords, and there is no such page"), "{text}");
        let sealed = desk.ask(&SEAL).await;
        assert_eq!(names(&sealed), ["address", "application", "code", "user"]);
        let code = sealed["code"].as_str().expect("a code").to_owned();
        assert_ne!(code, first);
        let listed = desk.ask(&["break-glass", "show"]).await;
        let [seal] = &listed["seals"].as_array().expect("seals")[..] else { panic!("{listed}") };
        assert_eq!(
            names(seal),
            ["application", "opened_at", "sealed_at", "standing", "usable", "user"]
        );
        assert_eq!((&seal["usable"], &seal["standing"]), (&true.into(), &"usable".into()));
        for said in [listed.to_string(), desk.read(&["break-glass", "show"]).await] {
            assert!(!said.contains(&code) && !said.contains(&code.replace('-', "")), "{said}");
        }

        let off = ["applications", "change", "back-office", "--password", "off", "--force"];
        desk.ask(&off).await;
        desk.house.learn().await;
        let browser = desk.house.browser();
        let form = browser.open("/back-office/break-glass").await.form("/break-glass");
        let form = form.with("email", "ada@shop.test").with("password", PASSWORD);
        let page = browser.submit(&form.clone().with("code", &first)).await;
        assert_eq!(page.reason().as_deref(), Some("not_accepted"), "the one before is void");
        let page = browser.submit(&form.with("code", &code)).await;
        assert_eq!(page.status, 303, "{}", page.text());
        let listed = desk.ask(&["break-glass", "show"]).await;
        assert_eq!(listed["seals"][0]["standing"], "opened");
        assert!(listed["seals"][0]["opened_at"].is_string());
        let entry = desk.ask(&["audit", "of", "ada@shop.test"]).await.to_string();
        assert!(entry.contains("break_glass.open"), "{entry}");
        assert_eq!(desk.ask(&UNSEAL).await["unsealed"], true);
        let (code, message) = desk.refused(&UNSEAL).await;
        assert_eq!(code, "not_found");
        assert!(message.contains("vestibule break-glass show"), "{message}");
    }
}
