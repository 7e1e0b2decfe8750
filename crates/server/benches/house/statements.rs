//! How much each sign-in asks of the database, as the store itself counts it.

use std::sync::Arc;

use identity::secret::Secret;
use identity::users::Status;
use store::{By, Figures};
use testkit::{Browser, Engine, FakeProvider, House};

use crate::house::{PASSWORD, PEOPLE};
use crate::table::Table;

/// Most statements of a returning person's callback, BEGIN and COMMIT included (DESIGN 7).
const STATEMENTS: u64 = 9;

/// How often each is counted. The house looks at changes all the time, which only ever adds, so
/// the least is what the sign-in costs.
const TIMES: usize = 12;

/// Counts on each engine.
pub async fn count(engines: &[Engine], table: &mut Table) {
    for engine in engines {
        let name = format!("{engine:?}").to_lowercase();
        let house = House::start(*engine).await;
        let callback = callback(&house).await;
        let what = format!("callback of a returning person ({name})");
        table.budget(&format!("statements, {what}"), callback.statements, STATEMENTS);
        table.note(&figures(&what, callback));
        table.note(&figures(&format!("password login ({name})"), password(&house).await));
    }
}

fn figures(what: &str, cost: Figures) -> String {
    let Figures { transactions, statements, rows_written, .. } = cost;
    format!(
        "{what}: {statements} statements, {rows_written} rows written, {transactions} of its \
         transactions with BEGIN and COMMIT"
    )
}

fn least(costs: Vec<Figures>) -> Figures {
    costs.into_iter().min_by_key(|cost| cost.statements).expect("some were counted")
}

async fn callback(house: &House) -> Figures {
    let provider = FakeProvider::start(Arc::clone(&house.clock) as _).await;
    house.connect(&provider).await;
    provider.person("returning", "returning@corp.example");
    let browser = house.browser();
    let mut costs = Vec::new();
    for _ in 0..=TIMES {
        // Another session would be ended by the sign-in, which is no part of it.
        browser.lose("_staff");
        let away = browser.get("/back-office/login/corp").await;
        let back = browser.step(&away).await;
        let before = house.app.store.counted();
        let home = browser.step(&back).await;
        costs.push(house.app.store.counted().since(before));
        assert_eq!(home.status, 303, "{home:?}");
    }
    // The first made the user.
    least(costs.split_off(1))
}

async fn password(house: &House) -> Figures {
    let user = house.add_staff(PEOPLE[0], Status::Active).await;
    let hash = house.app.hasher.hash(Secret::new(PASSWORD)).await.expect("a hash").to_string();
    let (store, now) = (&house.app.store, house.app.now());
    store.set_password(&user.id, &hash, None, &By::operator(), now).await.expect("a password");
    let browser = house.browser();
    let mut costs = Vec::new();
    for _ in 0..=TIMES {
        browser.lose("_staff");
        costs.push(sign_in(house, &browser).await);
    }
    // The first made the device known.
    least(costs.split_off(1))
}

async fn sign_in(house: &House, browser: &Browser) -> Figures {
    let page = browser.get("/back-office/login").await;
    let form = page.form("/login").with("email", PEOPLE[0]).with("password", PASSWORD);
    let before = house.app.store.counted();
    let home = browser.submit(&form).await;
    let cost = house.app.store.counted().since(before);
    assert_eq!(home.status, 303, "{home:?}");
    cost
}
