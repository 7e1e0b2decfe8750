//! Signing keys: the same in every process, never without overlap, and gone when removed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use identity::oauth::clients::SigningAlgorithm::{self, Es256, Rs256};
use identity::oauth::own_tokens::{Expected, OwnTokenFault};
use identity::oauth::signing_keys::{KEPT, OVERLAP, Schedule, SigningKey, latest, successor};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::{Map, Value, json};
use server::app::{App, Parts};
use server::clock::SystemEntropy;
use server::oauth::signing::{Made, SigningError, add_next, replace, sign};
use store::By;
use testkit::{Engine, House, on_both_engines};

const TYP: &str = "at+jwt";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is published, over HTTP.
async fn published(house: &House) -> Vec<Value> {
    let page = house.browser().get("/oauth/jwks").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let document: Value = serde_json::from_str(&page.body).expect("JSON");
    document["keys"].as_array().expect("a list").clone()
}

async fn kids(house: &House) -> BTreeSet<String> {
    let text = |key: Value| key["kid"].as_str().expect("a name").to_owned();
    published(house).await.into_iter().map(text).collect()
}

/// Waits until the running house publishes the key, or no longer.
async fn until(house: &House, kid: &str, is_there: bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while kids(house).await.contains(kid) != is_there {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "{kid} is not as expected after half a minute");
}

/// Another process on the same database.
async fn other(house: &House) -> App {
    let parts = Parts {
        clock: Arc::clone(&house.clock) as Arc<dyn server::clock::Clock>,
        entropy: Arc::new(SystemEntropy),
    };
    App::open(house.app.config.clone(), parts).await.expect("another node")
}

async fn token(app: &App, algorithm: SigningAlgorithm) -> String {
    let exp = app.now().plus(2 * KEPT).seconds();
    let claims = json!({ "iss": app.url(""), "sub": "somebody", "exp": exp });
    sign(app, algorithm, TYP, &claims).await.expect("a token")
}

/// Name of the key that the token was signed with.
fn kid_of(token: &str) -> String {
    jsonwebtoken::decode_header(token).expect("a header").kid.expect("a name")
}

fn verify(app: &App, token: &str) -> Result<Map<String, Value>, OwnTokenFault> {
    let issuer = app.url("");
    let algorithms = &SigningAlgorithm::ALL;
    app.signer.verify(token, &Expected { typ: TYP, algorithms, issuer: &issuer, now: app.now() })
}

async fn stored(house: &House) -> Vec<SigningKey> {
    let stored = house.app.store.list_signing_keys().await.expect("keys");
    stored.into_iter().map(|one| one.key).collect()
}

