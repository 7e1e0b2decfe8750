//! What a sign-in with a password gives, and what it never tells.

use identity::applications::ApplicationKey;
use identity::email::Email;
use identity::secret::Secret;
use identity::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};
use server::clock::SystemEntropy;
use server::config::PasswordsConfig;
use server::passwords::hasher::Hasher;
use std::sync::Arc;
use std::time::Duration;
use store::{ApplicationChange, By, NewUser};
use testkit::{Engine, House, on_both_engines};

use crate::scene::{OTHER, PASSWORD, grace, house, outcome, refused, set_password, sign_in};
use crate::scene::{cheap, signed_in};

const HOUR: Duration = Duration::from_secs(3600);

async fn born_by_single_sign_on(house: &House, email: &str) -> User {
    let new = NewUser {
        user_type: UserType::Staff,
        population: Population::default_one(),
        email: Email::parse(email).expect("an address"),
        email_standing: EmailStanding::Verified,
        name: Name::default(),
        locale: None,
        status: Status::Active,
        birth: Birth::SingleSignOn,
    };
    house.app.store.add_user(&new, &[], &By::operator(), house.app.now()).await.expect("a user")
}

on_both_engines! {
    async fn s104_what_cannot_be_a_password_counts_for_nobody_and_fills_no_audit(engine: Engine) {
        let house = House::with(engine, |config| {
            cheap(config);
            config.throttle.refusal_network_per_hour = 2;
        });
        let house = house.await;
        grace(&house).await;
        let (browser, before) = (house.browser(), house.audit().await.len());
        for _ in 0..12 {
            let page = sign_in(&browser, "grace@shop.test", &"x".repeat(2049)).await;
            assert_eq!(outcome(&page), refused(), "{}", page.text());
            assert!(page.text().contains("do not fit"), "{}", page.text());
        }
        let audit = house.audit().await;
        assert_eq!(audit.len(), before + 2, "{audit:?}");
        assert!(audit[..2].iter().all(|entry| entry.outcome == "password_too_long"));
        // The changes go after an hour; a counter would go after the year.
        let (soon, late) = (house.app.now().plus(2 * HOUR), house.app.now().plus(10_000 * HOUR));
        house.app.store.prune(soon).await.expect("the changes");
        assert_eq!(house.app.store.prune(late).await.expect("counters").rows, 0);
        // Nine failures would have made everybody wait.
        signed_in(&browser, "grace@shop.test", PASSWORD).await;
    }

    async fn s106_unknown_wrong_without_password_and_not_active_look_the_same(engine: Engine) {
        let house = house(engine).await;
        grace(&house).await;
        house.add_staff("empty@shop.test", Status::Active).await;
        born_by_single_sign_on(&house, "sso@shop.test").await;
        for (email, status) in [
            ("gone@shop.test", Status::Deactivated),
            ("held@shop.test", Status::Held),
        ] {
            let user = house.add_staff(email, status).await;
            set_password(&house, &user, PASSWORD).await;
        }
        let browser = house.browser();
        let mut seen = Vec::new();
        for (email, password) in [
            ("grace@shop.test", "wrong"),
            ("nobody@shop.test", PASSWORD),
            ("no address at all", PASSWORD),
            ("empty@shop.test", PASSWORD),
            ("sso@shop.test", PASSWORD),
            ("gone@shop.test", PASSWORD),
            ("held@shop.test", PASSWORD),
        ] {
            let before = house.app.hasher.derived();
            let page = sign_in(&browser, email, password).await;
            assert_eq!(outcome(&page), refused(), "{email}");
            assert_eq!(house.app.hasher.derived(), before + 1, "one hash for {email}");
            assert!(page.text().contains("do not fit"), "{}", page.text());
            assert_eq!(browser.cookie("staff"), None);
            let mut names: Vec<_> = page.headers.keys().map(ToString::to_string).collect();
            names.sort();
            seen.push((page.body.replace(email, "ADDRESS"), names));
        }
        assert!(seen.windows(2).all(|two| two[0] == two[1]), "one answer for all of them");
        let reasons: Vec<_> = house
            .audit()
            .await
            .into_iter()
            .filter(|entry| entry.action == "sign_in.password")
            .map(|entry| entry.outcome)
            .collect();
        let mut told: Vec<&str> = reasons.iter().map(String::as_str).collect();
        told.sort_unstable();
        let expected = [
            "no_password",
            "no_password",
            "unknown_user",
            "unknown_user",
            "user_not_active",
            "user_not_active",
            "wrong_password",
        ];
        assert_eq!(told, expected, "the audit knows better than the page");
    }

    async fn s088_every_sign_in_has_a_new_session_and_ends_the_one_before(engine: Engine) {
        let house = house(engine).await;
        grace(&house).await;
        let browser = house.browser();
        signed_in(&browser, "grace@shop.test", PASSWORD).await;
        let first = browser.cookie("staff").expect("a session");
        signed_in(&browser, "grace@shop.test", PASSWORD).await;
        let second = browser.cookie("staff").expect("a session");
        assert_ne!(first, second);
        browser.plant("staff", &first);
        assert!(!browser.open("/back-office").await.is_signed_in(), "the first one has ended");
    }

    async fn s088_a_planted_session_is_not_taken_over(engine: Engine) {
        let house = house(engine).await;
        grace(&house).await;
        let browser = house.browser();
        signed_in(&browser, "grace@shop.test", PASSWORD).await;
        let planted = "A".repeat(43);
        browser.plant("staff", &planted);
        signed_in(&browser, "grace@shop.test", PASSWORD).await;
        assert_ne!(browser.cookie("staff").expect("a session"), planted);
    }

    async fn s103_a_sign_in_hashes_anew_once_parameters_have_risen(engine: Engine) {
        let house = house(engine).await;
        let user = house.add_staff("grace@shop.test", Status::Active).await;
        let old = PasswordsConfig { argon2_memory_kib: 32, argon2_passes: 1, ..Default::default() };
        let entropy: Arc<dyn identity::entropy::Entropy> = Arc::new(SystemEntropy);
        let hash = Hasher::start(&old, &entropy).hash(Secret::new(PASSWORD)).await.expect("a hash");
        let (by, now) = (By::operator(), house.app.now());
        let stored = hash.to_string();
        house.app.store.set_password(&user.id, &stored, None, &by, now).await.expect("a password");

        sign_in(&house.browser(), "grace@shop.test", "wrong").await;
        assert_eq!(stored_hash(&house).await, stored, "a wrong password changes nothing");
        signed_in(&house.browser(), "grace@shop.test", PASSWORD).await;
        let new = stored_hash(&house).await;
        assert!(new.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{new}");
        signed_in(&house.browser(), "grace@shop.test", PASSWORD).await;
        assert_eq!(stored_hash(&house).await, new, "once is enough");
    }
}

async fn stored_hash(house: &House) -> String {
    let (store, population) = (&house.app.store, Population::default_one());
    let login = store.find_password_login(UserType::Staff, &population, "grace@shop.test");
    login.await.expect("an answer").expect("a user").hash.expect("a hash")
}

#[tokio::test]
async fn s103_a_password_is_taken_exactly_as_typed_but_for_one_normalisation() {
    let house = house(Engine::Sqlite).await;
    let user = house.add_staff("grace@shop.test", Status::Active).await;
    set_password(&house, &user, " Caf\u{e9} au lait, s'il vous pla\u{ee}t ").await;
    for other in [
        "Caf\u{e9} au lait, s'il vous pla\u{ee}t",
        " caf\u{e9} au lait, s'il vous pla\u{ee}t ",
        " Caf\u{e9} au lait, s'il vous pla\u{ee}t  ",
        " Caf\u{e9} au lait, s'il vous pla\u{ee}",
        "",
    ] {
        let page = sign_in(&house.browser(), "grace@shop.test", other).await;
        assert_eq!(outcome(&page), refused(), "{other:?}");
    }
    let decomposed = " Cafe\u{301} au lait, s'il vous plai\u{302}t ";
    signed_in(&house.browser(), "GRACE@shop.TEST", decomposed).await;
}

#[tokio::test]
async fn s089_the_database_does_not_hold_what_the_cookie_holds() {
    let mut file = String::new();
    let house = House::with(Engine::Sqlite, |config| {
        cheap(config);
        file = config.database.url.expose().trim_start_matches("sqlite:").to_owned();
    })
    .await;
    grace(&house).await;
    let browser = house.browser();
    signed_in(&browser, "grace@shop.test", PASSWORD).await;
    let token = browser.cookie("staff").expect("a session");
    assert_eq!(token.len(), 43, "256 bits as base64url");
    let digest = Secret::new(token.as_str()).digest();
    let stored: Vec<u8> = ["", "-wal"]
        .iter()
        .flat_map(|end| std::fs::read(format!("{file}{end}")).unwrap_or_default())
        .collect();
    let holds = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds(digest.as_str()), "its digest is there");
    assert!(!holds(&token), "the token itself is not");
    assert!(!holds(&browser.cookie("browser").expect("a browser")), "nor the browser's");
    assert!(!holds(PASSWORD), "nor the password");
}

