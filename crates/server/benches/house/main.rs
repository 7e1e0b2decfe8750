//! `make bench`: what the product costs, each figure beside its limit of the same run.
//!
//! The product is the real binary with its default configuration and all of its middleware, in a
//! process of its own, so that neither the load nor the provider counts into its processor time.
//! Limits are the least that could do the job, see `limits.rs`. Blocks of both take turns, so that
//! whatever else the machine does meets both alike.

mod applications;
mod house;
mod limits;
mod load;
mod memory_path;
mod nodes;
mod rules;
mod statements;
mod table;
mod work;

use std::time::Duration;

use testkit::{Engine, FakeProvider};
use tokio::time::{Instant, sleep_until};

use house::{Furnished, Running};
use table::Table;

/// Sign-ins with a password after which resident memory is looked at again.
const SIGN_INS: u64 = 1000;

/// Most resident memory, in KiB.
const RESIDENT_KIB: u64 = 30 * 1024;

/// Longest start on a migrated database.
const START: Duration = Duration::from_millis(100);

/// Largest stripped binary, in bytes.
const BINARY: u64 = 30 * 1024 * 1024;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    match arguments.iter().position(|word| word == limits::WORD) {
        Some(place) => runtime.block_on(limits::serve(&arguments[place + 1..])),
        None => runtime.block_on(bench()),
    }
}

/// Seconds that nobody else needs are used: while one house rests for the look at its memory,
/// others are measured.
async fn bench() {
    let provider = FakeProvider::start(std::sync::Arc::new(server::clock::SystemClock)).await;
    let mut table = Table::default();
    let resting = Furnished::new(Engine::Sqlite, &provider, "resting").expect("SQLite");
    let bare = Furnished::new(Engine::Sqlite, &provider, "bare").expect("SQLite");
    let bare = bare.serve_limits(&provider);
    let house = resting.serve();
    let rested = Instant::now() + Duration::from_secs(10);
    let engines = engines(&mut table);
    statements::count(&engines, &mut table).await;
    memory_path::measure(&mut table).await;
    sleep_until(rested).await;
    table.budget("resident memory, KiB, 10 s after start", house.resident_kib(), RESIDENT_KIB);

    let logins = work::password_logins(&house, &bare, SIGN_INS).await;
    table.pair("password login (sqlite)", &logins);
    let rested = Instant::now() + Duration::from_secs(60);
    for engine in engines {
        measure_on(engine, &provider, &mut table).await;
    }
    rules::measure(&provider, &mut table).await;
    start_times(&mut table, &provider).await;
    let size = std::fs::metadata(house::BINARY).expect("the binary").len();
    table.budget("stripped binary, bytes", size, BINARY);
    sleep_until(rested).await;
    let name = format!("resident memory, KiB, 60 s after {SIGN_INS} password logins");
    table.budget(&name, house.resident_kib(), RESIDENT_KIB);
    table.print();
}

/// SQLite, and PostgreSQL where it is installed.
fn engines(table: &mut Table) -> Vec<Engine> {
    match testkit::postgres::Database::create() {
        Ok(_) => vec![Engine::Sqlite, Engine::Postgres],
        Err(why) => {
            table.note(&format!("PostgreSQL is left out: {why}"));
            vec![Engine::Sqlite]
        }
    }
}

async fn measure_on(engine: Engine, provider: &FakeProvider, table: &mut Table) {
    let name = format!("{engine:?}").to_lowercase();
    let product = Furnished::new(engine, provider, &format!("product-{name}")).expect("a house");
    let limits = Furnished::new(engine, provider, &format!("limits-{name}")).expect("a house");
    let (house, bare): (Running, Running) = (product.serve(), limits.serve_limits(provider));
    if engine == Engine::Sqlite {
        // Memory alone, whichever engine is below.
        table.pair("session check", &work::session_checks(&house, &bare).await);
        applications::measure(&product, &house, &bare, table).await;
    } else {
        let logins = work::password_logins(&house, &bare, 80).await;
        table.pair(&format!("password login ({name})"), &logins);
        nodes::measure(&product, &house, table).await;
    }
    let callbacks = work::callbacks(&house, &bare, provider).await;
    table.pair(&format!("callback of a returning person ({name})"), &callbacks);
}

async fn start_times(table: &mut Table, provider: &FakeProvider) {
    let house = Furnished::new(Engine::Sqlite, provider, "start").expect("SQLite");
    let mut times: Vec<Duration> = (0..11).map(|_| house.time_start()).collect();
    times.sort_unstable();
    let name = "start on a migrated database (sqlite), ms, median of 11";
    table.budget(name, millis(times[5]), millis(START));
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
