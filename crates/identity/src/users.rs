//! Users: who somebody is to the platform, and what may be done to them.

use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::ids::{PublicId, UserId};
use crate::text::is_unprintable;
use crate::time::Moment;

/// Which kind of door a user may open. The same human at two types is two users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserType {
    /// Buys at the storefront.
    Customer,
    /// Works for the platform, in the back office.
    Staff,
    /// Sells on the platform, in the merchant portal.
    Merchant,
    /// Acts for an organisation, in the dashboard.
    Member,
}

impl UserType {
    /// Every user type.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Staff, Self::Merchant, Self::Member];

    /// The word for it in data, cookies and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
            Self::Merchant => "merchant",
            Self::Member => "member",
        }
    }

    /// Whether this user type works for somebody; the stricter rules of linking apply to those.
    pub const fn is_privileged(self) -> bool {
        !matches!(self, Self::Customer)
    }
}

/// Whether a user may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// May sign in.
    Active,
    /// Waits for an administrator's approval.
    Held,
    /// May not sign in until somebody activates them.
    Deactivated,
    /// Gone for everybody but the audit; may be restored.
    Deleted,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Active, Self::Held, Self::Deactivated, Self::Deleted];

    /// The word for it in data and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Held => "held",
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
        }
    }
}

/// What stands behind a user's own e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailStanding {
    /// Typed by whoever registered; nobody has shown that it is theirs.
    Unconfirmed,
    /// Entered by an administrator, an import or an invitation.
    VouchedFor,
    /// Its owner has shown that mail to it arrives, or a provider's word for it counted.
    Verified,
}

impl EmailStanding {
    /// Every standing.
    pub const ALL: [Self; 3] = [Self::Unconfirmed, Self::VouchedFor, Self::Verified];

    /// The word for it in data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::VouchedFor => "vouched_for",
            Self::Verified => "verified",
        }
    }
}

/// How a user came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Birth {
    /// Entered by an operator or an administrator.
    Added,
    /// Made at the first sign-in through a provider.
    SingleSignOn,
}

impl Birth {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Added, Self::SingleSignOn];

    /// The word for it in data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::SingleSignOn => "single_sign_on",
        }
    }
}

/// A word that no such enumeration knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{found}\" is none of: {allowed}")]
pub struct UnknownWord {
    /// What was given.
    pub found: String,
    /// What could have been given, comma separated.
    pub allowed: String,
}

