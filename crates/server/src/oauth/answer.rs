//! What clients are answered: JSON that nobody keeps (RFC 6749 sections 5.1 and 5.2).

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use identity::oauth::error::{OAuthError, OAuthFault};
use identity::oauth::metadata::CLIENT_ALGORITHMS;
use serde_json::{Value, json};

use super::signing::SigningError;
use crate::error::PageError;

/// A fault on its way to a client. Handlers of machine endpoints fail with it.
#[derive(Debug)]
pub struct Failure {
    /// What the client hears.
    pub fault: OAuthFault,
    /// HTTP status; the error's own, unless there is one that says more.
    pub status: StatusCode,
    /// Seconds after which it may come again, where it is we who cannot answer now.
    pub retry_after: Option<u64>,
}

/// Seconds after which a database that was busy is asked again.
const SOON: u64 = 2;

impl Failure {
    /// With an error and a sentence that says what to do.
    pub fn new(error: OAuthError, description: &str) -> Self {
        OAuthFault::new(error, description).into()
    }

    /// Too early: come again in so many minutes.
    pub fn wait(minutes: u64, description: String) -> Self {
        let fault = OAuthFault::new(OAuthError::TemporarilyUnavailable, description);
        Self { retry_after: Some(minutes * 60), ..fault.into() }
    }

    /// Too much from one network (RFC 6585 section 4, RFC 9126 section 2.3).
    pub fn too_many(wait: Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(1);
        let text = format!("too much was asked for from this network; try again in {seconds} s");
        let fault = OAuthFault::new(OAuthError::TemporarilyUnavailable, text);
        Self { status: StatusCode::TOO_MANY_REQUESTS, retry_after: Some(seconds), ..fault.into() }
    }

    fn soon() -> Self {
        let fault = OAuthFault::new(OAuthError::TemporarilyUnavailable, "try again in a moment");
        Self { retry_after: Some(SOON), ..fault.into() }
    }
}

impl From<OAuthFault> for Failure {
    fn from(fault: OAuthFault) -> Self {
        let status = StatusCode::from_u16(fault.error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self { fault, status, retry_after: None }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        PageError::from(error).into()
    }
}

impl From<SigningError> for Failure {
    fn from(error: SigningError) -> Self {
        match error {
            SigningError::Store(error) => error.into(),
            error => PageError::broken(error).into(),
        }
    }
}

/// What is wrong before a client is heard, or with us, in the words of RFC 6749 section 5.2.
impl From<PageError> for Failure {
    fn from(error: PageError) -> Self {
        let status = error.status();
        let (error, text) = match error {
            PageError::Busy => return Self::soon(),
            PageError::Broken => {
                (OAuthError::ServerError, "our own fault; the log has this request's id")
            }
            PageError::MethodNotAllowed => (
                OAuthError::InvalidRequest,
                "this address takes no such method; the header Allow says which it takes",
            ),
            PageError::TooLarge => {
                (OAuthError::InvalidRequest, "the request is too long; send less than 64 KiB")
            }
            PageError::NotFound | PageError::BadForm => {
                (OAuthError::InvalidRequest, "the request cannot be read; see /openapi.json")
            }
        };
        Self { status, ..Self::new(error, text) }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { fault, status, retry_after } = self;
        let mut response = told(status, &fault);
        if fault.error == OAuthError::InvalidClient {
            let challenge = HeaderValue::from_static("Basic realm=\"vestibule\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A fault as every client reads it (RFC 6749 section 5.2).
fn told(status: StatusCode, fault: &OAuthFault) -> Response {
    let body = json!({ "error": fault.error.code(), "error_description": fault.description });
    (status, Json(body)).into_response()
}

/// How an access token came (RFC 6750 section 2.1, RFC 9449 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Whoever has it may use it.
    Bearer,
    /// With a proof of the key that it is bound to.
    Dpop,
}

impl Scheme {
    /// What stands in `WWW-Authenticate`, before any error.
    fn challenge(self) -> String {
        match self {
            Self::Bearer => "Bearer realm=\"vestibule\"".to_owned(),
            Self::Dpop => {
                format!("DPoP realm=\"vestibule\", algs=\"{}\"", CLIENT_ALGORITHMS.join(" "))
            }
        }
    }
}

/// A fault at an endpoint that takes access tokens (RFC 6750 section 3, RFC 9449 section 7.1):
/// what it says stands in the header too.
pub fn token_failure(scheme: Scheme, fault: &OAuthFault) -> Response {
    let status = match fault.error {
        OAuthError::InvalidDpopProof => StatusCode::UNAUTHORIZED,
        error => StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNAUTHORIZED),
    };
    let mut response = told(status, fault);
    let said = format!(
        "{}, error=\"{}\", error_description=\"{}\"",
        scheme.challenge(),
        fault.error.code(),
        fault.description
    );
    challenge(&mut response, &said);
    response
}

/// No token at all: the challenges say nothing but how to send one (RFC 6750 section 3.1).
pub fn token_wanted() -> Response {
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    for scheme in [Scheme::Bearer, Scheme::Dpop] {
        challenge(&mut response, &scheme.challenge());
    }
    // An empty answer of this status is no page that was forgotten.
    response.extensions_mut().remove::<Arc<PageError>>();
    response
}

fn challenge(response: &mut Response, said: &str) {
    if let Ok(value) = HeaderValue::from_str(said) {
        response.headers_mut().append(header::WWW_AUTHENTICATE, value);
    }
}

/// A good answer. `no-store` is what every answer without a rule of its own has.
pub fn good(body: Value) -> Response {
    Json(body).into_response()
}
