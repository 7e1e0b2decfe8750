//! `/{application}/password/forgot`: asks for a link by mail, and says the same to everybody.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use identity::applications::Application;
use identity::email::Email;
use identity::throttle::{Reservation, buckets_for_reset_mail, reserve};
use serde::Deserialize;

use super::{FORM_EXPIRED, SentBack, closed_page, form_page, sentence, throttles, wait_page};
use crate::app::App;
use crate::error::PageError;
use crate::mail::{Letter, Sender, post};
use crate::pages::{Notice, View};
use crate::visit::{Door, Visit};

/// The form.
#[derive(Deserialize)]
pub struct ForgotForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    email: String,
}

/// `GET /{application}/password/forgot`
pub async fn show(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Query(back): Query<SentBack>,
) -> Response {
    if !door.local_login {
        return closed_page(&app, &door);
    }
    form_page(&app, &visit, StatusCode::OK, view(&door, "", back.words()))
}

/// `POST /{application}/password/forgot`
///
/// What happens here does not depend on whether anybody has the address: one look at the
/// counters, one letter into the queue, one answer. The queue finds out the rest.
pub async fn send(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Form(form): Form<ForgotForm>,
) -> Result<Response, PageError> {
    if !door.local_login {
        return Ok(closed_page(&app, &door));
    }
    let email = form.email.trim();
    if !app.forms.allows(&visit.headers, visit.browser.as_ref(), &form.csrf) {
        let again = view(&door, email, Some(FORM_EXPIRED.to_owned())).reason("form_expired");
        return Ok(form_page(&app, &visit, StatusCode::FORBIDDEN, again));
    }
    let key = match Email::parse(email) {
        Ok(address) => address.key().to_owned(),
        // Somebody may have had it since before the rules of today.
        Err(error) => match Email::key_of(email) {
            Some(key) => key,
            None => {
                let again = view(&door, email, Some(sentence(&error.to_string())));
                let again = again.reason(error.code());
                return Ok(form_page(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, again));
            }
        },
    };
    if let Some(minutes) = wait(&app, &door, &visit, &key).await? {
        let again = view(&door, email, Some(wait_text(minutes))).reason("throttled");
        return Ok(wait_page(&app, &visit, minutes, again));
    }
    let letter = Letter::ResetAsked {
        application: door.key.clone(),
        email_key: key,
        from: Sender::of(&visit),
    };
    post(&app, &letter, visit.now).await?;
    Ok(app.pages.page(StatusCode::OK, &sent(&door, email)))
}

/// Counts the request; the minutes to wait when there were too many.
async fn wait(
    app: &App,
    door: &Application,
    visit: &Visit,
    key: &str,
) -> Result<Option<u64>, PageError> {
    let buckets = buckets_for_reset_mail(&door.population, door.user_type, key, visit.address);
    let limits = throttles(&app.config.throttle);
    let decide = |counters: &[_]| reserve(visit.now, &limits, counters);
    Ok(match app.store.reserve_sign_in(&buckets, decide, visit.now).await? {
        Reservation::Granted { .. } => None,
        Reservation::Wait { minutes } => Some(minutes),
        Reservation::Barrier => Some(1),
    })
}

fn wait_text(minutes: u64) -> String {
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    format!(
        "Too many messages were asked for. Please look into your mailbox, also among the unwanted \
         mail, or wait {minutes} {unit} before you ask again."
    )
}

fn view(door: &Application, email: &str, problem: Option<String>) -> View {
    View::new("forgot.html", "Forgot your password?")
        .at(door)
        .with("email", email)
        .notice(problem.map(Notice::Problem))
}

fn sent(door: &Application, email: &str) -> View {
    let text = format!(
        "If there is an account for {email}, a message to it is on its way. It says how to go on, \
         and its link works for two hours. Nothing came after some minutes? Look among the \
         unwanted mail, and check that this is the address that you sign in with."
    );
    View::message("Look into your mailbox", text)
        .at(door)
        .reason("reset_asked")
        .way_on(format!("/{}/login", door.key), "Back to the sign-in")
}
