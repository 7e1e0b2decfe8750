//! Identities that people tie to their own account and cut again, and the password that they may
//! have besides.

use identity::federation::attempt::Asker;
use identity::federation::link::{LinkDecided, LinkKnown, decide_link, decide_unlink};
use identity::federation::policy::{LocalPassword, PolicyFields, UnknownUser};
use identity::federation::provider::Provider;
use identity::federation::refusal::Refusal;
use identity::ids::{IdentityId, MailId};
use identity::sessions::Session;
use identity::users::User;
use store::{
    ApplicationChange, By, ChangeKind, ChangedPassword, Changes, Conflict, ConnectionChange, Error,
    NewMail, PasswordChange, SettleLink, Settled, SettledLink, Unlink, Unlinked,
};

use crate::engines::both;
use crate::house::{House, at, back_office, digest, new_session};
use crate::settle::{arrive, decider};

fn mail(id: &str) -> NewMail {
    NewMail { id: MailId::from_stored(id), sealed: "sealed".to_owned() }
}

/// Somebody of staff, signed in by the cookie `token`.
async fn ada(house: &House, token: &str) -> (User, Session) {
    let user = house.staff("ada@example.com").await;
    house.password(&user, "hash").await;
    let session = house.session(&user, token, at(1)).await;
    (user, session)
}

/// What holds for the only connection.
async fn set(house: &House, set: PolicyFields) {
    let connection = house.store.list_connections(None).await.unwrap().remove(0);
    let change = ConnectionChange { policy: set.into(), ..ConnectionChange::default() };
    house.store.change_connection(&connection.id, &change, &By::operator(), at(2)).await.unwrap();
}

async fn linking(house: &House) -> Provider {
    let acme = house.provider("acme", UnknownUser::Create, &[]).await;
    set(house, PolicyFields { manual_linking: Some(true), ..PolicyFields::default() }).await;
    acme
}

async fn wish(house: &House, acme: &Provider, session: &Session, token: &str) -> SettleLink {
    let settle = arrive(house, acme, "subject", "ada@elsewhere.example").await;
    SettleLink {
        arrival: settle.arrival,
        asker: Asker { user: session.user.clone(), session: session.id.clone() },
        attempt: settle.attempt.expect("a trip"),
        session: Some(digest(token)),
        notice: mail("linked"),
        support_code: "CODE-LINK".to_owned(),
        by: By::visitor(store::AuditNote::default()),
    }
}

fn decide(settle: &SettleLink) -> impl Fn(&LinkKnown) -> LinkDecided + Sync {
    |known| decide_link(&settle.arrival, &settle.asker, known)
}

fn unlink(user: &User, identity: &IdentityId) -> Unlink {
    Unlink {
        user: user.id.clone(),
        identity: identity.clone(),
        application: back_office(),
        notice: mail("unlinked"),
    }
}

