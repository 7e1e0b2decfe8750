//! The operator's decision hook: what it is told, what its word does, and that nobody comes in by
//! one that is dead, slow or lying.

use identity::federation::policy::UnknownUser;
use identity::users::{EmailStanding, Status};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Value, json};
use server::federation::save::{self, DoorEdit, PolicyEdit, SaveError};
use store::By;
use testkit::{Engine, FakeHook, HookReply, House, on_both_engines};

use crate::scene::{Scene, assert_refused};

async fn hooked(engine: Engine) -> (Scene, FakeHook) {
    let scene = Scene::on(engine).await;
    let hook = FakeHook::start().await;
    scene.set_rules(json!({ "decision_hook": hook.field() })).await;
    (scene, hook)
}

/// Header and claims of a request, once its signature holds by what is published.
async fn proved(house: &House, token: &str) -> (Value, Value) {
    let page = house.browser().get("/oauth/jwks").await;
    let keys: JwkSet = serde_json::from_str(&page.body).expect("a JWK Set");
    let header = jsonwebtoken::decode_header(token).expect("a header");
    let key = keys.find(header.kid.as_deref().expect("a kid")).expect("a published key");
    let key = DecodingKey::from_jwk(key).expect("a public key");
    let mut rules = Validation::new(header.alg);
    // The house's clock is not the machine's.
    (rules.validate_exp, rules.validate_aud) = (false, false);
    let read = jsonwebtoken::decode::<Value>(token, &key, &rules).expect("our signature");
    (json!(header), read.claims)
}

/// What the audit says that the hook did, at the sign-in before.
async fn seen(scene: &Scene) -> String {
    let audit = scene.house.audit().await;
    let entry = audit.iter().find(|entry| entry.action == "sign_in.provider").expect("an entry");
    let rules = entry.detail["rules"].as_array().expect("rules");
    let last = rules.last().expect("a rule");
    assert_eq!(last["rule"], "decision_hook", "{rules:?}");
    last["saw"].as_str().expect("a text").to_owned()
}

