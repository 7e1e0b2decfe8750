//! A shop that signs people in through a house: what its browser does, and what its server does.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::applications::ApplicationKey;
use identity::oauth::clients::GrantType;
use identity::oauth::registration::NewClient;
use identity::secret::Secret;
use identity::users::Status;
use serde_json::Value;
use store::By;
use testkit::{Browser, House, Page};
use url::Url;

pub(crate) const REDIRECT_URI: &str = "https://shop.example/callback";
pub(crate) const SIGNED_OUT: &str = "https://shop.example/bye";
pub(crate) const EMAIL: &str = "grace@corp.test";
pub(crate) const PASSWORD: &str = "lantern cobalt walnut 41";
pub(crate) const RESOURCE: &str = "https://orders.example";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The shop of a house.
pub(crate) struct Shop<'a> {
    pub(crate) house: &'a House,
    http: reqwest::Client,
    id: String,
    secret: String,
}

/// What an application's server asks with.
#[expect(clippy::disallowed_methods, reason = "an application's server has no guards of ours")]
pub(crate) fn machine() -> reqwest::Client {
    reqwest::Client::new()
}

/// An answer of a machine endpoint.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name}: {self:?}")).to_owned()
    }

    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.text("error"))
    }
}

impl<'a> Shop<'a> {
    /// A client of the back office, and somebody with a password to use it.
    pub(crate) async fn open(house: &'a House) -> Self {
        let user = house.add_staff(EMAIL, Status::Active).await;
        let hash = house.app.hasher.hash(Secret::new(PASSWORD)).await.expect("a hash");
        let (store, by, now) = (&house.app.store, By::operator(), house.app.now());
        store.set_password(&user.id, &hash.to_string(), None, &by, now).await.expect("set");
        Self::register(house, "shop", |_| {}).await
    }

    /// One more client, differently.
    pub(crate) async fn register(
        house: &'a House,
        id: &str,
        describe: impl FnOnce(&mut NewClient),
    ) -> Self {
        let mut new = NewClient::named(ApplicationKey::from_stored("back-office"), "The Shop");
        new.id = Some(id.to_owned());
        new.redirect_uris = vec![REDIRECT_URI.to_owned()];
        new.post_logout_redirect_uris = vec![SIGNED_OUT.to_owned()];
        new.grant_types = vec![
            GrantType::AuthorizationCode,
            GrantType::RefreshToken,
            GrantType::ClientCredentials,
        ];
        new.scopes = ["openid", "profile", "email", "groups", "offline_access", "orders"]
            .map(str::to_owned)
            .to_vec();
        new.resources = vec![RESOURCE.to_owned()];
        describe(&mut new);
        let now = house.app.now();
        let client = new.register(now, house.app.entropy.as_ref()).expect("it fits together");
        let secret = format!("generated-for-{id}");
        let digest = Secret::new(secret.as_str()).digest();
        let (store, by) = (&house.app.store, By::operator());
        store.add_client(&client, Some(&digest), &by, now).await.expect("added");
        house.learn().await;
        Self { house, http: machine(), id: id.to_owned(), secret }
    }

    /// Somebody who knows its name and not its secret.
    pub(crate) fn guessing(&self) -> Self {
        Self { house: self.house, http: self.http.clone(), id: self.id.clone(), secret: "?".into() }
    }

    /// The address that it sends its people to.
    pub(crate) fn address(&self, changed: &[(&str, &str)]) -> String {
        let challenge = digest::digest(&digest::SHA256, VERIFIER.as_bytes());
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        let mut pairs = vec![
            ("client_id", self.id.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
            ("scope", "openid profile email"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| changed.iter().all(|(other, _)| other != name));
        pairs.extend(changed.iter().filter(|(_, value)| !value.is_empty()));
        let mut url = self.house.url().join("/oauth/authorize").expect("an address");
        url.query_pairs_mut().extend_pairs(pairs);
        url.into()
    }

    /// Goes there, signs in by password where it is asked to, and stops where the browser leaves.
    pub(crate) async fn send(&self, browser: &Browser, changed: &[(&str, &str)]) -> Page {
        self.enter(browser, &self.address(changed)).await
    }

    /// The same from an address that another library made.
    pub(crate) async fn enter(&self, browser: &Browser, address: &str) -> Page {
        let page = self.onward(browser, browser.get(address).await).await;
        match page.find_form("/login") {
            Some(form) => {
                let form = form.with("email", EMAIL).with("password", PASSWORD);
                let page = browser.submit(&form).await;
                self.onward(browser, page).await
            }
            None => page,
        }
    }

    /// Follows redirects inside the house.
    pub(crate) async fn onward(&self, browser: &Browser, mut page: Page) -> Page {
        while let Some(to) = page.location().filter(|to| to.origin() == self.house.url().origin()) {
            page = browser.get(to.as_str()).await;
        }
        page
    }

    /// The code that somebody brings who signs in now.
    pub(crate) async fn code(&self, browser: &Browser, changed: &[(&str, &str)]) -> String {
        let page = self.send(browser, changed).await;
        brought(&page, "code")
            .unwrap_or_else(|| panic!("no code: {:?} {}", page.location(), page.text()))
    }

    /// Asks a machine endpoint as this client.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        read(self.asking(path, form)).await
    }

    /// What it would ask a machine endpoint, not sent yet.
    pub(crate) fn asking(&self, path: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let url = self.house.url().join(path).expect("an address");
        self.http.post(url).basic_auth(&self.id, Some(&self.secret)).form(form)
    }

    pub(crate) async fn redeem(&self, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        self.post("/oauth/token", &form).await
    }

    /// Tokens of somebody who signs in now.
    pub(crate) async fn tokens(&self, browser: &Browser, changed: &[(&str, &str)]) -> Answer {
        let answer = self.redeem(&self.code(browser, changed).await).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
            .await
    }

    pub(crate) async fn userinfo(&self, token: &str) -> Answer {
        let url = self.house.url().join("/oauth/userinfo").expect("an address");
        read(self.http.get(url).bearer_auth(token)).await
    }

    pub(crate) async fn introspect(&self, token: &str) -> Value {
        let answer = self.post("/oauth/introspect", &[("token", token)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }
}

pub(crate) async fn read(asked: reqwest::RequestBuilder) -> Answer {
    let response = asked.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a body");
    Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
}

/// What a browser brings to the shop under this name.
pub(crate) fn brought(page: &Page, name: &str) -> Option<String> {
    let url: Url = page.location()?;
    let at_the_shop = url.as_str().starts_with(REDIRECT_URI);
    let mut pairs = url.query_pairs().filter(|_| at_the_shop);
    pairs.find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

/// The claims of a token, unchecked.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
