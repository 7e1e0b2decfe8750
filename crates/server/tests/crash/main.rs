//! `kill -9` under load: whatever was acknowledged is there after the restart, and nothing by halves.
//!
//! The house is the real binary with an ordinary configuration. Visitors, an application and an
//! operator work until it is killed at a random moment; what they were told is in a ledger outside
//! of it. A kill takes no page out of the kernel's memory, so this proves that an answer comes
//! after its commit and that what belongs together is committed together; that a commit reaches
//! the disk is the engines' promise (`synchronous=FULL`, `fsync`).
//!
//! `VESTIBULE_CRASH_SEED` repeats a run as far as scheduling allows; `VESTIBULE_CRASH_ROUNDS`
//! makes it shorter.

mod application;
mod check;
mod check_tokens;
mod ledger;
mod operator;
mod stage;
mod tokens;
mod trips;
mod visitors;
mod yard;

use std::sync::Arc;
use std::time::Duration;

use identity::entropy::draw;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use server::clock::SystemEntropy;
use tokio::task::JoinSet;
use tokio::time::sleep;

use stage::Stage;
use yard::{Process, Yard};

/// How often the house is killed on each engine.
const ROUNDS: u64 = 200;

/// Every so many rounds the whole ledger is checked, and not only what is new and a sample.
const WHOLE_EVERY: u64 = 50;

/// Every so many rounds the operator, whose commands take longest, gets one of them done.
const OPERATOR_EVERY: u64 = 3;

/// Every so many rounds PostgreSQL is killed as well.
const POSTGRES_EVERY: u64 = 10;

testkit::on_both_engines! {
    async fn a_kill_takes_back_nothing_that_was_acknowledged(engine: Engine) {
        let seed = number("VESTIBULE_CRASH_SEED")
            .unwrap_or_else(|| u64::from(u32::from_be_bytes(draw(&SystemEntropy))));
        let rounds = number("VESTIBULE_CRASH_ROUNDS").unwrap_or(ROUNDS);
        eprintln!("{engine:?}: {rounds} kills; to repeat: VESTIBULE_CRASH_SEED={seed}");
        let stage = Arc::new(Stage::new(Yard::build(engine).await));
        let mut process = stage.yard.start().await;
        for round in 0..rounds {
            let mut random = StdRng::seed_from_u64(seed.wrapping_add(round));
            stage.begin(round);
            load_and_kill(&stage, process, &mut random).await;
            process = stage.yard.start().await;
            let whole = (round + 1) % WHOLE_EVERY == 0 || round + 1 == rounds;
            check::check(&stage, whole, &mut random).await;
        }
        process.kill().await;
        let told = stage.ledger().summary();
        eprintln!("{engine:?}: acknowledged {told:?}");
        assert!(told.iter().all(|(_, count)| *count > 0), "a kind of write was never tried");
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Everybody at work until the house is killed.
async fn load_and_kill(stage: &Arc<Stage>, process: Process, random: &mut StdRng) {
    let mut working = JoinSet::new();
    for person in yard::PEOPLE {
        working.spawn(visitors::sign_in_and_out(Arc::clone(stage), person, fork(random)));
    }
    working.spawn(visitors::forget_passwords(Arc::clone(stage), fork(random)));
    working.spawn(trips::make_trips(Arc::clone(stage), fork(random)));
    working.spawn(application::use_tokens(Arc::clone(stage), fork(random)));
    working.spawn(operator::work(Arc::clone(stage), fork(random)));
    let operator = u64::from(stage.round().is_multiple_of(OPERATOR_EVERY));
    stage.until_acknowledged(operator, random.random_range(0..30)).await;
    if stage.round() % POSTGRES_EVERY == POSTGRES_EVERY - 1 {
        stage.yard.crash_postgres().await;
        stage.until_acknowledged(0, random.random_range(0..30)).await;
    }
    // Between two acknowledgements, and not always right after one.
    sleep(Duration::from_micros(random.random_range(0..20_000))).await;
    stage.end();
    process.kill().await;
    while let Some(ended) = working.join_next().await {
        match ended {
            // Cut off, as was to be expected: nobody leaves before the end.
            Ok(Err(_)) if stage.has_ended() => {}
            Ok(ended) => panic!("the house went away by itself: {ended:?}"),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

fn fork(random: &mut StdRng) -> StdRng {
    StdRng::seed_from_u64(random.random())
}
