//! What the policy of a connection makes of people, as they see it.

use identity::federation::policy::{Link, PolicyFields, UnknownUser};
use identity::users::{EmailStanding, Status};
use server::federation::save::{self, PolicyEdit, SaveError};
use store::By;
use testkit::{Engine, FakeProvider, House, on_both_engines};

use crate::scene::Scene;

/// A house of customers, with a provider of the operator's own.
async fn storefront(engine: Engine, policy: PolicyEdit) -> (House, FakeProvider) {
    let house = House::start(engine).await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    let added = house.try_connect(&provider, |_, door| {
        door.application = "storefront".to_owned();
        door.policy = policy;
    });
    added.await.expect("a good provider");
    (house, provider)
}

on_both_engines! {
    async fn a_stranger_who_is_held_is_told_to_wait_each_time(engine: Engine) {
        let scene = Scene::with(engine, UnknownUser::Hold).await;
        for _ in 0..2 {
            let page = scene.refused("user_held").await;
            assert_eq!(page.heading(), "Your account is waiting for approval");
            assert_eq!(page.status, 403);
        }
        let users = scene.house.users().await;
        assert_eq!(users.len(), 1, "made once");
        assert_eq!(users[0].status, Status::Held);
    }

    async fn where_nobody_is_linked_an_account_keeps_its_ways_in(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.set_policy(PolicyFields { link: Some(Link::Never), ..PolicyFields::default() }).await;
        let user = scene.house.add_staff("ada@corp.example", Status::Active).await;
        let page = scene.refused("linking_off").await;
        assert_eq!(page.heading(), "You have an account here already");
        let ties = scene.house.app.store.list_identities_of(&user.id).await.expect("ties");
        assert!(ties.is_empty());
        scene.provider.person("grace", "grace@corp.example");
        assert!(scene.sign_in().await.1.is_signed_in(), "strangers are made as ever");
    }

    async fn who_is_of_no_listed_domain_does_not_pass_known_or_not(engine: Engine) {
        let scene = Scene::on(engine).await;
        assert!(scene.sign_in().await.1.is_signed_in());
        let allowed_domains = Some(vec!["partner.example".to_owned()]);
        scene.set_policy(PolicyFields { allowed_domains, ..PolicyFields::default() }).await;
        scene.refused("not_allowed").await;
        scene.provider.person("stranger", "stranger@elsewhere.example");
        let page = scene.refused("not_allowed").await;
        assert_eq!(page.heading(), "You may not sign in here");
        assert_eq!(scene.house.users().await.len(), 1);
        scene.provider.person("partner", "partner@partner.example");
        assert!(scene.sign_in().await.1.is_signed_in());
    }

    async fn customers_of_the_operators_own_provider_may_be_taken_at_its_word(engine: Engine) {
        let policy = PolicyEdit { link: Some(Link::AnyEmail), ..PolicyEdit::default() };
        let (house, provider) = storefront(engine, policy).await;
        provider.script(|script| {
            script.claims.remove("email_verified");
        });
        let page = house.browser().open("/storefront/login/corp").await;
        assert!(page.is_signed_in(), "{}", page.text());
        let made = house.users().await.remove(0);
        assert_eq!(made.email_standing, EmailStanding::Unconfirmed, "confirmed is not verified");
        // What the provider denies counts for nothing, and nobody is let into an account that
        // never showed that the address is its own.
        provider.script(|script| {
            script.claims.insert("sub".to_owned(), "somebody-else".into());
        });
        let page = house.browser().open("/storefront/login/corp").await;
        assert_eq!(page.reason().as_deref(), Some("account_unconfirmed"), "{}", page.text());
        provider.script(|script| {
            script.claims.insert("email_verified".to_owned(), false.into());
        });
        let page = house.browser().open("/storefront/login/corp").await;
        assert_eq!(page.reason().as_deref(), Some("email_untrusted"), "{}", page.text());
    }

    async fn customers_come_as_they_are_where_nothing_is_set(engine: Engine) {
        let (house, _provider) = storefront(engine, PolicyEdit::default()).await;
        let page = house.browser().open("/storefront/login/corp").await;
        assert!(page.is_signed_in(), "{}", page.text());
        assert_eq!(house.users().await[0].status, Status::Active, "at once");
    }
}

#[tokio::test]
async fn staff_are_not_made_where_nothing_is_set() {
    let house = House::start(Engine::Sqlite).await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    let added = house.try_connect(&provider, |_, door| door.policy = PolicyEdit::default()).await;
    added.expect("a good provider");
    let page = house.browser().open("/back-office/login/corp").await;
    assert_eq!(page.reason().as_deref(), Some("unknown_user"), "{}", page.text());
}

#[tokio::test]
async fn a_default_of_the_door_is_checked_against_every_connection_of_it() {
    let scene = Scene::with(Engine::Sqlite, UnknownUser::Refuse).await;
    let tools = scene.house.tools();
    let by = By::operator();
    let never = PolicyEdit { link: Some(Link::Never), ..PolicyEdit::default() };
    let said = save::change_defaults(&tools, "back-office", &never, &by).await;
    let Err(SaveError::Connection(error)) = said else { panic!("{said:?}") };
    assert_eq!(error.code(), "nobody_new");
    let any = PolicyEdit { link: Some(Link::AnyEmail), ..PolicyEdit::default() };
    let said = save::change_defaults(&tools, "back-office", &any, &by).await;
    let Err(SaveError::Connection(error)) = said else { panic!("{said:?}") };
    assert_eq!(error.code(), "any_email");
    let default_groups = Some(vec!["administrators".to_owned()]);
    let administrators = PolicyEdit { default_groups, ..PolicyEdit::default() };
    let said = save::change_defaults(&tools, "back-office", &administrators, &by).await;
    let Err(SaveError::Connection(error)) = said else { panic!("{said:?}") };
    assert_eq!(error.code(), "administrators_by_default");
}
