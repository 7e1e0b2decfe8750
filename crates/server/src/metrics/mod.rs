//! What is counted and timed while the house serves, for Prometheus. Every label is one of a known
//! few: nothing that a visitor sends becomes one.

mod text;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use identity::applications::Application;
use identity::federation::provider::Provider;

pub use write::write;

use crate::app::App;
use crate::clock::Stopwatch;
use crate::router::paths;

/// Upper bounds of the histograms, in milliseconds.
const BOUNDS: [u64; 11] = [1, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 20_000];

/// Methods that are told apart.
const METHODS: [&str; 4] = ["GET", "HEAD", "POST", "other"];

/// Classes of answers.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What stands for an address that nothing is served at.
const NOWHERE: &str = "none";

/// What a password counts as, beside the keys of providers.
const PASSWORD: &str = "password";

/// What a sealed code counts as; no provider has such a key.
const BREAK_GLASS: &str = "break_glass";

/// Somebody is in.
pub const SIGNED_IN: &str = "signed_in";

/// Outcome of somebody who has to show first that an account is theirs.
pub const PROOF_ASKED: &str = "proof_asked";

/// Who came in or did not: application, way, outcome.
type SignIn = (String, String, &'static str);

/// Counters and timings since the start.
pub struct Metrics {
    routes: HashMap<&'static str, usize>,
    requests: Vec<Histogram>,
    sign_ins: Mutex<BTreeMap<SignIn, u64>>,
}

/// How often something took how long.
#[derive(Default)]
struct Histogram {
    /// Per bound; the last is everything beyond.
    counts: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    fn observe(&self, took: Duration) {
        let millis = took.as_micros().div_ceil(1_000);
        let place = BOUNDS.iter().position(|bound| millis <= u128::from(*bound));
        self.counts[place.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let names = paths().into_iter().chain([NOWHERE]);
        let routes: HashMap<_, _> = names.enumerate().map(|(at, path)| (path, at)).collect();
        let size = routes.len() * METHODS.len() * CLASSES.len();
        let requests = std::iter::repeat_with(Histogram::default).take(size).collect();
        Self { routes, requests, sign_ins: Mutex::default() }
    }
}

impl Metrics {
    /// Counts a sign-in with a password at a door.
    pub fn password(&self, door: &Application, outcome: &'static str) {
        self.sign_in(door.key.as_str(), PASSWORD, outcome);
    }

    /// Counts somebody who came to break the glass of a door.
    pub fn break_glass(&self, door: &Application, outcome: &'static str) {
        self.sign_in(door.key.as_str(), BREAK_GLASS, outcome);
    }

    /// Counts a sign-in through a provider, as far as door and provider are known.
    pub fn provider(
        &self,
        door: Option<&Application>,
        provider: Option<&Provider>,
        outcome: &'static str,
    ) {
        let door = door.map_or(NOWHERE, |door| door.key.as_str());
        self.sign_in(door, provider.map_or(NOWHERE, |one| one.key.as_str()), outcome);
    }

    fn sign_in(&self, application: &str, way: &str, outcome: &'static str) {
        let name = (application.to_owned(), way.to_owned(), outcome);
        let mut counts = self.sign_ins.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(name).or_default() += 1;
    }

    fn request(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let nowhere = self.routes.get(NOWHERE).copied().unwrap_or_default();
        let route = self.routes.get(route).copied().unwrap_or(nowhere);
        let named = METHODS.iter().position(|name| *name == method.as_str());
        let method = named.unwrap_or(METHODS.len() - 1);
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        let place = (route * METHODS.len() + method) * CLASSES.len() + class;
        if let Some(histogram) = self.requests.get(place) {
            histogram.observe(took);
        }
    }

    /// Every histogram that has seen something, with its labels.
    fn seen(&self) -> Vec<([(&'static str, &str); 3], &Histogram)> {
        let mut routes: Vec<_> = self.routes.iter().collect();
        routes.sort_unstable();
        let mut seen = Vec::new();
        for (route, at) in routes {
            for (m, method) in METHODS.iter().enumerate() {
                for (c, class) in CLASSES.iter().enumerate() {
                    let place = (at * METHODS.len() + m) * CLASSES.len() + c;
                    let Some(histogram) = self.requests.get(place) else { continue };
                    if histogram.counts.iter().any(|count| count.load(Ordering::Relaxed) > 0) {
                        let labels = [("route", *route), ("method", *method), ("status", *class)];
                        seen.push((labels, histogram));
                    }
                }
            }
        }
        seen
    }
}

/// Times every request by the route that serves it.
pub async fn measure(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let watch = Stopwatch::start();
    let response = next.run(request).await;
    let route = route.as_ref().map_or(NOWHERE, MatchedPath::as_str);
    app.metrics.request(route, &method, response.status(), watch.elapsed());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_visitor_makes_up_is_no_label() {
        let metrics = Metrics::default();
        let made_up = Method::from_bytes(b"MADEUP").expect("a method");
        metrics.request("/made-up", &made_up, StatusCode::NOT_FOUND, Duration::from_millis(3));
        let seen = metrics.seen();
        let labels: Vec<_> =
            seen.iter().map(|(labels, _)| labels.map(|(_, value)| value)).collect();
        assert_eq!(labels, [["none", "other", "4xx"]]);
    }

    #[test]
    fn a_time_is_counted_at_the_first_bound_that_it_does_not_exceed() {
        let histogram = Histogram::default();
        for micros in [1_000, 1_001, 5_000, 20_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let counts = histogram.counts.each_ref().map(|count| count.load(Ordering::Relaxed));
        assert_eq!((counts[0], counts[1], counts[BOUNDS.len()]), (1, 2, 1));
    }
}
