//! The page on which people show that an account, or the mailbox of its address, is theirs.

use axum::http::StatusCode;
use axum::response::Response;

use identity::federation::proof::Asked;

use super::{Desk, place};
use crate::pages::{Notice, SentBack, View, form_page, wait_page};
use crate::return_to::{form_targets, keep};

/// What the page says besides its forms.
pub(super) struct Shown {
    pub(super) status: StatusCode,
    pub(super) notice: Option<Notice>,
    pub(super) reason: Option<&'static str>,
    /// Minutes until the form may be sent again.
    pub(super) wait: Option<u64>,
}

impl Shown {
    /// As somebody comes to it: for the first time, or sent back.
    pub(super) fn back(back: &SentBack) -> Self {
        let good = match back.code() {
            "code_sent" => Some((
                "code_sent",
                "A message with a code is on its way. It may take a minute; look among the unwanted \
                 mail, too.",
            )),
            "mailbox_shown" => Some(("mailbox_shown", "That is the code. One more step.")),
            _ => None,
        };
        if let Some((reason, text)) = good {
            let notice = Some(Notice::Good(text.to_owned()));
            return Self { status: StatusCode::OK, notice, reason: Some(reason), wait: None };
        }
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
        Self { status, notice: Some(Notice::Problem(text)), reason: Some(reason), wait: None }
    }
}

impl Desk<'_> {
    /// What is to be shown next.
    fn form(&self) -> View {
        let proof = &self.proof;
        if proof.next() == Some(Asked::Mailbox) {
            return View::new("mailbox.html", "Confirm your e-mail address")
                .with("sends", self.app.config.mail.goes_out())
                .with("sent", proof.codes.sent > 0)
                .with("may_try", proof.codes.may_try())
                .with("may_send", proof.codes.may_send())
                .with("account_next", proof.asked.account());
        }
        if proof.next().is_none() {
            return View::new("shown.html", "One more step");
        }
        View::new("proof.html", "Show that the account is yours")
    }

    pub(super) fn page(&self, shown: Shown) -> Response {
        let Self { app, door, visit, proof, provider, .. } = self;
        let target = self.return_to();
        let others: Vec<_> = self
            .others()
            .iter()
            .map(|other| minijinja::context! { key => &*other.key, name => &*other.name })
            .collect();
        let mut view = self
            .form()
            .at(door)
            .form_may_lead_to(form_targets(app, door, target.as_ref()))
            .form_may_lead_to(app.directory.now().host_origins(&door.key))
            .with("email", proof.external.email.as_ref().map_or("", |email| email.as_typed()))
            .with("provider", provider.name.as_str())
            .with("place", place(door, &proof.id))
            .with("others", others)
            .with("confirmed", proof.shown.mailbox)
            .with("return_query", keep(String::new(), target.as_ref()))
            .with("login", keep(format!("/{}/login?ways=all", door.key), target.as_ref()))
            .notice(shown.notice);
        if let Some(reason) = shown.reason {
            view = view.reason(reason);
        }
        match shown.wait {
            Some(minutes) => wait_page(app, visit, minutes, view),
            None => form_page(app, visit, shown.status, view),
        }
    }
}
