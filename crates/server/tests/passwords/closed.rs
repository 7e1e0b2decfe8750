//! A door that takes no passwords: every address that is served is tried with one, on both engines.

use std::collections::BTreeSet;
use std::time::Duration;

use identity::applications::ApplicationKey;
use identity::ids::{MailId, SessionId};
use identity::secret::Secret;
use identity::sessions::Method;
use identity::users::User;
use server::router::paths;
use server::setup::make_link;
use store::{ApplicationChange, By, NewMail, NewReset};
use testkit::{Browser, Engine, FakeProvider, Form, House, MailServer, on_both_engines};

use crate::logs::until;
use crate::scene::{
    OTHER, PASSWORD, ask, grace, house, house_with_mail, outcome, set_password, signed_in,
};

const EMAIL: &str = "grace@shop.test";

/// Every address that does something with a password where one is taken. A new one belongs here, and
/// then the closed door is tried with it as well.
const ADDRESSES: [&str; 5] = [
    "/back-office/setup",
    "/{application}/account/password",
    "/{application}/login",
    "/{application}/password/forgot",
    "/{application}/password/reset",
];

async fn close(house: &House) {
    let change = ApplicationChange { local_login: Some(false), ..ApplicationChange::default() };
    let key = ApplicationKey::from_stored("back-office");
    let (by, now) = (By::operator(), house.app.now());
    house.app.store.change_application(&key, &change, &by, now).await.expect("a change");
    house.learn().await;
}

/// A house, a provider that knows Grace as well, and who tries.
struct Yard {
    house: House,
    grace: User,
    browser: Browser,
    _provider: FakeProvider,
}

/// What a password can do: be set, sign somebody in, make somebody, be mailed for.
struct Done {
    hash: Option<String>,
    sessions: BTreeSet<SessionId>,
    users: usize,
    mails: u64,
}

impl Done {
    fn is_more_than(&self, before: &Self) -> bool {
        self.hash != before.hash
            || !self.sessions.is_subset(&before.sessions)
            || self.users > before.users
            || self.mails > before.mails
    }
}

impl Yard {
    async fn on(engine: Engine) -> Self {
        let house = house(engine).await;
        let grace = grace(&house).await;
        let provider = FakeProvider::start(house.clock.clone()).await;
        house.connect(&provider).await;
        provider.person("grace", EMAIL);
        let browser = house.browser();
        Self { house, grace, browser, _provider: provider }
    }

    /// In the browser she is signed in by the provider, whatever became of her sessions.
    async fn sign_in(&self) {
        // Anew each time: memory may not have heard yet that the session before has ended.
        self.browser.open("/back-office/login/corp").await;
        let page = self.browser.open("/back-office").await;
        assert!(page.is_signed_in(), "{}", page.text());
    }

    async fn done(&self) -> Done {
        let (store, grace) = (&self.house.app.store, &self.grace);
        let login =
            store.find_password_login(grace.user_type, &grace.population, grace.email.key()).await;
        let sessions = store.list_sessions(&grace.id).await.expect("a list");
        let by_password = sessions.iter().filter(|one| one.methods.contains(&Method::Password));
        Done {
            hash: login.expect("an answer").expect("Grace").hash,
            sessions: by_password.map(|one| one.id.clone()).collect(),
            users: self.house.users().await.len(),
            mails: store.count_mails().await.expect("a count").waiting,
        }
    }

    /// What is in a reset link and in a setup link that were made for her and for whoever has it.
    async fn tokens(&self) -> [String; 2] {
        let app = &self.house.app;
        let (now, entropy) = (app.now(), app.entropy.as_ref());
        let [reset, setup] = [Secret::generate(entropy), Secret::generate(entropy)];
        let mail = NewMail { id: MailId::new(now, entropy), sealed: "sealed".to_owned() };
        let user = self.grace.id.clone();
        let expires_at = now.plus(Duration::from_secs(7200));
        let new = NewReset { user, token: reset.digest(), expires_at, mail };
        app.store.add_password_reset(&new, &By::operator(), now).await.expect("a link");
        let url = &app.config.server.public_url;
        // None where there is an administrator by now.
        make_link(&app.store, url, &setup, &By::operator(), now).await.expect("an answer");
        [reset, setup].map(|token| token.expose().to_owned())
    }

