//! Seals: for administrators alone, worth something while they are, opened once.

use identity::break_glass::{GlassRefusal, SealRefusal, Standing};
use identity::ids::{MailId, UserId};
use identity::sessions::Method;
use identity::users::{StatusChange, User};
use store::{
    ApplicationChange, By, Conflict, Error, GlassOutcome, NewMail, NewSession, Opening,
    SealOutcome, Store,
};

use crate::engines::both;
use crate::house::{House, at, back_office, digest, new_session};
use crate::races::at_once;

/// Opens or closes the back office to passwords.
async fn passwords(house: &House, open: bool) {
    let change = ApplicationChange { local_login: Some(open), ..ApplicationChange::default() };
    let by = By::operator().forced(true);
    house.store.change_application(&back_office(), &change, &by, at(1)).await.unwrap();
}

async fn seal(house: &House, user: &User, code: &str) -> SealOutcome {
    let (door, by) = (house.back_office().await, By::operator());
    house.store.add_break_glass_seal(&door, &user.id, &digest(code), &by, at(2)).await.unwrap()
}

async fn standing(house: &House) -> Vec<Standing> {
    let seals = house.store.list_break_glass_seals().await.unwrap();
    let usable = house.store.has_usable_seal(&back_office()).await.unwrap();
    assert_eq!(usable, seals.iter().any(|seal| seal.standing == Standing::Usable));
    seals.iter().map(|seal| seal.standing).collect()
}

/// What somebody brings; the token of the session and the support code are told by `number`.
struct Try {
    user: Option<UserId>,
    hash: Option<&'static str>,
    code: &'static str,
    number: u32,
}

async fn try_it(house: &House, one: Try, seconds: u64) -> store::Result<GlassOutcome> {
    try_at(house.store.clone(), one, seconds).await
}

async fn try_at(store: Store, one: Try, seconds: u64) -> store::Result<GlassOutcome> {
    let methods = vec![Method::Password, Method::BreakGlass];
    let session = NewSession { methods, ..new_session(&format!("session-{}", one.number)) };
    let (code, support_code) = (digest(one.code), format!("CODE-{}", one.number));
    let by = By::operator();
    let opening = Opening {
        user: one.user.as_ref(),
        verified_hash: one.hash,
        code: &code,
        session: &session,
        buckets: &[],
        support_code: &support_code,
        by: &by,
    };
    let letter = |to: &UserId| {
        let id = MailId::from_stored(format!("{}-{to}", one.number));
        Ok(NewMail { id, sealed: "sealed".to_owned() })
    };
    let keep = |counters: &[_]| counters.to_vec();
    store.open_break_glass(&opening, keep, letter, at(seconds)).await
}

/// Why the glass held.
fn held(outcome: store::Result<GlassOutcome>) -> &'static str {
    match outcome.unwrap() {
        GlassOutcome::Refused(refusal) => refusal.code(),
        GlassOutcome::Opened { .. } => panic!("it broke"),
    }
}

/// With everything that belongs to it.
fn right(user: &User, number: u32) -> Try {
    Try { user: Some(user.id.clone()), hash: Some("hash"), code: "code", number }
}

