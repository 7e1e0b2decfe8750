//! The keys that our tokens are signed with: which one signs, which are published, and when a key
//! comes and goes.
//!
//! The life of a key: it is made and published (*upcoming*), signs from a moment that every
//! verifier has seen it before (*signing*), stays published for as long as a token of it may be
//! believed (*retired*), and is then kept without its private half, unpublished, only to recognise
//! old ID tokens that come as a hint (*kept*). Everything follows from the keys and the time, so
//! all processes agree without speaking to each other.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::oauth::clients::SigningAlgorithm;
use crate::oauth::tokens::TOKEN_LIFE;
use crate::time::Moment;
use crate::users::words;

/// How long others may keep our published keys (`Cache-Control: max-age`).
pub const JWKS_MAX_AGE: Duration = Duration::from_secs(3600);

/// How far the clocks of our processes may be apart.
const CLOCKS_APART: Duration = Duration::from_secs(300);

/// How long a key stays published after its last signature: the longest life of a token, plus how
/// long a copy of our keys may be old.
pub const OVERLAP: Duration = TOKEN_LIFE.saturating_add(JWKS_MAX_AGE).saturating_add(CLOCKS_APART);

/// How long the public half is kept after its last signature: as long as the longest sign-in, so
/// that an ID token of its beginning still serves as a hint at its end.
pub const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// When keys change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How long a key signs.
    pub every: Duration,
    /// How long before its first signature a key is published; more than [`JWKS_MAX_AGE`], so that
    /// no verifier ever meets a key that its copy does not have.
    pub ahead: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { every: Duration::from_secs(90 * 24 * 3600), ahead: Duration::from_secs(24 * 3600) }
    }
}

/// A key as everybody may know it; the private half is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name in token headers: the thumbprint of the public key (RFC 7638).
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// As it is published (RFC 7517).
    pub public_jwk: Value,
    /// When it was made, and first published.
    pub created_at: Moment,
    /// From when it signs.
    pub signs_from: Moment,
    /// When it stopped signing for good; its private half is erased.
    pub retired_at: Option<Moment>,
}

impl SigningKey {
    /// A key of these public members (`kty` and the like), named by its thumbprint. None when the
    /// members are no public key.
    pub fn new(
        algorithm: SigningAlgorithm,
        members: Map<String, Value>,
        created_at: Moment,
        signs_from: Moment,
    ) -> Option<Self> {
        let kid = thumbprint(&members)?;
        let mut public = members;
        public.insert("kid".to_owned(), kid.as_str().into());
        public.insert("use".to_owned(), "sig".into());
        public.insert("alg".to_owned(), algorithm.as_str().into());
        let public_jwk = Value::Object(public);
        Some(Self { kid, algorithm, public_jwk, created_at, signs_from, retired_at: None })
    }

    /// Later keys come after earlier ones.
    fn order(&self) -> (Moment, Moment, &str) {
        (self.signs_from, self.created_at, &self.kid)
    }

    /// When its last signature was made: it was retired, or a later key has begun.
    fn ended_at(&self, keys: &[Self], now: Moment) -> Option<Moment> {
        let successor = of(keys, self.algorithm)
            .filter(|other| other.order() > self.order() && other.signs_from <= now)
            .map(|other| other.signs_from)
            .min();
        match (self.retired_at, successor) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Where it stands among `keys`.
    pub fn standing(&self, keys: &[Self], now: Moment) -> Standing {
        if signing(keys, self.algorithm, now).is_some_and(|one| one.kid == self.kid) {
            return Standing::Signing;
        }
        match self.ended_at(keys, now) {
            None => Standing::Upcoming,
            Some(ended) if now < ended.plus(OVERLAP) => Standing::Retired,
            Some(_) => Standing::Kept,
        }
    }
}

/// Where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It signs; published.
    Signing,
    /// It signs no more, but tokens of it may still be believed; published.
    Retired,
    /// It will sign; published, so that everybody knows it by then.
    Upcoming,
    /// Not published; recognises old ID tokens.
    Kept,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 4] = [Self::Signing, Self::Retired, Self::Upcoming, Self::Kept];

    /// The word for it in commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Retired => "retired",
            Self::Upcoming => "upcoming",
            Self::Kept => "kept",
        }
    }

    /// Whether others can see it.
    pub const fn is_published(self) -> bool {
        !matches!(self, Self::Kept)
    }
}
words!(Standing);

