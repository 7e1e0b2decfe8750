//! Who waits for approval, at the command line; and policies as an operator sets and reads them.

use identity::federation::policy::UnknownUser;
use testkit::smtp::MailServer;
use testkit::{FakeProvider, on_both_engines};

use crate::desk::Desk;

async fn come(desk: &Desk) -> testkit::Page {
    desk.house.browser().open("/back-office/login/corp").await
}

on_both_engines! {
    async fn who_waits_is_listed_approved_and_told_by_mail(engine: Engine) {
        let mails = MailServer::start().await;
        let desk = Desk::with(engine, |config| config.mail.smtp_url = Some(mails.url())).await;
        let provider = FakeProvider::start(desk.house.clock.clone()).await;
        let hold = desk.house.try_connect(&provider, |_, door| {
            door.policy.unknown_user = Some(UnknownUser::Hold);
        });
        hold.await.expect("a good provider");
        assert_eq!(come(&desk).await.reason().as_deref(), Some("user_held"));
        let listed = desk.ask(&["users", "list", "--status", "held"]).await;
        assert_eq!(listed["users"][0]["email"], "ada@corp.example");

        let said = desk.ask(&["users", "approve", "ada@corp.example"]).await;
        assert_eq!((&said["approved"], &said["user"]["status"]), (&true.into(), &"active".into()));
        // What the command put into the queue is due by the real clock.
        desk.house.clock.catch_up();
        let mail = mails.wait_for(1).await;
        assert_eq!(mail.to, ["ada@corp.example"]);
        assert!(mail.data.contains("Subject: Your account for Back Office is approved"), "{}", mail.data);
        assert_eq!(mail.link().path(), "/back-office/login");
        assert!(come(&desk).await.is_signed_in());
        let (code, message) = desk.refused(&["users", "approve", "ada@corp.example"]).await;
        assert_eq!(code, "not_held");
        assert!(message.contains("users list --status held"), "{message}");

        provider.person("eve", "eve@corp.example");
        assert_eq!(come(&desk).await.reason().as_deref(), Some("user_held"));
        let said = desk.ask(&["users", "reject", "eve@corp.example"]).await;
        assert_eq!(said["user"]["status"], "deactivated");
        desk.house.clock.catch_up();
        let mail = mails.wait_for(2).await;
        assert!(mail.data.contains("was not approved"), "{}", mail.data);
        assert_eq!(come(&desk).await.reason().as_deref(), Some("user_deactivated"));
    }

    async fn a_mail_about_an_approval_leads_to_a_door_of_theirs(engine: Engine) {
        let desk = Desk::at(engine).await;
        desk.ask(&["users", "add", "ada@shop.test"]).await;
        let wrong = ["users", "approve", "ada@shop.test", "--application", "storefront"];
        let (code, message) = desk.refused(&wrong).await;
        assert_eq!(code, "application");
        assert!(message.contains("--application"), "{message}");
    }

    async fn a_policy_is_shown_with_who_set_what(engine: Engine) {
        let desk = Desk::at(engine).await;
        let provider = FakeProvider::start(desk.house.clock.clone()).await;
        desk.house.connect(&provider).await;
        let defaults = ["applications", "change-defaults", "back-office", "--unknown-user", "hold"];
        let door = desk.ask(&[&defaults[..], &["--default-locale", "de"]].concat()).await;
        assert_eq!(door["defaults"]["unknown_user"]["from"], "application");
        let field = async |name: &str| {
            let shown = desk.ask(&["providers", "show", "corp"]).await;
            let field = &shown["connections"][0]["policy"][name];
            let from = field["from"].as_str().expect("a source").to_owned();
            (field["value"].clone(), from)
        };
        assert_eq!(field("unknown_user").await, ("create".into(), "connection".to_owned()));
        assert_eq!(field("default_locale").await, ("de".into(), "application".to_owned()));
        assert_eq!(field("link").await, ("trusted_email".into(), "built-in".to_owned()));
        let change = ["providers", "change-connection", "corp", "--application", "back-office"];
        let change = |more: &[&'static str]| [&change[..], more].concat();
        desk.ask(&change(&["--inherit", "unknown_user", "--no-default-locale"])).await;
        assert_eq!(field("unknown_user").await, ("hold".into(), "application".to_owned()));
        assert_eq!(field("default_locale").await, (serde_json::Value::Null, "connection".to_owned()));
        desk.ask(&change(&["--allowed-domain", "Corp.Example", "--allowed-domain", "b.test"])).await;
        let domains = serde_json::json!(["b.test", "corp.example"]);
        assert_eq!(field("allowed_domains").await, (domains, "connection".to_owned()));
        let text = desk.read(&["providers", "show", "corp"]).await;
        for part in ["b.test, corp.example", "hold", "application", "built-in"] {
            assert!(text.contains(part), "{text}");
        }
        let (code, message) = desk.refused(&change(&[])).await;
        assert_eq!(code, "nothing_to_change");
        assert!(message.contains("--help"), "{message}");
        let (code, _) = desk.refused(&change(&["--link", "any_email"])).await;
        assert_eq!(code, "any_email");
        let (code, message) = desk.refused(&change(&["--default-locale", "german!"])).await;
        assert_eq!(code, "locale");
        assert!(message.contains("pt-BR"), "{message}");
    }
}
