//! `/readyz` and `/metrics`, as a platform team asks them.

use identity::secret::Secret;
use identity::users::Status;
use serde_json::{Value, json};
use store::By;
use testkit::{Browser, Engine, FakeProvider, House};
use tokio::net::TcpListener;

pub(crate) const PASSWORD: &str = "lantern cobalt walnut 41";

/// What the listener of its own answers.
struct Machinery(String);

impl Machinery {
    async fn of(house: &House) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(server::operations::serve(house.app.clone(), listener));
        Self(format!("http://{address}"))
    }

    async fn get(&self, path: &str, accept: &str) -> (u16, String) {
        let request = machine().get(format!("{}{path}", self.0)).header("accept", accept);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    async fn metrics(&self) -> String {
        let (status, text) = self.get("/metrics", "*/*").await;
        assert_eq!(status, 200, "{text}");
        text
    }

    async fn ready(&self) -> (u16, Value) {
        let (status, text) = self.get("/readyz", "application/json").await;
        (status, serde_json::from_str(&text).expect("JSON"))
    }
}

#[expect(clippy::disallowed_methods, reason = "a program that asks has no guards of ours")]
pub(crate) fn machine() -> reqwest::Client {
    reqwest::Client::new()
}

pub(crate) async fn grace(house: &House) {
    let user = house.add_staff("grace@shop.test", Status::Active).await;
    let hash = house.app.hasher.hash(Secret::new(PASSWORD)).await.expect("a hash").to_string();
    let (by, now) = (By::operator(), house.app.now());
    house.app.store.set_password(&user.id, &hash, None, &by, now).await.expect("a password");
}

async fn sign_in(browser: &Browser, password: &str) {
    let form = browser.open("/back-office/login").await.form("/login");
    browser.submit(&form.with("email", "grace@shop.test").with("password", password)).await;
}

/// Their private halves are erased, as after a leak.
async fn retire_all_keys(house: &House) {
    let (store, now) = (&house.app.store, house.app.now());
    for stored in store.list_signing_keys().await.expect("keys") {
        let retired = store.retire_signing_key(&stored.key.kid, now, &By::operator(), now).await;
        retired.expect("retired");
    }
    house.app.signer.reload(house.app.signing_tools()).await.expect("read again");
}

/// The number behind a name with its labels.
pub(crate) fn value(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|number| number.parse().expect("a number"))
}

#[tokio::test]
async fn sign_ins_are_counted_by_application_provider_and_outcome() {
    let house = House::start(Engine::Sqlite).await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    house.connect(&provider).await;
    grace(&house).await;
    let machinery = Machinery::of(&house).await;
    sign_in(&house.browser(), "not the password of anybody").await;
    for _ in 0..2 {
        sign_in(&house.browser(), PASSWORD).await;
    }
    house.browser().open("/back-office/login/corp").await;
    house.browser().open("/back-office/login/made-up-provider").await;
    let text = machinery.metrics().await;
    let count = |provider: &str, outcome: &str| {
        let labels = format!(
            "{{application=\"back-office\",provider=\"{provider}\",outcome=\"{outcome}\"}}"
        );
        value(&text, &format!("vestibule_sign_ins_total{labels}"))
    };
    assert_eq!(count("password", "signed_in"), Some(2.0), "{text}");
    assert_eq!(count("password", "not_accepted"), Some(1.0), "{text}");
    assert_eq!(count("corp", "signed_in"), Some(1.0), "{text}");
    assert_eq!(count("none", "provider_not_connected"), Some(1.0), "{text}");
    assert_eq!(value(&text, "vestibule_provider_up{provider=\"corp\"}"), Some(1.0), "{text}");
    assert_eq!(value(&text, "vestibule_cache_entries{cache=\"sessions\"}"), Some(1.0), "{text}");
    assert!(!text.contains("made-up"), "{text}");
}

