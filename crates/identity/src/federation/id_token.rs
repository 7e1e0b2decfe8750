//! ID tokens: proved, or refused with the reason (OpenID Connect Core 3.1.3.7).

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::federation::jwks::{ALGORITHMS, KeySet};
use crate::secret::Secret;
use crate::time::Moment;

#[cfg(test)]
mod tests;

/// How far a provider's clock may be from ours.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// A token that was issued longer ago cannot be the answer to a trip of ours: those end after
/// [`crate::federation::attempt::ATTEMPT_LIFE`].
pub const MAX_TOKEN_AGE: Duration = Duration::from_secs(60 * 60);

/// A longer token is not looked at, in bytes.
pub const MAX_TOKEN: usize = 64 * 1024;

/// Core 2: a subject has at most 255 characters.
const MAX_SUBJECT: usize = 255;

/// What the token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The provider's issuer, to the letter.
    pub issuer: &'a str,
    /// Who we are there.
    pub client_id: &'a str,
    /// What was sent with the authentication request.
    pub nonce: &'a Secret,
    /// The provider's allow-list; what is not also one of [`ALGORITHMS`] does not count.
    pub algorithms: &'a [String],
    /// Now.
    pub now: Moment,
    /// How far the clocks may be apart; [`LEEWAY`] unless the operator says otherwise.
    pub leeway: Duration,
    /// What was sent as `max_age`; then the token must tell when the person signed in.
    pub max_age: Option<Duration>,
    /// The access token that came with it.
    pub access_token: Option<&'a str>,
}

/// What does not hold about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum TokenFault {
    /// No key of this id and type.
    #[error("no key of the provider has the id and type that the ID token names")]
    UnknownKey,
    /// No key that may have signed it did.
    #[error("the signature of the ID token is not the provider's")]
    BadSignature,
    /// No signed token at all, or too long, or with a header that we must understand and do not.
    #[error("the ID token is not a signed JSON Web Token of at most {MAX_TOKEN} bytes")]
    Malformed,
    /// Not on the provider's allow-list; `none` and HS… never are.
    #[error("the ID token is signed with an algorithm that is not accepted from this provider")]
    Algorithm,
    /// Somebody else's.
    #[error("the ID token is another issuer's")]
    Issuer,
    /// For somebody else.
    #[error("the ID token is not for this client")]
    Audience,
    /// Given to somebody else.
    #[error("the ID token was given to another client (azp)")]
    AuthorizedParty,
    /// Of another trip.
    #[error("the ID token belongs to another sign-in (nonce)")]
    Nonce,
    /// Too late.
    #[error("the ID token has expired, or does not say when it does")]
    Expired,
    /// Too early.
    #[error("the ID token is not valid yet (nbf); compare the clocks")]
    NotYet,
    /// In the future, or long ago.
    #[error("the ID token was issued in the future, too long ago, or at no stated time (iat)")]
    IssuedAt,
    /// The person signed in too long ago, or nobody says when.
    #[error("the ID token does not show a recent enough sign-in (auth_time)")]
    AuthTime,
    /// The access token next to it is another one.
    #[error("the access token is not the one that the ID token speaks of (at_hash)")]
    AccessTokenHash,
    /// Nobody.
    #[error("the ID token names no usable subject (sub)")]
    Subject,
    /// Made for something else.
    #[error("the token is of another kind (typ)")]
    Type,
}

impl TokenFault {
    /// Every fault.
    pub const ALL: [Self; 15] = [
        Self::UnknownKey,
        Self::BadSignature,
        Self::Malformed,
        Self::Algorithm,
        Self::Issuer,
        Self::Audience,
        Self::AuthorizedParty,
        Self::Nonce,
        Self::Expired,
        Self::NotYet,
        Self::IssuedAt,
        Self::AuthTime,
        Self::AccessTokenHash,
        Self::Subject,
        Self::Type,
    ];

    /// Stable name for the audit and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownKey => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::AuthorizedParty => "authorized_party",
            Self::Nonce => "nonce",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::IssuedAt => "issued_at",
            Self::AuthTime => "auth_time",
            Self::AccessTokenHash => "access_token_hash",
            Self::Subject => "subject",
            Self::Type => "type",
        }
    }

    /// Whether newer keys could prove the token. Nothing else is worth another fetch.
    pub const fn is_about_keys(self) -> bool {
        matches!(self, Self::UnknownKey | Self::BadSignature)
    }
}

