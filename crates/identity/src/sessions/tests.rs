//! How long a session lasts, and which doors it opens.

use super::*;
use crate::email::Email;
use crate::ids::PublicId;
use crate::users::{Birth, EmailStanding, Name};

const MINUTE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_micros(1);
const SIGNED_IN: Moment = Moment::from_seconds(1_800_000_000);

fn door(key: &str) -> Application {
    Application::built_in().into_iter().find(|door| door.key.as_str() == key).unwrap()
}

fn session() -> Session {
    let door = door("back-office");
    Session {
        id: SessionId::from_stored("session"),
        user: UserId::from_stored("user"),
        user_type: door.user_type,
        population: door.population,
        application: door.key,
        provider: None,
        identity: None,
        organisation: None,
        methods: vec![Method::Password],
        began_at: SIGNED_IN,
        auth_time: Some(SIGNED_IN),
        last_used_at: SIGNED_IN,
        times: door.session,
        ended_at: None,
    }
}

fn user(status: Status) -> User {
    User {
        id: UserId::from_stored("user"),
        public_id: PublicId::from_stored("public"),
        user_type: UserType::Staff,
        population: Population::default_one(),
        email: Email::parse("ada@company.test").unwrap(),
        email_standing: EmailStanding::VouchedFor,
        name: Name::default(),
        locale: None,
        status,
        birth: Birth::Added,
        created_at: SIGNED_IN,
    }
}

fn ask(session: &Session, door: &Application, now: Moment) -> Admitted {
    let user = user(Status::Active);
    admit(AtTheDoor { session, user: &user, provider_connected: true }, door, now)
}

fn refused(session: &Session, door: &Application, now: Moment) -> Option<AdmitRefusal> {
    match ask(session, door, now).admission {
        Admission::Enter => None,
        Admission::SignInAgain(refusal) => Some(refusal),
    }
}

#[test]
fn s091_each_kind_of_user_has_its_own_times() {
    let times = |key: &str| {
        let SessionTimes { idle, absolute } = door(key).session;
        (idle.as_secs() / 60, absolute.as_secs() / 3600)
    };
    assert_eq!(times("back-office"), (60, 12));
    assert_eq!(times("merchant-portal"), (480, 12));
    assert_eq!(times("dashboard"), (480, 12));
    assert_eq!(times("storefront"), (90 * 24 * 60, 365 * 24));
}

#[test]
fn s091_a_session_ends_after_an_idle_hour() {
    let used = SIGNED_IN.plus(MINUTE * 30);
    let session = Session { last_used_at: used, ..session() };
    assert_eq!(session.at(used.plus(MINUTE * 60 - TICK)), Ok(()));
    assert_eq!(session.at(used.plus(MINUTE * 60)), Err(Over::Idle));
}

#[test]
fn s091_a_session_ends_after_twelve_hours_however_much_it_is_used() {
    let end = SIGNED_IN.plus(MINUTE * 720);
    let session = Session { last_used_at: end, ..session() };
    assert_eq!(session.at(end.minus(TICK)), Ok(()));
    assert_eq!(session.at(end), Err(Over::Expired));
}

#[test]
fn an_ended_session_is_over_at_once_and_says_so_first() {
    let ended = Session { ended_at: Some(SIGNED_IN), ..session() };
    assert_eq!(ended.at(SIGNED_IN), Err(Over::Ended));
    assert_eq!(ended.at(SIGNED_IN.plus(MINUTE * 9999)), Err(Over::Ended));
}

#[test]
fn a_session_opens_the_door_that_it_came_in_by() {
    let admitted = ask(&session(), &door("back-office"), SIGNED_IN);
    assert_eq!(admitted.admission, Admission::Enter);
    let rules: Vec<_> = admitted.rules.iter().map(|weighed| weighed.rule).collect();
    assert_eq!(
        rules,
        [
            "session",
            "user_type",
            "population",
            "user_status",
            "local_login",
            "connection",
            "idle_here",
            "absolute_here",
            "fresh_within"
        ]
    );
    assert!(admitted.rules.iter().all(|weighed| !weighed.settled));
}

#[test]
fn the_rule_that_refuses_is_the_last_one_weighed() {
    let merchants = door("merchant-portal");
    let admitted = ask(&session(), &merchants, SIGNED_IN);
    assert_eq!(admitted.admission, Admission::SignInAgain(AdmitRefusal::WrongUserType));
    let weighed = |rule, saw: &str, settled| Weighed { rule, saw: saw.to_owned(), settled };
    let rules = [weighed("session", "alive", false), weighed("user_type", "staff", true)];
    assert_eq!(admitted.rules, rules);
    let ended = Session { ended_at: Some(SIGNED_IN), ..session() };
    assert_eq!(ask(&ended, &merchants, SIGNED_IN).rules, [weighed("session", "ended", true)]);
    for (now, saw) in
        [(SIGNED_IN.plus(MINUTE * 60), "idle"), (SIGNED_IN.plus(MINUTE * 720), "expired")]
    {
        assert_eq!(ask(&session(), &merchants, now).rules, [weighed("session", saw, true)]);
    }
}

