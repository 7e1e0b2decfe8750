//! What stands before the house: foreign hosts, proxies from the environment, names that lie.

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
