//! What stands before the house: foreign hosts, proxies from the environment, names that lie.

use server::config::Config;
use testkit::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn s109_the_redirect_uri_is_the_configured_one_whatever_the_request_says() {
    let scene = Scene::on(Engine::Sqlite).await;
    let url = scene.house.url();
    let address = (url.host_str().expect("a host"), url.port().expect("a port"));
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = "GET /back-office/login/corp HTTP/1.1\r\nHost: evil.example\r\n\
                   X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n\
                   Forwarded: host=evil.example\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    assert!(!answer.contains("evil.example"), "{answer}");
    let own = format!("{url}login/callback/corp");
    let encoded: String = url::form_urlencoded::byte_serialize(own.as_bytes()).collect();
    assert!(answer.contains(&encoded), "{answer}");
}

/// The networks that the audit names for two visitors who say that they are somewhere else.
async fn networks(trusted: &[&str]) -> Vec<String> {
    let trusted: Vec<String> = trusted.iter().map(|one| (*one).to_owned()).collect();
    let change = |config: &mut Config| config.server.trusted_proxies = trusted;
    let scene = Scene::set(Engine::Sqlite, change).await;
    let url = scene.house.url();
    let address = (url.host_str().expect("a host"), url.port().expect("a port"));
    for header in ["X-Forwarded-For: 203.0.113.9, 198.51.100.7:4711", "Forwarded: for=203.0.113.9"]
    {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request = format!(
            "GET /back-office/login/nobody HTTP/1.1\r\nHost: x\r\n{header}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.contains("provider_not_connected"), "{answer}");
    }
    let entries = scene.house.audit().await;
    let refused = entries.iter().filter(|entry| entry.outcome == "provider_not_connected");
    refused.map(|entry| entry.address.clone().expect("a network")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn s109_a_visitor_does_not_choose_their_network_and_a_configured_proxy_does() {
    assert_eq!(networks(&[]).await, ["127.0.0.1/32", "127.0.0.1/32"]);
    assert_eq!(networks(&["10.0.0.0/8"]).await, ["127.0.0.1/32", "127.0.0.1/32"]);
    // The latest first; what stands further left was written by the visitor.
    assert_eq!(networks(&["127.0.0.1"]).await, ["127.0.0.1/32", "198.51.100.7/32"]);
}
