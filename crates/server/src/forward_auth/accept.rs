//! `/.vestibule/accept` on a protected host: a ticket becomes a cookie there, once.

use axum::extract::{Query, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use identity::secret::Secret;
use serde::Deserialize;

use super::{Proxied, cookies, host, not_registered, style_path};
use crate::app::App;
use crate::error::PageError;
use crate::pages::View;
use crate::visit::Visit;

/// What the address carries.
#[derive(Deserialize)]
pub struct AcceptQuery {
    #[serde(default = "nothing")]
    ticket: Secret,
}

fn nothing() -> Secret {
    Secret::new("")
}

/// `GET /.vestibule/accept`
pub async fn arrive(
    State(app): State<App>,
    visit: Visit,
    proxied: Proxied,
    method: Method,
    Query(query): Query<AcceptQuery>,
) -> Result<Response, PageError> {
    if method == Method::HEAD {
        // Whoever only looks must not use the ticket up.
        return Err(PageError::MethodNotAllowed);
    }
    let Some(host) = host(&app, proxied) else { return Ok(not_registered(&app)) };
    let cookies = cookies(&host)?;
    // The browser got its mark at the start. Where it keeps none, a redirect would go in circles.
    let Some(browser) = cookies.browser(&visit.headers) else {
        let text = "Your browser did not send back the cookie that it was given on the way here. \
                    Allow cookies for this site, then sign in again.";
        return Ok(again(&app, "no_cookie", text));
    };
    let token = Secret::generate(app.entropy.as_ref());
    let (ticket, mark) = (query.ticket.digest(), browser.digest());
    let taken =
        app.store.take_host_ticket(&ticket, &host, &mark, &token.digest(), visit.now).await?;
    let Some(return_to) = taken else {
        let text = "This way in was used already, is older than a minute, or was made for another \
                    browser.";
        return Ok(again(&app, "ticket_refused", text));
    };
    let mut response = Redirect::to(&return_to).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookies.set_host_session(&token));
    Ok(response)
}

fn again(app: &App, code: &'static str, text: &str) -> Response {
    let view = View::message("That did not sign you in", text)
        .reason(code)
        .with("style", style_path(app))
        .way_on("/.vestibule/start", "Sign in again");
    app.pages.page(StatusCode::FORBIDDEN, &view)
}
