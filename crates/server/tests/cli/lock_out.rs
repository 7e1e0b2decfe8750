//! A policy that would keep every administrator out is not saved, unless the operator insists.

use serde_json::json;
use testkit::provider::person;
use testkit::{Engine, FakeProvider, on_both_engines};

use crate::desk::Desk;

const CONNECTION: [&str; 5] =
    ["providers", "change-connection", "corp", "--application", "back-office"];
const LEGAL: [&str; 2] = ["--allow-if", "claims.department == 'Legal'"];

/// A back office that reads the department and takes no passwords, and an administrator of Sales
/// who has come to it.
async fn furnish(engine: Engine) -> (Desk, FakeProvider) {
    let desk = Desk::at(engine).await;
    let provider = FakeProvider::start(desk.house.clock.clone()).await;
    desk.house.connect(&provider).await;
    desk.ask(&["users", "add", "ada@corp.example", "--group", "administrators"]).await;
    desk.ask(&[&CONNECTION[..], &["--allow-if", "claims.department != 'Attic'"]].concat()).await;
    let mut claims = person("ada", "ada@corp.example");
    claims.insert("department".to_owned(), "Sales".into());
    provider.script(|script| script.claims = claims);
    assert!(desk.house.browser().open("/back-office/login/corp").await.is_signed_in());
    desk.ask(&["applications", "change", "back-office", "--password", "off"]).await;
    (desk, provider)
}

on_both_engines! {
    async fn a_policy_that_keeps_the_administrators_out_is_refused_and_says_what_is_missing(
        engine: Engine
    ) {
        let (desk, _provider) = furnish(engine).await;
        let change = [&CONNECTION[..], &LEGAL].concat();
        let (code, message) = desk.refused(&change).await;
        assert_eq!(code, "lock_out");
        assert!(message.contains("not_allowed") && message.contains("--force"), "{message}");
        assert!(desk.house.browser().open("/back-office/login/corp").await.is_signed_in());

        let unread = ["--allow-if", "claims.rank == 'captain'"];
        let (code, message) = desk.refused(&[&CONNECTION[..], &unread].concat()).await;
        assert_eq!(code, "lock_out");
        assert!(message.contains("claims that were not recorded"), "{message}");
        let everywhere = ["applications", "change-defaults", "back-office"];
        let domain = ["--allowed-domain", "elsewhere.example"];
        let (code, _) = desk.refused(&[&everywhere[..], &domain].concat()).await;
        assert_eq!(code, "lock_out");
        desk.ask(&[&everywhere[..], &domain, &["--force"]].concat()).await;

        desk.ask(&[&change[..], &["--force"]].concat()).await;
        let audit = desk.house.audit().await;
        let entry = audit.iter().find(|entry| entry.action == "connection.change");
        assert_eq!(entry.expect("an entry").detail["forced"], json!(true));
    }
}
