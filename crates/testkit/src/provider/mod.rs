//! A scriptable OpenID provider on loopback.

mod endpoints;
mod script;
mod signing;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use server::clock::Clock;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use script::{Edit, Fault, IssParameter, Place, Script, Seen, Signing, person};

use endpoints::Codes;
use signing::Key;

/// Who the house is at this provider. The colon and the blank must survive Basic authentication.
pub const CLIENT_ID: &str = "vestibule:test client";

/// How the house proves it.
pub const CLIENT_SECRET: &str = "s3cret/with+every%thing: and blanks";

/// The provider, running until it is dropped.
pub struct FakeProvider {
    desk: Arc<Desk>,
    running: Mutex<Option<Running>>,
}

struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What every endpoint of one provider shares.
struct Desk {
    address: SocketAddr,
    clock: Arc<dyn Clock>,
    script: Mutex<Script>,
    seen: Mutex<Seen>,
    codes: Mutex<Codes>,
    key: Mutex<Key>,
    /// What is published in the key's place.
    published: Mutex<Option<Key>>,
    /// Which endpoint answers nobody until it is released.
    held: watch::Sender<Option<Place>>,
    /// How many stand at a held endpoint.
    waiting: watch::Sender<usize>,
}

impl Desk {
    fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    fn script(&self) -> Script {
        lock(&self.script).clone()
    }

    /// Counts a request, and makes it wait if its place is held.
    async fn enter(&self, place: Place) {
        *lock(&self.seen).count.entry(place).or_default() += 1;
        let mut held = self.held.subscribe();
        if *held.borrow_and_update() != Some(place) {
            return;
        }
        self.waiting.send_modify(|waiting| *waiting += 1);
        // Also ends when the provider is gone.
        let _ = held.wait_for(|held| *held != Some(place)).await;
        self.waiting.send_modify(|waiting| *waiting -= 1);
    }
}

impl FakeProvider {
    /// Starts on a free port; its time is the house's.
    pub async fn start(clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let desk = Arc::new(Desk {
            address: listener.local_addr().expect("an address"),
            clock,
            script: Mutex::default(),
            seen: Mutex::default(),
            codes: Mutex::default(),
            key: Mutex::new(Key::generate("first")),
            published: Mutex::default(),
            held: watch::channel(None).0,
            waiting: watch::channel(0).0,
        });
        let running = Mutex::new(Some(serve(&desk, listener)));
        Self { desk, running }
    }

    /// Its issuer.
    pub fn issuer(&self) -> String {
        self.desk.issuer()
    }

    /// Its host and port, as `--allow-private` takes it.
    pub fn host(&self) -> String {
        self.desk.address.to_string()
    }

    /// Changes what it does from now on.
    pub fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut lock(&self.desk.script));
    }

    /// Somebody else signs in next.
    pub fn person(&self, subject: &str, email: &str) {
        self.script(|script| script.claims = person(subject, email));
    }

    /// The same, and the provider says that they signed in just now.
    pub fn person_anew(&self, subject: &str, email: &str) {
        self.person(subject, email);
        let now = self.desk.clock.now().seconds();
        self.script(|script| {
            script.claims.insert("auth_time".to_owned(), now.into());
        });
    }

    /// A token about the person of the script as another client of the provider gets one, with
    /// claims and header changed; null takes one away.
    pub fn hand_out(&self, claims: Value, header: Value) -> String {
        let script = self.desk.script();
        let now = self.desk.clock.now().seconds() + script.ahead;
        let mut said = script.claims.clone();
        merge(&mut said, json!({ "iss": self.issuer(), "iat": now, "exp": now + 300 }));
        merge(&mut said, claims);
        let edit = |own: &mut Map<String, Value>| merge(own, header.clone());
        lock(&self.desk.key).sign(script.signing, &said, edit)
    }

    /// What has come in so far.
    pub fn seen(&self) -> Seen {
        lock(&self.desk.seen).clone()
    }

    /// Begins anew: what has come in is forgotten, and so is every code and token given out.
    pub fn forget(&self) {
        *lock(&self.desk.seen) = Seen::default();
        *lock(&self.desk.codes) = Codes::default();
    }

    /// How often an endpoint was asked so far.
    pub fn times(&self, place: Place) -> usize {
        self.seen().times(place)
    }

    /// Signs with a new key under a new id from now on; the old one is withdrawn.
    pub fn rotate_keys(&self, id: &str) {
        *lock(&self.desk.key) = Key::generate(id);
    }

    /// Signs with a new key under the old id from now on.
    pub fn reuse_key_id(&self) {
        let mut key = lock(&self.desk.key);
        let id = key.id.clone();
        *key = Key::generate(&id);
    }

    /// Signs with the old key from now on, but publishes another one alone.
    pub fn publish_another_key(&self) {
        *lock(&self.desk.published) = Some(Key::generate("another"));
    }

    /// Comes back when an endpoint was asked so often.
    pub async fn until_asked(&self, place: Place, times: usize) {
        while self.times(place) < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whoever comes to this endpoint waits from now on.
    pub fn hold(&self, place: Place) {
        self.desk.held.send_replace(Some(place));
    }

    /// Comes back when `count` stand at the held endpoint.
    pub async fn until_waiting(&self, count: usize) {
        let mut waiting = self.desk.waiting.subscribe();
        waiting.wait_for(|waiting| *waiting >= count).await.expect("the provider lives");
    }

    /// Everybody goes on.
    pub fn release(&self) {
        self.desk.held.send_replace(None);
    }

    /// Nobody answers from now on.
    pub async fn down(&self) {
        let running = lock(&self.running).take();
        if let Some(running) = running {
            running.stop.send_replace(true);
            running.task.await.expect("the provider ends well");
        }
    }

    /// Answers again, at the same address.
    pub async fn up(&self) {
        let listener = TcpListener::bind(self.desk.address).await.expect("the old port");
        *lock(&self.running) = Some(serve(&self.desk, listener));
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        if let Some(running) = lock(&self.running).take() {
            running.task.abort();
        }
    }
}

fn serve(desk: &Arc<Desk>, listener: TcpListener) -> Running {
    let (stop, mut stopped) = watch::channel(false);
    let service = endpoints::router(Arc::clone(desk));
    let task = tokio::spawn(async move {
        axum::serve(listener, service)
            .with_graceful_shutdown(async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            })
            .await
            .expect("a server on loopback");
    });
    Running { stop, task }
}

fn merge(members: &mut Map<String, Value>, changes: Value) {
    for (name, value) in changes.as_object().expect("an object").clone() {
        match value {
            Value::Null => members.remove(&name),
            value => members.insert(name, value),
        };
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
