//! Which client a request is from: proved from memory, once, and not by guessing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use identity::applications::ApplicationKey;
use identity::oauth::client_auth::JWT_BEARER;
use identity::oauth::clients::{Client, ClientAuthMethod, ClientKind};
use identity::oauth::error::OAuthError;
use identity::oauth::parameters::Parameters;
use identity::oauth::registration::NewClient;
use identity::secret::Secret;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use server::oauth::client_auth::authenticate;
use server::visit::Visit;
use store::By;
use testkit::{Engine, House, on_both_engines};

const SECRET: &str = "generated-for-this-test";

/// What the limit is: so many failures, then a minute.
const FAILURES: u32 = 20;

async fn register(house: &House, describe: impl FnOnce(&mut NewClient)) -> Client {
    let mut new = NewClient::named(ApplicationKey::from_stored("storefront"), "Shop");
    new.redirect_uris = vec!["https://shop.example/callback".to_owned()];
    new.id = Some("shop".to_owned());
    describe(&mut new);
    let now = house.app.now();
    let client = new.register(now, house.app.entropy.as_ref()).expect("it fits together");
    let secret = Secret::new(SECRET).digest();
    house.app.store.add_client(&client, Some(&secret), &By::operator(), now).await.expect("added");
    house.learn().await;
    client
}

/// A request from this address.
fn visit(house: &House, address: &str) -> Visit {
    Visit {
        now: house.app.now(),
        request_id: Arc::from("request"),
        address: address.parse::<IpAddr>().expect("an address"),
        browser: None,
        user_agent: "test".to_owned(),
        headers: HeaderMap::new(),
    }
}

/// The client's id, or the error that it is told.
async fn ask(
    house: &House,
    address: &str,
    headers: &HeaderMap,
    form: &[(&str, &str)],
) -> Result<String, OAuthError> {
    let form = Parameters::read(form.iter().copied()).expect("a form");
    let said = authenticate(&house.app, &visit(house, address), headers, &form).await;
    said.map(|client| client.id.to_string()).map_err(|failure| {
        for secret in [SECRET, "gu3ss"] {
            assert!(!failure.fault.description.contains(secret), "{}", failure.fault.description);
        }
        failure.fault.error
    })
}

async fn basic(house: &House, address: &str, id: &str, secret: &str) -> Result<String, OAuthError> {
    let credentials = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(&credentials).expect("a header");
    headers.insert(header::AUTHORIZATION, value);
    ask(house, address, &headers, &[]).await
}

const HERE: &str = "192.0.2.1";

/// A key of a client, and JWTs signed with it.
struct Key(EcdsaKeyPair);

impl Key {
    fn generate() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn jwks(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "a", "x": x, "y": y }] })
    }

    fn assertion(&self, house: &House, audience: &Value, jti: &str) -> String {
        let expires = house.app.now().seconds() + 60;
        let header = json!({ "alg": "ES256", "kid": "a" });
        let claims =
            json!({ "iss": "shop", "sub": "shop", "aud": audience, "jti": jti, "exp": expires });
        let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let private = self.0.to_pkcs8v1().expect("PKCS #8");
        let key = EncodingKey::from_ec_der(private.as_ref());
        let signature = crypto::sign(message.as_bytes(), &key, Algorithm::ES256);
        format!("{message}.{}", signature.expect("a signature"))
    }
}

async fn assert_client(house: &House, jwt: &str) -> Result<String, OAuthError> {
    let form = [("client_assertion", jwt), ("client_assertion_type", JWT_BEARER)];
    ask(house, HERE, &HeaderMap::new(), &form).await
}

