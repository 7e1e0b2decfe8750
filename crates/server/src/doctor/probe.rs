//! A question that only this house's doctor can ask the house that serves: as whom do you see me?
//! It is sealed with the house's own keys, so that nobody else learns how proxies are set up.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use identity::entropy::Entropy;
use identity::seal::SealError;
use identity::secret::Secret;
use identity::time::Moment;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::keys::Keyring;
use crate::network::client_address;
use crate::visit::{is_trusted, peer};

/// Carries the question.
pub const HEADER: &str = "vestibule-doctor";

/// What a question is sealed for; it opens as nothing else.
const PLACE: &str = "doctor/question";

/// How long a question may be asked: a clock that is wrong by less shall be named, not hide itself.
const FRESH: Duration = Duration::from_secs(24 * 3600);

/// How the house that serves sees a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Version of the program that serves.
    pub version: String,
    /// What time it is there, in microseconds since 1970 UTC.
    pub now: i64,
    /// Who connected.
    pub peer: IpAddr,
    /// Whether `server.trusted_proxies` has it.
    pub peer_is_trusted: bool,
    /// Every `X-Forwarded-For` that arrived, joined.
    pub forwarded_for: String,
    /// Whose request it counts as.
    pub address: IpAddr,
    /// Whether that address itself is one of a trusted proxy.
    pub address_is_trusted: bool,
}

/// The question as it is sent.
pub fn question(
    keyring: &Keyring,
    entropy: &dyn Entropy,
    now: Moment,
) -> Result<String, SealError> {
    keyring.seal(&Secret::new(now.micros().to_string()), PLACE, entropy)
}

/// Whether it is a question of ours, asked just now.
fn is_ours(keyring: &Keyring, asked: &str, now: Moment) -> bool {
    let opened = keyring.open(asked, PLACE).ok();
    let at = opened.and_then(|text| text.expose().parse().ok()).map(Moment::from_micros);
    at.is_some_and(|at| now.since(at) <= FRESH && at.since(now) <= FRESH)
}

/// The answer, where the question was asked.
pub struct Asked(pub Option<Seen>);

impl FromRequestParts<App> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let asked = parts.headers.get(HEADER).and_then(|value| value.to_str().ok());
        let ours = asked.is_some_and(|asked| is_ours(&app.keyring, asked, app.now()));
        Ok(Self(ours.then(|| seen(app, peer(parts), &parts.headers))))
    }
}

fn seen(app: &App, peer: IpAddr, headers: &HeaderMap) -> Seen {
    let forwarded = headers.get_all("x-forwarded-for").iter();
    let forwarded: Vec<&str> = forwarded.filter_map(|line| line.to_str().ok()).collect();
    let address = client_address(peer, &forwarded, &app.trusted_proxies);
    Seen {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now: app.now().micros(),
        peer: peer.to_canonical(),
        peer_is_trusted: is_trusted(app, peer),
        forwarded_for: forwarded.join(", "),
        address,
        address_is_trusted: is_trusted(app, address),
    }
}
