//! An address that follows the provider's: sessions stay, and the one before is told.

use identity::users::Status;
use serde_json::json;
use testkit::{MailServer, on_both_engines};

use crate::scene::Scene;

const MARRIED: &str = "ada@married.example";

on_both_engines! {
    async fn the_address_follows_and_the_one_before_is_told(engine: Engine) {
        let mails = MailServer::start().await;
        let url = mails.url();
        let scene = Scene::set(engine, |config| config.mail.smtp_url = Some(url)).await;
        let (browser, page) = scene.sign_in().await;
        assert!(page.is_signed_in());
        scene.provider.script(|script| drop(script.claims.insert("email".to_owned(), MARRIED.into())));
        assert!(scene.sign_in().await.1.is_signed_in());
        assert_eq!(scene.house.users().await[0].email.as_typed(), "ada@corp.example", "off at first");

        scene.set_rules(json!({ "sync": { "email": "force" } })).await;
        assert!(scene.sign_in().await.1.is_signed_in());
        assert_eq!(scene.house.users().await[0].email.as_typed(), MARRIED);
        assert!(browser.open("/back-office").await.is_signed_in(), "sessions stay");
        let told = mails.wait_for(1).await;
        let text = format!("{told:?}");
        assert!(text.contains("ada@corp.example") && !text.contains(MARRIED), "{text}");
    }

    async fn an_untrusted_address_and_one_of_somebody_else_change_nothing(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.set_rules(json!({ "sync": { "email": "force" } })).await;
        assert!(scene.sign_in().await.1.is_signed_in());
        let other = scene.house.add_staff(MARRIED, Status::Active).await;
        scene.provider.script(|script| {
            script.claims.insert("email".to_owned(), MARRIED.into());
        });
        assert!(scene.sign_in().await.1.is_signed_in());
        let warned = scene.house.audit().await;
        assert!(warned.iter().any(|entry| entry.detail.get("warning") == Some(&json!("email_taken"))));
        scene.provider.script(|script| {
            script.claims.insert("email".to_owned(), "free@elsewhere.example".into());
            script.claims.insert("email_verified".to_owned(), false.into());
        });
        assert!(scene.sign_in().await.1.is_signed_in());
        let users = scene.house.users().await;
        assert_eq!(users.len(), 2);
        let ada = users.iter().find(|user| user.id != other.id).expect("ada");
        assert_eq!(ada.email.as_typed(), "ada@corp.example");
    }
}
