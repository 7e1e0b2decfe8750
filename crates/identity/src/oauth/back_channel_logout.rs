//! Back-channel logout: what a client is told when a session that it has seen ends, and how often
//! that is tried (OpenID Connect Back-Channel Logout 1.0).

use std::time::Duration;

use serde_json::{Map, Value, json};
use url::Url;

use crate::entropy::{Entropy, draw};
use crate::ids::{PublicId, SessionId, hex};
use crate::oauth::clients::Client;
use crate::time::Moment;

/// `typ` of a logout token (section 2.4): it passes for no other token, and no other for it.
pub const LOGOUT_TYP: &str = "logout+jwt";

/// Life of a logout token: at most two minutes (section 2.4). Every try makes a new one.
pub const LOGOUT_TOKEN_LIFE: Duration = Duration::from_secs(120);

/// The member of `events` that says what this is (section 2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Waits after the first failure, the second, and so on. A client that is being deployed hears of
/// it within a minute or two; one that is away for longer than all of them together, about a day,
/// is told no more.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(4 * 3600),
    Duration::from_secs(8 * 3600),
    Duration::from_secs(8 * 3600),
];

/// A session that ended, as one client knew it.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// We: the public URL.
    pub issuer: &'a str,
    /// Who is told.
    pub client: &'a Client,
    /// Whose session it was.
    pub subject: &'a PublicId,
    /// Which one.
    pub session: &'a SessionId,
}

/// Claims of a logout token (section 2.4). Without `sid` it means every session of the person at
/// this client, so only a client that has asked for that is told so. There is never a `nonce`.
pub fn logout_token(ended: Ended<'_>, now: Moment, entropy: &dyn Entropy) -> Map<String, Value> {
    let Ended { issuer, client, subject, session } = ended;
    let mut claims = Map::new();
    let mut say = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    say("iss", issuer.into());
    say("aud", client.id.as_str().into());
    say("sub", subject.as_str().into());
    if client.backchannel_logout_session_required {
        say("sid", session.as_str().into());
    }
    say("iat", now.seconds().into());
    say("exp", now.plus(LOGOUT_TOKEN_LIFE).seconds().into());
    say("jti", hex(&draw::<16>(entropy)).into());
    say("events", json!({ EVENT: {} }));
    claims
}

/// What a client makes of a logout token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The session is over there, too.
    Done,
    /// It cannot or will not; asking again changes nothing.
    Refused,
    /// It said something else, so perhaps later.
    NotYet,
}

/// What an HTTP status means (section 2.8): frameworks make 204 of 200, and 400 says that the
/// logout failed. Everything else comes from somebody who has not read the token.
pub const fn heard(status: u16) -> Heard {
    match status {
        200 | 204 => Heard::Done,
        400 => Heard::Refused,
        _ => Heard::NotYet,
    }
}

/// How long to wait after the try of this number, the first being 1; none after the last. A
/// quarter more or less, so that what failed together does not all come back together.
pub fn wait_after(tries: u32, entropy: &dyn Entropy) -> Option<Duration> {
    let wait = WAITS.get(usize::try_from(tries.saturating_sub(1)).ok()?)?;
    let [random] = draw::<1>(entropy);
    let share = 192 + u32::from(random) / 2;
    Some(*wait * share / 256)
}

/// What [`crate::federation::reach::Reach::allow_private`] is for this client: the host of its
/// back-channel logout URI, if the operator said that it may be at a private address.
pub fn allowed_hosts(client: &Client) -> Vec<String> {
    let uri =
        client.backchannel_logout_uri.as_deref().filter(|_| client.backchannel_logout_private);
    let url = uri.and_then(|uri| Url::parse(uri).ok());
    let host = url.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)));
    host.map(|(host, port)| format!("{host}:{port}")).into_iter().collect()
}

#[cfg(test)]
mod tests;
