//! People show that they read mail at the address that they came with: by a code, and staff by a code
//! and what their account has.

use server::config::ThrottleConfig;
use server::federation::save::PolicyEdit;

use super::*;

mod bounds;

const ADA: &str = "Ada@shop.test";

/// A door that has codes sent, and where they go.
struct Mailing {
    asking: Asking,
    mails: MailServer,
    door: &'static str,
}

impl Mailing {
    async fn at(engine: Engine, door: &'static str) -> Self {
        Self::set(engine, door, |_| ()).await
    }

    async fn set(
        engine: Engine,
        door: &'static str,
        change: impl FnOnce(&mut ThrottleConfig),
    ) -> Self {
        let mails = MailServer::start().await;
        let url = mails.url();
        let scene = Scene::set(engine, |config| {
            config.mail.smtp_url = Some(url);
            change(&mut config.throttle);
        })
        .await;
        let asking = Asking::at(scene, door, Link::ProveMailbox).await;
        Self { asking, mails, door }
    }

    async fn edit(&self, change: impl FnOnce(&mut PolicyEdit)) {
        let mut edit = DoorEdit::default();
        change(&mut edit.policy);
        let (tools, by) = (self.house().tools(), By::operator());
        let changed = save::change_connection(&tools, "corp", self.door, &edit, &by).await;
        changed.expect("a good policy");
    }

    fn house(&self) -> &House {
        &self.asking.scene.house
    }

    /// A customer with a verified address.
    async fn ada(&self) -> User {
        self.house().add_customer(ADA, EmailStanding::Verified).await
    }

    /// Comes by `corp` as this person.
    async fn arrives(&self, subject: &str, email: &str) -> (Browser, Page) {
        self.asking.comes_as(subject, email);
        let browser = self.house().browser();
        let page = browser.open(&format!("/{}/login/corp", self.door)).await;
        assert_eq!((page.status, page.reason()), (200, None), "{}", page.text());
        assert_eq!(page.heading(), "Confirm your e-mail address");
        (browser, page)
    }

    /// Has a code sent, and reads it.
    async fn code(&self, browser: &Browser, page: &Page, number: usize) -> (Page, String) {
        let sent = send(browser, page).await;
        assert_eq!((sent.status, sent.reason().as_deref()), (200, Some("code_sent")));
        let mail = self.mails.wait_for(number).await;
        let text = mail.text();
        let line = text.lines().find(|line| line.starts_with("    ")).expect("a code");
        (sent, line.trim().to_owned())
    }
}

async fn send(browser: &Browser, page: &Page) -> Page {
    let answer = browser.submit(&page.form("/mailbox/send")).await;
    browser.arrive(answer).await
}

async fn give(browser: &Browser, page: &Page, code: &str) -> Page {
    let answer = browser.submit(&page.form("/mailbox/check").with("code", code)).await;
    browser.arrive(answer).await
}

/// Another code than this one.
fn wrong(code: &str) -> String {
    let other = if code.starts_with('0') { "1" } else { "0" };
    format!("{other}{}", &code[1..])
}

fn alike(page: &Page, email: &str) -> String {
    let form = page.form("/mailbox/");
    let secret = form.field("csrf").expect("a field").to_owned();
    let id = form.action.path().split('/').nth(3).expect("a name").to_owned();
    page.body.replace(&secret, "CSRF").replace(email, "EMAIL").replace(&id, "PROOF")
}

