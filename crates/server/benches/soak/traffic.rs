//! Who comes in the course of a day, and what they do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use identity::applications::ApplicationKey;
use identity::oauth::clients::{ClientAuthMethod, GrantType};
use identity::oauth::registration::NewClient;
use identity::secret::Secret;
use identity::users::Status;
use store::By;
use testkit::wire::Wire;
use testkit::{Browser, FakeProvider, House};
use url::form_urlencoded;

/// People who come through the company's provider, each with a browser of their own.
const PEOPLE: usize = 240;

/// People who have a password.
const LOCALS: usize = 12;

/// Of those of the provider, how many come in an hour.
const HOURLY: usize = 40;

const PASSWORD: &str = "long walks by a quiet river";

const CALLBACK: &str = "https://shop.example/callback";

/// A house with everybody who ever comes.
pub struct Town<'a> {
    house: &'a House,
    provider: FakeProvider,
    people: Vec<Browser>,
    locals: Vec<Browser>,
    sign_ins: AtomicU64,
    refreshes: AtomicU64,
    refusals: AtomicU64,
}

impl<'a> Town<'a> {
    /// Everybody has been here once.
    pub async fn settle(house: &'a House) -> Self {
        let provider = FakeProvider::start(Arc::clone(&house.clock) as _).await;
        house.connect(&provider).await;
        register(house).await;
        let hash = house.app.hasher.hash(Secret::new(PASSWORD)).await.expect("a hash").to_string();
        for number in 0..LOCALS {
            let user = house.add_staff(&local(number), Status::Active).await;
            let (store, by, now) = (&house.app.store, By::operator(), house.app.now());
            store.set_password(&user.id, &hash, None, &by, now).await.expect("a password");
        }
        let browsers = |count: usize| (0..count).map(|_| house.browser()).collect();
        let town = Self {
            house,
            provider,
            people: browsers(PEOPLE),
            locals: browsers(LOCALS),
            sign_ins: AtomicU64::new(0),
            refreshes: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
        };
        for number in 0..PEOPLE {
            town.arrive(number).await;
        }
        town
    }

    /// One hour.
    pub async fn live(&self, hour: usize) {
        for number in 0..HOURLY {
            let number = (hour * HOURLY + number) % PEOPLE;
            self.arrive(number).await;
            if number.is_multiple_of(4) {
                self.shop(&self.people[number], number.is_multiple_of(60)).await;
            }
            if number.is_multiple_of(3) {
                leave(&self.people[number]).await;
            }
        }
        self.local(hour % LOCALS).await;
        self.strangers().await;
        self.provider.forget();
    }

    /// What they did, in words.
    pub fn done(&self) -> String {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        format!(
            "{} sign-ins, {} uses of refresh tokens, {} refusals",
            read(&self.sign_ins),
            read(&self.refreshes),
            read(&self.refusals)
        )
    }

    /// In through the provider.
    async fn arrive(&self, number: usize) {
        self.provider.person(&format!("subject-{number}"), &format!("p{number}@corp.example"));
        let browser = &self.people[number];
        browser.lose("_staff");
        let page = browser.open("/back-office/login/corp").await;
        assert!(page.is_signed_in(), "{}", page.text());
        self.sign_ins.fetch_add(1, Ordering::Relaxed);
    }

    /// In with a password, sometimes with a wrong one first; and a link that is never used.
    async fn local(&self, number: usize) {
        let browser = &self.locals[number];
        browser.lose("_staff");
        for password in ["not the password", PASSWORD] {
            let page = browser.get("/back-office/login").await;
            let form = page.form("/login").with("email", &local(number));
            let page = browser.submit(&form.with("password", password)).await;
            let good = password == PASSWORD;
            assert_eq!(page.status == 303, good, "{}", page.text());
        }
        self.sign_ins.fetch_add(1, Ordering::Relaxed);
        self.refusals.fetch_add(1, Ordering::Relaxed);
        let page = browser.get("/back-office/password/forgot").await;
        browser.submit(&page.form("/forgot").with("email", &local(number))).await;
    }

    /// An application takes them in, and asks for fresh tokens.
    async fn shop(&self, browser: &Browser, offline: bool) {
        let scope = if offline { "openid offline_access" } else { "openid" };
        let mut pairs = vec![("client_id", "shop"), ("redirect_uri", CALLBACK)];
        pairs.extend([("response_type", "code"), ("scope", scope)]);
        let query = form_urlencoded::Serializer::new("/oauth/authorize?".to_owned())
            .extend_pairs(pairs)
            .finish();
        let page = browser.get(&query).await;
        let code = page.sent_on("code").unwrap_or_else(|| panic!("no code: {}", page.text()));
        let address: SocketAddr = self.house.url().socket_addrs(|| None).expect("an address")[0];
        let mut wire = Wire::connect(address).await.expect("a connection");
        let fields =
            [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
        let mut token = redeem(&mut wire, &fields).await;
        for _ in 0..3 {
            let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
            token = redeem(&mut wire, &fields).await;
            self.refreshes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Visitors who are nobody: made-up answers, unknown addresses, trips that are never ended.
    async fn strangers(&self) {
        for _ in 0..5 {
            let browser = self.house.browser();
            browser.get("/login/callback/corp?state=made-up&code=x").await;
            browser.get("/back-office/login/corp").await;
            let page = browser.get("/back-office/login").await;
            let form = page.form("/login").with("email", "nobody@corp.example");
            browser.submit(&form.with("password", "no idea what it is")).await;
            self.refusals.fetch_add(2, Ordering::Relaxed);
        }
    }
}

fn local(number: usize) -> String {
    format!("local{number}@corp.example")
}

async fn leave(browser: &Browser) {
    let page = browser.get("/back-office/logout").await;
    let page = browser.submit(&page.form("/logout")).await;
    assert_eq!(page.status, 303, "{}", page.text());
}

async fn register(house: &House) {
    let mut new = NewClient::named(ApplicationKey::from_stored("back-office"), "The Shop");
    new.id = Some("shop".to_owned());
    new.authentication = Some(ClientAuthMethod::ClientSecretPost);
    new.redirect_uris = vec![CALLBACK.to_owned()];
    new.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
    new.scopes = vec!["openid".to_owned(), "offline_access".to_owned()];
    (new.require_pkce, new.require_nonce) = (false, false);
    let (store, now) = (&house.app.store, house.app.now());
    let client = new.register(now, house.app.entropy.as_ref()).expect("a client");
    let secret = Secret::new("soak").digest();
    store.add_client(&client, Some(&secret), &By::operator(), now).await.expect("added");
    house.learn().await;
}

/// The refresh token that comes of it.
async fn redeem(wire: &mut Wire, fields: &[(&str, &str)]) -> String {
    let own = [("client_id", "shop"), ("client_secret", "soak")];
    let answer = wire.post("/oauth/token", "", &[&own, fields].concat()).await.expect("an answer");
    let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    body["refresh_token"].as_str().unwrap_or_else(|| panic!("no token: {answer:?}")).to_owned()
}
