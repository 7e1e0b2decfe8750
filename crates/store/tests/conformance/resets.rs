//! Reset links: the latest works, once, in time, for somebody who may have a password.

use identity::ids::MailId;
use identity::users::{EmailStanding, StatusChange, User};
use store::{By, NewMail, NewReset, Reset, ResetRefusal, TakeReset};

use crate::engines::both;
use crate::house::{House, at, back_office, digest};

pub(crate) async fn ask(house: &House, user: &User, token: &str) {
    let reset = NewReset {
        user: user.id.clone(),
        token: digest(token),
        expires_at: at(7200),
        mail: NewMail { id: MailId::from_stored(token), sealed: "sealed".to_owned() },
    };
    house.store.add_password_reset(&reset, &By::operator(), at(1)).await.unwrap();
}

pub(crate) fn taking(token: &str, hash: &str) -> TakeReset {
    let notice = NewMail { id: MailId::from_stored(hash), sealed: "sealed".to_owned() };
    let (token, application) = (digest(token), back_office());
    TakeReset { token, application, hash: hash.to_owned(), notice }
}

async fn take(house: &House, token: &str, hash: &str, seconds: u64) -> Reset {
    let by = By::operator();
    house.store.take_password_reset(&taking(token, hash), &by, at(seconds)).await.unwrap()
}

both! {
    async fn a_link_is_looked_at_often_and_used_once(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "old").await;
        house.session(&user, "session", at(1)).await;
        ask(house, &user, "link").await;
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 1);
        for _ in 0..2 {
            let found = house.store.find_password_reset(&digest("link"), at(2)).await.unwrap();
            assert_eq!(found, Reset::Good(Box::new(user.clone())));
        }
        let taken = take(house, "link", "new", 3).await;
        let Reset::Good(reset) = taken else { panic!("{taken:?}") };
        assert_eq!(reset.email_standing, EmailStanding::Verified);
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 2, "the link and the notice");
        let login = house
            .store
            .find_password_login(user.user_type, &user.population, user.email.key())
            .await
            .unwrap();
        assert_eq!(login.unwrap().hash.as_deref(), Some("new"));
        let session = house.store.find_session(&digest("session")).await.unwrap().unwrap();
        assert_eq!(session.session.ended_at, Some(at(3)));
        let again = take(house, "link", "third", 4).await;
        assert_eq!(again, Reset::Refused(ResetRefusal::Used));
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 2, "no second notice");
        let found = house.store.find_password_reset(&digest("link"), at(4)).await.unwrap();
        assert_eq!(found, Reset::Refused(ResetRefusal::Used));
    }

    async fn older_links_and_late_ones_are_void(house) {
        let user = house.staff("ada@example.com").await;
        ask(house, &user, "first").await;
        ask(house, &user, "second").await;
        let found = house.store.find_password_reset(&digest("first"), at(2)).await.unwrap();
        assert_eq!(found, Reset::Refused(ResetRefusal::Voided));
        let found = house.store.find_password_reset(&digest("second"), at(7200)).await.unwrap();
        assert_eq!(found, Reset::Refused(ResetRefusal::Expired));
        let late = take(house, "second", "x", 7200).await;
        assert_eq!(late, Reset::Refused(ResetRefusal::Expired));
        let never = take(house, "never", "x", 2).await;
        assert_eq!(never, Reset::Refused(ResetRefusal::Unknown));
    }

    async fn a_link_opens_nothing_for_the_deactivated(house) {
        let user = house.staff("ada@example.com").await;
        ask(house, &user, "link").await;
        let by = By::operator();
        let off = StatusChange::Deactivate;
        house.store.change_user_status(&user.id, off, &by, at(2)).await.unwrap();
        let taken = take(house, "link", "x", 3).await;
        assert_eq!(taken, Reset::Refused(ResetRefusal::Voided));
        // None is made for them, which would wait for the day when they come back.
        let mails = house.store.count_mails().await.unwrap().waiting;
        ask(house, &user, "later").await;
        assert_eq!(house.store.count_mails().await.unwrap().waiting, mails);
        let on = StatusChange::Activate;
        house.store.change_user_status(&user.id, on, &by, at(4)).await.unwrap();
        let taken = take(house, "later", "x", 5).await;
        assert_eq!(taken, Reset::Refused(ResetRefusal::Unknown));
    }

    async fn a_password_set_meanwhile_voids_the_link(house) {
        let user = house.staff("ada@example.com").await;
        ask(house, &user, "link").await;
        house.password(&user, "hash").await;
        let found = house.store.find_password_reset(&digest("link"), at(2)).await.unwrap();
        assert_eq!(found, Reset::Refused(ResetRefusal::Voided));
    }
}
