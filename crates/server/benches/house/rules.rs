//! What rules cost: a callback with them beside one without, a house of many connections beside
//! one of few, and the decision alone.

use std::hint::black_box;
use std::sync::Arc;

use identity::applications::ApplicationKey;
use identity::federation::claims;
use identity::federation::decide::{Arrival, decide};
use identity::federation::hook::HookWord;
use identity::federation::id_token::IdClaims;
use identity::federation::policy::PolicyFields;
use identity::ids::ProviderId;
use serde_json::{Map, Value, json};
use server::app::{App, Parts};
use server::clock::{SystemClock, SystemEntropy};
use store::{By, ConnectionChange, NewConnection};
use testkit::provider::person;
use testkit::{Engine, FakeProvider, House};

use crate::house::{Furnished, Running, now};
use crate::load::{Pairs, block};
use crate::table::Table;
use crate::work::{Visitor, arrive, come_back, connect, trip};

/// Connections of a large house.
const MANY: usize = 10_000;

/// Decisions of one measurement.
const DECISIONS: u32 = 50_000;

/// Sets a condition, a mapping of groups, and a name that follows the provider.
fn rules() -> Value {
    json!({
        "allow_if": "email_trusted && claims.department != \"Sales\"",
        "on_sign_in": {
            "groups": "claims.groups.filter(g, g.startsWith(\"/shop/\")).map(g, g.substring(6))",
            "refuse_if": "\"contractors\" in claims.groups",
        },
        "sync": { "name": "force", "locale": "force", "groups": "force" },
    })
}

const GROUPS: [&str; 3] = ["Editors", "Support", "Board"];

fn groups_there() -> Value {
    let shop = GROUPS.map(|name| format!("/shop/{name}"));
    let others = (0..20).map(|number| format!("/elsewhere/{number}"));
    shop.into_iter().chain(others).collect()
}

/// What the provider says about somebody whom the rules let in.
fn employee() -> Map<String, Value> {
    let mut said = person("returning", "returning@corp.example");
    said.insert("department".to_owned(), "Logistics".into());
    said.insert("groups".to_owned(), groups_there());
    said
}

/// Measures all of it.
pub async fn measure(provider: &FakeProvider, table: &mut Table) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let name = format!("{engine:?}").to_lowercase();
        let Ok(ruled) = Furnished::new(engine, provider, &format!("ruled-{name}")) else {
            continue;
        };
        let Ok(plain) = Furnished::new(engine, provider, &format!("plain-{name}")) else {
            continue;
        };
        ruled.set_rules(&GROUPS, &rules()).expect("rules");
        let pairs = callbacks(&ruled.serve(), &plain.serve(), provider).await;
        table.pair(
            &format!("callback with rules, groups and sync, beside one without ({name})"),
            &pairs,
        );
    }
    let many = Furnished::new(Engine::Sqlite, provider, "many").expect("SQLite");
    let few = Furnished::new(Engine::Sqlite, provider, "few").expect("SQLite");
    connect_many(&many).await;
    let pairs = callbacks(&many.serve(), &few.serve(), provider).await;
    table.pair(
        &format!("callback in a house of {MANY} connections, beside one of one (sqlite)"),
        &pairs,
    );
    table
        .note(&format!("decisions in a second, without rules: {:.0}", decisions(&json!({})).await));
    table.note(&format!("decisions in a second, with rules: {:.0}", decisions(&rules()).await));
}

/// Ways back of somebody whom both houses know; the first ones are not counted.
async fn callbacks(one: &Running, other: &Running, provider: &FakeProvider) -> Pairs {
    const EACH: u64 = 50;
    provider.script(|script| script.claims = employee());
    let visitors = [
        arrive(&mut connect(one.address).await).await,
        arrive(&mut connect(other.address).await).await,
    ];
    for (house, visitor) in [one, other].into_iter().zip(&visitors) {
        come_back(house.address, visitor.browser.clone(), ways(house, provider, visitor, 1).await)
            .await;
    }
    let mut pairs = Pairs::default();
    for _ in 0..8 {
        let mut lanes = [Vec::new(), Vec::new()];
        for (at, house) in [one, other].into_iter().enumerate() {
            for _ in 0..2 {
                let ways = ways(house, provider, &visitors[at], EACH).await;
                lanes[at].push(come_back(house.address, visitors[at].browser.clone(), ways));
            }
        }
        let [first, second] = lanes;
        let first = block(one, EACH, first).await;
        pairs.push(first, block(other, EACH, second).await);
    }
    pairs
}

async fn ways(
    house: &Running,
    provider: &FakeProvider,
    visitor: &Visitor,
    count: u64,
) -> Vec<String> {
    let mut ways = Vec::new();
    for _ in 0..count {
        ways.push(trip(house.address, provider, visitor).await);
    }
    ways
}

/// Connects the merchant portal to copies of the provider.
async fn connect_many(furnished: &Furnished) {
    let file = furnished.configuration();
    let config = server::config::load(Some(&file), std::iter::empty()).expect("a configuration");
    let parts = Parts { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) };
    let app = App::open(config, parts).await.expect("a house");
    let corp = app.directory.now().provider("corp").expect("the provider");
    for number in 1..MANY {
        let provider = identity::federation::provider::Provider {
            id: ProviderId::new(app.now(), app.entropy.as_ref()),
            key: format!("corp-{number}"),
            ..(*corp).clone()
        };
        let connection = NewConnection {
            application: ApplicationKey::from_stored("merchant-portal"),
            policy: PolicyFields::default(),
            position: 0,
        };
        let (by, now) = (By::system(), app.now());
        let added = app.store.add_provider(&provider, None, &[connection], &by, now).await;
        added.expect("a provider");
    }
}

/// Decisions about somebody known, in a second, on one thread.
async fn decisions(policy: &Value) -> f64 {
    let house = House::start(Engine::Sqlite).await;
    let provider = FakeProvider::start(Arc::clone(&house.clock) as _).await;
    let row = house.connect(&provider).await;
    for name in GROUPS {
        house.add_group(name).await;
    }
    let store = &house.app.store;
    let connection = store.list_connections(None).await.expect("connections").remove(0);
    let set: PolicyFields = serde_json::from_value(policy.clone()).expect("a policy");
    let change = ConnectionChange { policy: set.into(), ..ConnectionChange::default() };
    store
        .change_connection(&connection.id, &change, &By::system(), house.app.now())
        .await
        .expect("a change");
    let said = employee();
    provider.script(|script| script.claims = said.clone());
    assert!(house.browser().open("/back-office/login/corp").await.is_signed_in());
    let id = IdClaims {
        issuer: row.issuer.clone(),
        subject: "returning".to_owned(),
        auth_time: None,
        claims: said,
    };
    let external = claims::read(&row, &id, None).expect("somebody");
    let door = house.app.directory.now().application("back-office").expect("the door");
    let arrival = Arrival {
        external,
        application: (*door).clone(),
        hook: HookWord::Unasked,
        shown: None,
        now: house.app.now(),
    };
    let known = store.find_known(&arrival).await.expect("what is known");
    let began = now();
    for _ in 0..DECISIONS {
        black_box(decide(black_box(&arrival), black_box(&known)));
    }
    f64::from(DECISIONS) / (now() - began).as_secs_f64()
}
