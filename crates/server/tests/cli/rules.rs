//! Rules of a policy in commands: how they are set and shown, and what is said about a wrong one.

use serde_json::{Value, json};
use testkit::provider::person;
use testkit::{FakeProvider, on_both_engines};

use crate::desk::Desk;

async fn furnish(engine: testkit::Engine) -> (Desk, FakeProvider) {
    let desk = Desk::at(engine).await;
    let provider = FakeProvider::start(desk.house.clock.clone()).await;
    desk.house.connect(&provider).await;
    (desk, provider)
}

fn write(desk: &Desk, file: &str, content: &Value) {
    std::fs::write(desk.house.folder().join(file), content.to_string()).expect("a file");
}

fn change<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["providers", "change-connection", "corp", "--application", "back-office"];
    [&fixed[..], more].concat()
}

on_both_engines! {
    async fn rules_are_set_shown_and_taken_back(engine: Engine) {
        let (desk, _provider) = furnish(engine).await;
        let rules = json!({ "groups": "claims.groups", "refuse_if": "claims.contractor" });
        write(&desk, "sign-in.json", &rules);
        write(&desk, "challenge.json", &json!({ "hd": "login_hint.split(\"@\")[1]" }));
        desk.ask(&change(&[
            "--allow-if", "\"shop\" in claims.groups", "--on-sign-in", "sign-in.json",
            "--on-challenge", "challenge.json", "--sync", "name=force, groups=import",
            "--no-group-match", "refuse",
        ])).await;
        let shown = desk.ask(&["providers", "show", "corp"]).await;
        let policy = &shown["connections"][0]["policy"];
        let set = |value: Value| json!({ "value": value, "from": "connection" });
        assert_eq!(policy["allow_if"], set(json!("\"shop\" in claims.groups")));
        assert_eq!(policy["on_sign_in"], set(rules));
        let sync =
            json!({ "name": "force", "locale": "import", "email": "off", "groups": "import" });
        assert_eq!(policy["sync"], set(sync));
        assert_eq!(policy["no_group_match"], set(json!("refuse")));
        let text = desk.read(&["providers", "show", "corp"]).await;
        for part in ["groups: claims.groups", "hd: login_hint.split", "name: force"] {
            assert!(text.contains(part), "{text}");
        }
        desk.ask(&change(&["--any-claims", "--inherit", "on_sign_in"])).await;
        let shown = desk.ask(&["providers", "show", "corp"]).await;
        let policy = &shown["connections"][0]["policy"];
        assert_eq!(policy["allow_if"], set(Value::Null));
        assert_eq!(policy["on_sign_in"], json!({ "value": {}, "from": "built-in" }));
    }

    async fn what_is_wrong_with_a_rule_is_said_with_its_place_and_nothing_is_saved(engine: Engine) {
        let (desk, _provider) = furnish(engine).await;
        let before = desk.ask(&["providers", "show", "corp"]).await;
        for (content, parts) in [
            (json!({ "groups": "claims.groups.map(g" }), vec!["groups cannot be used", "^", "column"]),
            (json!({ "group": "claims.groups" }), vec!["unknown field `group`", "groups"]),
            (json!({ "groups": 5 }), vec!["\"groups\" has to be an expression"]),
            (json!({ "groups": "nobody" }), vec!["nobody", "column 1"]),
        ] {
            write(&desk, "rules.json", &content);
            let (code, message) = desk.refused(&change(&["--on-create", "rules.json"])).await;
            assert_eq!(code, "expression", "{message}");
            assert!(message.contains("rules.json"), "{message}");
            for part in parts {
                assert!(message.contains(part), "{message}");
            }
        }
        write(&desk, "rules.json", &json!({ "state": "locale" }));
        for (wrong, code, part) in [
            (["--allow-if", "claims.x =="], "expression", "column 12"),
            (["--allow-if", "claims.x + \"y\""], "rule", "allow_if has to be a condition"),
            (["--on-challenge", "rules.json"], "expression", "\"state\" is a parameter of the protocol"),
            (["--sync", "phone=force"], "sync", "none of: name, locale, email, groups"),
            (["--sync", "name=often"], "sync", "none of: off, import, force"),
        ] {
            let (said, message) = desk.refused(&change(&wrong)).await;
            assert_eq!(said, code, "{message}");
            assert!(message.contains(part), "{message}");
        }
        assert_eq!(desk.ask(&["providers", "show", "corp"]).await, before);
    }

    async fn what_rules_do_is_explained_beforehand(engine: Engine) {
        let (desk, provider) = furnish(engine).await;
        desk.ask(&["groups", "add", "Editors", "--type", "staff"]).await;
        desk.ask(&["users", "add", "ada@corp.example"]).await;
        write(&desk, "rules.json", &json!({ "groups": "claims.groups" }));
        desk.ask(&change(&["--on-sign-in", "rules.json", "--sync", "name=force"])).await;
        let steps = [
            (json!(["editors"]), json!(["attributes of the user", "groups of the user", "identity", "session", "audit"])),
            (json!(["editors"]), json!(["session", "audit"])),
            (json!([]), json!(["groups of the user", "session", "audit"])),
        ];
        for (groups, writes) in steps {
            let mut claims = person("ada", "ada@corp.example");
            claims.insert("groups".to_owned(), groups);
            write(&desk, "claims.json", &json!(claims));
            let explained = desk.ask(&[
                "explain", "--application", "back-office", "--provider", "corp", "--claims",
                "claims.json",
            ]).await;
            assert_eq!(explained["writes"], writes, "{explained}");
            provider.script(|script| script.claims = claims.clone());
            assert!(desk.house.browser().open("/back-office/login/corp").await.is_signed_in());
            let audit = desk.house.audit().await;
            let trips = audit.iter().filter(|entry| entry.action == "sign_in.provider");
            let latest = trips.max_by_key(|entry| entry.at).expect("an entry");
            for part in ["decision", "rules"] {
                assert_eq!(latest.detail[part], explained[part], "{part} of {claims:?}");
            }
        }
    }
}
