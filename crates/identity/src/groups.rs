//! Groups of users; what a group allows is said by its roles, later.

use serde::{Deserialize, Serialize};

use crate::ids::GroupId;
use crate::time::Moment;
use crate::users::UserType;

/// Name of the group whose active members with a working way in are the administrators.
pub const ADMINISTRATORS: &str = "administrators";

/// A set of users of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Name of the row.
    pub id: GroupId,
    /// Whose group it is.
    pub user_type: UserType,
    /// Unique within the user type, compared without regard to case.
    pub name: String,
    /// Made by us, cannot be removed or renamed.
    pub built_in: bool,
    /// When it came to be.
    pub created_at: Moment,
}

impl Group {
    /// Whether membership makes an administrator. No policy ever puts a newcomer into it.
    pub fn is_administrators(&self) -> bool {
        self.built_in && self.name == ADMINISTRATORS
    }
}

/// A name that no group can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupNameError {
    /// Nothing, or nothing but blanks.
    #[error("a group needs a name")]
    Empty,
    /// Longer than a list can show.
    #[error("a group name has at most 100 characters")]
    TooLong,
    /// Line breaks and other invisible characters.
    #[error("a group name has no control characters")]
    Control,
}

/// A group name as people type it, and the key by which it is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupName {
    shown: String,
    key: String,
}

impl GroupName {
    /// Checks and trims what was typed.
    pub fn parse(text: &str) -> Result<Self, GroupNameError> {
        let shown = text.trim();
        if shown.is_empty() {
            return Err(GroupNameError::Empty);
        }
        if shown.chars().count() > 100 {
            return Err(GroupNameError::TooLong);
        }
        if shown.chars().any(char::is_control) {
            return Err(GroupNameError::Control);
        }
        Ok(Self { shown: shown.to_owned(), key: crate::text::fold(shown) })
    }

    /// As typed.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Folded: two names with one key are one name.
    pub fn key(&self) -> &str {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_as_typed_and_found_in_any_case() {
        let name = GroupName::parse("  Order Desk ").unwrap();
        assert_eq!((name.shown(), name.key()), ("Order Desk", "order desk"));
    }

    #[test]
    fn a_name_has_1_to_100_visible_characters() {
        assert_eq!(GroupName::parse(" \t"), Err(GroupNameError::Empty));
        assert!(GroupName::parse(&"\u{fc}".repeat(100)).is_ok());
        assert_eq!(GroupName::parse(&"\u{fc}".repeat(101)), Err(GroupNameError::TooLong));
        assert_eq!(GroupName::parse("a\nb"), Err(GroupNameError::Control));
    }

    #[test]
    fn only_the_built_in_group_makes_administrators() {
        let group = |name: &str, built_in| Group {
            id: GroupId::from_stored("g"),
            user_type: UserType::Staff,
            name: name.to_owned(),
            built_in,
            created_at: Moment::from_seconds(0),
        };
        assert!(group(ADMINISTRATORS, true).is_administrators());
        assert!(!group(ADMINISTRATORS, false).is_administrators());
        assert!(!group("order desk", true).is_administrators());
    }
}
