//! Reads what clients and browsers send, once and without guessing.

use axum::http::{HeaderMap, header};
use identity::oauth::error::{OAuthError, OAuthFault};
use identity::oauth::parameters::Parameters;
use url::form_urlencoded;

/// A form in a body (RFC 6749 section 4.1.3): no other content type is read.
pub fn read_form(headers: &HeaderMap, body: &[u8]) -> Result<Parameters, OAuthFault> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let text = "send the parameters as application/x-www-form-urlencoded";
        return Err(OAuthFault::new(OAuthError::InvalidRequest, text));
    }
    read_pairs(body)
}

/// The same encoding in a query.
pub fn read_pairs(encoded: &[u8]) -> Result<Parameters, OAuthFault> {
    let pairs: Vec<_> = form_urlencoded::parse(encoded).collect();
    Parameters::read(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())))
}
