//! Applications: the doors that people sign in at.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::federation::policy::PolicyFields;
use crate::ids::ProviderId;
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
    /// The provider that whoever comes to the login page is sent to, where it is connected and
    /// nothing has to be said first ([`crate::federation::ways`]).
    pub auto_redirect: Option<ProviderId>,
    /// How long a session lasts.
    pub session: SessionTimes,
    /// What a session from another door of the same type must bring: a sign-in at most this long
    /// ago. None admits any live session of the type.
    pub fresh_within: Option<Duration>,
    /// For how long after they proved who they are people count as authenticated, and may change
    /// the ways into their account; after that they are recognised, for as long as the session
    /// lasts.
    pub authenticated_for: Duration,
    /// What was set for every connection of this door, where the connection says nothing else.
    pub defaults: PolicyFields,
}

/// Longest name of a door, in characters.
const MAX_NAME: usize = 60;

/// Shortest idle time. Last uses are exact to 60 seconds, so a shorter one would end sessions that
/// are in use.
const MIN_IDLE: Duration = Duration::from_secs(120);

/// Longest life of a session. Browsers keep no cookie for longer.
const MAX_ABSOLUTE: Duration = Duration::from_secs(400 * 24 * 3600);

/// Who is known for no longer than that is gone with the browser's window.
const LONGEST_SITTING: Duration = Duration::from_secs(24 * 3600);

/// Shortest time within which a sign-in is fresh: shorter, and people are asked again on their way.
const MIN_FRESH: Duration = Duration::from_secs(60);

/// Longest time for which somebody counts as authenticated: longer, and it would be a promise about
/// whoever sits there now.
const MAX_AUTHENTICATED: Duration = Duration::from_secs(24 * 3600);

/// A door that cannot be saved; each says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplicationError {
    /// Nothing to read, or too much.
    #[error("give the application a name of 1 to {MAX_NAME} characters, as people shall read it")]
    Name,
    /// Sessions would end under people's hands.
    #[error("an idle time has at least 2 minutes, because last uses are exact to a minute only")]
    IdleTooShort,
    /// The idle time would never count.
    #[error("the idle time cannot be longer than the absolute time; change both together")]
    IdleBeyondAbsolute,
    /// No browser would keep it.
    #[error("an absolute time has at most 400 days, because browsers keep no cookie for longer")]
    AbsoluteTooLong,
    /// Nobody would come in.
    #[error("a sign-in stays fresh for at least a minute, or nobody could come in")]
    FreshTooShort,
    /// People would be asked for ever, or as good as never.
    #[error(
        "people count as authenticated for 1 minute to 24 hours after they proved who they are"
    )]
    AuthenticatedFor,
}

impl ApplicationError {
    /// Stable name for JSON and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Name => "application_name",
            Self::IdleTooShort => "idle_too_short",
            Self::IdleBeyondAbsolute => "idle_beyond_absolute",
            Self::AbsoluteTooLong => "absolute_too_long",
            Self::FreshTooShort => "fresh_too_short",
            Self::AuthenticatedFor => "authenticated_for",
        }
    }
}

impl Application {
    /// How long a browser keeps the session's cookie: past its own end at doors where people are
    /// known again for days, else none, so that whoever uses it next finds nobody signed in.
    pub fn cookie_life(&self) -> Option<Duration> {
        (self.session.idle > LONGEST_SITTING).then_some(self.session.absolute)
    }

    /// Checks a door before a change of it is saved.
    pub fn check(&self) -> Result<(), ApplicationError> {
        let length = self.name.trim().chars().count();
        if !(1..=MAX_NAME).contains(&length) || self.name.chars().any(char::is_control) {
            return Err(ApplicationError::Name);
        }
        if self.session.idle < MIN_IDLE {
            return Err(ApplicationError::IdleTooShort);
        }
        if self.session.idle > self.session.absolute {
            return Err(ApplicationError::IdleBeyondAbsolute);
        }
        if self.session.absolute > MAX_ABSOLUTE {
            return Err(ApplicationError::AbsoluteTooLong);
        }
        if self.fresh_within.is_some_and(|within| within < MIN_FRESH) {
            return Err(ApplicationError::FreshTooShort);
        }
        if !(MIN_FRESH..=MAX_AUTHENTICATED).contains(&self.authenticated_for) {
            return Err(ApplicationError::AuthenticatedFor);
        }
        Ok(())
    }

