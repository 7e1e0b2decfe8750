//! Passwords: looked up with their user, and worth a session only while both still hold.

use identity::ids::MailId;
use identity::throttle::{Throttles, buckets_for_sign_in, reserve, settled_ok};
use identity::users::{Birth, Population, Status, StatusChange, UserType};
use store::{
    ApplicationChange, By, ChangedPassword, Conflict, Error, NewMail, NewUser, PasswordChange,
    PasswordOutcome, PasswordSignIn, Reset, ResetRefusal, Setup, VerifiedPassword,
};

use crate::engines::both;
use crate::house::{House, at, back_office, digest, new_session, new_staff};
use crate::resets::{ask, taking};
use crate::setup::first;

async fn close(house: &House) {
    let change = ApplicationChange { local_login: Some(false), ..ApplicationChange::default() };
    let by = By::operator().forced(true);
    house.store.change_application(&back_office(), &change, &by, at(2)).await.unwrap();
}

both! {
    async fn a_login_is_found_with_or_without_a_password(house) {
        let user = house.staff("ada@example.com").await;
        let find = || {
            house.store.find_password_login(
                UserType::Staff,
                &user.population,
                "ada@example.com",
            )
        };
        assert_eq!(find().await.unwrap().unwrap().hash, None);
        house.password(&user, "hash").await;
        let login = find().await.unwrap().unwrap();
        assert_eq!((login.user, login.hash.as_deref()), (user, Some("hash")));
        let nobody = house
            .store
            .find_password_login(UserType::Staff, &Population::default_one(), "no@example.com")
            .await;
        assert_eq!(nobody.unwrap(), None);
    }

    async fn a_right_password_makes_a_session_and_a_known_device(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "hash").await;
        let browser = digest("browser");
        assert!(!house.store.find_known_device(&user.id, &browser).await.unwrap());
        let session = house.session(&user, "token", at(5)).await;
        assert!(house.store.find_known_device(&user.id, &browser).await.unwrap());
        assert!(!house.store.find_known_device(&user.id, &digest("other")).await.unwrap());
        let found = house.store.find_session(&digest("token")).await.unwrap().unwrap();
        assert_eq!((found.session, found.user), (session, user));
    }

    async fn s104_a_new_password_makes_strangers_of_all_devices_but_the_one_that_stays(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "hash").await;
        let browser = digest("browser");
        let session = house.session(&user, "token", at(5)).await;
        let (by, keep) = (By::operator(), Some(&session.id));
        house.store.set_password(&user.id, "second", keep, &by, at(6)).await.unwrap();
        assert!(house.store.find_known_device(&user.id, &browser).await.unwrap());
        house.store.set_password(&user.id, "third", None, &by, at(7)).await.unwrap();
        assert!(!house.store.find_known_device(&user.id, &browser).await.unwrap());
    }

    async fn rehashing_keeps_the_password_and_success_clears_the_counters(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "old").await;
        let ip = "192.0.2.1".parse().unwrap();
        let (population, key) = (&user.population, user.email.key());
        let buckets = buckets_for_sign_in(population, UserType::Staff, key, ip, None);
        let throttles = Throttles::default();
        let decider = |counters: &[_]| reserve(at(1), &throttles, counters);
        house.store.reserve_sign_in(&buckets, decider, at(1)).await.unwrap();
        let by = By::operator();
        let sign_in = PasswordSignIn {
            password: VerifiedPassword {
                user: &user.id,
                verified_hash: "old",
                rehash: Some("new"),
            },
            session: &new_session("token"),
            buckets: &buckets,
            by: &by,
        };
        let settled = |counters: &[_]| settled_ok(&throttles, at(1), counters);
        let done = house.store.complete_password_sign_in(&sign_in, settled, at(2)).await.unwrap();
        assert!(matches!(done, PasswordOutcome::SignedIn { .. }), "{done:?}");
        let login =
            house.store.find_password_login(UserType::Staff, population, key).await.unwrap();
        assert_eq!(login.unwrap().hash.as_deref(), Some("new"));
        house
            .store
            .change_throttles(
                &buckets,
                |counters| {
                    assert!(counters.iter().all(|(_, counter)| counter.is_none()));
                    Vec::new()
                },
                at(3),
            )
            .await
            .unwrap();
    }

    async fn what_changed_while_hashing_signs_nobody_in(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "new").await;
        let by = By::operator();
        let session = new_session("token");
        let sign_in = PasswordSignIn {
            password: VerifiedPassword {
                user: &user.id,
                verified_hash: "old",
                rehash: None,
            },
            session: &session,
            buckets: &[],
            by: &by,
        };
        let keep = |counters: &[_]| counters.to_vec();
        let done = house.store.complete_password_sign_in(&sign_in, keep, at(2)).await.unwrap();
        assert!(matches!(done, PasswordOutcome::PasswordChanged), "{done:?}");
        let off = StatusChange::Deactivate;
        house.store.change_user_status(&user.id, off, &by, at(3)).await.unwrap();
        let sign_in = PasswordSignIn {
            password: VerifiedPassword { verified_hash: "new", ..sign_in.password },
            ..sign_in
        };
        let done = house.store.complete_password_sign_in(&sign_in, keep, at(4)).await.unwrap();
        assert!(matches!(done, PasswordOutcome::NotActive(Status::Deactivated)), "{done:?}");
        assert_eq!(house.store.find_session(&digest("token")).await.unwrap(), None);
    }

    async fn s107_a_door_that_was_closed_meanwhile_takes_no_password(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "hash").await;
        let own = house.session(&user, "own", at(1)).await;
        let by = By::operator();
        ask(house, &user, "link").await;
        house.store.add_setup_link(&digest("setup"), at(600), &by, at(1)).await.unwrap();
        close(house).await;

        let session = new_session("token");
        let sign_in = PasswordSignIn {
            password: VerifiedPassword {
                user: &user.id,
                verified_hash: "hash",
                rehash: None,
            },
            session: &session,
            buckets: &[],
            by: &by,
        };
        let keep = |counters: &[_]| counters.to_vec();
        let done = house.store.complete_password_sign_in(&sign_in, keep, at(3)).await.unwrap();
        assert!(matches!(done, PasswordOutcome::LocalLoginClosed), "{done:?}");
        assert_eq!(house.store.find_session(&digest("token")).await.unwrap(), None);

        let change = PasswordChange {
            user: user.id.clone(),
            application: back_office(),
            verified_hash: "hash".to_owned(),
            hash: "new".to_owned(),
            keep: own.id.clone(),
            notice: NewMail { id: MailId::from_stored("changed"), sealed: "sealed".to_owned() },
        };
        let changed = house.store.change_password(&change, &by, at(3)).await.unwrap();
        assert_eq!(changed, ChangedPassword::NotAllowed);

        let taken = house.store.take_password_reset(&taking("link", "new"), &by, at(3)).await;
        assert_eq!(taken.unwrap(), Reset::Refused(ResetRefusal::LocalLoginClosed));
        let found = house.store.find_password_reset(&digest("link"), at(4)).await.unwrap();
        assert!(matches!(found, Reset::Good(_)), "it works at other doors: {found:?}");
        let (user_type, population) = (user.user_type, &user.population);
        let login = house.store.find_password_login(user_type, population, user.email.key()).await;
        assert_eq!(login.unwrap().unwrap().hash.as_deref(), Some("hash"));

        let first = first("first@example.com");
        let made = house.store.take_setup_link(&digest("setup"), &first, &by, at(3)).await;
        assert_eq!(made.unwrap(), Setup::LocalLoginClosed);
        assert_eq!(house.store.count_administrators().await.unwrap(), 0);
        let found = house.store.find_setup_link(&digest("setup"), at(4)).await.unwrap();
        assert_eq!(found, Setup::Open, "nothing was used up");
    }

    async fn a_new_password_ends_the_other_sessions(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "hash").await;
        let own = house.session(&user, "own", at(1)).await;
        house.session(&user, "other", at(1)).await;
        let by = By::operator();
        house.store.set_password(&user.id, "new", Some(&own.id), &by, at(2)).await.unwrap();
        let own = house.store.find_session(&digest("own")).await.unwrap().unwrap();
        let other = house.store.find_session(&digest("other")).await.unwrap().unwrap();
        assert_eq!((own.session.ended_at, other.session.ended_at), (None, Some(at(2))));
    }

    async fn staff_born_by_single_sign_on_get_no_password(house) {
        let by = By::operator();
        let new = NewUser { birth: Birth::SingleSignOn, ..new_staff("ada@example.com") };
        let user = house.store.add_user(&new, &[], &by, at(0)).await.unwrap();
        let said = house.store.set_password(&user.id, "hash", None, &by, at(1)).await;
        assert!(matches!(said, Err(Error::Conflict(Conflict::NoPassword))), "{said:?}");
    }

    async fn a_new_password_lifts_the_barrier(house) {
        let user = house.staff("ada@example.com").await;
        let ip = "192.0.2.1".parse().unwrap();
        let (population, key) = (&user.population, user.email.key());
        let buckets = buckets_for_sign_in(population, UserType::Staff, key, ip, None);
        let throttles = Throttles { account_row: 1, ..Throttles::default() };
        let decider = |counters: &[_]| reserve(at(1), &throttles, counters);
        house.store.reserve_sign_in(&buckets, decider, at(1)).await.unwrap();
        let stuck = house.store.reserve_sign_in(&buckets, decider, at(1)).await.unwrap();
        assert_eq!(stuck, identity::throttle::Reservation::Barrier);
        house.password(&user, "new").await;
        let free = house.store.reserve_sign_in(&buckets, decider, at(1)).await.unwrap();
        assert!(matches!(free, identity::throttle::Reservation::Granted { .. }), "{free:?}");
    }
}
