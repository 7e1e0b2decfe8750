//! A decision hook on loopback that writes down what it is asked, and answers as the test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What it answers.
#[derive(Clone, Debug)]
pub struct HookReply {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Location`, if there is one.
    pub location: Option<String>,
    /// The body.
    pub body: String,
}

impl From<Value> for HookReply {
    fn from(said: Value) -> Self {
        let content_type = "application/json";
        Self { status: 200, content_type, location: None, body: said.to_string() }
    }
}

/// One question.
#[derive(Clone, Debug)]
pub struct HookAsked {
    /// `Content-Type`.
    pub content_type: String,
    /// The body: a signed token.
    pub token: String,
}

struct Desk {
    reply: Mutex<HookReply>,
    asked: Mutex<Vec<HookAsked>>,
    held: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
}

/// The hook, until it is dropped. It lets everybody in at first.
pub struct FakeHook {
    address: SocketAddr,
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

impl Drop for FakeHook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(desk): State<Arc<Desk>>, headers: HeaderMap, token: String) -> Response {
    let content_type = headers[header::CONTENT_TYPE].to_str().expect("text").to_owned();
    lock(&desk.asked).push(HookAsked { content_type, token });
    let mut held = desk.held.subscribe();
    if *held.borrow_and_update() {
        desk.waiting.send_modify(|waiting| *waiting += 1);
        // Also ends when the hook is gone.
        let _ = held.wait_for(|held| !held).await;
    }
    let reply = lock(&desk.reply).clone();
    let status = StatusCode::from_u16(reply.status).expect("a status");
    let mut response = (status, reply.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, reply.content_type.parse().expect("a content type"));
    if let Some(location) = reply.location {
        headers.insert(header::LOCATION, location.parse().expect("an address"));
    }
    response
}

impl FakeHook {
    /// Starts on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let desk = Arc::new(Desk {
            reply: Mutex::new(json!({ "decision": "allow" }).into()),
            asked: Mutex::default(),
            held: watch::channel(false).0,
            waiting: watch::channel(0).0,
        });
        let router = Router::new().route("/hook", post(answer)).with_state(Arc::clone(&desk));
        let task = tokio::spawn(async move {
            // Ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Self { address, desk, task }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Its host and port, as `--hook-allow-private` takes it.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// It, as a field of a policy.
    pub fn field(&self) -> Value {
        json!({ "url": self.url(), "allow_private": [self.host()] })
    }

    /// What it answers from now on.
    pub fn says(&self, reply: impl Into<HookReply>) {
        *lock(&self.desk.reply) = reply.into();
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<HookAsked> {
        lock(&self.desk.asked).clone()
    }

    /// Answers nobody until it is released.
    pub fn hold(&self) {
        self.desk.held.send_replace(true);
    }

    /// Comes back when `count` have been waiting for an answer.
    pub async fn until_waiting(&self, count: usize) {
        let mut waiting = self.desk.waiting.subscribe();
        waiting.wait_for(|waiting| *waiting >= count).await.expect("the hook lives");
    }

    /// Everybody goes on.
    pub fn release(&self) {
        self.desk.held.send_replace(false);
    }

    /// Nobody answers from now on.
    pub async fn down(&mut self) {
        self.task.abort();
        // An aborted task ends with an error, which is what is waited for.
        let _ = (&mut self.task).await;
    }
}
