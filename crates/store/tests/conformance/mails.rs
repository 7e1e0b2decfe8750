//! Mails: due until somebody has sent them or given them up, and one worker's at a time.

use std::time::Duration;

use identity::ids::MailId;
use store::{Error, MailQueue, NewMail};

use crate::engines::both;
use crate::house::at;

const LEASE: Duration = Duration::from_secs(60);

pub(crate) fn mail(id: &str) -> NewMail {
    NewMail { id: MailId::from_stored(id), sealed: format!("sealed {id}") }
}

both! {
    async fn a_lease_hides_a_mail_until_it_ends(house) {
        house.store.add_mail(&mail("one"), at(0)).await.unwrap();
        let leased = house.store.lease_mails(at(1), 10, LEASE).await.unwrap();
        assert_eq!(leased.len(), 1);
        assert_eq!((leased[0].sealed.as_str(), leased[0].tries), ("sealed one", 1));
        assert_eq!(house.store.lease_mails(at(60), 10, LEASE).await.unwrap(), []);
        let again = house.store.lease_mails(at(61), 10, LEASE).await.unwrap();
        assert_eq!(again[0].tries, 2);
        assert_eq!(again[0].created_at, at(0));
    }

    async fn sent_and_given_up_mails_are_never_due_again(house) {
        for id in ["sent", "later", "never"] {
            house.store.add_mail(&mail(id), at(0)).await.unwrap();
        }
        let leased = house.store.lease_mails(at(1), 2, LEASE).await.unwrap();
        assert_eq!(leased.len(), 2, "no more than asked for");
        let id = MailId::from_stored;
        house.store.mail_sent(&id("sent"), at(2)).await.unwrap();
        house.store.mail_failed(&id("later"), "greylisted", Some(at(100)), at(2)).await.unwrap();
        house.store.mail_failed(&id("never"), "no such mailbox", None, at(2)).await.unwrap();
        assert_eq!(house.store.count_mails().await.unwrap(), MailQueue { waiting: 1, failed: 1 });
        assert_eq!(house.store.lease_mails(at(99), 10, LEASE).await.unwrap(), []);
        let due = house.store.lease_mails(at(100), 10, LEASE).await.unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].id, id("later"));
        let said = house.store.mail_sent(&id("nowhere"), at(3)).await;
        assert!(matches!(said, Err(Error::NotFound)), "{said:?}");
    }
}
