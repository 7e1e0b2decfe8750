//! `vestibule explain` says beforehand what a sign-in then does.

use identity::federation::policy::{Link, UnknownUser};
use serde_json::{Map, Value, json};
use server::federation::save::PolicyEdit;
use testkit::provider::person;
use testkit::{FakeHook, FakeProvider, on_both_engines};

use crate::desk::Desk;

/// A back office that holds strangers, and the provider's claims in a file.
async fn furnish(engine: testkit::Engine) -> (Desk, FakeProvider) {
    let desk = Desk::at(engine).await;
    let provider = FakeProvider::start(desk.house.clock.clone()).await;
    let added = desk.house.try_connect(&provider, |_, door| {
        door.policy = PolicyEdit {
            unknown_user: Some(UnknownUser::Hold),
            link: Some(Link::TrustedEmail),
            ..PolicyEdit::default()
        };
    });
    added.await.expect("a good provider");
    (desk, provider)
}

fn write(desk: &Desk, file: &str, content: &Value) {
    std::fs::write(desk.house.folder().join(file), content.to_string()).expect("a file");
}

async fn explain(desk: &Desk, claims: &Map<String, Value>, more: &[&str]) -> Value {
    write(desk, "claims.json", &json!(claims));
    let fixed = ["explain", "--application", "back-office", "--provider", "corp"];
    desk.ask(&[&fixed[..], &["--claims", "claims.json"], more].concat()).await
}