on_both_engines! {
    async fn s078_failures_of_a_client_are_rate_limited(engine: Engine) {
        let house = House::start(engine).await;
        register(&house, |_| {}).await;
        for _ in 0..FAILURES {
            assert_eq!(basic(&house, HERE, "shop", "gu3ss").await, Err(OAuthError::InvalidClient));
        }
        // Not even the right one is looked at: what is told apart could be guessed.
        for secret in ["gu3ss", SECRET] {
            let said = basic(&house, HERE, "shop", secret).await;
            assert_eq!(said, Err(OAuthError::TemporarilyUnavailable), "{secret}");
        }
        let elsewhere = basic(&house, "198.51.100.7", "shop", SECRET).await;
        assert_eq!(elsewhere.as_deref(), Ok("shop"), "another network is not kept out");
        house.clock.turn(Duration::from_secs(61));
        assert_eq!(basic(&house, HERE, "shop", SECRET).await.as_deref(), Ok("shop"));
        let entries = house.audit().await;
        let refused: Vec<_> =
            entries.iter().filter(|entry| entry.action == "client.authenticate").collect();
        assert_eq!(refused.len(), FAILURES as usize, "what is not looked at is not noted");
        for entry in refused {
            assert_eq!(entry.outcome, "client_secret");
            assert_eq!(entry.detail["client"], "shop");
            assert!(!format!("{entry:?}").contains("gu3ss"), "{entry:?}");
        }
    }

    async fn s078_guesses_sent_at_once_are_counted_too(engine: Engine) {
        let house = Arc::new(House::start(engine).await);
        register(&house, |_| {}).await;
        let guess = |number: u32| {
            let house = Arc::clone(&house);
            tokio::spawn(async move {
                basic(&house, HERE, "shop", &format!("gu3ss {number}")).await
            })
        };
        let mut looked_at = 0;
        for said in (0..100).map(guess).collect::<Vec<_>>() {
            looked_at += u32::from(said.await.expect("it ends") == Err(OAuthError::InvalidClient));
        }
        assert_eq!(looked_at, FAILURES);
        let said = basic(&house, HERE, "shop", SECRET).await;
        assert_eq!(said, Err(OAuthError::TemporarilyUnavailable));
    }

    async fn s078_what_succeeds_gives_its_count_back(engine: Engine) {
        let house = House::start(engine).await;
        register(&house, |_| {}).await;
        assert_eq!(basic(&house, HERE, "shop", "gu3ss").await, Err(OAuthError::InvalidClient));
        for _ in 0..2 * FAILURES {
            assert_eq!(basic(&house, HERE, "shop", SECRET).await.as_deref(), Ok("shop"));
        }
    }

    async fn s078_unknown_clients_are_counted_together(engine: Engine) {
        let house = House::start(engine).await;
        for number in 0..FAILURES {
            let said = basic(&house, HERE, &format!("nobody-{number}"), "gu3ss").await;
            assert_eq!(said, Err(OAuthError::InvalidClient));
        }
        let said = basic(&house, HERE, "nobody-else", "gu3ss").await;
        assert_eq!(said, Err(OAuthError::TemporarilyUnavailable));
        register(&house, |_| {}).await;
        let known = basic(&house, HERE, "shop", SECRET).await;
        assert_eq!(known.as_deref(), Ok("shop"), "a client that is there is not kept out by it");
        let entries = house.audit().await;
        assert!(!format!("{entries:?}").contains("nobody-1"), "secrets end up in wrong fields");
    }

    async fn s078_a_jwt_of_a_client_counts_once_and_for_us_alone(engine: Engine) {
        let house = House::start(engine).await;
        let key = Key::generate();
        register(&house, |new| {
            new.authentication = Some(ClientAuthMethod::PrivateKeyJwt);
            new.jwks = Some(key.jwks());
        })
        .await;
        let us = json!(house.app.issuer());
        let good = key.assertion(&house, &us, "one");
        assert_eq!(assert_client(&house, &good).await.as_deref(), Ok("shop"));
        assert_eq!(assert_client(&house, &good).await, Err(OAuthError::InvalidClient), "a replay");
        let again = key.assertion(&house, &us, "one");
        assert_eq!(assert_client(&house, &again).await, Err(OAuthError::InvalidClient));
        let next = key.assertion(&house, &us, "two");
        assert_eq!(assert_client(&house, &next).await.as_deref(), Ok("shop"));
        let endpoint = json!(house.app.url("/oauth/token"));
        for audience in [endpoint, json!([us]), json!("https://other.test")] {
            let jwt = key.assertion(&house, &audience, &audience.to_string());
            assert_eq!(assert_client(&house, &jwt).await, Err(OAuthError::InvalidClient));
        }
        let stranger = Key::generate().assertion(&house, &us, "three");
        assert_eq!(assert_client(&house, &stranger).await, Err(OAuthError::InvalidClient));
        let outcomes: Vec<_> =
            house.audit().await.into_iter().map(|entry| entry.outcome).collect();
        for outcome in ["assertion_replayed", "assertion_audience", "assertion_signature"] {
            assert!(outcomes.iter().any(|one| one == outcome), "{outcome} in {outcomes:?}");
        }
        let secret = basic(&house, HERE, "shop", SECRET).await;
        assert_eq!(secret, Err(OAuthError::InvalidClient), "it is registered for its key alone");
    }

    async fn a_secret_works_until_its_end_and_a_disabled_client_not_at_all(engine: Engine) {
        let house = House::start(engine).await;
        let client = register(&house, |_| {}).await;
        let (store, by) = (&house.app.store, By::operator());
        let rotate = async |secret: &str, overlap: u64| {
            let now = house.app.now();
            let until = now.plus(Duration::from_secs(overlap));
            let digest = Secret::new(secret).digest();
            let rotated = store.rotate_client_secret(&client.id, &digest, until, &by, now).await;
            rotated.expect("a new secret");
            house.learn().await;
        };
        rotate("second", 3600).await;
        for secret in [SECRET, "second"] {
            assert!(basic(&house, HERE, "shop", secret).await.is_ok(), "{secret}");
        }
        // Memory knows the end, too.
        house.clock.turn(Duration::from_secs(3600));
        assert!(basic(&house, HERE, "shop", SECRET).await.is_err());
        rotate("third", 0).await;
        assert!(basic(&house, HERE, "shop", "second").await.is_err());
        assert!(basic(&house, HERE, "shop", "third").await.is_ok());
        let off = store.change_client_state(&client.id, true, &by, house.app.now()).await;
        assert!(off.expect("switched").disabled);
        house.learn().await;
        assert_eq!(basic(&house, HERE, "shop", "third").await, Err(OAuthError::InvalidClient));
    }
}

