//! Sessions: found whole, ended at once, used only forward in time.

use identity::federation::policy::UnknownUser;
use identity::federation::provider::ProviderState;
use identity::ids::SessionId;
use store::{By, ChangeKind, Changes, EndReason, ListedSession, ProviderChange, Settled};

use crate::engines::both;
use crate::house::{at, back_office, digest};
use crate::settle::{arrive, decider};

both! {
    async fn an_ended_session_is_ended_once_and_announced(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "hash").await;
        let session = house.session(&user, "token", at(1)).await;
        assert_eq!(house.store.list_sessions(&user.id).await.unwrap(), std::slice::from_ref(&session));
        let seen = house.store.latest_change().await.unwrap();
        let by = By::operator();
        let end = |now| house.store.end_session(&session.id, EndReason::SignedOut, &by, now);
        assert!(end(at(2)).await.unwrap());
        assert!(!end(at(3)).await.unwrap());
        let found = house.store.find_session(&digest("token")).await.unwrap().unwrap();
        assert_eq!(found.session.ended_at, Some(at(2)));
        assert_eq!(house.store.list_sessions(&user.id).await.unwrap(), []);
        let Changes::Since(lines) = house.store.list_changes(seen, 10).await.unwrap() else {
            panic!("missed")
        };
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].kind, lines[0].id.as_str()), (ChangeKind::Session, session.id.as_str()));
        assert_eq!(house.store.find_session(&digest("never")).await.unwrap(), None);
    }

    async fn all_sessions_of_a_user_end_but_the_one_that_is_kept(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "hash").await;
        let kept = house.session(&user, "kept", at(1)).await;
        house.session(&user, "other", at(1)).await;
        house.session(&user, "third", at(1)).await;
        let by = By::operator();
        let ended = house.store.end_user_sessions(&user.id, Some(&kept.id), &by, at(2)).await;
        assert_eq!(ended.unwrap(), 2);
        assert_eq!(house.store.list_sessions(&user.id).await.unwrap(), [kept]);
        assert_eq!(house.store.end_user_sessions(&user.id, None, &by, at(3)).await.unwrap(), 1);
    }

    async fn a_listed_session_says_what_its_browser_called_itself(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "hash").await;
        let ended = house.session(&user, "ended", at(1)).await;
        let session = house.session(&user, "token", at(2)).await;
        let by = By::user(user.id.clone(), store::AuditNote::default());
        house.store.end_session(&ended.id, EndReason::SignedOut, &by, at(3)).await.unwrap();
        let listed = house.store.list_sessions_with_devices(&user.id).await.unwrap();
        let expected = ListedSession { session, user_agent: Some("test".to_owned()) };
        assert_eq!(listed, [expected]);
        assert_eq!(house.store.end_user_sessions(&user.id, None, &by, at(4)).await.unwrap(), 1);
        assert_eq!(house.store.list_sessions_with_devices(&user.id).await.unwrap(), []);
    }

    async fn use_is_written_only_forward_in_time(house) {
        let user = house.staff("ada@example.com").await;
        house.password(&user, "hash").await;
        let one = house.session(&user, "one", at(1)).await;
        let two = house.session(&user, "two", at(1)).await;
        let nobody = SessionId::from_stored("nobody");
        let batch = [(two.id.clone(), at(50)), (one.id.clone(), at(60)), (nobody, at(70))];
        house.store.touch_sessions(&batch).await.unwrap();
        house.store.touch_sessions(&[(one.id.clone(), at(30))]).await.unwrap();
        let used = async |token: &str| {
            house.store.find_session(&digest(token)).await.unwrap().unwrap().session.last_used_at
        };
        assert_eq!((used("one").await, used("two").await), (at(60), at(50)));
    }

    async fn a_session_knows_the_doors_its_provider_is_connected_to(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &acme, "token", "ada@example.com").await;
        let done = house.store.settle(&settle, decider(&settle)).await.unwrap();
        assert!(matches!(done, Settled::SignedIn { .. }));
        let connected = async || {
            let found = house.store.find_session(&digest("token")).await.unwrap().unwrap();
            found.connected == [back_office()]
        };
        assert!(connected().await);
        let by = By::operator();
        for (state, is) in [(ProviderState::Disabled, false), (ProviderState::Enabled, true)] {
            let change = ProviderChange { state: Some(state), ..ProviderChange::default() };
            house.store.change_provider(&acme.id, &change, &by, at(20)).await.unwrap();
            assert_eq!(connected().await, is);
        }
        let connection = house.store.list_connections(None).await.unwrap().remove(0);
        house.store.remove_connection(&connection.id, &by, at(21)).await.unwrap();
        assert!(!connected().await);
        let user = house.administrator("admin@example.com").await;
        house.session(&user, "by-password", at(1)).await;
        let found = house.store.find_session(&digest("by-password")).await.unwrap().unwrap();
        assert_eq!(found.connected, []);
    }
}
