//! After the restart: what an application was given holds, and what it gave back does not.

use std::time::Duration;

use identity::oauth::grants::CODE_LIFE;
use identity::oauth::refresh::GRACE;
use rand::Rng;
use rand::rngs::StdRng;
use testkit::wire::{Answer, Wire};

use crate::application::{bring_code, bring_refresh_token, refresh_token};
use crate::check::chosen;
use crate::ledger::Standing;
use crate::stage::Stage;
use crate::tokens::{CodeEntry, CodeState, FamilyEntry};

/// Entries of earlier rounds that are looked at after each restart.
const SAMPLE: usize = 2;

/// How much older something may be by the house's clock than by ours: it was made before we heard.
const SLACK: Duration = Duration::from_secs(10);

/// Checks what this round touched and a sample of the rest, or everything.
pub async fn check_tokens(stage: &Stage, wire: &mut Wire, whole: bool, random: &mut StdRng) {
    let (families, codes) = {
        let (ledger, round) = (stage.ledger(), stage.round());
        (
            chosen(&ledger.families, |one| one.round, (round, whole, SAMPLE), random),
            chosen(&ledger.codes, |one| one.round, (round, whole, SAMPLE), random),
        )
    };
    for (place, family) in families {
        check_family(stage, wire, place, &family).await;
    }
    for (place, code) in codes {
        match code.state {
            CodeState::Given | CodeState::Brought => check_code(stage, wire, place, &code).await,
            CodeState::Redeemed(family) if random.random_bool(0.3) => {
                check_used_code(stage, wire, family, &code).await;
            }
            CodeState::Redeemed(_) | CodeState::Over => {}
        }
    }
}

/// The next token of a family, or none if it is over.
async fn next(wire: &mut Wire, token: &str) -> Option<String> {
    let answer = bring_refresh_token(wire, token).await.expect("the house is back");
    is_good(&answer).then(|| refresh_token(&answer))
}

/// Whether there are tokens; if there are none, it is because what was brought does not hold.
fn is_good(answer: &Answer) -> bool {
    if answer.status == 200 {
        return true;
    }
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.contains("\"invalid_grant\""), "{}", answer.body);
    false
}

/// The newest token of a family works, or does not, as was acknowledged. Where an answer is owed,
/// who brings the same token again gets what the answer would have held.
async fn check_family(stage: &Stage, wire: &mut Wire, place: usize, family: &FamilyEntry) {
    let found = next(wire, &family.head).await;
    let standing = if found.is_some() { Standing::In } else { Standing::Out };
    let in_time = |family: &FamilyEntry| family.brought.is_none_or(|at| at.elapsed() < GRACE);
    match family.standing {
        Standing::Unknown => {}
        // Who asks again too late is taken for a thief, and rightly so.
        Standing::In if !in_time(family) => {}
        promised => assert_eq!(standing, promised, "{family:?}"),
    }
    let Some(mut head) = found else {
        stage.ledger().set_family(place, Standing::Out);
        return;
    };
    if family.brought.is_some() {
        let again = next(wire, &family.head).await;
        assert_eq!(again.as_ref(), Some(&head), "one token has one successor: {family:?}");
        head = next(wire, &head).await.unwrap_or_else(|| panic!("no head: {family:?}"));
    }
    let mut ledger = stage.ledger();
    ledger.families[place].head = head;
    ledger.set_family(place, Standing::In);
}

/// A code that was given and not brought becomes tokens for as long as codes live. One that was
/// brought without an answer does so, or was used up.
async fn check_code(stage: &Stage, wire: &mut Wire, place: usize, code: &CodeEntry) {
    let answer = bring_code(wire, &code.code).await.expect("the house is back");
    if is_good(&answer) {
        stage.ledger().redeemed(place, refresh_token(&answer));
        return;
    }
    let may_be_gone = code.state == CodeState::Brought || code.given.elapsed() + SLACK >= CODE_LIFE;
    assert!(may_be_gone, "lost: {code:?}");
    stage.ledger().codes[place].state = CodeState::Over;
}

/// A code that became tokens becomes no more of them, and takes back those that it gave
/// (RFC 6749 section 4.1.2), at least for as long as codes live.
async fn check_used_code(stage: &Stage, wire: &mut Wire, family: usize, code: &CodeEntry) {
    let answer = bring_code(wire, &code.code).await.expect("the house is back");
    assert!(!is_good(&answer), "twice: {code:?}");
    let entry = stage.ledger().families[family].clone();
    let is_over = code.given.elapsed() + SLACK < CODE_LIFE || entry.standing == Standing::Out;
    let standing = if is_over { Standing::Out } else { Standing::Unknown };
    let entry = FamilyEntry { standing, ..entry };
    check_family(stage, wire, family, &entry).await;
}
