//! What is measured of people: the three things that a house does for them all day.

use std::net::SocketAddr;

use testkit::FakeProvider;
use testkit::wire::{Answer, Wire};
use url::{Position, Url};

use crate::house::{PASSWORD, PEOPLE, Running};
use crate::load::{Pairs, block};

/// A browser of the load.
#[derive(Clone)]
pub struct Visitor {
    /// The cookie that it is known by.
    pub browser: String,
    /// What its forms carry.
    pub csrf: String,
}

/// Opens the login page.
pub async fn arrive(wire: &mut Wire) -> Visitor {
    let page = wire.get("/back-office/login", "").await.expect("the login page");
    Visitor {
        browser: page.cookie("_browser").expect("a cookie"),
        csrf: page.field("csrf").expect("a form"),
    }
}

/// A connection to whoever listens there.
pub async fn connect(address: SocketAddr) -> Wire {
    Wire::connect(address).await.expect("a connection")
}

/// The way in with a password: the answer that brings the session.
pub async fn sign_in(wire: &mut Wire, visitor: &Visitor, email: &str) -> Answer {
    let fields = [("csrf", visitor.csrf.as_str()), ("email", email), ("password", PASSWORD)];
    let answer = wire.post("/back-office/login", &visitor.browser, &fields).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 303, "{answer:?}");
    answer
}

/// The same page again and again, by somebody who is signed in.
pub async fn session_checks(house: &Running, bare: &Running) -> Pairs {
    const EACH: u64 = 2000;
    let mut wire = connect(house.address).await;
    let visitor = arrive(&mut wire).await;
    let session = sign_in(&mut wire, &visitor, PEOPLE[0]).await.cookie("_staff").expect("a cookie");
    let cookies = format!("{}; {session}", visitor.browser);
    let page = wire.get("/back-office", &cookies).await.expect("a page");
    assert!(page.is_signed_in(), "{page:?}");
    let same_size = format!("/session/{}", page.body.len());
    let lanes = |address: SocketAddr, path: &str| {
        let lane = || {
            let (path, cookies) = (path.to_owned(), cookies.clone());
            async move {
                let mut wire = connect(address).await;
                for _ in 0..EACH {
                    let page = wire.get(&path, &cookies).await.expect("a page");
                    assert_eq!(page.status, 200);
                }
            }
        };
        PEOPLE.iter().map(|_| lane()).collect::<Vec<_>>()
    };
    let mut pairs = Pairs::default();
    for _ in 0..6 {
        let product = block(house, EACH, lanes(house.address, "/back-office")).await;
        let limit = block(bare, EACH, lanes(bare.address, &same_size)).await;
        pairs.push(product, limit);
    }
    pairs
}

/// Sign-ins with a password, in all so many.
pub async fn password_logins(house: &Running, bare: &Running, in_all: u64) -> Pairs {
    const EACH: u64 = 10;
    let mut pairs = Pairs::default();
    let visitor = arrive(&mut connect(house.address).await).await;
    let lanes = |address: SocketAddr| {
        let lane = |email: &'static str| {
            let visitor = visitor.clone();
            async move {
                let mut wire = connect(address).await;
                for _ in 0..EACH {
                    sign_in(&mut wire, &visitor, email).await;
                }
            }
        };
        PEOPLE.into_iter().map(lane).collect::<Vec<_>>()
    };
    for _ in 0..in_all.div_ceil(EACH * PEOPLE.len() as u64) {
        let product = block(house, EACH, lanes(house.address)).await;
        let limit = block(bare, EACH, lanes(bare.address)).await;
        pairs.push(product, limit);
    }
    pairs
}

/// Ways back from the provider of somebody whom the house knows. The way there is not counted.
pub async fn callbacks(house: &Running, bare: &Running, provider: &FakeProvider) -> Pairs {
    const EACH: u64 = 50;
    provider.person("returning", "returning@corp.example");
    let visitor = arrive(&mut connect(house.address).await).await;
    let mut pairs = Pairs::default();
    // The first time is another story: it makes the user, and fetches the provider's keys.
    let first = trip(house.address, provider, &visitor).await;
    come_back(house.address, visitor.browser.clone(), vec![first]).await;
    for _ in 0..8 {
        let mut products = Vec::new();
        let mut limits = Vec::new();
        for _ in 0..2 {
            let mut ways = Vec::new();
            for _ in 0..EACH {
                ways.push(trip(house.address, provider, &visitor).await);
            }
            products.push(come_back(house.address, visitor.browser.clone(), ways));
            let prepared = connect(bare.address).await.get(&format!("/prepare/{EACH}"), "").await;
            assert_eq!(prepared.expect("an answer").status, 200);
            let ways = vec!["/callback".to_owned(); EACH as usize];
            limits.push(come_back(bare.address, visitor.browser.clone(), ways));
        }
        let product = block(house, EACH, products).await;
        let limit = block(bare, EACH, limits).await;
        pairs.push(product, limit);
    }
    pairs
}

/// To the provider, and what it sends back with.
pub async fn trip(house: SocketAddr, provider: &FakeProvider, visitor: &Visitor) -> String {
    let away = connect(house).await.get("/back-office/login/corp", &visitor.browser).await;
    let there = location(&away.expect("an answer"));
    let mut wire = connect(provider.host().parse().expect("an address")).await;
    let back = wire.get(&there[Position::BeforePath..], "").await.expect("an answer");
    location(&back)[Position::BeforePath..].to_owned()
}

/// Back again and again, each time to a session.
pub async fn come_back(address: SocketAddr, cookies: String, ways: Vec<String>) {
    let mut wire = connect(address).await;
    for way in ways {
        let answer = wire.get(&way, &cookies).await.expect("an answer");
        assert_eq!(answer.status, 303, "{answer:?}");
    }
}

fn location(answer: &Answer) -> Url {
    let location = answer.header("location").unwrap_or_else(|| panic!("no redirect: {answer:?}"));
    Url::parse(location).expect("an address")
}
