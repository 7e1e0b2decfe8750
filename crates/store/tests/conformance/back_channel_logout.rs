//! Back-channel logout: whatever ends a session has its clients told, one worker at a time.

use std::time::Duration;

use identity::federation::policy::UnknownUser;
use identity::federation::provider::ProviderState;
use identity::ids::{ClientId, GrantId, SessionId};
use identity::oauth::clients::Client;
use identity::oauth::grants::CodeTerms;
use identity::oauth::scopes::Scopes;
use identity::sessions::Session;
use identity::users::{StatusChange, User};
use store::{
    By, CodeSession, EndReason, LeasedLogout, LogoutOutcome, Paging, PasswordOutcome,
    PasswordSignIn, ProviderChange, Reset, RevokeReason, Settled, TakenCode, VerifiedPassword,
};

use crate::clients::client;
use crate::engines::both;
use crate::house::{House, at, digest, new_session, open};
use crate::resets::{ask, taking};
use crate::settle::{arrive, decider};

const LEASE: Duration = Duration::from_secs(60);
const DAY: u64 = 24 * 3600;

async fn register(house: &House, id: &str, change: impl FnOnce(&mut Client)) -> ClientId {
    let mut client = client(id);
    client.backchannel_logout_session_required = true;
    change(&mut client);
    house.store.add_client(&client, None, &By::operator(), at(0)).await.unwrap();
    client.id
}

fn terms(client: &ClientId, scopes: &str) -> CodeTerms {
    CodeTerms {
        client: client.clone(),
        redirect_uri: "https://shop.example/callback".to_owned(),
        challenge: None,
        nonce: None,
        scopes: Scopes::parse(scopes).unwrap(),
        resources: Vec::new(),
        dpop_jkt: None,
    }
}

/// The client is given a code of the session, and redeems it.
async fn grant(house: &House, client: &ClientId, session: &Session, scopes: &str) -> GrantId {
    let name = format!("{client} of {}", session.id);
    let terms = terms(client, scopes);
    house.store.add_code(&digest(&name), &terms, &session.id, at(1)).await.unwrap();
    let id = GrantId::from_stored(name.clone());
    let made = id.clone();
    let decider = move |code: &CodeSession| {
        Ok(code.terms.grant(made.clone(), &code.session, true, None, at(2)))
    };
    let by = By::operator();
    let taken = house.store.take_code(&digest(&name), client, decider, &by, at(2)).await.unwrap();
    assert!(matches!(taken, TakenCode::Granted { .. }), "{taken:?}");
    id
}

/// Who is due to be told of what.
async fn due(house: &House, seconds: u64) -> Vec<LeasedLogout> {
    let mut due = Vec::new();
    for client in house.store.list_clients_due_a_logout(at(seconds)).await.unwrap() {
        due.extend(lease(house, &client, seconds).await);
    }
    due.sort_by(|one, other| (&one.client, &one.session).cmp(&(&other.client, &other.session)));
    due
}

async fn lease(house: &House, client: &ClientId, seconds: u64) -> Vec<LeasedLogout> {
    house.store.lease_back_channel_logouts(client, at(seconds), 10, LEASE).await.unwrap()
}

async fn end(house: &House, session: &SessionId, reason: EndReason) {
    assert!(house.store.end_session(session, reason, &By::operator(), at(10)).await.unwrap());
}

/// Somebody with a password, who is not the last administrator.
async fn somebody(house: &House) -> User {
    let user = house.staff("ada@example.com").await;
    house.password(&user, "hash").await;
    user
}

