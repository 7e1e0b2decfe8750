//! `/oauth/userinfo`: what a token may see of its person, as they are now (OpenID Connect Core
//! 5.3).

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use identity::oauth::clients::SigningAlgorithm;
use identity::oauth::error::{OAuthError, OAuthFault};
use identity::oauth::own_tokens::Expected;
use identity::oauth::scopes::OPENID;
use identity::oauth::tokens::{ACCESS_TYP, AccessToken, Subject, userinfo};
use serde_json::Value;

use super::answer::{bearer_failure, good, token_wanted};
use super::grants::holding;
use crate::app::App;
use crate::error::PageError;
use crate::visit::Visit;

/// `GET` and `POST /oauth/userinfo`
pub async fn answer(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let Some(token) = bearer(&headers) else { return Ok(token_wanted()) };
    let invalid = |text: &str| bearer_failure(&OAuthFault::new(OAuthError::InvalidToken, text));
    let Some(token) = read(&app, &visit, token) else {
        return Ok(invalid("this is no access token of this house, or it has expired"));
    };
    if !token.audience.contains(&app.issuer()) || !token.scopes.contains(OPENID) {
        let text = "this access token was not asked for with the scope openid";
        return Ok(bearer_failure(&OAuthFault::new(OAuthError::InsufficientScope, text)));
    }
    let held = match &token.grant {
        Some(grant) => holding(&app, &visit, grant).await?,
        None => None,
    };
    let Some(held) = held else {
        return Ok(invalid("the sign-in behind this access token has ended"));
    };
    let subject = Subject { user: &held.found.user, groups: &held.groups };
    Ok(good(Value::Object(userinfo(subject, &token.scopes))))
}

/// The token of the `Authorization` header (RFC 6750 section 2.1), which is the only place: in an
/// address it would be logged, and in a form it would be a form.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// An access token that we signed and that has not expired, from memory.
pub fn read(app: &App, visit: &Visit, token: &str) -> Option<AccessToken> {
    let expected = Expected {
        typ: ACCESS_TYP,
        algorithms: &[SigningAlgorithm::Es256],
        issuer: &app.issuer(),
        now: visit.now,
    };
    app.signer.verify(token, &expected).ok().and_then(AccessToken::read)
}
