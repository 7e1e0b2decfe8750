//! The budget: how many statements and rows a sign-in costs, the same on both engines.

use identity::federation::policy::UnknownUser;
use store::Settled;

use crate::attempts::attempt;
use crate::engines::both;
use crate::house::{at, digest};
use crate::settle::{arrive, decider};

both! {
    async fn a_returning_person_costs_seven_statements_and_three_rows(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let mut settle = arrive(house, &acme, "subject", "ada@example.com").await;
        house.store.settle(&settle, decider(&settle)).await.unwrap();
        let (state, browser) = (digest("state"), digest("browser"));
        house.store.add_attempt(&state, &browser, &attempt("second")).await.unwrap();
        settle.session.token = digest("second");
        let before = house.store.counted();
        house.store.take_attempt(&state, &browser, at(1)).await.unwrap();
        let taken = house.store.counted().since(before);
        assert_eq!((taken.statements, taken.rows_written), (1, 1), "take");
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        assert!(matches!(done, Settled::SignedIn { created: false, .. }));
        let both = house.store.counted().since(before);
        // take; BEGIN, known, hold, session, audit, COMMIT; rows: attempt, session, audit.
        assert_eq!((both.statements, both.rows_written), (7, 3), "take and settle");
        assert_eq!(both.retries, 0);
    }

    async fn a_session_check_that_misses_is_one_read(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "hash").await;
        house.session(&user, "token", at(1)).await;
        let before = house.store.counted();
        house.store.find_session(&digest("token")).await.unwrap().unwrap();
        let cost = house.store.counted().since(before);
        assert_eq!((cost.statements, cost.rows_written, cost.transactions), (1, 0, 0));
    }
}
