//! Codes: how many, for how long, to whom, and what is left when something fails in between.

use identity::federation::policy::{SyncMode, SyncModes};
use identity::federation::proof::mailbox::code_digest;
use identity::ids::ProofId;
use identity::secret::Secret;
use store::{CodeOutcome, HeldProof, MailboxProof};

use super::*;

/// Notes that a code was right and nothing more, as when something fails before the proof is settled.
async fn as_after_a_fault(here: &Mailing, browser: &Browser, page: &Page, code: &str) {
    let form = page.form("/mailbox/check");
    let id = ProofId::from_stored(form.action.path().split('/').nth(3).expect("a name"));
    let cookie = Secret::new(browser.cookie("browser").expect("a browser"));
    let shown = MailboxProof {
        proof: HeldProof { id: &id, browser: &cookie.digest() },
        code: &code_digest(&Secret::new(code), &cookie),
        application: &ApplicationKey::from_stored(here.door),
        provider: &here.asking.row.id,
        by: &By::operator(),
    };
    let (store, now) = (&here.house().app.store, here.house().app.now());
    let done = store.complete_mailbox_proof(&shown, now).await.expect("an answer");
    assert_eq!(done, CodeOutcome::Shown);
}

on_both_engines! {
    async fn s045_codes_run_out_and_say_so(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        let ada = here.ada().await;
        let (browser, mut page) = here.arrives("ada-at-corp", ADA).await;
        for number in 1..=3 {
            let (sent, code) = here.code(&browser, &page, number).await;
            page = sent;
            for _ in 0..5 {
                page = give(&browser, &page, &wrong(&code)).await;
                assert_refused(&page, "wrong_code");
            }
            assert!(page.find_form("/mailbox/check").is_none(), "nothing is left to be tried");
            assert!(page.text().contains("tried too often"), "{}", page.text());
        }
        assert!(page.find_form("/mailbox/send").is_none(), "{}", page.text());
        assert!(page.text().contains("No more codes"), "{}", page.text());
        assert_eq!(here.asking.identities(&ada).await, 0);
        // In a new sign-in they have to wait, and nobody else, not even for the same address.
        let (browser, page) = here.arrives("ada-at-corp", ADA).await;
        let waits = send(&browser, &page).await;
        assert_eq!((waits.status, waits.reason().as_deref()), (429, Some("throttled")));
        assert!(waits.headers.contains_key("retry-after"));
        let (browser, page) = here.arrives("other-at-corp", ADA).await;
        here.code(&browser, &page, 4).await;
        // A new password is another mail.
        let form = browser.open("/storefront/password/forgot").await.form("/forgot");
        let asked = browser.submit(&form.with("email", ADA)).await;
        assert_eq!(asked.reason().as_deref(), Some("reset_asked"));
    }

    async fn s104_codes_are_bounded_for_an_address_and_for_a_network(engine: Engine) {
        let here = Mailing::set(engine, "storefront", |throttle| {
            throttle.code_address_per_hour = 2;
            throttle.code_network_per_hour = 3;
        })
        .await;
        for (subject, email, status) in [
            ("one", ADA, 200),
            ("two", ADA, 200),
            ("three", ADA, 429),
            ("four", "four@shop.test", 200),
            ("five", "five@shop.test", 429),
        ] {
            let (browser, page) = here.arrives(subject, email).await;
            assert_eq!(send(&browser, &page).await.status, status, "{subject}");
        }
        here.asking.comes_as("six", "six@shop.test");
        let elsewhere = here.house().browser().at([127, 0, 2, 2]);
        let page = elsewhere.open("/storefront/login/corp").await;
        assert_eq!(send(&elsewhere, &page).await.status, 200);
    }

    async fn what_was_shown_before_a_fault_is_settled_when_they_go_on(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        let ada = here.ada().await;
        let (browser, page) = here.arrives("ada-at-corp", ADA).await;
        let (sent, code) = here.code(&browser, &page, 1).await;
        as_after_a_fault(&here, &browser, &sent, &code).await;
        let answer = give(&browser, &sent, &code).await;
        assert!(!answer.body.contains("type=\"password\""), "nothing more is asked for");
        assert!(answer.text().contains("everything that was asked for"), "{}", answer.text());
        let home = browser.submit(&answer.form("/proof/")).await;
        assert!(browser.arrive(home).await.is_signed_in());
        assert_eq!(here.asking.identities(&ada).await, 1);
    }

    async fn s036_a_provider_that_was_switched_off_has_nobody_mailed(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        let (browser, page) = here.arrives("ada-at-corp", ADA).await;
        here.house().set_provider_state(&here.asking.row, ProviderState::Disabled).await;
        here.house().learn().await;
        assert_refused(&send(&browser, &page).await, "provider_not_connected");
        let waiting = here.house().app.store.count_mails().await.expect("a count").waiting;
        assert_eq!((waiting, here.mails.mails().len()), (0, 0));
    }

    async fn s053_a_code_about_an_account_that_has_another_address_by_then_is_not_sent(
        engine: Engine
    ) {
        let mut here = Mailing::at(engine, "storefront").await;
        let ada = here.ada().await;
        // Her address follows what another provider says.
        let other = FakeProvider::start(here.house().clock.clone()).await;
        let added = here.house().try_connect(&other, |new, door| {
            new.name = "Other".to_owned();
            new.key = Some("other".to_owned());
            here.door.clone_into(&mut door.application);
            door.policy.sync = Some(SyncModes { email: SyncMode::Force, ..SyncModes::default() });
        });
        added.await.expect("a good provider");
        other.person("ada-at-other", ADA);
        let there = here.house().browser();
        assert!(there.open("/storefront/login/other").await.is_signed_in());

        let (browser, page) = here.arrives("ada-at-corp", ADA).await;
        here.mails.down().await;
        assert_eq!(send(&browser, &page).await.reason().as_deref(), Some("code_sent"));
        other.person("ada-at-other", "moved@shop.test");
        assert!(there.open("/storefront/login/other?again").await.is_signed_in());
        let found = here.house().app.store.find_user(&ada.id).await.expect("an answer");
        assert_eq!(found.expect("Ada").email.as_typed(), "moved@shop.test");
        here.mails.up().await;
        here.house().clock.turn(Duration::from_secs(120));
        let (browser, page) = here.arrives("new-at-corp", "new@shop.test").await;
        assert_eq!(send(&browser, &page).await.reason().as_deref(), Some("code_sent"));
        // She is told of her new address where she had the old one.
        here.mails.wait_for(2).await;
        let codes = here.mails.mails().into_iter().filter(|mail| mail.text().contains("type this"));
        let to: Vec<_> = codes.flat_map(|mail| mail.to).collect();
        assert_eq!(to, ["new@shop.test"]);
    }

    async fn s045_a_code_is_worth_nothing_in_another_browser_or_later(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        let ada = here.ada().await;
        let (browser, page) = here.arrives("ada-at-corp", ADA).await;
        let (sent, code) = here.code(&browser, &page, 1).await;
        let thief = here.house().browser();
        let own = thief.open("/storefront/login").await.form("/login");
        let csrf = own.field("csrf").expect("a field").to_owned();
        for part in ["/mailbox/check", "/mailbox/send"] {
            let form = sent.form(part).with("code", &code).with("csrf", &csrf);
            assert_refused(&thief.submit(&form).await, "attempt_foreign");
            let forged = sent.form(part).with("code", &code).with("csrf", "made up");
            assert_refused(&browser.submit(&forged).await, "form_expired");
        }
        here.house().clock.turn(Duration::from_secs(600));
        assert_refused(&give(&browser, &sent, &code).await, "attempt_expired");
        assert_eq!(here.asking.identities(&ada).await, 0);
    }

    async fn a_code_that_comes_after_its_time_is_not_sent_any_more(engine: Engine) {
        let mut here = Mailing::at(engine, "storefront").await;
        here.mails.down().await;
        let (browser, page) = here.arrives("ada-at-corp", ADA).await;
        let sent = send(&browser, &page).await;
        assert_eq!(sent.reason().as_deref(), Some("code_sent"));
        here.house().clock.turn(Duration::from_secs(601));
        here.mails.up().await;
        let (browser, page) = here.arrives("new-at-corp", "new@shop.test").await;
        here.code(&browser, &page, 1).await;
        let to: Vec<_> = here.mails.mails().into_iter().flat_map(|mail| mail.to).collect();
        assert_eq!(to, ["new@shop.test"]);
    }

    async fn s045_guests_are_sent_no_code(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        let trusted_domains = Some(vec!["corp.example".to_owned()]);
        let change = store::ProviderChange { trusted_domains, ..store::ProviderChange::default() };
        let (store, by) = (&here.house().app.store, By::operator());
        let now = here.house().app.now();
        store.change_provider(&here.asking.row.id, &change, &by, now).await.expect("a change");
        here.house().learn().await;
        here.asking.comes_as("ada-at-corp", ADA);
        let page = here.house().browser().open("/storefront/login/corp").await;
        assert_refused(&page, "email_untrusted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_that_sends_no_mail_says_so_and_sends_no_code() {
    let scene = Scene::on(Engine::Sqlite).await;
    let asking = Asking::at(scene, "storefront", Link::ProveMailbox).await;
    let browser = asking.scene.house.browser();
    let page = browser.open("/storefront/login/corp").await;
    assert!(page.text().contains("no mail goes out from here"), "{}", page.text());
    assert!(page.find_form("/mailbox/").is_none());
    // Nor by a form of somewhere else.
    let login = browser.open("/storefront/login").await.form("/login");
    let csrf = login.field("csrf").expect("a field").to_owned();
    let mut form = login.with("csrf", &csrf);
    form.action.set_path(&format!("{}/mailbox/send", page.url.path()));
    let answer = browser.submit(&form).await;
    assert_eq!((answer.status, answer.location().expect("a place").path()), (303, page.url.path()));
    assert_eq!(asking.scene.house.app.store.count_mails().await.expect("a count").waiting, 0);
}
