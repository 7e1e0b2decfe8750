//! Users and groups at the command line.

use testkit::{Engine, on_both_engines};

use crate::desk::{Desk, PASSWORD, errors, names, refusal};

const USER: [&str; 12] = [
    "birth",
    "created_at",
    "email",
    "email_standing",
    "family_name",
    "given_name",
    "id",
    "locale",
    "population",
    "public_id",
    "status",
    "type",
];

on_both_engines! {
    async fn the_last_administrator_stays(engine: Engine) {
        let desk = Desk::at(engine).await;
        desk.administrator("ada@shop.test").await;
        for arguments in [
            &["users", "deactivate", "ada@shop.test"][..],
            &["users", "delete", "ada@shop.test"],
            &["groups", "remove-member", "administrators", "ada@shop.test"],
        ] {
            let (code, message) = desk.refused(arguments).await;
            assert_eq!(code, "last_administrator", "{arguments:?}");
            assert!(message.contains("make somebody else an administrator first"), "{message}");
        }
        // Without a way in, a second one is none.
        desk.ask(&["users", "add", "grace@shop.test", "--group", "administrators"]).await;
        assert_eq!(desk.refused(&["users", "delete", "ada@shop.test"]).await.0, "last_administrator");
        let set = ["users", "set-password", "grace@shop.test", "--password-file", "password"];
        desk.ask(&set).await;
        desk.ask(&["users", "deactivate", "ada@shop.test"]).await;
        assert_eq!(desk.refused(&["users", "delete", "grace@shop.test"]).await.0, "last_administrator");
    }

    async fn users_are_added_found_changed_and_brought_back(engine: Engine) {
        let desk = Desk::at(engine).await;
        let name = ["--given-name", "Grace", "--family-name", "Hopper", "--locale", "en-US"];
        let added = desk.ask(&[&["users", "add", "Grace@Shop.test"][..], &name].concat()).await;
        let user = &added["user"];
        assert_eq!(names(user), USER);
        assert_eq!(user["email"], "Grace@Shop.test", "shown as typed");
        assert_eq!((&user["type"], &user["status"]), (&"staff".into(), &"active".into()));
        assert_eq!(user["email_standing"], "vouched_for");
        assert_eq!(added["password_set"], false);
        let (code, _) = desk.refused(&["users", "add", "GRACE@shop.TEST"]).await;
        assert_eq!(code, "email_taken");

        let id = user["id"].as_str().expect("an id");
        for named in ["grace@shop.test", id] {
            let shown = desk.ask(&["users", "show", named]).await;
            assert_eq!(shown["user"]["id"], id);
            assert_eq!(shown["user"]["has_password"], false);
            for more in ["groups", "identities", "sessions"] {
                assert!(shown["user"].get(more).is_some(), "{more}");
            }
        }
        let changed = desk.ask(&["users", "deactivate", id]).await;
        assert_eq!((&changed["changed"], &changed["user"]["status"]), (&true.into(), &"deactivated".into()));
        assert_eq!(desk.ask(&["users", "deactivate", id]).await["changed"], false);
        desk.ask(&["users", "delete", id]).await;
        assert_eq!(desk.refused(&["users", "activate", id]).await.0, "user_deleted");
        assert_eq!(desk.ask(&["users", "restore", id]).await["user"]["status"], "deactivated");
        assert_eq!(desk.refused(&["users", "restore", id]).await.0, "not_deleted");
        assert_eq!(desk.ask(&["users", "activate", id]).await["user"]["status"], "active");

        let entries = desk.ask(&["audit", "of", "grace@shop.test"]).await;
        let entries = entries["entries"].as_array().expect("a list").clone();
        assert!(entries.len() >= 5, "{entries:?}");
        assert!(entries.iter().all(|entry| entry["actor"] == "operator"), "{entries:?}");
    }

    async fn lists_come_in_parts_and_narrow(engine: Engine) {
        let desk = Desk::at(engine).await;
        for email in ["ada@shop.test", "grace@shop.test", "edsger@shop.test"] {
            desk.ask(&["users", "add", email]).await;
        }
        desk.ask(&["users", "add", "buyer@mail.test", "--type", "customer"]).await;
        let list = async |more: &[&str]| {
            let page = desk.ask(&[&["users", "list"], more].concat()).await;
            let emails: Vec<String> = page["users"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|user| user["email"].as_str().expect("text").to_owned())
                .collect();
            (emails, page["next"].as_str().map(str::to_owned))
        };
        let (first, next) = list(&["--type", "staff", "--limit", "2"]).await;
        assert_eq!(first, ["ada@shop.test", "edsger@shop.test"]);
        let next = next.expect("there is more");
        let rest = list(&["--type", "staff", "--limit", "2", "--after", &next]).await;
        assert_eq!(rest, (vec!["grace@shop.test".to_owned()], None));
        assert_eq!(list(&["--search", "EDS"]).await.0, ["edsger@shop.test"]);
        assert_eq!(list(&["--type", "customer"]).await.0, ["buyer@mail.test"]);
        assert_eq!(list(&["--status", "deleted"]).await.0, Vec::<String>::new());
        let text = desk.read(&["users", "list", "--limit", "1"]).await;
        assert!(text.contains("There are more: --after "), "{text}");
    }

    async fn groups_hold_members_of_their_own_type(engine: Engine) {
        let desk = Desk::at(engine).await;
        let added = desk.ask(&["groups", "add", "Support"]).await;
        assert_eq!(names(&added["group"]), ["built_in", "created_at", "id", "name", "type"]);
        assert_eq!(desk.refused(&["groups", "add", "SUPPORT"]).await.0, "name_taken");
        desk.ask(&["users", "add", "grace@shop.test"]).await;
        desk.ask(&["users", "add", "buyer@mail.test", "--type", "customer"]).await;
        let member = desk.ask(&["groups", "add-member", "support", "grace@shop.test"]).await;
        assert_eq!(member["is_member"], true);
        let members = desk.ask(&["groups", "members", "Support"]).await;
        assert_eq!(members["users"][0]["email"], "grace@shop.test");
        let shown = desk.ask(&["users", "show", "grace@shop.test"]).await;
        assert_eq!(shown["user"]["groups"][0], "Support");
        let id = added["group"]["id"].as_str().expect("an id");
        let stranger = ["groups", "add-member", id, "buyer@mail.test", "--type", "customer"];
        assert_eq!(desk.refused(&stranger).await.0, "wrong_user_type");
        desk.ask(&["groups", "remove-member", "Support", "grace@shop.test"]).await;
        assert_eq!(desk.ask(&["groups", "members", "Support"]).await["users"], serde_json::json!([]));
        assert_eq!(desk.refused(&["groups", "remove", "administrators"]).await.0, "built_in");
        desk.ask(&["groups", "remove", "Support"]).await;
        let groups = desk.ask(&["groups", "list"]).await;
        assert_eq!(groups["groups"].as_array().expect("a list").len(), 1);
    }
}

