//! `/{application}/logout`: out, here and in every process.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::sessions::Session;
use serde::Deserialize;
use store::{By, EndReason};

use super::current::find;
use crate::app::App;
use crate::error::PageError;
use crate::pages::{FORM_EXPIRED, Notice, SentBack, View, form_page};
use crate::visit::{Door, Visit};

/// The form.
#[derive(Deserialize)]
pub struct LogoutForm {
    #[serde(default)]
    csrf: String,
}

/// `GET /{application}/logout`: asks first, since a link on another site can lead here.
pub async fn ask(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Query(back): Query<SentBack>,
) -> Response {
    form_page(&app, &visit, StatusCode::OK, back.told(view(&door)))
}

/// `POST /{application}/logout`
pub async fn leave(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Form(form): Form<LogoutForm>,
) -> Result<Response, PageError> {
    if !app.forms.allows(&visit.headers, visit.browser.as_ref(), &form.csrf) {
        let notice = Notice::Problem(FORM_EXPIRED.into());
        let view = view(&door).notice(Some(notice)).reason("form_expired");
        return Ok(form_page(&app, &visit, StatusCode::FORBIDDEN, view));
    }
    if let Some((_, held)) = find(&app, &visit, door.user_type).await? {
        let Session { id, user, .. } = held.session();
        let by = By::user(user, visit.note());
        app.store.end_session(&id, EndReason::SignedOut, &by, visit.now).await?;
        app.forget_session(&id);
    }
    let mut response =
        Redirect::to(&format!("/{}/login?notice=signed_out", door.key)).into_response();
    for cookie in [app.cookies.clear_session(door.user_type), app.cookies.set_left(door.user_type)]
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn view(door: &Application) -> View {
    View::new("logout.html", "Sign out?").at(door)
}
