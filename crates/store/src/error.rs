//! What can go wrong with a verb, in the four ways a caller can do something about.

use std::fmt;

use identity::federation::proven::{Again, Gap};

/// What stood in the way of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conflict {
    /// A user of this type and population, possibly a deleted one, has the address.
    EmailTaken,
    /// Another provider or application has the key.
    KeyTaken,
    /// Another group of the user type has the name.
    NameTaken,
    /// The application and the provider are connected already.
    AlreadyConnected,
    /// The application does not know the provider.
    NotConnected,
    /// No administrator would have a way in that is known to work.
    LockOut,
    /// A policy would keep out every administrator who is known to get in; the latest so.
    KeptOut(Again),
    /// Something else still depends on it.
    InUse,
    /// It was made by us and stays.
    BuiltIn,
    /// It is for users of another type.
    WrongUserType,
    /// The user signs in through a provider and may have no password of ours.
    NoPassword,
    /// It is there already.
    AlreadyThere,
}

impl Conflict {
    /// Stable name for JSON, logs and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::EmailTaken => "email_taken",
            Self::KeyTaken => "key_taken",
            Self::NameTaken => "name_taken",
            Self::AlreadyConnected => "already_connected",
            Self::NotConnected => "not_connected",
            Self::LockOut | Self::KeptOut(_) => "lock_out",
            Self::InUse => "in_use",
            Self::BuiltIn => "built_in",
            Self::WrongUserType => "wrong_user_type",
            Self::NoPassword => "no_password",
            Self::AlreadyThere => "already_there",
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeptOut(again) => return kept_out(f, *again),
            Self::EmailTaken => {
                "a user has this e-mail address already; find them with `vestibule users list \
                 --search`, deleted ones included"
            }
            Self::KeyTaken => "this key is taken; choose another",
            Self::NameTaken => "a group has this name already; choose another",
            Self::AlreadyConnected => {
                "the application is connected to this provider already; change that connection \
                 with `vestibule providers change-connection`"
            }
            Self::NotConnected => {
                "the application is not connected to this provider; connect it first with \
                 `vestibule providers connect`"
            }
            Self::LockOut => {
                "an application would be left without an administrator who is known to get in: by a \
                 password that is taken there, by a sealed code and its password, or by a completed \
                 sign-in there through a connected provider in the last 30 days. First let an \
                 administrator sign in there through the provider, or seal a code for one who has a \
                 password (`vestibule break-glass seal`); --force changes it all the same"
            }
            Self::InUse => "something still depends on it; remove that first, or switch it off",
            Self::BuiltIn => "it is built in and stays as it is",
            Self::WrongUserType => "it is for users of another type; choose one of the same type",
            Self::NoPassword => {
                "this user signs in through an identity provider and may have no password here"
            }
            Self::AlreadyThere => "it is there already, so nothing was added",
        })
    }
}

/// What is missing, and what to do.
fn kept_out(f: &mut fmt::Formatter<'_>, again: Again) -> fmt::Result {
    f.write_str(
        "under this policy no administrator of the application would have a way in that is known to \
         work: none has a password that is taken there or that goes with a sealed code, and ",
    )?;
    match again {
        Again::Out(reason) => write!(
            f,
            "of those who came through a provider in the last 30 days nobody would get in (the \
             latest is refused: {})",
            reason.code()
        )?,
        Again::Unproven(Gap::NotRecorded) => f.write_str(
            "what becomes of those who came through a provider in the last 30 days cannot be said, \
             because it reads claims that were not recorded then",
        )?,
        Again::Unproven(Gap::AnotherHook) => f.write_str(
            "this decision hook has let in none of those who came through a provider in the last \
             30 days",
        )?,
        // Somebody who gets in keeps nobody out: there is no such conflict.
        Again::In => {}
    }
    f.write_str(
        ". `vestibule explain --claims FILE --policy FILE` shows what becomes of somebody; --force \
         changes it all the same",
    )
}

/// Why a verb did not do its work. A storage fault is never "not found".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The facts forbid it; nothing was written.
    #[error("{0}")]
    Conflict(Conflict),
    /// There is no such thing; nothing was written.
    #[error("there is no such entry; check the name or id")]
    NotFound,
    /// The database is locked, overloaded or out of reach; try again in a moment. When the
    /// connection broke during COMMIT, whether it was written is unknown; otherwise it was not.
    #[error("the database is busy or cannot be reached; try again in a moment ({0})")]
    Busy(String),
    /// The database said something that this version does not expect; see the log.
    #[error("the database answered with something unexpected: {0}")]
    Broken(String),
}

/// What comes back from a verb.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure inside a transaction, before it is known whether to run the transaction again.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Another transaction was in the way; the same transaction may pass the next time.
    Again(String),
    /// Another's lock, waited for as long as anybody should wait; only opening waits longer.
    Waited(String),
    /// A unique key. The call site knows what it means.
    Unique,
    /// A foreign key. The call site knows what it means.
    ForeignKey,
    /// Nothing that trying again would change.
    Final(Error),
    /// The body found that nothing is to be written, and has put its answer elsewhere.
    Undo,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Again(cause) | Fault::Waited(cause) => Self::Busy(cause),
            Fault::Unique => Self::Conflict(Conflict::AlreadyThere),
            // Seen on insert only; removals say what they mean with `on_foreign_key`.
            Fault::ForeignKey => Self::NotFound,
            Fault::Final(error) => error,
            Fault::Undo => Self::Broken("a transaction was undone without an answer".to_owned()),
        }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Final(Error::Broken(format!("JSON in a column: {error}")))
    }
}

/// Says at the call site what a violated key means.
pub(crate) trait Meaning<T> {
    /// A violated unique key means `conflict`.
    fn on_unique(self, conflict: Conflict) -> std::result::Result<T, Fault>;
    /// A violated foreign key means `conflict`.
    fn on_foreign_key(self, conflict: Conflict) -> std::result::Result<T, Fault>;
}

impl<T> Meaning<T> for std::result::Result<T, Fault> {
    fn on_unique(self, conflict: Conflict) -> Self {
        self.map_err(|fault| match fault {
            Fault::Unique => Fault::Final(Error::Conflict(conflict)),
            other => other,
        })
    }

    fn on_foreign_key(self, conflict: Conflict) -> Self {
        self.map_err(|fault| match fault {
            Fault::ForeignKey => Fault::Final(Error::Conflict(conflict)),
            other => other,
        })
    }
}