on_both_engines! {
    async fn s045_a_customer_is_linked_once_they_gave_back_the_code(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        let ada = here.ada().await;
        let (browser, page) = here.arrives("ada-at-corp", "ada@shop.test").await;
        assert_eq!(here.mails.mails().len(), 0, "nobody is mailed because somebody arrived");
        let (page, code) = here.code(&browser, &page, 1).await;
        let mail = here.mails.wait_for(1).await;
        assert_eq!(mail.to, [ADA], "to the address that the account has");
        let text = mail.text().to_lowercase();
        assert!(!text.contains("http") && !text.contains("ada@"), "nothing to click on: {text}");
        let refused = give(&browser, &page, &wrong(&code)).await;
        assert_eq!((refused.status, refused.reason().as_deref()), (422, Some("wrong_code")));
        assert_eq!(here.asking.identities(&ada).await, 0);
        let home = give(&browser, &refused, &code.to_lowercase().replace('-', " ")).await;
        assert!(home.is_signed_in() && home.text().contains(ADA), "{}", home.text());
        assert_eq!(here.asking.identities(&ada).await, 1);
        assert!(here.mails.wait_for(2).await.text().contains("Corp is now a way to sign in"));
        // From then on the provider is enough.
        let again = here.house().browser().open("/storefront/login/corp").await;
        assert!(again.is_signed_in(), "{}", again.text());
    }

    async fn s045_staff_show_the_mailbox_and_then_the_account_and_neither_alone_is_enough(
        engine: Engine
    ) {
        let here = Mailing::at(engine, "back-office").await;
        let (browser, page) = here.arrives("grace-at-corp", GRACE).await;
        assert!(!page.body.contains("type=\"password\""), "{}", page.body);
        // The password before the mailbox, by a form that the page does not have.
        let mut early = page.form("/mailbox/send").with("password", PASSWORD);
        let place = page.url.path().to_owned();
        early.action.set_path(&place);
        let answer = browser.submit(&early).await;
        assert_eq!((answer.status, answer.location().expect("a place").path()), (303, &*place));
        here.asking.other().await;
        early.action.set_path(&format!("{place}/other"));
        let answer = browser.submit(&early).await;
        assert_eq!((answer.status, answer.location().expect("a place").path()), (303, &*place));

        let (page, code) = here.code(&browser, &page, 1).await;
        let next = give(&browser, &page, &code).await;
        assert_eq!((next.status, next.reason().as_deref()), (200, Some("mailbox_shown")));
        assert_eq!(browser.cookie("staff"), None, "nobody is in by it");
        assert_eq!(here.asking.identities(&here.asking.scene.grace).await, 0);
        // The back button, and the form of before.
        let stale = browser.submit(&page.form("/mailbox/check").with("code", &code)).await;
        assert_eq!((stale.status, stale.location().expect("a place").path()), (303, &*place));
        let guess = here.asking.shows(&browser, &next, "not her password").await;
        assert_refused(&guess, "not_accepted");
        let home = here.asking.shows(&browser, &guess, PASSWORD).await;
        assert!(home.is_signed_in() && home.text().contains(GRACE), "{}", home.text());
        assert_eq!(here.asking.identities(&here.asking.scene.grace).await, 1);
    }

    async fn s045_asking_for_a_code_tells_nobody_whether_there_is_an_account(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        here.ada().await;
        let mut seen = Vec::new();
        for (number, email) in [(1, ADA), (2, "nobody@shop.test")] {
            let (browser, page) = here.arrives(email, email).await;
            let (sent, code) = here.code(&browser, &page, number).await;
            assert_eq!(here.mails.wait_for(number).await.to, [email], "one is sent in either case");
            let refused = give(&browser, &sent, &wrong(&code)).await;
            seen.push([&page, &sent, &refused].map(|page| alike(page, email)));
        }
        assert_eq!(seen[0], seen[1]);
    }

    async fn s045_staff_learn_by_neither_step_whether_there_is_an_account(engine: Engine) {
        let here = Mailing::at(engine, "back-office").await;
        let mut seen = Vec::new();
        for (number, email) in [(1, GRACE), (2, "nobody@shop.test")] {
            let (browser, page) = here.arrives(email, email).await;
            let (sent, code) = here.code(&browser, &page, number).await;
            let next = give(&browser, &sent, &code).await;
            let refused = here.asking.shows(&browser, &next, "not the password").await;
            assert_refused(&refused, "not_accepted");
            seen.push([alike(&page, email), plain(&next, email), plain(&refused, email)]);
        }
        assert_eq!(seen[0], seen[1]);
    }

    async fn s045_after_the_mailbox_staff_may_show_the_account_by_another_provider(engine: Engine) {
        let here = Mailing::at(engine, "back-office").await;
        let other = here.asking.other().await;
        let linked = here.house().browser().open("/back-office/login/other").await;
        assert!(linked.is_signed_in(), "{}", linked.text());
        let (browser, page) = here.arrives("grace-at-corp", GRACE).await;
        let (page, code) = here.code(&browser, &page, 1).await;
        let next = give(&browser, &page, &code).await;
        other.person_anew("grace-at-other", GRACE);
        let place = browser.submit(&next.form("/other")).await.way_on().expect("the way");
        let home = browser.open(place.as_str()).await;
        assert!(home.is_signed_in() && home.text().contains(GRACE), "{}", home.text());
        assert_eq!(here.asking.identities(&here.asking.scene.grace).await, 2);
    }

    async fn the_decision_hook_is_asked_when_the_mailbox_was_shown_and_its_no_leaves_nothing(
        engine: Engine
    ) {
        let here = Mailing::at(engine, "storefront").await;
        let ada = here.ada().await;
        let hook = FakeHook::start().await;
        let field = serde_json::from_value(hook.field()).expect("a hook");
        here.edit(|policy| policy.decision_hook = Some(field)).await;
        here.house().learn().await;
        let (browser, page) = here.arrives("ada-at-corp", ADA).await;
        let (page, code) = here.code(&browser, &page, 1).await;
        assert!(hook.asked().is_empty(), "nothing would be done yet");
        hook.says(json!({ "decision": "refuse" }));
        assert_refused(&give(&browser, &page, &code).await, "hook_refused");
        assert_eq!(hook.asked().len(), 1);
        assert_eq!(browser.cookie("customer"), None);
        assert_eq!(here.asking.identities(&ada).await, 0);
    }

    async fn whoever_has_no_account_becomes_a_customer_with_a_verified_address(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        let (browser, page) = here.arrives("new-at-corp", "new@shop.test").await;
        let (page, code) = here.code(&browser, &page, 1).await;
        let home = give(&browser, &page, &code).await;
        assert!(home.is_signed_in(), "{}", home.text());
        let users = here.house().users().await;
        let made = users.iter().find(|user| user.email.key() == "new@shop.test").expect("a user");
        assert_eq!(made.email_standing, EmailStanding::Verified);
    }

    async fn whoever_has_no_account_becomes_what_the_policy_says_after_the_code(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        for (number, unknown_user, reason) in
            [(1, UnknownUser::Refuse, "unknown_user"), (2, UnknownUser::Hold, "user_held")]
        {
            here.edit(|policy| policy.unknown_user = Some(unknown_user)).await;
            let (browser, page) = here.arrives("new-at-corp", "new@shop.test").await;
            let (page, code) = here.code(&browser, &page, number).await;
            assert_refused(&give(&browser, &page, &code).await, reason);
            assert_eq!(browser.cookie("customer"), None);
        }
    }

    async fn s045_a_code_links_the_identity_that_it_was_asked_for_and_no_other(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        let ada = here.ada().await;
        // Mallory has a code sent to Ada, who came by herself and has one sent, too.
        let (mallory, mallorys) = here.arrives("mallory-at-corp", ADA).await;
        let (mallorys, _) = here.code(&mallory, &mallorys, 1).await;
        let (browser, page) = here.arrives("ada-at-corp", ADA).await;
        let (page, code) = here.code(&browser, &page, 2).await;
        assert_refused(&give(&mallory, &mallorys, &code).await, "wrong_code");
        assert!(give(&browser, &page, &code).await.is_signed_in());
        let own = here.house().app.store.list_identities_of(&ada.id).await.expect("ties");
        let subjects: Vec<_> = own.into_iter().map(|tie| tie.subject).collect();
        assert_eq!(subjects, ["ada-at-corp"]);
    }

    async fn a_mailbox_opens_no_account_that_somebody_else_may_have_made_in_advance(
        engine: Engine
    ) {
        let here = Mailing::at(engine, "storefront").await;
        let squatted = here.house().add_customer(ADA, EmailStanding::Unconfirmed).await;
        let (browser, page) = here.arrives("ada-at-corp", ADA).await;
        let (page, code) = here.code(&browser, &page, 1).await;
        let answer = give(&browser, &page, &code).await;
        assert_refused(&answer, "account_unconfirmed");
        assert_eq!(here.asking.identities(&squatted).await, 0);
        assert_eq!(browser.cookie("customer"), None);
    }

    async fn s045_a_code_that_was_asked_for_before_there_was_an_account_opens_none(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        let (browser, page) = here.arrives("ada-at-corp", ADA).await;
        let (page, code) = here.code(&browser, &page, 1).await;
        let ada = here.ada().await;
        let answer = give(&browser, &page, &code).await;
        assert_refused(&answer, "proof_void");
        assert!(answer.support_code().is_some(), "{}", answer.text());
        assert_eq!(here.asking.identities(&ada).await, 0);
        assert_eq!(browser.cookie("customer"), None);
        // Asked anew, about the account that there is by now.
        let page = browser.open(answer.way_on().expect("a way on").as_str()).await;
        assert_eq!((page.status, page.reason()), (200, None), "{}", page.text());
        let (page, code) = here.code(&browser, &page, 2).await;
        assert!(give(&browser, &page, &code).await.is_signed_in());
        assert_eq!(here.asking.identities(&ada).await, 1);
    }

    async fn s045_what_the_policy_asks_for_by_then_counts(engine: Engine) {
        let here = Mailing::at(engine, "storefront").await;
        let ada = here.ada().await;
        let (browser, page) = here.arrives("ada-at-corp", ADA).await;
        let (page, code) = here.code(&browser, &page, 1).await;
        here.edit(|policy| policy.link = Some(Link::AskProof)).await;
        assert_refused(&give(&browser, &page, &code).await, "proof_void");
        assert_eq!(here.asking.identities(&ada).await, 0);
    }

}
