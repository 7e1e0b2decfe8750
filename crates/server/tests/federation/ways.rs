//! Which way in: straight to a provider, by an address that somebody types, and at the wrong door.

use identity::applications::ApplicationKey;
use identity::federation::policy::UnknownUser;
use identity::federation::provider::ProviderState;
use identity::secret::Secret;
use identity::users::Status;
use server::federation::save;
use store::{ApplicationChange, By};
use testkit::provider::Place;
use testkit::{Browser, Engine, FakeProvider, House, Page, on_both_engines};

use crate::scene::{Scene, assert_refused};

const LOGIN: &str = "/back-office/login";

/// The back office sends everybody to `corp`.
async fn straight(engine: Engine) -> Scene {
    let scene = Scene::on(engine).await;
    send_on(&scene, true).await;
    scene
}

async fn send_on(scene: &Scene, on: bool) {
    let change = ApplicationChange {
        auto_redirect: Some(on.then(|| scene.row.id.clone())),
        ..ApplicationChange::default()
    };
    change_door(&scene.house, "back-office", &change).await;
}

async fn change_door(house: &House, key: &str, change: &ApplicationChange) {
    let (by, now) = (By::operator(), house.app.now());
    let key = ApplicationKey::from_stored(key);
    house.app.store.change_application(&key, change, &by, now).await.expect("a change");
    house.learn().await;
}

/// Whether the page is a way to the provider, and none of ours.
fn goes_to(scene: &Scene, page: &Page) -> bool {
    let provider = scene.provider.issuer();
    page.location().is_some_and(|location| location.as_str().starts_with(&provider))
}

/// What the last trip asked the provider for.
fn asked(scene: &Scene, name: &str) -> Option<String> {
    scene.provider.seen().authorizations.last().and_then(|one| one.get(name).cloned())
}

fn is_the_page(page: &Page) -> bool {
    page.status == 200 && page.link("/back-office/login/corp").is_some()
}

/// A provider that owns a domain, connected to the back office after `corp`.
async fn company(scene: &Scene, key: &str, domains: &[&str]) -> FakeProvider {
    let provider = FakeProvider::start(scene.house.clock.clone()).await;
    let added = scene.house.try_connect(&provider, |new, _| {
        new.name = format!("{key} Ltd");
        new.key = Some(key.to_owned());
        new.trusted_domains = domains.iter().map(|&one| one.to_owned()).collect();
    });
    added.await.expect("a good provider");
    provider
}

/// Types something and asks for the way.
async fn look_for(browser: &Browser, typed: &str) -> Page {
    let form = browser.open(&format!("{LOGIN}?ways=all")).await.form("/login");
    browser.submit(&form.with("email", typed).with("way", "find")).await
}

