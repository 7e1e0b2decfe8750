//! Breaking the glass: who comes in by a door that takes no passwords when nothing else works, with
//! a password and a sealed code, once.

mod code;

use std::fmt;
use std::time::Duration;

use crate::applications::Application;
use crate::sessions::SessionTimes;
use crate::users::{Status, User};
use crate::weighed::Weighed;

pub use code::{code_digest, for_people, new_code};

/// Longest that a session lasts for which the glass was broken, used or not.
pub const LONGEST_SESSION: Duration = Duration::from_secs(3600);

/// The times of such a session at a door: its own, and an hour at most.
pub fn session_times(door: SessionTimes) -> SessionTimes {
    SessionTimes {
        idle: door.idle.min(LONGEST_SESSION),
        absolute: door.absolute.min(LONGEST_SESSION),
    }
}

/// Whom a seal is for, as they are now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Whether they may come in at all.
    pub status: Status,
    /// Whether they are among the administrators.
    pub is_administrator: bool,
    /// Whether they have a password of ours, and may have one.
    pub has_password: bool,
}

/// What a seal is worth now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Its code opens the door, with the password.
    Usable,
    /// Its code is used up.
    Opened,
    /// Whom it is for may not come in.
    NotActive,
    /// Whom it is for is no administrator any more.
    NotAdministrator,
    /// Whom it is for has no password of ours.
    NoPassword,
}

impl Standing {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Usable, Self::Opened, Self::NotActive, Self::NotAdministrator, Self::NoPassword];

    /// Of a seal that was opened or not, for this owner. What it is worth follows its owner: it is
    /// worth nothing while they are deactivated, and something again afterwards.
    pub const fn of(was_opened: bool, owner: Owner) -> Self {
        if was_opened {
            Self::Opened
        } else if !matches!(owner.status, Status::Active) {
            Self::NotActive
        } else if !owner.is_administrator {
            Self::NotAdministrator
        } else if !owner.has_password {
            Self::NoPassword
        } else {
            Self::Usable
        }
    }

    /// Stable name for JSON, the audit and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::Opened => "opened",
            Self::NotActive => "user_not_active",
            Self::NotAdministrator => "not_administrator",
            Self::NoPassword => "no_password",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Usable => "usable",
            Self::Opened => "used up",
            Self::NotActive => "void: the user is not active",
            Self::NotAdministrator => "void: the user is no administrator",
            Self::NoPassword => "void: the user has no password",
        })
    }
}

/// Why nothing is sealed for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealRefusal {
    /// They are of other doors.
    #[error(
        "this user is of another type or population than the application; choose one of its own"
    )]
    OfOtherDoors,
    /// They may not come in.
    #[error("this user is not active; let them in first: vestibule users activate ADDRESS")]
    NotActive,
    /// They are no administrator.
    #[error(
        "this user is no administrator; make them one first: vestibule groups add-member \
         administrators ADDRESS"
    )]
    NotAdministrator,
    /// They have no password of ours.
    #[error(
        "this user has no password, and the code works with it alone; set one first: vestibule \
         users set-password ADDRESS"
    )]
    NoPassword,
}

impl SealRefusal {
    /// Stable name for JSON and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OfOtherDoors => "wrong_user_type",
            Self::NotActive => "user_not_active",
            Self::NotAdministrator => "not_administrator",
            Self::NoPassword => "no_password",
        }
    }
}

/// Whether a code may be sealed for somebody at a door. The door may take passwords: sealing comes
/// before closing.
pub fn may_seal(door: &Application, user: &User, owner: Owner) -> Result<(), SealRefusal> {
    if user.user_type != door.user_type || user.population != door.population {
        return Err(SealRefusal::OfOtherDoors);
    }
    match Standing::of(false, owner) {
        Standing::Usable | Standing::Opened => Ok(()),
        Standing::NotActive => Err(SealRefusal::NotActive),
        Standing::NotAdministrator => Err(SealRefusal::NotAdministrator),
        Standing::NoPassword => Err(SealRefusal::NoPassword),
    }
}

/// Somebody who tries to come in, and what is known of them, read in the transaction that lets them
/// in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Whether a password alone opens the door.
    pub local_login: bool,
    /// What the seal is worth that they have at this door; none without one, or where nobody has the
    /// address.
    pub seal: Option<Standing>,
    /// Whether the password is theirs.
    pub password: bool,
    /// Whether the code is the sealed one.
    pub code: bool,
}

/// Why the glass holds. The audit learns it; whoever tries does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GlassRefusal {
    /// The door takes passwords: there is nothing to break.
    LocalLoginOpen,
    /// Nothing is sealed for them there.
    NotSealed,
    /// What is sealed is worth nothing.
    Void(Standing),
    /// The password is not theirs.
    WrongPassword,
    /// The code is another one.
    WrongCode,
}

impl GlassRefusal {
    /// Stable name for the audit and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::LocalLoginOpen => "local_login_open",
            Self::NotSealed => "not_sealed",
            Self::Void(standing) => standing.code(),
            Self::WrongPassword => "wrong_password",
            Self::WrongCode => "wrong_code",
        }
    }
}

/// A decision and the rules that were weighed for it, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Why the glass holds; none where it breaks.
    pub refusal: Option<GlassRefusal>,
    /// Why.
    pub rules: Vec<Weighed>,
}

/// Whether the glass breaks. Pure. The first rule that refuses settles the matter; whoever tries is
/// told the same in every case, so the order is for whoever reads the audit.
pub fn decide(trial: Trial) -> Decided {
    let void = trial.seal.filter(|standing| *standing != Standing::Usable);
    let or = |holds, yes, no| if holds { yes } else { no };
    let rules = [
        (
            "local_login",
            or(trial.local_login, "open", "closed"),
            trial.local_login.then_some(GlassRefusal::LocalLoginOpen),
        ),
        (
            "seal",
            trial.seal.map_or("none", Standing::code),
            void.map(GlassRefusal::Void)
                .or(trial.seal.is_none().then_some(GlassRefusal::NotSealed)),
        ),
        (
            "password",
            or(trial.password, "right", "wrong"),
            (!trial.password).then_some(GlassRefusal::WrongPassword),
        ),
        (
            "code",
            or(trial.code, "right", "wrong"),
            (!trial.code).then_some(GlassRefusal::WrongCode),
        ),
    ];
    let mut weighed = Vec::with_capacity(rules.len());
    for (rule, saw, refusal) in rules {
        weighed.push(Weighed { rule, saw: saw.to_owned(), settled: refusal.is_some() });
        if refusal.is_some() {
            return Decided { refusal, rules: weighed };
        }
    }
    Decided { refusal: None, rules: weighed }
}

#[cfg(test)]
mod tests;
