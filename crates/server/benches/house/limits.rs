//! The limits: the least that could do the same job, on the same listener and runtime.
//!
//! - A session check: the cookie is found and hashed once, and a page of the same size is sent.
//! - A password login: argon2id with the same parameters in memory that is reused, on one thread
//!   for each that the product has.
//! - A callback: one request to the provider, one ES256 signature verified, and the statements of
//!   taking the trip and settling it.
//! - A client's own token: one ES256 signature, without and with one row written.
//! - An introspection: the form is read, and one ES256 signature verified.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::applications::Application;
use identity::email::Email;
use identity::federation::attempt::{Attempt, Intent, Trip, begin};
use identity::federation::decide::{Arrival, decide};
use identity::federation::external::{EmailVerified, ExternalIdentity};
use identity::federation::hook::HookWord;
use identity::federation::provider::Provider;
use identity::secret::{Digest, Secret};
use identity::sessions::Method;
use identity::users::Name;
use jsonwebtoken::{EncodingKey, crypto};
use serde::Deserialize;
use server::app::{App, Parts};
use server::audit::support_code;
use server::clock::{SystemClock, SystemEntropy};
use store::{By, Happened, NewSession, Recalled, Settle};
use tokio::sync::{mpsc, oneshot};

/// What this program is started with to serve the limits.
pub const WORD: &str = "limits";

/// Bytes of an ID token without its signature.
const TOKEN: usize = 700;

struct Bare {
    app: App,
    provider: Arc<Provider>,
    door: Arc<Application>,
    browser: Digest,
    stock: Mutex<Vec<(Digest, Attempt)>>,
    client: reqwest::Client,
    token_endpoint: String,
    public: UnparsedPublicKey<Vec<u8>>,
    private: EncodingKey,
    message: Vec<u8>,
    signature: Vec<u8>,
    hashing: mpsc::UnboundedSender<(String, oneshot::Sender<()>)>,
}

type Shared = State<Arc<Bare>>;

