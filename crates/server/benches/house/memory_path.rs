//! The session check without HTTP: what every door asks, answered from memory.

use std::collections::HashMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::RwLock;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use identity::secret::{Digest, Secret};
use identity::users::Status;
use server::app::App;
use server::sessions::current::{AtDoor, at_door};
use server::visit::Visit;
use store::By;
use testkit::{Engine, House};

use crate::house::{PASSWORD, PEOPLE, now};
use crate::table::Table;

/// Checks of one block.
const EACH: u32 = 20_000;

/// Measures on one thread, so that the time is the processor's.
pub async fn measure(table: &mut Table) {
    let house = House::start(Engine::Sqlite).await;
    let cookies = sign_in(&house).await;
    let mut visit = visit(&house.app, &cookies);
    let door = house.app.directory.now().application("back-office").expect("a door");
    let token = house.app.cookies.session(&visit.headers, door.user_type).expect("a session");
    let shelf = RwLock::new(HashMap::from([(token.digest(), cookies.clone())]));
    let (mut product, mut limit) = (Vec::new(), Vec::new());
    for _ in 0..9 {
        visit.now = house.app.now();
        let started = now();
        for _ in 0..EACH {
            let found = at_door(&house.app, &door, black_box(&visit)).await.expect("an answer");
            assert!(matches!(found, AtDoor::Enter(_)));
        }
        product.push((now() - started) / EACH);
        let started = now();
        for _ in 0..EACH {
            let digest = Digest::of(black_box(&token).expose().as_bytes());
            assert!(shelf.read().expect("a lock").contains_key(&digest));
        }
        limit.push((now() - started) / EACH);
    }
    let (product, limit) = (median(product), median(limit));
    table.note(&format!(
        "session check in memory alone: {} ns; one SHA-256 and one look into a map: {} ns; \
         ratio {:.1}",
        product.as_nanos(),
        limit.as_nanos(),
        product.as_secs_f64() / limit.as_secs_f64()
    ));
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn sign_in(house: &House) -> String {
    let user = house.add_staff(PEOPLE[0], Status::Active).await;
    let hash = house.app.hasher.hash(Secret::new(PASSWORD)).await.expect("a hash").to_string();
    let by = By::operator();
    let set = house.app.store.set_password(&user.id, &hash, None, &by, house.app.now()).await;
    set.expect("a password");
    let browser = house.browser();
    let page = browser.get("/back-office/login").await;
    let form = page.form("/login").with("email", PEOPLE[0]).with("password", PASSWORD);
    assert_eq!(browser.submit(&form).await.status, 303);
    let token = browser.cookie("_staff").expect("a session");
    let name = house.app.cookies.session_name(identity::users::UserType::Staff);
    format!("{name}={token}")
}

fn visit(app: &App, cookies: &str) -> Visit {
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_str(cookies).expect("a header"));
    Visit {
        now: app.now(),
        request_id: "bench".into(),
        address: IpAddr::from(Ipv4Addr::LOCALHOST),
        browser: None,
        user_agent: "bench".to_owned(),
        headers,
    }
}
