//! A house with one protected host, whose reverse proxy the test itself is.

use identity::applications::ApplicationKey;
use identity::forward_auth::ProtectedHost;
use identity::return_to::Origin;
use identity::secret::Secret;
use identity::users::{Status, User};
use server::config::Config;
use store::By;
use testkit::{Browser, Engine, House, Page};
use url::Url;

pub const EMAIL: &str = "grace@shop.test";
pub const PASSWORD: &str = "correct horse battery staple";
pub const SHOP: &str = "shop.localhost:8090";
pub const OTHER: &str = "other.localhost:8090";
pub const CHECK: &str = "/forward-auth/back-office";

/// A house, Grace, and her browser: what it keeps for our host and for the shop's.
pub struct Scene {
    pub house: House,
    pub grace: User,
    pub own: Browser,
    pub shop: Browser,
}

impl Scene {
    pub async fn set(engine: Engine) -> Self {
        Self::with(engine, |_| {}).await
    }

    pub async fn with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let house = House::with(engine, |config| {
            config.server.trusted_proxies = vec!["127.0.0.1".to_owned()];
            change(config);
        })
        .await;
        let grace = house.add_staff(EMAIL, Status::Active).await;
        let hash = house.app.hasher.hash(Secret::new(PASSWORD)).await.expect("a hash").to_string();
        let (by, now) = (By::operator(), house.app.now());
        house.app.store.set_password(&grace.id, &hash, None, &by, now).await.expect("a password");
        for (name, application) in [(SHOP, "back-office"), (OTHER, "storefront")] {
            let host = host(name, application);
            house.app.store.add_protected_host(&host, &by, now).await.expect("a host");
        }
        house.learn().await;
        let (own, shop) = (house.browser(), behind(&house, SHOP));
        Self { house, grace, own, shop }
    }

    /// Grace goes to the shop, signs in, and comes back to `target`.
    pub async fn sign_in(&self, target: &str) -> Page {
        let start = format!("/.vestibule/start?return_to={target}");
        let page = self.own.open(self.leave_shop(&start).await.as_str()).await;
        let form = page.form("/login").with("email", EMAIL).with("password", PASSWORD);
        let sent = self.own.submit(&form).await;
        let enter = self.own.step(&sent).await;
        self.shop.get(&path(&enter)).await
    }

    /// Where the shop sends the browser on our host.
    pub async fn leave_shop(&self, start: &str) -> Url {
        self.shop.get(start).await.location().expect("a way to the login")
    }

    /// A ticket for whoever is signed in on our host, and whose mark the shop's browser has.
    pub async fn ticket(&self) -> String {
        let enter = self.leave_shop("/.vestibule/start").await;
        path(&self.own.get(enter.as_str()).await)
    }

    /// What the shop's proxy is answered.
    pub async fn check(&self) -> Page {
        self.shop.get(CHECK).await
    }
}

pub fn host(name: &str, application: &str) -> ProtectedHost {
    ProtectedHost {
        origin: Origin::parse(&format!("http://{name}")).expect("an origin"),
        application: ApplicationKey::parse(application).expect("a key"),
    }
}

/// A browser without cookies, at a host behind a proxy.
pub fn behind(house: &House, name: &str) -> Browser {
    house.browser().saying("x-forwarded-host", name)
}

/// The redirect's path on the protected host, which the proxy passes on.
pub fn path(page: &Page) -> String {
    let location = page.location().unwrap_or_else(|| panic!("no redirect: {page:?}"));
    assert_eq!(location.host_str(), Some("shop.localhost"), "{location}");
    location[url::Position::BeforePath..].to_owned()
}

/// A header of an answer, or nothing.
pub fn header(page: &Page, name: &str) -> Option<String> {
    page.headers.get(name).map(|value| value.to_str().expect("ASCII").to_owned())
}

/// Waits until the shop's proxy is answered so.
pub async fn until(scene: &Scene, status: u16) {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        while scene.check().await.status != status {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "not {status} after half a minute");
}
