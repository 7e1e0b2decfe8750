//! The account page: what is known, put into words.

use std::cmp::Reverse;

use axum::http::StatusCode;
use axum::response::Response;
use identity::users::{EmailStanding, User};
use minijinja::{Value, context};
use store::ListedSession;

use super::Desk;
use super::device::device;
use super::languages::languages;
use super::times::ago;
use crate::error::PageError;
use crate::pages::{Notice, View, form_page};
use crate::passwords::policy;

/// What the page says besides what it always shows.
pub(super) struct Shown {
    pub(super) status: StatusCode,
    pub(super) notice: Option<Notice>,
    pub(super) reason: Option<&'static str>,
    /// What is wrong, beside its field.
    pub(super) problem: Option<Problem>,
    /// What was typed into the profile, so that nothing is lost.
    pub(super) typed: Option<Typed>,
}

/// Something wrong with a field.
pub(super) struct Problem {
    pub(super) field: &'static str,
    pub(super) text: String,
}

/// The profile as somebody typed it.
pub(super) struct Typed {
    pub(super) given: String,
    pub(super) family: String,
    pub(super) locale: String,
}

impl Shown {
    /// Nothing besides.
    pub(super) const fn ok() -> Self {
        Self { status: StatusCode::OK, notice: None, reason: None, problem: None, typed: None }
    }

    /// Something is wrong with a field: it stands beside it, and above everything that there is
    /// something.
    pub(super) fn wrong(field: &'static str, reason: &'static str, text: String) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            notice: Some(Notice::Problem(
                "This could not be saved. What is wrong stands beside the field.".into(),
            )),
            reason: Some(reason),
            problem: Some(Problem { field, text }),
            ..Self::ok()
        }
    }
}

impl Desk<'_> {
    /// The page as things are now.
    pub(super) async fn page(&self, shown: Shown) -> Result<Response, PageError> {
        let user = self.app.store.find_user(&self.who.user.id).await?;
        let user = user.as_ref().unwrap_or(&self.who.user);
        let problem = shown.problem.map(|problem| {
            context! { field => problem.field, text => problem.text }
        });
        let mut view = View::new("account.html", "Your account")
            .at(self.door)
            .with("profile", profile(user, shown.typed))
            .with("password", self.password_shown().await?)
            .with("identities", self.identities().await?)
            .with("sessions", self.sessions().await?)
            .with("problem", problem)
            .notice(shown.notice);
        if let Some(reason) = shown.reason {
            view = view.reason(reason);
        }
        Ok(form_page(self.app, self.visit, shown.status, view))
    }

    /// What the page offers about a password.
    async fn password_shown(&self) -> Result<Value, PageError> {
        let min_length = policy(&self.app.config.passwords).min_length();
        Ok(match self.password().await? {
            None => Value::from(()),
            Some(is_set) => context! { is_set, min_length },
        })
    }

    /// This one first, then the ones that were used last.
    async fn sessions(&self) -> Result<Vec<Value>, PageError> {
        let now = self.visit.now;
        let own = &self.who.session.id;
        let mut listed = self.app.store.list_sessions_with_devices(&self.who.user.id).await?;
        listed.retain(|one| one.session.at(now).is_ok());
        listed.sort_by_key(|ListedSession { session, .. }| {
            (session.id != *own, Reverse(session.last_used_at))
        });
        let listing = self.app.directory.now();
        let shown = listed.iter().map(|ListedSession { session, user_agent }| {
            let door = listing.application(session.application.as_str());
            let provider = session.provider.as_ref().and_then(|id| listing.provider_by_id(id));
            context! {
                id => session.id.as_str(),
                is_own => session.id == *own,
                device => device(user_agent.as_deref().unwrap_or("")),
                application => door.map(|door| door.name.clone()),
                provider => provider.map(|provider| provider.name.clone()),
                broke_glass => session.broke_glass(),
                began_at => session.began_at.to_rfc3339(),
                began => ago(session.began_at, now),
                used_at => session.last_used_at.to_rfc3339(),
                used => if session.id == *own { "now".to_owned() } else { ago(session.last_used_at, now) },
            }
        });
        Ok(shown.collect())
    }
}

fn profile(user: &User, typed: Option<Typed>) -> Value {
    let typed = typed.unwrap_or_else(|| Typed {
        given: user.name.given.clone(),
        family: user.name.family.clone(),
        locale: user.locale.clone().unwrap_or_default(),
    });
    let standing = match user.email_standing {
        EmailStanding::Verified => "Confirmed: mail to it has reached you.",
        EmailStanding::VouchedFor => "Entered for you by an administrator.",
        EmailStanding::Unconfirmed => "Not confirmed yet.",
    };
    context! {
        email => user.email.as_typed(),
        standing,
        given => typed.given,
        family => typed.family,
        languages => languages(&typed.locale),
    }
}