#[tokio::test]
async fn s105_a_closed_door_refuses_without_counting() {
    let house = house(Engine::Sqlite).await;
    grace(&house).await;
    set_local_login(&house, false).await;
    let browser = house.browser();
    for guess in [PASSWORD, OTHER].repeat(6) {
        let page = post_to_login(&house, &browser, guess).await;
        assert_eq!(outcome(&page), (403, "local_login_closed".to_owned()));
        assert_eq!(browser.cookie("staff"), None);
        let text = page.text();
        assert!(text.contains("Nobody can sign in here at the moment"), "{text}");
        assert!(!text.contains("buttons below"), "there is none: {text}");
    }
    set_local_login(&house, true).await;
    signed_in(&browser, "grace@shop.test", PASSWORD).await;
}

/// Sends the form although the page does not show it any more.
async fn post_to_login(house: &House, browser: &testkit::Browser, password: &str) -> testkit::Page {
    let form = browser.open("/back-office/login").await.find_form("/login").unwrap_or_else(|| {
        let token = Secret::new(browser.cookie("browser").expect("a browser"));
        testkit::Form {
            action: house.url().join("/back-office/login").expect("an address"),
            fields: vec![("csrf".to_owned(), house.app.forms.token(&token))],
        }
    });
    browser.submit(&form.with("email", "grace@shop.test").with("password", password)).await
}

