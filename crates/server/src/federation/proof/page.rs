//! The page on which people show that an account is theirs.

use axum::http::StatusCode;
use axum::response::Response;

use super::{Desk, place};
use crate::pages::{Notice, SentBack, View, form_page, wait_page};
use crate::return_to::{form_targets, keep};

/// What the page says besides its forms.
pub(super) struct Shown {
    pub(super) status: StatusCode,
    pub(super) notice: Option<String>,
    pub(super) reason: Option<&'static str>,
    /// Minutes until the form may be sent again.
    pub(super) wait: Option<u64>,
}

impl Shown {
    /// As somebody comes to it: for the first time, or sent back.
    pub(super) fn back(back: &SentBack) -> Self {
        let said = match back.code() {
            "expired" => Some((
                "form_expired",
                "This page was open for too long, or your browser keeps no cookies. Please send the \
                 form once more.",
            )),
            "not_the_account" => Some((
                "not_the_account",
                "That sign-in does not belong to an account with this e-mail address. Please choose \
                 another way.",
            )),
            _ => None,
        };
        match said {
            Some((reason, text)) => Self::problem(StatusCode::OK, reason, text.to_owned()),
            None => Self { status: StatusCode::OK, notice: None, reason: None, wait: None },
        }
    }

    /// After something that did not go well.
    pub(super) fn problem(status: StatusCode, reason: &'static str, text: String) -> Self {
        Self { status, notice: Some(text), reason: Some(reason), wait: None }
    }
}

impl Desk<'_> {
    pub(super) fn page(&self, shown: Shown) -> Response {
        let Self { app, door, visit, proof, provider, .. } = self;
        let target = self.return_to();
        let others: Vec<_> = self
            .others()
            .iter()
            .map(|other| minijinja::context! { key => &*other.key, name => &*other.name })
            .collect();
        let mut view = View::new("proof.html", "Show that the account is yours")
            .at(door)
            .form_may_lead_to(form_targets(app, door, target.as_ref()))
            .form_may_lead_to(app.directory.now().host_origins(&door.key))
            .with("email", proof.external.email.as_ref().map_or("", |email| email.as_typed()))
            .with("provider", provider.name.as_str())
            .with("place", place(door, &proof.id))
            .with("others", others)
            .with("return_query", keep(String::new(), target.as_ref()))
            .with("login", keep(format!("/{}/login?ways=all", door.key), target.as_ref()))
            .notice(shown.notice.map(Notice::Problem));
        if let Some(reason) = shown.reason {
            view = view.reason(reason);
        }
        match shown.wait {
            Some(minutes) => wait_page(app, visit, minutes, view),
            None => form_page(app, visit, shown.status, view),
        }
    }
}