    /// The four doors that every house has, with the safe defaults.
    pub fn built_in() -> [Self; 4] {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let hours = |n: u64| minutes(60 * n);
        let days = |n: u64| hours(24 * n);
        let door = |key: &str, name: &str, user_type, idle, absolute| Self {
            key: ApplicationKey(key.to_owned()),
            name: name.to_owned(),
            user_type,
            population: Population::default_one(),
            return_origins: Vec::new(),
            local_login: true,
            auto_redirect: None,
            session: SessionTimes { idle, absolute },
            fresh_within: None,
            // Shoppers sit at the checkout for longer than anybody is away from a desk.
            authenticated_for: minutes(if user_type == UserType::Customer { 30 } else { 10 }),
            defaults: PolicyFields::default(),
        };
        [
            // A shop knows its customers again; what needs more asks them how lately they signed in.
            door("storefront", "Storefront", UserType::Customer, days(90), days(365)),
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
            assert_eq!(door.check(), Ok(()));
            assert_eq!(ApplicationKey::parse(door.key.as_str()), Ok(door.key));
        }
    }

    #[test]
    fn customers_are_known_for_months_and_everybody_else_for_a_working_day() {
        let hours = |n: u64| Duration::from_secs(3600 * n);
        let times = Application::built_in().map(|door| (door.key.0.clone(), door.session.idle));
        let expected = [
            ("storefront", hours(24 * 90)),
            ("back-office", hours(1)),
            ("merchant-portal", hours(8)),
            ("dashboard", hours(8)),
        ];
        assert_eq!(times, expected.map(|(key, idle)| (key.to_owned(), idle)));
        let lives = Application::built_in().map(|door| door.cookie_life());
        assert_eq!(lives, [Some(hours(24 * 365)), None, None, None]);
        let [shop, ..] = Application::built_in();
        let session = SessionTimes { idle: hours(24), absolute: hours(48) };
        assert_eq!(Application { session, ..shop }.cookie_life(), None, "a day is a sitting");
    }

    #[test]
    fn shoppers_count_as_authenticated_for_half_an_hour_and_everybody_else_for_ten_minutes() {
        for door in Application::built_in() {
            let minutes = if door.user_type == UserType::Customer { 30 } else { 10 };
            assert_eq!(door.authenticated_for, Duration::from_secs(60 * minutes), "{}", door.key);
        }
    }

    #[test]
    fn a_door_that_nobody_could_use_well_is_refused() {
        let [door, ..] = Application::built_in();
        let seconds = Duration::from_secs;
        let with = |idle, absolute| {
            let session = SessionTimes { idle: seconds(idle), absolute: seconds(absolute) };
            Application { session, ..door.clone() }.check()
        };
        let day = 24 * 3600;
        assert_eq!(with(120, 120), Ok(()));
        assert_eq!(with(119, 3600), Err(ApplicationError::IdleTooShort));
        assert_eq!(with(3601, 3600), Err(ApplicationError::IdleBeyondAbsolute));
        assert_eq!(with(day, 400 * day), Ok(()));
        assert_eq!(with(day, 400 * day + 1), Err(ApplicationError::AbsoluteTooLong));
        let fresh = |within| {
            let fresh_within = Some(seconds(within));
            Application { fresh_within, ..door.clone() }.check()
        };
        assert_eq!((fresh(60), fresh(59)), (Ok(()), Err(ApplicationError::FreshTooShort)));
        let authenticated = |length| {
            let authenticated_for = seconds(length);
            Application { authenticated_for, ..door.clone() }.check()
        };
        assert_eq!((authenticated(60), authenticated(day)), (Ok(()), Ok(())));
        for length in [59, day + 1] {
            assert_eq!(authenticated(length), Err(ApplicationError::AuthenticatedFor), "{length}");
        }
        for name in ["", " ", "a\nb", &"x".repeat(61)] {
            let named = Application { name: name.to_owned(), ..door.clone() };
            assert_eq!(named.check(), Err(ApplicationError::Name), "{name:?}");
        }
        let codes = [
            ApplicationError::Name,
            ApplicationError::IdleTooShort,
            ApplicationError::IdleBeyondAbsolute,
            ApplicationError::AbsoluteTooLong,
            ApplicationError::FreshTooShort,
            ApplicationError::AuthenticatedFor,
        ]
        .map(ApplicationError::code);
        assert_eq!(
            codes,
            [
                "application_name",
                "idle_too_short",
                "idle_beyond_absolute",
                "absolute_too_long",
                "fresh_too_short",
                "authenticated_for"
            ]
        );
    }
}
