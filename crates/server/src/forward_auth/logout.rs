//! `/.vestibule/logout` on a protected host: out there, here, and wherever else the session opened.

use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use identity::forward_auth::ProtectedHost;
use identity::secret::Secret;
use serde::Deserialize;
use store::{By, EndReason};

use super::{Proxied, at_host, cookies, host, not_registered, style_path};
use crate::app::App;
use crate::cookies::Cookies;
use crate::error::PageError;
use crate::pages::{Notice, View};
use crate::sessions::current::AtDoor;
use crate::visit::Visit;

/// The form.
#[derive(Deserialize)]
pub struct LogoutForm {
    #[serde(default)]
    csrf: String,
}

/// `GET /.vestibule/logout`: asks first, since a link on another site can lead here.
pub async fn ask(
    State(app): State<App>,
    visit: Visit,
    proxied: Proxied,
) -> Result<Response, PageError> {
    let Some(host) = host(&app, proxied) else { return Ok(not_registered(&app)) };
    let cookies = cookies(&host)?;
    Ok(page(&app, &host, &cookies, &visit, StatusCode::OK, None))
}

/// `POST /.vestibule/logout`
pub async fn leave(
    State(app): State<App>,
    visit: Visit,
    proxied: Proxied,
    Form(form): Form<LogoutForm>,
) -> Result<Response, PageError> {
    let Some(host) = host(&app, proxied) else { return Ok(not_registered(&app)) };
    let cookies = cookies(&host)?;
    let Some(browser) = cookies.browser(&visit.headers) else {
        // A form on another site comes without it; an answer that set one would take the real one
        // away. The page that follows is loaded with it.
        return Ok(Redirect::to("/.vestibule/logout").into_response());
    };
    if !app.forms.allows(&visit.headers, Some(&browser), &form.csrf) {
        let notice = Notice::Problem("Please press the button once more.".into());
        return Ok(page(&app, &host, &cookies, &visit, StatusCode::FORBIDDEN, Some(notice)));
    }
    end(&app, &visit, &host).await?;
    let view = View::message("You are signed out", "You can close this page.")
        .reason("signed_out")
        .with("style", style_path(&app))
        .way_on("/", format!("Go to {}", host.authority()));
    let mut response = app.pages.page(StatusCode::OK, &view);
    response.headers_mut().append(header::SET_COOKIE, cookies.clear_host_session());
    Ok(response)
}

async fn end(app: &App, visit: &Visit, host: &ProtectedHost) -> Result<(), PageError> {
    let Some(door) = app.directory.now().application(host.application.as_str()) else {
        return Ok(());
    };
    // A session that does not open this door is not ended from here.
    let AtDoor::Enter(signed_in) = at_host(app, &door, visit, host).await? else { return Ok(()) };
    let id = &signed_in.session.id;
    let by = By::user(signed_in.user.id.clone(), visit.note());
    app.store.end_session(id, EndReason::SignedOut, &by, visit.now).await?;
    app.forget_session(id);
    Ok(())
}

fn page(
    app: &App,
    host: &ProtectedHost,
    cookies: &Cookies,
    visit: &Visit,
    status: StatusCode,
    notice: Option<Notice>,
) -> Response {
    let known = cookies.browser(&visit.headers);
    let is_new = known.is_none();
    let browser = known.unwrap_or_else(|| Secret::generate(app.entropy.as_ref()));
    let view = View::new("host_logout.html", "Sign out?")
        .with("style", style_path(app))
        .with("host", host.authority())
        .with("csrf", app.forms.token(&browser))
        .notice(notice);
    let mut response = app.pages.page(status, &view);
    if is_new {
        response.headers_mut().append(header::SET_COOKIE, cookies.set_browser(&browser));
    }
    response
}
