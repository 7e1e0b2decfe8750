//! A new identity is linked by what the owner of the account shows, and by nothing else.

mod mailbox;
mod provider;

use std::time::Duration;

use identity::applications::ApplicationKey;
use identity::federation::policy::{Link, UnknownUser};
use identity::federation::provider::{Provider, ProviderState};
use identity::users::{EmailStanding, Status, StatusChange, User};
use serde_json::json;
use server::federation::save::{self, DoorEdit};
use store::{ApplicationChange, By};
use testkit::{Browser, Engine, FakeHook, FakeProvider, House, MailServer, Page, on_both_engines};

use crate::scene::{ACCOUNT, PASSWORD, Scene, add_staff, assert_refused, sign_in};

const GRACE: &str = "grace@shop.test";

/// A back office that asks for proof whoever comes by `corp`, whose word about addresses does not
/// count, and that knows Grace.
struct Asking {
    scene: Scene,
    corp: FakeProvider,
    row: Provider,
}

impl Asking {
    async fn on(engine: Engine) -> Self {
        Self::with(Scene::on(engine).await).await
    }

    async fn with(scene: Scene) -> Self {
        Self::at(scene, "back-office", Link::AskProof).await
    }

    async fn at(scene: Scene, application: &str, link: Link) -> Self {
        let corp = FakeProvider::start(scene.house.clock.clone()).await;
        let row = scene.house.try_connect(&corp, |_, door| {
            door.policy = UnknownUser::Create.into();
            door.policy.link = Some(link);
            application.clone_into(&mut door.application);
        });
        let row = row.await.expect("a good provider");
        let asking = Self { scene, corp, row };
        asking.comes_as("grace-at-corp", GRACE);
        asking
    }

    /// Who signs in at `corp` next, with an address that it does not vouch for.
    fn comes_as(&self, subject: &str, email: &str) {
        self.corp.person(subject, email);
        self.corp.script(|script| {
            script.claims.remove("email_verified");
        });
    }

    /// To the page that asks for proof, in a browser that was never here.
    async fn asked(&self) -> (Browser, Page) {
        let browser = self.scene.house.browser();
        let page = browser.open("/back-office/login/corp").await;
        assert_eq!((page.status, page.reason()), (200, None), "{}", page.text());
        assert!(page.url.path().starts_with("/back-office/proof/"), "{}", page.url);
        assert_eq!(browser.cookie("staff"), None, "nobody is in yet");
        (browser, page)
    }

    /// The same, and the password typed.
    async fn shows(&self, browser: &Browser, page: &Page, password: &str) -> Page {
        let answer = browser.submit(&page.form("/proof/").with("password", password)).await;
        browser.arrive(answer).await
    }

    async fn identities(&self, user: &User) -> usize {
        let listed = self.scene.house.app.store.list_identities_of(&user.id).await;
        listed.expect("an answer").len()
    }

    /// Another provider of the door, with the key `other`, which vouches for addresses.
    async fn other(&self) -> FakeProvider {
        let other = FakeProvider::start(self.scene.house.clock.clone()).await;
        let added = self.scene.house.try_connect(&other, |new, door| {
            new.name = "Other".to_owned();
            new.key = Some("other".to_owned());
            door.policy = UnknownUser::Refuse.into();
        });
        added.await.expect("a good provider");
        other.person("grace-at-other", GRACE);
        other
    }

    async fn close_to_passwords(&self) {
        let change = ApplicationChange { local_login: Some(false), ..ApplicationChange::default() };
        let door = ApplicationKey::from_stored("back-office");
        let (by, now) = (By::operator().forced(true), self.scene.house.app.now());
        let changed = self.scene.house.app.store.change_application(&door, &change, &by, now);
        changed.await.expect("a change");
        self.scene.house.learn().await;
    }

    /// Nobody got in, and nothing was linked.
    async fn nothing_came_of_it(&self, browser: &Browser, page: &Page, reason: &str) {
        assert_refused(page, reason);
        assert_eq!(browser.cookie("staff"), None, "no session");
        assert_eq!(self.identities(&self.scene.grace).await, 0, "no link");
    }
}

/// A page without what is different for everybody.
fn plain(page: &Page, email: &str) -> String {
    let form = page.form("/proof/");
    let secret = form.field("csrf").expect("a field").to_owned();
    let body = page.body.replace(&secret, "CSRF").replace(email, "EMAIL");
    let id = form.action.path().rsplit('/').next().expect("a name");
    body.replace(id, "PROOF")
}

