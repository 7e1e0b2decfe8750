//! `POST /{application}/account/sessions/…`: signing out another browser, or every one.

use axum::Form;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::{By, EndReason};

use super::Desk;
use crate::app::App;
use crate::error::PageError;
use crate::visit::{Door, Visit};

/// The form.
#[derive(Deserialize)]
pub struct SessionForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    session: String,
}

/// `POST /{application}/account/sessions/end`: one of their own, and nobody else's.
pub async fn end(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Form(form): Form<SessionForm>,
) -> Result<Response, PageError> {
    let desk = match Desk::with_form(&app, &door, &visit, &form.csrf).await? {
        Ok(desk) => desk,
        Err(answer) => return Ok(answer),
    };
    let user = &desk.who.user.id;
    let own = app.store.list_sessions(user).await?;
    // One that is not in the list any more has ended meanwhile: that is what was asked for.
    if let Some(session) = own.iter().find(|own| own.id.as_str() == form.session) {
        let by = By::user(user.clone(), visit.note());
        app.store.end_session(&session.id, EndReason::SignedOut, &by, visit.now).await?;
        app.forget_session(&session.id);
    }
    Ok(desk.done("session_ended"))
}

/// `POST /{application}/account/sessions/end-all`: every browser, this one as well, and what
/// applications were allowed to keep.
pub async fn end_all(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Form(form): Form<SessionForm>,
) -> Result<Response, PageError> {
    let desk = match Desk::with_form(&app, &door, &visit, &form.csrf).await? {
        Ok(desk) => desk,
        Err(answer) => return Ok(answer),
    };
    let user = &desk.who.user.id;
    let by = By::user(user.clone(), visit.note());
    app.store.end_user_sessions(user, None, &by, visit.now).await?;
    app.forget_user(user);
    let login = format!("/{}/login?notice=signed_out_everywhere", door.key);
    let mut response = Redirect::to(&login).into_response();
    for cookie in [app.cookies.clear_session(door.user_type), app.cookies.set_left(door.user_type)]
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
