//! `POST /{application}/account/password`: another password, for whoever knows the one there is.

use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use identity::passwords::received;
use identity::secret::Secret;
use identity::throttle::{
    Bucket, Reservation, buckets_for_sign_in, give_back, reserve, settled_ok,
};
use identity::users::User;
use serde::Deserialize;
use store::{By, ChangedPassword, Happened, PasswordChange, PasswordLogin};

use super::Desk;
use super::page::Shown;
use crate::app::App;
use crate::error::PageError;
use crate::mail::{Letter, sealed};
use crate::pages::{minutes_in_words, sentence};
use crate::passwords::hasher::HashError;
use crate::passwords::phc::Phc;
use crate::passwords::{check_new, throttles};
use crate::visit::{Door, Visit};

/// The form.
#[derive(Deserialize)]
pub struct PasswordForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    current: Secret,
    #[serde(default)]
    password: Secret,
    #[serde(default)]
    repeat: Secret,
}

/// `POST /{application}/account/password`
pub async fn change(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Form(form): Form<PasswordForm>,
) -> Result<Response, PageError> {
    let desk = match Desk::with_form(&app, &door, &visit, &form.csrf).await? {
        Ok(desk) => desk,
        Err(answer) => return Ok(answer),
    };
    match desk.change_password(form).await? {
        Ok(()) => Ok(desk.done("password_changed")),
        Err(wrong) => desk.page(wrong).await,
    }
}

/// What stands beside a field, and why.
fn wrong(field: &'static str, reason: &'static str, text: impl Into<String>) -> Shown {
    Shown::wrong(field, reason, text.into())
}

