//! Refresh tokens: a family per grant, one head, and what an older one means (RFC 9700 section
//! 4.14.2).

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ids::GrantId;
use crate::oauth::grants::Grant;
use crate::secret::Secret;
use crate::time::Moment;

/// How long the predecessor of an unused head still gets that head: two tabs, a lost answer, a
/// retry. It never outlives the head's first use.
pub const GRACE: Duration = Duration::from_secs(30);

/// Longest time between two uses.
pub const IDLE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Longest life of a family.
pub const ABSOLUTE: Duration = Duration::from_secs(90 * 24 * 3600);

/// What all refresh tokens of a house are made with.
///
/// A token is its grant, its number in the family and a MAC over both. So nothing about it has to
/// be stored but the number of the head; a token that is too old is still known to be genuine,
/// which is what tells a replay from a guess; and the successor of a token can be made again for
/// whoever asks twice at once.
pub struct RefreshKey(hmac::Key);

/// A genuine refresh token, of whatever age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Its family.
    pub grant: GrantId,
    /// Its number in the family, from 1.
    pub generation: u32,
}

impl RefreshKey {
    /// `key`: 32 bytes, the same in every process of a house.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The token with this number.
    pub fn token(&self, grant: &GrantId, generation: u32) -> Secret {
        let body = format!("{grant}.{generation}");
        let tag = hmac::sign(&self.0, body.as_bytes());
        Secret::new(format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag)))
    }

    /// Reads a token; none when it is not one of ours.
    pub fn read(&self, token: &str) -> Option<Presented> {
        let (body, tag) = token.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, body.as_bytes(), &tag).ok()?;
        let (grant, generation) = body.split_once('.')?;
        Some(Presented { grant: GrantId::from_stored(grant), generation: generation.parse().ok()? })
    }
}

/// What becomes of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// It was the head: the next one takes its place.
    Rotate,
    /// It was the head a moment ago, and the head has not been used: the same head once more.
    Again,
    /// It was used before: somebody has a copy. The family ends.
    Replayed,
    /// The family is over by itself.
    Over,
}

/// What becomes of the token with this number.
pub fn refresh(grant: &Grant, generation: u32, now: Moment) -> Refresh {
    let over = grant.revoked_at.is_some()
        || now >= grant.created_at.plus(ABSOLUTE)
        || now >= grant.refreshed_at.plus(IDLE);
    if over {
        return Refresh::Over;
    }
    if generation == grant.generation {
        return Refresh::Rotate;
    }
    let within_grace = now < grant.refreshed_at.plus(GRACE);
    // The head's first use makes the next one the head, so the predecessor of a head is always
    // one whose successor is unused.
    if generation.checked_add(1) == Some(grant.generation) && within_grace {
        return Refresh::Again;
    }
    Refresh::Replayed
}

#[cfg(test)]
mod tests;