both! {
    async fn s048_a_tie_is_made_and_cut_with_what_came_by_it(house) {
        let acme = linking(house).await;
        let (user, session) = ada(house, "own").await;
        let seen = house.store.latest_change().await.unwrap();
        let settle = wish(house, &acme, &session, "own").await;
        let linked = house.store.settle_link(&settle, decide(&settle)).await.unwrap();
        assert_eq!(linked, SettledLink::Linked);
        let again = SettleLink { notice: mail("again"), ..settle.clone() };
        let stays = house.store.settle_link(&again, decide(&again)).await.unwrap();
        assert_eq!(stays, SettledLink::Stays);
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 1);
        let Changes::Since(lines) = house.store.list_changes(seen, 10).await.unwrap() else {
            panic!("missed")
        };
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].kind, lines[0].id.as_str()), (ChangeKind::User, user.id.as_str()));

        let listed = house.store.list_linked_identities(&user.id).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].last_used_at, None);
        let by_it = arrive(house, &acme, "subject", "ada@elsewhere.example").await;
        let settled = house.store.settle(&by_it, decider(&by_it)).await.unwrap();
        assert!(matches!(&settled, Settled::SignedIn { user: own, .. } if own.id == user.id));
        let listed = house.store.list_linked_identities(&user.id).await.unwrap();
        assert_eq!(listed[0].last_used_at, Some(at(10)));

        let by = By::user(user.id.clone(), store::AuditNote::default());
        let cut = unlink(&user, &listed[0].identity.id);
        let done = house.store.remove_identity(&cut, decide_unlink, &by, at(20)).await.unwrap();
        assert_eq!(done, Unlinked::Done { ended: 1 });
        let by_it = house.store.find_session(&digest("subject")).await.unwrap().unwrap();
        assert_eq!(by_it.session.ended_at, Some(at(20)));
        let own = house.store.find_session(&digest("own")).await.unwrap().unwrap();
        assert_eq!(own.session.ended_at, None);
        assert_eq!(house.store.list_linked_identities(&user.id).await.unwrap(), []);
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 2);
        let gone = house.store.remove_identity(&cut, decide_unlink, &by, at(21)).await;
        assert!(matches!(gone, Err(Error::NotFound)), "{gone:?}");
    }

    async fn s048_what_would_be_the_last_way_in_stays(house) {
        let acme = linking(house).await;
        let settle = arrive(house, &acme, "subject", "ada@example.com").await;
        let Settled::SignedIn { user, .. } =
            house.store.settle(&settle, decider(&settle)).await.unwrap()
        else {
            panic!("not in")
        };
        let by = By::operator();
        let identity = house.store.list_identities_of(&user.id).await.unwrap().remove(0).id;
        let cut = unlink(&user, &identity);
        let refused = house.store.remove_identity(&cut, decide_unlink, &by, at(20)).await.unwrap();
        assert!(matches!(refused, Unlinked::Refused(_)), "{refused:?}");
        assert_eq!(house.store.list_identities_of(&user.id).await.unwrap().len(), 1);
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 0);
        // Nobody else cuts it, whatever they know.
        let other = house.staff("grace@example.com").await;
        let theirs = Unlink { user: other.id, ..cut };
        let refused = house.store.remove_identity(&theirs, |_| Ok(()), &by, at(21)).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{refused:?}");
    }

    async fn s049_no_tie_is_made_for_a_session_that_is_not_there_any_more(house) {
        let acme = linking(house).await;
        let (user, session) = ada(house, "own").await;
        let mut settle = wish(house, &acme, &session, "own").await;
        let nobody = SettleLink {
            session: None,
            support_code: "CODE-NOBODY".to_owned(),
            ..settle.clone()
        };
        settle.support_code = "CODE-ENDED".to_owned();
        let reason = Refusal::NotSignedInAsBefore;
        let refused = |code: &str| SettledLink::Refused { reason, support_code: code.to_owned() };
        let settled = house.store.settle_link(&nobody, decide(&nobody)).await.unwrap();
        assert_eq!(settled, refused("CODE-NOBODY"));
        house.store.end_user_sessions(&user.id, None, &By::operator(), at(5)).await.unwrap();
        let settled = house.store.settle_link(&settle, decide(&settle)).await.unwrap();
        assert_eq!(settled, refused("CODE-ENDED"));
        assert_eq!(house.store.list_identities_of(&user.id).await.unwrap(), []);
        let entry = house.store.find_audit_by_support_code("CODE-ENDED").await.unwrap().unwrap();
        assert_eq!(entry.action, "identity.link");
    }

    async fn s107_a_link_that_a_password_began_ties_nothing_once_the_door_takes_none(house) {
        let acme = linking(house).await;
        let (user, session) = ada(house, "own").await;
        let settle = wish(house, &acme, &session, "own").await;
        let closed = ApplicationChange { local_login: Some(false), ..Default::default() };
        let by = By::operator().forced(true);
        house.store.change_application(&back_office(), &closed, &by, at(5)).await.unwrap();
        let settled = house.store.settle_link(&settle, decide(&settle)).await.unwrap();
        let refused = |reason| matches!(reason, Refusal::NotSignedInAsBefore);
        assert!(matches!(&settled, SettledLink::Refused { reason, .. } if refused(*reason)), "{settled:?}");
        assert_eq!(house.store.list_identities_of(&user.id).await.unwrap(), []);
    }

    async fn a_password_is_changed_only_from_the_one_that_was_verified(house) {
        let (user, session) = ada(house, "own").await;
        house.session(&user, "other", at(1)).await;
        let by = By::user(user.id.clone(), store::AuditNote::default());
        let change = |verified: &str| PasswordChange {
            user: user.id.clone(),
            application: back_office(),
            verified_hash: verified.to_owned(),
            hash: "new".to_owned(),
            keep: session.id.clone(),
            notice: mail("changed"),
        };
        let stale = house.store.change_password(&change("old"), &by, at(2)).await.unwrap();
        assert_eq!(stale, ChangedPassword::ChangedMeanwhile);
        assert_eq!(house.store.list_sessions(&user.id).await.unwrap().len(), 2);
        let done = house.store.change_password(&change("hash"), &by, at(3)).await.unwrap();
        assert_eq!(done, ChangedPassword::Done);
        assert_eq!(house.store.list_sessions(&user.id).await.unwrap(), std::slice::from_ref(&session));
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 1);
    }

    async fn every_connection_of_theirs_says_whether_somebody_may_have_a_password(house) {
        let acme = house.provider("acme", UnknownUser::Create, &[]).await;
        let settle = arrive(house, &acme, "subject", "ada@example.com").await;
        let Settled::SignedIn { user, .. } =
            house.store.settle(&settle, decider(&settle)).await.unwrap()
        else {
            panic!("not in")
        };
        let by = By::operator();
        let key = user.email.key();
        for (said, expected) in [
            (None, false),
            (Some(LocalPassword::Allowed), true),
            (Some(LocalPassword::Never), false),
        ] {
            if said.is_some() {
                set(house, PolicyFields { local_password: said, ..PolicyFields::default() }).await;
            }
            assert_eq!(house.store.find_password_allowed(&user).await.unwrap(), expected);
            let login = house.store.find_password_login(user.user_type, &user.population, key);
            assert_eq!(login.await.unwrap().unwrap().may_have_password, expected);
            let set = house.store.set_password(&user.id, "hash", None, &by, at(30)).await;
            match expected {
                true => set.unwrap(),
                false => assert!(matches!(set, Err(Error::Conflict(Conflict::NoPassword)))),
            }
        }
        // What was set while it was allowed changes nothing any more, nor signs anybody in.
        let keep = |counters: &[_]| counters.to_vec();
        let sign_in = store::PasswordSignIn {
            password: store::VerifiedPassword {
                user: &user.id,
                verified_hash: "hash",
                rehash: None,
            },
            session: &new_session("by-password"),
            buckets: &[],
            by: &by,
        };
        let outcome = house.store.complete_password_sign_in(&sign_in, keep, at(31)).await.unwrap();
        assert!(matches!(outcome, store::PasswordOutcome::PasswordChanged), "{outcome:?}");
        let added = house.staff("added@example.com").await;
        assert!(house.store.find_password_allowed(&added).await.unwrap());
    }
}