on_both_engines! {
    async fn what_is_explained_beforehand_is_what_happens_and_what_is_audited(engine: Engine) {
        let (desk, provider) = furnish(engine).await;
        desk.ask(&["users", "add", "known@corp.example"]).await;
        let mut denied = person("denied", "known@corp.example");
        denied.insert("email_verified".to_owned(), false.into());
        let mut silent = person("silent", "x@corp.example");
        silent.remove("email");
        for (claims, outcome) in [
            (person("stranger", "stranger@corp.example"), "hold"),
            (person("stranger", "stranger@corp.example"), "refuse"),
            (person("known", "known@corp.example"), "link"),
            (person("known", "known@corp.example"), "sign_in"),
            (person("recycled", "known@corp.example"), "refuse"),
            (denied, "refuse"),
            (silent, "refuse"),
        ] {
            let before = desk.house.audit().await.len();
            let explained = explain(&desk, &claims, &[]).await;
            assert_eq!(explained["decision"]["decision"], outcome, "{claims:?}: {explained}");
            assert_eq!(desk.house.audit().await.len(), before, "explaining writes nothing");
            provider.script(|script| script.claims = claims.clone());
            let page = desk.house.browser().open("/back-office/login/corp").await;
            assert_eq!(page.is_signed_in(), ["link", "sign_in"].contains(&outcome));
            let audit = desk.house.audit().await;
            let trips = audit.iter().filter(|entry| entry.action == "sign_in.provider");
            let latest = trips.max_by_key(|entry| entry.at).expect("an entry");
            for part in ["decision", "rules"] {
                assert_eq!(latest.detail[part], explained[part], "{part} of {claims:?}");
            }
        }
    }

    async fn a_policy_can_be_tried_without_being_set(engine: Engine) {
        let (desk, _provider) = furnish(engine).await;
        let claims = person("stranger", "stranger@corp.example");
        write(&desk, "policy.json", &json!({ "unknown_user": "create", "allowed_domains": [] }));
        let tried = explain(&desk, &claims, &["--policy", "policy.json"]).await;
        assert_eq!(tried["decision"]["decision"], "create");
        assert_eq!(tried["policy"]["unknown_user"], json!({ "value": "create", "from": "connection" }));
        assert_eq!(tried["writes"], json!(["user", "identity", "session", "audit"]));
        let held = explain(&desk, &claims, &[]).await;
        assert_eq!(held["decision"]["decision"], "hold", "nothing was set");
        assert_eq!(held["writes"], json!(["user", "identity", "audit"]));

        write(&desk, "policy.json", &json!({ "unknown_users": "create" }));
        let line = ["explain", "--application", "back-office", "--provider", "corp"];
        let line = [&line[..], &["--claims", "claims.json", "--policy", "policy.json"]].concat();
        let (code, message) = desk.refused(&line).await;
        assert_eq!(code, "policy");
        assert!(message.contains("policy.json") && message.contains("unknown_user"), "{message}");
    }

    async fn a_decision_hook_is_not_asked_and_what_it_would_answer_can_be_said(engine: Engine) {
        let (desk, _provider) = furnish(engine).await;
        let hook = FakeHook::start().await;
        let line = ["providers", "change-connection", "corp", "--application", "back-office"];
        let (url, host) = (hook.url(), hook.host());
        let more = ["--decision-hook", url.as_str(), "--hook-allow-private", host.as_str()];
        desk.ask(&[&line[..], &more].concat()).await;
        let claims = person("stranger", "stranger@corp.example");
        let last = |explained: &Value| {
            let rules = explained["rules"].as_array().expect("rules");
            rules.last().expect("a rule").clone()
        };
        let explained = explain(&desk, &claims, &[]).await;
        assert_eq!(explained["decision"]["decision"], "hold");
        assert_eq!(
            last(&explained),
            json!({ "rule": "decision_hook", "saw": "not asked", "settled": false })
        );
        assert_eq!(explained["policy"]["decision_hook"]["value"], hook.field());
        let answer = ["--hook-answer", "answer.json"];
        for (said, reason) in [
            (json!({ "decision": "refuse" }), "hook_refused"),
            (json!({ "decision": "allow", "groups": ["unheard of"] }), "hook_failed"),
        ] {
            write(&desk, "answer.json", &said);
            let explained = explain(&desk, &claims, &answer).await;
            assert_eq!(explained["decision"]["reason"], reason);
            assert_eq!(explained["writes"], json!(["audit"]));
        }
        desk.house.add_group("Editors").await;
        write(&desk, "answer.json", &json!({ "decision": "allow", "groups": ["Editors"] }));
        let explained = explain(&desk, &claims, &answer).await;
        assert_eq!(explained["decision"]["groups"].as_array().map(Vec::len), Some(1));
        write(&desk, "answer.json", &json!({ "decision": "perhaps" }));
        let fixed = ["explain", "--application", "back-office", "--provider", "corp"];
        let claims = ["--claims", "claims.json"];
        let (code, _) = desk.refused(&[&fixed[..], &claims, &answer].concat()).await;
        assert_eq!(code, "hook_answer");
        assert!(hook.asked().is_empty(), "nobody asked it");
        desk.ask(&[&line[..], &["--no-decision-hook"]].concat()).await;
        let explained = explain(&desk, &person("stranger", "stranger@corp.example"), &[]).await;
        assert_ne!(last(&explained)["rule"], "decision_hook");
    }

    async fn what_cannot_be_explained_is_said(engine: Engine) {
        let (desk, provider) = furnish(engine).await;
        let line = ["explain", "--application", "back-office", "--provider", "corp"];
        let line = [&line[..], &["--claims", "claims.json"]].concat();
        for (content, part) in [
            ("nonsense", "not a JSON object"),
            ("[]", "not a JSON object"),
            ("{}", "add \"sub\""),
            (r#"{"sub": "a", "iss": "https://elsewhere.test"}"#, "is not the issuer"),
        ] {
            std::fs::write(desk.house.folder().join("claims.json"), content).expect("a file");
            let (code, message) = desk.refused(&line).await;
            assert_eq!(code, "claims", "{message}");
            assert!(message.contains(part), "{message}");
        }
        provider.person("stranger", "stranger@corp.example");
        let page = desk.house.browser().open("/back-office/login/corp").await;
        let code = page.support_code().expect("a code");
        let text = desk.read(&["explain", "--support-code", &code]).await;
        assert!(text.contains("unknown_user") && text.contains("user_held"), "{text}");
        let claims = Value::Object(person("stranger", "stranger@corp.example"));
        write(&desk, "claims.json", &claims);
        let text = desk.read(&line).await;
        for part in ["Refused: the user waits for approval", "RULE", "POLICY", "Would be written: audit."] {
            assert!(text.contains(part), "{text}");
        }
    }
}
