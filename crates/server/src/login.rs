//! `/{application}/login`: the form, the buttons, and what becomes of a password.

mod find;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use identity::applications::Application;
use identity::email::Email;
use identity::federation::button::Colour;
use identity::federation::provider::Provider;
use identity::federation::ways::{Coming, straight_on};
use identity::return_to::ReturnTo;
use identity::secret::Secret;
use minijinja::Value;
use serde::Deserialize;

use crate::app::App;
use crate::directory::Button;
use crate::error::PageError;
use crate::federation::start::{Sent, send_off};
use crate::pages::{
    ICON_FOLDER, Notice, View, colour_sheet, form_page, minutes_in_words, wait_page,
};
use crate::passwords::sign_in::{SignInOutcome, sign_in};
use crate::return_to::{Wanted, form_targets, keep, onward, waiting_request};
use crate::sessions::current::{AtDoor, at_door};
use crate::sessions::elsewhere::doors_elsewhere;
use crate::sessions::replace::begin_here;
use crate::visit::{Door, Visit};

/// One text for every way in which an e-mail address and a password do not fit.
const NEUTRAL: &str =
    "That e-mail address and password do not fit. Please check both and try again.";

/// Longest hint that the form is filled with, in bytes: no address is longer.
const MAX_EMAIL: usize = 254;

/// The page itself, also at a door that sends people on to a provider.
pub(crate) const EVERY_WAY: &str = "login?ways=all";

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
pub struct LoginQuery {
    #[serde(default)]
    notice: String,
    #[serde(default)]
    login_hint: String,
    #[serde(default)]
    ways: String,
}

/// The form.
#[derive(Deserialize)]
pub struct LoginForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    way: String,
}

/// What the page shows besides its form.
struct Shown<'a> {
    status: StatusCode,
    return_to: Option<ReturnTo>,
    email: &'a str,
    notice: Option<Notice>,
    reason: Option<&'static str>,
    /// Minutes until the form may be sent again.
    wait: Option<u64>,
}

/// `GET /{application}/login`
pub async fn show(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Wanted(return_to): Wanted,
    Query(query): Query<LoginQuery>,
) -> Result<Response, PageError> {
    let at = at_door(&app, &door, &visit).await?;
    if query.notice.is_empty() && matches!(at, AtDoor::Enter(_)) {
        return Ok(onward(&door, return_to.as_ref()));
    }
    if let Some(provider) = provider_for_all(&app, &door, &query, &at) {
        let sent = Sent { return_to, hint: Email::parse(&query.login_hint).ok() };
        return send_off(&app, &door, &visit, &provider, sent).await;
    }
    let reason = (query.notice == "expired").then_some("form_expired");
    let email = Some(query.login_hint.trim()).filter(|hint| hint.len() <= MAX_EMAIL);
    let email = email.unwrap_or("");
    let notice = notice(&query.notice);
    let shown = Shown { status: StatusCode::OK, return_to, email, notice, reason, wait: None };
    Ok(page(&app, &door, &visit, shown).await)
}

/// The provider that the door sends everybody to, where nothing speaks for its page.
fn provider_for_all(
    app: &App,
    door: &Application,
    query: &LoginQuery,
    at: &AtDoor,
) -> Option<Arc<Provider>> {
    let buttons = app.directory.now().buttons(&door.key);
    let coming = Coming {
        // An application that wants a sign-in now says nothing to the person.
        told: !matches!(query.notice.as_str(), "" | "sign_in"),
        every_way: query.ways == "all",
        turned_away: matches!(at, AtDoor::Turned(_)),
    };
    let provider = straight_on(door, coming, buttons.iter().map(AsRef::as_ref))?;
    buttons.iter().find(|one| one.id == provider.id).cloned()
}

/// What the page says first.
fn notice(code: &str) -> Option<Notice> {
    match code {
        "signed_out" => Some(Notice::Good("You are signed out.".into())),
        "fresh" => Some(Notice::Problem(
            "Please sign in once more before you change the ways into your account.".into(),
        )),
        "unlinked" => Some(Notice::Good(
            "It is unlinked, and your session, which came by it, has ended. Please sign in another \
             way."
                .into(),
        )),
        "signed_out_everywhere" => {
            Some(Notice::Good("You are signed out everywhere, in this browser as well.".into()))
        }
        "expired" => Some(Notice::Problem(
            "This page was open for too long, or your browser keeps no cookies. Please sign in \
             once more."
                .into(),
        )),
        "again" => Some(Notice::Problem("Your session has ended. Please sign in again.".into())),
        "password_set" => {
            Some(Notice::Good("Your new password is set. Please sign in with it.".into()))
        }
        "set_up" => Some(Notice::Good("You are the first administrator. Please sign in.".into())),
        _ => None,
    }
}