async fn set_local_login(house: &House, open: bool) {
    let change = ApplicationChange { local_login: Some(open), ..ApplicationChange::default() };
    let key = ApplicationKey::parse("back-office").expect("a key");
    let (by, now) = (By::operator(), house.app.now());
    house.app.store.change_application(&key, &change, &by, now).await.expect("a change");
    house.learn().await;
}

#[tokio::test]
async fn a_form_from_elsewhere_signs_nobody_in() {
    let house = house(Engine::Sqlite).await;
    grace(&house).await;
    let browser = house.browser();
    let form = browser.open("/back-office/login").await.form("/login");
    let form = form.with("email", "grace@shop.test").with("password", PASSWORD);
    let page = browser.submit_from_elsewhere(&form).await;
    assert_eq!(page.sent_on("notice").as_deref(), Some("expired"), "{}", page.text());
    let page = browser.submit(&form.with("csrf", "forged")).await;
    assert_eq!(outcome(&page), (403, "form_expired".to_owned()));
    assert_eq!(browser.cookie("staff"), None);
}

on_both_engines! {
    async fn a_new_password_ends_every_session_of_the_user(engine: Engine) {
        let house = house(engine).await;
        let user = grace(&house).await;
        let (one, two) = (house.browser(), house.browser());
        signed_in(&one, "grace@shop.test", PASSWORD).await;
        signed_in(&two, "grace@shop.test", PASSWORD).await;
        set_password(&house, &user, OTHER).await;
        crate::logs::until(async || !one.open("/back-office").await.is_signed_in()).await;
        crate::logs::until(async || !two.open("/back-office").await.is_signed_in()).await;
        signed_in(&one, "grace@shop.test", OTHER).await;
    }
}
