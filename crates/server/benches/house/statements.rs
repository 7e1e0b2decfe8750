//! How much each sign-in asks of the database, as the store itself counts it.

use std::sync::Arc;

use identity::applications::ApplicationKey;
use identity::oauth::clients::{ClientAuthMethod, GrantType};
use identity::oauth::registration::NewClient;
use identity::secret::Secret;
use identity::users::Status;
use store::{By, Figures};
use testkit::wire::Wire;
use testkit::{Browser, Engine, FakeProvider, House};
use url::form_urlencoded;

use crate::house::{PASSWORD, PEOPLE};
use crate::table::Table;

/// Most statements of a returning person's callback, BEGIN and COMMIT included (DESIGN 7).
const STATEMENTS: u64 = 9;

/// How often each is counted. The house looks at changes all the time, which only ever adds, so
/// the least is what the sign-in costs.
const TIMES: usize = 12;

/// Counts on each engine.
pub async fn count(engines: &[Engine], table: &mut Table) {
    for engine in engines {
        let name = format!("{engine:?}").to_lowercase();
        let house = House::start(*engine).await;
        let callback = callback(&house).await;
        let what = format!("callback of a returning person ({name})");
        table.budget(&format!("statements, {what}"), callback.statements, STATEMENTS);
        table.note(&figures(&what, callback));
        table.note(&figures(&format!("password login ({name})"), password(&house).await));
        table.note(&figures(&format!("use of a refresh token ({name})"), refresh(&house).await));
    }
}

fn figures(what: &str, cost: Figures) -> String {
    let Figures { transactions, statements, rows_written, .. } = cost;
    format!(
        "{what}: {statements} statements, {rows_written} rows written, {transactions} of its \
         transactions with BEGIN and COMMIT"
    )
}

fn least(costs: Vec<Figures>) -> Figures {
    costs.into_iter().min_by_key(|cost| cost.statements).expect("some were counted")
}

async fn callback(house: &House) -> Figures {
    let provider = FakeProvider::start(Arc::clone(&house.clock) as _).await;
    house.connect(&provider).await;
    provider.person("returning", "returning@corp.example");
    let browser = house.browser();
    let mut costs = Vec::new();
    for _ in 0..=TIMES {
        // Another session would be ended by the sign-in, which is no part of it.
        browser.lose("_staff");
        let away = browser.get("/back-office/login/corp").await;
        let back = browser.step(&away).await;
        let before = house.app.store.counted();
        let home = browser.step(&back).await;
        costs.push(house.app.store.counted().since(before));
        assert_eq!(home.status, 303, "{home:?}");
    }
    // The first made the user.
    least(costs.split_off(1))
}

async fn password(house: &House) -> Figures {
    let user = house.add_staff(PEOPLE[0], Status::Active).await;
    let hash = house.app.hasher.hash(Secret::new(PASSWORD)).await.expect("a hash").to_string();
    let (store, now) = (&house.app.store, house.app.now());
    store.set_password(&user.id, &hash, None, &By::operator(), now).await.expect("a password");
    let browser = house.browser();
    let mut costs = Vec::new();
    for _ in 0..=TIMES {
        browser.lose("_staff");
        costs.push(sign_in(house, &browser).await);
    }
    // The first made the device known.
    least(costs.split_off(1))
}

/// Of the person who has a password by now, at a client that proves itself by a secret.
async fn refresh(house: &House) -> Figures {
    const CALLBACK: &str = "https://shop.example/callback";
    let mut new = NewClient::named(ApplicationKey::from_stored("back-office"), "Bench");
    new.id = Some("bench".to_owned());
    new.authentication = Some(ClientAuthMethod::ClientSecretPost);
    new.redirect_uris = vec![CALLBACK.to_owned()];
    new.grant_types = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
    new.scopes = vec!["openid".to_owned()];
    (new.require_pkce, new.require_nonce) = (false, false);
    let (store, now) = (&house.app.store, house.app.now());
    let client = new.register(now, house.app.entropy.as_ref()).expect("a client");
    let secret = Secret::new("bench").digest();
    store.add_client(&client, Some(&secret), &By::operator(), now).await.expect("added");
    house.learn().await;
    let browser = house.browser();
    sign_in(house, &browser).await;
    let query = [("client_id", "bench"), ("redirect_uri", CALLBACK), ("response_type", "code")];
    let query = form_urlencoded::Serializer::new("/oauth/authorize?scope=openid&".to_owned())
        .extend_pairs(query)
        .finish();
    let back = browser.get(&query).await.sent_on("code").expect("a code");
    let address = house.url().socket_addrs(|| None).expect("an address")[0];
    let mut wire = Wire::connect(address).await.expect("a connection");
    let mut token = redeem(
        &mut wire,
        &[("grant_type", "authorization_code"), ("code", &back), ("redirect_uri", CALLBACK)],
    )
    .await;
    let mut costs = Vec::new();
    for _ in 0..TIMES {
        let before = house.app.store.counted();
        token =
            redeem(&mut wire, &[("grant_type", "refresh_token"), ("refresh_token", &token)]).await;
        costs.push(house.app.store.counted().since(before));
    }
    least(costs)
}

/// The refresh token that comes of it.
async fn redeem(wire: &mut Wire, fields: &[(&str, &str)]) -> String {
    let own = [("client_id", "bench"), ("client_secret", "bench")];
    let answer = wire.post("/oauth/token", "", &[&own, fields].concat()).await.expect("an answer");
    let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    body["refresh_token"].as_str().unwrap_or_else(|| panic!("no token: {answer:?}")).to_owned()
}

async fn sign_in(house: &House, browser: &Browser) -> Figures {
    let page = browser.get("/back-office/login").await;
    let form = page.form("/login").with("email", PEOPLE[0]).with("password", PASSWORD);
    let before = house.app.store.counted();
    let home = browser.submit(&form).await;
    let cost = house.app.store.counted().since(before);
    assert_eq!(home.status, 303, "{home:?}");
    cost
}
