//! `vestibule doctor`: a house that is well, and one thing after the other that is not.

use std::sync::Arc;
use std::time::Duration;

use identity::applications::ApplicationKey;
use identity::federation::policy::Link;
use identity::forward_auth::ProtectedHost;
use identity::groups::{ADMINISTRATORS, GroupName};
use identity::return_to::Origin;
use identity::secret::Secret;
use identity::time::Moment;
use identity::users::{Status, StatusChange, UserType};
use serde_json::Value;
use server::clock::{Clock, SystemClock};
use server::doctor::probe::{HEADER, question};
use server::doctor::{Finding, Standing, examine};
use store::{ApplicationChange, By};
use testkit::smtp::MailServer;
use testkit::{Engine, FakeProvider, House, on_both_engines};

use crate::metrics::machine;

/// Time as the machine has it, as everybody else whom the doctor asks.
async fn house(engine: Engine, mail: &MailServer) -> House {
    let url = mail.url();
    let house = House::with(engine, |config| config.mail.smtp_url = Some(url)).await;
    let (now, then) = (SystemClock.now(), house.clock.now());
    house.clock.turn(now.since(then));
    house.clock.turn_back(then.since(now));
    house
}

async fn administrators(house: &House, addresses: &[&str]) {
    let store = &house.app.store;
    let name = GroupName::parse(ADMINISTRATORS).expect("a name");
    let group = store.find_group_by_name(UserType::Staff, &name).await.expect("read");
    let group = group.expect("built in");
    for address in addresses {
        let user = house.add_staff(address, Status::Active).await;
        let (by, now) = (By::operator(), house.app.now());
        store.add_group_member(&group.id, &user.id, &by, now).await.expect("a member");
        store.set_password(&user.id, "hash", None, &by, now).await.expect("a password");
    }
}

async fn findings(house: &House, clock: &dyn Clock) -> Vec<Finding> {
    let mut config = house.app.config.clone();
    config.server.listen.set_port(house.url().port().expect("a port"));
    examine(&config, clock, &house.app.entropy).await.expect("certificate authorities")
}

/// What was found where, without what is good.
async fn troubles(house: &House) -> Vec<(&'static str, Standing)> {
    let findings = findings(house, house.clock.as_ref()).await;
    let not_good = findings.iter().filter(|one| one.standing != Standing::Good);
    not_good.map(|one| (one.check, one.standing)).collect()
}

on_both_engines! {
    async fn a_house_that_is_well_is_found_well(engine: Engine) {
        let mail = MailServer::start().await;
        let house = house(engine, &mail).await;
        let provider = FakeProvider::start(house.clock.clone()).await;
        house.connect(&provider).await;
        administrators(&house, &["ada@shop.test", "grace@shop.test"]).await;
        let found = findings(&house, house.clock.as_ref()).await;
        // The server that tests start forgets what it acknowledged when the machine fails.
        let careless = if engine == Engine::Postgres { 1 } else { 0 };
        let (good, others): (Vec<_>, Vec<_>) =
            found.iter().partition(|one| one.standing == Standing::Good);
        assert_eq!(others.len(), careless, "{others:#?}");
        assert!(others.iter().all(|one| one.said.contains("forgets")), "{others:#?}");
        let checks: Vec<_> = good.iter().map(|one| one.check).collect();
        for check in [
            "administrators", "clock", "database", "key_file", "mail", "names", "provider",
            "proxy_headers", "public_url", "queues", "signing_keys",
        ] {
            assert!(checks.contains(&check), "{check}: {checks:?}");
        }
    }
}

#[tokio::test]
async fn each_thing_that_is_wrong_is_named() {
    let mut mail = MailServer::start().await;
    let mut house = house(Engine::Sqlite, &mail).await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    house.connect(&provider).await;
    assert_eq!(troubles(&house).await, [("administrators", Standing::Wrong)]);
    administrators(&house, &["ada@shop.test"]).await;
    assert_eq!(troubles(&house).await, [("administrators", Standing::Remark)]);
    administrators(&house, &["grace@shop.test"]).await;
    assert_eq!(troubles(&house).await, []);

    mail.down().await;
    assert_eq!(troubles(&house).await, [("mail", Standing::Wrong)]);
    mail.up().await;
    provider.down().await;
    assert_eq!(troubles(&house).await, [("provider", Standing::Wrong)]);
    provider.up().await;

    let origin = Origin::parse("http://127.0.0.1:1").expect("an origin");
    let host = ProtectedHost { origin, application: ApplicationKey::from_stored("back-office") };
    let (store, by, now) = (&house.app.store, By::operator(), house.app.now());
    store.add_protected_host(&host, &by, now).await.expect("a host");
    assert_eq!(troubles(&house).await, [("protected_host", Standing::Wrong)]);
    store.remove_protected_host(&host.origin, &by, now).await.expect("gone");

    let late = Behind(house.clock.clone(), Duration::from_secs(90));
    let found = findings(&house, &late).await;
    let clock = found.iter().find(|one| one.check == "clock").expect("looked at");
    assert_eq!(clock.standing, Standing::Wrong, "{clock:?}");

    house.stop().await;
    let down = [("public_url", Standing::Wrong), ("proxy_headers", Standing::LeftOut)];
    assert_eq!(troubles(&house).await, down);

    let key = house.folder().join("vestibule.key");
    std::fs::rename(&key, house.folder().join("elsewhere")).expect("moved");
    let found = troubles(&house).await;
    assert!(found.contains(&("key_file", Standing::Wrong)), "{found:?}");
    assert!(!key.exists(), "a doctor makes no key file");
}

