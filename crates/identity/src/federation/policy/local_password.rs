//! Whether a user may have a password of ours: which of the policies holds for somebody who is there.

use super::{LocalPassword, Policy, PolicyFields};
use crate::users::{Birth, User};

/// What is set at a door of a user's type and population.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoorPolicy {
    /// For every connection of the door.
    pub defaults: PolicyFields,
    /// For the connection by whose provider the user has an identity, if it is one of those.
    pub connection: Option<PolicyFields>,
}

/// Whether this user may have a password of ours: to sign in with, to set, to reset, to be told of.
///
/// Whoever was entered by somebody may. For whoever was made by single sign-on, every connection
/// counts by which they can come, and each has to allow it: leaving any of those companies must
/// close this way, too. Who has none left is held to what the doors say for all their connections,
/// and where there is no door, to what is built in.
pub fn may_have_password(user: &User, doors: &[DoorPolicy]) -> bool {
    if user.birth == Birth::Added {
        return true;
    }
    let nothing = PolicyFields::default();
    let allows = |connection: &PolicyFields, defaults: &PolicyFields| {
        let policy = Policy::of(connection, defaults, user.user_type);
        policy.local_password.value == LocalPassword::Allowed
    };
    let own: Vec<bool> = doors
        .iter()
        .filter_map(|door| door.connection.as_ref().map(|own| allows(own, &door.defaults)))
        .collect();
    if !own.is_empty() {
        return own.into_iter().all(|allowed| allowed);
    }
    if doors.is_empty() {
        return allows(&nothing, &nothing);
    }
    doors.iter().all(|door| allows(&nothing, &door.defaults))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::Email;
    use crate::ids::{PublicId, UserId};
    use crate::time::Moment;
    use crate::users::{EmailStanding, Name, Population, Status, UserType};

    fn user(user_type: UserType, birth: Birth) -> User {
        User {
            id: UserId::from_stored("user"),
            public_id: PublicId::from_stored("public"),
            user_type,
            population: Population::default_one(),
            email: Email::parse("ada@company.test").unwrap(),
            email_standing: EmailStanding::Verified,
            name: Name::default(),
            locale: None,
            status: Status::Active,
            birth,
            created_at: Moment::from_seconds(0),
        }
    }

    fn fields(local_password: Option<LocalPassword>) -> PolicyFields {
        PolicyFields { local_password, ..PolicyFields::default() }
    }

    /// A door by what is set for all its connections, and for the user's own, if they have one.
    fn door(
        defaults: Option<LocalPassword>,
        connection: Option<Option<LocalPassword>>,
    ) -> DoorPolicy {
        DoorPolicy { defaults: fields(defaults), connection: connection.map(fields) }
    }

    const NEVER: Option<LocalPassword> = Some(LocalPassword::Never);
    const ALLOWED: Option<LocalPassword> = Some(LocalPassword::Allowed);

    #[test]
    fn who_came_by_single_sign_on_to_work_for_somebody_gets_no_password_unless_it_is_set() {
        for user_type in UserType::ALL {
            for doors in [vec![], vec![door(None, None)], vec![door(None, Some(None))]] {
                assert!(may_have_password(&user(user_type, Birth::Added), &doors));
                let may = may_have_password(&user(user_type, Birth::SingleSignOn), &doors);
                assert_eq!(may, user_type == UserType::Customer, "{user_type} {doors:?}");
            }
        }
    }

    #[test]
    fn whoever_was_entered_by_somebody_may_have_one_whatever_is_set() {
        let doors = [door(NEVER, Some(NEVER))];
        assert!(may_have_password(&user(UserType::Staff, Birth::Added), &doors));
    }

    #[test]
    fn every_connection_by_which_somebody_can_come_has_to_allow_it() {
        for (doors, expected) in [
            (vec![door(None, Some(ALLOWED))], true),
            (vec![door(None, Some(ALLOWED)), door(None, Some(None))], false),
            (vec![door(ALLOWED, Some(None)), door(None, Some(ALLOWED))], true),
            (vec![door(ALLOWED, Some(NEVER)), door(None, Some(ALLOWED))], false),
            // Doors that they cannot come by say nothing, and a connection says more than its door.
            (vec![door(None, Some(ALLOWED)), door(NEVER, None)], true),
            (vec![door(NEVER, Some(ALLOWED))], true),
            // Whoever has no identity left is held to the doors.
            (vec![door(ALLOWED, None)], true),
            (vec![door(ALLOWED, None), door(None, None)], false),
        ] {
            let may = may_have_password(&user(UserType::Staff, Birth::SingleSignOn), &doors);
            assert_eq!(may, expected, "{doors:?}");
        }
    }
}
