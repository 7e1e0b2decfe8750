//! `/{application}/password/reset`: the link from the mail, and the new password.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::return_to::ReturnTo;
use identity::secret::Secret;
use identity::throttle::{Bucket, BucketKind, Counter, buckets_for_sign_in};
use identity::users::User;
use serde::Deserialize;
use store::{By, Reset, ResetRefusal, TakeReset};

use super::hasher::HashError;
use super::{check_new, closed_page, policy};
use crate::app::App;
use crate::error::PageError;
use crate::mail::{Letter, sealed};
use crate::pages::{FORM_EXPIRED, Notice, SentBack, View, form_page, sentence};
use crate::return_to::{Wanted, keep};
use crate::visit::{Door, Visit};

/// What the link carries.
#[derive(Deserialize)]
pub struct ResetQuery {
    #[serde(default)]
    token: Secret,
}

/// The form.
#[derive(Deserialize)]
pub struct ResetForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    token: Secret,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    repeat: Secret,
}

/// `GET /{application}/password/reset`: uses nothing up, because mail scanners follow links.
pub async fn show(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Wanted(target): Wanted,
    Query(back): Query<SentBack>,
    Query(query): Query<ResetQuery>,
) -> Result<Response, PageError> {
    let desk = Desk { app: &app, door: &door, visit: &visit, target: target.as_ref() };
    if !door.local_login {
        return Ok(closed_page(&app, &door, desk.target));
    }
    if back.is_so() {
        return Ok(desk.sent_back());
    }
    Ok(match desk.owner(&query.token).await? {
        Err(refusal) => desk.refused(refusal),
        Ok(user) => {
            let view = desk.view(&user, &query.token).notice(None);
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
    Wanted(target): Wanted,
    Form(form): Form<ResetForm>,
) -> Result<Response, PageError> {
    let desk = Desk { app: &app, door: &door, visit: &visit, target: target.as_ref() };
    if !door.local_login {
        return Ok(closed_page(&app, &door, desk.target));
    }
    let user = match desk.owner(&form.token).await? {
        Ok(user) => user,
        Err(refusal) => return Ok(desk.refused(refusal)),
    };
    let again = |status, code, text: String| {
        let view = desk.view(&user, &form.token).notice(Some(Notice::Problem(text))).reason(code);
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
        application: door.key.clone(),
        hash: hash.to_string(),
        notice: sealed(&app, &notice, visit.now)?,
    };
    match app.store.take_password_reset(&take, &by, visit.now).await? {
        Reset::Refused(refusal) => Ok(desk.refused(refusal)),
        Reset::Good(user) => desk.done(&user).await,
    }
}

/// One visit of the page.
struct Desk<'a> {
    app: &'a App,
    door: &'a Application,
    visit: &'a Visit,
    /// Where the sign-in afterwards leads.
    target: Option<&'a ReturnTo>,
}

impl Desk<'_> {
    async fn done(&self, user: &User) -> Result<Response, PageError> {
        self.app.forget_user(&user.id);
        self.end_wait(user).await?;
        let login = format!("/{}/login?notice=password_set", self.door.key);
        Ok(Redirect::to(&keep(login, self.target)).into_response())
    }

    /// Whoever proved that the mailbox is theirs does not wait for guesses that were made before.
    async fn end_wait(&self, user: &User) -> Result<(), PageError> {
        let Self { app, door, visit, .. } = self;
        let (email, address) = (user.email.key(), visit.address);
        let mut buckets =
            buckets_for_sign_in(&door.population, door.user_type, email, address, None);
        buckets.retain(|bucket| bucket.kind == BucketKind::AccountNetwork);
        let none = |counters: &[(Bucket, Option<Counter>)]| {
            counters.iter().map(|(bucket, _)| (bucket.clone(), None)).collect()
        };
        Ok(app.store.change_throttles(&buckets, none, visit.now).await?)
    }

    /// Whose link it is, if it works at this door.
    async fn owner(&self, token: &Secret) -> Result<Result<Box<User>, ResetRefusal>, PageError> {
        let door = self.door;
        let found = self.app.store.find_password_reset(&token.digest(), self.visit.now).await?;
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

    fn view(&self, user: &User, token: &Secret) -> View {
        View::new("reset.html", "Choose a new password")
            .at(self.door)
            .with("email", user.email.as_typed())
            .with("token", token.expose())
            .with("min_length", policy(&self.app.config.passwords).min_length())
            .with("return_query", keep(String::new(), self.target))
    }

    /// After a form without the browser's cookie: its link still works, but only the mail has it.
    fn sent_back(&self) -> Response {
        let text = "This page was open for too long, or your browser keeps no cookies. Allow \
                    cookies for this site and open the link in the message once more; it still \
                    works.";
        let view = View::message("Please open the link again", text);
        let view = view.at(self.door).reason("form_expired");
        self.app.pages.page(StatusCode::FORBIDDEN, &view)
    }

    fn refused(&self, refusal: ResetRefusal) -> Response {
        let text = match refusal {
            // It was closed since the page was asked for.
            ResetRefusal::LocalLoginClosed => {
                return closed_page(self.app, self.door, self.target);
            }
            ResetRefusal::Used => "This link was used already, and it works only once.",
            ResetRefusal::Expired => "This link is too old: it works for two hours.",
            ResetRefusal::Voided => {
                "A newer message with another link took its place, or the password was changed \
                 since."
            }
            ResetRefusal::Unknown | ResetRefusal::NotActive | ResetRefusal::NoPassword => {
                "This link is not complete, or it is not valid any more."
            }
        };
        let text = format!("{text} You can ask for another message.");
        let forgot = keep(format!("/{}/password/forgot", self.door.key), self.target);
        let view = View::message("This link does not work", text)
            .at(self.door)
            .reason(refusal.code())
            .way_on(forgot, "Ask for a new message");
        self.app.pages.page(StatusCode::GONE, &view)
    }
}