#[tokio::test]
async fn answers_are_timed_by_route_and_nothing_that_a_visitor_makes_up_is_a_label() {
    let house = House::start(Engine::Sqlite).await;
    let machinery = Machinery::of(&house).await;
    let browser = house.browser().saying("x-forwarded-for", "198.51.100.7");
    browser.get("/back-office/login").await;
    browser.get("/back-office/login/made-up-1").await;
    browser.get("/made-up-2/and/more").await;
    let text = machinery.metrics().await;
    let count = |route: &str, status: &str| {
        let labels = format!("{{route=\"{route}\",method=\"GET\",status=\"{status}\"}}");
        value(&text, &format!("vestibule_request_duration_seconds_count{labels}"))
    };
    assert_eq!(count("/{application}/login", "2xx"), Some(1.0), "{text}");
    assert_eq!(count("none", "4xx"), Some(1.0), "{text}");
    assert!(value(&text, "vestibule_ignored_forwarded_total").is_some_and(|n| n > 0.0), "{text}");
    assert_eq!(value(&text, "vestibule_mails{state=\"waiting\"}"), Some(0.0), "{text}");
    assert_eq!(value(&text, "vestibule_back_channel_logouts"), Some(0.0), "{text}");
    assert!(!text.contains("made-up") && !text.contains("198.51"), "{text}");
}

/// As a scraper reads them: help and type first, cumulative buckets, one number a line.
#[tokio::test]
async fn the_page_of_metrics_is_well_formed() {
    let house = House::start(Engine::Sqlite).await;
    let machinery = Machinery::of(&house).await;
    house.browser().get("/healthz").await;
    let text = machinery.metrics().await;
    let mut known = Vec::new();
    let mut buckets = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            known.push(rest.split(' ').next().expect("a name").to_owned());
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let (name, number) = line.rsplit_once(' ').expect("a name and a number");
        let number: f64 = number.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        let bare = name.split('{').next().expect("a name");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| bare.strip_suffix(end));
        let family = family.filter(|family| known.iter().any(|one| one == family)).unwrap_or(bare);
        assert!(known.iter().any(|one| one == family), "no type: {line}");
        if name.contains("route=\"/healthz\"") && bare.ends_with("_bucket") {
            buckets.push(number);
        }
    }
    assert!(buckets.is_sorted() && buckets.last() == Some(&1.0), "{buckets:?}");
}

#[tokio::test]
async fn the_public_listener_serves_no_metrics() {
    let house = House::start(Engine::Sqlite).await;
    assert_eq!(house.browser().get("/metrics").await.status, 404);
}

#[tokio::test]
async fn ready_says_that_database_and_keys_are_there() {
    let house = House::start(Engine::Sqlite).await;
    let checks = json!({ "database": { "ok": true }, "keys": { "ok": true } });
    let good = json!({ "status": "ok", "checks": checks });
    assert_eq!(Machinery::of(&house).await.ready().await, (200, good.clone()));
    let public = house.browser().get("/readyz").await;
    assert_eq!(serde_json::from_str::<Value>(&public.body).expect("JSON"), good);
    let text = Machinery::of(&house).await.get("/readyz", "text/plain").await;
    assert_eq!(text, (200, "database: ok\nkeys: ok\n".to_owned()));
}

#[tokio::test]
async fn ready_says_no_without_its_database_and_metrics_say_so_too() {
    let house = House::start(Engine::Sqlite).await;
    let machinery = Machinery::of(&house).await;
    house.app.store.close().await;
    let (status, said) = machinery.ready().await;
    assert_eq!((status, &said["status"]), (503, &json!("unavailable")));
    assert_eq!(
        (&said["checks"]["database"]["ok"], &said["checks"]["keys"]["ok"]),
        (&json!(false), &json!(true))
    );
    let why = said["checks"]["database"]["why"].as_str().expect("why");
    assert!(why.contains("the log says why"), "{why}");
    assert_eq!(value(&machinery.metrics().await, "vestibule_database_up"), Some(0.0));
}

#[tokio::test]
async fn ready_says_no_without_keys_to_sign_with() {
    let house = House::start(Engine::Sqlite).await;
    let machinery = Machinery::of(&house).await;
    // The house may be making its first keys just now; those that it makes later go as well.
    let (status, said) = loop {
        retire_all_keys(&house).await;
        let (status, said) = machinery.ready().await;
        if status != 200 {
            break (status, said);
        }
    };
    let why = said["checks"]["keys"]["why"].as_str().expect("why");
    assert!(status == 503 && why.contains("vestibule keys list"), "{said}");
    assert_eq!(said["checks"]["database"]["ok"], true, "{said}");
}