both! {
    async fn s107_a_code_is_sealed_for_active_administrators_with_a_password_alone(house) {
        let refused = SealOutcome::Refused;
        let bob = house.staff("bob@example.com").await;
        assert_eq!(seal(house, &bob, "code").await, refused(SealRefusal::NotAdministrator));
        let group = house.administrators().await.id;
        let by = By::operator();
        house.store.add_group_member(&group, &bob.id, &by, at(1)).await.unwrap();
        assert_eq!(seal(house, &bob, "code").await, refused(SealRefusal::NoPassword));
        assert_eq!(standing(house).await, []);
        house.password(&bob, "hash").await;
        house.administrator("ada@example.com").await;
        assert_eq!(seal(house, &bob, "code").await, SealOutcome::Sealed);
        assert_eq!(standing(house).await, [Standing::Usable]);
        let off = StatusChange::Deactivate;
        house.store.change_user_status(&bob.id, off, &by, at(3)).await.unwrap();
        assert_eq!(seal(house, &bob, "code").await, refused(SealRefusal::NotActive));
        assert_eq!(standing(house).await, [Standing::NotActive]);
        assert!(house.store.remove_break_glass_seal(&back_office(), &bob.id, &by, at(4)).await.unwrap());
        assert!(!house.store.remove_break_glass_seal(&back_office(), &bob.id, &by, at(4)).await.unwrap());
        assert_eq!(standing(house).await, []);
    }

    async fn s107_the_glass_breaks_once_and_every_administrator_is_told(house) {
        let ada = house.administrator("ada@example.com").await;
        house.administrator("bob@example.com").await;
        let eve = house.administrator("eve@example.com").await;
        let by = By::operator();
        house.store.change_user_status(&eve.id, StatusChange::Deactivate, &by, at(1)).await.unwrap();
        seal(house, &ada, "code").await;
        assert_eq!(held(try_it(house, right(&ada, 1), 3).await), "local_login_open");
        passwords(house, false).await;
        let outcome = try_it(house, right(&ada, 2), 4).await.unwrap();
        let GlassOutcome::Opened { session, user } = outcome else { panic!("{outcome:?}") };
        assert_eq!((&user.id, &session.application), (&ada.id, &back_office()));
        assert!(session.broke_glass());
        let found = house.store.find_session(&digest("session-2")).await.unwrap().unwrap();
        assert!(found.session.broke_glass(), "the database knows it as well");
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 2, "Eve is not told");
        let entry = house.store.find_audit_by_support_code("CODE-2").await.unwrap().unwrap();
        assert_eq!((entry.action.as_str(), entry.outcome.as_str()), ("break_glass.open", "done"));
        assert_eq!(entry.detail["session"], session.id.as_str());
        assert_eq!(standing(house).await, [Standing::Opened]);
        assert_eq!(held(try_it(house, right(&ada, 3), 5).await), "opened");
        assert_eq!(house.store.find_session(&digest("session-3")).await.unwrap(), None);
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 2);
        assert_eq!(seal(house, &ada, "another").await, SealOutcome::Sealed);
        assert_eq!(standing(house).await, [Standing::Usable]);
        assert_eq!(held(try_it(house, right(&ada, 4), 6).await), "wrong_code", "the old one");
    }

    async fn s107_whatever_is_wrong_holds_the_glass_and_the_audit_says_what(house) {
        let ada = house.administrator("ada@example.com").await;
        let bob = house.administrator("bob@example.com").await;
        seal(house, &ada, "code").await;
        passwords(house, false).await;
        let wrong_code = Try { code: "other", ..right(&ada, 1) };
        assert_eq!(held(try_it(house, wrong_code, 3).await), "wrong_code");
        let wrong_password = Try { hash: None, ..right(&ada, 2) };
        assert_eq!(held(try_it(house, wrong_password, 3).await), "wrong_password");
        let meanwhile = Try { hash: Some("one before"), ..right(&ada, 3) };
        assert_eq!(held(try_it(house, meanwhile, 3).await), "wrong_password");
        assert_eq!(held(try_it(house, right(&bob, 4), 3).await), "not_sealed", "another's code");
        let nobody = Try { user: None, hash: None, code: "code", number: 5 };
        assert_eq!(held(try_it(house, nobody, 3).await), "not_sealed");
        for (number, outcome) in [(1, "wrong_code"), (2, "wrong_password"), (5, "not_sealed")] {
            let code = format!("CODE-{number}");
            let entry = house.store.find_audit_by_support_code(&code).await.unwrap().unwrap();
            assert_eq!((entry.action.as_str(), entry.outcome.as_str()), ("break_glass.open", outcome));
        }
        let again = try_it(house, right(&ada, 5), 4).await;
        assert!(matches!(again, Err(Error::Conflict(Conflict::KeyTaken))), "{again:?}");
        assert_eq!(standing(house).await, [Standing::Usable], "nothing was used up");
        assert_eq!(house.store.count_mails().await.unwrap().waiting, 0);
    }

    async fn s107_a_seal_follows_whom_it_is_for(house) {
        let ada = house.administrator("ada@example.com").await;
        house.administrator("bob@example.com").await;
        seal(house, &ada, "code").await;
        passwords(house, false).await;
        let by = By::operator().forced(true);
        let group = house.administrators().await.id;
        house.store.remove_group_member(&group, &ada.id, &by, at(3)).await.unwrap();
        assert_eq!(standing(house).await, [Standing::NotAdministrator]);
        assert_eq!(held(try_it(house, right(&ada, 1), 4).await), "not_administrator");
        house.store.add_group_member(&group, &ada.id, &by, at(5)).await.unwrap();
        house.store.change_user_status(&ada.id, StatusChange::Deactivate, &by, at(6)).await.unwrap();
        assert_eq!(held(try_it(house, right(&ada, 2), 7).await), "user_not_active");
        house.store.change_user_status(&ada.id, StatusChange::Activate, &by, at(8)).await.unwrap();
        assert_eq!(standing(house).await, [Standing::Usable]);
        // A new password keeps the seal: both are needed, and each may change alone.
        house.password(&ada, "second").await;
        assert_eq!(held(try_it(house, right(&ada, 3), 9).await), "wrong_password");
        let second = Try { hash: Some("second"), ..right(&ada, 4) };
        let outcome = try_it(house, second, 10).await.unwrap();
        assert!(matches!(outcome, GlassOutcome::Opened { .. }), "{outcome:?}");
    }

    async fn s107_of_ten_with_one_code_one_is_in(house) {
        let ada = house.administrator("ada@example.com").await;
        passwords(house, false).await;
        // More than once: in the first round connections are still being made, one after the other.
        for round in 1..=8 {
            seal(house, &ada, "code").await;
            let numbers = round * 10..round * 10 + 10;
            let tries = numbers.map(|number| try_at(house.store.clone(), right(&ada, number), 3));
            let (mut opened, mut late) = (0, 0);
            for outcome in at_once(tries).await {
                match outcome.unwrap() {
                    GlassOutcome::Opened { .. } => opened += 1,
                    GlassOutcome::Refused(GlassRefusal::Void(Standing::Opened)) => late += 1,
                    GlassOutcome::Refused(other) => panic!("{other:?}"),
                }
            }
            assert_eq!((opened, late), (1, 9), "round {round}");
            let sessions = house.store.list_sessions(&ada.id).await.unwrap().len();
            let mails = house.store.count_mails().await.unwrap().waiting;
            assert_eq!((sessions, mails), (round as usize, u64::from(round)));
        }
    }
}
