//! Ways in that an application closes: what its clients got by them ends, and they are told.

use identity::applications::ApplicationKey;
use identity::federation::policy::UnknownUser;
use identity::federation::provider::Provider;
use identity::ids::{ClientId, GrantId};
use identity::sessions::Session;
use store::{ApplicationChange, By, CodeSession, EndReason, NewConnection, Settled, TakenCode};

use crate::clients::client;
use crate::engines::both;
use crate::grants::{give_code, grant_in, granted, holds, take};
use crate::house::{House, at, back_office, digest};
use crate::settle::{arrive, decider};

/// Somebody who came by a provider, with a grant of the shop that ends with the session and one
/// that outlives it.
async fn by_provider(house: &House, provider: &Provider) -> Session {
    let settle = arrive(house, provider, "token", "grace@example.com").await;
    let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
    let Settled::SignedIn { session, .. } = done else { panic!("{done:?}") };
    grant_in(house, &session, "openid", "online").await;
    grant_in(house, &session, "openid offline_access", "offline").await;
    *session
}

async fn connect(house: &House, provider: &Provider, application: ApplicationKey) {
    let new = NewConnection { application, policy: UnknownUser::Create.into(), position: 0 };
    house.store.add_connection(&provider.id, &new, &By::operator(), at(1)).await.unwrap();
}

async fn disconnect(house: &House, provider: &Provider, seconds: u64) {
    let all = house.store.list_connections(Some(&back_office())).await.unwrap();
    let one = all.into_iter().find(|one| one.provider == provider.id).unwrap();
    house
        .store
        .remove_connection(&one.id, &By::operator().forced(true), at(seconds))
        .await
        .unwrap();
}

async fn close_to_passwords(house: &House, seconds: u64) {
    let change = ApplicationChange { local_login: Some(false), ..ApplicationChange::default() };
    let (door, by) = (back_office(), By::operator().forced(true));
    house.store.change_application(&door, &change, &by, at(seconds)).await.unwrap();
}

/// A grant of another application's client, in the same session.
async fn grant_elsewhere(house: &House, session: &Session, application: ApplicationKey) {
    let mut other = client("other");
    other.application = application;
    let (id, by) = (other.id.clone(), By::operator());
    house.store.add_client(&other, None, &by, at(0)).await.unwrap();
    let grant = |code: &CodeSession| {
        let elsewhere = GrantId::from_stored("elsewhere");
        Ok(code.terms.grant(elsewhere, &code.session, true, None, at(1)))
    };
    let terms = identity::oauth::grants::CodeTerms {
        client: id.clone(),
        redirect_uri: "https://other.test/callback".to_owned(),
        challenge: None,
        nonce: None,
        scopes: identity::oauth::scopes::Scopes::of(["openid"]),
        resources: Vec::new(),
        dpop_jkt: None,
    };
    house.store.add_code(&digest("elsewhere"), &terms, &session.id, at(0)).await.unwrap();
    let taken = house.store.take_code(&digest("elsewhere"), &id, grant, &by, at(1)).await.unwrap();
    assert!(matches!(taken, TakenCode::Granted { .. }), "{taken:?}");
}

async fn told(house: &House, seconds: u64) -> Vec<ClientId> {
    house.store.list_clients_due_a_logout(at(seconds)).await.unwrap()
}

both! {
    async fn s075_what_came_by_a_provider_ends_where_that_is_disconnected(house) {
        let storefront = ApplicationKey::parse("storefront").unwrap();
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        connect(house, &acme, storefront.clone()).await;
        let session = by_provider(house, &acme).await;
        grant_elsewhere(house, &session, storefront).await;
        granted(house, "openid offline_access", "password").await;
        give_code(house, "late", "openid", &session).await;
        disconnect(house, &acme, 2).await;
        for reconnected in [false, true] {
            for (grant, is_held) in
                [("online", false), ("offline", false), ("elsewhere", true), ("password", true)]
            {
                assert_eq!(holds(house, grant, 3).await, is_held, "{grant} {reconnected}");
            }
            if !reconnected {
                assert_eq!(take(&house.store, "late", "late", 3).await, TakenCode::Gone);
                connect(house, &acme, back_office()).await;
            }
        }
        assert_eq!(told(house, 3).await, [ClientId::from_stored("shop")]);
        let found = house.store.find_session(&digest("token")).await.unwrap().unwrap();
        assert_eq!(found.session.ended_at, None, "it goes on elsewhere");
        // Whoever was told of its end here is told of its end, too.
        let (by, reason) = (By::operator(), EndReason::SignedOut);
        house.store.end_session(&session.id, reason, &by, at(4)).await.unwrap();
        let all = ["other", "shop"].map(ClientId::from_stored);
        assert_eq!(told(house, 4).await, all);
    }

    async fn s075_what_outlived_a_forgotten_session_ends_where_its_provider_is_disconnected(house) {
        const DAY: u64 = 24 * 3600;
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        by_provider(house, &acme).await;
        granted(house, "openid offline_access", "password").await;
        house.store.prune(at(5 * DAY)).await.unwrap();
        assert!(holds(house, "offline", 5 * DAY).await);
        disconnect(house, &acme, 5 * DAY).await;
        assert!(!holds(house, "offline", 5 * DAY).await);
        assert!(holds(house, "password", 5 * DAY).await, "who came otherwise goes on");
    }

    async fn s075_what_came_by_a_password_ends_where_none_is_taken_any_more(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        by_provider(house, &acme).await;
        let (_, session) = granted(house, "openid", "password").await;
        grant_in(house, &session, "openid offline_access", "away").await;
        give_code(house, "late", "openid", &session).await;
        close_to_passwords(house, 2).await;
        for (grant, is_held) in
            [("password", false), ("away", false), ("online", true), ("offline", true)]
        {
            assert_eq!(holds(house, grant, 3).await, is_held, "{grant}");
        }
        assert_eq!(take(&house.store, "late", "late", 3).await, TakenCode::Gone);
        assert_eq!(told(house, 3).await, [ClientId::from_stored("shop")]);
    }
}