fn of(keys: &[SigningKey], algorithm: SigningAlgorithm) -> impl Iterator<Item = &SigningKey> {
    keys.iter().filter(move |key| key.algorithm == algorithm)
}

/// The key that signs: the latest that has begun and is not retired. Where none has begun, the one
/// that begins first, because another process with a faster clock made it for now.
pub fn signing(
    keys: &[SigningKey],
    algorithm: SigningAlgorithm,
    now: Moment,
) -> Option<&SigningKey> {
    let able = || of(keys, algorithm).filter(|key| key.retired_at.is_none());
    able()
        .filter(|key| key.signs_from <= now)
        .max_by_key(|key| key.order())
        .or_else(|| able().min_by_key(|key| key.order()))
}

/// The keys that others may check our tokens with, those that sign first: there are verifiers
/// that look no further than the first key of a type.
pub fn published(keys: &[SigningKey], now: Moment) -> Vec<&SigningKey> {
    let mut seen: Vec<_> = keys
        .iter()
        .map(|key| (key.standing(keys, now), key))
        .filter(|(standing, _)| standing.is_published())
        .collect();
    seen.sort_by_key(|(standing, key)| (*standing, key.algorithm));
    seen.into_iter().map(|(_, key)| key).collect()
}

/// The document at `jwks_uri` (RFC 7517 section 5).
pub fn jwks(keys: &[SigningKey], now: Moment) -> Value {
    let keys: Vec<&Value> = published(keys, now).iter().map(|key| &key.public_jwk).collect();
    json!({ "keys": keys })
}

/// A key that has to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// The latest key, whose successor it is; none for the first.
    pub after: Option<&'a SigningKey>,
    /// From when it is to sign.
    pub signs_from: Moment,
}

/// What is to be done about the keys of an algorithm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due<'a> {
    /// A key to make.
    pub make: Option<Wanted<'a>>,
    /// Keys whose private half goes, and when they stopped signing.
    pub retire: Vec<(&'a SigningKey, Moment)>,
    /// Keys that go altogether.
    pub remove: Vec<&'a SigningKey>,
}

/// What is to be done about the keys of an algorithm by now.
pub fn due(
    keys: &[SigningKey],
    algorithm: SigningAlgorithm,
    schedule: Schedule,
    now: Moment,
) -> Due<'_> {
    let mut due = Due::default();
    for key in of(keys, algorithm) {
        match key.ended_at(keys, now) {
            Some(ended) if ended.plus(KEPT) <= now => due.remove.push(key),
            // Not before a process with a slow clock has stopped signing with it, too.
            Some(ended) if key.retired_at.is_none() && ended.plus(CLOCKS_APART) <= now => {
                due.retire.push((key, ended));
            }
            _ => {}
        }
    }
    let latest = latest(keys, algorithm);
    due.make = match latest.filter(|key| key.retired_at.is_none()) {
        None => Some(Wanted { after: latest, signs_from: now }),
        Some(key) => {
            let announce_at = key.signs_from.plus(schedule.every).minus(schedule.ahead);
            (announce_at <= now).then(|| successor(key, schedule, now))
        }
    };
    due
}

/// The key that would follow the latest one, made now: whether it is time or not.
pub fn successor(latest: &SigningKey, schedule: Schedule, now: Moment) -> Wanted<'_> {
    // A key that another process's clock made for later is still the earlier one.
    let from = latest.signs_from.max(now);
    Wanted { after: Some(latest), signs_from: from.plus(schedule.ahead) }
}

/// The latest key of an algorithm, signing or upcoming.
pub fn latest(keys: &[SigningKey], algorithm: SigningAlgorithm) -> Option<&SigningKey> {
    of(keys, algorithm).max_by_key(|key| key.order())
}

/// Thumbprint of a public key (RFC 7638): SHA-256 of its required members in alphabetical order,
/// as base64url. None for what is no public key of a type that we know.
pub fn thumbprint(jwk: &Map<String, Value>) -> Option<String> {
    let required: &[&str] = match jwk.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let pairs: Vec<String> = required
        .iter()
        .map(|name| {
            let text = jwk.get(*name)?.as_str()?;
            // The members are base64url or names of curves; what would need escaping is none.
            let plain =
                text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            plain.then(|| format!("\"{name}\":\"{text}\""))
        })
        .collect::<Option<_>>()?;
    let text = format!("{{{}}}", pairs.join(","));
    Some(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes())))
}

#[cfg(test)]
mod tests;
