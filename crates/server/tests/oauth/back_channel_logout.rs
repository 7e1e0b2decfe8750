//! Whoever has seen a session is told when it ends, and told again when it did not hear.

use std::sync::Arc;
use std::time::Duration;

use identity::ids::ClientId;
use identity::oauth::clients::SigningAlgorithm;
use identity::oauth::registration::{ClientChange, NewClient};
use identity::users::{Status, StatusChange};
use serde_json::{Value, json};
use server::app::{App, Parts};
use server::clock::SystemEntropy;
use server::config::Config;
use server::federation::upstream::WireFault;
use store::{AuditEntry, By, ClientOutcome};
use testkit::{Browser, Engine, House, on_both_engines};
use tracing_subscriber::EnvFilter;

use crate::hearing::{Hearing, Kept, proved, until};
use crate::shop::{EMAIL, Shop, claims, machine, read};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Describes a client that hears at `hearing`.
fn hears(hearing: &Hearing, id: &str) -> impl FnOnce(&mut NewClient) + use<> {
    let uri = hearing.uri(id);
    move |new| {
        new.backchannel_logout_uri = Some(uri);
        new.backchannel_logout_private = true;
    }
}

async fn leave(browser: &Browser) {
    let page = browser.get("/back-office/logout").await;
    browser.submit(&page.form("/logout")).await;
}

/// What the audit says about telling clients, the first entry first.
async fn results(house: &House) -> Vec<AuditEntry> {
    let entries = house.audit().await.into_iter().rev();
    entries.filter(|entry| entry.action == "client.logout").collect()
}

async fn wait_for_results(house: &House, count: usize) -> Vec<AuditEntry> {
    until(async || results(house).await.len() >= count).await;
    results(house).await
}

/// Waits while time goes by: what was tried a moment ago is due again only after its wait.
async fn until_with_time(house: &House, mut so: impl AsyncFnMut() -> bool) {
    until(async || {
        house.clock.turn(Duration::from_secs(60));
        so().await
    })
    .await;
}

on_both_engines! {
    async fn every_client_that_has_seen_the_session_is_told_and_no_other(engine: Engine) {
        let house = House::start(engine).await;
        let hearing = Hearing::start().await;
        Shop::open(&house).await;
        let one = Shop::register(&house, "one", hears(&hearing, "one")).await;
        let two = Shop::register(&house, "two", |new| {
            hears(&hearing, "two")(new);
            new.id_token_algorithm = SigningAlgorithm::Es256;
        })
        .await;
        let stranger = Shop::register(&house, "stranger", hears(&hearing, "stranger")).await;
        let browser = house.browser();
        let id_token = claims(&one.tokens(&browser, &[]).await.text("id_token"));
        let away = [("scope", "openid offline_access")];
        let kept = two.tokens(&browser, &away).await.text("refresh_token");
        // Another session of the same person is none of theirs.
        stranger.tokens(&house.browser(), &[]).await;
        leave(&browser).await;
        let (first, second) =
            (hearing.wait_for("one", 1).await.remove(0), hearing.wait_for("two", 1).await.remove(0));
        assert_eq!(first.content_type, "application/x-www-form-urlencoded");
        let (header, told) = proved(&house, &first.token).await;
        assert_eq!(header.typ.as_deref(), Some("logout+jwt"));
        for name in ["iss", "sub", "sid", "aud"] {
            assert_eq!(told[name], id_token[name], "{name}");
        }
        assert_eq!((&told["aud"], &told["events"]), (&json!("one"), &json!({ EVENT: {} })));
        let life = told["exp"].as_i64().expect("exp") - told["iat"].as_i64().expect("iat");
        assert!((30..=120).contains(&life), "{life} s");
        assert_eq!(told.get("nonce"), None);
        let (header, other) = proved(&house, &second.token).await;
        assert_eq!((header.alg, &other["aud"]), (jsonwebtoken::Algorithm::ES256, &json!("two")));
        assert_eq!(other["sid"], id_token["sid"]);
        assert_ne!(other["jti"], told["jti"]);
        let results = wait_for_results(&house, 2).await;
        let user = house.find_staff(EMAIL).await.expect("Grace");
        for result in &results {
            assert_eq!((result.outcome.as_str(), result.actor.as_str()), ("done", "system"));
            assert_eq!(result.user.as_ref(), Some(&user.id));
            assert_eq!(result.detail["session"], id_token["sid"]);
            assert_eq!(result.detail["tries"], 1);
        }
        // Told, and still allowed to work while the person is away (section 2.7).
        assert_eq!(two.refresh(&kept).await.status, 200);
        assert!(hearing.heard("stranger").is_empty());
        assert_eq!(results.len(), 2, "{results:?}");
    }

    async fn s099_a_client_that_does_not_hear_is_told_again_later(engine: Engine) {
        let mut house = House::start(engine).await;
        let hearing = Hearing::start().await;
        hearing.answers("shop", &[503, 302, 204]);
        Shop::open(&house).await;
        let browser = house.browser();
        let shop = Shop::register(&house, "hears", hears(&hearing, "shop")).await;
        shop.tokens(&browser, &[]).await;
        leave(&browser).await;
        let first = hearing.wait_for("shop", 1).await.remove(0);
        // What waits survives the process.
        house.stop().await;
        house.start_again().await;
        until_with_time(&house, async || hearing.heard("shop").len() == 3).await;
        let again = hearing.heard("shop").remove(1);
        let (_, told) = proved(&house, &first.token).await;
        let (_, told_again) = proved(&house, &again.token).await;
        assert_eq!(told["sid"], told_again["sid"]);
        assert!(told_again["iat"].as_i64() > told["iat"].as_i64(), "a token is never kept");
        let results = wait_for_results(&house, 1).await;
        assert_eq!((results.len(), results[0].outcome.as_str()), (1, "done"));
        assert_eq!(results[0].detail["said"], "HTTP status 204");
        assert!(results[0].detail["tries"].as_u64() >= Some(3), "{results:?}");
    }

    async fn whatever_ends_sessions_has_the_clients_told(engine: Engine) {
        let house = House::start(engine).await;
        let hearing = Hearing::start().await;
        Shop::open(&house).await;
        house.add_staff("other@corp.test", Status::Active).await;
        let shop = Shop::register(&house, "hears", hears(&hearing, "shop")).await;
        let user = house.find_staff(EMAIL).await.expect("Grace");
        let sid = async |browser: &Browser| {
            claims(&shop.tokens(browser, &[]).await.text("id_token"))["sid"].clone()
        };
        let told = async |count: usize| -> Value {
            let heard = hearing.wait_for("shop", count).await;
            assert_eq!(heard.len(), count);
            claims(&heard[count - 1].token)["sid"].clone()
        };
        // An application signs its person out.
        let browser = house.browser();
        let tokens = shop.tokens(&browser, &[]).await;
        let hint = tokens.text("id_token");
        browser.get(&format!("/oauth/logout?id_token_hint={hint}")).await;
        assert_eq!(told(1).await, claims(&hint)["sid"]);
        // The same browser signs in anew.
        let browser = house.browser();
        let before = sid(&browser).await;
        shop.tokens(&browser, &[("prompt", "login")]).await;
        assert_eq!(told(2).await, before);
        // Another process ends everything.
        let (by, now) = (By::operator(), house.app.now());
        let other = App::open(
            house.app.config.clone(),
            Parts {
                clock: Arc::clone(&house.clock) as Arc<dyn server::clock::Clock>,
                entropy: Arc::new(SystemEntropy),
            },
        )
        .await
        .expect("another process");
        other.store.end_user_sessions(&user.id, None, &by, now).await.expect("ended");
        told(3).await;
        let last = sid(&house.browser()).await;
        let off = StatusChange::Deactivate;
        other.store.change_user_status(&user.id, off, &by, now).await.expect("off");
        assert_eq!(told(4).await, last);
    }
}