impl Desk<'_> {
    /// Whether this person can have a password here, and has one.
    pub(super) async fn password(&self) -> Result<Option<bool>, PageError> {
        if !self.door.local_login {
            return Ok(None);
        }
        let login = self.login().await?.filter(|login| login.may_have_password);
        Ok(login.map(|login| login.hash.is_some()))
    }

    async fn login(&self) -> Result<Option<PasswordLogin>, PageError> {
        let User { user_type, population, email, .. } = &*self.who.user;
        Ok(self.app.store.find_password_login(*user_type, population, email.key()).await?)
    }

    async fn change_password(&self, form: PasswordForm) -> Result<Result<(), Shown>, PageError> {
        let Self { app, door, who, .. } = self;
        let login = self.login().await?.filter(|login| login.may_have_password);
        let hash = login.filter(|login| login.user.id == who.user.id).and_then(|own| own.hash);
        let Some(current_hash) = hash.filter(|_| door.local_login) else {
            let text = "You have no password here that could be changed.";
            return Ok(Err(wrong("current", "no_password", text)));
        };
        if !form.password.matches(form.repeat.expose()) {
            let text = "The two passwords are not the same. Please type the same one twice.";
            return Ok(Err(wrong("repeat", "passwords_differ", text)));
        }
        // What is wrong with the new one costs no guess at the current one.
        let (name, email) = (&who.user.name, who.user.email.as_typed());
        let password = match check_new(&app.config, &door.name, name, email, &form.password) {
            Ok(password) => password,
            Err(refusal) => {
                let text = sentence(&refusal.to_string());
                return Ok(Err(wrong("password", refusal.code(), text)));
            }
        };
        if let Err(shown) = self.prove(&current_hash, &form.current).await? {
            return Ok(Err(shown));
        }
        let hash = app.hasher.hash(password).await.map_err(broken)?.to_string();
        self.replace(&current_hash, hash).await
    }

    /// Whether the password is the current one: counted first and verified second, with the
    /// counters of the sign-in, so that a browser that somebody left open is no place to guess.
    async fn prove(
        &self,
        current_hash: &str,
        current: &Secret,
    ) -> Result<Result<(), Shown>, PageError> {
        let Self { app, visit, who, .. } = self;
        let is_wrong = || {
            let text = "This is not your current password. Please check it and try again.";
            Ok(Err(wrong("current", "wrong_password", text)))
        };
        let Some(current) = received(current.expose()) else { return is_wrong() };
        let buckets = self.buckets().await?;
        let limits = throttles(&app.config.throttle);
        let decide = |counters: &[_]| reserve(visit.now, &limits, counters);
        match app.store.reserve_sign_in(&buckets, decide, visit.now).await? {
            Reservation::Granted { .. } => {}
            Reservation::Wait { minutes } => return Ok(Err(wait(minutes))),
            Reservation::Barrier => {
                let text = "There were too many wrong passwords in a row. Sign out and choose \
                            \"Forgot your password?\" to set a new one.";
                let shown = wrong("current", "needs_reset", text);
                return Ok(Err(Shown { status: StatusCode::TOO_MANY_REQUESTS, ..shown }));
            }
        }
        let hash = Phc::parse(current_hash)
            .inspect_err(|error| tracing::error!(%error, "a reset mends it"))
            .ok();
        let verified = match app.hasher.verify(current, hash).await {
            Ok(verified) => verified,
            Err(error) => {
                let returned = |now: &[_]| give_back(&limits, visit.now, now);
                app.store.change_throttles(&buckets, returned, visit.now).await?;
                return Err(broken(error));
            }
        };
        if !verified.ok {
            let id = &who.user.id;
            let by = By::user(id.clone(), visit.note());
            let refused = Happened::refused("password.change", "wrong_password");
            let refused = refused.about(id).at(&self.door.key);
            app.store.add_refusal(&refused, &by, visit.now).await?;
            return is_wrong();
        }
        let settled = |now: &[_]| settled_ok(&limits, visit.now, now);
        app.store.change_throttles(&buckets, settled, visit.now).await?;
        Ok(Ok(()))
    }

    async fn buckets(&self) -> Result<Vec<Bucket>, PageError> {
        let Self { app, visit, who, .. } = self;
        let User { id, user_type, population, email, .. } = &*who.user;
        let device = visit.browser.as_ref().map(Secret::digest);
        let known = match &device {
            Some(device) => app.store.find_known_device(id, device).await?,
            None => false,
        };
        let device = device.as_ref().filter(|_| known);
        Ok(buckets_for_sign_in(population, *user_type, email.key(), visit.address, device))
    }

    /// Sets it; every other session of the user ends.
    async fn replace(
        &self,
        current_hash: &str,
        hash: String,
    ) -> Result<Result<(), Shown>, PageError> {
        let Self { app, door, visit, who } = self;
        let user = who.user.id.clone();
        let notice = Letter::PasswordChanged { application: door.key.clone(), user: user.clone() };
        let change = PasswordChange {
            user: user.clone(),
            application: door.key.clone(),
            verified_hash: current_hash.to_owned(),
            hash,
            keep: who.session.id.clone(),
            notice: sealed(app, &notice, visit.now)?,
        };
        let by = By::user(user.clone(), visit.note());
        let changed = app.store.change_password(&change, &by, visit.now).await?;
        app.forget_user(&user);
        Ok(match changed {
            ChangedPassword::Done => Ok(()),
            ChangedPassword::NotAllowed | ChangedPassword::ChangedMeanwhile => {
                let text = "Your password was changed elsewhere meanwhile. Please look again.";
                Err(wrong("current", "password_changed", text))
            }
        })
    }
}

fn broken(error: HashError) -> PageError {
    match error {
        HashError::Busy => PageError::Busy,
        HashError::Unreadable(_) => PageError::broken(error),
    }
}

fn wait(minutes: u64) -> Shown {
    let minutes = minutes_in_words(minutes);
    let text = format!("There were too many wrong passwords. Please wait {minutes} and try again.");
    Shown { status: StatusCode::TOO_MANY_REQUESTS, ..wrong("current", "throttled", text) }
}
