//! Users: addresses are taken once and for ever, and whoever is out is out at once.

use identity::users::{EmailStanding, Name, Status, StatusChange, StatusRefusal, UserType};
use store::{AuditNote, By};
use store::{Conflict, Error, NewUser, Paging, ProfileChange, StatusOutcome, UserFilter};

use crate::engines::both;
use crate::house::{at, digest, email, new_staff};

both! {
    async fn what_is_added_is_found_again(house) {
        let user = house.staff("Ada@Example.com").await;
        assert_eq!(user.email.as_typed(), "Ada@Example.com");
        let by_id = house.store.find_user(&user.id).await.unwrap();
        assert_eq!(by_id.as_ref(), Some(&user));
        let by_email = house
            .store
            .find_user_by_email(UserType::Staff, &user.population, "ada@example.com")
            .await
            .unwrap();
        assert_eq!(by_email.as_ref(), Some(&user));
        let customer = house
            .store
            .find_user_by_email(UserType::Customer, &user.population, "ada@example.com")
            .await
            .unwrap();
        assert_eq!(customer, None, "the same address at another type is another human's");
    }

    async fn s052_an_address_is_taken_once_even_by_the_deleted(house) {
        let user = house.staff("ada@example.com").await;
        let delete = StatusChange::Delete;
        house.store.change_user_status(&user.id, delete, &By::operator(), at(1)).await.unwrap();
        let again = new_staff("ADA@example.com");
        let said = house.store.add_user(&again, &[], &By::operator(), at(2)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::EmailTaken))), "{said:?}");
        let customer = NewUser { user_type: UserType::Customer, ..again };
        house.store.add_user(&customer, &[], &By::operator(), at(3)).await.unwrap();
    }

    async fn s093_whoever_is_deactivated_is_out_at_once(house) {
        house.administrator("admin@example.com").await;
        let user = house.staff("ada@example.com").await;
        house.password(&user, "hash").await;
        house.session(&user, "token", at(1)).await;
        let seen = house.store.latest_change().await.unwrap();
        let change = StatusChange::Deactivate;
        let done = house.store.change_user_status(&user.id, change, &By::operator(), at(2)).await;
        let StatusOutcome::Changed(changed) = done.unwrap() else { panic!("refused") };
        assert_eq!(changed.status, Status::Deactivated);
        let found = house.store.find_session(&digest("token")).await.unwrap().unwrap();
        assert_eq!(found.session.ended_at, Some(at(2)));
        assert_eq!(found.user.status, Status::Deactivated);
        assert!(house.store.latest_change().await.unwrap() > seen, "no process would notice");
    }

    async fn asking_for_what_is_so_writes_nothing(house) {
        let user = house.staff("ada@example.com").await;
        let before = house.store.latest_change().await.unwrap();
        let change = StatusChange::Activate;
        let done = house.store.change_user_status(&user.id, change, &By::operator(), at(2)).await;
        assert_eq!(done.unwrap(), StatusOutcome::Changed(Box::new(user)));
        assert_eq!(house.store.latest_change().await.unwrap(), before);
    }

    async fn whoever_is_restored_gets_no_old_groups(house) {
        house.administrator("first@example.com").await;
        let user = house.administrator("ada@example.com").await;
        for change in [StatusChange::Delete, StatusChange::Restore, StatusChange::Activate] {
            house.store.change_user_status(&user.id, change, &By::operator(), at(1)).await.unwrap();
        }
        let user = house.store.find_user(&user.id).await.unwrap().unwrap();
        assert_eq!(user.status, Status::Active);
        assert_eq!(house.store.list_groups_of(&user.id).await.unwrap(), []);
    }

    async fn the_last_active_administrator_stays(house) {
        let admin = house.administrator("admin@example.com").await;
        for change in [StatusChange::Deactivate, StatusChange::Delete] {
            let said =
                house.store.change_user_status(&admin.id, change, &By::operator(), at(1)).await;
            let last = StatusOutcome::Refused(StatusRefusal::LastAdministrator);
            assert_eq!(said.unwrap(), last);
        }
        // Somebody who could never sign in does not count.
        let group = house.administrators().await.id;
        let new = new_staff("no-way-in@example.com");
        house.store.add_user(&new, &[group], &By::operator(), at(1)).await.unwrap();
        assert_eq!(house.store.count_administrators().await.unwrap(), 1);
        let change = StatusChange::Deactivate;
        let said = house.store.change_user_status(&admin.id, change, &By::operator(), at(2)).await;
        assert_eq!(said.unwrap(), StatusOutcome::Refused(StatusRefusal::LastAdministrator));
        house.administrator("second@example.com").await;
        let said = house.store.change_user_status(&admin.id, change, &By::operator(), at(3)).await;
        assert!(matches!(said.unwrap(), StatusOutcome::Changed(_)));
    }

    async fn nobody_ends_their_own_access(house) {
        house.administrator("admin@example.com").await;
        let user = house.administrator("ada@example.com").await;
        let by = By::user(user.id.clone(), AuditNote::default());
        let change = StatusChange::Deactivate;
        let said = house.store.change_user_status(&user.id, change, &by, at(1)).await.unwrap();
        assert_eq!(said, StatusOutcome::Refused(StatusRefusal::Yourself));
    }

    async fn a_change_of_profile_keeps_what_it_does_not_name(house) {
        let user = house.staff("ada@example.com").await;
        house.staff("bob@example.com").await;
        let name = Name { given: "Augusta".to_owned(), family: String::new() };
        let change = ProfileChange { name: Some(name.clone()), ..ProfileChange::default() };
        let by = By::operator();
        let changed =
            house.store.change_user_profile(&user.id, &change, &by, at(1)).await.unwrap();
        assert_eq!((&changed.name, &changed.locale), (&name, &user.locale));
        let address = Some((email("bob@EXAMPLE.com"), EmailStanding::VouchedFor));
        let change = ProfileChange { email: address, ..ProfileChange::default() };
        let said = house.store.change_user_profile(&user.id, &change, &by, at(2)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::EmailTaken))), "{said:?}");
        let address = Some((email("new@example.com"), EmailStanding::Verified));
        let change = ProfileChange { email: address, locale: Some(None), ..change };
        let changed =
            house.store.change_user_profile(&user.id, &change, &by, at(3)).await.unwrap();
        assert_eq!(house.store.find_user(&user.id).await.unwrap(), Some(changed));
    }

    async fn lists_go_on_where_the_page_before_ended(house) {
        for name in ["dora", "anna", "bert", "carl", "anton"] {
            house.staff(&format!("{name}@example.com")).await;
        }
        let all = UserFilter::default();
        let mut seen = Vec::new();
        let mut paging = Paging::first(2);
        loop {
            let page = house.store.list_users(&all, &paging).await.unwrap();
            seen.extend(page.items.iter().map(|user| user.email.as_typed().to_owned()));
            let Some(next) = page.next else { break };
            paging = Paging::after(next, 2);
        }
        let names: Vec<_> = seen.iter().filter_map(|email| email.split('@').next()).collect();
        assert_eq!(names, ["anna", "anton", "bert", "carl", "dora"]);
    }

    async fn lists_are_narrowed_by_type_status_and_beginning(house) {
        let mut users = Vec::new();
        for name in ["anna", "anton", "bert"] {
            users.push(house.staff(&format!("{name}@example.com")).await);
        }
        let customer = NewUser { user_type: UserType::Customer, ..new_staff("anna@example.com") };
        house.store.add_user(&customer, &[], &By::operator(), at(0)).await.unwrap();
        let change = StatusChange::Deactivate;
        house.store.change_user_status(&users[1].id, change, &By::operator(), at(1)).await.unwrap();
        let count = async |user_type, status, search: Option<&str>| {
            let filter = UserFilter { user_type, status, search: search.map(str::to_owned) };
            house.store.list_users(&filter, &Paging::first(10)).await.unwrap().items.len()
        };
        let staff = Some(UserType::Staff);
        assert_eq!(count(None, None, None).await, 4);
        assert_eq!(count(staff, None, None).await, 3);
        assert_eq!(count(None, Some(Status::Deactivated), None).await, 1);
        assert_eq!(count(staff, Some(Status::Active), None).await, 2);
        assert_eq!(count(None, None, Some("an")).await, 3);
        assert_eq!(count(staff, Some(Status::Active), Some("an")).await, 1);
        assert_eq!(count(None, None, Some("%")).await, 0, "no pattern, a beginning");
    }
}
