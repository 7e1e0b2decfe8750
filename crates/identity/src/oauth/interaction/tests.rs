//! What a person meets before an answer.

use super::*;
use crate::ids::PublicId;
use crate::oauth::fixtures::{ask, at, client, session, user};

/// When the request came.
const BEGUN: i64 = 100;

/// Somebody whose session began, and who proved who they are, at these times.
fn signed_in(began_at: i64, auth_time: Option<i64>) -> Session {
    Session { began_at: at(began_at), auth_time: auth_time.map(at), ..session() }
}

fn step_of(
    request: &AuthorizationRequest,
    session: &Session,
    hinted: Option<&PublicId>,
    now: i64,
) -> Step {
    let subject = user().public_id;
    let visitor = AtAuthorize { session, subject: &subject };
    let asked = Asked { request, begun_at: at(BEGUN), hinted, agreed: false, chosen: false };
    next(asked, Some(visitor), at(now))
}

/// Somebody signed in with a password at `auth_time`.
fn step(changed: &[(&'static str, &'static str)], auth_time: i64, now: i64) -> Step {
    let request = ask(&client(), changed).unwrap();
    step_of(&request, &signed_in(auth_time, Some(auth_time)), None, now)
}

fn is_login_required(step: &Step) -> bool {
    matches!(step, Step::Refuse(fault) if fault.error == OAuthError::LoginRequired)
}

fn nobody(changed: &[(&'static str, &'static str)]) -> Step {
    let request = ask(&client(), changed).unwrap();
    let (hinted, begun_at) = (None, at(BEGUN));
    next(Asked { request: &request, begun_at, hinted, agreed: false, chosen: false }, None, at(200))
}

#[test]
fn a_session_that_the_door_admits_is_enough() {
    assert_eq!(step(&[], 0, 200), Step::Issue);
    assert_eq!(nobody(&[]), Step::SignIn);
    let by_provider = signed_in(0, None);
    assert_eq!(step_of(&ask(&client(), &[]).unwrap(), &by_provider, None, 200), Step::Issue);
}

#[test]
fn s082_prompt_none_is_never_a_page() {
    let none = [("prompt", "none")];
    assert_eq!(step(&none, 0, 200), Step::Issue);
    assert!(is_login_required(&nobody(&none)));
    assert!(is_login_required(&step(&[("prompt", "none"), ("max_age", "60")], 0, 200)));
    let request = ask(&client(), &none).unwrap();
    let somebody_else = PublicId::from_stored("f".repeat(32));
    let step = step_of(&request, &signed_in(0, Some(0)), Some(&somebody_else), 200);
    assert!(is_login_required(&step));
}

#[test]
fn s082_prompt_login_and_max_age_ask_once_and_then_are_content() {
    for again in [[("prompt", "login")], [("max_age", "0")], [("max_age", "60")]] {
        assert_eq!(step(&again, BEGUN - 1, 159), Step::SignIn, "{again:?}");
        assert_eq!(step(&again, BEGUN, 159), Step::Issue, "{again:?}");
    }
    assert_eq!(step(&[("max_age", "102")], BEGUN - 1, 200), Step::Issue);
    assert_eq!(step(&[("max_age", "101")], BEGUN - 1, 200), Step::SignIn);
}

#[test]
fn s082_a_sign_in_grows_old_although_it_was_made_for_the_request() {
    for (max_age, most) in [("0", 60), ("2", 60), ("60", 60), ("90", 90)] {
        let again = [("max_age", max_age)];
        assert_eq!(step(&again, BEGUN, BEGUN + most - 1), Step::Issue, "{max_age}");
        assert_eq!(step(&again, BEGUN, BEGUN + most), Step::SignIn, "{max_age}");
    }
}

#[test]
fn s082_a_new_session_of_somebody_whom_a_provider_knew_already_is_no_new_sign_in() {
    let after = BEGUN + 1;
    for again in [[("prompt", "login")], [("max_age", "0")], [("max_age", "60")]] {
        let request = ask(&client(), &again).unwrap();
        let step = |auth_time| step_of(&request, &signed_in(after, auth_time), None, after + 1);
        assert_eq!(step(Some(BEGUN - 60)), Step::SignIn, "{again:?}: known there for long");
        assert_eq!(step(None), Step::SignIn, "{again:?}: nobody knows since when");
        assert_eq!(step(Some(BEGUN)), Step::Issue, "{again:?}: signed in there for this");
    }
}

#[test]
fn somebody_else_than_the_hint_names_signs_in_once_and_not_for_ever() {
    let request = ask(&client(), &[]).unwrap();
    let other = PublicId::from_stored("f".repeat(32));
    let (before, after) = (signed_in(0, Some(0)), signed_in(150, None));
    assert_eq!(step_of(&request, &before, Some(&other), 200), Step::SignIn);
    assert!(is_login_required(&step_of(&request, &after, Some(&other), 200)));
    assert_eq!(step_of(&request, &before, Some(&user().public_id), 200), Step::Issue);
}

#[test]
fn choosing_and_agreeing_are_asked_for_until_they_are_done() {
    let request = ask(&client(), &[("prompt", "select_account consent")]).unwrap();
    let session = session();
    let subject = user().public_id;
    let visitor = AtAuthorize { session: &session, subject: &subject };
    let asked = |agreed, chosen| Asked {
        request: &request,
        begun_at: at(BEGUN),
        hinted: None,
        agreed,
        chosen,
    };
    assert_eq!(next(asked(false, false), Some(visitor), at(200)), Step::ChooseAccount);
    assert_eq!(next(asked(false, true), Some(visitor), at(200)), Step::Consent);
    assert_eq!(next(asked(true, true), Some(visitor), at(200)), Step::Issue);
    // Whoever has just come in has said who they want to be.
    let new = signed_in(BEGUN, None);
    assert_eq!(step_of(&request, &new, None, 200), Step::Consent);
}
