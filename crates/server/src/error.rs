//! What a page answers when it cannot do what was asked. A person's mistake is never a 500; a 500
//! never shows its cause, but always carries the request id that the log has too.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// An answer that is not the page that was asked for.
#[derive(Clone, Debug)]
pub enum PageError {
    /// No such page.
    NotFound,
    /// There is such a page, but it takes no such request.
    MethodNotAllowed,
    /// A form that we cannot read.
    BadForm,
    /// More than we read.
    TooLarge,
    /// The database or the hashing pool is busy: try again.
    Busy,
    /// Our fault.
    Broken,
}

impl PageError {
    /// HTTP status.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadForm => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Stable name, in the page and in tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BadForm => "bad_form",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::Broken => "broken",
        }
    }

    /// Heading and text for the person.
    pub const fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::NotFound => (
                "There is no such page",
                "Check the address, or go back to the application that you came from.",
            ),
            Self::MethodNotAllowed => (
                "This address takes no such request",
                "Go back and use the buttons of the page that you came from.",
            ),
            Self::BadForm => (
                "We could not read that form",
                "Go back, load the page again and fill in the form once more.",
            ),
            Self::TooLarge => ("That was too much at once", "Go back and send less text."),
            Self::Busy => {
                ("We are busy at the moment", "Nothing is lost. Please try again in a few seconds.")
            }
            Self::Broken => (
                "Something went wrong on our side",
                "Please try again. If it happens again, tell your administrator the request id \
                 below.",
            ),
        }
    }

    /// Logs an error that is ours and turns it into what the person sees.
    pub fn broken(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::Broken
    }
}

impl From<store::Error> for PageError {
    fn from(error: store::Error) -> Self {
        if matches!(error, store::Error::Busy(_)) {
            tracing::warn!(%error, "the database is busy or away");
            Self::Busy
        } else {
            Self::broken(error)
        }
    }
}

impl IntoResponse for PageError {
    /// The status alone: [`crate::pages::dress_errors`] makes the page, since only it knows the
    /// templates and the request.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