#[tokio::test]
async fn passwords_are_read_and_never_taken_as_arguments() {
    let desk = Desk::at(Engine::Sqlite).await;
    desk.ask(&["users", "add", "grace@shop.test"]).await;
    let set = ["users", "set-password", "grace@shop.test"];
    let output = desk.told(&[&set[..], &[PASSWORD]].concat(), "").await;
    assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
    for (input, code) in [
        ("", "unreadable"),
        ("\n", "unreadable"),
        ("short\n", "password_too_short"),
        ("grace@shop.test 2026\n", "password_context_words"),
    ] {
        let output = desk.told(&[&set[..], &["--json"]].concat(), input).await;
        assert_eq!(refusal(&output).0, code, "{input:?}");
    }
    let output = desk.told(&set, &format!("{PASSWORD}\n")).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("The password of grace@shop.test is set"), "{text}");
    assert!(!text.contains(PASSWORD));
    assert_eq!(desk.ask(&["users", "show", "grace@shop.test"]).await["user"]["has_password"], true);
}

#[tokio::test]
async fn s052_addresses_that_can_pass_for_others_are_not_added() {
    let desk = Desk::at(Engine::Sqlite).await;
    for (email, code) in [
        ("no address", "email_shape"),
        ("gr\u{430}ce@shop.test", "email_mixed_scripts"),
        ("grace@localhost", "email_domain"),
    ] {
        assert_eq!(desk.refused(&["users", "add", email]).await.0, code, "{email}");
    }
    let (code, message) = desk.refused(&["users", "show", "nobody@shop.test"]).await;
    assert_eq!(code, "not_found");
    assert!(message.contains("vestibule users list --type staff"), "{message}");
    let (code, _) = desk.refused(&["users", "add", "a@shop.test", "--population", "other"]).await;
    assert_eq!(code, "unknown_population");
    let (code, _) = desk.refused(&["users", "add", "a@shop.test", "--group", "nobody"]).await;
    assert_eq!(code, "not_found");
    assert_eq!(desk.ask(&["users", "list"]).await["users"], serde_json::json!([]));
}