on_both_engines! {
    async fn a_door_sends_people_straight_to_its_provider_and_back_to_where_they_wanted(engine: Engine) {
        let scene = straight(engine).await;
        let browser = scene.house.browser();
        let page = browser.get(&format!("{LOGIN}?return_to=/back-office/logout")).await;
        assert!(goes_to(&scene, &page), "{:?}", page.location());
        let page = browser.arrive(page).await;
        assert_eq!(page.url.path(), "/back-office/logout");
        let tab = browser.tab().get(LOGIN).await;
        assert_eq!(tab.location().expect("a redirect").path(), "/back-office", "in already");
        assert_eq!(asked(&scene, "prompt"), None);
        let hinted = scene.house.browser();
        hinted.open(&format!("{LOGIN}?login_hint=ada%40corp.example")).await;
        assert_eq!(asked(&scene, "login_hint").as_deref(), Some("ada@corp.example"));
    }

    async fn s100_after_signing_out_the_provider_asks_who_it_is_now_once(engine: Engine) {
        let scene = straight(engine).await;
        let browser = scene.house.browser();
        let home = browser.open("/back-office").await;
        assert!(home.is_signed_in(), "{}", home.text());
        let page = browser.submit(&home.form("/logout")).await;
        let page = browser.arrive(page).await;
        assert!(is_the_page(&page), "no loop: {} {}", page.url, page.text());
        // Somebody else comes to the same browser, and not by the button.
        let page = browser.open("/back-office").await;
        assert!(page.is_signed_in(), "{}", page.text());
        assert_eq!(asked(&scene, "prompt").as_deref(), Some("login"));
        browser.lose("_staff_");
        browser.open("/back-office").await;
        assert_eq!(asked(&scene, "prompt"), None, "once");
    }

    async fn s100_whoever_turns_back_at_the_provider_is_asked_again_the_next_time(engine: Engine) {
        let scene = Scene::on(engine).await;
        let (browser, home) = scene.sign_in().await;
        browser.submit(&home.form("/logout")).await;
        for _ in 0..2 {
            let page = browser.get("/back-office/login/corp").await;
            assert_eq!(page.sent_on("prompt").as_deref(), Some("login"));
        }
        let other = scene.house.browser().get("/back-office/login/corp").await;
        assert_eq!(other.sent_on("prompt"), None, "another browser");
    }

    async fn s051_a_refusal_at_a_door_that_sends_people_on_does_not_loop(engine: Engine) {
        let scene = Scene::with(engine, UnknownUser::Refuse).await;
        send_on(&scene, true).await;
        let browser = scene.house.browser();
        let page = browser.open("/back-office").await;
        assert_refused(&browser, &page, "unknown_user");
        let way_on = page.way_on().expect("a way on");
        assert_eq!(way_on.path(), LOGIN);
        assert!(way_on.query().is_some_and(|query| query.contains("ways=all")), "{way_on}");
        let page = browser.open(way_on.as_str()).await;
        assert!(is_the_page(&page), "{} {}", page.url, page.text());
        assert_eq!(scene.provider.times(Place::Authorize), 1);
    }

    async fn after_a_time_out_and_where_a_session_does_not_open_the_door_the_page_is_shown(engine: Engine) {
        let scene = straight(engine).await;
        let browser = scene.house.browser();
        assert!(browser.open("/back-office").await.is_signed_in());
        scene.house.clock.turn(std::time::Duration::from_secs(2 * 3600));
        let page = browser.open("/back-office").await;
        assert!(page.text().contains("Your session has ended"), "{}", page.text());
        for address in [LOGIN, "/back-office/login?notice=sign_in"] {
            assert!(is_the_page(&browser.get(address).await), "{address}");
        }
    }

    async fn what_is_not_there_any_more_is_not_gone_to(engine: Engine) {
        let scene = straight(engine).await;
        let visitor = || scene.house.browser();
        scene.house.set_provider_state(&scene.row, ProviderState::Disabled).await;
        scene.house.learn().await;
        assert_eq!(visitor().get(LOGIN).await.status, 200, "switched off");
        scene.house.set_provider_state(&scene.row, ProviderState::Enabled).await;
        scene.house.learn().await;
        assert!(goes_to(&scene, &visitor().get(LOGIN).await));
        assert!(is_the_page(&visitor().get("/back-office/login?ways=all").await), "asked for");
        save::disconnect(&scene.house.tools(), "corp", "back-office", &By::operator())
            .await
            .expect("disconnected");
        scene.house.learn().await;
        assert_eq!(visitor().get(LOGIN).await.status, 200, "not connected");
    }

    async fn an_address_leads_to_the_company_that_owns_its_domain(engine: Engine) {
        let scene = Scene::on(engine).await;
        let acme = company(&scene, "acme", &["acme.test"]).await;
        let browser = scene.house.browser();
        let page = look_for(&browser, "Ann@ACME.test").await;
        assert_eq!((page.status, page.reason().as_deref()), (200, Some("found")));
        assert!(page.body.contains("http-equiv=\"refresh\""), "without a script: {}", page.body);
        let way_on = page.way_on().expect("a way on");
        assert_eq!(way_on.path(), "/back-office/login/acme");
        let page = browser.get(way_on.as_str()).await;
        assert_eq!(page.sent_on("login_hint").as_deref(), Some("Ann@ACME.test"));
        assert!(page.location().expect("out").as_str().starts_with(&acme.issuer()));
        let page = look_for(&browser, "ACME ltd").await;
        let way_on = page.way_on().expect("a way on");
        assert_eq!((way_on.path(), way_on.query()), ("/back-office/login/acme", None));
    }

    async fn what_is_found_depends_on_the_domain_and_never_on_an_account(engine: Engine) {
        let scene = Scene::on(engine).await;
        let _acme = company(&scene, "acme", &["acme.test"]).await;
        scene.house.add_staff("grace@shop.test", Status::Active).await;
        scene.house.add_staff("grace@acme.test", Status::Active).await;
        let said = async |typed: &str| {
            let page = look_for(&scene.house.browser(), typed).await;
            (page.status, page.reason(), page.text().replace(typed, "…"))
        };
        assert_eq!(said("grace@shop.test").await, said("nobody@shop.test").await);
        assert_eq!(said("grace@acme.test").await, said("nobody@acme.test").await);
        for typed in ["grace@shop.test", "ann@sub.acme.test", "ann@notacme.test", "acm", " "] {
            let page = look_for(&scene.house.browser(), typed).await;
            assert_eq!((page.status, page.reason().as_deref()), (422, Some("way_not_found")));
            let form = page.form("/login");
            assert_eq!(form.field("email"), Some(typed.trim()), "what was typed is kept");
            assert_eq!(form.field("password"), Some(""), "and the password can be typed");
        }
    }

    async fn of_two_companies_with_one_domain_the_person_chooses(engine: Engine) {
        let scene = Scene::on(engine).await;
        let _first = company(&scene, "acme", &["acme.test"]).await;
        let _second = company(&scene, "acme-group", &["acme.test"]).await;
        let browser = scene.house.browser();
        let form = browser
            .open("/back-office/login?ways=all&return_to=/back-office/logout")
            .await
            .form("/login");
        let page = browser.submit(&form.with("email", "ann@acme.test").with("way", "find")).await;
        assert!(!page.body.contains("http-equiv"), "nobody chooses for them");
        let ways = page.body.matches("class=\"button\"").count();
        assert_eq!((page.heading().as_str(), ways), ("Choose your way in", 2));
        let way = page.link("/login/acme-group").expect("the second");
        assert_eq!(way.query_pairs().find(|(name, _)| name == "return_to").expect("kept").1,
            "/back-office/logout");
    }

    async fn who_is_switched_off_or_at_another_door_is_not_found(engine: Engine) {
        let scene = Scene::on(engine).await;
        let _acme = company(&scene, "acme", &["acme.test"]).await;
        let store = &scene.house.app.store;
        let acme = store.find_provider_by_key("acme").await.expect("an answer").expect("it");
        scene.house.set_provider_state(&acme, ProviderState::Disabled).await;
        scene.house.learn().await;
        let page = look_for(&scene.house.browser(), "ann@acme.test").await;
        assert_eq!(page.reason().as_deref(), Some("way_not_found"));
        scene.house.set_provider_state(&acme, ProviderState::Enabled).await;
        scene.house.learn().await;
        let browser = scene.house.browser();
        let form = browser.open("/storefront/login").await.form("/login");
        let page = browser.submit(&form.with("email", "ann@acme.test").with("way", "find")).await;
        assert_eq!(page.reason().as_deref(), Some("way_not_found"), "another door");
    }

    async fn s049_nobody_is_sent_on_by_a_form_of_another_site(engine: Engine) {
        let scene = Scene::on(engine).await;
        let _acme = company(&scene, "acme", &["acme.test"]).await;
        let (own, other) = (scene.house.browser(), scene.house.browser());
        let form = own.open(LOGIN).await.form("/login");
        other.open(LOGIN).await;
        let form = form.with("email", "ann@acme.test").with("way", "find");
        let page = other.submit(&form).await;
        assert_eq!((page.status, page.reason().as_deref()), (403, Some("form_expired")));
    }

    async fn where_no_passwords_are_taken_an_address_is_asked_for_alone(engine: Engine) {
        let scene = Scene::on(engine).await;
        let closed = ApplicationChange { local_login: Some(false), ..Default::default() };
        change_door(&scene.house, "back-office", &closed).await;
        let page = scene.house.browser().open(LOGIN).await;
        assert!(page.find_form("/login").is_none(), "nobody can be found: {}", page.text());
        let _acme = company(&scene, "acme", &["acme.test"]).await;
        let page = scene.house.browser().open(LOGIN).await;
        let form = page.form("/login");
        assert_eq!((form.field("email"), form.field("password")), (Some(""), None));
        let page = look_for(&scene.house.browser(), "ann@acme.test").await;
        assert_eq!(page.way_on().expect("a way on").path(), "/back-office/login/acme");
        let page = look_for(&scene.house.browser(), "ann@shop.test").await;
        assert!(page.text().contains("No company here"), "{}", page.text());
    }

    async fn a_browser_with_a_session_elsewhere_is_told_the_way_there(engine: Engine) {
        let scene = Scene::with(engine, UnknownUser::Refuse).await;
        let house = &scene.house;
        let grace = house.add_staff("grace@shop.test", Status::Active).await;
        let password = "correct horse battery staple";
        let hash = house.app.hasher.hash(Secret::new(password)).await.expect("a hash");
        let (by, now) = (By::operator(), house.app.now());
        let store = &house.app.store;
        store.set_password(&grace.id, &hash.to_string(), None, &by, now).await.expect("set");
        let browser = house.browser();
        let form = browser.open(LOGIN).await.form("/login");
        let form = form.with("email", "grace@shop.test").with("password", password);
        browser.submit(&form).await;

        let page = browser.open("/storefront/login").await;
        assert!(page.text().contains("signed in as Grace Hopper at Back Office"), "{}", page.text());
        assert_eq!(page.link("/back-office").expect("the way").path(), "/back-office");
        // Nothing of it for whoever knows the address alone: not here, not with a wrong password.
        let stranger = house.browser();
        let form = stranger.open("/storefront/login").await.form("/login");
        let page = stranger
            .submit(&form.with("email", "grace@shop.test").with("password", password))
            .await;
        assert_eq!(page.reason().as_deref(), Some("not_accepted"));
        assert!(!page.text().contains("Grace") && !page.text().contains("Back Office"));

        // Refused as a customer by a provider, too.
        save::connect(
            &house.tools(),
            "corp",
            &save::Door { application: "merchant-portal".to_owned(), policy: UnknownUser::Refuse.into() },
            &by,
        )
        .await
        .expect("connected");
        house.learn().await;
        let page = browser.open("/merchant-portal/login/corp").await;
        assert_eq!(page.reason().as_deref(), Some("unknown_user"), "{}", page.text());
        assert!(page.text().contains("signed in as Grace Hopper at Back Office"), "{}", page.text());
        let page = stranger.open("/merchant-portal/login/corp").await;
        assert!(!page.text().contains("Grace"), "{}", page.text());

        // Over is over.
        let session = store.list_sessions(&grace.id).await.expect("a list").remove(0);
        store.end_session(&session.id, store::EndReason::Ended, &by, now).await.expect("ended");
        house.app.forget_session(&session.id);
        let page = browser.open("/storefront/login").await;
        assert!(!page.text().contains("Grace"), "{}", page.text());
    }
}
