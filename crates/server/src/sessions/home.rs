//! `/{application}`: who is signed in, or the way to the login.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};

use identity::return_to::ReturnTo;

use super::current::{AtDoor, at_door};
use crate::app::App;
use crate::error::PageError;
use crate::pages::View;
use crate::return_to::{Wanted, keep, onward};
use crate::visit::{Door, Visit};

/// `GET /{application}`
pub async fn show(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Wanted(target): Wanted,
    uri: Uri,
) -> Result<Response, PageError> {
    let login = |notice: &str| {
        let login = format!("/{}/login{notice}", door.key);
        let target = target.clone().or_else(|| itself(&uri));
        Redirect::to(&keep(login, target.as_ref())).into_response()
    };
    let signed_in = match at_door(&app, &door, &visit).await? {
        // As the login does for whoever is signed in already.
        AtDoor::Enter(_) if target.is_some() => return Ok(onward(&door, target.as_ref())),
        AtDoor::Enter(signed_in) => signed_in,
        AtDoor::Turned(_) => return Ok(login("?notice=again")),
        AtDoor::Nobody => return Ok(login("")),
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
        return Ok(login("?notice=again"));
    };
    let view = View::new("home.html", "You are signed in")
        .at(&door)
        .with("csrf", app.forms.token(browser))
        .with("provider", provider)
        .with("broke_glass", signed_in.session.broke_glass())
        .with(
            "user",
            minijinja::context! {
                label => signed_in.user.label(),
                email => signed_in.user.email.as_typed(),
            },
        );
    Ok(app.pages.page(StatusCode::OK, &view))
}

/// This address with what it asks for besides; without that, the sign-in comes back here anyway.
fn itself(uri: &Uri) -> Option<ReturnTo> {
    let query = uri.query().filter(|query| !query.is_empty() && !query.contains("return_to="))?;
    ReturnTo::parse(&format!("{}?{query}", uri.path()), &[])
}
