//! Trips: taken once, by the browser that began them, in time.

use std::time::Duration;

use identity::federation::attempt::{Asker, Attempt, Intent};
use identity::federation::policy::UnknownUser;
use identity::ids::{AttemptId, ProviderId, SessionId, UserId};
use identity::secret::Secret;
use store::{By, EndReason, Recalled, Settled};

use crate::engines::both;
use crate::house::{at, back_office, digest};
use crate::settle::{arrive, decider};

pub(crate) fn attempt(id: &str) -> Attempt {
    Attempt {
        id: AttemptId::from_stored(id),
        application: back_office(),
        provider: ProviderId::from_stored("provider"),
        redirect_uri: "https://house.example/login/callback/acme".to_owned(),
        nonce: Secret::new("nonce"),
        verifier: Some(Secret::new("verifier")),
        intent: Intent::SignIn,
        return_to: "/back-office/orders".to_owned(),
        max_age: Some(Duration::from_secs(90)),
        created_at: at(0),
        expires_at: at(600),
    }
}

both! {
    async fn a_trip_keeps_what_it_is_for(house) {
        let (state, browser) = (digest("state"), digest("browser"));
        let asker = Asker {
            user: UserId::from_stored("ada"),
            session: SessionId::from_stored("session"),
        };
        let trip = Attempt { intent: Intent::Link(asker.clone()), ..attempt("one") };
        house.store.add_attempt(&state, &browser, &trip).await.unwrap();
        let taken = house.store.take_attempt(&state, &browser, at(1)).await.unwrap();
        let Recalled::Taken(taken) = taken else { panic!("not taken") };
        assert_eq!(taken.intent, Intent::Link(asker));
        house.store.add_attempt(&digest("other"), &browser, &attempt("two")).await.unwrap();
        let taken = house.store.take_attempt(&digest("other"), &browser, at(1)).await.unwrap();
        let Recalled::Taken(taken) = taken else { panic!("not taken") };
        assert_eq!(taken.intent, Intent::SignIn);
    }

    async fn s001_a_trip_is_taken_once(house) {
        let (state, browser) = (digest("state"), digest("browser"));
        house.store.add_attempt(&state, &browser, &attempt("one")).await.unwrap();
        let Recalled::Taken(taken) = house.store.take_attempt(&state, &browser, at(1)).await.unwrap()
        else {
            panic!("not taken")
        };
        assert_eq!(taken.id.as_str(), "one");
        assert_eq!(taken.nonce.expose(), "nonce");
        assert_eq!(taken.verifier.as_ref().map(Secret::expose), Some("verifier"));
        assert_eq!(taken.return_to, "/back-office/orders");
        assert_eq!(taken.max_age, Some(Duration::from_secs(90)));
        assert_eq!((taken.created_at, taken.expires_at), (at(0), at(600)));
        let again = house.store.take_attempt(&state, &browser, at(2)).await.unwrap();
        assert!(matches!(again, Recalled::Replayed { session: None, .. }), "{again:?}");
    }

    async fn s001_a_foreign_browser_gets_nothing_and_spoils_nothing(house) {
        let (state, browser) = (digest("state"), digest("browser"));
        house.store.add_attempt(&state, &browser, &attempt("one")).await.unwrap();
        let other = house.store.take_attempt(&state, &digest("other"), at(1)).await.unwrap();
        assert!(matches!(other, Recalled::ForeignBrowser { .. }), "{other:?}");
        let own = house.store.take_attempt(&state, &browser, at(2)).await.unwrap();
        assert!(matches!(own, Recalled::Taken(_)), "{own:?}");
        let other = house.store.take_attempt(&state, &digest("other"), at(3)).await.unwrap();
        assert!(matches!(other, Recalled::ForeignBrowser { .. }), "{other:?}");
    }

    async fn a_late_or_unknown_trip_is_not_taken(house) {
        let (state, browser) = (digest("state"), digest("browser"));
        house.store.add_attempt(&state, &browser, &attempt("one")).await.unwrap();
        let late = house.store.take_attempt(&state, &browser, at(600)).await.unwrap();
        assert!(matches!(late, Recalled::Expired(_)), "{late:?}");
        let unknown = house.store.take_attempt(&digest("never"), &browser, at(1)).await.unwrap();
        assert!(matches!(unknown, Recalled::Unknown), "{unknown:?}");
    }

    async fn a_reload_finds_the_session_that_the_trip_made(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &acme, "subject", "ada@example.com").await;
        let (state, browser) = (digest("state"), digest("browser"));
        let trip = Attempt { id: settle.attempt.clone().unwrap(), ..attempt("one") };
        house.store.add_attempt(&state, &browser, &trip).await.unwrap();
        house.store.take_attempt(&state, &browser, at(1)).await.unwrap();
        let Settled::SignedIn { session, .. } =
            house.store.settle(&settle, decider(&settle)).await.unwrap()
        else {
            panic!("refused")
        };
        let again = house.store.take_attempt(&state, &browser, at(2)).await.unwrap();
        let Recalled::Replayed { session: Some(found), .. } = again else { panic!("{again:?}") };
        assert_eq!(found, session);
        assert!(found.at(at(2).plus(Duration::from_secs(1))).is_ok());
        let by = By::operator();
        house.store.end_session(&session.id, EndReason::SignedOut, &by, at(3)).await.unwrap();
        let again = house.store.take_attempt(&state, &browser, at(4)).await.unwrap();
        assert!(matches!(again, Recalled::Replayed { session: None, .. }), "{again:?}");
    }
}