#[tokio::test]
async fn s099_a_client_that_says_no_is_not_asked_again_and_one_that_is_gone_is_given_up() {
    let house = House::start(Engine::Sqlite).await;
    let hearing = Hearing::start().await;
    hearing.answers("no", &[400]);
    hearing.answers("gone", &[503; 30]);
    Shop::open(&house).await;
    let no = Shop::register(&house, "no", hears(&hearing, "no")).await;
    let gone = Shop::register(&house, "gone", hears(&hearing, "gone")).await;
    let browser = house.browser();
    no.tokens(&browser, &[]).await;
    gone.tokens(&browser, &[]).await;
    leave(&browser).await;
    let first = wait_for_results(&house, 1).await.remove(0);
    assert_eq!((first.outcome.as_str(), &first.detail["client"]), ("refused", &json!("no")));
    until(async || {
        house.clock.turn(Duration::from_secs(3 * 3600));
        results(&house).await.len() == 2
    })
    .await;
    let last = results(&house).await.remove(1);
    assert_eq!((last.outcome.as_str(), &last.detail["client"]), ("given_up", &json!("gone")));
    assert_eq!(
        (&last.detail["tries"], &last.detail["said"]),
        (&json!(10), &json!("HTTP status 503"))
    );
    assert_eq!((hearing.heard("no").len(), hearing.heard("gone").len()), (1, 10));
}

#[tokio::test]
async fn a_client_that_never_answers_holds_up_nobody_else() {
    // Longer than this test waits for anything.
    let patient = |config: &mut Config| config.outbound.timeout_seconds = 60;
    let house = House::with(Engine::Sqlite, patient).await;
    let hearing = Hearing::start().await;
    Shop::open(&house).await;
    let dead = Shop::register(&house, "dead", hears(&hearing, "dead")).await;
    let shop = Shop::register(&house, "hears", hears(&hearing, "shop")).await;
    // More than are told at once, so that all of them hang.
    for _ in 0..9 {
        dead.tokens(&house.browser(), &[]).await;
    }
    let user = house.find_staff(EMAIL).await.expect("Grace");
    let (by, now) = (By::operator(), house.app.now());
    house.app.store.end_user_sessions(&user.id, None, &by, now).await.expect("ended");
    hearing.wait_for("dead", 8).await;
    let browser = house.browser();
    shop.tokens(&browser, &[]).await;
    leave(&browser).await;
    hearing.wait_for("shop", 1).await;
    let done = wait_for_results(&house, 1).await.remove(0);
    assert_eq!((done.outcome.as_str(), &done.detail["client"]), ("done", &json!("hears")));
}

