//! OAuth clients: the programs of an application that sign people in through us.

use serde::{Deserialize, Serialize};

use crate::applications::ApplicationKey;
use crate::ids::ClientId;
use crate::return_to::Origin;
use crate::time::Moment;
use crate::users::words;

/// Whether a client can keep a secret (RFC 6749 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// A server: it proves who it is.
    Confidential,
    /// A browser or a device: it cannot, and PKCE stands in.
    Public,
}

impl ClientKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Confidential, Self::Public];

    /// The word for it in data and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Public => "public",
        }
    }
}

/// How a client proves who it is at the token endpoint (OpenID Connect Core 9). A client uses
/// exactly the one that it is registered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// Secret in the `Authorization` header.
    ClientSecretBasic,
    /// Secret in the form.
    ClientSecretPost,
    /// A JWT signed with the client's own key (RFC 7523).
    PrivateKeyJwt,
    /// Nothing: public clients.
    None,
}

impl ClientAuthMethod {
    /// Every method.
    pub const ALL: [Self; 4] =
        [Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt, Self::None];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }
}

/// What a client may bring to the token endpoint. There is no implicit and no password grant
/// (RFC 9700 sections 2.1.2 and 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A code of the authorization endpoint (RFC 6749 section 4.1).
    AuthorizationCode,
    /// A refresh token (RFC 6749 section 6).
    RefreshToken,
    /// The client for itself (RFC 6749 section 4.4).
    ClientCredentials,
    /// Another token (RFC 8693).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

impl GrantType {
    /// Every grant type.
    pub const ALL: [Self; 4] =
        [Self::AuthorizationCode, Self::RefreshToken, Self::ClientCredentials, Self::TokenExchange];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }
}

/// What an ID token is signed with (RFC 7518 section 3.1, RFC 8037). RS256 is what every client
/// understands (OpenID Connect Core 15.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl SigningAlgorithm {
    /// Every algorithm that we sign with.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}
words!(ClientKind, ClientAuthMethod, GrantType, SigningAlgorithm);

/// A client as it is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Client {
    /// `client_id`.
    pub id: ClientId,
    /// The application whose people it signs in, by whose login page and policy.
    pub application: ApplicationKey,
    /// What people read.
    pub name: String,
    /// Whether it can keep a secret.
    pub kind: ClientKind,
    /// How it proves who it is.
    pub authentication: ClientAuthMethod,
    /// Where codes may go; compared as exact strings.
    pub redirect_uris: Vec<String>,
    /// Where a browser may go after a logout; compared as exact strings.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where it wants to hear of logouts (OpenID Connect Back-Channel Logout 1.0).
    pub backchannel_logout_uri: Option<String>,
    /// Whether logout tokens name the session; otherwise the person alone, and all of their
    /// sessions at the client are over.
    pub backchannel_logout_session_required: bool,
    /// Whether the back-channel logout URI may lead to a private address.
    pub backchannel_logout_private: bool,
    /// Pages that may ask the token and userinfo endpoints from a browser (CORS).
    pub cors_origins: Vec<Origin>,
    /// What it may bring to the token endpoint.
    pub grant_types: Vec<GrantType>,
    /// What it may ask for at most.
    pub scopes: Vec<String>,
    /// Resource servers that its access tokens may be for (RFC 8707), as absolute URIs.
    pub resources: Vec<String>,
    /// What its ID tokens are signed with.
    pub id_token_algorithm: SigningAlgorithm,
    /// Whether a code needs PKCE. Only a confidential client may have this off.
    pub require_pkce: bool,
    /// Whether an authorization request needs a `nonce`. Only a confidential client may have this
    /// off.
    pub require_nonce: bool,
    /// Whether authorization requests must be pushed (RFC 9126).
    pub require_par: bool,
    /// Whether its tokens must be bound to a key (`dpop_bound_access_tokens`, RFC 9449
    /// section 5.2).
    pub require_dpop: bool,
    /// Its own public keys as a JWK Set, for `private_key_jwt`.
    pub jwks: Option<serde_json::Value>,
    /// Whether it is switched off.
    pub disabled: bool,
    /// When it was registered.
    pub created_at: Moment,
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};
    use std::str::FromStr;

    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    /// One word in data, in requests and in commands, for each and nothing else.
    fn check_words<T>(all: &[T], words: &[(T, &str)])
    where
        T: Copy + Debug + Display + FromStr + PartialEq + Serialize + DeserializeOwned,
    {
        assert_eq!(all, words.iter().map(|(one, _)| *one).collect::<Vec<_>>());
        for (one, word) in words {
            assert_eq!(one.to_string(), *word);
            assert_eq!(word.parse().ok(), Some(*one), "{word}");
            assert_eq!(serde_json::to_value(one).unwrap(), json!(word));
            assert_eq!(serde_json::from_value::<T>(json!(word)).unwrap(), *one, "{word}");
        }
        assert!("".parse::<T>().is_err());
    }

    /// Stored clients and deployed scripts have these words, and most are registered names (RFC
    /// 6749, RFC 7518, RFC 8693, OpenID Connect Core 9).
    #[test]
    fn every_word_about_a_client_is_spelled_as_registered() {
        check_words(
            &ClientKind::ALL,
            &[(ClientKind::Confidential, "confidential"), (ClientKind::Public, "public")],
        );
        check_words(
            &ClientAuthMethod::ALL,
            &[
                (ClientAuthMethod::ClientSecretBasic, "client_secret_basic"),
                (ClientAuthMethod::ClientSecretPost, "client_secret_post"),
                (ClientAuthMethod::PrivateKeyJwt, "private_key_jwt"),
                (ClientAuthMethod::None, "none"),
            ],
        );
        check_words(
            &GrantType::ALL,
            &[
                (GrantType::AuthorizationCode, "authorization_code"),
                (GrantType::RefreshToken, "refresh_token"),
                (GrantType::ClientCredentials, "client_credentials"),
                (GrantType::TokenExchange, "urn:ietf:params:oauth:grant-type:token-exchange"),
            ],
        );
        check_words(
            &SigningAlgorithm::ALL,
            &[
                (SigningAlgorithm::Rs256, "RS256"),
                (SigningAlgorithm::Es256, "ES256"),
                (SigningAlgorithm::EdDsa, "EdDSA"),
            ],
        );
    }
}
