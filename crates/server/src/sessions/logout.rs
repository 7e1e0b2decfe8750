//! `/{application}/logout`: out, here and in every process.

use axum::Form;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use identity::sessions::Session;
use serde::Deserialize;
use store::{By, EndReason};

use super::current::find;
use crate::app::App;
use crate::error::PageError;
use crate::pages::{Notice, View};
use crate::visit::{Door, Visit};

/// The form.
#[derive(Deserialize)]
pub struct LogoutForm {
    #[serde(default)]
    csrf: String,
}

/// `GET /{application}/logout`: asks first, since a link on another site can lead here.
pub async fn ask(State(app): State<App>, Door(door): Door, visit: Visit) -> Response {
    page(&app, &door, &visit, StatusCode::OK, None)
}

/// `POST /{application}/logout`
pub async fn leave(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Form(form): Form<LogoutForm>,
) -> Result<Response, PageError> {
    if !app.forms.allows(&visit.headers, visit.browser.as_ref(), &form.csrf) {
        let notice =
            Notice::Problem("That form was too old. Please press the button again.".into());
        return Ok(page(&app, &door, &visit, StatusCode::FORBIDDEN, Some(notice)));
    }
    if let Some((_, held)) = find(&app, &visit, door.user_type).await? {
        let Session { id, user, .. } = held.session();
        let by = By::user(user, visit.note());
        app.store.end_session(&id, EndReason::SignedOut, &by, visit.now).await?;
        app.sessions.forget_session(&id);
    }
    let mut response =
        Redirect::to(&format!("/{}/login?notice=signed_out", door.key)).into_response();
    response.headers_mut().append(header::SET_COOKIE, app.cookies.clear_session(door.user_type));
    Ok(response)
}

fn page(
    app: &App,
    door: &identity::applications::Application,
    visit: &Visit,
    status: StatusCode,
    notice: Option<Notice>,
) -> Response {
    let (browser, is_new) = visit.browser_or_new(app);
    let view = View::new("logout.html", "Sign out?")
        .at(door)
        .with("csrf", app.forms.token(&browser))
        .notice(notice);
    let mut response = app.pages.page(status, &view);
    if is_new {
        response.headers_mut().append(header::SET_COOKIE, app.cookies.set_browser(&browser));
    }
    response
}
