//! What every test of this folder begins with.

use identity::federation::policy::UnknownUser;
use identity::federation::provider::Provider;
use identity::secret::Secret;
use identity::users::{Status, User};
use server::config::Config;
use server::federation::save::{self, DoorEdit, PolicyEdit};
use store::By;
use testkit::{Browser, Engine, FakeProvider, House, Page};
use url::Url;

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
        Self::set(engine, |_| ()).await
    }

    /// With other settings.
    pub(crate) async fn set(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let house = House::with(engine, |config| {
            cheap(config);
            change(config);
        })
        .await;
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

/// A house whose back office lets its people link a provider with the key `corp` themselves, and
/// takes no strangers who come by it.
pub(crate) struct Linking {
    pub(crate) scene: Scene,
    pub(crate) provider: FakeProvider,
    pub(crate) row: Provider,
}

impl Linking {
    pub(crate) async fn on(engine: Engine) -> Self {
        Self::with(Scene::on(engine).await, |policy| policy.manual_linking = Some(true)).await
    }

    pub(crate) async fn with(scene: Scene, change: impl FnOnce(&mut PolicyEdit)) -> Self {
        let provider = FakeProvider::start(scene.house.clock.clone()).await;
        let connected = scene.house.try_connect(&provider, |_, door| {
            door.policy = UnknownUser::Refuse.into();
            change(&mut door.policy);
        });
        let row = connected.await.expect("a good provider");
        Self { scene, provider, row }
    }

    /// Begins a link on the account page: where the browser is sent.
    pub(crate) async fn begin(&self, browser: &Browser) -> Url {
        let form = self.scene.account(browser).await.form("/identities/link/corp");
        let page = browser.submit(&form).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let place = page.way_on().expect("the way to the provider");
        let refresh = page.headers.get("refresh").expect("it goes there by itself");
        assert_eq!(refresh.to_str().expect("text"), format!("0; url={place}"));
        let prompt = place.query_pairs().find(|(name, _)| name == "prompt");
        assert_eq!(prompt.expect("a prompt").1, "login", "not whoever is signed in there");
        place
    }

    /// The whole trip to link.
    pub(crate) async fn link(&self, browser: &Browser) -> Page {
        let place = self.begin(browser).await;
        browser.open(place.as_str()).await
    }

    /// Changes what holds for the people of the provider.
    pub(crate) async fn set(&self, change: impl FnOnce(&mut PolicyEdit)) {
        let mut edit = DoorEdit::default();
        change(&mut edit.policy);
        let (tools, by) = (self.scene.house.tools(), By::operator());
        let changed = save::change_connection(&tools, "corp", "back-office", &edit, &by).await;
        changed.expect("a good policy");
        self.scene.house.learn().await;
    }

    /// How many identities a user has.
    pub(crate) async fn identities(&self, user: &User) -> usize {
        let listed = self.scene.house.app.store.list_identities_of(&user.id).await;
        listed.expect("an answer").len()
    }
}

/// It was refused so, and nobody else is named.
pub(crate) fn assert_refused(page: &Page, reason: &str) {
    assert_eq!(page.reason().as_deref(), Some(reason), "{} {}", page.url, page.text());
}