#[tokio::test]
async fn a_closed_door_without_a_sealed_code_that_works_is_named() {
    let mail = MailServer::start().await;
    let house = house(Engine::Sqlite, &mail).await;
    administrators(&house, &["ada@shop.test", "grace@shop.test"]).await;
    let (store, now) = (&house.app.store, house.app.now());
    let (key, by) = (ApplicationKey::from_stored("back-office"), By::operator().forced(true));
    let change = ApplicationChange { local_login: Some(false), ..ApplicationChange::default() };
    let door = store.change_application(&key, &change, &by, now).await.expect("a change");
    assert_eq!(troubles(&house).await, [("break_glass", Standing::Remark)]);
    let ada = house.find_staff("ada@shop.test").await.expect("Ada");
    let code = Secret::new("code").digest();
    store.add_break_glass_seal(&door, &ada.id, &code, &by, now).await.expect("sealed");
    assert_eq!(troubles(&house).await, []);
    let found = findings(&house, house.clock.as_ref()).await;
    assert!(found.iter().any(|one| one.check == "break_glass"), "{found:?}");
    let off = StatusChange::Deactivate;
    store.change_user_status(&ada.id, off, &by, now).await.expect("an answer");
    let found = findings(&house, house.clock.as_ref()).await;
    let glass = found.iter().find(|one| one.check == "break_glass").expect("looked at");
    assert_eq!(glass.standing, Standing::Remark);
    assert!(glass.said.contains("void: the user is not active"), "{glass:?}");
}

#[tokio::test]
async fn a_connection_that_has_codes_sent_is_named_where_no_mail_goes_out() {
    let mail = MailServer::start().await;
    let house = house(Engine::Sqlite, &mail).await;
    administrators(&house, &["ada@shop.test", "grace@shop.test"]).await;
    let provider = FakeProvider::start(house.clock.clone()).await;
    let added = house.try_connect(&provider, |_, door| {
        door.application = "storefront".to_owned();
        door.policy.link = Some(Link::ProveMailbox);
    });
    added.await.expect("a good provider");
    assert_eq!(troubles(&house).await, []);
    let mut config = house.app.config.clone();
    config.server.listen.set_port(house.url().port().expect("a port"));
    config.mail.smtp_url = None;
    let found = examine(&config, house.clock.as_ref(), &house.app.entropy).await.expect("findings");
    let codes = found.iter().find(|one| one.check == "mailbox_codes").expect("looked at");
    assert_eq!(codes.standing, Standing::Wrong);
    assert!(codes.said.contains("corp has codes sent"), "{codes:?}");
    let advice = codes.advice.as_deref().expect("what to do");
    assert!(advice.contains("change-connection corp --application storefront"), "{advice}");
}

/// A clock that is late.
struct Behind(Arc<testkit::TestClock>, Duration);

impl Clock for Behind {
    fn now(&self) -> Moment {
        self.0.now().minus(self.1)
    }
}

#[tokio::test]
async fn nobody_but_the_doctor_is_told_how_requests_are_seen() {
    let mail = MailServer::start().await;
    let house = house(Engine::Sqlite, &mail).await;
    let other = self::house(Engine::Sqlite, &mail).await;
    let asked = |house: &House| {
        let (app, now) = (&house.app, house.app.now());
        question(&app.keyring, app.entropy.as_ref(), now).expect("sealed")
    };
    let old = asked(&house);
    let ask = async |question: &str| -> Value {
        let address = house.url().join("healthz").expect("an address");
        let request = machine().get(address).header(HEADER, question);
        request.send().await.expect("an answer").json().await.expect("JSON")
    };
    assert_eq!(ask(&old).await["seen"]["address"], "127.0.0.1");
    for stranger in ["", "made up", &asked(&other)] {
        assert_eq!(ask(stranger).await, serde_json::json!({ "status": "ok" }), "{stranger}");
    }
    house.clock.turn(Duration::from_secs(2 * 24 * 3600));
    assert_eq!(ask(&old).await, serde_json::json!({ "status": "ok" }), "two days later");
}
