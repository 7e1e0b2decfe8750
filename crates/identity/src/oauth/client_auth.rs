//! How a client proves who it is at our endpoints: what its request carries, and whether it holds.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::federation::jwks::KeySet;
use crate::oauth::clients::{Client, ClientAuthMethod};
use crate::oauth::error::{OAuthError, OAuthFault};
use crate::oauth::once::OnceId;
use crate::oauth::parameters::Parameters;
use crate::secret::{Digest, Secret};
use crate::time::Moment;

pub use assertion::{AssertionFault, MAX_ASSERTION_LIFE};

mod assertion;
#[cfg(test)]
mod tests;

/// `client_assertion_type` of a JWT (RFC 7523 section 2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Longest client id and secret that are looked at, in bytes.
const MAX_CREDENTIAL: usize = 1024;

/// What a request carries as proof. A request with two proofs is none of these.
#[derive(Clone, Debug)]
pub enum Presented {
    /// Id and secret in the `Authorization` header.
    Basic {
        /// `client_id`.
        client_id: String,
        /// What may be its secret.
        secret: Secret,
    },
    /// Id and secret in the form.
    Post {
        /// `client_id`.
        client_id: String,
        /// What may be its secret.
        secret: Secret,
    },
    /// A JWT that the client signed.
    Assertion {
        /// `client_id`, or what the JWT says as `sub`, which proves nothing yet.
        client_id: String,
        /// The JWT.
        assertion: Secret,
    },
    /// The id alone.
    Nothing {
        /// `client_id`.
        client_id: String,
    },
}

impl Presented {
    /// Reads the `Authorization` headers and the form of a request (RFC 6749 section 2.3,
    /// RFC 7521 section 4.2). A second proof is `invalid_request` (RFC 6749 section 5.2); what
    /// cannot be read is `invalid_client`.
    pub fn read(authorization: &[&str], form: &Parameters) -> Result<Self, OAuthFault> {
        form.check_repetition()?;
        let named = form.once("client_id");
        let (secret, assertion) = (form.once("client_secret"), form.once("client_assertion"));
        let proofs = [!authorization.is_empty(), secret.is_some(), assertion.is_some()];
        if proofs.into_iter().filter(|there| *there).count() > 1 || authorization.len() > 1 {
            let text = "the request authenticates the client twice; use one method only";
            return Err(OAuthFault::new(OAuthError::InvalidRequest, text));
        }
        if form.has("client_assertion_type") && assertion.is_none() {
            let text = "client_assertion_type is there without client_assertion; send both";
            return Err(OAuthFault::new(OAuthError::InvalidRequest, text));
        }
        let presented = match (authorization, secret, assertion) {
            ([header, ..], _, _) => basic(header, named)?,
            (_, Some(secret), _) => {
                let client_id = named.ok_or_else(nameless)?.to_owned();
                Self::Post { client_id, secret: Secret::new(secret) }
            }
            (_, _, Some(assertion)) => signed(assertion, named, form)?,
            _ => Self::Nothing { client_id: named.ok_or_else(nameless)?.to_owned() },
        };
        presented.bounded()
    }

    /// Who the client says that it is.
    pub fn client_id(&self) -> &str {
        match self {
            Self::Basic { client_id, .. }
            | Self::Post { client_id, .. }
            | Self::Assertion { client_id, .. }
            | Self::Nothing { client_id } => client_id,
        }
    }

    /// The method that this is.
    pub const fn method(&self) -> ClientAuthMethod {
        match self {
            Self::Basic { .. } => ClientAuthMethod::ClientSecretBasic,
            Self::Post { .. } => ClientAuthMethod::ClientSecretPost,
            Self::Assertion { .. } => ClientAuthMethod::PrivateKeyJwt,
            Self::Nothing { .. } => ClientAuthMethod::None,
        }
    }

    fn bounded(self) -> Result<Self, OAuthFault> {
        let secret = match &self {
            Self::Basic { secret, .. } | Self::Post { secret, .. } => secret.expose().len(),
            Self::Assertion { .. } | Self::Nothing { .. } => 0,
        };
        if self.client_id().len() > MAX_CREDENTIAL || secret > MAX_CREDENTIAL {
            return Err(unreadable("client_id or client_secret is too long to be one of ours"));
        }
        Ok(self)
    }
}

fn nameless() -> OAuthFault {
    unreadable("the request does not say which client it is from; authenticate, or send client_id")
}

fn unreadable(text: &str) -> OAuthFault {
    OAuthFault::new(OAuthError::InvalidClient, text)
}

