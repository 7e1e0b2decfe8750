//! Visitors who dawdle do not keep others out.

use std::net::SocketAddr;
use std::time::Duration;

use testkit::{Engine, House};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// A trusted proxy.
const PROXY: [u8; 4] = [127, 0, 0, 9];

async fn connect(house: &House, from: [u8; 4]) -> TcpStream {
    let port = house.url().port().expect("a port");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((from, 0))).expect("an address of this machine");
    socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await.expect("a connection")
}

/// Everything until the other side closes; gives up after half a minute.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let read = timeout(Duration::from_secs(30), stream.read_to_string(&mut text)).await;
    read.expect("it is never closed").expect("text");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_head_is_not_waited_for_while_others_are_served() {
    let house = House::with(Engine::Sqlite, |config| {
        config.server.header_seconds = 1;
        config.server.trusted_proxies = vec!["127.0.0.9".to_owned()];
    })
    .await;
    let half = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let mut proxy = connect(&house, PROXY).await;
    proxy.write_all(half).await.expect("sent");
    let mut silent = connect(&house, [127, 0, 0, 1]).await;
    let mut dawdler = connect(&house, [127, 0, 0, 1]).await;
    dawdler.write_all(half).await.expect("sent");
    assert_eq!(house.browser().get("/healthz").await.status, 200);
    assert_eq!(rest(&mut dawdler).await, "");
    assert_eq!(rest(&mut silent).await, "");
    // Proxies keep connections for later.
    proxy.write_all(b"\r\n").await.expect("sent");
    let answer = rest(&mut proxy).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_head_is_refused() {
    let house = House::start(Engine::Sqlite).await;
    let mut stream = connect(&house, [127, 0, 0, 1]).await;
    let line = format!("X-Much: {}\r\n", "x".repeat(8000));
    let long = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}", line.repeat(9));
    stream.write_all(long.as_bytes()).await.expect("sent");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}
