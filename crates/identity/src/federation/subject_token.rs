//! A provider's token that a client brings to exchange it for ours (RFC 8693 section 2.1).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::federation::id_token::{
    IdClaims, MAX_TOKEN, TokenFault, audiences_of, check_times, prove, subject_of, time,
};
use crate::federation::jwks::KeySet;
use crate::oauth::once::OnceId;
use crate::secret::Digest;
use crate::time::Moment;

#[cfg(test)]
mod tests;

/// Longest time since it was issued.
pub const MAX_SUBJECT_AGE: Duration = Duration::from_secs(5 * 60);

/// What no ID token says, and other tokens with the same keys do: access tokens what they may do
/// (RFC 9068 section 2.2.3; Entra ID and Okta call it `scp`) and how their client authenticated
/// (Entra ID), logout tokens and other events what has happened (RFC 8417 section 2.2).
const FOREIGN: [&str; 5] = ["scope", "scp", "appidacr", "azpacr", "events"];

/// Which kind of token it is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// An ID token for one of the provider's other clients (OpenID Connect Core 2).
    IdToken,
    /// An access token for us (RFC 9068).
    AccessToken,
}

/// What it must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The provider's issuer, to the letter.
    pub issuer: &'a str,
    /// The provider's allow-list.
    pub algorithms: &'a [String],
    /// What it is said to be.
    pub kind: SubjectKind,
    /// Clients of the provider whose ID tokens are taken.
    pub audiences: &'a [String],
    /// We, as the audience of access tokens: the public URL.
    pub house: &'a str,
    /// Now.
    pub now: Moment,
    /// How far the clocks may be apart.
    pub leeway: Duration,
}

/// A token that holds, once its id has been taken.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectToken {
    /// What it says.
    pub claims: IdClaims,
    /// When the person signed in there, if it says so: never after it was issued.
    pub signed_in_at: Option<Moment>,
    /// When it ends; nothing that it is exchanged for may end later.
    pub expires_at: Moment,
    /// It counts once.
    pub id: OnceId,
}

/// What a token says about itself, unproven: only to look up whose keys prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audiences: Vec<String>,
}

/// Reads what nobody has proved; none for what is no JSON Web Token.
pub fn claimed(token: &str) -> Option<Claimed> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Map<String, Value> = serde_json::from_slice(&payload).ok()?;
    let issuer = claims.get("iss")?.as_str()?.to_owned();
    let audiences = audiences_of(&claims).unwrap_or_default();
    Some(Claimed { issuer, audiences: audiences.into_iter().map(str::to_owned).collect() })
}

/// Proves a token with the provider's keys, and checks everything about it. There was no trip of
/// ours, so there is no nonce; its age stands in for that, and that it counts once.
pub fn verify(
    token: &str,
    keys: &KeySet,
    expected: &Expected<'_>,
) -> Result<SubjectToken, TokenFault> {
    let proved = prove(token, keys, expected.algorithms)?;
    check_type(&proved.header, expected.kind)?;
    let claims = proved.claims;
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(TokenFault::Issuer);
    }
    match expected.kind {
        SubjectKind::IdToken => check_id_token(&claims, expected.audiences)?,
        SubjectKind::AccessToken if audiences_of(&claims)?.contains(&expected.house) => {}
        SubjectKind::AccessToken => return Err(TokenFault::Audience),
    }
    let times = check_times(&claims, expected.now, expected.leeway)?;
    // What it is exchanged for ends with it, so there must be something left of it.
    if expected.now >= times.expires {
        return Err(TokenFault::Expired);
    }
    let last = times.issued.plus(MAX_SUBJECT_AGE);
    if expected.now >= last {
        return Err(TokenFault::IssuedAt);
    }
    let signed_in = time(&claims, "auth_time");
    let issued = times.issued.min(expected.now);
    Ok(SubjectToken {
        signed_in_at: signed_in.map(|at| at.min(issued)),
        expires_at: times.expires,
        // Not of the signature, which some algorithms let anybody write in a second way.
        id: OnceId { digest: Digest::of_parts(&["subject", proved.message]), expires_at: last },
        claims: IdClaims {
            issuer: expected.issuer.to_owned(),
            subject: subject_of(&claims)?,
            auth_time: signed_in,
            claims,
        },
    })
}

/// One kind never passes for another (RFC 8725 section 3.11): ID tokens say `JWT` or nothing,
/// access tokens what RFC 9068 section 2.1 has them say.
fn check_type(header: &Map<String, Value>, kind: SubjectKind) -> Result<(), TokenFault> {
    let typ = match header.get("typ") {
        None => None,
        Some(typ) => Some(typ.as_str().ok_or(TokenFault::Type)?.to_ascii_lowercase()),
    };
    let fits = match (kind, typ.as_deref()) {
        (SubjectKind::IdToken, typ) => matches!(typ, None | Some("jwt")),
        (SubjectKind::AccessToken, typ) => {
            matches!(typ, Some("at+jwt" | "application/at+jwt"))
        }
    };
    if fits { Ok(()) } else { Err(TokenFault::Type) }
}

/// Whether this is an ID token, which a header that says `JWT` does not tell, and one for a client
/// that is listed.
///
/// OpenID Connect Core 3.1.3.7: a listed client is in `aud`, and among several audiences whoever it
/// was issued to is listed as well. `azp` is never enough by itself: an access token for somebody
/// else's interface says that too.
fn check_id_token(claims: &Map<String, Value>, listed: &[String]) -> Result<(), TokenFault> {
    let is_named_id = claims.get("typ").is_none_or(|typ| typ == "ID");
    if !is_named_id || FOREIGN.iter().any(|name| claims.contains_key(*name)) {
        return Err(TokenFault::Type);
    }
    let is_listed = |client: &str| listed.iter().any(|one| one == client);
    let audiences = audiences_of(claims)?;
    if !audiences.iter().any(|client| is_listed(client)) {
        return Err(TokenFault::Audience);
    }
    match claims.get("azp") {
        Some(party) if audiences.len() > 1 && !party.as_str().is_some_and(is_listed) => {
            Err(TokenFault::AuthorizedParty)
        }
        _ => Ok(()),
    }
}
