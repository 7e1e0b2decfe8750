//! What the shop remembers of browsers: sign-ins under way, and who is signed in. In memory, as
//! befits a sample: when it stops, everybody is logged out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use identity::entropy::Entropy;
use identity::secret::{Digest, Secret};
use identity::time::Moment;
use serde_json::{Map, Value};

use super::issuer::{Proved, Trip};

/// How long a sign-in may take.
const TRIP: Duration = Duration::from_secs(10 * 60);

/// How long the shop takes an ID token's word for who somebody is.
const SESSION: Duration = Duration::from_secs(8 * 3600);

/// Most of each that are remembered; past it the oldest is forgotten.
const MOST: usize = 1000;

/// Somebody who is signed in.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) claims: Map<String, Value>,
    pub(super) id_token: Secret,
    /// What the logout form must carry: another port of this host could send our cookie too.
    pub(super) csrf: Secret,
}

#[derive(Default)]
pub(super) struct Memory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    trips: HashMap<Digest, (Trip, Moment)>,
    sessions: HashMap<Digest, (Session, Moment)>,
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add_trip(&self, trip: Trip, now: Moment) {
        keep(&mut self.kept().trips, trip.state.digest(), trip, now.plus(TRIP), now);
    }

    /// The sign-in of this state, once.
    pub(super) fn take_trip(&self, state: &Secret, now: Moment) -> Option<Trip> {
        let (trip, ends) = self.kept().trips.remove(&state.digest())?;
        (now < ends).then_some(trip)
    }

    /// Begins a session; what comes back is for the browser alone.
    pub(super) fn begin_session(
        &self,
        proved: Proved,
        entropy: &dyn Entropy,
        now: Moment,
    ) -> Secret {
        let (token, csrf) = (Secret::generate(entropy), Secret::generate(entropy));
        let session = Session { claims: proved.claims, id_token: proved.id_token, csrf };
        keep(&mut self.kept().sessions, token.digest(), session, now.plus(SESSION), now);
        token
    }

    pub(super) fn session(&self, token: &Secret, now: Moment) -> Option<Session> {
        let kept = self.kept();
        let (session, ends) = kept.sessions.get(&token.digest())?;
        (now < *ends).then(|| session.clone())
    }

    /// Ends every session that began with an ID token of this session at Vestibule.
    pub(super) fn end_sessions_of(&self, sid: &str) {
        let of_another = |session: &Session| session.claims.get("sid").is_none_or(|own| own != sid);
        self.kept().sessions.retain(|_, (session, _)| of_another(session));
    }

    pub(super) fn end_session(&self, token: &Secret) {
        self.kept().sessions.remove(&token.digest());
    }
}

fn keep<T>(
    all: &mut HashMap<Digest, (T, Moment)>,
    name: Digest,
    one: T,
    ends: Moment,
    now: Moment,
) {
    all.retain(|_, (_, ends)| now < *ends);
    if all.len() >= MOST {
        let first = all.iter().min_by_key(|(_, (_, ends))| *ends).map(|(name, _)| name.clone());
        first.map(|name| all.remove(&name));
    }
    all.insert(name, (one, ends));
}

/// The shop's own cookies. Their names end in the port, because cookies do not keep ports apart; a
/// shop on https calls them `__Host-…` and adds `Secure`.
pub(super) struct Cookies {
    session: String,
    trip: String,
}

impl Cookies {
    pub(super) fn at(url: &str) -> Self {
        let port = url.rsplit(':').next().unwrap_or_default();
        Self { session: format!("shop_session_{port}"), trip: format!("shop_trip_{port}") }
    }

    pub(super) fn session(&self, headers: &HeaderMap) -> Option<Secret> {
        read(headers, &self.session)
    }

    pub(super) fn trip(&self, headers: &HeaderMap) -> Option<Secret> {
        read(headers, &self.trip)
    }

    pub(super) fn set_session(&self, token: &Secret) -> HeaderValue {
        set(&self.session, token.expose(), None)
    }

    pub(super) fn clear_session(&self) -> HeaderValue {
        set(&self.session, "", Some(Duration::ZERO))
    }

    pub(super) fn set_trip(&self, state: &Secret) -> HeaderValue {
        set(&self.trip, state.expose(), Some(TRIP))
    }

    pub(super) fn clear_trip(&self) -> HeaderValue {
        set(&self.trip, "", Some(Duration::ZERO))
    }
}

fn set(name: &str, value: &str, life: Option<Duration>) -> HeaderValue {
    let cookie = Cookie::build((name, value)).path("/").http_only(true).same_site(SameSite::Lax);
    let mut text = cookie.build().to_string();
    if let Some(life) = life {
        text.push_str(&format!("; Max-Age={}", life.as_secs()));
    }
    // Names are ours and values base64url, so this cannot fail; an empty header sets nothing.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

fn read(headers: &HeaderMap, name: &str) -> Option<Secret> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| Secret::new(cookie.value()))
}