macro_rules! words {
    ($($name:ident),*) => {$(
        impl std::str::FromStr for $name {
            type Err = $crate::users::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::users::UnknownWord> {
                Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| $crate::users::UnknownWord {
                    found: text.to_owned(),
                    allowed: Self::ALL.map(Self::as_str).join(", "),
                })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}
pub(crate) use words;
words!(UserType, Status, EmailStanding, Birth);

/// A closed set of users of one type; separate brands may keep separate customers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Population(String);

impl Population {
    /// The one that exists from the start.
    pub fn default_one() -> Self {
        Self("default".to_owned())
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

/// What a person is called, as far as known; each part may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// `given_name` (OpenID Connect Core 5.1).
    pub given: String,
    /// `family_name` (OpenID Connect Core 5.1).
    pub family: String,
}

/// Longest part of a name, in characters.
const LONGEST_NAME: usize = 100;

/// What cannot be part of a name: too long for a list, or made to be obeyed and not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has at most 100 characters and no control characters; leave out the others")]
pub struct NameRefusal;

impl Name {
    /// As somebody typed it, without the blanks around each part.
    pub fn parse(given: &str, family: &str) -> Result<Self, NameRefusal> {
        let part = |text: &str| {
            let text = text.trim();
            let fits = text.chars().count() <= LONGEST_NAME && !text.contains(is_unprintable);
            if fits { Ok(text.to_owned()) } else { Err(NameRefusal) }
        };
        Ok(Self { given: part(given)?, family: part(family)? })
    }

    /// Both parts, or the one there is, or nothing.
    pub fn full(&self) -> String {
        [self.given.trim(), self.family.trim()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A user as the database knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Name of the row.
    pub id: UserId,
    /// `sub` in everything that we say to applications.
    pub public_id: PublicId,
    /// Which doors.
    pub user_type: UserType,
    /// Unique e-mail addresses within this.
    pub population: Population,
    /// Their own address; a provider never changes it by itself.
    pub email: Email,
    /// What stands behind the address.
    pub email_standing: EmailStanding,
    /// What they are called.
    pub name: Name,
    /// BCP 47 tag of the language they read, when known.
    pub locale: Option<String>,
    /// Whether they may come in.
    pub status: Status,
    /// How they came to be.
    pub birth: Birth,
    /// When they came to be.
    pub created_at: Moment,
}

impl User {
    /// What to call them on a page: the name, else the address.
    pub fn label(&self) -> String {
        let name = self.name.full();
        if name.is_empty() { self.email.as_typed().to_owned() } else { name }
    }
}

/// A change of somebody's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusChange {
    /// May sign in again.
    Activate,
    /// May not sign in.
    Deactivate,
    /// Gone, softly.
    Delete,
    /// Back from deleted; comes back deactivated, without old groups.
    Restore,
    /// Whoever waited for approval may sign in.
    Approve,
    /// Whoever waited for approval may not.
    Reject,
}

/// Why a status cannot be changed so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusRefusal {
    /// Somebody must be able to get in and undo it.
    #[error(
        "this is the last active administrator; make somebody else an administrator first \
         (vestibule groups add-member administrators EMAIL)"
    )]
    LastAdministrator,
    /// Nobody locks themselves out by a slip.
    #[error("you cannot deactivate or delete yourself; ask another administrator")]
    Yourself,
    /// A deleted user is restored first.
    #[error("this user is deleted; restore them first (vestibule users restore)")]
    Deleted,
    /// Only who waits can be approved or rejected.
    #[error(
        "this user does not wait for approval (vestibule users list --status held names those who \
         do); vestibule users activate and deactivate change the others"
    )]
    NotHeld,
    /// Only a deleted user can be restored.
    #[error("this user is not deleted, so there is nothing to restore")]
    NotDeleted,
}

impl StatusRefusal {
    /// Stable name for logs, tests and JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::LastAdministrator => "last_administrator",
            Self::Yourself => "yourself",
            Self::Deleted => "user_deleted",
            Self::NotHeld => "not_held",
            Self::NotDeleted => "not_deleted",
        }
    }
}

/// What is known when a status is to be changed, read in the same transaction.
#[derive(Clone, Copy, Debug)]
pub struct StatusFacts {
    /// As it is now.
    pub status: Status,
    /// Whether the user is an administrator.
    pub is_administrator: bool,
    /// How many *other* active administrators there are.
    pub other_active_administrators: u64,
    /// Whether the user does it to themselves.
    pub is_actor: bool,
}

impl StatusChange {
    /// The status afterwards, or why not. Asking for what is already so changes nothing.
    pub fn apply(self, facts: StatusFacts) -> Result<Status, StatusRefusal> {
        let ends_access = matches!(self, Self::Deactivate | Self::Delete);
        if ends_access && facts.is_actor {
            return Err(StatusRefusal::Yourself);
        }
        if ends_access
            && facts.is_administrator
            && facts.status == Status::Active
            && facts.other_active_administrators == 0
        {
            return Err(StatusRefusal::LastAdministrator);
        }
        match (self, facts.status) {
            (Self::Restore, Status::Deleted) => Ok(Status::Deactivated),
            (Self::Restore, _) => Err(StatusRefusal::NotDeleted),
            (Self::Approve, Status::Held) => Ok(Status::Active),
            (Self::Reject, Status::Held) => Ok(Status::Deactivated),
            (Self::Approve | Self::Reject, _) => Err(StatusRefusal::NotHeld),
            (Self::Delete, _) => Ok(Status::Deleted),
            (_, Status::Deleted) => Err(StatusRefusal::Deleted),
            (Self::Activate, _) => Ok(Status::Active),
            (Self::Deactivate, _) => Ok(Status::Deactivated),
        }
    }
}

#[cfg(test)]
mod tests;