on_both_engines! {
    async fn s045_an_identity_is_linked_once_its_owner_signed_in_with_the_password_of_the_account(
        engine: Engine
    ) {
        let mails = MailServer::start().await;
        let url = mails.url();
        let asking = Asking::with(Scene::set(engine, |config| config.mail.smtp_url = Some(url)).await);
        let asking = asking.await;
        let (browser, page) = asking.asked().await;
        assert!(page.text().contains(GRACE) && page.text().contains("Corp"), "{}", page.text());
        assert_eq!(asking.identities(&asking.scene.grace).await, 0);
        let wrong = asking.shows(&browser, &page, "not her password").await;
        assert_eq!((wrong.status, wrong.reason().as_deref()), (422, Some("not_accepted")));
        let home = asking.shows(&browser, &wrong, PASSWORD).await;
        assert!(home.is_signed_in() && home.text().contains(GRACE), "{}", home.text());
        assert_eq!(asking.identities(&asking.scene.grace).await, 1);
        let mail = mails.wait_for(1).await;
        assert!(mail.to.iter().any(|to| to.contains(GRACE)), "{:?}", mail.to);
        assert!(mail.text().contains("Corp is now a way to sign in"), "{}", mail.text());
        // From then on the provider is enough, in any browser.
        let page = asking.scene.house.browser().open("/back-office/login/corp").await;
        assert!(page.is_signed_in(), "{}", page.text());
        let audit = asking.scene.house.audit().await;
        let actions: Vec<_> = audit
            .iter()
            .rev()
            .filter(|entry| entry.actor == "visitor")
            .map(|entry| (entry.action.as_str(), entry.outcome.as_str()))
            .collect();
        assert_eq!(
            actions,
            [
                ("sign_in.provider", "proof_asked"),
                ("proof.password", "wrong_password"),
                ("proof.password", "done"),
                ("sign_in.provider", "done"),
                ("sign_in.provider", "done"),
            ]
        );
        let asked = audit.iter().find(|one| one.outcome == "proof_asked").expect("an entry");
        assert_eq!(asked.user, None, "whoever has the address has no part in it yet");
    }

    async fn s045_an_address_that_does_not_count_tells_nobody_whether_there_is_an_account(
        engine: Engine
    ) {
        let asking = Asking::on(engine).await;
        let mut seen = Vec::new();
        asking.scene.house.add_staff("held@shop.test", Status::Held).await;
        asking.scene.house.add_staff("nopassword@shop.test", Status::Active).await;
        for email in [GRACE, "nobody@shop.test", "held@shop.test", "nopassword@shop.test"] {
            asking.comes_as(email, email);
            let (browser, page) = asking.asked().await;
            let wrong = asking.shows(&browser, &page, "not the password").await;
            assert_eq!((wrong.status, wrong.reason().as_deref()), (422, Some("not_accepted")));
            seen.push((plain(&page, email), plain(&wrong, email)));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
    }

    async fn s045_a_proof_is_bound_to_the_browser_the_door_and_the_time_and_is_settled_once(
        engine: Engine
    ) {
        let asking = Asking::on(engine).await;
        let (browser, page) = asking.asked().await;
        // A browser that got hold of the address, and knows the password.
        let thief = asking.scene.house.browser();
        let elsewhere = thief.open(page.url.as_str()).await;
        assert_refused(&elsewhere, "attempt_foreign");
        let own = thief.open("/back-office/login").await.form("/login");
        let csrf = own.field("csrf").expect("a field").to_owned();
        let form = page.form("/proof/").with("password", PASSWORD).with("csrf", &csrf);
        asking.nothing_came_of_it(&thief, &thief.submit(&form).await, "attempt_foreign").await;
        // By a form of another site, and by one that no page of ours made.
        let form = page.form("/proof/").with("password", PASSWORD);
        let sent_back = browser.submit_from_elsewhere(&form).await;
        assert!(sent_back.location().is_some_and(|to| to.path() == page.url.path()));
        let forged = browser.submit(&form.clone().with("csrf", "made up")).await;
        asking.nothing_came_of_it(&browser, &forged, "form_expired").await;
        let door = page.url.path().replace("back-office", "storefront");
        assert_refused(&browser.open(&door).await, "attempt_unknown");
        // Once more than ten minutes have passed.
        asking.scene.house.clock.turn(Duration::from_secs(600));
        asking.nothing_came_of_it(&browser, &browser.submit(&form).await, "attempt_expired").await;
        // Settled once.
        let (browser, page) = asking.asked().await;
        let form = page.form("/proof/").with("password", PASSWORD);
        assert_eq!(browser.submit(&form).await.status, 303);
        assert_refused(&browser.submit(&form).await, "attempt_replayed");
        assert_refused(&browser.open(page.url.as_str()).await, "attempt_replayed");
        assert_eq!(asking.identities(&asking.scene.grace).await, 1);
    }

    async fn s045_what_one_person_shows_links_nobody_elses_identity(engine: Engine) {
        let asking = Asking::on(engine).await;
        asking.comes_as("mallory-at-corp", GRACE);
        let (mallory, mallorys) = asking.asked().await;
        asking.comes_as("grace-at-corp", GRACE);
        let (grace, page) = asking.asked().await;
        assert!(asking.shows(&grace, &page, PASSWORD).await.is_signed_in());
        let again = mallory.open(mallorys.url.as_str()).await;
        assert_eq!((again.status, again.url.path()), (200, mallorys.url.path()), "still asked");
        // Not even with the password: the account has one identity of the provider.
        let refused = asking.shows(&mallory, &again, PASSWORD).await;
        assert_refused(&refused, "linked_to_another");
        assert_eq!(mallory.cookie("staff"), None);
        let own = asking.scene.house.app.store.list_identities_of(&asking.scene.grace.id).await;
        let subjects: Vec<_> = own.expect("ties").into_iter().map(|tie| tie.subject).collect();
        assert_eq!(subjects, ["grace-at-corp"]);
    }

    async fn s045_whoever_has_the_address_by_now_is_not_who_was_asked_about(engine: Engine) {
        let asking = Asking::on(engine).await;
        asking.comes_as("hedy-at-corp", "hedy@shop.test");
        let (browser, page) = asking.asked().await;
        // She gets an account, with a password that is right, after she was asked.
        let hedy = add_staff(&asking.scene.house, "hedy@shop.test").await;
        let answer = asking.shows(&browser, &page, PASSWORD).await;
        assert_refused(&answer, "not_accepted");
        assert_eq!(asking.identities(&hedy).await, 0);
        let (browser, page) = asking.asked().await;
        assert!(asking.shows(&browser, &page, PASSWORD).await.is_signed_in());
    }

    async fn s036_what_is_switched_off_after_it_was_shown_links_nothing(engine: Engine) {
        let asking = Asking::on(engine).await;
        let (browser, page) = asking.asked().await;
        let house = &asking.scene.house;
        house.set_provider_state(&asking.row, ProviderState::Disabled).await;
        let answer = asking.shows(&browser, &page, PASSWORD).await;
        asking.nothing_came_of_it(&browser, &answer, "provider_disabled").await;
        house.set_provider_state(&asking.row, ProviderState::Enabled).await;
        house.learn().await;
        let (browser, page) = asking.asked().await;
        let (by, now) = (By::operator(), house.app.now());
        let off = StatusChange::Deactivate;
        let store = &house.app.store;
        store.change_user_status(&asking.scene.grace.id, off, &by, now).await.expect("a change");
        // As at every sign-in, the page says no more than for a wrong password.
        let answer = asking.shows(&browser, &page, PASSWORD).await;
        asking.nothing_came_of_it(&browser, &answer, "not_accepted").await;
    }

    async fn a_decision_hook_is_asked_when_the_account_was_shown_and_its_no_leaves_nothing(
        engine: Engine
    ) {
        let asking = Asking::on(engine).await;
        let hook = FakeHook::start().await;
        let mut edit = DoorEdit::default();
        edit.policy.decision_hook =
            Some(serde_json::from_value(hook.field()).expect("a hook"));
        let (tools, by) = (asking.scene.house.tools(), By::operator());
        let changed = save::change_connection(&tools, "corp", "back-office", &edit, &by).await;
        changed.expect("a good policy");
        asking.scene.house.learn().await;
        let (browser, page) = asking.asked().await;
        assert!(hook.asked().is_empty(), "nothing would be done yet");
        hook.says(json!({ "decision": "refuse" }));
        let answer = asking.shows(&browser, &page, PASSWORD).await;
        asking.nothing_came_of_it(&browser, &answer, "hook_refused").await;
        assert_eq!(hook.asked().len(), 1);
        assert_refused(&browser.open(page.url.as_str()).await, "attempt_replayed");
        let (browser, page) = asking.asked().await;
        hook.says(json!("nothing good"));
        let answer = asking.shows(&browser, &page, PASSWORD).await;
        asking.nothing_came_of_it(&browser, &answer, "hook_failed").await;
        let (browser, page) = asking.asked().await;
        hook.says(json!({ "decision": "allow" }));
        assert!(asking.shows(&browser, &page, PASSWORD).await.is_signed_in());
    }

    async fn s045_an_account_is_shown_by_another_provider_that_it_has_and_by_no_one_elses(
        engine: Engine
    ) {
        let asking = Asking::on(engine).await;
        let other = asking.other().await;
        let linked = asking.scene.house.browser().open("/back-office/login/other").await;
        assert!(linked.is_signed_in(), "{}", linked.text());
        let hedy = add_staff(&asking.scene.house, "hedy@shop.test").await;
        asking.close_to_passwords().await;

        let (browser, page) = asking.asked().await;
        assert!(!page.body.contains("type=\"password\""), "{}", page.body);
        let typed = page.form("/other").with("password", PASSWORD);
        let mut by_password = typed.clone();
        by_password.action = page.url.clone();
        assert_refused(&browser.submit(&by_password).await, "local_login_closed");
        // Somebody else's sign-in there shows nothing about Grace.
        other.person("hedy-at-other", "hedy@shop.test");
        let theirs = asking.scene.house.browser().open("/back-office/login/other").await;
        assert!(theirs.is_signed_in(), "{}", theirs.text());
        for (subject, email) in [("hedy-at-other", "hedy@shop.test"), ("a-stranger", GRACE)] {
            other.person_anew(subject, email);
            let leaving = browser.submit(&page.form("/other")).await;
            let place = leaving.way_on().expect("the way to the provider");
            for asked in ["prompt=login", "max_age=0"] {
                assert!(place.as_str().contains(asked), "not whoever is signed in there: {place}");
            }
            let back = browser.open(place.as_str()).await;
            assert_refused(&back, "not_the_account");
            assert_eq!((back.status, back.url.path()), (200, page.url.path()));
            assert_eq!(browser.cookie("staff"), None, "nobody is signed in by it");
        }
        assert_eq!(asking.identities(&hedy).await, 1);
        assert_eq!(asking.identities(&asking.scene.grace).await, 1);

        other.person_anew("grace-at-other", GRACE);
        let place = browser.submit(&page.form("/other")).await.way_on().expect("the way");
        let home = browser.open(place.as_str()).await;
        assert!(home.is_signed_in() && home.text().contains(GRACE), "{}", home.text());
        assert_eq!(asking.identities(&asking.scene.grace).await, 2);
        // That way back counts once.
        assert_eq!(browser.open(place.as_str()).await.reason().as_deref(), Some("attempt_replayed"));
    }

    async fn a_right_password_here_is_one_everywhere_and_a_wrong_one_too(engine: Engine) {
        let scene = Scene::set(engine, |config| config.throttle.account_network_failures = 3).await;
        let asking = Asking::with(scene).await;
        let (browser, page) = asking.asked().await;
        let mut last = page.clone();
        for _ in 0..3 {
            last = asking.shows(&browser, &last, "a guess").await;
            assert_refused(&last, "not_accepted");
        }
        let waits = asking.shows(&browser, &last, PASSWORD).await;
        assert_refused(&waits, "throttled");
        assert!(waits.headers.contains_key("retry-after"));
        let login = browser.open("/back-office/login").await.form("/login");
        let login = login.with("email", GRACE).with("password", PASSWORD);
        assert_refused(&browser.submit(&login).await, "throttled");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s045_a_guest_is_not_even_asked() {
    let asking = Asking::on(Engine::Sqlite).await;
    let trusted_domains = Some(vec!["corp.example".to_owned()]);
    let change = store::ProviderChange { trusted_domains, ..store::ProviderChange::default() };
    let (by, now) = (By::operator(), asking.scene.house.app.now());
    let store = &asking.scene.house.app.store;
    store.change_provider(&asking.row.id, &change, &by, now).await.expect("a change");
    asking.scene.house.learn().await;
    for word in [None, Some(false)] {
        asking.corp.script(|script| match word {
            None => drop(script.claims.remove("email_verified")),
            Some(word) => drop(script.claims.insert("email_verified".to_owned(), word.into())),
        });
        let browser = asking.scene.house.browser();
        let page = browser.open("/back-office/login/corp").await;
        asking.nothing_came_of_it(&browser, &page, "email_untrusted").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_address_counts_an_account_is_asked_about_and_a_stranger_is_not() {
    let asking = Asking::on(Engine::Sqlite).await;
    asking.corp.person("grace-at-corp", GRACE);
    let (browser, page) = asking.asked().await;
    let home = asking.shows(&browser, &page, PASSWORD).await;
    assert!(home.is_signed_in(), "{}", home.text());
    asking.corp.person("stranger", "stranger@corp.example");
    let page = asking.scene.house.browser().open("/back-office/login/corp").await;
    assert!(page.is_signed_in(), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_page_of_whoever_linked_by_proof_lists_the_new_way_in() {
    let asking = Asking::on(Engine::Sqlite).await;
    let other = asking.scene.house.browser();
    sign_in(&other, GRACE).await;
    let (browser, page) = asking.asked().await;
    asking.shows(&browser, &page, PASSWORD).await;
    for browser in [browser, other] {
        let page = browser.open(ACCOUNT).await;
        assert!(page.text().contains("Corp"), "{}", page.text());
    }
}
