//! Pages with a form, and what stands above the form when it comes back.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;

use super::{Notice, View};
use crate::app::App;
use crate::visit::Visit;

/// What a page says after a form that another page, or an older one, has sent.
pub(crate) const FORM_EXPIRED: &str =
    "This page was open for too long. Please send the form once more.";

/// What [`crate::csrf::need_browser`] adds to the address that it sends a form back to.
#[derive(Default, Deserialize)]
pub struct SentBack {
    #[serde(default)]
    notice: String,
}

impl SentBack {
    /// Whether a form was sent back to this page.
    pub(crate) fn is_so(&self) -> bool {
        self.notice == "expired"
    }

    /// What it was sent back with.
    pub(crate) fn code(&self) -> &str {
        &self.notice
    }

    /// The page, with what it says then.
    pub(crate) fn told(&self, view: View) -> View {
        if !self.is_so() {
            return view.notice(None);
        }
        let text = "This page was open for too long, or your browser keeps no cookies. Please \
                    send the form once more.";
        view.notice(Some(Notice::Problem(text.into()))).reason("form_expired")
    }
}

/// A page with a form, for this browser.
pub(crate) fn form_page(app: &App, visit: &Visit, status: StatusCode, view: View) -> Response {
    let (browser, is_new) = visit.browser_or_new(app);
    let view = view.with("csrf", app.forms.token(&browser));
    let mut response = app.pages.page(status, &view);
    if is_new {
        response.headers_mut().append(header::SET_COOKIE, app.cookies.set_browser(&browser));
    }
    response
}

/// A page with a form that may be sent again only after so many minutes.
pub(crate) fn wait_page(app: &App, visit: &Visit, minutes: u64, view: View) -> Response {
    let mut response = form_page(app, visit, StatusCode::TOO_MANY_REQUESTS, view);
    if let Ok(seconds) = HeaderValue::from_str(&minutes.saturating_mul(60).to_string()) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// `1 minute`, `6 minutes`.
pub(crate) fn minutes_in_words(minutes: u64) -> String {
    let unit = if minutes == 1 { "minute" } else { "minutes" };
    format!("{minutes} {unit}")
}

/// A sentence from a message that begins with a small letter.
pub(crate) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(char::to_uppercase);
    let end = if message.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.map(String::from_iter).unwrap_or_default(), letters.as_str())
}
