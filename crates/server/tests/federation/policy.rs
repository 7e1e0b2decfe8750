//! What becomes of people whom a provider vouches for.

use std::sync::Arc;

use identity::federation::policy::UnknownUser;
use identity::federation::provider::{Authority, ProviderState};
use identity::users::{EmailStanding, Status, StatusChange};
use serde_json::json;
use store::By;
use testkit::provider::{Place, person};
use testkit::{Engine, FakeProvider, House, on_both_engines};

use crate::scene::{Scene, assert_refused, callback_of};

on_both_engines! {
    async fn s051_under_refuse_a_stranger_is_told_so_and_nobody_is_made(engine: Engine) {
        let scene = Scene::with(engine, UnknownUser::Refuse).await;
        let page = scene.refused("unknown_user").await;
        assert_eq!(page.status, 403);
        assert!(scene.house.users().await.is_empty());
        let entry = scene.house.audit_of(&page.support_code().expect("a code")).await;
        assert_eq!(entry.outcome, "unknown_user");
        let way_on = page.way_on().expect("a way on");
        assert_eq!(way_on.path(), "/back-office/login", "to the choice, not round in a circle");
    }

    async fn under_refuse_a_known_address_is_linked(engine: Engine) {
        let scene = Scene::with(engine, UnknownUser::Refuse).await;
        let user = scene.house.add_staff("ada@corp.example", Status::Active).await;
        assert!(scene.sign_in().await.1.is_signed_in());
        let ties = scene.house.app.store.list_identities_of(&user.id).await.expect("ties");
        assert_eq!(ties.len(), 1);
        assert_eq!(scene.house.users().await.len(), 1);
    }

    async fn s026_the_identity_decides_even_without_an_address(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.sign_in().await;
        scene.provider.script(|script| {
            script.claims.remove("email");
            script.claims.remove("email_verified");
        });
        let (_, page) = scene.sign_in().await;
        assert!(page.is_signed_in(), "{}", page.text());
        let user = &scene.house.users().await[0];
        let ties = scene.house.app.store.list_identities_of(&user.id).await.expect("ties");
        assert_eq!(ties[0].email.as_deref(), Some("ada@corp.example"), "silence changes nothing");
    }

    async fn s026_an_address_that_changed_there_moves_its_column_alone(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.sign_in().await;
        scene.provider.person("ada", "countess@corp.example");
        assert!(scene.sign_in().await.1.is_signed_in());
        let users = scene.house.users().await;
        assert_eq!(users.len(), 1, "the same user");
        assert_eq!(users[0].email.as_typed(), "ada@corp.example");
        let ties = scene.house.app.store.list_identities_of(&users[0].id).await.expect("ties");
        assert_eq!(ties[0].email.as_deref(), Some("countess@corp.example"));
    }

    async fn who_is_deactivated_is_refused_and_told_so(engine: Engine) {
        let scene = Scene::on(engine).await;
        let (browser, _) = scene.sign_in().await;
        let user = scene.house.users().await.remove(0);
        let now = scene.house.app.now();
        let by = By::operator();
        let store = &scene.house.app.store;
        for (change, reason) in [
            (StatusChange::Deactivate, "user_deactivated"),
            (StatusChange::Delete, "user_deleted"),
        ] {
            store.change_user_status(&user.id, change, &by, now).await.expect("a change");
            let page = scene.refused(reason).await;
            assert_eq!(page.status, 403);
        }
        // The change was made as another process makes it: the house learns of it within moments.
        while browser.open("/back-office").await.is_signed_in() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(scene.house.users().await.len(), 1, "and nobody new was made");
    }

    async fn an_account_of_the_same_address_must_be_active_too(engine: Engine) {
        for (status, reason) in [
            (Status::Deactivated, "user_deactivated"),
            (Status::Held, "user_held"),
            (Status::Deleted, "user_deleted"),
        ] {
            let scene = Scene::on(engine).await;
            let user = scene.house.add_staff("ada@corp.example", status).await;
            scene.refused(reason).await;
            let ties = scene.house.app.store.list_identities_of(&user.id).await.expect("ties");
            assert!(ties.is_empty(), "{reason}");
        }
    }

    async fn s043_somebody_elses_account_at_the_provider_is_not_taken_over(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.sign_in().await;
        // The mailbox was given to somebody else, who has a subject of their own.
        scene.provider.person("successor", "ada@corp.example");
        scene.refused("linked_to_another").await;
        assert_eq!(scene.house.users().await.len(), 1);
    }

    async fn s043_an_account_that_nobody_confirmed_is_not_linked(engine: Engine) {
        let scene = Scene::on(engine).await;
        let standing = EmailStanding::Unconfirmed;
        scene.house.add_user("ada@corp.example", Status::Active, standing).await;
        let page = scene.refused("account_unconfirmed").await;
        // The way on confirms it: a message that arrives is the proof.
        assert_eq!(page.way_on().expect("a way on").path(), "/back-office/password/forgot");
    }

    async fn s027_two_providers_with_one_subject_are_two_identities(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.sign_in().await;
        let other = FakeProvider::start(scene.house.clock.clone()).await;
        let added = scene.house.try_connect(&other, |new, _| new.key = Some("other".to_owned()));
        added.await.expect("a good provider");
        other.person("ada", "another@corp.example");
        let page = scene.house.browser().open("/back-office/login/other").await;
        assert!(page.is_signed_in(), "{}", page.text());
        assert_eq!(scene.house.users().await.len(), 2);
    }

    async fn a_newcomer_is_in_the_default_group_and_nowhere_else(engine: Engine) {
        let house = House::start(engine).await;
        let provider = FakeProvider::start(house.clock.clone()).await;
        let group = house.add_group("Everybody").await;
        let added = house.try_connect(&provider, |_, door| {
            door.policy.default_groups = Some(vec!["everybody".to_owned()]);
        });
        added.await.expect("a good provider");
        assert!(house.browser().open("/back-office/login/corp").await.is_signed_in());
        let user = house.users().await.remove(0);
        let groups = house.app.store.list_groups_of(&user.id).await.expect("groups");
        assert_eq!(groups.iter().map(|one| &one.id).collect::<Vec<_>>(), [&group]);
    }

    async fn s036_a_provider_disabled_while_it_is_asked_signs_nobody_in(engine: Engine) {
        let scene = Scene::on(engine).await;
        let browser = scene.house.browser();
        let callback = callback_of(&browser).await;
        scene.provider.hold(Place::Token);
        let tab = browser.tab();
        let trip = tokio::spawn(async move { tab.open(&callback).await });
        scene.provider.until_waiting(1).await;
        scene.house.set_provider_state(&scene.row, ProviderState::Disabled).await;
        scene.provider.release();
        let page = trip.await.expect("no panic");
        assert_refused(&browser, &page, "provider_disabled");
        assert!(scene.house.users().await.is_empty(), "no half-made user");
    }

    async fn s036_a_provider_removed_while_it_is_asked_signs_nobody_in(engine: Engine) {
        let scene = Scene::on(engine).await;
        let browser = scene.house.browser();
        let callback = callback_of(&browser).await;
        scene.provider.hold(Place::Token);
        let tab = browser.tab();
        let trip = tokio::spawn(async move { tab.open(&callback).await });
        scene.provider.until_waiting(1).await;
        let store = &scene.house.app.store;
        let (by, now) = (By::operator(), scene.house.app.now());
        let removed = store.remove_provider(&scene.row.id, &by, now);
        removed.await.expect("a removal");
        scene.provider.release();
        let page = trip.await.expect("no panic");
        assert_refused(&browser, &page, "provider_not_connected");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_come_from_what_the_provider_says() {
    let scene = Scene::on(Engine::Sqlite).await;
    let cases = [
        (json!({ "given_name": "Grace", "family_name": "Hopper" }), ("Grace", "Hopper")),
        (json!({ "name": "Grace Brewster Hopper" }), ("Grace", "Brewster Hopper")),
        (json!({ "preferred_username": "ghopper" }), ("ghopper", "")),
        (json!({ "preferred_username": "grace@corp.example" }), ("", "")),
        (json!({}), ("", "")),
    ];
    for (number, (names, expected)) in cases.into_iter().enumerate() {
        let email = format!("p{number}@corp.example");
        let mut claims = person(&format!("p{number}"), &email);
        for name in ["given_name", "family_name"] {
            claims.remove(name);
        }
        claims.extend(names.as_object().cloned().expect("an object"));
        scene.provider.script(|script| script.claims = claims);
        assert!(scene.sign_in().await.1.is_signed_in());
        let user = scene.house.find_staff(&email).await.expect("a user");
        assert_eq!((user.name.given.as_str(), user.name.family.as_str()), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s046_a_user_name_that_looks_like_an_address_is_no_name() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.house.add_staff("ada@corp.example", Status::Active).await;
    let before = scene.house.find_staff("ada@corp.example").await.expect("Ada");
    scene.provider.script(|script| {
        script.claims = person("eve", "eve@corp.example");
        for name in ["given_name", "family_name"] {
            script.claims.remove(name);
        }
        script.claims.insert("preferred_username".to_owned(), json!("ada@corp.example"));
    });
    assert!(scene.sign_in().await.1.is_signed_in());
    let eve = scene.house.find_staff("eve@corp.example").await.expect("a user of her own");
    assert_eq!((eve.name.given.as_str(), eve.name.family.as_str()), ("", ""));
    assert_eq!(scene.house.find_staff("ada@corp.example").await, Some(before));
}

#[tokio::test(flavor = "multi_thread")]
async fn s041_only_true_means_verified() {
    let scene = Scene::on(Engine::Sqlite).await;
    for (value, reason) in [
        (json!(false), "email_untrusted"),
        (json!("pending"), "email_untrusted"),
        (json!("true"), "email_untrusted"),
        (json!(1), "email_untrusted"),
        (json!([]), "email_untrusted"),
    ] {
        scene.provider.script(|script| {
            script.claims.insert("email_verified".to_owned(), value);
        });
        scene.refused(reason).await;
    }
    scene.provider.script(|script| {
        script.claims.remove("email_verified");
    });
    scene.refused("email_untrusted").await;
    scene.provider.script(|script| {
        script.claims.remove("email");
    });
    scene.refused("email_missing").await;
    assert!(scene.house.users().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn s042_an_organisation_vouches_for_its_own_domains_alone() {
    let house = House::start(Engine::Sqlite).await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    let added = house.try_connect(&provider, |new, _| {
        new.authority = Authority::Organisation;
        new.trusted_domains = vec!["Corp.Example".to_owned()];
    });
    added.await.expect("a good provider");
    assert!(house.browser().open("/back-office/login/corp").await.is_signed_in());
    provider.person("mallory", "admin@shop.example");
    let browser = house.browser();
    let page = browser.open("/back-office/login/corp").await;
    assert_refused(&browser, &page, "email_untrusted");
}

#[tokio::test(flavor = "multi_thread")]
async fn s051_for_an_untrusted_address_nobody_sees_whether_an_account_exists() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| {
        script.claims.insert("email_verified".to_owned(), json!(false));
    });
    let shown = |page: testkit::Page| {
        let code = page.support_code().expect("a code");
        (page.status, page.body.replace(&code, "CODE"))
    };
    let without = shown(scene.refused("email_untrusted").await);
    scene.house.add_staff("ada@corp.example", Status::Active).await;
    let with = shown(scene.refused("email_untrusted").await);
    assert_eq!(without, with);
}

#[tokio::test(flavor = "multi_thread")]
async fn s036_a_disabled_provider_neither_begins_nor_ends_a_trip() {
    let scene = Scene::on(Engine::Sqlite).await;
    let browser = scene.house.browser();
    let callback = callback_of(&browser).await;
    scene.house.set_provider_state(&scene.row, ProviderState::Disabled).await;
    scene.house.learn().await;
    let page = browser.open(&callback).await;
    assert_refused(&browser, &page, "provider_disabled");
    assert_eq!(scene.provider.times(Place::Token), 0);
    scene.refused("provider_disabled").await;
    let login = scene.house.browser().open("/back-office/login").await;
    assert!(!login.text().contains("Login with"), "{}", login.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_another_door_is_refused_here() {
    let scene = Scene::on(Engine::Sqlite).await;
    for address in ["/storefront/login/corp", "/back-office/login/nobody"] {
        let browser = scene.house.browser();
        let page = browser.open(address).await;
        assert_refused(&browser, &page, "provider_not_connected");
        assert!(page.way_on().expect("a way on").path().ends_with("/login"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_keeps_the_claims_redacted_and_the_rules_weighed() {
    let scene = Scene::with(Engine::Sqlite, UnknownUser::Refuse).await;
    scene.provider.script(|script| {
        script.edit_id_token = Some(Arc::new(|claims| {
            claims.insert("salary".to_owned(), json!("a lot"));
        }));
    });
    let page = scene.refused("unknown_user").await;
    let entry = scene.house.audit_of(&page.support_code().expect("a code")).await;
    let detail = serde_json::to_string(&entry.detail).expect("JSON");
    for part in ["provider_state", "email_trust", "unknown_user", "salary", "…@corp.example"] {
        assert!(detail.contains(part), "{part} in {detail}");
    }
    for hidden in ["a lot", "ada@corp.example", "Lovelace"] {
        assert!(!detail.contains(hidden), "{hidden} in {detail}");
    }
}
