//! What a person meets before an answer.

use super::*;
use crate::ids::PublicId;
use crate::oauth::fixtures::{ask, at, client, session, user};
use crate::sessions::AdmitRefusal;

const NO: Admission = Admission::SignInAgain(AdmitRefusal::SessionIdle);

/// Somebody signed in at 0; the request came at 100, now it is 200.
fn step(changed: &[(&'static str, &'static str)], auth_time: i64, admission: Admission) -> Step {
    let request = ask(&client(), changed).unwrap();
    step_of(&request, auth_time, admission, None)
}

fn step_of(
    request: &AuthorizationRequest,
    auth_time: i64,
    admission: Admission,
    hinted: Option<&PublicId>,
) -> Step {
    let session = Session { auth_time: at(auth_time), ..session() };
    let subject = user().public_id;
    let visitor = AtAuthorize { session: &session, subject: &subject, admission };
    let asked = Asked { request, begun_at: at(100), hinted, agreed: false, chosen: false };
    next(asked, Some(visitor), at(200))
}

fn is_login_required(step: &Step) -> bool {
    matches!(step, Step::Refuse(fault) if fault.error == OAuthError::LoginRequired)
}

#[test]
fn a_session_that_the_door_admits_is_enough() {
    assert_eq!(step(&[], 0, Admission::Enter), Step::Issue);
    assert_eq!(step(&[], 0, NO), Step::SignIn { again: false });
    let request = ask(&client(), &[]).unwrap();
    let asked =
        Asked { request: &request, begun_at: at(0), hinted: None, agreed: false, chosen: false };
    assert_eq!(next(asked, None, at(0)), Step::SignIn { again: false });
}

#[test]
fn s082_prompt_none_is_never_a_page() {
    let none = [("prompt", "none")];
    assert_eq!(step(&none, 0, Admission::Enter), Step::Issue);
    assert!(is_login_required(&step(&none, 0, NO)));
    assert!(is_login_required(&step(
        &[("prompt", "none"), ("max_age", "60")],
        0,
        Admission::Enter
    )));
    let request = ask(&client(), &none).unwrap();
    let somebody_else = PublicId::from_stored("f".repeat(32));
    let step = step_of(&request, 0, Admission::Enter, Some(&somebody_else));
    assert!(is_login_required(&step));
}

#[test]
fn s082_prompt_login_and_max_age_ask_once_and_then_are_content() {
    for again in [[("prompt", "login")], [("max_age", "0")], [("max_age", "60")]] {
        assert_eq!(step(&again, 99, Admission::Enter), Step::SignIn { again: true }, "{again:?}");
        assert_eq!(step(&again, 100, Admission::Enter), Step::Issue, "{again:?}");
    }
    assert_eq!(step(&[("max_age", "102")], 99, Admission::Enter), Step::Issue);
}

#[test]
fn somebody_else_than_the_hint_names_signs_in_once_and_not_for_ever() {
    let request = ask(&client(), &[]).unwrap();
    let other = PublicId::from_stored("f".repeat(32));
    let before = step_of(&request, 0, Admission::Enter, Some(&other));
    assert_eq!(before, Step::SignIn { again: true });
    assert!(is_login_required(&step_of(&request, 150, Admission::Enter, Some(&other))));
    let same = user().public_id;
    assert_eq!(step_of(&request, 0, Admission::Enter, Some(&same)), Step::Issue);
}

#[test]
fn choosing_and_agreeing_are_asked_for_until_they_are_done() {
    let request = ask(&client(), &[("prompt", "select_account consent")]).unwrap();
    let session = session();
    let subject = user().public_id;
    let visitor = AtAuthorize { session: &session, subject: &subject, admission: Admission::Enter };
    let asked = |agreed, chosen| Asked {
        request: &request,
        begun_at: at(100),
        hinted: None,
        agreed,
        chosen,
    };
    assert_eq!(next(asked(false, false), Some(visitor), at(200)), Step::ChooseAccount);
    assert_eq!(next(asked(false, true), Some(visitor), at(200)), Step::Consent);
    assert_eq!(next(asked(true, true), Some(visitor), at(200)), Step::Issue);
}