both! {
    async fn every_client_that_has_seen_the_session_is_told_and_no_other(house) {
        let user = somebody(house).await;
        let (ended, other) =
            (house.session(&user, "one", at(0)).await, house.session(&user, "two", at(0)).await);
        let online = register(house, "online", |_| {}).await;
        let offline = register(house, "offline", |_| {}).await;
        let given_back = register(house, "given-back", |_| {}).await;
        let deaf = register(house, "deaf", |new| new.backchannel_logout_uri = None).await;
        let elsewhere = register(house, "elsewhere", |_| {}).await;
        register(house, "stranger", |_| {}).await;
        grant(house, &online, &ended, "openid").await;
        grant(house, &offline, &ended, "openid offline_access").await;
        let back = grant(house, &given_back, &ended, "openid").await;
        let reason = RevokeReason::GivenBack;
        let by = By::operator();
        assert!(house.store.revoke_grant(&back, &given_back, reason, &by, at(3)).await.unwrap());
        grant(house, &deaf, &ended, "openid").await;
        grant(house, &elsewhere, &other, "openid").await;
        assert_eq!(due(house, 9).await, [], "nothing has ended yet");
        end(house, &ended.id, EndReason::SignedOut).await;
        let told = due(house, 10).await;
        let named: Vec<_> = told.iter().map(|one| one.client.as_str()).collect();
        assert_eq!(named, ["given-back", "offline", "online"]);
        let first = &told[0];
        assert_eq!((&first.session, &first.user), (&ended.id, &user.id));
        assert_eq!((&first.subject, first.tries), (&user.public_id, 1));
    }

    async fn s099_a_provider_that_is_switched_off_has_the_clients_of_its_sessions_told(house) {
        let shop = register(house, "shop", |_| {}).await;
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &acme, "token", "grace@example.com").await;
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        let Settled::SignedIn { user, .. } = done else { panic!("{done:?}") };
        let session = house.store.list_sessions(&user.id).await.unwrap().remove(0);
        grant(house, &shop, &session, "openid offline_access").await;
        let other = house.session(&somebody(house).await, "by-password", at(0)).await;
        grant(house, &shop, &other, "openid").await;
        let off = Some(ProviderState::Disabled);
        let change = ProviderChange { state: off, ..ProviderChange::default() };
        house.store.change_provider(&acme.id, &change, &By::operator(), at(10)).await.unwrap();
        let told = due(house, 10).await;
        let named: Vec<_> = told.iter().map(|one| (&one.client, &one.session)).collect();
        assert_eq!(named, [(&shop, &session.id)]);
    }

    async fn whatever_ends_a_session_has_its_clients_told(house) {
        let shop = register(house, "shop", |_| {}).await;
        let store = &house.store;
        let by = By::operator();
        for way in ["end_all", "deactivate", "delete", "password", "reset"] {
            house.staff(&format!("other-{way}@example.com")).await;
            let user = house.staff(&format!("{way}@example.com")).await;
            house.password(&user, "hash").await;
            let (kept, gone) = (
                house.session(&user, &format!("kept {way}"), at(0)).await,
                house.session(&user, &format!("gone {way}"), at(0)).await,
            );
            grant(house, &shop, &kept, "openid").await;
            grant(house, &shop, &gone, "openid").await;
            let mut expected = vec![gone.id.clone()];
            match way {
                "end_all" => {
                    store.end_user_sessions(&user.id, Some(&kept.id), &by, at(10)).await.unwrap();
                }
                "password" => {
                    store.set_password(&user.id, "new", Some(&kept.id), &by, at(10)).await.unwrap();
                }
                "reset" => {
                    ask(house, &user, way).await;
                    let taken = store.take_password_reset(&taking(way, "new"), &by, at(10)).await.unwrap();
                    assert!(matches!(taken, Reset::Good(_)), "{taken:?}");
                    expected.push(kept.id.clone());
                }
                _ => {
                    let delete = way == "delete";
                    let change =
                        if delete { StatusChange::Delete } else { StatusChange::Deactivate };
                    store.change_user_status(&user.id, change, &by, at(10)).await.unwrap();
                    expected.push(kept.id.clone());
                }
            }
            expected.sort();
            let told: Vec<_> = due(house, 10).await.into_iter().map(|one| one.session).collect();
            assert_eq!(told, expected, "{way}");
            for session in [kept, gone] {
                store.end_session(&session.id, EndReason::Ended, &by, at(11)).await.unwrap();
            }
            for one in due(house, 11).await {
                let outcome = LogoutOutcome::Done;
                store.end_back_channel_logout(&one, None, outcome, "", at(11)).await.unwrap();
            }
        }
    }

    async fn a_worker_that_dies_leaves_it_to_the_next(house) {
        let user = somebody(house).await;
        let session = house.session(&user, "one", at(0)).await;
        let shop = register(house, "shop", |_| {}).await;
        grant(house, &shop, &session, "openid").await;
        end(house, &session.id, EndReason::SignedOut).await;
        assert_eq!(lease(house, &shop, 10).await.len(), 1);
        // Another process, after a restart: as long as the lease lasts it finds nothing.
        let other = open(&house.url).await.unwrap();
        assert_eq!(other.list_clients_due_a_logout(at(69)).await.unwrap(), []);
        let limit = 10;
        let early = other.lease_back_channel_logouts(&shop, at(69), limit, LEASE).await.unwrap();
        assert_eq!(early, []);
        let late = other.lease_back_channel_logouts(&shop, at(70), limit, LEASE).await.unwrap();
        assert_eq!(late.iter().map(|one| one.tries).collect::<Vec<_>>(), [2]);
        other.close().await;
    }

    async fn twenty_workers_never_share_one(house) {
        let user = somebody(house).await;
        let shop = register(house, "shop", |_| {}).await;
        for number in 0..20 {
            let session = house.session(&user, &number.to_string(), at(0)).await;
            grant(house, &shop, &session, "openid").await;
        }
        house.store.end_user_sessions(&user.id, None, &By::operator(), at(10)).await.unwrap();
        let workers = (0..20).map(|_| {
            let (store, shop) = (house.store.clone(), shop.clone());
            async move { store.lease_back_channel_logouts(&shop, at(10), 3, LEASE).await.unwrap() }
        });
        let leased = crate::races::at_once(workers).await;
        assert!(leased.iter().all(|one| one.len() <= 3));
        let mut all: Vec<_> = leased.into_iter().flatten().map(|one| one.session).collect();
        all.extend(due(house, 10).await.into_iter().map(|one| one.session));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 20);
    }

    async fn s099_what_came_of_it_is_in_the_audit_once(house) {
        let user = somebody(house).await;
        let session = house.session(&user, "one", at(0)).await;
        let shop = register(house, "shop", |_| {}).await;
        grant(house, &shop, &session, "openid").await;
        end(house, &session.id, EndReason::SignedOut).await;
        let first = lease(house, &shop, 10).await.remove(0);
        let store = &house.store;
        store.put_off_back_channel_logout(&first, "HTTP 503", at(15)).await.unwrap();
        assert_eq!(lease(house, &shop, 14).await, []);
        assert_eq!(store.count_back_channel_logouts().await.unwrap(), 1, "put off is not done");
        let second = lease(house, &shop, 15).await.remove(0);
        let door = crate::house::back_office();
        for _ in 0..2 {
            let (outcome, said) = (LogoutOutcome::Refused, "HTTP 400");
            let ended = store.end_back_channel_logout(&second, Some(&door), outcome, said, at(16));
            ended.await.unwrap();
        }
        assert_eq!(lease(house, &shop, 10 * DAY).await, [], "never due again");
        assert_eq!(store.count_back_channel_logouts().await.unwrap(), 0);
        store.put_off_back_channel_logout(&second, "late news", at(20)).await.unwrap();
        assert_eq!(lease(house, &shop, 10 * DAY).await, [], "whatever a slow worker says");
        let entries = store.list_audit(Some(&user.id), &Paging::first(50)).await.unwrap().items;
        let mine: Vec<_> = entries.iter().filter(|one| one.action == "client.logout").collect();
        assert_eq!(mine.len(), 1);
        assert_eq!((mine[0].actor.as_str(), mine[0].outcome.as_str()), ("system", "refused"));
        assert_eq!(mine[0].application.as_ref(), Some(&door));
        let detail = serde_json::json!({
            "client": "shop", "session": session.id.as_str(), "tries": 2, "said": "HTTP 400",
        });
        assert_eq!(serde_json::Value::Object(mine[0].detail.clone()), detail);
    }

    async fn a_client_without_sids_hears_nothing_while_the_browser_is_signed_in_anew(house) {
        let user = somebody(house).await;
        let simple =
            register(house, "simple", |new| new.backchannel_logout_session_required = false).await;
        let exact = register(house, "exact", |_| {}).await;
        let old = house.session(&user, "old", at(0)).await;
        // The test's sessions are all of one browser.
        let new = house.session(&user, "new", at(5)).await;
        for client in [&simple, &exact] {
            grant(house, client, &old, "openid").await;
            grant(house, client, &new, "openid").await;
        }
        let named = async || {
            let due = due(house, 10).await;
            due.into_iter().map(|one| (one.client, one.session)).collect::<Vec<_>>()
        };
        end(house, &old.id, EndReason::Replaced).await;
        assert_eq!(named().await, [(exact.clone(), old.id)]);
        end(house, &new.id, EndReason::SignedOut).await;
        assert_eq!(named().await, [(exact, new.id.clone()), (simple, new.id)]);
    }

    async fn nobody_gets_a_grant_of_a_session_and_is_not_told_of_its_end(house) {
        let user = somebody(house).await;
        let shop = register(house, "shop", |_| {}).await;
        let other = open(&house.url).await.unwrap();
        let by = By::operator();
        for round in 0..25 {
            let name = format!("round {round}");
            let session = house.session(&user, &name, at(0)).await;
            let terms = terms(&shop, "openid");
            house.store.add_code(&digest(&name), &terms, &session.id, at(1)).await.unwrap();
            let take = {
                let (store, shop, name) = (house.store.clone(), shop.clone(), name.clone());
                tokio::spawn(async move {
                    let id = GrantId::from_stored(name.as_str());
                    let decider = |code: &CodeSession| {
                        Ok(code.terms.grant(id.clone(), &code.session, true, None, at(2)))
                    };
                    let by = By::operator();
                    store.take_code(&digest(&name), &shop, decider, &by, at(2)).await.unwrap()
                })
            };
            let ended = other.end_session(&session.id, EndReason::SignedOut, &by, at(2)).await;
            assert!(ended.unwrap());
            let granted = matches!(take.await.expect("no panic"), TakenCode::Granted { .. });
            let told = due(house, 10).await;
            assert_eq!(told.len(), usize::from(granted), "{round}: granted {granted}");
            for one in told {
                let outcome = LogoutOutcome::Done;
                house.store.end_back_channel_logout(&one, None, outcome, "", at(11)).await.unwrap();
            }
        }
        other.close().await;
    }

    async fn a_client_that_is_removed_is_told_nothing_more(house) {
        let user = somebody(house).await;
        let session = house.session(&user, "one", at(0)).await;
        let shop = register(house, "shop", |_| {}).await;
        grant(house, &shop, &session, "openid").await;
        end(house, &session.id, EndReason::SignedOut).await;
        house.store.remove_client(&shop, &By::operator(), at(11)).await.unwrap();
        assert_eq!(due(house, 11).await, []);
    }

    async fn a_grant_is_kept_until_its_session_is_forgotten(house) {
        let user = somebody(house).await;
        let mut long = new_session("long");
        long.times.absolute = Duration::from_secs(90 * DAY);
        let by = By::operator();
        let sign_in = PasswordSignIn {
            password: VerifiedPassword { user: &user.id, verified_hash: "hash", rehash: None },
            session: &long,
            buckets: &[],
            by: &by,
        };
        let keep = |counters: &[_]| counters.to_vec();
        let begun = house.store.complete_password_sign_in(&sign_in, keep, at(0)).await;
        let PasswordOutcome::SignedIn { session, .. } = begun.unwrap() else { panic!("refused") };
        let (kept, back) =
            (register(house, "kept", |_| {}).await, register(house, "back", |_| {}).await);
        grant(house, &kept, &session, "openid").await;
        let given_back = grant(house, &back, &session, "openid").await;
        let reason = RevokeReason::GivenBack;
        assert!(house.store.revoke_grant(&given_back, &back, reason, &by, at(3)).await.unwrap());
        house.store.prune(at(60 * DAY)).await.unwrap();
        end(house, &session.id, EndReason::SignedOut).await;
        let told = due(house, 10).await;
        assert_eq!(told.len(), 2);
        let outcome = LogoutOutcome::Done;
        house.store.end_back_channel_logout(&told[0], None, outcome, "", at(11)).await.unwrap();
        house.store.prune(at(10 + 7 * DAY)).await.unwrap();
        assert_eq!(house.store.prune(at(10 + 7 * DAY + 1)).await.unwrap().rows, 1, "what is done");
        assert_eq!(due(house, 9 * DAY).await.len(), 1, "and never what is not");
    }
}
