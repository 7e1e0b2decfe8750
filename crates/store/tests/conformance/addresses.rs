//! A user's own address that follows their provider's, and everything that hangs on the one before.

use identity::federation::policy::{PolicyChange, UnknownUser};
use identity::ids::MailId;
use identity::throttle::{BucketKind, Reservation, Throttles, reserve};
use identity::users::{EmailStanding, User};
use serde_json::json;
use store::{By, ConnectionChange, NewMail, Paging, Reset, ResetRefusal, Sealer, Settle, Settled};

use crate::engines::both;
use crate::house::{House, at, digest, email, provider};
use crate::resets::ask;
use crate::settle::{arrive, decider};
use crate::throttles::buckets;

const MARRIED: &str = "ada@married.test";

/// Ada, who has come once, with a password; her address follows from now on.
async fn ada(house: &House) -> User {
    let ada = house.staff("ada@example.com").await;
    house.password(&ada, "hash").await;
    let acme = house.provider("acme", UnknownUser::Refuse, &[]).await;
    let settle = arrive(house, &acme, "ada", "ada@example.com").await;
    house.store.settle(&settle, decider(&settle)).await.unwrap();
    let id = house.store.list_connections(None).await.unwrap().remove(0).id;
    let set = serde_json::from_value(json!({ "sync": { "email": "force" } })).unwrap();
    let policy = PolicyChange { set, ..PolicyChange::default() };
    let change = ConnectionChange { policy, ..ConnectionChange::default() };
    house.store.change_connection(&id, &change, &By::operator(), at(1)).await.unwrap();
    ada
}

/// Comes back with another address.
async fn comes_as(house: &House, address: &str) -> Settled {
    let mut settle = arrive(house, &provider("acme"), "again", address).await;
    settle.arrival.external.subject = "ada".to_owned();
    let told = |to: &identity::email::Email| {
        let id = MailId::from_stored(format!("told {}", to.as_typed()));
        Ok(NewMail { id, sealed: "sealed".to_owned() })
    };
    let settle = Settle { letter: Some(Sealer::new(told)), ..settle };
    house.store.settle(&settle, decider(&settle)).await.unwrap()
}

async fn leased(house: &House) -> Vec<String> {
    let lease = std::time::Duration::from_secs(60);
    let mails = house.store.lease_mails(at(20), 10, lease).await.unwrap();
    mails.into_iter().map(|mail| mail.id.as_str().to_owned()).collect()
}

both! {
    async fn what_hangs_on_the_address_before_hangs_there_no_longer(house) {
        let ada = ada(house).await;
        house.session(&ada, "session", at(1)).await;
        ask(house, &ada, "link").await;
        let row: Vec<_> = buckets("ada@example.com")
            .into_iter()
            .filter(|bucket| bucket.kind == BucketKind::AccountRow)
            .collect();
        let one = Throttles { account_row: 1, ..Throttles::default() };
        let count = |counters: &[_]| reserve(at(2), &one, counters);
        house.store.reserve_sign_in(&row, count, at(2)).await.unwrap();

        let done = comes_as(house, MARRIED).await;
        let Settled::SignedIn { user, changed: true, .. } = done else { panic!("{done:?}") };
        assert_eq!(user.email, email(MARRIED));
        let now = house.store.find_user(&ada.id).await.unwrap().unwrap();
        assert_eq!((&now.email, now.email_standing), (&email(MARRIED), EmailStanding::Verified));
        let link = house.store.find_password_reset(&digest("link"), at(3)).await.unwrap();
        assert_eq!(link, Reset::Refused(ResetRefusal::Voided));
        assert!(house.store.find_session(&digest("session")).await.unwrap().is_some());
        assert!(leased(house).await.contains(&"told ada@example.com".to_owned()));
        // Wrong guesses count on under the new address.
        let row: Vec<_> = buckets(MARRIED)
            .into_iter()
            .filter(|bucket| bucket.kind == BucketKind::AccountRow)
            .collect();
        let again = house.store.reserve_sign_in(&row, count, at(3)).await.unwrap();
        assert_eq!(again, Reservation::Barrier);
    }

    async fn an_address_that_somebody_else_has_stays_theirs_and_the_audit_warns(house) {
        let ada = ada(house).await;
        let other = house.staff(MARRIED).await;
        let done = comes_as(house, MARRIED).await;
        assert!(matches!(done, Settled::SignedIn { changed: false, .. }), "{done:?}");
        for user in [&ada, &other] {
            let now = house.store.find_user(&user.id).await.unwrap().unwrap();
            assert_eq!(now.email, user.email);
        }
        let audit = house.store.list_audit(Some(&ada.id), &Paging::first(10)).await.unwrap().items;
        let warns = |entry: &store::AuditEntry| {
            entry.detail.get("warning") == Some(&json!("email_taken"))
        };
        assert!(audit.iter().any(warns), "{audit:?}");
        assert!(!leased(house).await.iter().any(|mail| mail.starts_with("told")));
    }
}