    /// Opens an address and sends forms to it, each as if it were its own; whether any of them did
    /// something.
    async fn knock(&self, path: &str, [reset, setup]: &[String; 2]) -> bool {
        let before = self.done().await;
        let path = path
            .replace("{application}", "back-office")
            .replace("{provider}", "corp")
            .replace("{file}", "style.css");
        self.browser.get(&path).await;
        let (reset, setup) = (reset.as_str(), setup.as_str());
        let forms: [&[(&str, &str)]; 4] = [
            &[("email", EMAIL), ("password", PASSWORD)],
            &[("token", reset), ("password", OTHER), ("repeat", OTHER)],
            &[("current", PASSWORD), ("password", OTHER), ("repeat", OTHER)],
            &[
                ("token", setup),
                ("email", "eve@shop.test"),
                ("given_name", "Eve"),
                ("family_name", "Moneypenny"),
                ("password", OTHER),
                ("repeat", OTHER),
            ],
        ];
        for fields in forms {
            if let [("token", token), ..] = fields {
                self.browser.get(&format!("{path}?token={token}")).await;
            }
            let own = Secret::new(self.browser.cookie("browser").expect("a browser"));
            let csrf = ("csrf".to_owned(), self.house.app.forms.token(&own));
            let more = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let action = self.house.url().join(&path).expect("an address");
            let form = Form { action, fields: [csrf].into_iter().chain(more).collect() };
            self.browser.submit(&form).await;
            // At once: whatever the next form does may end what this one began.
            if self.done().await.is_more_than(&before) {
                return true;
            }
        }
        false
    }
}

on_both_engines! {
    async fn s107_of_every_address_that_is_served_five_do_something_with_a_password(engine: Engine) {
        let yard = Yard::on(engine).await;
        let mut found = BTreeSet::new();
        for path in paths() {
            set_password(&yard.house, &yard.grace, PASSWORD).await;
            let tokens = yard.tokens().await;
            yard.sign_in().await;
            if yard.knock(path, &tokens).await {
                found.insert(path);
            }
        }
        assert_eq!(found, BTreeSet::from(ADDRESSES));
    }

    async fn s107_at_a_closed_door_no_address_that_is_served_does(engine: Engine) {
        let yard = Yard::on(engine).await;
        let tokens = yard.tokens().await;
        close(&yard.house).await;
        for path in paths() {
            yard.sign_in().await;
            assert!(!yard.knock(path, &tokens).await, "{path}");
        }
    }

    async fn s107_whoever_came_by_a_password_is_out_and_whoever_came_by_a_provider_stays(engine: Engine) {
        let yard = Yard::on(engine).await;
        yard.sign_in().await;
        let other = yard.house.browser();
        signed_in(&other, EMAIL, PASSWORD).await;
        let page = yard.browser.open("/back-office/account").await;
        assert!(page.find_form("/account/password").is_some(), "{}", page.text());
        close(&yard.house).await;
        let page = other.open("/back-office").await;
        assert_eq!((page.is_signed_in(), page.url.path()), (false, "/back-office/login"));
        assert!(page.find_form("/login").is_none(), "no form for a password: {}", page.text());
        assert!(page.link("/login/corp").is_some());
        assert!(page.link("/password/").is_none());
        let page = yard.browser.open("/back-office/account").await;
        assert_eq!((page.status, page.url.path()), (200, "/back-office/account"));
        assert!(page.find_form("/account/password").is_none(), "{}", page.text());
    }

    async fn s107_no_letter_leads_to_a_closed_door(engine: Engine) {
        let mut mails = MailServer::start().await;
        let house = house_with_mail(engine, &mails).await;
        grace(&house).await;
        let browser = house.browser();
        signed_in(&browser, EMAIL, PASSWORD).await;
        mails.down().await;
        ask(&house.browser(), EMAIL).await;
        let made = async || {
            let audit = house.audit().await;
            audit.iter().any(|entry| entry.action == "password.reset_asked")
        };
        until(made).await;
        let form = browser.open("/back-office/account").await.form("/account/password");
        let form = form.with("current", PASSWORD).with("password", OTHER).with("repeat", OTHER);
        assert_eq!(browser.submit(&form).await.status, 303);
        // One more that asks, after the password was changed: its link would still work.
        ask(&house.browser(), EMAIL).await;
        close(&house).await;
        mails.up().await;
        until(async || {
            house.clock.turn(Duration::from_secs(60));
            house.app.store.count_mails().await.expect("a count").waiting == 0
        })
        .await;
        let came = mails.mails();
        assert_eq!(came.len(), 1, "{came:?}");
        let text = came[0].text();
        assert!(text.contains("was changed just now"), "{text}");
        assert!(text.contains("tell your administrator"), "{text}");
        assert!(!text.contains("http"), "{text}");
    }
}

#[tokio::test]
async fn s107_a_letter_with_a_link_that_waits_is_not_sent_once_the_door_is_closed() {
    let mut mails = MailServer::start().await;
    let house = house_with_mail(Engine::Sqlite, &mails).await;
    grace(&house).await;
    mails.down().await;
    ask(&house.browser(), EMAIL).await;
    until(async || {
        let audit = house.audit().await;
        let made = audit.iter().any(|entry| entry.action == "password.reset_asked");
        made && house.app.store.count_mails().await.expect("a count").waiting == 1
    })
    .await;
    close(&house).await;
    mails.up().await;
    until(async || {
        house.clock.turn(Duration::from_secs(60));
        house.app.store.count_mails().await.expect("a count").waiting == 0
    })
    .await;
    assert_eq!(mails.mails().len(), 0);
    let page = house.browser().open("/back-office/password/forgot").await;
    assert_eq!(outcome(&page), (403, "local_login_closed".to_owned()));
}