on_both_engines! {
    async fn keys_are_made_once_and_survive_a_restart(engine: Engine) {
        let mut house = House::start(engine).await;
        let before = kids(&house).await;
        let old = token(&house.app, Rs256).await;
        house.stop().await;
        house.start_again().await;
        assert_eq!(kids(&house).await, before);
        assert!(verify(&house.app, &old).is_ok(), "what was signed before still holds");
        assert_eq!(kid_of(&token(&house.app, Rs256).await), kid_of(&old));
    }

    async fn s086_two_processes_that_start_on_one_database_have_the_same_keys(engine: Engine) {
        let house = House::start(engine).await;
        let nodes = [house.app.clone(), other(&house).await, other(&house).await];
        let tasks: Vec<_> = nodes
            .iter()
            .cloned()
            .map(|app| tokio::spawn(async move { token(&app, Rs256).await }))
            .collect();
        let mut tokens = Vec::new();
        for task in tasks {
            tokens.push(task.await.expect("no panic"));
        }
        let signers: BTreeSet<_> = tokens.iter().map(|token| kid_of(token)).collect();
        assert_eq!(signers.len(), 1, "of three first keys at once one is the first");
        for app in &nodes {
            assert_eq!(app.signer.jwks(app.now()), house.app.signer.jwks(house.app.now()));
            for token in &tokens {
                assert!(verify(app, token).is_ok());
            }
        }
    }

    async fn s086_a_rotation_on_schedule_overlaps_on_both_sides(engine: Engine) {
        let house = House::start(engine).await;
        let app = &house.app;
        let old = token(app, Es256).await;
        let first = kids(&house).await;
        let turn = async |span: Duration| {
            house.clock.turn(span);
            app.signer.keep_up(app.signing_tools(), app.now()).await.expect("keys are kept up");
        };

        turn(88 * DAY).await;
        assert_eq!(kids(&house).await, first, "nothing is due");
        turn(DAY).await;
        let second = kids(&house).await;
        assert!(second.is_superset(&first) && second.len() == 6, "published ahead: {second:?}");
        assert_eq!(kid_of(&token(app, Es256).await), kid_of(&old), "and not used before its time");

        turn(DAY + Duration::from_secs(1)).await;
        let new = token(app, Es256).await;
        assert!(second.contains(&kid_of(&new)) && !first.contains(&kid_of(&new)));
        assert_eq!(kids(&house).await, second, "the old key is still published");
        assert!(verify(app, &old).is_ok() && verify(app, &new).is_ok());

        turn(OVERLAP).await;
        let third = kids(&house).await;
        assert_eq!((third.len(), third.contains(&kid_of(&old))), (3, false));
        assert_eq!(verify(app, &old), Err(OwnTokenFault::UnknownKey));
        let private = app.store.list_signing_keys().await.expect("keys");
        let private = private.iter().find(|one| one.key.kid == kid_of(&old)).expect("kept");
        assert_eq!(private.sealed_private, None, "nobody signs with it any more");

        let issuer = app.url("");
        let algorithms = &[Es256];
        let hint = Expected { typ: TYP, algorithms, issuer: &issuer, now: app.now() };
        assert!(app.signer.recognise(&old, &hint).is_ok(), "a hint is still understood");
        turn(KEPT).await;
        let hint = app.signer.recognise(&old, &hint);
        assert_eq!(hint, Err(OwnTokenFault::UnknownKey));
    }

    async fn s086_a_removed_key_is_gone_from_every_process_at_once(engine: Engine) {
        let house = House::start(engine).await;
        let (elsewhere, by) = (other(&house).await, By::operator());
        let now = elsewhere.now();
        let keys = stored(&house).await;
        let old = latest(&keys, Es256).expect("a key");
        let wanted = successor(old, Schedule::default(), now);
        let tools = elsewhere.signing_tools();
        let made = add_next(tools, Es256, wanted, &by, now).await.expect("a key");
        let Made::Added(new) = made else { panic!("nobody else makes keys") };
        until(&house, &new.kid, true).await;
        elsewhere.store.remove_signing_key(&new.kid, &by, now).await.expect("it goes");
        until(&house, &new.kid, false).await;

        // The emergency: what signed until now is neither published nor believed.
        let signed = token(&house.app, Es256).await;
        assert_eq!(kid_of(&signed), old.kid);
        let (new, removed) = replace(tools, Es256, &by, now).await.expect("a key");
        assert_eq!(removed, [old.kid.as_str()]);
        until(&house, &old.kid, false).await;
        assert_eq!(verify(&house.app, &signed), Err(OwnTokenFault::UnknownKey));
        assert_eq!(kid_of(&token(&house.app, Es256).await), new.kid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s087_the_key_set_says_how_long_it_may_be_kept_and_holds_nothing_private() {
    let house = House::start(Engine::Sqlite).await;
    let page = house.browser().get("/oauth/jwks").await;
    let header = |name: &str| page.headers[name].to_str().expect("text").to_owned();
    assert_eq!(header("cache-control"), "public, max-age=3600");
    assert_eq!(header("content-type"), "application/jwk-set+json");
    assert_eq!(header("access-control-allow-origin"), "*");
    let mut algorithms = Vec::new();
    for key in published(&house).await {
        let names: Vec<&String> = key.as_object().expect("an object").keys().collect();
        let public = ["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"];
        assert!(names.iter().all(|name| public.contains(&name.as_str())), "{names:?}");
        assert_eq!(key["use"], "sig");
        algorithms.push(key["alg"].as_str().expect("text").to_owned());
    }
    assert_eq!(
        algorithms,
        ["RS256", "ES256", "EdDSA"],
        "every one that we promise, from the start"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_hold_for_whoever_reads_the_published_keys() {
    let house = House::start(Engine::Sqlite).await;
    for algorithm in SigningAlgorithm::ALL {
        let token = token(&house.app, algorithm).await;
        let header = jsonwebtoken::decode_header(&token).expect("a header");
        assert_eq!(header.typ.as_deref(), Some(TYP));
        let page = house.browser().get("/oauth/jwks").await;
        let keys: JwkSet = serde_json::from_str(&page.body).expect("a key set");
        let jwk = keys.find(&kid_of(&token)).expect("its key");
        let key = DecodingKey::from_jwk(jwk).expect("a key");
        let mut validation = Validation::new(algorithm.as_str().parse().expect("known"));
        validation.validate_exp = false;
        validation.set_issuer(&[house.app.url("")]);
        let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).expect("it holds");
        assert_eq!(claims.claims["sub"], "somebody", "{algorithm}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_halves_are_sealed_and_open_at_their_place_only() {
    let house = House::start(Engine::Sqlite).await;
    published(&house).await;
    let keys = house.app.store.list_signing_keys().await.expect("keys");
    assert_eq!(keys.len(), 3);
    let disk = house.database_bytes();
    for stored in &keys {
        let sealed = stored.sealed_private.as_deref().expect("a private half");
        let open =
            |kid: &str| house.app.keyring.open(sealed, &format!("signing_keys/private/{kid}"));
        let text = open(&stored.key.kid).expect("it opens");
        let bytes = text.expose().as_bytes();
        assert!(bytes.len() > 60, "a whole key");
        assert!(!disk.windows(bytes.len()).any(|window| window == bytes), "in the open on disk");
        let others = keys.iter().filter(|other| other.key.kid != stored.key.kid);
        assert!(others.into_iter().all(|other| open(&other.key.kid).is_err()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_does_not_open_is_no_reason_to_lose_the_others() {
    let mut house = House::start(Engine::Sqlite).await;
    let (now, by) = (house.app.now(), By::operator());
    let keys = stored(&house).await;
    let broken = latest(&keys, Es256).expect("a key");
    let store = &house.app.store;
    store.replace_signing_keys(broken, "v1.of.another.key", &by, now).await.expect("a change");
    house.stop().await;
    house.start_again().await;
    let said = sign(&house.app, Es256, TYP, &json!({})).await;
    let text = said.as_ref().err().map(ToString::to_string).unwrap_or_default();
    assert!(matches!(said, Err(SigningError::NoKey(Es256))), "{said:?}");
    assert!(text.contains("vestibule keys rotate --now --algorithm ES256"), "{text}");
    assert_eq!(house.app.signer.not_ready(now), Some(Es256));
    assert!(!token(&house.app, Rs256).await.is_empty());
    assert!(kids(&house).await.contains(&broken.kid), "tokens of it are still good");

    let (new, _) = replace(house.app.signing_tools(), Es256, &by, now).await.expect("a key");
    until(&house, &new.kid, true).await;
    assert_eq!(kid_of(&token(&house.app, Es256).await), new.kid);
}