/// Serves until killed, as the configuration says; `arguments` are its file and the issuer.
pub async fn serve(arguments: &[String]) {
    let file = std::path::Path::new(&arguments[0]);
    let config = server::config::load(Some(file), std::iter::empty()).expect("a configuration");
    let address: SocketAddr = config.server.listen;
    let parts = Parts { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    let app = App::open(config, parts).await.expect("a house");
    let bare = Arc::new(bare(app, &arguments[1]));
    // So that everybody who comes later returns.
    prepare(&bare, 1).await;
    come_back(&bare).await;
    let routes = Router::new()
        .route("/readyz", get(|| async { "ready" }))
        .route("/session/{length}", get(session))
        .route("/back-office/login", post(password))
        .route("/prepare/{count}", get(stock_up))
        .route("/callback", get(callback))
        .route("/sign", post(sign))
        .route("/sign-and-insert", post(sign_and_insert))
        .route("/verify", post(verify))
        .with_state(bare);
    let listener = tokio::net::TcpListener::bind(address).await.expect("the address");
    axum::serve(listener, routes.into_make_service_with_connect_info::<SocketAddr>())
        .await
        .expect("a server");
}

#[expect(clippy::disallowed_methods, reason = "a limit calls without the guards that cost")]
fn bare(app: App, issuer: &str) -> Bare {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let private = pair.to_pkcs8v1().expect("PKCS #8");
    let message = vec![b'x'; TOKEN];
    let key = EncodingKey::from_ec_der(private.as_ref());
    let signature = crypto::sign(&message, &key, jsonwebtoken::Algorithm::ES256).expect("signed");
    let listing = app.directory.now();
    Bare {
        provider: listing.provider("corp").expect("the provider"),
        door: listing.application("back-office").expect("the door"),
        browser: Digest::of(b"browser"),
        stock: Mutex::default(),
        client: reqwest::Client::builder().no_proxy().build().expect("a client"),
        token_endpoint: format!("{issuer}/token"),
        public: UnparsedPublicKey::new(
            &ECDSA_P256_SHA256_FIXED,
            pair.public_key().as_ref().to_vec(),
        ),
        private: key,
        message,
        signature: URL_SAFE_NO_PAD.decode(signature).expect("base64url"),
        hashing: start_hashing(&app),
        app,
    }
}

/// One thread, as the product has on two cores; more where there are more.
fn start_hashing(app: &App) -> mpsc::UnboundedSender<(String, oneshot::Sender<()>)> {
    let passwords = &app.config.passwords;
    let params = Params::new(passwords.argon2_memory_kib, passwords.argon2_passes, 1, Some(32));
    let params = params.expect("parameters");
    let (jobs, queue) = mpsc::unbounded_channel::<(String, oneshot::Sender<()>)>();
    let queue = Arc::new(Mutex::new(queue));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    for _ in 0..(cores - 1).max(1) {
        let (params, queue) = (params.clone(), Arc::clone(&queue));
        std::thread::spawn(move || {
            let mut memory = vec![Block::default(); params.block_count()];
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let mut hash = [0; 32];
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
            while let Some((password, done)) = next() {
                let bytes = password.as_bytes();
                argon2
                    .hash_password_into_with_memory(
                        bytes,
                        b"0123456789abcdef",
                        &mut hash,
                        &mut memory,
                    )
                    .expect("a hash");
                let _ = done.send(());
            }
        });
    }
    jobs
}

/// The cookie is found and hashed.
async fn session(Path(length): Path<usize>, headers: HeaderMap) -> Response {
    let line = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let pairs = line.split("; ").filter_map(|pair| pair.split_once('='));
    let token = pairs.into_iter().find(|(name, _)| name.starts_with("vestibule_staff"));
    match token.map(|(_, value)| Digest::of(value.as_bytes())) {
        Some(digest) if !digest.as_str().is_empty() => Html("x".repeat(length)).into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

#[derive(Deserialize)]
struct LoginForm {
    password: String,
}

async fn password(State(bare): Shared, Form(form): Form<LoginForm>) -> Response {
    let (done, hashed) = oneshot::channel();
    bare.hashing.send((form.password, done)).expect("a thread that hashes");
    hashed.await.expect("a hash");
    Redirect::to("/").into_response()
}

/// What a token endpoint cannot do without: a body that is read, a token that is signed.
async fn sign(State(bare): Shared, Form(form): Form<HashMap<String, String>>) -> Response {
    assert!(form.contains_key("grant_type"));
    signed(&bare).into_response()
}

async fn sign_and_insert(
    State(bare): Shared,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    assert!(form.contains_key("grant_type"));
    let happened = Happened::refused("client.authenticate", "bench");
    let added = bare.app.store.add_refusal(&happened, &By::system(), bare.app.now()).await;
    added.expect("a row");
    signed(&bare).into_response()
}

fn signed(bare: &Bare) -> String {
    crypto::sign(&bare.message, &bare.private, jsonwebtoken::Algorithm::ES256).expect("signed")
}

async fn verify(State(bare): Shared, Form(form): Form<HashMap<String, String>>) -> Response {
    assert!(form.contains_key("token"));
    bare.public.verify(&bare.message, &bare.signature).expect("the signature");
    "{\"active\":true}".into_response()
}

async fn stock_up(State(bare): Shared, Path(count): Path<usize>) -> StatusCode {
    prepare(&bare, count).await;
    StatusCode::OK
}

async fn prepare(bare: &Bare, count: usize) {
    for _ in 0..count {
        let trip = Trip {
            provider: &bare.provider,
            application: &bare.door.key,
            redirect_uri: "https://id.shop.example/login/callback/corp",
            intent: &Intent::SignIn,
            return_to: "/back-office",
            login_hint: None,
            ui_locale: None,
            prompt_login: false,
            max_age: None,
            parameters: &[],
        };
        let begun = begin(&trip, bare.app.now(), bare.app.entropy.as_ref()).expect("a trip");
        let state = begun.state.digest();
        let added = bare.app.store.add_attempt(&state, &bare.browser, &begun.attempt).await;
        added.expect("an attempt");
        bare.stock.lock().unwrap_or_else(PoisonError::into_inner).push((state, begun.attempt));
    }
}

async fn callback(State(bare): Shared) -> Response {
    come_back(&bare).await;
    Redirect::to("/").into_response()
}

async fn come_back(bare: &Bare) {
    let next = bare.stock.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let (state, attempt) = next.expect("a trip in stock");
    let store = &bare.app.store;
    let taken = store.take_attempt(&state, &bare.browser, bare.app.now()).await.expect("taken");
    assert!(matches!(taken, Recalled::Taken(_)));
    // Refused, for the code is none; as a request it costs us what a good one does.
    let form = [("grant_type", "authorization_code"), ("code", "none")];
    let asked = bare.client.post(&bare.token_endpoint).form(&form).send().await.expect("asked");
    asked.bytes().await.expect("an answer");
    bare.public.verify(&bare.message, &bare.signature).expect("the signature");
    let settle = settle(bare, attempt);
    store.settle(&settle, |known| decide(&settle.arrival, known)).await.expect("settled");
}

fn settle(bare: &Bare, attempt: Attempt) -> Settle {
    let entropy = bare.app.entropy.as_ref();
    let external = ExternalIdentity {
        provider: bare.provider.id.clone(),
        issuer: bare.provider.issuer.clone(),
        subject: "returning".to_owned(),
        email: Some(Email::parse("returning@corp.example").expect("an address")),
        email_verified: EmailVerified::Yes,
        hosted_domain: None,
        name: Name { given: "Ada".into(), family: "Lovelace".into() },
        locale: None,
        claims: serde_json::Map::new(),
    };
    Settle {
        attempt: Some(attempt.id),
        session: NewSession {
            token: Secret::generate(entropy).digest(),
            application: bare.door.key.clone(),
            methods: vec![Method::Provider],
            auth_time: None,
            times: bare.door.session,
            organisation: None,
            browser: Some(bare.browser.clone()),
            user_agent: None,
        },
        support_code: support_code(entropy),
        by: By::system(),
        letter: None,
        proof: None,
        arrival: Arrival {
            external,
            application: Application::clone(&bare.door),
            hook: HookWord::Unasked,
            shown: None,
            now: bare.app.now(),
        },
    }
}