#[tokio::test]
async fn s031_logout_tokens_go_to_private_addresses_only_by_the_operators_word() {
    let house = House::start(Engine::Sqlite).await;
    let hearing = Hearing::start().await;
    Shop::register(&house, "hears", hears(&hearing, "shop")).await;
    let client = ClientId::from_stored("hears");
    let shut = ClientChange { backchannel_logout_private: Some(false), ..ClientChange::default() };
    let (by, now) = (By::operator(), house.app.now());
    let said = house.app.store.change_client(&client, &shut, &by, now).await.expect("an answer");
    let ClientOutcome::Refused(fault) = said else { panic!("{said:?}") };
    assert_eq!(fault.code(), "backchannel_logout_private");
    // However it came into the database, nothing is connected to.
    let form = [("logout_token", "token")];
    let told = house.app.upstream.tell(&hearing.uri("shop"), &[], &form).await;
    assert!(matches!(told, Err(WireFault::Address(_))), "{told:?}");
    assert!(hearing.heard("shop").is_empty());
}

#[tokio::test]
async fn s085_no_logout_token_is_ever_logged_or_kept() {
    let log = Kept::default();
    let writer = log.clone();
    let logger = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("trace,hyper_util=info"))
        .with_ansi(false)
        .with_writer(move || writer.clone());
    logger.try_init().expect("the only log of this process");
    let house = House::start(Engine::Sqlite).await;
    let hearing = Hearing::start().await;
    hearing.answers("shop", &[503, 400]);
    Shop::open(&house).await;
    let shop = Shop::register(&house, "hears", hears(&hearing, "shop")).await;
    let browser = house.browser();
    shop.tokens(&browser, &[]).await;
    leave(&browser).await;
    until_with_time(&house, async || hearing.heard("shop").len() == 2).await;
    wait_for_results(&house, 1).await;
    let text = log.text();
    assert!(text.contains("told of a logout later"), "the log is a full one");
    assert!(text.contains("INSERT INTO back_channel_logouts"), "the log is a full one");
    let database = house.database_bytes();
    for heard in hearing.heard("shop") {
        let signature = heard.token.rsplit('.').next().expect("three parts").to_owned();
        assert!(!text.contains(&signature), "a logout token is in the log");
        let is_kept = database.windows(signature.len()).any(|part| part == signature.as_bytes());
        assert!(!is_kept, "a logout token is in the database");
    }
}

#[tokio::test]
async fn s077_a_logout_token_passes_for_no_other_token() {
    let house = House::start(Engine::Sqlite).await;
    let hearing = Hearing::start().await;
    Shop::open(&house).await;
    let shop = Shop::register(&house, "hears", hears(&hearing, "shop")).await;
    let browser = house.browser();
    shop.tokens(&browser, &[]).await;
    leave(&browser).await;
    let token = hearing.wait_for("shop", 1).await.remove(0).token;
    assert_eq!(shop.userinfo(&token).await.status, 401);
    assert_eq!(shop.introspect(&token).await, json!({ "active": false }));
    let browser = house.browser();
    shop.tokens(&browser, &[]).await;
    let page = browser.get(&format!("/oauth/logout?id_token_hint={token}")).await;
    assert!(page.find_form("/oauth/logout").is_some(), "as a hint it is none: {}", page.text());
}

#[tokio::test]
async fn a_client_that_keeps_no_sid_is_told_of_the_person_alone() {
    let house = House::start(Engine::Sqlite).await;
    let hearing = Hearing::start().await;
    Shop::open(&house).await;
    let shop = Shop::register(&house, "hears", |new| {
        hears(&hearing, "shop")(new);
        new.backchannel_logout_session_required = false;
    })
    .await;
    let browser = house.browser();
    let id_token = claims(&shop.tokens(&browser, &[]).await.text("id_token"));
    leave(&browser).await;
    let (_, told) = proved(&house, &hearing.wait_for("shop", 1).await.remove(0).token).await;
    assert_eq!((told.get("sid"), &told["sub"]), (None, &id_token["sub"]));
}

#[tokio::test]
async fn the_metadata_says_that_logouts_are_told_with_the_session() {
    let house = House::start(Engine::Sqlite).await;
    let url = house.url().join("/.well-known/openid-configuration").expect("an address");
    let said = read(machine().get(url)).await.body;
    assert_eq!(said["backchannel_logout_supported"], true);
    assert_eq!(said["backchannel_logout_session_supported"], true);
}
