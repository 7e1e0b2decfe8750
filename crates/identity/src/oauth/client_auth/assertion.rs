//! `private_key_jwt`: the JWT that a client signs about itself (RFC 7523 section 3).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use crate::federation::id_token::LEEWAY;
use crate::federation::jwks::KeySet;
use crate::oauth::metadata::CLIENT_ALGORITHMS;
use crate::oauth::once::OnceId;
use crate::secret::Digest;
use crate::time::Moment;

/// How far ahead it may expire: its `jti` has to be remembered until then.
pub const MAX_ASSERTION_LIFE: Duration = Duration::from_secs(300);

/// A longer one is not looked at, in bytes.
const MAX_ASSERTION: usize = 8 * 1024;

/// Types that a client may give it. None of them is another kind of token of the same keys
/// (RFC 8725 section 3.11).
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// What it must say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// Who signs.
    pub(super) client: &'a str,
    /// We: the public URL.
    pub(super) issuer: &'a str,
    /// Now.
    pub(super) now: Moment,
}

/// What does not hold about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionFault {
    /// No signed JWT, or too long, or with a header that we must understand and do not.
    #[error("client_assertion is no signed JSON Web Token of at most {MAX_ASSERTION} bytes")]
    Malformed,
    /// A token that was made for something else.
    #[error("client_assertion is another kind of token; leave typ out, or say JWT")]
    Type,
    /// `none`, HS…, or one that is not usual.
    #[error("client_assertion must be signed with RS256, PS256, ES256 or EdDSA")]
    Algorithm,
    /// No such key of this client.
    #[error("client_assertion names no registered key of this client (kid and type)")]
    UnknownKey,
    /// Another key, or changed on the way.
    #[error("the signature of client_assertion is not made with this client's key")]
    Signature,
    /// RFC 7523 section 3 (1) and (2).
    #[error("client_assertion must have the client_id as iss and as sub")]
    Party,
    /// Statement 78: a list, or an address of an endpoint, could be meant for another server.
    #[error("client_assertion must have our issuer, and nothing else, as aud")]
    Audience,
    /// RFC 7523 section 3 (4).
    #[error("client_assertion has expired, or does not say when it does (exp)")]
    Expired,
    /// It would have to be remembered for too long.
    #[error("client_assertion must expire within 5 minutes (exp)")]
    TooLong,
    /// The clocks differ.
    #[error("client_assertion is from the future (iat or nbf); compare the clocks")]
    NotYet,
    /// RFC 7523 section 3 (7); here it must be there.
    #[error("client_assertion needs a jti, different each time")]
    Id,
}

impl AssertionFault {
    /// Stable name for the audit and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "assertion_malformed",
            Self::Type => "assertion_type",
            Self::Algorithm => "assertion_algorithm",
            Self::UnknownKey => "assertion_unknown_key",
            Self::Signature => "assertion_signature",
            Self::Party => "assertion_party",
            Self::Audience => "assertion_audience",
            Self::Expired => "assertion_expired",
            Self::TooLong => "assertion_too_long",
            Self::NotYet => "assertion_not_yet",
            Self::Id => "assertion_id",
        }
    }
}

/// Proves it with the client's registered keys. Nothing of the payload is believed before the
/// signature holds; the header chooses among what is registered and never widens it.
pub(super) fn verify(
    jwt: &str,
    keys: &KeySet,
    expected: &Expected<'_>,
) -> Result<OnceId, AssertionFault> {
    if jwt.len() > MAX_ASSERTION {
        return Err(AssertionFault::Malformed);
    }
    let (message, signature) = jwt.rsplit_once('.').ok_or(AssertionFault::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(AssertionFault::Malformed)?;
    let header = object(header).ok_or(AssertionFault::Malformed)?;
    let (kid, name) = read_header(&header)?;
    let algorithm: Algorithm = name.parse().map_err(|_| AssertionFault::Algorithm)?;
    let mut candidates = keys.candidates(kid, name).peekable();
    if candidates.peek().is_none() {
        return Err(AssertionFault::UnknownKey);
    }
    if !candidates.any(|key| key.verifies(algorithm, message, signature)) {
        return Err(AssertionFault::Signature);
    }
    check(&object(payload).ok_or(AssertionFault::Malformed)?, expected)
}

/// Key id and algorithm. RFC 7515 section 4.1.11: what is critical and not understood makes the
/// token invalid, and we understand no extension.
fn read_header(
    header: &Map<String, Value>,
) -> Result<(Option<&str>, &'static str), AssertionFault> {
    if header.contains_key("crit") {
        return Err(AssertionFault::Malformed);
    }
    let typ = header.get("typ").map_or(Some("jwt"), Value::as_str);
    if !typ.is_some_and(|typ| TYPES.iter().any(|known| known.eq_ignore_ascii_case(typ))) {
        return Err(AssertionFault::Type);
    }
    let wanted = header.get("alg").and_then(Value::as_str);
    let name = CLIENT_ALGORITHMS.into_iter().find(|known| Some(*known) == wanted);
    let name = name.ok_or(AssertionFault::Algorithm)?;
    match header.get("kid") {
        None => Ok((None, name)),
        Some(kid) => kid.as_str().map(|kid| (Some(kid), name)).ok_or(AssertionFault::Malformed),
    }
}

fn check(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<OnceId, AssertionFault> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.client) || text("sub") != Some(expected.client) {
        return Err(AssertionFault::Party);
    }
    // A list is refused even when it holds nothing but us: then what one server accepts, no other
    // one does (FAPI 2.0 Security Profile 5.3.2.1, and the audience injection that led to it).
    if text("aud") != Some(expected.issuer) {
        return Err(AssertionFault::Audience);
    }
    let expires_at = check_times(claims, expected.now)?;
    let id = text("jti").filter(|id| !id.is_empty()).ok_or(AssertionFault::Id)?;
    Ok(OnceId { digest: Digest::of_parts(&["assertion", expected.client, id]), expires_at })
}

/// RFC 7523 section 3 (4) to (6). Gives the moment from which on it is refused as expired.
fn check_times(claims: &Map<String, Value>, now: Moment) -> Result<Moment, AssertionFault> {
    let expires = time(claims, "exp").ok_or(AssertionFault::Expired)?;
    let ends = expires.plus(LEEWAY);
    if now >= ends {
        return Err(AssertionFault::Expired);
    }
    if expires > now.plus(MAX_ASSERTION_LIFE) {
        return Err(AssertionFault::TooLong);
    }
    for name in ["iat", "nbf"] {
        let begins = || time(claims, name).ok_or(AssertionFault::NotYet);
        if claims.contains_key(name) && begins()? > now.plus(LEEWAY) {
            return Err(AssertionFault::NotYet);
        }
    }
    Ok(ends)
}

/// A NumericDate (RFC 7519 section 2): seconds since 1970, perhaps with a fraction.
fn time(claims: &Map<String, Value>, name: &str) -> Option<Moment> {
    let value = claims.get(name)?;
    match value.as_i64() {
        Some(seconds) => Some(Moment::from_seconds(seconds)),
        // Casting stops at the ends of the number range instead of wrapping.
        None => value.as_f64().map(|seconds| Moment::from_micros((seconds * 1_000_000.0) as i64)),
    }
}

/// What it says as `sub`, unproven: only to look up whose keys prove it.
pub(super) fn claimed_subject(jwt: &str) -> Option<String> {
    if jwt.len() > MAX_ASSERTION {
        return None;
    }
    let claims = object(jwt.split('.').nth(1)?)?;
    claims.get("sub")?.as_str().filter(|sub| !sub.is_empty()).map(str::to_owned)
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