/// RFC 6749 section 2.3.1: id and secret are form-encoded first, then joined by a colon.
fn basic(header: &str, named: Option<&str>) -> Result<Presented, OAuthFault> {
    let (scheme, credentials) = header.trim().split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unreadable("a client authenticates by the scheme Basic, or in the form"));
    }
    let read = || {
        let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some((form_decoded(id)?, form_decoded(secret)?))
    };
    let Some((client_id, secret)) = read() else {
        let text = "the Authorization header is not Basic base64(client_id:client_secret) with \
                    both form-encoded";
        return Err(unreadable(text));
    };
    // Many libraries send the id in the form as well; that is one method, if it is the same id.
    if named.is_some_and(|named| named != client_id) {
        let text = "client_id in the form is another than in the Authorization header; send one";
        return Err(OAuthFault::new(OAuthError::InvalidRequest, text));
    }
    if client_id.is_empty() {
        return Err(nameless());
    }
    Ok(Presented::Basic { client_id, secret: Secret::new(secret) })
}

/// `application/x-www-form-urlencoded`, one value; none when it is not well encoded.
fn form_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (bytes.next()?, bytes.next()?);
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(high)? * 16 + digit(low)?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

/// RFC 7521 section 4.2: `client_id` may be left out, because the JWT says it.
fn signed(jwt: &str, named: Option<&str>, form: &Parameters) -> Result<Presented, OAuthFault> {
    if form.once("client_assertion_type") != Some(JWT_BEARER) {
        return Err(unreadable(&format!("client_assertion_type must be {JWT_BEARER}")));
    }
    let client_id = match named {
        Some(named) => named.to_owned(),
        None => assertion::claimed_subject(jwt)
            .ok_or_else(|| unreadable("client_assertion is no JSON Web Token with a sub"))?,
    };
    Ok(Presented::Assertion { client_id, assertion: Secret::new(jwt) })
}

/// A secret that counts, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSecret {
    /// Of the secret.
    pub digest: Digest,
    /// From when on it does not count; none for the newest one.
    pub expires_at: Option<Moment>,
}

/// A client with everything that it may prove itself by.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The client.
    pub client: Arc<Client>,
    secrets: Vec<LiveSecret>,
    keys: KeySet,
}

impl Registered {
    /// Of what is kept. Keys that cannot be read check nothing; they were read at registration.
    pub fn new(client: Arc<Client>, secrets: Vec<LiveSecret>) -> Self {
        let keys = client.jwks.as_ref().map(ToString::to_string);
        let keys = keys.and_then(|text| KeySet::parse(text.as_bytes()).ok()).unwrap_or_default();
        Self { client, secrets, keys }
    }

    /// Whether this is the client, by the one method that it is registered with.
    ///
    /// Gives the id of the JWT, if it was one: it must be taken, once, before the client counts.
    pub fn check(
        &self,
        presented: &Presented,
        issuer: &str,
        now: Moment,
    ) -> Result<Option<OnceId>, ClientFault> {
        let client = &self.client;
        if client.id.as_str() != presented.client_id() {
            return Err(ClientFault::Unknown);
        }
        if client.disabled {
            return Err(ClientFault::Disabled);
        }
        if client.authentication != presented.method() {
            return Err(ClientFault::Method(client.authentication));
        }
        match presented {
            Presented::Basic { secret, .. } | Presented::Post { secret, .. } => {
                if self.knows(secret, now) { Ok(None) } else { Err(ClientFault::Secret) }
            }
            Presented::Assertion { assertion, .. } => {
                let expected = assertion::Expected { client: client.id.as_str(), issuer, now };
                let id = assertion::verify(assertion.expose(), &self.keys, &expected)?;
                Ok(Some(id))
            }
            Presented::Nothing { .. } => Ok(None),
        }
    }

    /// Every live secret is compared, in constant time.
    fn knows(&self, secret: &Secret, now: Moment) -> bool {
        let presented = Secret::new(secret.digest().as_str());
        let live = |one: &&LiveSecret| one.expires_at.is_none_or(|end| now < end);
        let equal = |one: &LiveSecret| presented.matches(one.digest.as_str());
        self.secrets.iter().filter(live).map(equal).fold(false, |known, equal| known | equal)
    }
}

/// Why a client is not taken for the one that it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientFault {
    /// Never registered, or removed.
    #[error("there is no client of this id; compare client_id with: vestibule clients list")]
    Unknown,
    /// Switched off.
    #[error("this client is switched off; an operator can switch it on again")]
    Disabled,
    /// Another method than the registered one.
    #[error("this client is registered for {0}; authenticate by that, or change the client")]
    Method(ClientAuthMethod),
    /// None of its live secrets.
    #[error("the client secret is wrong, or was replaced; a new one can be drawn")]
    Secret,
    /// Its JWT.
    #[error(transparent)]
    Assertion(#[from] AssertionFault),
    /// Its JWT, for the second time.
    #[error("this client_assertion was used before; sign a new one with a new jti each time")]
    Replayed,
}

impl ClientFault {
    /// Stable name for the audit and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "client_unknown",
            Self::Disabled => "client_disabled",
            Self::Method(_) => "client_method",
            Self::Secret => "client_secret",
            Self::Assertion(fault) => fault.code(),
            Self::Replayed => "assertion_replayed",
        }
    }
}

impl From<ClientFault> for OAuthFault {
    fn from(fault: ClientFault) -> Self {
        Self::new(OAuthError::InvalidClient, fault.to_string())
    }
}
