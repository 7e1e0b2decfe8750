//! Upkeep: a database that answers, and one that forgets what is over and nothing else.

use std::time::Duration;

use identity::throttle::{BucketKind, Reservation, Throttles, reserve};
use store::{AuditNote, By, Happened, Paging, Recalled};

use crate::attempts::attempt;
use crate::engines::both;
use crate::house::{at, digest, new_staff};
use crate::mails::mail;
use crate::resets::ask;
use crate::throttles::buckets;

const DAY: u64 = 24 * 3600;

both! {
    async fn a_house_that_stands_is_healthy(house) {
        house.store.health().await.unwrap();
        house.store.close().await;
        assert!(house.store.health().await.is_err());
    }

    async fn what_is_over_is_forgotten_and_the_audit_stays(house) {
        let (state, browser) = (digest("state"), digest("browser"));
        house.store.add_attempt(&state, &browser, &attempt("one")).await.unwrap();
        let user = house.staff("ada@example.com").await;
        house.password(&user, "hash").await;
        house.session(&user, "token", at(1)).await;
        ask(house, &user, "link").await;
        house.store.add_mail(&mail("sent"), at(0)).await.unwrap();
        house.store.mail_sent(&mail("sent").id, at(1)).await.unwrap();
        let entries = house.store.list_audit(None, &Paging::first(50)).await.unwrap().items.len();
        // Nothing is over yet.
        house.store.prune(at(3600)).await.unwrap();
        assert!(house.store.find_session(&digest("token")).await.unwrap().is_some());
        let early = house.store.take_attempt(&state, &browser, at(3600)).await.unwrap();
        assert!(matches!(early, Recalled::Expired(_)), "{early:?}");
        // An hour after its end, and no longer: anybody can make the house remember one.
        let end = attempt("one").expires_at;
        let hour_later = end.plus(Duration::from_secs(3601));
        house.store.prune(hour_later).await.unwrap();
        let late = house.store.take_attempt(&state, &browser, hour_later).await.unwrap();
        assert!(matches!(late, Recalled::Unknown), "{late:?}");
        house.store.prune(at(3 * DAY)).await.unwrap();
        assert_eq!(house.store.find_session(&digest("token")).await.unwrap(), None);
        assert!(house.store.find_known_device(&user.id, &browser).await.unwrap());
        let pruned = house.store.prune(at(8 * DAY)).await.unwrap();
        assert_eq!(pruned.rows, 2, "the sent mail, and the one that waits for nobody any more");
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 0);
        house.store.prune(at(401 * DAY)).await.unwrap();
        assert!(!house.store.find_known_device(&user.id, &browser).await.unwrap());
        let kept = house.store.list_audit(None, &Paging::first(50)).await.unwrap().items.len();
        assert_eq!(kept, entries);
    }

    async fn refusals_of_visitors_are_forgotten_and_nothing_else_of_the_audit(house) {
        let user = house.staff("ada@example.com").await;
        let refused = Happened::refused("sign_in.provider", "attempt_unknown").coded("AAAA-BBBB");
        let by = By::visitor(AuditNote::default());
        house.store.add_refusal(&refused, &by, at(10)).await.unwrap();
        let later = Happened::refused("sign_in.provider", "attempt_unknown").coded("CCCC-DDDD");
        house.store.add_refusal(&later, &by, at(20)).await.unwrap();
        let all = house.store.list_audit(None, &Paging::first(50)).await.unwrap().items.len();
        assert_eq!(house.store.prune_visitor_refusals(at(10)).await.unwrap().rows, 0);
        assert_eq!(house.store.prune_visitor_refusals(at(20)).await.unwrap().rows, 1);
        let found = |code| house.store.find_audit_by_support_code(code);
        assert_eq!(found("AAAA-BBBB").await.unwrap(), None);
        assert!(found("CCCC-DDDD").await.unwrap().is_some());
        house.store.prune_visitor_refusals(at(400 * DAY)).await.unwrap();
        let left = house.store.list_audit(None, &Paging::first(50)).await.unwrap().items;
        assert_eq!(left.len(), all - 2);
        assert!(left.iter().any(|entry| entry.user.as_ref() == Some(&user.id)));
    }

    async fn what_happened_is_forgotten_when_the_operator_says_so(house) {
        house.store.add_user(&new_staff("early@example.com"), &[], &By::operator(), at(1)).await.unwrap();
        let late = new_staff("late@example.com");
        let late = house.store.add_user(&late, &[], &By::operator(), at(2 * DAY)).await.unwrap();
        assert!(house.store.prune_audit(at(DAY)).await.unwrap().rows > 0);
        let left = house.store.list_audit(None, &Paging::first(50)).await.unwrap().items;
        assert!(left.iter().all(|entry| entry.at == at(2 * DAY)), "{left:?}");
        assert!(left.iter().any(|entry| entry.user.as_ref() == Some(&late.id)));
    }

    async fn s104_a_barrier_outlasts_patience(house) {
        let buckets = buckets("ada@example.com");
        let throttles = Throttles { account_row: 1, ..Throttles::default() };
        let decider = |counters: &[_]| reserve(at(1), &throttles, counters);
        house.store.reserve_sign_in(&buckets, decider, at(1)).await.unwrap();
        let pruned = house.store.prune(at(30 * DAY)).await.unwrap();
        assert_eq!(pruned.rows, 2, "the two windows, and not the row");
        let later = |counters: &[_]| reserve(at(30 * DAY), &throttles, counters);
        let done = house.store.reserve_sign_in(&buckets, later, at(30 * DAY)).await.unwrap();
        assert_eq!(done, Reservation::Barrier);
    }

    async fn a_few_failures_are_forgotten_after_a_month_and_many_are_not(house) {
        let throttles = Throttles { account_row: 10, ..Throttles::default() };
        for (email, failures) in [("few@example.com", 9), ("many@example.com", 10)] {
            let row: Vec<_> = buckets(email)
                .into_iter()
                .filter(|bucket| bucket.kind == BucketKind::AccountRow)
                .collect();
            for _ in 0..failures {
                let decider = |counters: &[_]| reserve(at(1), &throttles, counters);
                house.store.reserve_sign_in(&row, decider, at(1)).await.unwrap();
            }
        }
        assert_eq!(house.store.prune(at(30 * DAY)).await.unwrap().rows, 0);
        assert_eq!(house.store.prune(at(30 * DAY + 2)).await.unwrap().rows, 1, "the few");
        let later = |counters: &[_]| reserve(at(31 * DAY), &throttles, counters);
        let many = buckets("many@example.com");
        let done = house.store.reserve_sign_in(&many, later, at(31 * DAY)).await.unwrap();
        assert_eq!(done, Reservation::Barrier);
    }
}
