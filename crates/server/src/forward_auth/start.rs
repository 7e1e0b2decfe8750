//! From a protected host to the login, and with a ticket back to it.

use axum::extract::{Query, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use identity::forward_auth::return_target;
use identity::secret::{Digest, Secret};
use identity::sessions::AdmitRefusal;
use serde::Deserialize;
use store::NewTicket;
use url::form_urlencoded::Serializer;

use super::{Proxied, cookies, host, not_registered};
use crate::app::App;
use crate::error::PageError;
use crate::pages::View;
use crate::sessions::current::{AtDoor, at_door};
use crate::visit::{Door, Visit};

/// What the address on the protected host may carry.
#[derive(Debug, Default, Deserialize)]
pub struct StartQuery {
    #[serde(default)]
    return_to: String,
}

/// What the address on our own host carries.
#[derive(Debug, Default, Deserialize)]
pub struct EnterQuery {
    #[serde(default)]
    host: String,
    #[serde(default)]
    browser: String,
    #[serde(default)]
    return_to: String,
}

/// `GET /.vestibule/start` on a protected host: marks the browser there, and sends it to us.
pub async fn start(
    State(app): State<App>,
    visit: Visit,
    proxied: Proxied,
    Query(query): Query<StartQuery>,
) -> Result<Response, PageError> {
    let Some(host) = host(&app, proxied) else { return Ok(not_registered(&app)) };
    let cookies = cookies(&host)?;
    let known = cookies.browser(&visit.headers);
    let is_new = known.is_none();
    let browser = known.unwrap_or_else(|| Secret::generate(app.entropy.as_ref()));
    let mark = browser.digest();
    let target = return_target(&query.return_to);
    let enter = enter_path(host.application.as_str(), host.authority(), mark.as_str(), &target);
    let mut response = Redirect::to(&app.url(&enter)).into_response();
    if is_new {
        response.headers_mut().append(header::SET_COOKIE, cookies.set_browser(&browser));
    }
    Ok(response)
}

fn enter_path(application: &str, host: &str, browser: &str, return_to: &str) -> String {
    let query = Serializer::new(String::new())
        .append_pair("host", host)
        .append_pair("browser", browser)
        .append_pair("return_to", return_to)
        .finish();
    format!("/forward-auth/{application}/enter?{query}")
}

/// `GET /forward-auth/{application}/enter` on our own host, where our cookie is: through the
/// login if need be, and back with a ticket.
///
/// Everything in the address may have been made up. The ticket goes to a registered host and to
/// nobody else, and only the browser that the mark belongs to can redeem it there, so whoever sends
/// somebody here signs nobody in and learns nothing.
pub async fn enter(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    method: Method,
    Query(query): Query<EnterQuery>,
) -> Result<Response, PageError> {
    if method == Method::HEAD {
        // Whoever only looks gets no ticket.
        return Err(PageError::MethodNotAllowed);
    }
    let registered = app.directory.now().host(&query.host);
    let Some(host) = registered.filter(|host| host.application == door.key) else {
        return Ok(not_registered(&app));
    };
    let return_to = return_target(&query.return_to);
    if query.browser.len() != 43 {
        let again = Serializer::new(String::new()).append_pair("return_to", &return_to).finish();
        let text = "The address that led here is not complete. Begin again.";
        let view = View::message("This sign-in cannot begin", text)
            .reason("incomplete")
            .way_on(format!("{}/.vestibule/start?{again}", host.origin), "Sign in");
        return Ok(app.pages.page(StatusCode::BAD_REQUEST, &view));
    }
    let signed_in = match at_door(&app, &door, &visit).await? {
        AtDoor::Enter(signed_in) => signed_in,
        turned @ (AtDoor::Turned(_) | AtDoor::Nobody) => {
            let back = enter_path(door.key.as_str(), &query.host, &query.browser, &return_to);
            let query = Serializer::new(String::new()).append_pair("return_to", &back).finish();
            let mut response =
                Redirect::to(&format!("/{}/login?{query}", door.key)).into_response();
            if matches!(turned, AtDoor::Turned(AdmitRefusal::SessionEnded)) {
                // Most likely signed out on the host, where our cookies cannot be told.
                let cookie = app.cookies.set_left(door.user_type);
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            return Ok(response);
        }
    };
    let ticket = Secret::generate(app.entropy.as_ref());
    let new = NewTicket {
        ticket: ticket.digest(),
        host: host.as_ref().clone(),
        browser: Digest::from_stored(query.browser),
        session: signed_in.session.id.clone(),
        return_to,
    };
    app.store.add_host_ticket(&new, visit.now).await?;
    let location = format!("{}/.vestibule/accept?ticket={}", host.origin, ticket.expose());
    Ok(Redirect::to(&location).into_response())
}