/// The claims of a token that held.
#[derive(Clone, Debug, PartialEq)]
pub struct IdClaims {
    /// `iss`: the expected one.
    pub issuer: String,
    /// `sub`: who it is there, for ever.
    pub subject: String,
    /// `auth_time`: when the person signed in there, if it says so.
    pub auth_time: Option<Moment>,
    /// All of them, those above included.
    pub claims: Map<String, Value>,
}

/// Proves a token with the provider's keys and checks every claim that Core 3.1.3.7 speaks of.
///
/// The header chooses among what is allowed and never widens it: `jku`, `x5u`, `jwk` and `x5c` are
/// not read. Nothing of the payload is parsed before the signature holds.
pub fn verify(token: &str, keys: &KeySet, expected: &Expected<'_>) -> Result<IdClaims, TokenFault> {
    let Proved { claims, algorithm, .. } = prove(token, keys, expected.algorithms)?;
    Claims { claims, algorithm, expected }.check()
}

/// A token of which nothing but the signature is known to hold.
pub(super) struct Proved<'a> {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    pub(super) algorithm: &'static str,
    /// Header and claims as they were signed.
    pub(super) message: &'a str,
}

/// The signature alone, by the provider's allow-list and keys.
pub(super) fn prove<'a>(
    token: &'a str,
    keys: &KeySet,
    algorithms: &[String],
) -> Result<Proved<'a>, TokenFault> {
    if token.len() > MAX_TOKEN {
        return Err(TokenFault::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(TokenFault::Malformed)?;
    let header = Header::read(header)?;
    let (name, algorithm) = header.algorithm(algorithms)?;
    let mut known = false;
    let proved = keys.candidates(header.kid()?, name).any(|key| {
        known = true;
        key.verifies(algorithm, message, signature)
    });
    if !proved {
        return Err(if known { TokenFault::BadSignature } else { TokenFault::UnknownKey });
    }
    Ok(Proved { header: header.0, claims: object(payload)?, algorithm: name, message })
}

struct Header(Map<String, Value>);

impl Header {
    /// RFC 7515 section 4.1.11: what is critical and not understood makes the token invalid, and
    /// we understand no extension.
    fn read(part: &str) -> Result<Self, TokenFault> {
        let members = object(part)?;
        if members.contains_key("crit") { Err(TokenFault::Malformed) } else { Ok(Self(members)) }
    }

    /// The algorithm, if the provider may use it (RFC 8725 section 3.1).
    fn algorithm(&self, allowed: &[String]) -> Result<(&'static str, Algorithm), TokenFault> {
        let wanted = self.0.get("alg").and_then(Value::as_str).ok_or(TokenFault::Algorithm)?;
        let ours = ALGORITHMS.into_iter().find(|known| *known == wanted);
        let ours = ours.filter(|known| allowed.iter().any(|own| own == known));
        let ours = ours.ok_or(TokenFault::Algorithm)?;
        Ok((ours, ours.parse().map_err(|_| TokenFault::Algorithm)?))
    }

    fn kid(&self) -> Result<Option<&str>, TokenFault> {
        match self.0.get("kid") {
            None => Ok(None),
            Some(kid) => kid.as_str().map(Some).ok_or(TokenFault::Malformed),
        }
    }
}

fn object(part: &str) -> Result<Map<String, Value>, TokenFault> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenFault::Malformed)
}

struct Claims<'a> {
    claims: Map<String, Value>,
    algorithm: &'static str,
    expected: &'a Expected<'a>,
}