#[tokio::test]
async fn a_client_that_proves_itself_touches_memory_only() {
    let house = House::start(Engine::Sqlite).await;
    register(&house, |_| {}).await;
    // Looks at the changes and last uses are asked by the clock, so the least of many counts.
    let mut least = u64::MAX;
    for _ in 0..20 {
        let before = house.app.store.counted().statements;
        assert!(basic(&house, HERE, "shop", SECRET).await.is_ok());
        least = least.min(house.app.store.counted().statements - before);
    }
    assert_eq!(least, 0);
}

#[tokio::test]
async fn a_public_client_is_its_id_and_proves_nothing_else() {
    let house = House::start(Engine::Sqlite).await;
    register(&house, |new| new.kind = ClientKind::Public).await;
    let named = [("client_id", "shop")];
    let said = ask(&house, HERE, &HeaderMap::new(), &named).await;
    assert_eq!(said.as_deref(), Ok("shop"));
    let said = basic(&house, HERE, "shop", SECRET).await;
    assert_eq!(said, Err(OAuthError::InvalidClient), "even if somebody gave it a secret");
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_bytes(b"Basic \xff").expect("a header");
    headers.insert(header::AUTHORIZATION, value);
    assert_eq!(ask(&house, HERE, &headers, &named).await, Err(OAuthError::InvalidClient));
}
