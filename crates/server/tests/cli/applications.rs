//! Applications at the command line, and what the house that serves makes of a change.

use std::time::Duration;

use identity::ids::UserId;
use serde_json::json;
use testkit::{Browser, Engine, FakeProvider, on_both_engines};

use crate::desk::{Desk, PASSWORD, names};

const EMAIL: &str = "grace@shop.test";

const APPLICATION: [&str; 11] = [
    "absolute_seconds",
    "authenticated_for_seconds",
    "auto_redirect",
    "fresh_within_seconds",
    "idle_seconds",
    "key",
    "name",
    "password",
    "population",
    "return_origins",
    "type",
];

/// A house in which Grace has a password.
async fn desk(engine: Engine) -> Desk {
    let desk = Desk::at(engine).await;
    desk.ask(&["users", "add", EMAIL, "--password-file", "password"]).await;
    desk
}

/// A change of the back office that the running house has noticed by itself.
async fn change(desk: &Desk, more: &[&str]) -> serde_json::Value {
    let before = desk.house.app.directory.now();
    let answer = desk.ask(&[&["applications", "change", "back-office"], more].concat()).await;
    let noticed = tokio::time::timeout(Duration::from_secs(30), async {
        let door = || desk.house.app.directory.now().application("back-office");
        while door() == before.application("back-office") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(noticed.await.is_ok(), "the house did not notice");
    answer
}

async fn signed_in(desk: &Desk) -> Browser {
    let browser = desk.house.browser();
    let form = browser.open("/back-office/login").await.form("/login");
    let page = browser.submit(&form.with("email", EMAIL).with("password", PASSWORD)).await;
    assert!(browser.arrive(page).await.is_signed_in());
    browser
}

/// Used, and the use written down: after a turn of the clock the house trusts the database alone.
async fn use_it(desk: &Desk, browser: &Browser) -> bool {
    let is_in = is_in(browser).await;
    server::sessions::watch::flush(&desk.house.app).await;
    is_in
}

async fn is_in(browser: &Browser) -> bool {
    browser.open("/back-office").await.is_signed_in()
}

on_both_engines! {
    async fn how_long_staff_stay_signed_in_is_changed_in_the_running_house(engine: Engine) {
        let desk = desk(engine).await;
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let (used, unused) = (signed_in(&desk).await, signed_in(&desk).await);
        desk.house.clock.turn(minutes(59));
        assert!(use_it(&desk, &used).await, "60 minutes without use are the default");
        desk.house.clock.turn(minutes(2));
        assert!(use_it(&desk, &used).await && !is_in(&unused).await);

        let answer = change(&desk, &["--idle", "10m", "--absolute", "2h"]).await;
        assert_eq!((&answer["idle_seconds"], &answer["absolute_seconds"]), (&600.into(), &7200.into()));
        let unused = signed_in(&desk).await;
        desk.house.clock.turn(minutes(9));
        assert!(use_it(&desk, &used).await, "a shorter time counts for sessions that live");
        desk.house.clock.turn(minutes(2));
        assert!(use_it(&desk, &used).await && !is_in(&unused).await);
        let busy = signed_in(&desk).await;
        for _ in 0..14 {
            desk.house.clock.turn(minutes(8));
            assert!(use_it(&desk, &busy).await);
        }
        desk.house.clock.turn(minutes(8));
        assert!(!is_in(&busy).await, "2 hours after the sign-in, used or not");
    }

    async fn a_use_counts_when_something_about_its_user_changes_before_it_is_written(engine: Engine) {
        let desk = desk(engine).await;
        let browser = signed_in(&desk).await;
        desk.house.clock.turn(Duration::from_secs(60 * 59));
        assert!(is_in(&browser).await);
        let user = desk.ask(&["users", "show", EMAIL]).await;
        let user = user["user"]["id"].as_str().expect("an id");
        desk.house.app.forget_user(&UserId::from_stored(user));
        server::sessions::watch::flush(&desk.house.app).await;
        desk.house.clock.turn(Duration::from_secs(60 * 2));
        assert!(is_in(&browser).await, "used two minutes ago");
    }

    async fn a_sign_in_returns_to_an_origin_once_it_is_registered(engine: Engine) {
        let desk = desk(engine).await;
        let target = async || {
            let browser = desk.house.browser();
            let address = "/back-office/login?return_to=https%3A%2F%2Fshop.test%2Forders%3Fid%3D7";
            let form = browser.open(address).await.form("/login");
            let page = browser.submit(&form.with("email", EMAIL).with("password", PASSWORD)).await;
            page.location().expect("a redirect").to_string()
        };
        let home = desk.house.url().join("/back-office").expect("an address").to_string();
        assert_eq!(target().await, home);
        let two = ["--return-origin", "https://shop.test/", "--return-origin", "http://localhost:3000"];
        let answer = change(&desk, &two).await;
        assert_eq!(answer["return_origins"], json!(["https://shop.test", "http://localhost:3000"]));
        assert_eq!(target().await, "https://shop.test/orders?id=7");
        change(&desk, &["--no-return-origin"]).await;
        assert_eq!(target().await, home);
    }

    async fn a_door_is_told_to_send_people_straight_to_a_provider(engine: Engine) {
        let desk = desk(engine).await;
        let provider = FakeProvider::start(desk.house.clock.clone()).await;
        desk.house.connect(&provider).await;
        let answer = change(&desk, &["--auto-redirect", "corp"]).await;
        assert_eq!(answer["auto_redirect"], "corp");
        let page = desk.house.browser().get("/back-office/login").await;
        let gone = page.location().expect("a redirect");
        assert!(gone.as_str().starts_with(&provider.issuer()), "{gone}");
        let shown = desk.read(&["applications", "show", "back-office"]).await;
        assert!(shown.contains("Goes straight to") && shown.contains("corp"), "{shown}");
        let listed = desk.read(&["applications", "list"]).await;
        assert!(listed.contains("GOES TO"), "{listed}");
        let edit = ["applications", "change", "storefront", "--auto-redirect"];
        let (code, message) = desk.refused(&[&edit[..], &["corp"]].concat()).await;
        assert_eq!(code, "not_connected");
        assert!(message.contains("vestibule providers connect"), "{message}");
        let (code, _) = desk.refused(&[&edit[..], &["nobody"]].concat()).await;
        assert_eq!(code, "unknown_provider");
        let answer = change(&desk, &["--auto-redirect", "none"]).await;
        assert_eq!(answer["auto_redirect"], json!(null));
        assert_eq!(desk.house.browser().get("/back-office/login").await.status, 200);
    }

    async fn passwords_are_switched_off_and_on_at_a_door(engine: Engine) {
        let desk = desk(engine).await;
        let browser = signed_in(&desk).await;
        change(&desk, &["--password", "off"]).await;
        assert!(!is_in(&browser).await, "a session that came by a password is refused");
        let page = desk.house.browser().open("/back-office/login").await;
        assert!(!page.body.contains("type=\"password\""), "{}", page.text());
        change(&desk, &["--password", "on"]).await;
        assert!(is_in(&browser).await);
        signed_in(&desk).await;
        let entries = desk.ask(&["audit", "list"]).await;
        let entries = entries["entries"].as_array().expect("a list").clone();
        let change = entries.iter().find(|one| one["action"] == "application.change");
        assert_eq!(change.expect("an entry")["actor"], "operator");
    }
}

#[tokio::test]
async fn doors_are_listed_shown_and_named() {
    let desk = Desk::at(Engine::Sqlite).await;
    let listed = desk.ask(&["applications", "list"]).await;
    let keys: Vec<_> = listed["applications"].as_array().expect("a list").iter().collect();
    assert_eq!(keys.len(), 4);
    assert_eq!(names(keys[0]), APPLICATION);
    let shown = desk.ask(&["applications", "show", "back-office"]).await;
    let times = (&shown["idle_seconds"], &shown["absolute_seconds"], &shown["password"]);
    assert_eq!(times, (&3600.into(), &43_200.into(), &true.into()));
    let edit =
        ["applications", "change", "back-office", "--name", "Office", "--fresh-within", "15m"];
    let changed = desk.ask(&edit).await;
    assert_eq!(changed["name"], "Office");
    assert_eq!(changed["fresh_within_seconds"], 900);
    let text = desk.read(&["applications", "show", "back-office"]).await;
    for part in ["Office", "15m", "12h", "our own paths alone"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let any = desk.ask(&["applications", "change", "back-office", "--no-fresh-within"]).await;
    assert_eq!(any["fresh_within_seconds"], json!(null));
    let shop = desk.ask(&["applications", "show", "storefront"]).await;
    let minutes = |door: &serde_json::Value| door["authenticated_for_seconds"].clone();
    assert_eq!((minutes(&shop), minutes(&shown)), (1800.into(), 600.into()));
    let edit = ["applications", "change", "back-office", "--authenticated-for", "5m"];
    assert_eq!(minutes(&desk.ask(&edit).await), 300);
    let closed = ["applications", "change", "back-office", "--password", "off"];
    let text = desk.read(&closed).await;
    assert!(text.contains("Nobody can sign in to back-office now"), "{text}");
    assert!(text.contains("vestibule applications change back-office --password on"), "{text}");
}

#[tokio::test]
async fn what_no_door_can_be_is_refused_with_what_to_do() {
    let desk = Desk::at(Engine::Sqlite).await;
    let change = ["applications", "change", "back-office"];
    for (more, code, part) in [
        (&["--idle", "1m"][..], "idle_too_short", "at least 2 minutes"),
        (&["--idle", "13h"], "idle_beyond_absolute", "change both together"),
        (&["--absolute", "401d"], "absolute_too_long", "at most 400 days"),
        (&["--fresh-within", "10s"], "fresh_too_short", "at least a minute"),
        (&["--authenticated-for", "59s"], "authenticated_for", "1 minute to 24 hours"),
        (&["--authenticated-for", "25h"], "authenticated_for", "1 minute to 24 hours"),
        (&["--name", " "], "application_name", "1 to 60 characters"),
        (&["--return-origin", "https://shop.test/path"], "return_origin", "leave out the path"),
        (&["--return-origin", "http://shop.test"], "return_origin", "https://"),
    ] {
        let (said, message) = desk.refused(&[&change[..], more].concat()).await;
        assert_eq!(said, code, "{more:?}");
        assert!(message.contains(part), "{message}");
    }
    let (code, message) = desk.refused(&["applications", "show", "backoffice"]).await;
    assert_eq!(code, "unknown_application");
    assert!(message.contains("back-office, dashboard"), "{message}");
    for nonsense in [&[][..], &["--idle", "ten"], &["--password", "secret"]] {
        let output = desk.run(&[&change[..], nonsense].concat()).await;
        assert_eq!(output.status.code(), Some(2), "{nonsense:?}");
    }
}
