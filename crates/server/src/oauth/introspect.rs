//! `POST /oauth/introspect`: whether a token holds, for those whom it is for (RFC 7662).

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use identity::oauth::clients::{Client, ClientKind};
use identity::oauth::error::OAuthError;
use identity::oauth::refresh::{Refresh, refresh};
use identity::oauth::resources::is_meant;
use identity::oauth::tokens::AccessToken;
use serde_json::{Value, json};

use super::access_token::verified;
use super::answer::{Failure, good};
use super::client_auth::authenticate;
use super::form::read_form;
use super::grants::{holding, is_on};
use crate::app::App;
use crate::visit::Visit;

/// `POST /oauth/introspect`. Whoever may not know is told what they would be told about a made-up
/// token: that it is not active (RFC 7662 section 2.2).
pub async fn answer(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = read_form(&headers, &body)?;
    form.check_repetition()?;
    let client = authenticate(&app, &visit, &headers, &form).await?;
    if client.kind != ClientKind::Confidential {
        let text = "only a confidential client may ask about tokens";
        return Err(Failure::new(OAuthError::UnauthorizedClient, text));
    }
    let token = form.needed("token")?;
    let said = match verified(&app, &visit, token) {
        Some(access) => about_access(&app, &visit, &client, access).await?,
        None => about_refresh(&app, &visit, &client, token).await?,
    };
    Ok(good(said.unwrap_or_else(|| json!({ "active": false }))))
}

/// A token is told about to the client that got it and to the resource servers that it is for
/// (RFC 9700 section 2.3).
async fn about_access(
    app: &App,
    visit: &Visit,
    client: &Client,
    token: AccessToken,
) -> Result<Option<Value>, Failure> {
    let may_know = token.client == client.id || is_meant(client, &token, &app.issuer());
    if !may_know || !is_on(app, &token.client) {
        return Ok(None);
    }
    let username = match &token.grant {
        None => None,
        Some(grant) => match holding(app, visit, grant).await? {
            None => return Ok(None),
            Some(held) => Some(held.found.user.email.as_typed().to_owned()),
        },
    };
    let sees_email = token.scopes.contains("email");
    let kind = if token.dpop_jkt.is_some() { "DPoP" } else { "Bearer" };
    let mut said = token.claims;
    said.insert("active".to_owned(), true.into());
    said.insert("token_type".to_owned(), kind.into());
    if let Some(username) = username.filter(|_| sees_email) {
        said.insert("username".to_owned(), username.into());
    }
    Ok(Some(Value::Object(said)))
}

/// A refresh token is nobody's business but its client's.
async fn about_refresh(
    app: &App,
    visit: &Visit,
    client: &Client,
    token: &str,
) -> Result<Option<Value>, Failure> {
    let Some(presented) = app.refresh_key.read(token) else { return Ok(None) };
    // Not from memory: which of a family's tokens is the newest changes with every use.
    let found = app.store.find_grant(&presented.grant).await?;
    let Some(found) = found.filter(|found| found.grant.client == client.id) else {
        return Ok(None);
    };
    let works = matches!(
        refresh(&found.grant, presented.generation, visit.now),
        Refresh::Rotate | Refresh::Again
    );
    if !works || !found.holds(visit.now) {
        return Ok(None);
    }
    let mut said = json!({
        "active": true,
        "token_type": "refresh_token",
        "client_id": client.id.as_str(),
        "sub": found.user.public_id.as_str(),
        "scope": found.grant.scopes.to_string(),
        "iss": app.issuer(),
    });
    if let Some(jkt) = &found.grant.dpop_jkt {
        said["cnf"] = json!({ "jkt": jkt });
    }
    Ok(Some(said))
}
