//! Where clients hear of logouts: writes down what comes, and answers as the test says.

use std::collections::{HashMap, VecDeque};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation};
use serde_json::Value;
use testkit::House;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What came for one client, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) client: String,
    pub(crate) content_type: String,
    pub(crate) token: String,
}

#[derive(Default)]
struct Notes {
    heard: Vec<Heard>,
    answers: HashMap<String, VecDeque<u16>>,
}

type Shared = Arc<Mutex<Notes>>;

/// The listener, until it is dropped.
pub(crate) struct Hearing {
    address: SocketAddr,
    notes: Shared,
    task: JoinHandle<()>,
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(notes: &Shared) -> MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers nobody whose client is called `dead`, and otherwise as was said, or 200.
async fn hear(
    State(notes): State<Shared>,
    Path(client): Path<String>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> StatusCode {
    let status = {
        let mut notes = lock(&notes);
        let content_type = headers["content-type"].to_str().expect("text").to_owned();
        let token = form.get("logout_token").expect("a logout token").clone();
        notes.heard.push(Heard { client: client.clone(), content_type, token });
        notes.answers.get_mut(&client).and_then(VecDeque::pop_front).unwrap_or(200)
    };
    if client == "dead" {
        std::future::pending::<()>().await;
    }
    StatusCode::from_u16(status).expect("a status")
}

impl Hearing {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let notes = Shared::default();
        let router = Router::new().route("/{client}", post(hear)).with_state(Arc::clone(&notes));
        let task = tokio::spawn(async move {
            // Ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        Self { address, notes, task }
    }

    /// Where a client hears.
    pub(crate) fn uri(&self, client: &str) -> String {
        format!("http://{}/{client}", self.address)
    }

    /// What the client says to the next ones; 200 afterwards.
    pub(crate) fn answers(&self, client: &str, statuses: &[u16]) {
        lock(&self.notes).answers.insert(client.to_owned(), statuses.iter().copied().collect());
    }

    /// What came for a client so far.
    pub(crate) fn heard(&self, client: &str) -> Vec<Heard> {
        lock(&self.notes).heard.iter().filter(|one| one.client == client).cloned().collect()
    }

    /// Waits until so many came for a client.
    pub(crate) async fn wait_for(&self, client: &str, count: usize) -> Vec<Heard> {
        until(async || self.heard(client).len() >= count).await;
        self.heard(client)
    }
}

/// Tries again until it is so, and gives up after half a minute.
pub(crate) async fn until(mut so: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        while !so().await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "it never came to be");
}

/// Header and claims of a token, once its signature holds by what is published.
pub(crate) async fn proved(house: &House, token: &str) -> (jsonwebtoken::Header, Value) {
    let page = house.browser().get("/oauth/jwks").await;
    let keys: JwkSet = serde_json::from_str(&page.body).expect("a JWK Set");
    let header = jsonwebtoken::decode_header(token).expect("a header");
    let key = keys.find(header.kid.as_deref().expect("a kid")).expect("a published key");
    let key = DecodingKey::from_jwk(key).expect("a public key");
    let mut rules = Validation::new(header.alg);
    // The house's clock is not the machine's.
    (rules.validate_exp, rules.validate_aud) = (false, false);
    let read = jsonwebtoken::decode::<Value>(token, &key, &rules).expect("our signature");
    (header, read.claims)
}

/// A log that a test reads.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
