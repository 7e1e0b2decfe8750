//! Codes, grants and waiting requests: once, for whom they were meant, and taken back whole.

use std::time::Duration;

use identity::federation::policy::UnknownUser;
use identity::federation::provider::ProviderState;
use identity::ids::{ClientId, GrantId};
use identity::oauth::error::{OAuthError, OAuthFault};
use identity::oauth::grants::{CodeTerms, Grant};
use identity::oauth::parameters::Parameters;
use identity::oauth::refresh::Presented;
use identity::oauth::scopes::Scopes;
use identity::sessions::Session;
use identity::users::{StatusChange, User};
use store::{
    By, CodeSession, Conflict, EndReason, Error, ProviderChange, Refreshed, RevokeReason, Settled,
    Store, TakenCode, WaitingRequest,
};

use crate::clients::client;
use crate::engines::both;
use crate::house::{House, at, digest};
use crate::races::at_once;
use crate::settle::{arrive, decider};

fn shop() -> ClientId {
    ClientId::from_stored("shop")
}

fn terms(scopes: &str) -> CodeTerms {
    CodeTerms {
        client: shop(),
        redirect_uri: "https://shop.test/callback".to_owned(),
        challenge: None,
        nonce: Some("n".to_owned()),
        scopes: Scopes::parse(scopes).unwrap(),
        resources: vec!["https://orders.test".to_owned()],
        dpop_jkt: None,
    }
}

/// What the server's decider does once everything is in order.
fn grants(id: &str, seconds: u64) -> impl Fn(&CodeSession) -> Result<Grant, OAuthFault> + Sync {
    let id = GrantId::from_stored(id);
    move |code| Ok(code.terms.grant(id.clone(), &code.session, true, None, at(seconds)))
}

pub(crate) async fn take(store: &Store, code: &str, grant: &str, seconds: u64) -> TakenCode {
    let decider = grants(grant, seconds);
    store.take_code(&digest(code), &shop(), decider, &By::operator(), at(seconds)).await.unwrap()
}

/// A code of the shop, which belongs to the back office.
pub(crate) async fn give_code(house: &House, code: &str, scopes: &str, session: &Session) {
    match house.store.add_client(&client("shop"), None, &By::operator(), at(0)).await {
        Ok(()) | Err(Error::Conflict(Conflict::KeyTaken)) => {}
        Err(error) => panic!("no shop: {error}"),
    }
    house.store.add_code(&digest(code), &terms(scopes), &session.id, at(0)).await.unwrap();
}

/// Somebody signed in at 0 with a grant named `grant`.
pub(crate) async fn granted(house: &House, scopes: &str, grant: &str) -> (User, Session) {
    let user = house.administrator(&format!("{grant}@example.com")).await;
    house.staff(&format!("other-{grant}@example.com")).await;
    let session = house.session(&user, grant, at(0)).await;
    grant_in(house, &session, scopes, grant).await;
    (user, session)
}

pub(crate) async fn grant_in(house: &House, session: &Session, scopes: &str, grant: &str) {
    give_code(house, grant, scopes, session).await;
    let taken = take(&house.store, grant, grant, 1).await;
    assert!(matches!(taken, TakenCode::Granted { .. }), "{taken:?}");
}

async fn use_token(store: &Store, grant: &str, generation: u32, seconds: u64) -> Refreshed {
    let presented = Presented { grant: GrantId::from_stored(grant), generation };
    store.refresh_grant(&presented, &shop(), None, &By::operator(), at(seconds)).await.unwrap()
}

pub(crate) async fn holds(house: &House, grant: &str, seconds: u64) -> bool {
    let found = house.store.find_grant(&GrantId::from_stored(grant)).await.unwrap();
    found.is_some_and(|found| found.holds(at(seconds)))
}

