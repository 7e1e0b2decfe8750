//! Clients: kept as registered, known by their live secrets, and gone with all they were given.

use identity::applications::ApplicationKey;
use identity::ids::{ClientId, GrantId};
use identity::oauth::client_auth::LiveSecret;
use identity::oauth::clients::{Client, ClientAuthMethod, ClientKind, GrantType, SigningAlgorithm};
use identity::oauth::grants::CodeTerms;
use identity::oauth::once::OnceId;
use identity::oauth::registration::{ClientChange, RegistrationFault};
use identity::oauth::scopes::Scopes;
use identity::return_to::Origin;
use identity::secret::Digest;
use identity::time::Moment;
use serde_json::json;
use store::{
    By, ChangeKind, Changes, ClientOutcome, CodeSession, Conflict, Error, Paging, TakenCode,
};

use crate::engines::both;
use crate::house::{House, at, back_office, digest};

const DAY: u64 = 24 * 3600;

/// A client with something in every field.
pub(crate) fn client(id: &str) -> Client {
    let list = |text: &str| vec![text.to_owned()];
    Client {
        id: ClientId::from_stored(id),
        application: back_office(),
        name: format!("The {id}"),
        kind: ClientKind::Confidential,
        authentication: ClientAuthMethod::PrivateKeyJwt,
        redirect_uris: list("https://shop.example/callback"),
        post_logout_redirect_uris: list("https://shop.example/"),
        backchannel_logout_uri: Some("https://shop.example/logout".to_owned()),
        backchannel_logout_session_required: false,
        backchannel_logout_private: true,
        cors_origins: vec![Origin::parse("https://shop.example").unwrap()],
        grant_types: vec![GrantType::AuthorizationCode, GrantType::TokenExchange],
        scopes: list("openid"),
        resources: list("https://orders.example"),
        id_token_algorithm: SigningAlgorithm::EdDsa,
        require_pkce: false,
        require_nonce: true,
        require_par: true,
        require_dpop: true,
        jwks: Some(json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] })),
        disabled: false,
        created_at: at(0),
    }
}

async fn add(house: &House, id: &str, secret: &str) -> Client {
    let client = client(id);
    let secret = digest(secret);
    house.store.add_client(&client, Some(&secret), &By::operator(), at(0)).await.unwrap();
    client
}

fn terms(client: &ClientId) -> CodeTerms {
    CodeTerms {
        client: client.clone(),
        redirect_uri: "https://shop.example/callback".to_owned(),
        challenge: None,
        nonce: None,
        scopes: Scopes::of(["openid"]),
        resources: Vec::new(),
        dpop_jkt: None,
    }
}

async fn secrets(house: &House, client: &Client, now: Moment) -> Vec<LiveSecret> {
    let found = house.store.find_client_with_secrets(&client.id, now).await.unwrap();
    found.expect("the client is there").secrets
}

fn live(secret: &str, expires_at: Option<Moment>) -> LiveSecret {
    LiveSecret { digest: digest(secret), expires_at }
}

async fn changed_ids(house: &House, after: i64) -> Vec<String> {
    let Changes::Since(changes) = house.store.list_changes(after, 100).await.unwrap() else {
        panic!("nothing was pruned")
    };
    changes.into_iter().filter(|one| one.kind == ChangeKind::Client).map(|one| one.id).collect()
}

