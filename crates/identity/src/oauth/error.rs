//! The errors of OAuth 2.0 and OpenID Connect, by their registered codes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest description, in characters; it travels in addresses and headers.
const MAX_DESCRIPTION: usize = 500;

/// What a client is told in `error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OAuthError {
    /// Something is missing, repeated or malformed (RFC 6749 sections 4.1.2.1 and 5.2).
    InvalidRequest,
    /// The client did not show who it is (RFC 6749 section 5.2).
    InvalidClient,
    /// The code, refresh token or subject does not hold (RFC 6749 section 5.2).
    InvalidGrant,
    /// The client may not do this (RFC 6749 sections 4.1.2.1 and 5.2).
    UnauthorizedClient,
    /// There is no such grant here (RFC 6749 section 5.2).
    UnsupportedGrantType,
    /// More, or something else, than may be asked for (RFC 6749 sections 4.1.2.1 and 5.2).
    InvalidScope,
    /// No such resource server for this client (RFC 8707 section 2).
    InvalidTarget,
    /// The person, or we for them, said no (RFC 6749 section 4.1.2.1).
    AccessDenied,
    /// Nobody is signed in, and nothing may be shown (OpenID Connect Core 3.1.2.6).
    LoginRequired,
    /// The access token does not hold (RFC 6750 section 3.1).
    InvalidToken,
    /// The access token is not for this (RFC 6750 section 3.1).
    InsufficientScope,
    /// Only `code` is answered (RFC 6749 section 4.1.2.1).
    UnsupportedResponseType,
    /// Request objects are not read (OpenID Connect Core 3.1.2.6).
    RequestNotSupported,
    /// Request objects are not fetched (OpenID Connect Core 3.1.2.6).
    RequestUriNotSupported,
    /// Nobody registers clients in a request (OpenID Connect Core 3.1.2.6).
    RegistrationNotSupported,
    /// The proof of possession does not hold (RFC 9449 section 5).
    InvalidDpopProof,
    /// Our own fault (RFC 6749 section 4.1.2.1).
    ServerError,
    /// Later, perhaps (RFC 6749 section 4.1.2.1).
    TemporarilyUnavailable,
    /// Tokens of this type cannot be revoked (RFC 7009 section 2.2.1).
    UnsupportedTokenType,
}

impl OAuthError {
    /// Every error.
    pub const ALL: [Self; 19] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::InvalidScope,
        Self::InvalidTarget,
        Self::AccessDenied,
        Self::LoginRequired,
        Self::InvalidToken,
        Self::InsufficientScope,
        Self::UnsupportedResponseType,
        Self::RequestNotSupported,
        Self::RequestUriNotSupported,
        Self::RegistrationNotSupported,
        Self::InvalidDpopProof,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::UnsupportedTokenType,
    ];

    /// The registered code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnsupportedTokenType => "unsupported_token_type",
        }
    }

    /// The HTTP status where the error is answered directly and not by a redirect
    /// (RFC 6749 section 5.2, RFC 6750 section 3.1).
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::AccessDenied | Self::InsufficientScope => 403,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An error with a sentence for the developer of the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct OAuthFault {
    /// `error`.
    pub error: OAuthError,
    /// `error_description`: what to do; never a token, code or secret (statement 85).
    pub description: String,
}

impl OAuthFault {
    /// With a sentence that says what to do. RFC 6749 section 5.2 allows neither quotation marks
    /// nor backslashes, nor anything outside printable ASCII, because the sentence goes into
    /// addresses and `WWW-Authenticate`; what is not allowed is replaced.
    pub fn new(error: OAuthError, description: impl AsRef<str>) -> Self {
        let allowed = |letter: char| match letter {
            '"' | '\\' => '\'',
            ' '..='~' => letter,
            _ => '?',
        };
        let description = description.as_ref().chars().take(MAX_DESCRIPTION).map(allowed);
        Self { error, description: description.collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_error_has_a_code_of_its_own_which_is_its_name_in_data() {
        let codes: BTreeSet<_> = OAuthError::ALL.iter().map(|error| error.code()).collect();
        assert_eq!(codes.len(), OAuthError::ALL.len());
        for error in OAuthError::ALL {
            assert_eq!(serde_json::to_value(error).unwrap(), error.code());
        }
    }

    /// RFC 6749 section 5.2, RFC 6750 section 3.1, RFC 7009 section 2.2.1, RFC 9449 section 5.
    #[test]
    fn every_error_has_its_registered_code_and_its_http_status() {
        let expected = [
            ("invalid_request", 400),
            ("invalid_client", 401),
            ("invalid_grant", 400),
            ("unauthorized_client", 400),
            ("unsupported_grant_type", 400),
            ("invalid_scope", 400),
            ("invalid_target", 400),
            ("access_denied", 403),
            ("login_required", 400),
            ("invalid_token", 401),
            ("insufficient_scope", 403),
            ("unsupported_response_type", 400),
            ("request_not_supported", 400),
            ("request_uri_not_supported", 400),
            ("registration_not_supported", 400),
            ("invalid_dpop_proof", 400),
            ("server_error", 500),
            ("temporarily_unavailable", 503),
            ("unsupported_token_type", 400),
        ];
        assert_eq!(OAuthError::ALL.map(|error| (error.code(), error.status())), expected);
    }

    #[test]
    fn a_description_holds_nothing_that_breaks_a_header_or_an_address() {
        let fault = OAuthFault::new(OAuthError::InvalidRequest, "say \"a\\b\"\r\nX: ü");
        assert_eq!(fault.description, "say 'a'b'??X: ?");
        let long = OAuthFault::new(OAuthError::InvalidRequest, "a".repeat(10_000));
        assert_eq!(long.description.len(), MAX_DESCRIPTION);
    }
}