#[test]
fn s091_a_strict_door_counts_its_own_times() {
    let lax = SessionTimes { idle: MINUTE * 9999, absolute: MINUTE * 9999 };
    let lax = Session { times: lax, ..session() };
    let strict = door("back-office");
    let idle = SIGNED_IN.plus(MINUTE * 60);
    assert_eq!(refused(&lax, &strict, idle.minus(TICK)), None);
    assert_eq!(refused(&lax, &strict, idle), Some(AdmitRefusal::SessionIdle));
    let end = SIGNED_IN.plus(MINUTE * 720);
    let used = Session { last_used_at: end, ..lax };
    assert_eq!(refused(&used, &strict, end.minus(TICK)), None);
    assert_eq!(refused(&used, &strict, end), Some(AdmitRefusal::SessionExpired));
}

#[test]
fn a_door_may_ask_for_a_fresh_sign_in() {
    let strict = Application { fresh_within: Some(MINUTE * 5), ..door("back-office") };
    let end = SIGNED_IN.plus(MINUTE * 5);
    assert_eq!(refused(&session(), &strict, end.minus(TICK)), None);
    assert_eq!(refused(&session(), &strict, end), Some(AdmitRefusal::NotFresh));
    // A provider let somebody in whom it had known for long, or did not tell since when.
    for auth_time in [Some(SIGNED_IN.minus(MINUTE * 5)), None] {
        let known = Session { auth_time, ..session() };
        assert_eq!(refused(&known, &strict, SIGNED_IN), Some(AdmitRefusal::NotFresh));
        assert_eq!(refused(&known, &door("back-office"), SIGNED_IN), None);
    }
}

#[test]
fn s036_a_session_does_not_outlive_its_provider_or_its_user() {
    let by_provider = Session { provider: Some(ProviderId::from_stored("p")), ..session() };
    let door = Application { local_login: false, ..door("back-office") };
    let ask = |session: &Session, status, provider_connected| {
        let user = user(status);
        admit(AtTheDoor { session, user: &user, provider_connected }, &door, SIGNED_IN).admission
    };
    let again = Admission::SignInAgain;
    assert_eq!(ask(&by_provider, Status::Active, true), Admission::Enter);
    let unconnected = ask(&by_provider, Status::Active, false);
    assert_eq!(unconnected, again(AdmitRefusal::ProviderNotConnected));
    let local = ask(&session(), Status::Active, true);
    assert_eq!(local, again(AdmitRefusal::LocalLoginClosed));
    for status in [Status::Held, Status::Deactivated, Status::Deleted] {
        let refused = ask(&by_provider, status, true);
        assert_eq!(refused, again(AdmitRefusal::UserNotActive));
    }
}

#[test]
fn s107_a_session_for_which_the_glass_was_broken_opens_its_own_door_alone() {
    let closed = Application { local_login: false, ..door("back-office") };
    let broken = Session { methods: vec![Method::Password, Method::BreakGlass], ..session() };
    assert_eq!(refused(&broken, &closed, SIGNED_IN), None);
    let end = SIGNED_IN.plus(MINUTE * 60);
    let times = crate::break_glass::session_times(broken.times);
    let hour = Session { times, last_used_at: end, ..broken.clone() };
    assert_eq!(refused(&hour, &closed, end.minus(TICK)), None);
    assert_eq!(refused(&hour, &closed, end), Some(AdmitRefusal::SessionExpired));
    for local_login in [false, true] {
        let key = crate::applications::ApplicationKey::from_stored("desk");
        let other = Application { key, local_login, ..door("back-office") };
        let elsewhere = Some(AdmitRefusal::BrokeGlassElsewhere);
        assert_eq!(refused(&broken, &other, SIGNED_IN), elsewhere);
    }
}

#[test]
fn methods_are_named_as_in_tokens() {
    let all = [Method::Password, Method::Provider, Method::BreakGlass];
    let names = serde_json::to_string(&all).unwrap();
    assert_eq!(names, "[\"pwd\",\"fed\",\"break_glass\"]");
    assert!(
        AdmitRefusal::ALL
            .iter()
            .all(|refusal| { serde_json::to_value(refusal).unwrap() == refusal.code() })
    );
}

#[test]
fn s048_a_proof_is_as_old_as_it_is_and_never_young_when_nobody_knows() {
    let mut session = session();
    let last = SIGNED_IN.plus(MINUTE * 30).minus(TICK);
    assert!(session.proved_within(MINUTE * 30, last));
    assert!(!session.proved_within(MINUTE * 30, last.plus(TICK)));
    session.auth_time = None;
    assert!(!session.proved_within(MINUTE * 30, SIGNED_IN));
}
