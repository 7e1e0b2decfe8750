//! Passwords: hashing them, signing in with them, and getting a new one.

pub mod forgot;
pub mod hasher;
pub mod phc;
pub mod reset;
pub mod sign_in;

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use identity::applications::Application;
use identity::passwords::{NewPassword, PasswordPolicy, PasswordRefusal};
use identity::secret::Secret;
use identity::throttle::{Limit, Throttles};
use identity::users::Name;
use serde::Deserialize;

use crate::app::App;
use crate::config::{Config, PasswordsConfig, ThrottleConfig};
use crate::pages::View;
use crate::visit::Visit;

/// What a page says after a form that another page, or an older one, has sent.
pub const FORM_EXPIRED: &str = "This page was open for too long. Please send the form once more.";

/// What [`crate::csrf::need_browser`] adds to the address that it sends a form back to.
#[derive(Default, Deserialize)]
pub struct SentBack {
    #[serde(default)]
    notice: String,
}

impl SentBack {
    /// What the page says then.
    pub(crate) fn words(&self) -> Option<String> {
        (self.notice == "expired").then(|| {
            "This page was open for too long, or your browser keeps no cookies. Please send the \
             form once more."
                .to_owned()
        })
    }
}

/// What the operator set.
pub fn throttles(config: &ThrottleConfig) -> Throttles {
    let limit =
        |failures, window, wait| Limit { failures, window: minutes(window), wait: minutes(wait) };
    Throttles {
        account_network: limit(
            config.account_network_failures,
            config.account_network_window_minutes,
            config.account_network_wait_minutes,
        ),
        account_row: config.account_failures,
        network: limit(
            config.network_failures,
            config.network_window_minutes,
            config.network_wait_minutes,
        ),
        reset_address: limit(config.reset_address_per_hour, 60, 60),
        reset_network: limit(config.reset_network_per_hour, 60, 60),
        client: Throttles::default().client,
    }
}

/// The policy for new passwords.
pub fn policy(config: &PasswordsConfig) -> PasswordPolicy {
    // The configuration was checked when it was read; whoever builds one by hand gets the default.
    PasswordPolicy::with_min_length(config.min_length).unwrap_or_default()
}

/// Checks a password that somebody wants to have, and gives the form to hash.
pub fn check_new(
    config: &Config,
    site: &str,
    name: &Name,
    email: &str,
    password: &Secret,
) -> Result<Secret, PasswordRefusal> {
    let host = config.server.public_url.host_str().unwrap_or("");
    let context = [site, "vestibule", host, &name.given, &name.family, email];
    NewPassword::check(password.expose(), &policy(&config.passwords), &context)
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

/// A page with a form that may be sent again only later.
pub(crate) fn wait_page(app: &App, visit: &Visit, minutes: u64, view: View) -> Response {
    let mut response = form_page(app, visit, StatusCode::TOO_MANY_REQUESTS, view);
    if let Ok(seconds) = HeaderValue::from_str(&minutes.saturating_mul(60).to_string()) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// The page of a door that takes no passwords: every way to one is closed.
pub(crate) fn closed_page(app: &App, door: &Application) -> Response {
    let text = "Passwords are not accepted here, so there is none to set. Please sign in by one \
                of the buttons of the sign-in page.";
    let view = View::message("No passwords here", text)
        .at(door)
        .reason("local_login_closed")
        .way_on(format!("/{}/login", door.key), "Go to the sign-in");
    app.pages.page(StatusCode::FORBIDDEN, &view)
}

/// A sentence from a message that begins with a small letter.
pub(crate) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(char::to_uppercase);
    let end = if message.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.map(String::from_iter).unwrap_or_default(), letters.as_str())
}

fn minutes(number: u64) -> Duration {
    Duration::from_secs(number.saturating_mul(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_configuration_are_the_policys_own() {
        assert_eq!(throttles(&ThrottleConfig::default()), Throttles::default());
    }
}
