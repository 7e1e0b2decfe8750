//! What the guarded client does not connect to.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::Mutex;

use super::*;

/// Somebody on loopback who must not be called.
fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

/// Names that lead where the test says, one answer after the other; the last one stays.
struct Says(Mutex<Vec<IpAddr>>);

impl Says {
    fn then(answers: &[&str]) -> Arc<Self> {
        let parse = |text: &&str| text.parse().expect("an address");
        Arc::new(Self(Mutex::new(answers.iter().rev().map(parse).collect())))
    }
}

impl Names for Says {
    fn find<'a>(&'a self, _: &'a str, port: u16) -> Found<'a> {
        let mut left = self.0.lock().expect("no panic before");
        let answer = if left.len() > 1 { left.pop() } else { left.last().copied() };
        let answer = SocketAddr::new(answer.expect("an answer"), port);
        Box::pin(async move { Ok(vec![answer]) })
    }
}

#[tokio::test]
async fn s031_a_name_that_leads_inside_is_refused_at_the_save() {
    let nobody = Reach { allow_private: &[] };
    for inside in
        ["127.0.0.1", "10.0.0.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "::1", "fd00::1"]
    {
        let wire = Wire::with_names(&OutboundConfig::default(), Says::then(&[inside]));
        let wire = wire.expect("a client");
        let outcome = wire.check("https://id.corp.example/token", &nobody).await;
        assert!(matches!(outcome, Err(WireFault::Address(_))), "{inside}: {outcome:?}");
    }
    let wire = Wire::with_names(&OutboundConfig::default(), Says::then(&["93.184.215.14"]));
    let outcome = wire.expect("a client").check("https://id.corp.example/token", &nobody).await;
    assert_eq!(outcome, Ok(()), "a public address passes the same check");
}

#[tokio::test]
async fn s031_a_name_that_leads_inside_since_the_save_is_not_connected_to() {
    let (listener, port) = listener();
    // DNS rebinding: public for the save, inside for every call after it.
    let names = Says::then(&["93.184.215.14", "127.0.0.1"]);
    let wire = Wire::with_names(&OutboundConfig::default(), names).expect("a client");
    let nobody = Reach { allow_private: &[] };
    let url = format!("https://id.corp.example:{port}/token");
    assert_eq!(wire.check(&url, &nobody).await, Ok(()));
    let outcome = wire.send(wire.get(&url, &nobody).expect("a good address")).await;
    assert!(
        matches!(outcome, Err(WireFault::Address(AddressFault::Private { .. }))),
        "{outcome:?}"
    );
    let called = listener.accept().map_err(|error| error.kind());
    assert_eq!(called.err(), Some(ErrorKind::WouldBlock), "nobody was connected to");
}

#[tokio::test]
async fn s031_an_address_is_checked_again_when_its_name_is_resolved() {
    let wire = Wire::new(&OutboundConfig::default()).expect("a client");
    let (listener, port) = listener();
    // As after DNS rebinding: the name passed every check before, and leads inside now.
    let request = wire.public.get(format!("http://localhost:{port}/"));
    let outcome = wire.send(request).await;
    assert!(
        matches!(outcome, Err(WireFault::Address(AddressFault::Private { .. }))),
        "{outcome:?}"
    );
    let called = listener.accept().map_err(|error| error.kind());
    assert_eq!(called.err(), Some(ErrorKind::WouldBlock), "nobody was connected to");
}

#[tokio::test]
async fn s031_a_literal_address_is_checked_where_no_resolver_is_asked() {
    let wire = Wire::new(&OutboundConfig::default()).expect("a client");
    let nobody = Reach { allow_private: &[] };
    for url in ["https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/", "https://2130706433/"]
    {
        assert!(matches!(wire.get(url, &nobody), Err(WireFault::Address(_))), "{url}");
        assert!(matches!(wire.post(url, &nobody), Err(WireFault::Address(_))), "{url}");
    }
}

#[tokio::test]
async fn a_listed_host_has_connections_of_its_own() {
    let wire = Wire::new(&OutboundConfig::default()).expect("a client");
    let listed = ["id.corp.example:8443".to_owned()];
    let url = |text: &str| Url::parse(text).expect("an address");
    let leave = Reach { allow_private: &listed };
    let nobody = Reach { allow_private: &[] };
    let (here, elsewhere) = (url("https://id.corp.example:8443/"), url("https://id.corp.example/"));
    assert!(std::ptr::eq(wire.client_for(&here, &leave), &wire.listed));
    assert!(std::ptr::eq(wire.client_for(&here, &nobody), &wire.public));
    assert!(std::ptr::eq(wire.client_for(&elsewhere, &leave), &wire.public));
}

#[test]
fn a_file_without_certificates_is_refused() {
    let file = std::env::temp_dir().join(format!("vestibule-no-ca-{}", std::process::id()));
    std::fs::write(&file, "hello").expect("a file");
    let config = OutboundConfig { extra_ca_files: vec![file.clone()], ..OutboundConfig::default() };
    let outcome = Wire::new(&config).map(|_| ());
    std::fs::remove_file(&file).expect("the file");
    assert!(matches!(outcome, Err(SetupError::NoCertificate(_))), "{outcome:?}");
    let outcome = Wire::new(&config).map(|_| ());
    assert!(matches!(outcome, Err(SetupError::Unreadable(..))), "{outcome:?}");
}
