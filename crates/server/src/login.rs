//! `/{application}/login`: the form, the buttons, and what becomes of a password.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use identity::applications::Application;
use identity::return_to::ReturnTo;
use identity::secret::Secret;
use serde::Deserialize;

use crate::app::App;
use crate::error::PageError;
use crate::pages::{Notice, View, form_page, minutes_in_words, wait_page};
use crate::passwords::sign_in::{SignInOutcome, sign_in};
use crate::return_to::{Wanted, form_targets, keep, onward, waiting_request};
use crate::sessions::current::{AtDoor, at_door};
use crate::visit::{Door, Visit};

/// One text for every way in which an e-mail address and a password do not fit.
const NEUTRAL: &str =
    "That e-mail address and password do not fit. Please check both and try again.";

/// Longest hint that the form is filled with, in bytes: no address is longer.
const MAX_EMAIL: usize = 254;

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
pub struct LoginQuery {
    #[serde(default)]
    notice: String,
    #[serde(default)]
    login_hint: String,
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
    if query.notice.is_empty()
        && let AtDoor::Enter(_) = at_door(&app, &door, &visit).await?
    {
        return Ok(onward(&door, return_to.as_ref()));
    }
    let notice = match query.notice.as_str() {
        "signed_out" => Some(Notice::Good("You are signed out.".into())),
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
    };
    let reason = (query.notice == "expired").then_some("form_expired");
    let email = Some(query.login_hint.trim()).filter(|hint| hint.len() <= MAX_EMAIL);
    let email = email.unwrap_or("");
    let shown = Shown { status: StatusCode::OK, return_to, email, notice, reason, wait: None };
    Ok(page(&app, &door, &visit, shown))
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
        return Ok(page(&app, &door, &visit, shown));
    }
    let outcome = sign_in(&app, &door, &visit, &form.email, form.password).await?;
    app.metrics.password(&door, outcome.code());
    let shown = match outcome {
        SignInOutcome::SignedIn { token, .. } => {
            let cookie = app.cookies.set_session(door.user_type, &token);
            let mut response = onward(&door, return_to.as_ref());
            response.headers_mut().append(header::SET_COOKIE, cookie);
            return Ok(response);
        }
        SignInOutcome::Refused => {
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
    Ok(page(&app, &door, &visit, shown))
}

fn wait_text(minutes: u64) -> String {
    let minutes = minutes_in_words(minutes);
    format!("Too many failed sign-ins. Please wait {minutes} before you try again.")
}

fn no_passwords_text(app: &App, door: &Application) -> &'static str {
    if app.directory.now().buttons(&door.key).is_empty() {
        "Passwords are not accepted here."
    } else {
        "Passwords are not accepted here. Please use one of the buttons below."
    }
}

fn page(app: &App, door: &Application, visit: &Visit, shown: Shown<'_>) -> Response {
    let buttons: Vec<_> = app
        .directory
        .now()
        .buttons(&door.key)
        .iter()
        .map(|provider| minijinja::context! { key => &*provider.key, name => &*provider.name })
        .collect();
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
        .notice(shown.notice);
    if let Some(reason) = shown.reason {
        view = view.reason(reason);
    }
    match shown.wait {
        Some(minutes) => wait_page(app, visit, minutes, view),
        None => form_page(app, visit, shown.status, view),
    }
}
