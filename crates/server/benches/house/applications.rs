//! What is measured of applications: the check of a reverse proxy, tokens, and questions about them.

use std::net::SocketAddr;

use testkit::wire::Answer;

use crate::house::{CLIENT, Furnished, PEOPLE, Running};
use crate::load::{Pairs, block};
use crate::table::Table;
use crate::work::{arrive, connect, sign_in};

/// Operations of one lane in one block.
const EACH: u64 = 1000;

/// Blocks of each.
const BLOCKS: usize = 6;

/// Measures all of them.
pub async fn measure(furnished: &Furnished, house: &Running, bare: &Running, table: &mut Table) {
    table.pair("forward-auth", &forward_auth(house, bare).await);
    let secret = furnished.client_secret();
    let fields = [
        ("client_id", CLIENT),
        ("client_secret", secret),
        ("grant_type", "client_credentials"),
        ("resource", "https://orders.example"),
    ];
    let token = ask(house.address, "/oauth/token", &fields).await;
    let token: serde_json::Value = serde_json::from_str(&token.body).expect("JSON");
    let token = token["access_token"].as_str().expect("a token");
    let signed = posts(house, bare, ["/oauth/token", "/sign"], &fields).await;
    table.pair("client-credentials token, beside signing alone", &signed);
    let inserted = posts(house, bare, ["/oauth/token", "/sign-and-insert"], &fields).await;
    table.pair("client-credentials token, beside signing and one insert", &inserted);
    let fields = [("client_id", CLIENT), ("client_secret", secret), ("token", token)];
    let about = ask(house.address, "/oauth/introspect", &fields).await;
    assert!(about.body.contains("\"active\":true"), "{about:?}");
    let pairs = posts(house, bare, ["/oauth/introspect", "/verify"], &fields).await;
    table.pair("introspection, beside verification alone", &pairs);
}

async fn ask(address: SocketAddr, path: &str, fields: &[(&str, &str)]) -> Answer {
    let answer = connect(address).await.post(path, "", fields).await.expect("an answer");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// A proxy asks about request after request of somebody who is signed in.
async fn forward_auth(house: &Running, bare: &Running) -> Pairs {
    let mut wire = connect(house.address).await;
    let visitor = arrive(&mut wire).await;
    let session = sign_in(&mut wire, &visitor, PEOPLE[0]).await.cookie("_staff").expect("a cookie");
    let lanes = |address: SocketAddr, path: &'static str| {
        let lane = || {
            let session = session.clone();
            async move {
                let mut wire = connect(address).await;
                for _ in 0..EACH {
                    let answer = wire.get(path, &session).await.expect("an answer");
                    assert_eq!(answer.status, 200, "{answer:?}");
                }
            }
        };
        PEOPLE.iter().map(|_| lane()).collect::<Vec<_>>()
    };
    let mut pairs = Pairs::default();
    for _ in 0..BLOCKS {
        let path = "/forward-auth/back-office";
        let product = block(house, EACH, lanes(house.address, path)).await;
        let limit = block(bare, EACH, lanes(bare.address, "/session/0")).await;
        pairs.push(product, limit);
    }
    pairs
}

/// The same form to the product and to its limit.
async fn posts(
    house: &Running,
    bare: &Running,
    [product, limit]: [&str; 2],
    fields: &[(&str, &str)],
) -> Pairs {
    let lanes = |address: SocketAddr, path: &str| {
        let lane = || {
            let path = path.to_owned();
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let fields: Vec<(String, String)> = fields.iter().map(own).collect();
            async move {
                let mut wire = connect(address).await;
                let fields: Vec<_> =
                    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                for _ in 0..EACH {
                    let answer = wire.post(&path, "", &fields).await.expect("an answer");
                    assert_eq!(answer.status, 200, "{answer:?}");
                }
            }
        };
        PEOPLE.iter().map(|_| lane()).collect::<Vec<_>>()
    };
    let mut pairs = Pairs::default();
    for _ in 0..BLOCKS {
        let product = block(house, EACH, lanes(house.address, product)).await;
        let limit = block(bare, EACH, lanes(bare.address, limit)).await;
        pairs.push(product, limit);
    }
    pairs
}
