//! The trip that goes well, from the button to the session.

use identity::users::{Birth, EmailStanding, Status};
use server::federation::save::{Door, NewProvider};
use testkit::provider::{IssParameter, Place};
use testkit::{FakeProvider, Form, on_both_engines};

use crate::scene::{Scene, callback_of};

on_both_engines! {
    async fn a_stranger_signs_in_and_gets_an_account(engine: Engine) {
        let scene = Scene::on(engine).await;
        let (browser, page) = scene.sign_in().await;
        assert!(page.is_signed_in(), "{} {}", page.status, page.text());
        assert!(page.text().contains("Ada Lovelace"), "{}", page.text());
        assert!(browser.cookie("staff").is_some());

        let user = scene.house.find_staff("ada@corp.example").await.expect("a user");
        assert_eq!(user.status, Status::Active);
        assert_eq!(user.birth, Birth::SingleSignOn);
        assert_eq!(user.email_standing, EmailStanding::Verified);
        assert_eq!((user.name.given.as_str(), user.name.family.as_str()), ("Ada", "Lovelace"));
        let ties = scene.house.app.store.list_identities_of(&user.id).await.expect("ties");
        assert_eq!(ties.len(), 1);
        assert_eq!(ties[0].subject, "ada");
        assert_eq!(ties[0].issuer, scene.provider.issuer());
    }

    async fn the_second_sign_in_is_the_same_user(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.sign_in().await;
        let (_, page) = scene.sign_in().await;
        assert!(page.is_signed_in());
        assert_eq!(scene.house.users().await.len(), 1);
    }

    async fn a_sign_in_is_in_the_audit_with_its_rules_and_redacted_claims(engine: Engine) {
        let scene = Scene::on(engine).await;
        scene.sign_in().await;
        let audit = scene.house.audit().await;
        let entry = audit.iter().find(|one| one.action == "sign_in.provider").expect("an entry");
        assert_eq!(entry.outcome, "done");
        assert_eq!(entry.provider.as_ref(), Some(&scene.row.id));
        let detail = serde_json::to_string(&entry.detail).expect("JSON");
        assert!(detail.contains("email_trust") && detail.contains("…@corp.example"), "{detail}");
        for hidden in ["ada@corp.example", "Lovelace"] {
            assert!(!detail.contains(hidden), "{hidden} in {detail}");
        }
    }
}

