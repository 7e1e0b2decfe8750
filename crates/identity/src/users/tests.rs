//! Who may change whose status, and what people are called.

use super::*;

fn facts(status: Status) -> StatusFacts {
    StatusFacts { status, is_administrator: false, other_active_administrators: 0, is_actor: false }
}

#[test]
fn the_last_active_administrator_stays() {
    let last = StatusFacts { is_administrator: true, ..facts(Status::Active) };
    for change in [StatusChange::Deactivate, StatusChange::Delete] {
        assert_eq!(change.apply(last), Err(StatusRefusal::LastAdministrator));
        let second = StatusFacts { other_active_administrators: 1, ..last };
        assert!(change.apply(second).is_ok());
    }
}

#[test]
fn an_inactive_administrator_is_not_the_last_active_one() {
    let idle = StatusFacts { is_administrator: true, ..facts(Status::Deactivated) };
    assert_eq!(StatusChange::Delete.apply(idle), Ok(Status::Deleted));
}

#[test]
fn nobody_ends_their_own_access() {
    let own = StatusFacts { is_actor: true, ..facts(Status::Active) };
    assert_eq!(StatusChange::Deactivate.apply(own), Err(StatusRefusal::Yourself));
    assert_eq!(StatusChange::Delete.apply(own), Err(StatusRefusal::Yourself));
    assert_eq!(StatusChange::Activate.apply(own), Ok(Status::Active));
}

#[test]
fn the_deleted_are_restored_before_anything_else() {
    let deleted = facts(Status::Deleted);
    assert_eq!(StatusChange::Activate.apply(deleted), Err(StatusRefusal::Deleted));
    assert_eq!(StatusChange::Restore.apply(deleted), Ok(Status::Deactivated));
    assert_eq!(StatusChange::Restore.apply(facts(Status::Active)), Err(StatusRefusal::NotDeleted));
}

#[test]
fn asking_for_what_is_so_changes_nothing() {
    for (change, status) in [
        (StatusChange::Activate, Status::Active),
        (StatusChange::Deactivate, Status::Deactivated),
        (StatusChange::Delete, Status::Deleted),
    ] {
        assert_eq!(change.apply(facts(status)), Ok(status));
    }
    assert_eq!(StatusChange::Restore.apply(facts(Status::Deleted)), Ok(Status::Deactivated));
    assert_eq!(StatusChange::Activate.apply(facts(Status::Held)), Ok(Status::Active));
    assert_eq!(StatusChange::Deactivate.apply(facts(Status::Held)), Ok(Status::Deactivated));
    let deleted = facts(Status::Deleted);
    assert_eq!(StatusChange::Deactivate.apply(deleted), Err(StatusRefusal::Deleted));
}

#[test]
fn a_deleted_administrator_may_still_be_restored_by_themselves() {
    let own = StatusFacts { is_actor: true, is_administrator: true, ..facts(Status::Deleted) };
    assert_eq!(StatusChange::Restore.apply(own), Ok(Status::Deactivated));
}

fn user(user_type: UserType, birth: Birth, name: Name) -> User {
    User {
        id: UserId::from_stored("u"),
        public_id: PublicId::from_stored("p"),
        user_type,
        population: Population::default_one(),
        email: Email::from_stored("Ada@company.test", "ada@company.test"),
        email_standing: EmailStanding::VouchedFor,
        name,
        locale: None,
        status: Status::Active,
        birth,
        created_at: Moment::from_seconds(0),
    }
}

#[test]
fn people_are_called_by_what_is_known_of_their_name() {
    let called = |given: &str, family: &str| {
        let name = Name { given: given.to_owned(), family: family.to_owned() };
        user(UserType::Staff, Birth::Added, name).label()
    };
    assert_eq!(called(" Ada ", "Lovelace"), "Ada Lovelace");
    assert_eq!(called("Ada", " "), "Ada");
    assert_eq!(called("", "Lovelace"), "Lovelace");
    assert_eq!(called("", ""), "Ada@company.test");
}

#[test]
fn words_are_read_back_as_they_are_written() {
    for status in Status::ALL {
        assert_eq!(status.to_string().parse(), Ok(status));
    }
    for standing in EmailStanding::ALL {
        assert_eq!(serde_json::to_value(standing).unwrap(), standing.as_str());
    }
    for birth in Birth::ALL {
        assert_eq!(serde_json::to_value(birth).unwrap(), birth.as_str());
    }
    for user_type in UserType::ALL {
        assert_eq!(serde_json::to_value(user_type).unwrap(), user_type.as_str());
    }
    let error = "boss".parse::<UserType>().unwrap_err();
    assert_eq!(error.to_string(), "\"boss\" is none of: customer, staff, merchant, member");
}

#[test]
fn refusals_have_their_codes() {
    let codes = [
        StatusRefusal::LastAdministrator,
        StatusRefusal::Yourself,
        StatusRefusal::Deleted,
        StatusRefusal::NotDeleted,
    ]
    .map(StatusRefusal::code);
    assert_eq!(codes, ["last_administrator", "yourself", "user_deleted", "not_deleted"]);
}

#[test]
fn a_name_is_short_and_readable() {
    let name = Name::parse(" Zo\u{eb} ", "O'Neill-\u{5d0}").expect("a name");
    assert_eq!((name.given.as_str(), name.family.as_str()), ("Zo\u{eb}", "O'Neill-\u{5d0}"));
    assert_eq!(Name::parse("", ""), Ok(Name::default()));
    assert!(Name::parse(&"x".repeat(100), "").is_ok());
    for odd in ["\0", "a\u{1b}[2J", "a\nb", "a\u{202e}b", &"x".repeat(101)] {
        assert_eq!(Name::parse(odd, ""), Err(NameRefusal), "{odd:?}");
        assert_eq!(Name::parse("", odd), Err(NameRefusal), "{odd:?}");
    }
}
