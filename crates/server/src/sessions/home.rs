//! `/{application}`: who is signed in, or the way to the login.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::current::{AtDoor, at_door};
use crate::app::App;
use crate::error::PageError;
use crate::pages::View;
use crate::visit::{Door, Visit};

/// `GET /{application}`
pub async fn show(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
) -> Result<Response, PageError> {
    let login = |notice: &str| {
        Redirect::to(&format!("/{}/login?notice={notice}", door.key)).into_response()
    };
    let signed_in = match at_door(&app, &door, &visit).await? {
        AtDoor::Enter(signed_in) => signed_in,
        AtDoor::Turned(_) => return Ok(login("again")),
        AtDoor::Nobody => return Ok(Redirect::to(&format!("/{}/login", door.key)).into_response()),
    };
    let listing = app.directory.now();
    let provider = signed_in
        .session
        .provider
        .as_ref()
        .and_then(|id| listing.provider_by_id(id))
        .map(|provider| provider.name.clone());
    let Some(browser) = &visit.browser else {
        // A session without the browser's own cookie could send no form: begin again.
        return Ok(login("again"));
    };
    let view = View::new("home.html", "You are signed in")
        .at(&door)
        .with("csrf", app.forms.token(browser))
        .with("provider", provider)
        .with(
            "user",
            minijinja::context! {
                label => signed_in.user.label(),
                email => signed_in.user.email.as_typed(),
            },
        );
    Ok(app.pages.page(StatusCode::OK, &view))
}
