//! What counts once: JWTs that are remembered until they would not hold anyway.

use crate::secret::Digest;
use crate::time::Moment;

/// Names something that must not come a second time: a client's assertion, a proof of possession, a
/// provider's token that was brought in exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnceId {
    /// Of its kind, of who made it, and of its own id.
    pub digest: Digest,
    /// From when on it does not hold anyway.
    pub expires_at: Moment,
}
