//! What every test of this folder begins with.

use identity::secret::Secret;
use identity::users::{Status, User};
use server::config::Config;
use store::By;
use testkit::{Browser, Engine, House, Page};

/// A password that the policy takes.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Where the page is.
pub(crate) const ACCOUNT: &str = "/back-office/account";

/// Hashes that cost next to nothing: these tests are not about hashing.
pub(crate) fn cheap(config: &mut Config) {
    config.passwords.argon2_memory_kib = 64;
    config.passwords.argon2_passes = 1;
}

/// A house with Grace in it, who works there and has a password.
pub(crate) struct Scene {
    pub(crate) house: House,
    pub(crate) grace: User,
}

impl Scene {
    pub(crate) async fn on(engine: Engine) -> Self {
        let house = House::with(engine, cheap).await;
        let grace = add_staff(&house, "grace@shop.test").await;
        Self { house, grace }
    }

    /// A browser in which Grace is signed in.
    pub(crate) async fn browser(&self) -> Browser {
        let browser = self.house.browser();
        sign_in(&browser, "grace@shop.test").await;
        browser
    }

    pub(crate) async fn account(&self, browser: &Browser) -> Page {
        let page = browser.open(ACCOUNT).await;
        assert_eq!((page.status, page.url.path()), (200, ACCOUNT), "{}", page.text());
        page
    }

    /// Grace as the database has her now.
    pub(crate) async fn grace_now(&self) -> User {
        let found = self.house.app.store.find_user(&self.grace.id).await.expect("an answer");
        found.expect("Grace")
    }
}

/// Somebody else who works there, with the same password.
pub(crate) async fn add_staff(house: &House, email: &str) -> User {
    let user = house.add_staff(email, Status::Active).await;
    let hash = house.app.hasher.hash(Secret::new(PASSWORD)).await.expect("a hash").to_string();
    let (by, now) = (By::operator(), house.app.now());
    house.app.store.set_password(&user.id, &hash, None, &by, now).await.expect("a password");
    user
}

/// Signs in with the password of everybody here.
pub(crate) async fn sign_in(browser: &Browser, email: &str) {
    let form = browser.open("/back-office/login?notice=again").await.form("/login");
    let page = browser.submit(&form.with("email", email).with("password", PASSWORD)).await;
    assert_eq!(page.status, 303, "{}", page.text());
}
