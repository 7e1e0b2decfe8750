//! What a collector learns of requests, and that visitors never notice it.

use std::collections::HashMap;

use testkit::{Engine, FakeProvider, House, MailServer};
use tokio::net::TcpListener;

use crate::collector::{Collector, Manner, Span, resource};
use crate::logs::{
    NEW, REDIRECT_URI, SHOP_SECRET, VERIFIER, WRONG, WRONG_SECRET, code_flow, register, reset,
    sign_in,
};
use crate::metrics::{PASSWORD, grace, machine, value};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Kinds of spans, as OTLP numbers them.
const SERVER: i32 = 2;
const CLIENT: i32 = 3;

async fn house_with(collector: &Collector) -> House {
    let url = collector.url.clone();
    House::with(Engine::Sqlite, |config| config.traces.url = Some(url)).await
}

fn only(spans: Vec<Span>) -> Span {
    let [span] = spans.try_into().expect("one span");
    span
}

fn attributes(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_of_the_trace_that_it_came_with() {
    let collector = Collector::start(Manner::Good).await;
    let headers = std::env::temp_dir().join(format!("vestibule-headers-{}", std::process::id()));
    std::fs::write(&headers, "Authorization: Bearer of-the-collector\n").expect("written");
    let (url, file) = (collector.url.clone(), headers.clone());
    let mut house = House::with(Engine::Sqlite, |config| {
        config.traces.url = Some(url);
        config.traces.headers_file = Some(file);
        config.traces.service_name = "front-door".to_owned();
    })
    .await;
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let page = house.browser().saying("traceparent", &parent).get("/back-office/login?a=b").await;
    let lonely = house.browser().get("/made-up/address/of-nobody").await;
    house.stop().await;
    std::fs::remove_file(&headers).expect("removed");

    let export = &collector.exports()[0];
    assert_eq!(export.path, "/v1/traces");
    assert_eq!(export.headers["content-type"], "application/x-protobuf");
    assert_eq!(export.headers["authorization"], "Bearer of-the-collector");
    let version = env!("CARGO_PKG_VERSION");
    let own = [("service.name", "front-door"), ("service.version", version)];
    assert_eq!(resource(export), attributes(&own));

    let span = only(collector.named("GET /{application}/login"));
    assert_eq!((span.trace.as_str(), span.parent.as_str()), (TRACE, PARENT));
    assert_eq!((span.kind, span.failed), (SERVER, false));
    let id = page.headers["x-request-id"].to_str().expect("text");
    let told = [
        ("http.request.method", "GET"),
        ("http.route", "/{application}/login"),
        ("http.response.status_code", "200"),
        ("vestibule.request_id", id),
    ];
    assert_eq!(span.said, attributes(&told));

    let span = only(collector.named("GET"));
    assert_ne!(span.trace, TRACE);
    assert_eq!((span.parent.as_str(), span.failed), ("", false));
    let id = lonely.headers["x-request-id"].to_str().expect("text");
    let told = [
        ("http.request.method", "GET"),
        ("http.response.status_code", "404"),
        ("vestibule.request_id", id),
    ];
    assert_eq!(span.said, attributes(&told));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_is_asked_is_part_of_the_request_that_it_is_asked_for() {
    let collector = Collector::start(Manner::Good).await;
    let mut house = house_with(&collector).await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    house.connect(&provider).await;
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let browser = house.browser().saying("traceparent", &parent);
    assert!(browser.open("/back-office/login/corp").await.is_signed_in());
    house.stop().await;

    let callback = only(collector.named("GET /login/callback/{provider}"));
    let (host, port) = provider
        .host()
        .split_once(':')
        .map(|(host, port)| (host.to_owned(), port.to_owned()))
        .expect("host and port");
    for method in ["GET", "POST"] {
        let mut asked = collector.named(method);
        asked.retain(|span| span.kind == CLIENT);
        let span = only(asked);
        assert_eq!((&span.trace, &span.parent), (&callback.trace, &callback.id));
        assert!(!span.failed, "{span:?}");
        let told = [
            ("http.request.method", method),
            ("http.response.status_code", "200"),
            ("server.address", &host),
            ("server.port", &port),
        ];
        assert_eq!(span.said, attributes(&told));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_a_request_is_kept_is_said_by_its_parent_and_else_by_the_ratio() {
    let collector = Collector::start(Manner::Good).await;
    let url = collector.url.clone();
    let mut house = House::with(Engine::Sqlite, |config| {
        config.traces.url = Some(url);
        config.traces.ratio = 0.0;
    })
    .await;
    house.browser().get("/healthz").await;
    for flags in ["00", "01"] {
        let parent = format!("00-{TRACE}-{PARENT}-{flags}");
        let path = if flags == "01" { "/readyz" } else { "/openapi.json" };
        house.browser().saying("traceparent", &parent).get(path).await;
    }
    house.stop().await;
    assert_eq!(only(collector.spans()).name, "GET /readyz");
}

#[tokio::test(flavor = "multi_thread")]
async fn s085_a_trace_tells_no_secret_and_nothing_that_a_visitor_sent() {
    let collector = Collector::start(Manner::Good).await;
    let mails = MailServer::start().await;
    let (url, smtp) = (collector.url.clone(), mails.url());
    let mut house = House::with(Engine::Sqlite, |config| {
        config.traces.url = Some(url);
        config.mail.smtp_url = Some(smtp);
    })
    .await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    house.connect(&provider).await;
    register(&house).await;
    grace(&house).await;
    let browser = house
        .browser()
        .saying("traceparent", &format!("00-{TRACE}-{PARENT}-01"))
        .saying("tracestate", "vendor=text-of-a-visitor-1")
        .saying("baggage", "key=text-of-a-visitor-2")
        .saying("x-request-id", "text-of-a-visitor-3")
        .saying("user-agent", "text-of-a-visitor-4");
    sign_in(&browser, WRONG).await;
    sign_in(&browser, PASSWORD).await;
    let mut secrets = vec![browser.cookie("staff").expect("a session")];
    secrets.push(reset(&browser, &mails).await);
    sign_in(&browser, NEW).await;
    secrets.extend(code_flow(&house, &browser).await);
    secrets.extend([browser.cookie("staff").expect("a session")]);
    secrets.extend([browser.cookie("browser").expect("a browser")]);
    browser.get("/text-of-a-visitor-5/login?text-of-a-visitor-6=1").await;
    browser.get("/back-office/login/text-of-a-visitor-7").await;
    let made_up = reqwest::Method::from_bytes(b"TEXT-OF-A-VISITOR-8").expect("a method");
    let odd = machine().request(made_up, house.url().clone()).send().await.expect("an answer");
    assert_eq!(odd.status(), 405);
    house.browser().open("/back-office/login/corp").await;
    let seen = provider.seen();
    secrets.extend(seen.codes.into_iter().chain(seen.access_tokens).chain(seen.id_tokens));
    house.stop().await;

    let fixed = [PASSWORD, NEW, WRONG, SHOP_SECRET, WRONG_SECRET, VERIFIER, REDIRECT_URI];
    secrets.extend(fixed.map(str::to_owned));
    let others =
        ["grace@shop.test", "shop.test", "text-of-a-visitor", "state-of-the-shop", "127.0.0.1:"];
    assert!(secrets.len() > 18, "{}", secrets.len());
    let spans = collector.spans();
    assert!(spans.len() > 20, "{}", spans.len());
    assert!(spans.iter().any(|span| span.name == "_OTHER /"), "the odd one was seen");
    assert!(spans.iter().any(|span| span.name == "POST /oauth/token"), "the tokens were seen");
    for export in collector.exports() {
        let bytes = String::from_utf8_lossy(&export.body).to_lowercase();
        for secret in secrets.iter().map(String::as_str).chain(others) {
            let is_there = bytes.contains(&secret.to_lowercase());
            assert!(secret.len() > 8 && !is_there, "{secret:?} is in a trace");
        }
    }
}

/// Visitors come as ever, and the house closes.
async fn live_in(house: &House) {
    grace(house).await;
    let browser = house.browser();
    sign_in(&browser, PASSWORD).await;
    assert!(browser.open("/back-office").await.is_signed_in());
}

fn spans_of(text: &str, outcome: &str) -> f64 {
    let name = format!("vestibule_spans_total{{outcome=\"{outcome}\"}}");
    value(text, &name).unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_gone_is_noticed_by_nobody_but_the_metrics() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gone = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let mut house = House::with(Engine::Sqlite, |config| {
        config.traces.url = Some(gone.parse().expect("an address"));
    })
    .await;
    live_in(&house).await;
    let told = loop {
        let told = server::metrics::write(&house.app).await;
        if spans_of(&told, "refused") > 0.0 {
            break told;
        }
    };
    assert_eq!(spans_of(&told, "exported"), 0.0, "{told}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_holds_up_neither_visitors_nor_the_end() {
    let collector = Collector::start(Manner::Silent).await;
    let url = collector.url.clone();
    let mut house = House::with(Engine::Sqlite, |config| {
        config.traces.url = Some(url);
        // Longer than any test: by itself the exporter gives up when everything is over.
        config.outbound.timeout_seconds = 600;
    })
    .await;
    live_in(&house).await;
    collector.wait().await;
    live_on(&house).await;
    house.stop().await;
    assert_eq!(collector.left(), 0, "the house was closed before the exporter gave up");
    let told = server::metrics::write(&house.app).await;
    assert_eq!(spans_of(&told, "exported"), 0.0, "{told}");
    assert!(value(&told, "vestibule_spans_waiting").is_some_and(|spans| spans > 5.0), "{told}");
}

async fn live_on(house: &House) {
    for _ in 0..5 {
        assert_eq!(house.browser().get("/back-office/login").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_lies_leads_nowhere() {
    let elsewhere = Collector::start(Manner::Good).await;
    let to = elsewhere.url.clone();
    for manner in [Manner::Elsewhere(to), Manner::Garbage] {
        let collector = Collector::start(manner.clone()).await;
        let mut house = house_with(&collector).await;
        live_in(&house).await;
        house.stop().await;
        let told = server::metrics::write(&house.app).await;
        let outcomes = (spans_of(&told, "refused") > 0.0, spans_of(&told, "exported") > 0.0);
        let is_taken = matches!(manner, Manner::Garbage);
        assert_eq!(outcomes, (!is_taken, is_taken), "{manner:?}: {told}");
    }
    assert!(elsewhere.exports().is_empty(), "a redirect was followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_that_traces_nothing_counts_no_spans() {
    let house = House::start(Engine::Sqlite).await;
    house.browser().get("/healthz").await;
    let told = server::metrics::write(&house.app).await;
    assert!(!told.contains("vestibule_spans"), "{told}");
}
