//! Groups: names in any case, members of one type, and administrators who never run out.

use identity::groups::GroupName;
use identity::ids::{GroupId, UserId};
use identity::users::{StatusChange, StatusRefusal, UserType};
use store::{By, Conflict, Error, MemberOutcome, Paging};

use crate::engines::both;
use crate::house::at;

fn name(text: &str) -> GroupName {
    GroupName::parse(text).unwrap()
}

both! {
    async fn a_name_is_taken_in_any_case(house) {
        let by = By::operator();
        let group = house.store.add_group(UserType::Staff, &name("Support"), &by, at(1)).await;
        let group = group.unwrap();
        let said = house.store.add_group(UserType::Staff, &name("SUPPORT"), &by, at(2)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::NameTaken))), "{said:?}");
        house.store.add_group(UserType::Customer, &name("Support"), &by, at(2)).await.unwrap();
        let found = house.store.find_group_by_name(UserType::Staff, &name("support")).await;
        assert_eq!(found.unwrap(), Some(group.clone()));
        assert_eq!(house.store.find_group(&group.id).await.unwrap(), Some(group));
        let page = house.store.list_groups(&Paging::first(2)).await.unwrap();
        assert_eq!(page.items.len(), 2);
        let rest = Paging::after(page.next.unwrap(), 2);
        assert_eq!(house.store.list_groups(&rest).await.unwrap().items.len(), 1);
    }

    async fn members_come_and_go(house) {
        let by = By::operator();
        let user = house.staff("ada@example.com").await;
        let group =
            house.store.add_group(UserType::Staff, &name("Support"), &by, at(1)).await.unwrap();
        for _ in 0..2 {
            house.store.add_group_member(&group.id, &user.id, &by, at(2)).await.unwrap();
        }
        assert_eq!(house.store.list_groups_of(&user.id).await.unwrap(), std::slice::from_ref(&group));
        let gone = house.store.remove_group_member(&group.id, &user.id, &by, at(3)).await.unwrap();
        assert_eq!(gone, MemberOutcome::Removed);
        assert_eq!(house.store.list_groups_of(&user.id).await.unwrap(), []);
        let nobody = UserId::from_stored("nobody");
        let said = house.store.add_group_member(&group.id, &nobody, &by, at(4)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
        let nowhere = GroupId::from_stored("nowhere");
        let said = house.store.add_group_member(&nowhere, &user.id, &by, at(4)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
    }

    async fn members_are_listed_in_pages_and_the_deleted_are_none(house) {
        let by = By::operator();
        let group =
            house.store.add_group(UserType::Staff, &name("Support"), &by, at(1)).await.unwrap();
        let mut users = Vec::new();
        for number in 0..3 {
            let user = house.staff(&format!("user{number}@example.com")).await;
            house.store.add_group_member(&group.id, &user.id, &by, at(2)).await.unwrap();
            users.push(user);
        }
        let delete = StatusChange::Delete;
        house.store.change_user_status(&users[1].id, delete, &by, at(3)).await.unwrap();
        let mut expected: Vec<_> = [users[0].id.clone(), users[2].id.clone()].into();
        expected.sort();
        let page = house.store.list_group_members(&group.id, &Paging::first(1)).await.unwrap();
        assert_eq!(page.items[0].id, expected[0]);
        let rest = Paging::after(page.next.unwrap(), 1);
        let page = house.store.list_group_members(&group.id, &rest).await.unwrap();
        assert_eq!((page.items.len(), &page.items[0].id, page.next), (1, &expected[1], None));
    }

    async fn a_group_takes_only_its_own_type(house) {
        let by = By::operator();
        let user = house.staff("ada@example.com").await;
        let group =
            house.store.add_group(UserType::Customer, &name("VIP"), &by, at(1)).await.unwrap();
        let said = house.store.add_group_member(&group.id, &user.id, &by, at(2)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::WrongUserType))), "{said:?}");
    }

    async fn a_removed_group_leaves_no_members_and_ours_stay(house) {
        let by = By::operator();
        let user = house.staff("ada@example.com").await;
        let group =
            house.store.add_group(UserType::Staff, &name("Support"), &by, at(1)).await.unwrap();
        house.store.add_group_member(&group.id, &user.id, &by, at(2)).await.unwrap();
        house.store.remove_group(&group.id, &by, at(3)).await.unwrap();
        assert_eq!(house.store.list_groups_of(&user.id).await.unwrap(), []);
        let ours = house.administrators().await.id;
        let said = house.store.remove_group(&ours, &by, at(4)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::BuiltIn))), "{said:?}");
        let said = house.store.remove_group(&group.id, &by, at(5)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
    }

    async fn the_last_active_administrator_stays_in_the_group(house) {
        let by = By::operator();
        let group = house.administrators().await.id;
        let first = house.administrator("first@example.com").await;
        let said = house.store.remove_group_member(&group, &first.id, &by, at(1)).await.unwrap();
        assert_eq!(said, MemberOutcome::Refused(StatusRefusal::LastAdministrator));
        house.administrator("second@example.com").await;
        let said = house.store.remove_group_member(&group, &first.id, &by, at(1)).await.unwrap();
        assert_eq!(said, MemberOutcome::Removed);
    }
}
