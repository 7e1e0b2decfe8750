//! `vestibule explain --replay` says beforehand whom a changed policy lets in, keeps out or moves.

use serde_json::{Value, json};
use testkit::provider::person;
use testkit::{Engine, FakeProvider, on_both_engines};

use crate::desk::Desk;

/// A back office that reads the department, and that a few people have come to.
struct Scene {
    desk: Desk,
    provider: FakeProvider,
}

impl Scene {
    async fn furnish(engine: Engine) -> Self {
        let desk = Desk::at(engine).await;
        let provider = FakeProvider::start(desk.house.clock.clone()).await;
        desk.house.connect(&provider).await;
        let scene = Self { desk, provider };
        for name in ["Sales", "Legal"] {
            scene.desk.house.add_group(name).await;
        }
        let rules = json!({ "groups": "claims.department" });
        scene.write("rules.json", &rules);
        let change = ["providers", "change-connection", "corp", "--application", "back-office"];
        let more = ["--allow-if", "claims.department != 'Attic'", "--on-sign-in", "rules.json"];
        scene.desk.ask(&[&change[..], &more].concat()).await;
        scene
    }

    fn write(&self, file: &str, content: &Value) {
        std::fs::write(self.desk.house.folder().join(file), content.to_string()).expect("a file");
    }

    /// Comes to the back office; whether they are in.
    async fn come(&self, who: &str, department: &str) -> bool {
        let mut claims = person(who, &format!("{who}@corp.example"));
        claims.insert("department".to_owned(), department.into());
        claims.insert("salary".to_owned(), "a lot".into());
        self.provider.script(|script| script.claims = claims);
        let page = self.desk.house.browser().open("/back-office/login/corp").await;
        page.is_signed_in()
    }

    fn line(policy: &str) -> [&str; 7] {
        ["explain", "--application", "back-office", "--replay", "1000", "--policy", policy]
    }

    async fn replay(&self, policy: &Value) -> Value {
        self.write("policy.json", policy);
        self.desk.ask(&Self::line("policy.json")).await
    }
}

fn sign_ins(said: &Value, what: &str) -> u64 {
    said[what]["sign_ins"].as_u64().expect("a number")
}

on_both_engines! {
    async fn a_changed_policy_is_tried_on_those_who_came(engine: Engine) {
        let scene = Scene::furnish(engine).await;
        assert!(scene.come("ada", "Sales").await);
        assert!(scene.come("ada", "Sales").await);
        assert!(scene.come("bob", "Legal").await);
        assert!(!scene.come("eve", "Attic").await);
        let before = scene.desk.house.audit().await.len();
        let users = scene.desk.house.users().await;

        let said = scene.replay(&json!({ "allow_if": "claims.department != 'Sales'" })).await;
        assert_eq!(said["looked_at"], json!({ "sign_ins": 4, "people": 3 }));
        assert_eq!(said["kept_out"], json!({ "sign_ins": 2, "people": 1 }));
        assert_eq!(said["let_in"], json!({ "sign_ins": 1, "people": 1 }), "eve");
        assert_eq!((sign_ins(&said, "groups"), sign_ins(&said, "same")), (0, 1), "{said}");
        let people = said["people"].as_array().expect("people");
        assert_eq!(people.len(), 2, "once each: {said}");
        let of = |difference: &str| {
            people.iter().find(|one| one["difference"] == difference).expect("somebody")
        };
        assert_eq!(of("kept_out")["user_email"], "ada@corp.example");
        assert_eq!(of("kept_out")["after"], json!({ "decision": "refuse", "reason": "not_allowed" }));
        assert_eq!(of("let_in")["after"]["decision"], "create");
        assert!(of("let_in")["support_code"].is_string(), "{said}");

        let said =
            scene.replay(&json!({ "on_sign_in": { "groups": "claims.department == 'Sales' ? 'Legal' : 'none'" } })).await;
        assert_eq!((sign_ins(&said, "groups"), sign_ins(&said, "same")), (3, 1), "{said}");

        assert_eq!(scene.desk.house.audit().await.len(), before, "nothing is written");
        assert_eq!(scene.desk.house.users().await, users);
        assert!(scene.come("ada", "Sales").await, "nothing was set");
    }

    async fn what_was_not_recorded_is_not_guessed(engine: Engine) {
        let scene = Scene::furnish(engine).await;
        assert!(scene.come("ada", "Sales").await);
        let rules = json!({ "allow_if": "claims.salary == 'a lot'" });
        let said = scene.replay(&rules).await;
        assert_eq!(said["cannot_say"], json!({ "salary": { "sign_ins": 1, "people": 1 } }));
        for what in ["let_in", "kept_out", "groups", "same"] {
            assert_eq!(sign_ins(&said, what), 0, "{what}: {said}");
        }
        let text = scene.desk.read(&Scene::line("policy.json")).await;
        assert!(text.contains("cannot say: salary was not recorded"), "{text}");
        // From now on it is read.
        let line = ["providers", "change-connection", "corp", "--application", "back-office"];
        let more = ["--allow-if", "claims.salary == 'a lot'"];
        scene.desk.ask(&[&line[..], &more].concat()).await;
        assert!(scene.come("ada", "Sales").await);
        let said = scene.replay(&rules).await;
        assert_eq!((sign_ins(&said, "same"), sign_ins(&said, "looked_at")), (1, 2), "{said}");
    }

    async fn at_most_twenty_people_are_named_unless_all_are_asked_for(engine: Engine) {
        let scene = Scene::furnish(engine).await;
        for number in 0..21 {
            assert!(scene.come(&format!("person-{number}"), "Sales").await);
        }
        let said = scene.replay(&json!({ "allow_if": "claims.department == 'Legal'" })).await;
        assert_eq!(said["kept_out"], json!({ "sign_ins": 21, "people": 21 }));
        assert_eq!(said["people"].as_array().map(Vec::len), Some(20));
        assert_eq!(said["more"], 1);
        let line = Scene::line("policy.json");
        let text = scene.desk.read(&line).await;
        assert!(text.contains("kept out") && text.contains("There are 1 more: --all"), "{text}");
        let said = scene.desk.ask(&[&line[..], &["--all"]].concat()).await;
        assert_eq!(said["people"].as_array().map(Vec::len), Some(21));
    }

    async fn a_policy_file_that_is_none_is_refused_with_its_place(engine: Engine) {
        let scene = Scene::furnish(engine).await;
        let line = Scene::line("policy.json");
        for (content, parts) in [
            ("{\n  \"unknown_users\": \"create\"\n}", ["unknown_users", "line 2"]),
            ("{\n\n  \"allow_if\": \"claims.a ==\"}", ["column", "line 3"]),
            ("{\"unknown_user\": \"crate\"}", ["crate", "line 1"]),
            ("{\"default_groups\": [\"nobody's\"]}", ["nobody's", "back-office"]),
            ("nonsense", ["policy.json", "line 1"]),
        ] {
            std::fs::write(scene.desk.house.folder().join("policy.json"), content).expect("a file");
            let (_, message) = scene.desk.refused(&line).await;
            assert!(parts.iter().all(|part| message.contains(part)), "{content}: {message}");
        }
        scene.write("policy.json", &json!({}));
        let elsewhere = ["explain", "--application", "storefront", "--provider", "corp"];
        let more = ["--replay", "5", "--policy", "policy.json"];
        let (code, _) = scene.desk.refused(&[&elsewhere[..], &more].concat()).await;
        assert_eq!(code, "not_connected");
    }
}
