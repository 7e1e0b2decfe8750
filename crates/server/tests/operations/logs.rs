//! The log as JSON, at its most talkative: every line has its request, and none has a secret.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::applications::ApplicationKey;
use identity::oauth::registration::NewClient;
use identity::secret::Secret;
use serde_json::Value;
use server::config::{LogConfig, LogFormat};
use store::By;
use testkit::provider::CLIENT_SECRET;
use testkit::{Browser, Engine, FakeProvider, House, MailServer};
use url::Url;

use crate::metrics::{PASSWORD, grace, machine};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const REDIRECT_URI: &str = "https://shop.example/callback";
pub(crate) const SHOP_SECRET: &str = "the-secret-of-the-shop-47";
pub(crate) const WRONG_SECRET: &str = "not-the-secret-of-the-shop-48";
pub(crate) const WRONG: &str = "password1 in the wrong field";
pub(crate) const NEW: &str = "thunder basket olive 36";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A client of the back office whose secret is known.
pub(crate) async fn register(house: &House) {
    let mut new = NewClient::named(ApplicationKey::from_stored("back-office"), "Shop");
    new.id = Some("shop".to_owned());
    new.redirect_uris = vec![REDIRECT_URI.to_owned()];
    new.scopes = ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec();
    let now = house.app.now();
    let client = new.register(now, house.app.entropy.as_ref()).expect("it fits together");
    let digest = Secret::new(SHOP_SECRET).digest();
    house.app.store.add_client(&client, Some(&digest), &By::operator(), now).await.expect("added");
    house.learn().await;
}

pub(crate) async fn sign_in(browser: &Browser, password: &str) {
    let form = browser.open("/back-office/login").await.form("/login");
    browser.submit(&form.with("email", "grace@shop.test").with("password", password)).await;
}

/// A forgotten password, a new one; the token of the link is a secret too.
pub(crate) async fn reset(browser: &Browser, mails: &MailServer) -> String {
    let form = browser.open("/back-office/password/forgot").await.form("/forgot");
    browser.submit(&form.with("email", "grace@shop.test")).await;
    let link = mails.wait_for(1).await.link();
    let form = browser.open(link.as_str()).await.form("/reset");
    browser.submit(&form.with("password", NEW).with("repeat", NEW)).await;
    mails.wait_for(2).await;
    link.query_pairs().next().expect("a token").1.into_owned()
}

/// Somebody who is signed in comes back with a code, which becomes tokens: all of them secrets.
pub(crate) async fn code_flow(house: &House, browser: &Browser) -> Vec<String> {
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()));
    let mut url = house.url().join("/oauth/authorize").expect("an address");
    url.query_pairs_mut().extend_pairs([
        ("client_id", "shop"),
        ("redirect_uri", REDIRECT_URI),
        ("response_type", "code"),
        ("scope", "openid email offline_access"),
        ("state", "state-of-the-shop-11"),
        ("nonce", "nonce-of-the-shop-12"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let mut page = browser.get(url.as_str()).await;
    let own = |to: &Url| to.origin() == house.url().origin();
    while let Some(to) = page.location().filter(own) {
        page = browser.get(to.as_str()).await;
    }
    let back = page.location().expect("the way to the shop");
    let code = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let wrong = ask(house, WRONG_SECRET, "authorization_code", ("code", &code)).await;
    assert_eq!(wrong["error"], "invalid_client");
    let told = ask(house, SHOP_SECRET, "authorization_code", ("code", &code)).await;
    let refresh = told["refresh_token"].as_str().expect("a refresh token");
    let again = ask(house, SHOP_SECRET, "refresh_token", ("refresh_token", refresh)).await;
    let mut secrets = vec![code];
    for answer in [&told, &again] {
        for name in ["access_token", "id_token", "refresh_token"] {
            secrets.push(answer[name].as_str().expect("a token").to_owned());
        }
    }
    secrets
}

async fn ask(house: &House, secret: &str, grant: &str, brought: (&str, &str)) -> Value {
    let url = house.url().join("/oauth/token").expect("an address");
    let form = [
        ("grant_type", grant),
        brought,
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let asked = machine().post(url).basic_auth("shop", Some(secret)).form(&form);
    asked.send().await.expect("an answer").json().await.expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn s085_the_talkative_log_as_json_has_request_ids_and_no_secret() {
    let log = Kept::default();
    let writer = log.clone();
    let level = "trace,hyper_util=info".to_owned();
    let config = LogConfig { format: LogFormat::Json, level };
    server::log::start_to(&config, move || writer.clone());

    let mails = MailServer::start().await;
    let smtp = mails.url();
    let house = House::with(Engine::Sqlite, |config| config.mail.smtp_url = Some(smtp)).await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    house.connect(&provider).await;
    register(&house).await;
    grace(&house).await;

    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let browser = house.browser().saying("traceparent", &parent);
    sign_in(&browser, WRONG).await;
    sign_in(&browser, PASSWORD).await;
    let mut secrets = vec![browser.cookie("staff").expect("a session")];
    secrets.push(reset(&browser, &mails).await);
    sign_in(&browser, NEW).await;
    secrets.extend(code_flow(&house, &browser).await);
    secrets.extend([browser.cookie("staff").expect("a session")]);
    secrets.extend([browser.cookie("browser").expect("a browser")]);
    let visitor = house.browser();
    visitor.open("/back-office/login/corp").await;
    secrets.push(visitor.cookie("staff").expect("a session"));
    let seen = provider.seen();
    secrets.extend(seen.codes.into_iter().chain(seen.access_tokens).chain(seen.id_tokens));
    for form in &seen.token_forms {
        secrets.extend(form.get("code_verifier").cloned());
    }
    let fixed = [PASSWORD, NEW, WRONG, SHOP_SECRET, WRONG_SECRET, CLIENT_SECRET, VERIFIER];
    secrets.extend(fixed.map(str::to_owned));

    let text = log.text();
    assert!(text.contains("INSERT INTO sessions"), "the log is a full one");
    assert!(secrets.len() > 20, "{}", secrets.len());
    for secret in &secrets {
        assert!(secret.len() > 10 && !text.contains(secret.as_str()), "{secret:?} is in the log");
    }
    assert!(!text.contains("$argon2id$"), "a hash is in the log");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of_request =
        |line: &&Value| line["span"]["name"] == "request" || line["spans"][0]["name"] == "request";
    let requests: Vec<&Value> = lines.iter().filter(of_request).collect();
    assert!(requests.len() > 100, "{}", requests.len());
    for line in &requests {
        let span = &line["spans"][0];
        assert!(span["id"].as_str().is_some_and(|id| id.len() > 10), "{line}");
        assert!(span["path"].as_str().is_some_and(|path| !path.contains('?')), "{line}");
    }
    assert!(requests.iter().any(|line| line["spans"][0]["trace_id"] == TRACE), "a trace");
}
