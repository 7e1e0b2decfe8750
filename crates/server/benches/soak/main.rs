//! `make soak`: ten days of a house in a minute. What is over is forgotten, so that neither the
//! database nor memory grows with the days; exits with 1 where one of them does.
//!
//! The clock is turned by an hour after each hour's work, and the house clears what has expired,
//! as it does every five minutes. Everybody comes back day after day; the audit is kept for two
//! days, since what is kept for ever grows for ever.

mod traffic;

use std::process::{Command, ExitCode};
use std::time::Duration;

use server::sessions::watch::prune_now;
use testkit::{Engine, House};

use traffic::Town;

/// Days in all.
const DAYS: u32 = 10;

/// The day that the last one is compared with.
const MIDDLE: u32 = 5;

/// Most that a figure of the last day may be of the middle one's, in percent.
const GROWTH: u64 = 110;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let mut level = true;
    println!("| engine | what | day {MIDDLE} | day {DAYS} | of it | |");
    println!("|---|---|---:|---:|---:|---|");
    for engine in [Engine::Sqlite, Engine::Postgres] {
        level &= runtime.block_on(soak(engine));
    }
    if level { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Clone, Copy)]
struct Figures {
    database: u64,
    resident_kib: u64,
}

impl Figures {
    fn of(house: &House) -> Self {
        Self { database: database_size(house), resident_kib: resident_kib() }
    }
}

async fn soak(engine: Engine) -> bool {
    let house = House::with(engine, |config| {
        config.audit.keep_days = 2;
        config.audit.visitor_refusals_days = 2;
        config.throttle.trip_network_per_minute = 1_000_000;
        config.throttle.request_network_per_minute = 1_000_000;
        // Cheap: what is measured is what stays, not what it costs.
        config.passwords.argon2_memory_kib = 7168;
        config.passwords.argon2_passes = 5;
    })
    .await;
    let town = Town::settle(&house).await;
    let mut middle = Figures::of(&house);
    for day in 1..=DAYS {
        for hour in 0..24 {
            town.live(hour).await;
            house.clock.turn(Duration::from_secs(3600));
            prune_now(&house.app).await.expect("what is over is cleared");
        }
        if day == MIDDLE {
            middle = Figures::of(&house);
        }
    }
    let last = Figures::of(&house);
    let name = format!("{engine:?}").to_lowercase();
    let database = compare(&name, "database, KiB", middle.database / 1024, last.database / 1024);
    let memory = compare(&name, "resident memory, KiB", middle.resident_kib, last.resident_kib);
    println!("\n{}: {}\n", name, town.done());
    database && memory
}

fn compare(engine: &str, what: &str, middle: u64, last: u64) -> bool {
    let percent = last * 100 / middle.max(1);
    let fits = percent <= GROWTH;
    let word = if fits { "OK" } else { "MISS" };
    println!("| {engine} | {what} | {middle} | {last} | {percent} % | {word} |");
    fits
}

/// Bytes on disk, once the space of removed rows can be used again: PostgreSQL sees to that by
/// itself every minute, which is too seldom where days pass in seconds.
fn database_size(house: &House) -> u64 {
    let url = house.app.config.database.url.expose();
    if url.starts_with("sqlite:") {
        return house.database_bytes().len() as u64;
    }
    let size = "SELECT pg_database_size(current_database())";
    let done = Command::new("psql").args([url, "-qXAtc", "VACUUM", "-c", size]).output();
    let said = String::from_utf8(done.expect("psql").stdout).expect("text");
    said.trim().parse().unwrap_or_else(|_| panic!("{size} said {said}"))
}

/// Of this process, with everything that visits the house.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number")
}
