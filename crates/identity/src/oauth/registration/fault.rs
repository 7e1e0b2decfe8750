//! Why a client cannot be registered or changed so.

use super::{MAX_ENTRIES, MAX_NAME};
use crate::oauth::clients::GrantType;
use crate::oauth::redirect_uri::UriFault;

/// What does not fit about a client, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationFault {
    /// Nothing that people could read.
    #[error("a client needs a name of at most {MAX_NAME} characters; people read it")]
    Name,
    /// Hard to type, or to put into an address.
    #[error(
        "\"{0}\" is no client id; choose 2 to 64 lower-case letters, digits and hyphens, a letter \
         first, or leave it out and get a random one"
    )]
    Id(String),
    /// RFC 9700 section 4.15.
    #[error(
        "\"{0}\" has the shape of a user's sub, and tokens must never take a client for a person; \
         choose a client id with a hyphen or of another length"
    )]
    IdLikeSubject(String),
    /// More than anybody uses.
    #[error("a client has at most {MAX_ENTRIES} entries of each kind; register a second client")]
    TooMany,
    /// It could not keep what it proves itself with.
    #[error(
        "a public client cannot keep a secret, so it authenticates by \"none\" and by PKCE; leave \
         the method out, or register a confidential client"
    )]
    PublicWithProof,
    /// Anybody could be it.
    #[error(
        "a confidential client proves who it is; choose client_secret_basic, client_secret_post \
         or private_key_jwt, or register a public client"
    )]
    ConfidentialWithoutProof,
    /// Statement 65.
    #[error("a public client cannot do without PKCE; only a confidential one may")]
    PublicWithoutPkce,
    /// Statement 65.
    #[error("a public client cannot do without nonce; only a confidential one may")]
    PublicWithoutNonce,
    /// `private_key_jwt` without a key.
    #[error("private_key_jwt needs the client's public keys; add them as a JWK Set")]
    KeysMissing,
    /// No JWK Set.
    #[error("the keys are no JWK Set; write {{\"keys\": [...]}} with at most 100 keys")]
    KeysShape,
    /// Too many, or too large.
    #[error("the JWK Set is longer than 32 KiB; keep only the keys that are in use")]
    KeysTooLong,
    /// It is the client's alone.
    #[error(
        "the JWK Set has private or shared keys (the member \"{0}\"); give us the public ones \
         only, and make new keys if these have been sent around"
    )]
    PrivateKey(&'static str),
    /// Nothing to check a signature with.
    #[error(
        "no key of the JWK Set can check a signature; use RSA of at least 2048 bits (RS256, \
         PS256), P-256 (ES256) or Ed25519 (EdDSA)"
    )]
    KeysUseless,
    /// Nothing to do.
    #[error(
        "a client needs at least one grant; the usual ones are authorization_code and \
             refresh_token"
    )]
    NoGrant,
    /// Nothing would ever give it one.
    #[error("refresh_token needs authorization_code: only a code begins what it continues")]
    RefreshWithoutCode,
    /// Codes could go nowhere.
    #[error(
        "authorization_code needs at least one redirect URI, such as https://shop.example/callback"
    )]
    NoRedirectUri,
    /// Anybody could be it.
    #[error("{0} is for confidential clients only: a public one cannot prove that it is itself")]
    PublicGrant(GrantType),
    /// Statement 62.
    #[error("redirect URI: {0}")]
    RedirectUri(#[source] UriFault),
    /// Statement 71.
    #[error("post-logout redirect URI: {0}")]
    PostLogoutUri(#[source] UriFault),
    /// We send logout tokens there.
    #[error("back-channel logout URI: {0}")]
    BackchannelLogoutUri(#[source] UriFault),
    /// Only the operator can know that a client is there.
    #[error(
        "\"{0}\" is at a private address or on this very machine; if the client really is there, \
         say so with --backchannel-logout-private"
    )]
    BackchannelLogoutPrivate(String),
    /// No switch opens it.
    #[error("no client can be at \"{0}\"; give the address where it hears of logouts")]
    BackchannelLogoutNowhere(String),
    /// No scope.
    #[error(
        "\"{0}\" is no scope; use openid, profile, email, groups, organisation, offline_access, \
         or one of a resource server in lower-case letters, digits and : . _ / -"
    )]
    Scope(String),
    /// RFC 8707 section 2.
    #[error(
        "\"{0}\" is no resource; write an absolute URI without fragment, as in \
         https://orders.example"
    )]
    Resource(String),
    /// We are no resource server.
    #[error(
        "our own address is no resource of a client: userinfo is asked with the scope openid, and \
         needs none; name the resource server's own address"
    )]
    OwnResource,
}

impl RegistrationFault {
    /// Stable name for JSON and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Id(_) => "client_id",
            Self::IdLikeSubject(_) => "client_id_like_subject",
            Self::TooMany => "too_many",
            Self::PublicWithProof => "public_with_proof",
            Self::ConfidentialWithoutProof => "confidential_without_proof",
            Self::PublicWithoutPkce => "public_without_pkce",
            Self::PublicWithoutNonce => "public_without_nonce",
            Self::KeysMissing => "keys_missing",
            Self::KeysShape => "keys_shape",
            Self::KeysTooLong => "keys_too_long",
            Self::PrivateKey(_) => "private_key",
            Self::KeysUseless => "keys_useless",
            Self::NoGrant => "no_grant",
            Self::RefreshWithoutCode => "refresh_without_code",
            Self::NoRedirectUri => "no_redirect_uri",
            Self::PublicGrant(_) => "public_grant",
            Self::RedirectUri(_) => "redirect_uri",
            Self::PostLogoutUri(_) => "post_logout_uri",
            Self::BackchannelLogoutUri(_) => "backchannel_logout_uri",
            Self::BackchannelLogoutPrivate(_) => "backchannel_logout_private",
            Self::BackchannelLogoutNowhere(_) => "backchannel_logout_nowhere",
            Self::Scope(_) => "scope",
            Self::Resource(_) => "resource",
            Self::OwnResource => "own_resource",
        }
    }
}