impl Claims<'_> {
    fn check(self) -> Result<IdClaims, TokenFault> {
        if self.text("iss") != Some(self.expected.issuer) {
            return Err(TokenFault::Issuer);
        }
        self.check_audience()?;
        if !self.text("nonce").is_some_and(|nonce| self.expected.nonce.matches(nonce)) {
            return Err(TokenFault::Nonce);
        }
        check_times(&self.claims, self.expected.now, self.expected.leeway)?;
        let auth_time = self.check_auth_time()?;
        self.check_access_token()?;
        Ok(IdClaims {
            issuer: self.expected.issuer.to_owned(),
            subject: subject_of(&self.claims)?,
            auth_time,
            claims: self.claims,
        })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// Core 3.1.3.7 (3) to (5): we are in the audience; whoever else is there must be explained by
    /// `azp`, which, when it is there, names us.
    fn check_audience(&self) -> Result<(), TokenFault> {
        let audiences = audiences_of(&self.claims)?;
        let own = self.expected.client_id;
        if !audiences.contains(&own) {
            return Err(TokenFault::Audience);
        }
        let shared = audiences.iter().any(|audience| *audience != own);
        let given_to_us = match self.claims.get("azp") {
            Some(party) => party == own,
            None => !shared,
        };
        if given_to_us { Ok(()) } else { Err(TokenFault::AuthorizedParty) }
    }

    /// Core 3.1.3.7 (13): asked for with `max_age`, it must be there and recent.
    fn check_auth_time(&self) -> Result<Option<Moment>, TokenFault> {
        let Expected { now, leeway, max_age, .. } = *self.expected;
        let signed_in = time(&self.claims, "auth_time");
        let Some(max_age) = max_age else { return Ok(signed_in) };
        let at = signed_in.ok_or(TokenFault::AuthTime)?;
        if at > now.plus(leeway) || at.plus(max_age).plus(leeway) < now {
            return Err(TokenFault::AuthTime);
        }
        Ok(signed_in)
    }

    /// Core 3.1.3.8: the left half of the hash that belongs to the algorithm.
    fn check_access_token(&self) -> Result<(), TokenFault> {
        let Some(claimed) = self.claims.get("at_hash") else { return Ok(()) };
        let token = self.expected.access_token.ok_or(TokenFault::AccessTokenHash)?;
        let hash = digest::digest(hash_of(self.algorithm), token.as_bytes());
        let half = &hash.as_ref()[..hash.as_ref().len() / 2];
        if *claimed == URL_SAFE_NO_PAD.encode(half) {
            Ok(())
        } else {
            Err(TokenFault::AccessTokenHash)
        }
    }
}

/// Whom a token is for.
pub(super) fn audiences_of(claims: &Map<String, Value>) -> Result<Vec<&str>, TokenFault> {
    match claims.get("aud") {
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(several)) => {
            several.iter().map(Value::as_str).collect::<Option<_>>().ok_or(TokenFault::Audience)
        }
        _ => Err(TokenFault::Audience),
    }
}

/// When a token was issued, and when it ends.
pub(super) struct Times {
    pub(super) issued: Moment,
    pub(super) expires: Moment,
}

/// Core 3.1.3.7 (9) and (10), RFC 7519 sections 4.1.4 to 4.1.6.
pub(super) fn check_times(
    claims: &Map<String, Value>,
    now: Moment,
    leeway: Duration,
) -> Result<Times, TokenFault> {
    let expires = time(claims, "exp").ok_or(TokenFault::Expired)?;
    if now >= expires.plus(leeway) {
        return Err(TokenFault::Expired);
    }
    if claims.contains_key("nbf") {
        let begins = time(claims, "nbf").ok_or(TokenFault::NotYet)?;
        if begins > now.plus(leeway) {
            return Err(TokenFault::NotYet);
        }
    }
    let issued = time(claims, "iat").ok_or(TokenFault::IssuedAt)?;
    let oldest = now.minus(MAX_TOKEN_AGE).minus(leeway);
    if issued > now.plus(leeway) || issued < oldest {
        return Err(TokenFault::IssuedAt);
    }
    Ok(Times { issued, expires })
}

/// A NumericDate (RFC 7519 section 2): seconds since 1970, perhaps with a fraction.
pub(super) fn time(claims: &Map<String, Value>, name: &str) -> Option<Moment> {
    let value = claims.get(name)?;
    if let Some(seconds) = value.as_i64() {
        return Some(Moment::from_seconds(seconds));
    }
    let micros = value.as_f64()? * 1_000_000.0;
    // Casting stops at the ends of the number range instead of wrapping.
    Some(Moment::from_micros(micros as i64))
}

/// Who it is about.
pub(super) fn subject_of(claims: &Map<String, Value>) -> Result<String, TokenFault> {
    let subject = claims.get("sub").and_then(Value::as_str).filter(|sub| is_subject(sub));
    subject.map(str::to_owned).ok_or(TokenFault::Subject)
}

/// SHA-256, SHA-384 or SHA-512 by the algorithm's number; Ed25519 hashes with SHA-512 inside
/// (RFC 8032 section 5.1).
fn hash_of(algorithm: &str) -> &'static digest::Algorithm {
    match algorithm {
        "RS384" | "PS384" | "ES384" => &digest::SHA384,
        "RS512" | "PS512" | "EdDSA" => &digest::SHA512,
        _ => &digest::SHA256,
    }
}

/// Core 2: not empty, at most 255 characters. Control characters name nobody, and not every
/// database can keep them.
fn is_subject(subject: &str) -> bool {
    !subject.is_empty()
        && subject.chars().count() <= MAX_SUBJECT
        && !subject.chars().any(char::is_control)
}
