//! Two processes on one PostgreSQL: how soon one knows that somebody has signed out at the other.

use std::time::Duration;

use testkit::wire::Wire;

use crate::house::{Furnished, PEOPLE, Running, now};
use crate::table::Table;
use crate::work::{arrive, connect, sign_in};

/// Logouts of each kind.
const TIMES: usize = 20;

/// Longest that a logout may take to be seen everywhere, in milliseconds.
const SEEN: u64 = 1000;

/// Measures with connections as they are, and with all of them cut just before.
pub async fn measure(furnished: &Furnished, one: &Running, table: &mut Table) {
    if !furnished.is_shared() {
        return;
    }
    let other = match furnished.serve_beside() {
        Ok(other) => other,
        Err(why) => return table.note(&format!("two nodes are left out: {why}")),
    };
    for (cut, what) in [(false, ""), (true, ", every database connection cut just before")] {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let before = || if cut { furnished.cut_connections() } else { Ok(()) };
            times.push(logout(one, &other, before).await);
        }
        times.sort_unstable();
        let name = format!("logout seen by another node, ms, longest of {TIMES}{what}");
        table.budget(&name, millis(times[TIMES - 1]), SEEN);
        table.note(&format!("{name}: median {}", millis(times[TIMES / 2])));
    }
}

/// In at one, known at the other, out at one: how long the other still lets in.
async fn logout(
    one: &Running,
    other: &Running,
    before: impl FnOnce() -> Result<(), String>,
) -> Duration {
    let mut wire = connect(one.address).await;
    let visitor = arrive(&mut wire).await;
    let session = sign_in(&mut wire, &visitor, PEOPLE[0]).await.cookie("_staff").expect("a cookie");
    let mut there = connect(other.address).await;
    assert_eq!(check(&mut there, &session).await, 200);
    let cookies = format!("{}; {session}", visitor.browser);
    let page = wire.get("/back-office/logout", &cookies).await.expect("a page");
    let csrf = page.field("csrf").expect("a form");
    before().expect("the connections are cut");
    let out = wire.post("/back-office/logout", &cookies, &[("csrf", csrf.as_str())]).await;
    let out = out.expect("an answer");
    assert_eq!(out.status, 303, "{out:?}");
    let left = now();
    while check(&mut there, &session).await == 200 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    now() - left
}

async fn check(wire: &mut Wire, session: &str) -> u16 {
    wire.get("/forward-auth/back-office", session).await.expect("an answer").status
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
