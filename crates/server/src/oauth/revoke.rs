//! `POST /oauth/revoke`: a client gives back what it got (RFC 7009).

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use identity::oauth::error::OAuthError;
use identity::oauth::tokens::AccessToken;
use store::{By, RevokeReason};

use super::access_token::verified;
use super::answer::Failure;
use super::client_auth::authenticate;
use super::form::read_form;
use super::grants::holding;
use crate::app::App;
use crate::visit::Visit;

/// `POST /oauth/revoke`. A refresh token takes its family with it, and an access token its grant:
/// a signature cannot be taken back, but what it stands for can (RFC 7009 section 2.1). A token
/// that we do not know, or that is another's, is answered like one that was revoked (section 2.2).
pub async fn answer(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = read_form(&headers, &body)?;
    form.check_repetition()?;
    let client = authenticate(&app, &visit, &headers, &form).await?;
    let token = form.needed("token")?;
    let grant = match verified(&app, &visit, token) {
        Some(access) if access.grant.is_none() => {
            let text = "a client's own access token cannot be revoked; it ends within ten minutes";
            return Err(Failure::new(OAuthError::UnsupportedTokenType, text));
        }
        Some(access) if access.client == client.id && is_another(&app, &visit, &access).await? => {
            let text = "an access token that was given in exchange cannot be revoked; it ends \
                        within ten minutes, or with the sign-in that it came of";
            return Err(Failure::new(OAuthError::UnsupportedTokenType, text));
        }
        Some(access) => access.grant,
        None => app.refresh_key.read(token).map(|presented| presented.grant),
    };
    if let Some(grant) = grant {
        let (by, reason) = (By::visitor(visit.note()), RevokeReason::GivenBack);
        if app.store.revoke_grant(&grant, &client.id, reason, &by, visit.now).await? {
            app.grants.forget(&grant);
        }
    }
    Ok(StatusCode::OK.into_response())
}

/// Whether the grant behind a token holds and is another client's: it came of an exchange, and
/// ending the grant would take from that client what it never gave away.
async fn is_another(app: &App, visit: &Visit, token: &AccessToken) -> Result<bool, store::Error> {
    let Some(grant) = &token.grant else { return Ok(false) };
    let held = holding(app, visit, grant).await?;
    Ok(held.is_some_and(|held| held.found.grant.client != token.client))
}