/// `POST /{application}/login`
pub async fn send(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Wanted(return_to): Wanted,
    Form(form): Form<LoginForm>,
) -> Result<Response, PageError> {
    let again = |status, reason, text: String| Shown {
        status,
        return_to: return_to.clone(),
        email: form.email.trim(),
        notice: Some(Notice::Problem(text)),
        reason: Some(reason),
        wait: None,
    };
    if !app.forms.allows(&visit.headers, visit.browser.as_ref(), &form.csrf) {
        let text = "This page was open for too long. Please sign in once more.".to_owned();
        let shown = again(StatusCode::FORBIDDEN, "form_expired", text);
        return Ok(page(&app, &door, &visit, shown).await);
    }
    if form.way == "find" {
        // Whatever password a manager has filled in is not looked at.
        if let Some(found) = find::find(&app, &door, &form.email, return_to.as_ref()) {
            return Ok(found);
        }
        let text = find::not_found(&door, &form.email).to_owned();
        let shown = again(StatusCode::UNPROCESSABLE_ENTITY, "way_not_found", text);
        return Ok(page(&app, &door, &visit, shown).await);
    }
    let outcome = sign_in(&app, &door, &visit, &form.email, form.password).await?;
    app.metrics.password(&door, outcome.code());
    let shown = match outcome {
        SignInOutcome::SignedIn { token, .. } => {
            let mut response = onward(&door, return_to.as_ref());
            begin_here(&app, &door, &visit, &token, &mut response);
            return Ok(response);
        }
        SignInOutcome::Refused | SignInOutcome::Shown => {
            again(StatusCode::UNPROCESSABLE_ENTITY, "not_accepted", NEUTRAL.to_owned())
        }
        SignInOutcome::Wait { minutes } => {
            let shown = again(StatusCode::TOO_MANY_REQUESTS, "throttled", wait_text(minutes));
            Shown { wait: Some(minutes), ..shown }
        }
        SignInOutcome::Barrier => again(
            StatusCode::TOO_MANY_REQUESTS,
            "needs_reset",
            "There were too many failed sign-ins in a row. Choose \"Forgot your password?\" to set \
             a new one; then you can sign in."
                .to_owned(),
        ),
        SignInOutcome::LocalLoginClosed => again(
            StatusCode::FORBIDDEN,
            "local_login_closed",
            no_passwords_text(&app, &door).to_owned(),
        ),
    };
    Ok(page(&app, &door, &visit, shown).await)
}

pub(crate) fn wait_text(minutes: u64) -> String {
    let minutes = minutes_in_words(minutes);
    format!("Too many failed sign-ins. Please wait {minutes} before you try again.")
}

pub(crate) fn no_passwords_text(app: &App, door: &Application) -> &'static str {
    if app.directory.now().shown_buttons(door).is_empty() {
        "Passwords are not accepted here."
    } else {
        "Passwords are not accepted here. Please use one of the buttons below."
    }
}

/// How a button is shown.
fn face(button: Button) -> Value {
    let Button { provider, label, icon, colour } = button;
    minijinja::context! {
        key => &*provider.key,
        label => label.unwrap_or_else(|| format!("Login with {}", provider.name)),
        icon => icon.map(|file| format!("{ICON_FOLDER}{file}")),
        colour => colour.map(Colour::digits),
    }
}

async fn page(app: &App, door: &Application, visit: &Visit, shown: Shown<'_>) -> Response {
    let buttons = app.directory.now().shown_buttons(door);
    let sheets: BTreeSet<_> =
        buttons.iter().filter_map(|one| one.colour).map(colour_sheet).collect();
    let hidden = app.directory.now().buttons(&door.key).len() > buttons.len();
    let buttons: Vec<_> = buttons.into_iter().map(face).collect();
    let mut view = View::new("login.html", "Sign in")
        .at(door)
        .form_may_lead_to(form_targets(app, door, shown.return_to.as_ref()))
        .form_may_lead_to(app.directory.now().host_origins(&door.key))
        .with("return_query", keep(String::new(), shown.return_to.as_ref()))
        .with("email", shown.email)
        .with(
            "request",
            shown.return_to.as_ref().and_then(|target| waiting_request(target.as_str())),
        )
        .with("buttons", buttons)
        .with("sheets", sheets.into_iter().collect::<Vec<_>>())
        .with("hidden", hidden)
        .with("can_find", find::can_find(app, door))
        .with("elsewhere", doors_elsewhere(app, door, visit).await)
        .notice(shown.notice);
    if let Some(reason) = shown.reason {
        view = view.reason(reason);
    }
    match shown.wait {
        Some(minutes) => wait_page(app, visit, minutes, view),
        None => form_page(app, visit, shown.status, view),
    }
}
