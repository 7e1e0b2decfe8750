//! `/{application}/password/reset`: the link from the mail, and the new password.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::secret::Secret;
use identity::throttle::{Bucket, BucketKind, Counter, buckets_for_sign_in};
use identity::users::User;
use serde::Deserialize;
use store::{By, Reset, ResetRefusal, TakeReset};

use super::hasher::HashError;
use super::{FORM_EXPIRED, check_new, closed_page, form_page, policy, sentence};
use crate::app::App;
use crate::error::PageError;
use crate::mail::{Letter, sealed};
use crate::pages::{Notice, View};
use crate::visit::{Door, Visit};

/// What the link carries.
#[derive(Deserialize)]
pub struct ResetQuery {
    #[serde(default = "nothing")]
    token: Secret,
    #[serde(default)]
    notice: String,
}

/// The form.
#[derive(Deserialize)]
pub struct ResetForm {
    #[serde(default)]
    csrf: String,
    #[serde(default = "nothing")]
    token: Secret,
    #[serde(default = "nothing")]
    password: Secret,
    #[serde(default = "nothing")]
    repeat: Secret,
}

fn nothing() -> Secret {
    Secret::new("")
}

/// `GET /{application}/password/reset`: uses nothing up, because mail scanners follow links.
pub async fn show(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Query(query): Query<ResetQuery>,
) -> Result<Response, PageError> {
    if !door.local_login {
        return Ok(closed_page(&app, &door));
    }
    if query.notice == "expired" {
        return Ok(sent_back(&app, &door));
    }
    Ok(match owner(&app, &door, &visit, &query.token).await? {
        Err(refusal) => refused(&app, &door, refusal),
        Ok(user) => {
            let view = view(&app, &door, &user, &query.token, None);
            form_page(&app, &visit, StatusCode::OK, view)
        }
    })
}

/// `POST /{application}/password/reset`: sets the password, if the link still works and the
/// password will do; what is wrong with the password costs no link.
pub async fn send(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Form(form): Form<ResetForm>,
) -> Result<Response, PageError> {
    if !door.local_login {
        return Ok(closed_page(&app, &door));
    }
    let user = match owner(&app, &door, &visit, &form.token).await? {
        Ok(user) => user,
        Err(refusal) => return Ok(refused(&app, &door, refusal)),
    };
    let again = |status, code, text: String| {
        let view = view(&app, &door, &user, &form.token, Some(text)).reason(code);
        Ok(form_page(&app, &visit, status, view))
    };
    if !app.forms.allows(&visit.headers, visit.browser.as_ref(), &form.csrf) {
        return again(StatusCode::FORBIDDEN, "form_expired", FORM_EXPIRED.to_owned());
    }
    if !form.password.matches(form.repeat.expose()) {
        let text = "The two passwords are not the same. Please type the same one twice.";
        return again(StatusCode::UNPROCESSABLE_ENTITY, "passwords_differ", text.to_owned());
    }
    let email = user.email.as_typed();
    let password = match check_new(&app.config, &door.name, &user.name, email, &form.password) {
        Ok(password) => password,
        Err(refusal) => {
            let text = sentence(&refusal.to_string());
            return again(StatusCode::UNPROCESSABLE_ENTITY, refusal.code(), text);
        }
    };
    let hash = app.hasher.hash(password).await.map_err(|error| match error {
        HashError::Busy => PageError::Busy,
        HashError::Unreadable(_) => PageError::broken(error),
    })?;
    let by = By::user(user.id.clone(), visit.note());
    let notice = Letter::PasswordChanged { application: door.key.clone(), user: user.id.clone() };
    let take = TakeReset {
        token: form.token.digest(),
        hash: hash.to_string(),
        notice: sealed(&app, &notice, visit.now)?,
    };
    match app.store.take_password_reset(&take, &by, visit.now).await? {
        Reset::Refused(refusal) => Ok(refused(&app, &door, refusal)),
        Reset::Good(user) => done(&app, &door, &visit, &user).await,
    }
}

async fn done(
    app: &App,
    door: &Application,
    visit: &Visit,
    user: &User,
) -> Result<Response, PageError> {
    app.sessions.forget_user(&user.id);
    end_wait(app, door, visit, user).await?;
    let login = format!("/{}/login?notice=password_set", door.key);
    Ok(Redirect::to(&login).into_response())
}

/// Whoever proved that the mailbox is theirs does not wait for guesses that were made before.
async fn end_wait(
    app: &App,
    door: &Application,
    visit: &Visit,
    user: &User,
) -> Result<(), PageError> {
    let (email, address) = (user.email.key(), visit.address);
    let mut buckets = buckets_for_sign_in(&door.population, door.user_type, email, address, None);
    buckets.retain(|bucket| bucket.kind == BucketKind::AccountNetwork);
    let none = |counters: &[(Bucket, Option<Counter>)]| {
        counters.iter().map(|(bucket, _)| (bucket.clone(), None)).collect()
    };
    Ok(app.store.change_throttles(&buckets, none, visit.now).await?)
}

/// Whose link it is, if it works at this door.
async fn owner(
    app: &App,
    door: &Application,
    visit: &Visit,
    token: &Secret,
) -> Result<Result<Box<User>, ResetRefusal>, PageError> {
    let found = app.store.find_password_reset(&token.digest(), visit.now).await?;
    Ok(match found {
        Reset::Good(user)
            if user.user_type == door.user_type && user.population == door.population =>
        {
            Ok(user)
        }
        Reset::Good(_) => Err(ResetRefusal::Unknown),
        Reset::Refused(refusal) => Err(refusal),
    })
}

fn view(
    app: &App,
    door: &Application,
    user: &User,
    token: &Secret,
    problem: Option<String>,
) -> View {
    View::new("reset.html", "Choose a new password")
        .at(door)
        .with("email", user.email.as_typed())
        .with("token", token.expose())
        .with("min_length", policy(&app.config.passwords).min_length())
        .notice(problem.map(Notice::Problem))
}

/// After a form without the browser's cookie: its link still works, but only the mail has it.
fn sent_back(app: &App, door: &Application) -> Response {
    let text = "This page was open for too long, or your browser keeps no cookies. Allow cookies \
                for this site and open the link in the message once more; it still works.";
    let view = View::message("Please open the link again", text).at(door).reason("form_expired");
    app.pages.page(StatusCode::FORBIDDEN, &view)
}

fn refused(app: &App, door: &Application, refusal: ResetRefusal) -> Response {
    let text = match refusal {
        ResetRefusal::Used => "This link was used already, and it works only once.",
        ResetRefusal::Expired => "This link is too old: it works for two hours.",
        ResetRefusal::Voided => {
            "A newer message with another link took its place, or the password was changed since."
        }
        ResetRefusal::Unknown | ResetRefusal::NotActive | ResetRefusal::NoPassword => {
            "This link is not complete, or it is not valid any more."
        }
    };
    let text = format!("{text} You can ask for another message.");
    let view = View::message("This link does not work", text)
        .at(door)
        .reason(refusal.code())
        .way_on(format!("/{}/password/forgot", door.key), "Ask for a new message");
    app.pages.page(StatusCode::GONE, &view)
}
