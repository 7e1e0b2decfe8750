//! `/{application}/account`: what people see and change about themselves.

mod device;
pub mod identities;
mod languages;
mod page;
pub mod password;
pub mod profile;
pub mod sessions;
mod times;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::return_to::ReturnTo;
use serde::Deserialize;

use crate::app::App;
use crate::error::PageError;
use crate::pages::{FORM_EXPIRED, Notice};
use crate::return_to::keep;
use crate::sessions::current::{AtDoor, SignedIn, at_door};
use crate::visit::{Door, Visit};
use page::{Shown, Typed};

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
pub struct AccountQuery {
    #[serde(default)]
    notice: String,
}

/// `GET /{application}/account`
pub async fn show(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Query(query): Query<AccountQuery>,
) -> Result<Response, PageError> {
    let desk = match Desk::of(&app, &door, &visit).await? {
        Ok(desk) => desk,
        Err(login) => return Ok(login),
    };
    let (notice, reason) = match query.notice.as_str() {
        "saved" => (Some(Notice::Good("Your profile is saved.".into())), None),
        "password_changed" => {
            let text = "Your new password is set, and you are signed out everywhere else.";
            (Some(Notice::Good(text.into())), None)
        }
        "linked" => {
            let text = "It is linked, and is now a way to sign in. You get a message about it.";
            (Some(Notice::Good(text.into())), None)
        }
        "unlinked" => {
            let text = "It is unlinked, and is not a way to sign in any more.";
            (Some(Notice::Good(text.into())), None)
        }
        "session_ended" => (Some(Notice::Good("That session is signed out.".into())), None),
        "expired" => (Some(Notice::Problem(FORM_EXPIRED.into())), Some("form_expired")),
        _ => (None, None),
    };
    desk.page(Shown { notice, reason, ..Shown::ok() }).await
}

/// `GET` at an address that only takes forms: the browser that kept no cookie was sent back here,
/// or somebody loads it again.
pub async fn back(Door(door): Door, Query(query): Query<AccountQuery>) -> Response {
    let notice = if query.notice == "expired" { "?notice=expired" } else { "" };
    Redirect::to(&format!("{}{notice}", place(&door))).into_response()
}

/// Where the page is.
fn place(door: &Application) -> String {
    format!("/{}/account", door.key)
}

/// The same as a target.
fn own_place(door: &Application) -> Option<ReturnTo> {
    ReturnTo::parse(&place(door), &[])
}

/// The page for whoever comes back from a sign-in that had to be a fresh one. It is in the target,
/// so that the login keeps it whatever happens there; whoever takes it out is asked again.
fn anew_place(door: &Application) -> Option<ReturnTo> {
    ReturnTo::parse(&format!("{}?anew=1", place(door)), &[])
}

/// Whether a sign-in that leads there has to be a fresh one, at a provider as well.
pub(crate) fn wants_anew(door: &Application, return_to: &str) -> bool {
    anew_place(door).is_some_and(|place| place.as_str() == return_to)
}

/// One visit of somebody who is signed in.
struct Desk<'a> {
    app: &'a App,
    door: &'a Application,
    visit: &'a Visit,
    who: Box<SignedIn>,
}

impl<'a> Desk<'a> {
    /// Whoever is signed in at the door; everybody else is sent to its login, and back here.
    async fn of(
        app: &'a App,
        door: &'a Application,
        visit: &'a Visit,
    ) -> Result<Result<Self, Response>, PageError> {
        let notice = match at_door(app, door, visit).await? {
            AtDoor::Enter(who) => return Ok(Ok(Self { app, door, visit, who })),
            AtDoor::Turned(_) => "?notice=again",
            AtDoor::Nobody => "",
        };
        let login = keep(format!("/{}/login{notice}", door.key), own_place(door).as_ref());
        Ok(Err(Redirect::to(&login).into_response()))
    }

    /// The same for whoever sends a form: one of another page, or of another browser, does nothing
    /// and gets the page.
    async fn with_form(
        app: &'a App,
        door: &'a Application,
        visit: &'a Visit,
        csrf: &str,
    ) -> Result<Result<Self, Response>, PageError> {
        match Self::of(app, door, visit).await? {
            Ok(desk) if desk.allows(csrf) => Ok(Ok(desk)),
            Ok(desk) => desk.form_expired(None).await.map(Err),
            Err(login) => Ok(Err(login)),
        }
    }

    /// Whether a form came from this page, in this browser.
    fn allows(&self, csrf: &str) -> bool {
        self.app.forms.allows(&self.visit.headers, self.visit.browser.as_ref(), csrf)
    }

    /// The page once more after a form of another page, or an older one.
    async fn form_expired(&self, typed: Option<Typed>) -> Result<Response, PageError> {
        let shown = Shown {
            status: StatusCode::FORBIDDEN,
            notice: Some(Notice::Problem(FORM_EXPIRED.into())),
            reason: Some("form_expired"),
            typed,
            ..Shown::ok()
        };
        self.page(shown).await
    }

    /// The page anew, so that loading it again sends no form again.
    fn done(&self, notice: &str) -> Response {
        Redirect::to(&format!("{}?notice={notice}", place(self.door))).into_response()
    }
}
