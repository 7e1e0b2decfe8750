//! Applications: the doors that people sign in at.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::return_to::Origin;
use crate::sessions::SessionTimes;
use crate::users::{Population, UserType};

/// First path segments that are served for something else, so no application can have them.
pub const RESERVED_KEYS: [&str; 23] = [
    ".vestibule",
    ".well-known",
    "account",
    "api",
    "assets",
    "commerce",
    "commerce-backend",
    "console",
    "docs",
    "events",
    "forward-auth",
    "healthz",
    "login",
    "metrics",
    "oauth",
    "openapi.json",
    "organisations",
    "readyz",
    "saml",
    "scim",
    "users",
    "vestibule",
    "webhooks",
];

/// An application's name in addresses and commands: `back-office`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApplicationKey(String);

/// A key that no application can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplicationKeyError {
    /// Letters, digits and hyphens.
    #[error(
        "an application's key has 2 to 32 lower-case letters, digits and hyphens and begins \
         with a letter"
    )]
    Shape,
    /// An address of ours begins with it.
    #[error("\"{0}\" is reserved; choose another key")]
    Reserved(String),
}

impl ApplicationKey {
    /// Checks what a person typed.
    pub fn parse(text: &str) -> Result<Self, ApplicationKeyError> {
        if !is_key(text) {
            return Err(ApplicationKeyError::Shape);
        }
        if RESERVED_KEYS.contains(&text) {
            return Err(ApplicationKeyError::Reserved(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// As the database gives it.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApplicationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 2 to 32 lower-case letters, digits and inner hyphens, a letter first. No underscore: `state`
/// is `{application}_{random}`, and the first underscore ends the application.
pub(crate) fn is_key(text: &str) -> bool {
    (2..=32).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// A door, with its policy for everybody who comes through it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Application {
    /// In addresses and commands.
    pub key: ApplicationKey,
    /// What people read.
    pub name: String,
    /// Who may enter.
    pub user_type: UserType,
    /// Which set of them.
    pub population: Population,
    /// Where a sign-in may return to, besides paths of our own.
    pub return_origins: Vec<Origin>,
    /// Whether a password of ours opens this door.
    pub local_login: bool,
    /// How long a session lasts.
    pub session: SessionTimes,
    /// What a session from another door of the same type must bring: a sign-in at most this long
    /// ago. None admits any live session of the type.
    pub fresh_within: Option<Duration>,
}

impl Application {
    /// The four doors that every house has, with the safe defaults.
    pub fn built_in() -> [Self; 4] {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let hours = |n: u64| minutes(60 * n);
        let door = |key: &str, name: &str, user_type, idle, absolute| Self {
            key: ApplicationKey(key.to_owned()),
            name: name.to_owned(),
            user_type,
            population: Population::default_one(),
            return_origins: Vec::new(),
            local_login: true,
            session: SessionTimes { idle, absolute },
            fresh_within: None,
        };
        [
            door("storefront", "Storefront", UserType::Customer, hours(24), hours(24 * 30)),
            door("back-office", "Back Office", UserType::Staff, minutes(60), hours(12)),
            door("merchant-portal", "Merchant Portal", UserType::Merchant, hours(8), hours(12)),
            door("dashboard", "Dashboard", UserType::Member, hours(8), hours(12)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_lower_case_words_and_never_reserved() {
        let longest = "a".repeat(32);
        for good in ["back-office", "b2b", "outlet", "ab", &longest] {
            assert!(ApplicationKey::parse(good).is_ok(), "{good}");
        }
        let too_long = "a".repeat(33);
        for bad in ["a", &too_long, "Back", "back_office", "-x", "x-", "2b", "", "a/b", "ä-b"] {
            assert_eq!(ApplicationKey::parse(bad), Err(ApplicationKeyError::Shape), "{bad}");
        }
        for reserved in ["login", "oauth", "console", "readyz"] {
            assert!(
                matches!(ApplicationKey::parse(reserved), Err(ApplicationKeyError::Reserved(_))),
                "{reserved}"
            );
        }
    }

    #[test]
    fn the_built_in_doors_obey_their_own_rules() {
        for door in Application::built_in() {
            assert_eq!(ApplicationKey::parse(door.key.as_str()), Ok(door.key));
        }
    }
}
