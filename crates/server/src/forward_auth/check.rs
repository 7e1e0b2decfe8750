//! `/forward-auth/{application}`: whether a request may go through, and whose it is.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::forward_auth::{
    Asked, Denial, LetIn, ProtectedHost, TOKEN_TYP, authority, return_target,
};
use identity::oauth::clients::SigningAlgorithm;
use serde::Deserialize;
use url::Position;
use url::form_urlencoded::Serializer;

use super::{Proxied, at_host};
use crate::app::App;
use crate::error::PageError;
use crate::oauth::signing::sign;
use crate::sessions::current::{AtDoor, SignedIn, at_door};
use crate::visit::{Door, Visit};

/// Where a person who waits for a page signs in; for proxies that make the redirect themselves.
const LOGIN: HeaderName = HeaderName::from_static("x-vestibule-login");

/// Why not: a stable code, for the operator who looks.
const REASON: HeaderName = HeaderName::from_static("x-vestibule-reason");

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
pub struct CheckQuery {
    #[serde(default)]
    on_denied: String,
}

/// Where the request goes that is asked about.
enum Place {
    /// To our own host, where our own cookie is, or nobody said where.
    Ours,
    /// To a protected one.
    Host(Arc<ProtectedHost>),
}

/// Any method, since some proxies ask by the method of the request that they ask about.
pub async fn answer(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Proxied(asked): Proxied,
    Query(query): Query<CheckQuery>,
) -> Result<Response, PageError> {
    let asked = match asked {
        Ok(asked) => asked,
        Err(odd) => return Ok(refused(StatusCode::FORBIDDEN, odd.code())),
    };
    let Some(place) = place(&app, &door, &asked) else {
        return Ok(refused(StatusCode::FORBIDDEN, "host_not_registered"));
    };
    let at = match &place {
        Place::Ours => at_door(&app, &door, &visit).await?,
        Place::Host(host) => at_host(&app, &door, &visit, host).await?,
    };
    let (denial, code) = match at {
        AtDoor::Enter(signed_in) => return let_in(&app, &door, &visit, &signed_in).await,
        AtDoor::Nobody => (Denial::SignIn, "no_session"),
        AtDoor::Turned(refusal) => (Denial::from(refusal), refusal.code()),
    };
    let login = login(&app, &door, &place, &asked);
    let login = login.filter(|_| denial != Denial::Forbidden && is_navigation(&asked, &visit));
    Ok(match login {
        Some(login) if query.on_denied == "redirect" => Redirect::to(&login).into_response(),
        login => denied(denial, code, login.as_deref()),
    })
}

/// A host that is registered for another application, or for none, is refused: a proxy that asks
/// the wrong question must not be told yes.
fn place(app: &App, door: &Application, asked: &Asked) -> Option<Place> {
    let Some(named) = &asked.authority else { return Some(Place::Ours) };
    if let Some(host) = app.directory.now().host(named) {
        return (host.application == door.key).then_some(Place::Host(host));
    }
    let own = &app.config.server.public_url[Position::BeforeHost..Position::AfterPort];
    (authority(own).as_ref() == Some(named)).then_some(Place::Ours)
}

fn is_navigation(asked: &Asked, visit: &Visit) -> bool {
    let text = |name: &str| visit.headers.get(name).and_then(|value| value.to_str().ok());
    asked.is_navigation(text("sec-fetch-mode"), text(header::ACCEPT.as_str()))
}

/// Where to sign in, and to come back from.
fn login(app: &App, door: &Application, place: &Place, asked: &Asked) -> Option<String> {
    let target = return_target(asked.target.as_deref().unwrap_or("/"));
    let query = Serializer::new(String::new()).append_pair("return_to", &target).finish();
    match place {
        Place::Host(host) => Some(format!("{}/.vestibule/start?{query}", host.origin)),
        Place::Ours => Some(app.url(&format!("/{}/login?{query}", door.key))),
    }
}

fn denied(denial: Denial, code: &'static str, login: Option<&str>) -> Response {
    let status = match denial {
        Denial::SignIn => StatusCode::UNAUTHORIZED,
        Denial::Again | Denial::Forbidden => StatusCode::FORBIDDEN,
    };
    let mut response = refused(status, code);
    if let Some(login) = login.and_then(|login| HeaderValue::from_str(login).ok()) {
        response.headers_mut().insert(LOGIN, login);
    }
    response
}

fn refused(status: StatusCode, code: &'static str) -> Response {
    (status, [(REASON, code)]).into_response()
}

async fn let_in(
    app: &App,
    door: &Application,
    visit: &Visit,
    signed_in: &SignedIn,
) -> Result<Response, PageError> {
    if let Some(headers) = app.hosts.answer(&door.key, signed_in, visit.now) {
        return Ok(headers.into_response());
    }
    let groups = app.store.list_groups_of(&signed_in.user.id).await?;
    let groups: Vec<String> = groups.into_iter().map(|group| group.name).collect();
    let who = LetIn {
        user: &signed_in.user,
        groups: &groups,
        session: &signed_in.session,
        application: &door.key,
    };
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: &str| {
        HeaderValue::from_str(value)
            .map(|value| headers.insert(HeaderName::from_static(name), value))
            .map_err(PageError::broken)
    };
    for (name, value) in who.headers() {
        set(name, &value)?;
    }
    // Switched off it is empty, not missing: a copied header overwrites what a visitor sent.
    let token = match app.config.forward_auth.token {
        false => String::new(),
        true => {
            let claims = who.claims(&app.issuer(), visit.now);
            let signed = sign(app, SigningAlgorithm::Es256, TOKEN_TYP, &claims).await;
            signed.map_err(PageError::broken)?
        }
    };
    set("x-vestibule-token", &token)?;
    app.hosts.keep(&door.key, signed_in, &headers, visit.now);
    Ok(headers.into_response())
}
