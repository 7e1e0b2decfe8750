//! Passwords: hashing them, signing in with them, and getting a new one.

pub mod break_glass;
pub mod forgot;
pub mod hasher;
pub mod phc;
pub mod reset;
pub mod sign_in;

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use identity::applications::Application;
use identity::passwords::{NewPassword, PasswordPolicy, PasswordRefusal};
use identity::return_to::ReturnTo;
use identity::secret::Secret;
use identity::throttle::{Limit, Throttles};
use identity::users::Name;

use crate::app::App;
use crate::config::{Config, PasswordsConfig, ThrottleConfig};
use crate::pages::View;
use crate::return_to::keep;

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
        code_subject: limit(config.code_subject_per_hour, 60, 60),
        code_address: limit(config.code_address_per_hour, 60, 60),
        code_network: limit(config.code_network_per_hour, 60, 60),
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

/// The page of a door that takes no passwords: every way to one is closed.
pub(crate) fn closed_page(app: &App, door: &Application, target: Option<&ReturnTo>) -> Response {
    let text = "Passwords are not accepted here, so there is none to set. Please go to the \
                sign-in page and choose another way.";
    let view = View::message("No passwords here", text)
        .at(door)
        .reason("local_login_closed")
        .way_on(keep(format!("/{}/login", door.key), target), "Go to the sign-in");
    app.pages.page(StatusCode::FORBIDDEN, &view)
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
