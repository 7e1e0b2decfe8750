//! What machine endpoints answer, held against the API document and against each other.

use std::collections::{BTreeMap, BTreeSet};

use identity::oauth::clients::GrantType;
use reqwest::Method;
use serde_json::Value;
use testkit::{Engine, House};

use crate::exchange::{ACCESS_TOKEN, EXCHANGE};
use crate::shop::{Answer, RESOURCE, Shop, machine, read};

/// The document that a house serves, and what was seen of each of its schemas.
struct Document {
    said: Value,
    seen: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Document {
    async fn of(house: &House) -> Self {
        let page = house.browser().get("/openapi.json").await;
        Self { said: serde_json::from_str(&page.body).expect("JSON"), seen: BTreeMap::new() }
    }

    fn schema(&self, name: &str) -> &Value {
        &self.said["components"]["schemas"][name]
    }

    /// The answer has members that are described alone, and all that must be there.
    fn fits(&mut self, name: &'static str, body: &Value) {
        let schema = self.schema(name).clone();
        let described = schema["properties"].as_object().expect("properties");
        let body = body.as_object().expect("an object");
        for member in body.keys() {
            assert!(described.contains_key(member), "{name} says {member}, which nobody described");
        }
        for needed in schema["required"].as_array().expect("a list") {
            let needed = needed.as_str().expect("text");
            assert!(body.contains_key(needed), "{name} does not say {needed}");
        }
        self.seen.entry(name).or_default().extend(body.keys().cloned());
    }

    /// Of such a method at such a path this status is described, with this schema.
    fn describes(&self, method: &str, path: &str, status: u16, name: &str) {
        let described = &self.said["paths"][path][method]["responses"][status.to_string()];
        let content = described["content"].as_object().expect("content");
        let (_, media) = content.iter().next().expect("a media type");
        assert_eq!(media["schema"]["$ref"], format!("#/components/schemas/{name}"), "{path}");
    }
}

fn described_members(document: &Document, name: &str) -> BTreeSet<String> {
    document.schema(name)["properties"].as_object().expect("properties").keys().cloned().collect()
}

/// A token of somebody else's sign-in, in whose name the client acts from now on.
async fn exchanged(shop: &Shop<'_>, token: &str) -> Answer {
    let own = [("grant_type", "client_credentials"), ("scope", "orders")];
    let actor = shop.post("/oauth/token", &own).await.text("access_token");
    let form = [
        ("grant_type", EXCHANGE),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
        ("actor_token", actor.as_str()),
        ("actor_token_type", ACCESS_TOKEN),
    ];
    shop.post("/oauth/token", &form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_are_answered_is_what_the_api_document_says() {
    let house = House::start(Engine::Sqlite).await;
    Shop::open(&house).await;
    let shop = Shop::register(&house, "trader", |new| {
        new.grant_types.push(GrantType::TokenExchange);
    })
    .await;
    let mut document = Document::of(&house).await;
    let asked = [("resource", RESOURCE), ("scope", "openid profile email groups orders")];
    let tokens = shop.tokens(&house.browser(), &asked).await;
    let access = tokens.text("access_token");
    document.describes("post", "/oauth/token", 200, "Tokens");
    let acting = exchanged(&shop, &access).await;
    for answer in [&tokens, &acting] {
        document.fits("Tokens", &answer.body);
    }
    let own = [("grant_type", "client_credentials"), ("scope", "orders")];
    let own = shop.post("/oauth/token", &own).await.text("access_token");
    document.describes("post", "/oauth/introspect", 200, "Introspection");
    let refresh = tokens.text("refresh_token");
    for token in [&access, &acting.text("access_token"), &own, &refresh, "no token"] {
        document.fits("Introspection", &shop.introspect(token).await);
    }
    document.describes("get", "/oauth/userinfo", 200, "UserInfo");
    document.fits("UserInfo", &shop.userinfo(&access).await.body);
    document.describes("post", "/oauth/token", 400, "Error");
    document.fits("Error", &shop.redeem("no code").await.body);
    document.describes("get", "/oauth/jwks", 200, "Jwks");
    let keys = read(machine().get(house.app.url("/oauth/jwks"))).await;
    document.fits("Jwks", &keys.body);
    // Nothing is described that nobody ever says: neither a key nor an organisation is in play.
    let mut said = document.seen["Introspection"].clone();
    said.insert("cnf".to_owned());
    assert_eq!(said, described_members(&document, "Introspection"));
    assert_eq!(document.seen["Tokens"], described_members(&document, "Tokens"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_of_possession_is_described_where_it_is_read_alone() {
    let house = House::start(Engine::Sqlite).await;
    let document = Document::of(&house).await.said;
    let mut reads = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            if parameters.iter().any(|one| one["name"] == "DPoP") {
                reads.push(format!("{method} {path}"));
            }
        }
    }
    let expected =
        ["post /oauth/par", "post /oauth/token", "get /oauth/userinfo", "post /oauth/userinfo"];
    assert_eq!(reads, expected);
}

/// The path, and a method that it does not take.
const MACHINES: [(&str, Method); 8] = [
    ("/.well-known/openid-configuration", Method::POST),
    ("/.well-known/oauth-authorization-server", Method::POST),
    ("/oauth/introspect", Method::GET),
    ("/oauth/jwks", Method::POST),
    ("/oauth/par", Method::GET),
    ("/oauth/revoke", Method::GET),
    ("/oauth/token", Method::GET),
    ("/oauth/userinfo", Method::PUT),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_before_a_client_is_heard_is_told_as_clients_read_it() {
    let house = House::start(Engine::Sqlite).await;
    let mut document = Document::of(&house).await;
    let invalid = |status| (status, "invalid_request".to_owned());
    for (path, method) in MACHINES {
        let answer = read(machine().request(method.clone(), house.app.url(path))).await;
        assert_eq!(answer.error(), invalid(405), "{method} {path}");
        assert!(answer.headers.contains_key("allow"), "{path}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        document.fits("Error", &answer.body);
        let taken = if method == Method::GET { "post" } else { "get" };
        document.describes(taken, path, 405, "Error");
    }
    let long = "x".repeat(70_000);
    for path in ["/oauth/introspect", "/oauth/par", "/oauth/revoke", "/oauth/token"] {
        let asked = machine().post(house.app.url(path)).form(&[("token", long.as_str())]);
        let answer = read(asked).await;
        assert_eq!(answer.error(), invalid(413), "{path}");
        document.fits("Error", &answer.body);
        document.describes("post", path, 413, "Error");
    }
    let page = house.browser().get("/oauth/token/").await;
    assert_eq!(page.reason().as_deref(), Some("not_found"), "people get a page");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_machines_are_told_to_come_again() {
    let house = House::start(Engine::Sqlite).await;
    let shop = Shop::open(&house).await;
    let token = shop.tokens(&house.browser(), &[]).await.text("access_token");
    house.app.store.close().await;
    let userinfo = shop.userinfo(&token).await;
    let introspection = shop.post("/oauth/introspect", &[("token", &token)]).await;
    for answer in [userinfo, introspection] {
        assert_eq!(answer.error(), (503, "temporarily_unavailable".to_owned()), "{answer:?}");
        assert_eq!(answer.headers["retry-after"], "2");
        assert_eq!(answer.body.as_object().expect("an object").len(), 2, "{answer:?}");
    }
}