on_both_engines! {
    async fn a_hook_is_told_who_arrived_and_what_would_be_done_and_can_check_who_says_so(
        engine: Engine
    ) {
        let (scene, hook) = hooked(engine).await;
        for (number, decision) in ["create", "sign_in"].into_iter().enumerate() {
            assert!(scene.sign_in().await.1.is_signed_in());
            assert_eq!(seen(&scene).await, "allows");
            let asked = hook.asked();
            assert_eq!(asked.len(), number + 1, "once for each sign-in");
            let asked = &asked[number];
            assert_eq!(asked.content_type, "application/jwt");
            let (header, told) = proved(&scene.house, &asked.token).await;
            assert_eq!(header["typ"], "decision-hook+jwt");
            assert_eq!((&told["iss"], &told["aud"]), (&json!(scene.house.app.issuer()), &json!(hook.url())));
            assert_eq!(told["exp"].as_i64().expect("a time") - told["iat"].as_i64().expect("a time"), 60);
            assert_eq!((&told["application"], &told["provider"]), (&json!("back-office"), &json!("corp")));
            assert_eq!(told["identity"]["issuer"], scene.provider.issuer());
            assert_eq!(told["identity"]["email"], "ada@corp.example");
            assert_eq!(told["identity"]["claims"]["email"], "ada@corp.example");
            assert_eq!(told["decision"]["decision"], decision);
            assert_eq!(told["rules"][0]["rule"], "provider_state");
        }
        let [first, second] = [0, 1].map(|one| hook.asked()[one].token.clone());
        assert_ne!(
            proved(&scene.house, &first).await.1["jti"],
            proved(&scene.house, &second).await.1["jti"]
        );
    }

    async fn a_hook_that_says_no_leaves_no_session_and_no_user(engine: Engine) {
        let (scene, hook) = hooked(engine).await;
        hook.says(json!({ "decision": "refuse", "given_name": "Eve" }));
        let page = scene.refused("hook_refused").await;
        assert_eq!((page.status, page.heading().as_str()), (403, "You were not let in"));
        assert_eq!(seen(&scene).await, "refuses");
        assert!(scene.house.users().await.is_empty());
        let user = scene.house.add_staff("ada@corp.example", Status::Active).await;
        scene.refused("hook_refused").await;
        let store = &scene.house.app.store;
        assert!(store.list_identities_of(&user.id).await.expect("ties").is_empty());
        assert!(store.list_sessions(&user.id).await.expect("sessions").is_empty());
        assert_eq!(store.find_user(&user.id).await.expect("an answer"), Some(user));
    }

    async fn a_dead_slow_or_lying_hook_lets_nobody_in(engine: Engine) {
        let (scene, mut hook) = hooked(engine).await;
        scene.house.add_staff("ada@corp.example", Status::Active).await;
        let status = |status| HookReply { status, ..json!({ "decision": "allow" }).into() };
        let text = |body: &str| HookReply { body: body.to_owned(), ..json!(null).into() };
        let moved = HookReply { location: Some(hook.url()), ..status(307) };
        let page = HookReply { content_type: "text/html", ..json!({ "decision": "allow" }).into() };
        for (reply, saw) in [
            (status(500), "status: 500"),
            (status(201), "status: 201"),
            (moved, "status: 307"),
            (page, "answer: "),
            (text("allow"), "answer: "),
            (text(&format!("{{\"decision\": \"allow\"}}{}", " ".repeat(64 * 1024))), "answer: "),
            (json!({ "decision": "yes" }).into(), "answer: "),
            (json!({ "decision": "allow", "status": "active" }).into(), "answer: "),
            (json!({ "decision": "allow", "groups": "Editors" }).into(), "answer: "),
            (json!({ "decision": "allow", "groups": ["unheard of"] }).into(), "answer: "),
            (json!({ "decision": "allow", "groups": ["administrators"] }).into(), "answer: "),
        ] {
            hook.says(reply);
            let page = scene.refused("hook_failed").await;
            assert_eq!((page.status, page.heading().as_str()), (502, "You could not be checked"));
            let told = seen(&scene).await;
            assert!(told.starts_with(saw), "{told} is not {saw}");
            assert!(!page.text().contains(&told), "what the hook did is not the person's business");
        }
        hook.hold();
        scene.refused("hook_failed").await;
        assert_eq!(seen(&scene).await, "slow: no answer in time");
        hook.down().await;
        scene.refused("hook_failed").await;
        assert!(seen(&scene).await.starts_with("unreachable: "));
        let users = scene.house.users().await;
        assert_eq!(users.len(), 1);
        let groups = scene.house.app.store.list_groups_of(&users[0].id).await.expect("groups");
        assert!(groups.is_empty());
    }

    async fn what_a_hook_adds_is_written_and_nothing_else(engine: Engine) {
        let (scene, hook) = hooked(engine).await;
        scene.house.add_group("Editors").await;
        hook.says(json!({
            "decision": "allow", "given_name": "Augusta", "locale": "fr", "groups": ["editors"],
        }));
        for _ in 0..2 {
            assert!(scene.sign_in().await.1.is_signed_in());
            let user = scene.house.users().await.remove(0);
            assert_eq!(user.name.given, "Augusta");
            assert_eq!(user.locale.as_deref(), Some("fr"));
            let groups = scene.house.app.store.list_groups_of(&user.id).await.expect("groups");
            let names: Vec<_> = groups.iter().map(|group| group.name.as_str()).collect();
            assert_eq!(names, ["Editors"]);
        }
        hook.says(json!({ "decision": "allow", "family_name": "King" }));
        assert!(scene.sign_in().await.1.is_signed_in());
        let user = scene.house.users().await.remove(0);
        assert_eq!((user.name.given.as_str(), user.name.family.as_str()), ("Augusta", "King"));
        let groups = scene.house.app.store.list_groups_of(&user.id).await.expect("groups");
        assert_eq!(groups.len(), 1, "it takes nothing away");
    }

    async fn a_hook_that_thought_about_somebody_else_has_said_nothing(engine: Engine) {
        let (scene, hook) = hooked(engine).await;
        hook.hold();
        let meanwhile = async {
            hook.until_waiting(1).await;
            scene.house.add_staff("ada@corp.example", Status::Active).await;
            hook.release();
        };
        let ((browser, page), ()) = tokio::join!(scene.sign_in(), meanwhile);
        assert_refused(&browser, &page, "hook_failed");
        assert_eq!(seen(&scene).await, "changed: it was asked about something else");
        assert!(scene.sign_in().await.1.is_signed_in(), "the next time it is asked about them");
    }

    async fn a_hook_that_is_named_in_between_is_asked_first(engine: Engine) {
        let (scene, hook) = hooked(engine).await;
        // As another process changes a policy: this one has not read of it yet.
        scene.set_rules(json!({ "decision_hook": null })).await;
        assert!(scene.sign_in().await.1.is_signed_in());
        let store = &scene.house.app.store;
        let connection = store.list_connections(None).await.expect("connections").remove(0);
        let set = serde_json::from_value(json!({ "decision_hook": hook.field() })).expect("fields");
        let policy = identity::federation::policy::PolicyFields::into(set);
        let change = store::ConnectionChange { policy, ..store::ConnectionChange::default() };
        let (by, now) = (By::operator(), scene.house.app.now());
        store.change_connection(&connection.id, &change, &by, now).await.expect("a change");
        let (browser, page) = scene.sign_in().await;
        // Either it was asked, or nobody came in: the picture in memory is read anew any time.
        if page.is_signed_in() {
            assert_eq!(hook.asked().len(), 1);
        } else {
            assert_refused(&browser, &page, "hook_failed");
        }
    }

    async fn whoever_is_refused_anyway_is_not_told_to_the_hook(engine: Engine) {
        let scene = Scene::with(engine, UnknownUser::Refuse).await;
        let hook = FakeHook::start().await;
        scene.set_rules(json!({ "decision_hook": hook.field() })).await;
        scene.refused("unknown_user").await;
        scene.house.add_user("ada@corp.example", Status::Active, EmailStanding::Unconfirmed).await;
        scene.refused("account_unconfirmed").await;
        assert!(hook.asked().is_empty());
    }
}

