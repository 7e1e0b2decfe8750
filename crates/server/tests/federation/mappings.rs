//! What claims become: groups, names and languages that follow a provider, and who is turned away.

use identity::federation::policy::UnknownUser;
use identity::ids::UserId;
use identity::users::Status;
use serde_json::{Value, json};
use server::federation::save::{self, Door, PolicyEdit};
use store::By;
use testkit::on_both_engines;

use crate::scene::{Scene, out};

/// What the provider says besides.
fn says(scene: &Scene, claims: Value) {
    scene.provider.script(|script| {
        script.claims.extend(claims.as_object().expect("claims").clone());
    });
}

async fn groups_of(scene: &Scene, user: &UserId) -> Vec<String> {
    let groups = scene.house.app.store.list_groups_of(user).await.expect("groups");
    groups.into_iter().map(|group| group.name).collect()
}

on_both_engines! {
    async fn groups_follow_the_provider_at_every_sign_in_and_those_given_by_hand_stay(
        engine: Engine
    ) {
        let scene = Scene::on(engine).await;
        for name in ["Editors", "Support", "Board"] {
            scene.house.add_group(name).await;
        }
        scene.set_rules(json!({ "on_sign_in": { "groups": "claims.groups" } })).await;
        says(&scene, json!({ "groups": ["editors", "Support", "unknown here"] }));
        assert!(scene.sign_in().await.1.is_signed_in());
        let user = scene.house.users().await.remove(0);
        assert_eq!(groups_of(&scene, &user.id).await, ["Editors", "Support"]);
        let store = &scene.house.app.store;
        let board = scene.house.add_group("Strategy").await;
        let (by, now) = (By::operator(), scene.house.app.now());
        store.add_group_member(&board, &user.id, &by, now).await.expect("a member");
        says(&scene, json!({ "groups": ["Support"] }));
        assert!(scene.sign_in().await.1.is_signed_in());
        assert_eq!(groups_of(&scene, &user.id).await, ["Support", "Strategy"]);
        // A provider that says nothing about groups gives none, and takes none of the others.
        scene.provider.script(|script| drop(script.claims.remove("groups")));
        assert!(scene.sign_in().await.1.is_signed_in());
        assert_eq!(groups_of(&scene, &user.id).await, ["Strategy"]);
    }

    async fn a_connection_that_is_made_again_goes_on_with_what_it_gave(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.house.add_group("Editors").await;
        let rules = json!({ "on_sign_in": { "groups": "claims.groups" } });
        scene.set_rules(rules.clone()).await;
        says(&scene, json!({ "groups": ["Editors"] }));
        assert!(scene.sign_in().await.1.is_signed_in());
        let store = &scene.house.app.store;
        let connection = store.list_connections(None).await.expect("connections").remove(0);
        let (by, now) = (By::operator(), scene.house.app.now());
        store.remove_connection(&connection.id, &by, now).await.expect("removed");
        let door = Door { application: "back-office".to_owned(), policy: PolicyEdit::default() };
        save::connect(&scene.house.tools(), "corp", &door, &by).await.expect("connected");
        scene.set_rules(rules).await;
        says(&scene, json!({ "groups": [] }));
        assert!(scene.sign_in().await.1.is_signed_in());
        let user = scene.house.users().await.remove(0);
        assert!(groups_of(&scene, &user.id).await.is_empty());
    }

    async fn no_claim_makes_an_administrator(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.set_rules(json!({ "on_sign_in": { "groups": "claims.groups" } })).await;
        says(&scene, json!({ "groups": ["administrators"] }));
        for _ in 0..2 {
            assert!(scene.sign_in().await.1.is_signed_in());
            let user = scene.house.users().await.remove(0);
            assert!(groups_of(&scene, &user.id).await.is_empty());
        }
    }

    async fn a_veto_leaves_no_session_and_no_user(engine: Engine) {
        let scene = Scene::on(engine).await;
        let contractors = json!({ "refuse_if": "claims.contractor" });
        scene.set_rules(json!({ "on_create": contractors })).await;
        says(&scene, json!({ "contractor": true }));
        let page = scene.refused("not_allowed").await;
        assert_eq!(page.heading(), "You may not sign in here");
        assert!(scene.house.users().await.is_empty());
        says(&scene, json!({ "contractor": false }));
        assert!(scene.sign_in().await.1.is_signed_in());
        // Of a user who is there, only a rule for every sign-in keeps them out.
        says(&scene, json!({ "contractor": true }));
        assert!(scene.sign_in().await.1.is_signed_in());
        scene.set_rules(json!({ "on_sign_in": contractors })).await;
        scene.refused("not_allowed").await;
    }

    async fn who_has_no_group_is_told_what_to_do(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.set_rules(json!({
            "on_sign_in": { "groups": "claims.groups" },
            "no_group_match": "refuse",
        })).await;
        says(&scene, json!({ "groups": ["elsewhere"] }));
        let page = scene.refused("no_group").await;
        assert_eq!(page.heading(), "Your account has no access yet");
        let audited = scene.house.audit_of(&page.support_code().expect("a code")).await;
        let rules = audited.detail["rules"].to_string();
        assert!(rules.contains("1 named, 0 found; no such group: elsewhere"), "{rules}");
        assert!(scene.house.users().await.is_empty());
    }

    async fn a_rule_that_cannot_be_applied_lets_nobody_in_and_the_audit_names_the_column(
        engine: Engine
    ) {
        let scene = Scene::on(engine).await;
        scene.set_rules(json!({ "allow_if": "claims.level > 3" })).await;
        says(&scene, json!({ "level": "high" }));
        let page = scene.refused("rule_failed").await;
        assert_eq!(page.heading(), "Your account could not be checked");
        let audited = scene.house.audit_of(&page.support_code().expect("a code")).await;
        let rules = audited.detail["rules"].to_string();
        assert!(rules.contains("allow_if") && rules.contains("column "), "{rules}");
        says(&scene, json!({ "level": 4 }));
        assert!(scene.sign_in().await.1.is_signed_in());
    }

    async fn a_name_follows_where_it_is_forced_and_every_session_shows_it(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.set_rules(json!({ "sync": { "name": "force" } })).await;
        let (browser, page) = scene.sign_in().await;
        assert!(page.is_signed_in());
        says(&scene, json!({ "given_name": "Augusta", "family_name": "King" }));
        assert!(scene.sign_in().await.1.is_signed_in());
        let user = scene.house.users().await.remove(0);
        assert_eq!(user.name.full(), "Augusta King");
        let page = browser.open("/back-office").await;
        assert!(page.text().contains("Augusta King"), "{}", page.text());
    }

    async fn somebody_who_waits_is_let_in_as_soon_as_a_rule_says_so(engine: Engine) {
        let scene = Scene::with(engine, UnknownUser::Hold).await;
        let status = r#"claims.approved ? "active" : "held""#;
        scene.set_rules(json!({ "on_sign_in": { "status": status } })).await;
        scene.refused("user_held").await;
        says(&scene, json!({ "approved": false }));
        scene.refused("user_held").await;
        says(&scene, json!({ "approved": true }));
        assert!(scene.sign_in().await.1.is_signed_in());
        let user = scene.house.users().await.remove(0);
        assert_eq!(user.status, Status::Active);
        // It only ends a wait: nobody is kept out by it.
        says(&scene, json!({ "approved": false }));
        assert!(scene.sign_in().await.1.is_signed_in());
    }

    async fn a_policy_adds_to_the_request_and_the_protocol_stays_ours(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.set_rules(json!({ "on_challenge": {
            "domain_hint": r#""corp.example""#,
            "kc_idp_hint": "provider + \"-\" + application",
            "hd": r#"login_hint.split("@")[1]"#,
        } })).await;
        let browser = scene.house.browser();
        let start = browser.get("/back-office/login/corp").await;
        let sent = |name: &str| start.sent_on(name);
        assert_eq!(sent("domain_hint").as_deref(), Some("corp.example"));
        assert_eq!(sent("kc_idp_hint").as_deref(), Some("corp-back-office"));
        assert_eq!(sent("hd"), None, "nobody typed an address");
        assert_eq!(sent("response_type").as_deref(), Some("code"));
        assert!(browser.arrive(out(&browser).await).await.is_signed_in());
        scene.set_rules(json!({ "on_challenge": { "hd": r#"provider.split("o")"# } })).await;
        let (_, page) = scene.sign_in().await;
        assert_eq!(page.reason().as_deref(), Some("rule_failed"));
    }
}