both! {
    async fn s083_a_grant_without_a_code_ends_with_its_session(house) {
        let user = house.administrator("ada@example.com").await;
        let session = house.session(&user, "ada", at(0)).await;
        let id = GrantId::from_stored("exchanged");
        let grant = terms("openid").grant(id.clone(), &session, false, None, at(0));
        house.store.add_grant(&grant).await.unwrap();
        let found = house.store.find_grant(&id).await.unwrap().unwrap();
        assert_eq!((&found.grant, found.holds(at(1))), (&grant, true));
        let (by, reason) = (By::operator(), EndReason::SignedOut);
        house.store.end_session(&session.id, reason, &by, at(2)).await.unwrap();
        let found = house.store.find_grant(&id).await.unwrap().unwrap();
        assert!(!found.holds(at(2)));
    }

    async fn s064_a_code_gives_one_grant_and_a_second_use_takes_it_back(house) {
        let (user, session) = granted(house, "openid", "one").await;
        let found = house.store.find_grant(&GrantId::from_stored("one")).await.unwrap().unwrap();
        assert_eq!((&found.user, found.session.as_ref()), (&user, Some(&session)));
        assert_eq!(found.grant.resources, ["https://orders.test"]);
        assert_eq!((found.grant.generation, found.grant.auth_time), (1, session.auth_time));
        let again = take(&house.store, "one", "two", 2).await;
        assert_eq!(again, TakenCode::Replayed { grant: Some(GrantId::from_stored("one")) });
        assert!(!holds(house, "one", 2).await);
        assert_eq!(house.store.find_grant(&GrantId::from_stored("two")).await.unwrap(), None);
    }

    async fn s064_nobody_elses_code_can_be_used_up(house) {
        let user = house.administrator("ada@example.com").await;
        let session = house.session(&user, "ada", at(0)).await;
        give_code(house, "one", "openid", &session).await;
        let (other, by) = (ClientId::from_stored("other"), By::operator());
        let taken =
            house.store.take_code(&digest("one"), &other, grants("one", 1), &by, at(1)).await;
        assert_eq!(taken.unwrap(), TakenCode::Gone);
        let taken = take(&house.store, "one", "one", 1).await;
        assert!(matches!(taken, TakenCode::Granted { .. }), "{taken:?}");
    }

    async fn s064_a_code_works_for_a_minute_and_one_of_fifty(house) {
        let user = house.administrator("ada@example.com").await;
        let session = house.session(&user, "ada", at(0)).await;
        for code in ["late", "many"] {
            give_code(house, code, "openid", &session).await;
        }
        assert_eq!(take(&house.store, "late", "late", 60).await, TakenCode::Gone);
        assert_eq!(take(&house.store, "never", "never", 1).await, TakenCode::Gone);
        let tasks = (0..50).map(|number| {
            let store = house.store.clone();
            async move { take(&store, "many", &format!("grant {number}"), 1).await }
        });
        let said = at_once(tasks).await;
        let granted = said.iter().filter(|one| matches!(one, TakenCode::Granted { .. })).count();
        assert_eq!(granted, 1);
    }

    async fn a_code_that_is_looked_at_is_not_used_up(house) {
        let user = house.administrator("ada@example.com").await;
        let session = house.session(&user, "ada", at(0)).await;
        give_code(house, "c", "openid", &session).await;
        let look = async |code: &str, client: &ClientId, seconds| {
            house.store.find_code(&digest(code), client, at(seconds)).await.unwrap()
        };
        assert_eq!(look("c", &shop(), 1).await, Some(terms("openid")));
        assert_eq!(look("c", &ClientId::from_stored("stranger"), 1).await, None);
        assert_eq!(look("never", &shop(), 1).await, None);
        assert_eq!(look("c", &shop(), 60).await, None, "its minute is over");
        assert!(matches!(take(&house.store, "c", "one", 2).await, TakenCode::Granted { .. }));
        assert_eq!(look("c", &shop(), 3).await, None, "taken");
    }

    async fn a_refused_code_is_used_up_and_gives_nothing(house) {
        let user = house.administrator("ada@example.com").await;
        let session = house.session(&user, "ada", at(0)).await;
        give_code(house, "c", "openid", &session).await;
        let fault = OAuthFault::new(OAuthError::InvalidGrant, "no");
        let refuse = |_: &CodeSession| Err(fault.clone());
        let by = By::operator();
        let said = house.store.take_code(&digest("c"), &shop(), refuse, &by, at(1)).await.unwrap();
        assert_eq!(said, TakenCode::Refused(fault.clone()));
        let again = take(&house.store, "c", "late", 2).await;
        assert_eq!(again, TakenCode::Replayed { grant: None });
    }

    async fn a_code_of_a_session_that_is_over_gives_nothing(house) {
        let user = house.administrator("ada@example.com").await;
        let session = house.session(&user, "ada", at(0)).await;
        give_code(house, "c", "openid", &session).await;
        let by = By::operator();
        house.store.end_session(&session.id, EndReason::SignedOut, &by, at(1)).await.unwrap();
        assert_eq!(take(&house.store, "c", "grant", 2).await, TakenCode::Gone);
    }

    async fn a_stranger_with_a_used_code_takes_nothing_back(house) {
        granted(house, "openid", "one").await;
        let stranger = ClientId::from_stored("stranger");
        let by = By::operator();
        let said = house.store.take_code(&digest("one"), &stranger, grants("x", 2), &by, at(2)).await;
        assert_eq!(said.unwrap(), TakenCode::Gone);
        assert!(holds(house, "one", 2).await);
    }

    async fn s072_a_family_goes_on_by_its_head_and_ends_by_anything_older(house) {
        granted(house, "openid", "one").await;
        let Refreshed::Carried(found) = use_token(&house.store, "one", 1, 100).await else {
            panic!("the head is carried on");
        };
        assert_eq!((found.grant.generation, found.grant.refreshed_at), (2, at(100)));
        let Refreshed::Carried(found) = use_token(&house.store, "one", 1, 129).await else {
            panic!("its predecessor is, for thirty seconds");
        };
        assert_eq!((found.grant.generation, found.grant.refreshed_at), (2, at(100)));
        let replayed = Refreshed::Replayed(GrantId::from_stored("one"));
        assert_eq!(use_token(&house.store, "one", 1, 130).await, replayed);
        assert_eq!(use_token(&house.store, "one", 2, 131).await, Refreshed::Over);
        assert!(!holds(house, "one", 131).await);
    }

    async fn s073_a_thousand_uses_at_once_leave_one_head(house) {
        granted(house, "openid", "one").await;
        // The first crowd meets while connections are still being opened, one after the other;
        // those behind it meet on open ones.
        let crowds = [1000].into_iter().chain([50; 10]);
        for (generation, callers) in (1..).zip(crowds) {
            let tasks = (0..callers).map(|_| {
                let store = house.store.clone();
                async move { use_token(&store, "one", generation, 100).await }
            });
            for said in at_once(tasks).await {
                let Refreshed::Carried(found) = said else { panic!("{said:?}") };
                assert_eq!(found.grant.generation, generation + 1);
            }
        }
    }

    async fn a_family_is_for_one_client_and_one_key(house) {
        granted(house, "openid", "one").await;
        let presented = Presented { grant: GrantId::from_stored("one"), generation: 1 };
        let (stranger, by) = (ClientId::from_stored("stranger"), By::operator());
        let said = house.store.refresh_grant(&presented, &stranger, None, &by, at(2)).await;
        assert_eq!(said.unwrap(), Refreshed::Over);
        assert!(holds(house, "one", 2).await, "somebody else's try harms nobody");
        let never = use_token(&house.store, "never", 1, 2).await;
        assert_eq!(never, Refreshed::Over);
    }

    async fn s075_a_grant_ends_with_its_session_unless_it_may_outlive_it(house) {
        let (_, session) = granted(house, "openid", "online").await;
        let by = By::operator();
        house.store.end_session(&session.id, EndReason::SignedOut, &by, at(5)).await.unwrap();
        assert!(!holds(house, "online", 5).await);
        assert_eq!(use_token(&house.store, "online", 1, 6).await, Refreshed::Over);

        let (_, session) = granted(house, "openid offline_access", "offline").await;
        house.store.end_session(&session.id, EndReason::SignedOut, &by, at(5)).await.unwrap();
        assert!(holds(house, "offline", 5).await);
        assert!(matches!(use_token(&house.store, "offline", 1, 6).await, Refreshed::Carried(_)));
    }

    async fn s093_what_came_by_a_provider_ends_when_it_is_switched_off_and_stays_so(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &acme, "token", "grace@example.com").await;
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        let Settled::SignedIn { user, .. } = done else { panic!("{done:?}") };
        let session = house.store.list_sessions(&user.id).await.unwrap().remove(0);
        grant_in(house, &session, "openid", "online").await;
        grant_in(house, &session, "openid offline_access", "offline").await;
        let (_, own) = granted(house, "openid offline_access", "password").await;
        let by = By::operator();
        for state in [ProviderState::Disabled, ProviderState::Enabled] {
            let change = ProviderChange { state: Some(state), ..ProviderChange::default() };
            house.store.change_provider(&acme.id, &change, &by, at(2)).await.unwrap();
            for grant in ["online", "offline"] {
                assert!(!holds(house, grant, 3).await, "{grant} when {state:?}");
            }
            let found = house.store.find_session(&digest("token")).await.unwrap().unwrap();
            assert_eq!(found.session.ended_at, Some(at(2)), "{state:?}");
            assert!(holds(house, "password", 3).await, "who came otherwise goes on");
            let kept = house.store.list_sessions(&own.user).await.unwrap();
            assert_eq!(kept, std::slice::from_ref(&own));
        }
    }

    async fn s093_what_outlived_a_forgotten_session_ends_with_the_provider_of_its_user(house) {
        const DAY: u64 = 24 * 3600;
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &acme, "token", "grace@example.com").await;
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        let Settled::SignedIn { user, .. } = done else { panic!("{done:?}") };
        let session = house.store.list_sessions(&user.id).await.unwrap().remove(0);
        grant_in(house, &session, "openid offline_access", "offline").await;
        granted(house, "openid offline_access", "password").await;
        house.store.prune(at(5 * DAY)).await.unwrap();
        assert_eq!(house.store.find_session(&digest("token")).await.unwrap(), None);
        assert!(holds(house, "offline", 5 * DAY).await);
        let off = Some(ProviderState::Disabled);
        let change = ProviderChange { state: off, ..ProviderChange::default() };
        house.store.change_provider(&acme.id, &change, &By::operator(), at(5 * DAY)).await.unwrap();
        assert!(!holds(house, "offline", 5 * DAY).await);
        assert!(holds(house, "password", 5 * DAY).await, "who came otherwise goes on");
    }

    async fn what_outlives_a_session_ends_when_its_user_does(house) {
        let by = By::operator();
        let (user, _) = granted(house, "openid offline_access", "everywhere").await;
        house.store.end_user_sessions(&user.id, None, &by, at(5)).await.unwrap();
        assert!(!holds(house, "everywhere", 5).await);

        let (user, _) = granted(house, "openid offline_access", "password").await;
        house.store.set_password(&user.id, "new", None, &by, at(5)).await.unwrap();
        assert!(!holds(house, "password", 5).await);

        let (user, _) = granted(house, "openid offline_access", "status").await;
        let off = StatusChange::Deactivate;
        house.store.change_user_status(&user.id, off, &by, at(5)).await.unwrap();
        assert!(!holds(house, "status", 5).await);
        let on = StatusChange::Activate;
        house.store.change_user_status(&user.id, on, &by, at(6)).await.unwrap();
        assert!(!holds(house, "status", 6).await, "and does not come back");
    }

    async fn a_client_gives_its_own_grant_back_and_no_other(house) {
        granted(house, "openid", "one").await;
        let (id, by) = (GrantId::from_stored("one"), By::operator());
        let stranger = ClientId::from_stored("stranger");
        let reason = RevokeReason::GivenBack;
        assert!(!house.store.revoke_grant(&id, &stranger, reason, &by, at(2)).await.unwrap());
        assert!(holds(house, "one", 2).await);
        assert!(house.store.revoke_grant(&id, &shop(), reason, &by, at(2)).await.unwrap());
        assert!(!house.store.revoke_grant(&id, &shop(), reason, &by, at(3)).await.unwrap());
        assert!(!holds(house, "one", 3).await);
    }

    async fn s080_a_waiting_request_is_taken_once_and_ends(house) {
        let request = WaitingRequest {
            client: shop(),
            parameters: Parameters::read([("scope", "openid"), ("resource", "a:b")]).unwrap(),
            begun_at: at(0),
        };
        let name = digest("request");
        let life = Duration::from_secs(60);
        house.store.add_authorization_request(&name, &request, life).await.unwrap();
        let find = async |seconds| house.store.find_authorization_request(&name, at(seconds)).await;
        assert_eq!(find(59).await.unwrap(), Some(request.clone()));
        assert_eq!(find(60).await.unwrap(), None);
        house.store.change_authorization_request(&name, at(30)).await.unwrap();
        let request = WaitingRequest { begun_at: at(30), ..request };
        assert_eq!(find(59).await.unwrap(), Some(request.clone()), "it ends when it was to end");
        assert_eq!(find(60).await.unwrap(), None);
        let stranger = ClientId::from_stored("stranger");
        let take =
            async |client| house.store.take_authorization_request(&name, &client, at(1)).await;
        assert_eq!(take(stranger).await.unwrap(), None);
        assert_eq!(take(shop()).await.unwrap(), Some(request));
        assert_eq!(take(shop()).await.unwrap(), None);
    }
}