#[tokio::test]
async fn s031_a_hook_at_a_private_address_is_asked_with_the_operators_leave_alone() {
    let (scene, hook) = hooked(Engine::Sqlite).await;
    let (tools, by) = (scene.house.tools(), By::operator());
    let edit = |field: Value| {
        let hook = serde_json::from_value(field).expect("a hook");
        let policy = PolicyEdit { decision_hook: Some(Some(hook)), ..PolicyEdit::default() };
        DoorEdit { policy, ..DoorEdit::default() }
    };
    for field in [
        json!({ "url": hook.url() }),
        json!({ "url": hook.url(), "allow_private": ["127.0.0.1:1"] }),
        json!({ "url": "https://192.168.0.7/hook" }),
        json!({ "url": "https://169.254.169.254/", "allow_private": ["169.254.169.254"] }),
        json!({ "url": "http://hook.example.com/", "allow_private": ["hook.example.com"] }),
    ] {
        let said =
            save::change_connection(&tools, "corp", "back-office", &edit(field.clone()), &by).await;
        let Err(SaveError::Connection(error)) = said else { panic!("{field}: {said:?}") };
        assert_eq!(error.code(), "decision_hook", "{field}");
    }
    let good = edit(hook.field());
    save::change_connection(&tools, "corp", "back-office", &good, &by).await.expect("a hook");
    // Stored all the same, nobody goes there, and what the provider may do is not the hook's leave.
    scene.set_rules(json!({ "decision_hook": { "url": hook.url() } })).await;
    scene.refused("hook_failed").await;
    assert!(seen(&scene).await.starts_with("unreachable: "));
    assert!(hook.asked().is_empty());
}