both! {
    async fn a_client_is_read_back_as_it_was_registered(house) {
        let by = By::operator();
        let saved = add(house, "shop", "secret").await;
        assert_eq!(house.store.find_client(&saved.id).await.unwrap(), Some(saved.clone()));
        assert_eq!(secrets(house, &saved, at(0)).await, [live("secret", None)]);
        let bare = Client {
            kind: ClientKind::Public,
            authentication: ClientAuthMethod::None,
            backchannel_logout_uri: None,
            jwks: None,
            ..client("app")
        };
        house.store.add_client(&bare, None, &by, at(0)).await.unwrap();
        assert_eq!(house.store.find_client(&bare.id).await.unwrap(), Some(bare.clone()));
        assert_eq!(secrets(house, &bare, at(0)).await, []);
        let twin = house.store.add_client(&client("shop"), None, &by, at(1)).await;
        assert!(matches!(twin, Err(Error::Conflict(Conflict::KeyTaken))), "{twin:?}");
        let elsewhere = Client {
            application: ApplicationKey::from_stored("nowhere"),
            ..client("lost")
        };
        let said = house.store.add_client(&elsewhere, Some(&digest("x")), &by, at(1)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
        let nobody = ClientId::from_stored("lost");
        assert_eq!(house.store.find_client(&nobody).await.unwrap(), None);
        assert_eq!(house.store.find_client_with_secrets(&nobody, at(1)).await.unwrap(), None);
    }

    async fn clients_are_listed_by_application(house) {
        add(house, "b", "one").await;
        let other =
            Client { application: ApplicationKey::from_stored("storefront"), ..client("a") };
        house.store.add_client(&other, None, &By::operator(), at(0)).await.unwrap();
        let ids = |clients: Vec<Client>| -> Vec<String> {
            clients.into_iter().map(|one| one.id.to_string()).collect()
        };
        assert_eq!(ids(house.store.list_clients(None).await.unwrap()), ["b", "a"]);
        let of_one = house.store.list_clients(Some(&other.application)).await.unwrap();
        assert_eq!(ids(of_one), ["a"]);
        let all = house.store.list_clients_with_secrets().await.unwrap();
        let known: Vec<_> =
            all.iter().map(|one| (one.client.id.as_str(), one.secrets.len())).collect();
        assert_eq!(known, [("a", 0), ("b", 1)]);
    }

    async fn a_change_is_checked_against_what_is_there(house) {
        let by = By::operator();
        let saved = add(house, "shop", "secret").await;
        let change = ClientChange {
            name: Some("Other".to_owned()),
            authentication: Some(ClientAuthMethod::ClientSecretPost),
            redirect_uris: Some(vec!["https://shop.example/other".to_owned()]),
            post_logout_redirect_uris: Some(Vec::new()),
            backchannel_logout_uri: Some(None),
            backchannel_logout_session_required: Some(true),
            backchannel_logout_private: Some(false),
            cors_origins: Some(Vec::new()),
            grant_types: Some(vec![GrantType::AuthorizationCode]),
            scopes: Some(vec!["openid".to_owned(), "email".to_owned()]),
            resources: Some(Vec::new()),
            id_token_algorithm: Some(SigningAlgorithm::Es256),
            require_pkce: Some(true),
            require_nonce: Some(false),
            require_par: Some(false),
            require_dpop: Some(false),
            jwks: None,
        };
        let expected = change.apply(saved.clone()).unwrap();
        let done = house.store.change_client(&saved.id, &change, &by, at(1)).await.unwrap();
        assert_eq!(done, ClientOutcome::Changed(Box::new(expected.clone())));
        assert_eq!(house.store.find_client(&saved.id).await.unwrap(), Some(expected.clone()));
        let latest = house.store.latest_change().await.unwrap();
        let bad = ClientChange { redirect_uris: Some(Vec::new()), ..ClientChange::default() };
        let done = house.store.change_client(&saved.id, &bad, &by, at(2)).await.unwrap();
        assert_eq!(done, ClientOutcome::Refused(RegistrationFault::NoRedirectUri));
        assert_eq!(house.store.find_client(&saved.id).await.unwrap(), Some(expected));
        assert_eq!(house.store.latest_change().await.unwrap(), latest, "nothing was written");
        let nobody = ClientId::from_stored("nobody");
        let said = house.store.change_client(&nobody, &change, &by, at(3)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
    }

    async fn a_client_is_switched_off_and_on(house) {
        let by = By::operator();
        let saved = add(house, "shop", "secret").await;
        let off = house.store.change_client_state(&saved.id, true, &by, at(1)).await.unwrap();
        assert!(off.disabled);
        assert_eq!(house.store.find_client(&saved.id).await.unwrap(), Some(off));
        let on = house.store.change_client_state(&saved.id, false, &by, at(2)).await.unwrap();
        assert_eq!(on, saved);
        let nobody = ClientId::from_stored("nobody");
        let said = house.store.change_client_state(&nobody, true, &by, at(3)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
    }

    async fn at_most_two_secrets_are_live(house) {
        let by = By::operator();
        let saved = add(house, "shop", "one").await;
        let rotate = async |secret: &str, until: Moment, now: Moment| {
            house.store.rotate_client_secret(&saved.id, &digest(secret), until, &by, now).await
        };
        rotate("two", at(7 * DAY), at(10)).await.unwrap();
        let expected = [live("two", None), live("one", Some(at(7 * DAY)))];
        assert_eq!(secrets(house, &saved, at(10)).await, expected);
        assert_eq!(secrets(house, &saved, at(7 * DAY - 1)).await, expected);
        assert_eq!(secrets(house, &saved, at(7 * DAY)).await, expected[..1]);
        rotate("three", at(8 * DAY), at(20)).await.unwrap();
        let expected = [live("three", None), live("two", Some(at(8 * DAY)))];
        assert_eq!(secrets(house, &saved, at(20)).await, expected, "the oldest has ended");
        rotate("four", at(30), at(30)).await.unwrap();
        assert_eq!(secrets(house, &saved, at(30)).await, [live("four", None)], "at once");
        // An end in the past is now: nobody's secret worked until yesterday.
        rotate("five", at(0), at(40)).await.unwrap();
        assert_eq!(secrets(house, &saved, at(40)).await, [live("five", None)]);
        assert_eq!(secrets(house, &saved, at(39)).await.len(), 2);
        let said = rotate("five", at(50), at(50)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::KeyTaken))), "{said:?}");
        let nobody = ClientId::from_stored("nobody");
        let said = house
            .store
            .rotate_client_secret(&nobody, &digest("six"), at(60), &by, at(60))
            .await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
    }

    async fn however_many_rotate_at_once_two_secrets_are_live(house) {
        let saved = add(house, "shop", "first").await;
        let rotate = |n: u32| {
            let (store, id) = (house.store.clone(), saved.id.clone());
            tokio::spawn(async move {
                let secret = Digest::of(&n.to_be_bytes());
                let by = By::operator();
                store.rotate_client_secret(&id, &secret, at(DAY), &by, at(10)).await
            })
        };
        for rotated in (0..12).map(rotate).collect::<Vec<_>>() {
            rotated.await.unwrap().unwrap();
        }
        let live = secrets(house, &saved, at(10)).await;
        assert_eq!(live.len(), 2);
        assert_eq!(live.iter().filter(|one| one.expires_at.is_none()).count(), 1);
    }

    async fn what_a_removed_client_was_given_is_gone(house) {
        let by = By::operator();
        let saved = add(house, "shop", "secret").await;
        let user = house.administrator("ada@example.com").await;
        let session = house.session(&user, "ada", at(0)).await;
        for code in ["used", "unused"] {
            let terms = terms(&saved.id);
            house.store.add_code(&digest(code), &terms, &session.id, at(0)).await.unwrap();
        }
        let decide = |code: &CodeSession| {
            let id = GrantId::from_stored("grant");
            Ok(code.terms.grant(id, &code.session, true, None, at(0)))
        };
        let take = async |code: &str| {
            house.store.take_code(&digest(code), &saved.id, decide, &by, at(1)).await.unwrap()
        };
        let taken = take("used").await;
        assert!(matches!(taken, TakenCode::Granted { .. }), "{taken:?}");
        house.store.remove_client(&saved.id, &by, at(1)).await.unwrap();
        assert_eq!(house.store.find_client(&saved.id).await.unwrap(), None);
        let grant = house.store.find_grant(&GrantId::from_stored("grant")).await.unwrap();
        assert_eq!(grant.expect("it is kept for a while").grant.revoked_at, Some(at(1)));
        assert_eq!(take("unused").await, TakenCode::Gone);
        let said = house.store.remove_client(&saved.id, &by, at(1)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
        house.store.add_client(&saved, None, &by, at(2)).await.unwrap();
        assert_eq!(secrets(house, &saved, at(2)).await, [], "the next one is somebody else");
    }

    async fn s078_a_jwt_counts_once(house) {
        let id = ClientId::from_stored("shop");
        let assertion = |name: &str| OnceId { digest: digest(name), expires_at: at(300) };
        assert!(house.store.take_once(&id, &assertion("one")).await.unwrap());
        assert!(!house.store.take_once(&id, &assertion("one")).await.unwrap());
        assert!(house.store.take_once(&id, &assertion("two")).await.unwrap());
        let take = |_| {
            let (store, id, raced) = (house.store.clone(), id.clone(), assertion("raced"));
            tokio::spawn(async move { store.take_once(&id, &raced).await })
        };
        let mut won = 0;
        for taken in (0..20).map(take).collect::<Vec<_>>() {
            won += u32::from(taken.await.unwrap().unwrap());
        }
        assert_eq!(won, 1);
        // As long as it holds it is remembered, and afterwards it is not.
        house.store.prune(at(301)).await.unwrap();
        assert!(!house.store.take_once(&id, &assertion("one")).await.unwrap());
        let pruned = house.store.prune(at(DAY)).await.unwrap();
        assert_eq!(pruned.rows, 3);
    }

    async fn s079_a_proof_of_a_key_counts_once_for_as_long_as_it_holds(house) {
        let id = ClientId::from_stored("shop");
        let proof = |jti: &str| {
            let digest = Digest::of_parts(&["dpop", "key", jti]);
            OnceId { digest, expires_at: at(60) }
        };
        assert!(house.store.take_once(&id, &proof("one")).await.unwrap());
        // Another client has not got the key; with it, it is the same proof.
        let other = ClientId::from_stored("other");
        assert!(!house.store.take_once(&other, &proof("one")).await.unwrap());
        assert!(house.store.take_once(&other, &proof("two")).await.unwrap());
        house.store.prune(at(60)).await.unwrap();
        assert!(!house.store.take_once(&id, &proof("one")).await.unwrap());
        assert_eq!(house.store.prune(at(2 * 3600)).await.unwrap().rows, 2);
        assert!(house.store.take_once(&id, &proof("one")).await.unwrap());
    }

    async fn secrets_that_have_ended_are_forgotten(house) {
        let by = By::operator();
        let saved = add(house, "shop", "one").await;
        let two = digest("two");
        house.store.rotate_client_secret(&saved.id, &two, at(60), &by, at(10)).await.unwrap();
        assert_eq!(house.store.prune(at(61)).await.unwrap().rows, 0);
        // With the old changes, of which there are two.
        assert_eq!(house.store.prune(at(60 + DAY + 1)).await.unwrap().rows, 3);
        assert_eq!(secrets(house, &saved, at(0)).await, [live("two", None)]);
    }

    async fn every_change_is_told_and_noted(house) {
        let by = By::operator();
        let before = house.store.latest_change().await.unwrap();
        let saved = add(house, "shop", "one").await;
        let id = &saved.id;
        let change = ClientChange { name: Some("Other".to_owned()), ..ClientChange::default() };
        house.store.change_client(id, &change, &by, at(1)).await.unwrap();
        house.store.change_client_state(id, true, &by, at(2)).await.unwrap();
        house.store.change_client_state(id, false, &by, at(3)).await.unwrap();
        house.store.rotate_client_secret(id, &digest("two"), at(4), &by, at(4)).await.unwrap();
        house.store.remove_client(id, &by, at(5)).await.unwrap();
        assert_eq!(changed_ids(house, before).await, ["shop"; 6]);
        let audit = house.store.list_audit(None, &Paging::first(6)).await.unwrap().items;
        let actions: Vec<_> = audit.iter().rev().map(|entry| entry.action.as_str()).collect();
        let expected = [
            "client.add",
            "client.change",
            "client.disable",
            "client.enable",
            "client.rotate_secret",
            "client.remove",
        ];
        assert_eq!(actions, expected);
        for entry in &audit {
            assert_eq!(entry.application, Some(back_office()));
            assert_eq!(entry.detail["client"], "shop");
            let said = serde_json::to_string(&entry.detail).unwrap();
            assert!(!said.contains(digest("one").as_str()), "{said}");
        }
    }
}