on_both_engines! {
    async fn s088_every_sign_in_begins_a_new_session_and_ends_the_one_before(engine: Engine) {
        let scene = Scene::on(engine).await;
        let browser = scene.house.browser();
        browser.open("/back-office/login/corp").await;
        let first = browser.cookie("staff").expect("a session");
        let page = browser.open("/back-office/login/corp").await;
        assert!(page.is_signed_in());
        let second = browser.cookie("staff").expect("a session");
        assert_ne!(first, second);
        browser.plant("staff", &first);
        let page = browser.open("/back-office").await;
        assert!(!page.is_signed_in(), "the old session lives on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s088_a_planted_session_cookie_is_not_taken_over() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    let browser = scene.house.browser();
    let callback = callback_of(&browser).await;
    browser.put(
        &scene.house.app.cookies.session_name(identity::users::UserType::Staff),
        &"a".repeat(43),
    );
    let page = browser.open(&callback).await;
    assert!(page.is_signed_in(), "{}", page.text());
    assert_ne!(browser.cookie("staff"), Some("a".repeat(43)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_person_comes_out_where_they_wanted_to_go() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    let browser = scene.house.browser();
    let start = browser.get("/back-office/login/corp?return_to=/back-office/login%3Fx%3D1").await;
    let provider = browser.step(&start).await;
    let landed = browser.step(&provider).await;
    assert_eq!(landed.status, 303);
    let target = landed.location().expect("a target");
    assert_eq!((target.path(), target.query()), ("/back-office/login", Some("x=1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    for target in ["https://evil.example/", "//evil.example", "/\\evil.example", "https:evil"] {
        let browser = scene.house.browser();
        let query: String = url::form_urlencoded::byte_serialize(target.as_bytes()).collect();
        let start = browser.get(&format!("/back-office/login/corp?return_to={query}")).await;
        let provider = browser.step(&start).await;
        let landed = browser.step(&provider).await;
        assert_eq!(landed.location().expect("a target").path(), "/back-office", "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s001_state_is_random_and_names_the_door() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    let browser = scene.house.browser();
    let mut states = Vec::new();
    for _ in 0..2 {
        let start = browser.get("/back-office/login/corp").await;
        let state = start.sent_on("state").expect("a state");
        let random = state.strip_prefix("back-office_").expect("the door").to_owned();
        // 43 characters of base64url are 256 bits.
        assert_eq!(random.len(), 43, "{state}");
        states.push(random);
    }
    assert_ne!(states[0], states[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s003_every_provider_has_its_own_redirect_uri() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    let other = FakeProvider::start(scene.house.clock.clone()).await;
    let second = |new: &mut NewProvider, _: &mut Door| new.key = Some("acme".to_owned());
    scene.house.try_connect(&other, second).await.expect("a second provider");
    let mut uris = Vec::new();
    for (provider, key) in [(&scene.provider, "corp"), (&other, "acme")] {
        let page = scene.house.browser().open(&format!("/back-office/login/{key}")).await;
        assert!(page.is_signed_in(), "{}", page.text());
        let seen = provider.seen();
        let uri = seen.authorizations[0]["redirect_uri"].clone();
        assert_eq!(uri, format!("{}login/callback/{key}", scene.house.url()));
        assert_eq!(seen.token_forms[0]["redirect_uri"], uri, "the code is redeemed with the same");
        uris.push(uri);
    }
    assert_ne!(uris[0], uris[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s003_the_shared_redirect_uri_serves_only_providers_that_promise_iss() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    let browser = scene.house.browser();
    let shared = callback_of(&browser).await.replace("/login/callback/corp", "/login/callback");
    let page = browser.open(&shared).await;
    assert!(page.is_signed_in(), "{}", page.text());

    scene.provider.script(|script| {
        script.promises_iss = false;
        script.iss_parameter = IssParameter::Right;
    });
    let other = testkit::House::start(testkit::Engine::Sqlite).await;
    other.connect(&scene.provider).await;
    let browser = other.browser();
    let shared = callback_of(&browser).await.replace("/login/callback/corp", "/login/callback");
    let before = scene.provider.times(Place::Token);
    let page = browser.open(&shared).await;
    crate::scene::assert_refused(&browser, &page, "issuer_mismatch");
    assert_eq!(scene.provider.times(Place::Token), before, "the code stayed at home");
}

#[tokio::test(flavor = "multi_thread")]
async fn s007_pkce_is_sent_with_a_verifier_of_its_own_for_every_trip() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    scene.sign_in().await;
    scene.sign_in().await;
    let seen = scene.provider.seen();
    assert_eq!(seen.authorizations[0]["code_challenge_method"], "S256");
    let verifiers: Vec<&String> = seen.token_forms.iter().map(|f| &f["code_verifier"]).collect();
    assert_ne!(verifiers[0], verifiers[1]);
    assert!(verifiers[0].len() >= 43);
}

#[tokio::test(flavor = "multi_thread")]
async fn s009_a_fresh_nonce_goes_with_every_trip() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    scene.sign_in().await;
    scene.sign_in().await;
    let seen = scene.provider.seen();
    assert!(seen.authorizations[0]["nonce"].len() >= 43);
    assert_ne!(seen.authorizations[0]["nonce"], seen.authorizations[1]["nonce"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_shows_itself_by_basic_or_post_as_the_provider_takes_it() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    scene.sign_in().await;
    let seen = scene.provider.seen();
    assert!(seen.token_authorizations[0].as_deref().expect("a header").starts_with("Basic "));
    assert!(!seen.token_forms[0].contains_key("client_secret"));

    let house = testkit::House::start(testkit::Engine::Sqlite).await;
    scene.provider.script(|script| {
        script.edit_discovery = Some(std::sync::Arc::new(|document| {
            let post = serde_json::json!(["client_secret_post"]);
            document.insert("token_endpoint_auth_methods_supported".into(), post);
        }));
    });
    house.connect(&scene.provider).await;
    let page = house.browser().open("/back-office/login/corp").await;
    assert!(page.is_signed_in(), "{}", page.text());
    let seen = scene.provider.seen();
    assert_eq!(seen.token_authorizations[1], None);
    assert!(seen.token_forms[1].contains_key("client_secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn userinfo_is_asked_only_where_the_id_token_says_too_little() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    scene.sign_in().await;
    assert_eq!(scene.provider.times(Place::Userinfo), 0);
    scene.provider.person("bob", "bob@corp.example");
    scene.provider.script(|script| script.lean_id_token = true);
    let (_, page) = scene.sign_in().await;
    assert!(page.is_signed_in(), "{}", page.text());
    assert_eq!(scene.provider.times(Place::Userinfo), 1);
    assert!(scene.house.find_staff("bob@corp.example").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn s034_no_code_token_or_secret_is_kept_or_audited() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    scene.sign_in().await;
    scene.provider.script(|script| {
        script.edit_id_token = Some(std::sync::Arc::new(|claims| {
            claims.insert("aud".into(), "somebody else".into());
        }));
    });
    scene.refused("token_invalid").await;
    let seen = scene.provider.seen();
    let secrets = [&seen.codes[..], &seen.access_tokens[..], &seen.id_tokens[..]].concat();
    assert!(secrets.len() >= 6);
    let rows = scene.house.database_bytes();
    let holds = |secret: &str| rows.windows(secret.len()).any(|window| window == secret.as_bytes());
    assert!(holds("sign_in.provider"), "this looks at the database at all");
    for secret in &secrets {
        assert!(!holds(secret), "{secret}");
    }
    assert!(!holds(testkit::provider::CLIENT_SECRET), "the client secret is sealed");
}

/// What stands behind a name in the query.
fn told(address: &str, name: &str) -> String {
    let url = url::Url::parse(address).expect("an address");
    let found = url.query_pairs().find(|(own, _)| own == name);
    found.unwrap_or_else(|| panic!("no {name} in {address}")).1.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn s112_the_callback_leaks_no_code_and_loads_nothing_from_elsewhere() {
    let scene = Scene::on(testkit::Engine::Sqlite).await;
    let browser = scene.house.browser();
    let callback = callback_of(&browser).await;
    let (code, state) = (told(&callback, "code"), told(&callback, "state"));
    let landed = browser.get(&callback).await;
    assert_eq!(landed.headers["referrer-policy"], "no-referrer");
    assert_eq!(landed.headers["cache-control"], "no-store");
    assert_eq!(landed.location().expect("a target").query(), None, "the code leaves the address");
    // A stranger to this trip sees a page at an address that still holds the code.
    let page = scene.house.browser().get(&callback).await;
    // And whoever is posted a code sees it in a form, which is where it must be.
    let again = callback_of(&browser).await;
    let posted = Form {
        action: scene.house.url().join("/login/callback/corp").expect("an address"),
        fields: ["code", "state"].map(|name| (name.to_owned(), told(&again, name))).into(),
    };
    let reposting = browser.submit_from_elsewhere(&posted).await;
    assert!(reposting.body.contains(&told(&again, "code")), "{}", reposting.body);
    for page in [&page, &reposting] {
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        assert_eq!(page.headers["cache-control"], "no-store");
        let policy = page.headers["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("http"), "{policy}");
    }
    for secret in [&code, &state] {
        assert!(!page.body.contains(secret.as_str()), "{secret} in {}", page.body);
    }
}
