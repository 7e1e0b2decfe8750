//! Pages: templates, what every page knows, and the page for every error.

mod assets;
mod dress;
mod form;
mod headers;
mod view;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

pub use assets::asset;
pub(crate) use assets::{ICON_FOLDER, colour_sheet};
pub use dress::dress_errors;
pub use form::SentBack;
pub(crate) use form::{FORM_EXPIRED, form_page, minutes_in_words, sentence, wait_page};
pub use headers::secure_headers;
pub use view::{Notice, View};

use crate::error::PageError;

/// Every template, by the name that handlers use.
const TEMPLATES: &[(&str, &str)] = &[
    ("account.html", include_str!("../../templates/account.html")),
    ("base.html", include_str!("../../templates/base.html")),
    ("break_glass.html", include_str!("../../templates/break_glass.html")),
    ("choose.html", include_str!("../../templates/choose.html")),
    ("consent.html", include_str!("../../templates/consent.html")),
    ("elsewhere.html", include_str!("../../templates/elsewhere.html")),
    ("forgot.html", include_str!("../../templates/forgot.html")),
    ("found.html", include_str!("../../templates/found.html")),
    ("form_post.html", include_str!("../../templates/form_post.html")),
    ("home.html", include_str!("../../templates/home.html")),
    ("host_logout.html", include_str!("../../templates/host_logout.html")),
    ("leave.html", include_str!("../../templates/leave.html")),
    ("login.html", include_str!("../../templates/login.html")),
    ("logout.html", include_str!("../../templates/logout.html")),
    ("message.html", include_str!("../../templates/message.html")),
    ("shown.html", include_str!("../../templates/shown.html")),
    ("mailbox.html", include_str!("../../templates/mailbox.html")),
    ("proof.html", include_str!("../../templates/proof.html")),
    ("repost.html", include_str!("../../templates/repost.html")),
    ("reset.html", include_str!("../../templates/reset.html")),
    ("setup.html", include_str!("../../templates/setup.html")),
    ("sign_out.html", include_str!("../../templates/sign_out.html")),
    ("mail/reset.txt", include_str!("../../templates/mail/reset.txt")),
    ("mail/no_password.txt", include_str!("../../templates/mail/no_password.txt")),
    ("mail/approved.txt", include_str!("../../templates/mail/approved.txt")),
    ("mail/rejected.txt", include_str!("../../templates/mail/rejected.txt")),
    ("mail/mailbox_code.txt", include_str!("../../templates/mail/mailbox_code.txt")),
    ("mail/email_changed.txt", include_str!("../../templates/mail/email_changed.txt")),
    ("mail/glass_broken.txt", include_str!("../../templates/mail/glass_broken.txt")),
    ("mail/identity_linked.txt", include_str!("../../templates/mail/identity_linked.txt")),
    ("mail/identity_unlinked.txt", include_str!("../../templates/mail/identity_unlinked.txt")),
    ("mail/password_changed.txt", include_str!("../../templates/mail/password_changed.txt")),
];

/// The style sheet; its address changes with its content.
const STYLE: &str = include_str!("../../assets/style.css");

/// Templates, ready to be filled.
pub struct Pages {
    environment: Environment<'static>,
    style_path: String,
}

impl Pages {
    /// The built-in theme.
    pub fn built_in() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| {
            if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
        });
        for (name, source) in TEMPLATES {
            // A template that does not parse is found by the test that fills every one.
            if let Err(error) = environment.add_template(name, source) {
                tracing::error!(%error, template = name, "a template does not parse");
            }
        }
        let digest = identity::secret::Digest::of(STYLE.as_bytes());
        let style_path = format!("/assets/style-{}.css", &digest.as_str()[..12]);
        Self { environment, style_path }
    }

    /// Where the style sheet is.
    pub fn style_path(&self) -> &str {
        &self.style_path
    }

    /// A filled template as text; for mails.
    pub fn text(&self, template: &str, context: Value) -> Result<String, PageError> {
        self.environment
            .get_template(template)
            .and_then(|template| template.render(context))
            .map_err(|error| PageError::broken(format!("{template}: {error:#}")))
    }

    /// A page.
    pub fn page(&self, status: StatusCode, view: &View) -> Response {
        match self.text(view.template(), view.context(&self.style_path)) {
            Ok(html) => {
                let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
                let mut response = (status, kind, html).into_response();
                response.extensions_mut().insert(view.policy());
                response
            }
            Err(error) => error.into_response(),
        }
    }
}
