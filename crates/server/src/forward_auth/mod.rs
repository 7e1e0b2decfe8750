//! The check that a reverse proxy asks before it lets a request through, and the way to sign in on
//! hosts that our cookie never reaches.

pub mod accept;
pub mod cache;
pub mod check;
pub mod logout;
pub mod start;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use identity::applications::Application;
use identity::forward_auth::{Asked, Odd, ProtectedHost, Told};
use url::Url;

use crate::app::App;
use crate::cookies::Cookies;
use crate::error::PageError;
use crate::pages::View;
use crate::sessions::current::{AtDoor, at_door_with};
use crate::visit::{Visit, is_trusted, peer};

/// What a trusted proxy says of the request that it passes on or asks about; nothing of a peer
/// that is none.
pub struct Proxied(pub Result<Asked, Odd>);

impl FromRequestParts<App> for Proxied {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        if !is_trusted(app, peer(parts)) {
            return Ok(Self(Ok(Asked::default())));
        }
        Ok(Self(told(&parts.headers).and_then(Asked::read)))
    }
}

fn told(headers: &HeaderMap) -> Result<Told<'_>, Odd> {
    Ok(Told {
        forwarded_host: once(headers, "x-forwarded-host")?,
        forwarded_uri: once(headers, "x-forwarded-uri")?,
        forwarded_method: once(headers, "x-forwarded-method")?,
        original_url: once(headers, "x-original-url")?,
        original_method: once(headers, "x-original-method")?,
    })
}

/// The header's value; a second one came from somebody else than the proxy.
fn once<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Odd> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Odd::Path),
        (Some(_), Some(_)) => Err(Odd::Contradiction),
    }
}

/// The protected host that a request under `/.vestibule/` came in by.
fn host(app: &App, Proxied(asked): Proxied) -> Option<Arc<ProtectedHost>> {
    let authority = asked.ok()?.authority?;
    app.directory.now().host(&authority)
}

/// The page for a host that nobody registered.
fn not_registered(app: &App) -> Response {
    let text = "No application is registered for this host. Its operator has to add it (vestibule \
                hosts add), and to list the address of the reverse proxy under \
                server.trusted_proxies.";
    let view = View::message("This host is not registered", text).reason("host_not_registered");
    app.pages.page(StatusCode::BAD_REQUEST, &view)
}

/// Names of our cookies at a protected host.
fn cookies(host: &ProtectedHost) -> Result<Cookies, PageError> {
    let url = Url::parse(host.origin.as_str()).map_err(PageError::broken)?;
    Ok(Cookies::of(&url))
}

/// The style sheet as a page on a protected host can reach it.
fn style_path(app: &App) -> String {
    format!("/.vestibule{}", app.pages.style_path())
}

/// Looks at the session that this browser has at a protected host. Its cookie holds at this host
/// and for this application only, wherever it was carried.
async fn at_host(
    app: &App,
    door: &Application,
    visit: &Visit,
    host: &ProtectedHost,
) -> Result<AtDoor, PageError> {
    let Some(token) = cookies(host)?.host_session(&visit.headers) else {
        return Ok(AtDoor::Nobody);
    };
    match app.hosts.session(&app.store, &token.digest()).await? {
        Some(found) if found.host == *host => {
            at_door_with(app, door, visit, found.session.clone()).await
        }
        _ => Ok(AtDoor::Nobody),
    }
}
