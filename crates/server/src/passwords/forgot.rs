//! `/{application}/password/forgot`: asks for a link by mail, and says the same to everybody.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use identity::applications::Application;
use identity::email::Email;
use identity::return_to::ReturnTo;
use identity::throttle::buckets_for_reset_mail;
use serde::Deserialize;

use super::closed_page;
use crate::app::App;
use crate::error::PageError;
use crate::mail::{Letter, Sender, post, wait};
use crate::pages::{
    FORM_EXPIRED, Notice, SentBack, View, form_page, minutes_in_words, sentence, wait_page,
};
use crate::return_to::{Wanted, keep};
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
    Wanted(target): Wanted,
    Query(back): Query<SentBack>,
) -> Response {
    if !door.local_login {
        return closed_page(&app, &door, target.as_ref());
    }
    let view = back.told(view(&door, "", target.as_ref()));
    form_page(&app, &visit, StatusCode::OK, view)
}

/// `POST /{application}/password/forgot`
///
/// What happens here does not depend on whether anybody has the address: one look at the
/// counters, one letter into the queue, one answer. The queue finds out the rest.
pub async fn send(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Wanted(target): Wanted,
    Form(form): Form<ForgotForm>,
) -> Result<Response, PageError> {
    if !door.local_login {
        return Ok(closed_page(&app, &door, target.as_ref()));
    }
    let email = form.email.trim();
    let again = |text: String, code| {
        let view = view(&door, email, target.as_ref());
        view.notice(Some(Notice::Problem(text))).reason(code)
    };
    if !app.forms.allows(&visit.headers, visit.browser.as_ref(), &form.csrf) {
        let again = again(FORM_EXPIRED.to_owned(), "form_expired");
        return Ok(form_page(&app, &visit, StatusCode::FORBIDDEN, again));
    }
    let key = match Email::parse(email) {
        Ok(address) => address.key().to_owned(),
        // Somebody may have had it since before the rules of today.
        Err(error) => match Email::key_of(email) {
            Some(key) => key,
            None => {
                let again = again(sentence(&error.to_string()), error.code());
                return Ok(form_page(&app, &visit, StatusCode::UNPROCESSABLE_ENTITY, again));
            }
        },
    };
    let buckets = buckets_for_reset_mail(&door.population, door.user_type, &key, visit.address);
    if let Some(minutes) = wait(&app, &buckets, visit.now).await? {
        let again = again(wait_text(minutes), "throttled");
        return Ok(wait_page(&app, &visit, minutes, again));
    }
    let letter = Letter::ResetAsked {
        application: door.key.clone(),
        email_key: key,
        from: Sender::of(&visit),
        return_to: target.as_ref().map(ToString::to_string),
    };
    post(&app, &letter, visit.now).await?;
    Ok(app.pages.page(StatusCode::OK, &sent(&app, &door, email, target.as_ref())))
}

fn wait_text(minutes: u64) -> String {
    let minutes = minutes_in_words(minutes);
    format!(
        "Too many messages were asked for. Please look into your mailbox, also among the unwanted \
         mail, or wait {minutes} before you ask again."
    )
}

fn view(door: &Application, email: &str, target: Option<&ReturnTo>) -> View {
    View::new("forgot.html", "Forgot your password?")
        .at(door)
        .with("email", email)
        .with("return_query", keep(String::new(), target))
}

/// The same for every address, whether anybody has it or not; but never a promise that the house
/// cannot keep.
fn sent(app: &App, door: &Application, email: &str, target: Option<&ReturnTo>) -> View {
    let (heading, text) = if app.config.mail.goes_out() {
        let text = format!(
            "If there is an account for {email}, a message to it is on its way. It says how to go \
             on, and its link works for two hours. Nothing came after some minutes? Look among the \
             unwanted mail, and check that this is the address that you sign in with."
        );
        ("Look into your mailbox", text)
    } else {
        let text = format!(
            "This server is not set up to send mail, so there will be no message to {email}. \
             Please ask your administrator, who can set a new password for you."
        );
        ("No message can be sent", text)
    };
    View::message(heading, text)
        .at(door)
        .reason("reset_asked")
        .way_on(keep(format!("/{}/login", door.key), target), "Back to the sign-in")
}
