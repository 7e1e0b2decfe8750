//! What every test of this folder begins with.

use identity::federation::policy::{PolicyFields, UnknownUser};
use identity::federation::provider::Provider;
use serde_json::Value;
use server::config::Config;
use store::{By, ConnectionChange};
use testkit::{Browser, Engine, FakeProvider, House, Page};

/// A house whose back office is connected to a provider with the key `corp`.
pub(crate) struct Scene {
    pub(crate) house: House,
    pub(crate) provider: FakeProvider,
    pub(crate) row: Provider,
}

impl Scene {
    /// Strangers get an account.
    pub(crate) async fn on(engine: Engine) -> Self {
        Self::with(engine, UnknownUser::Create).await
    }

    pub(crate) async fn with(engine: Engine, unknown_user: UnknownUser) -> Self {
        Self::furnish(House::start(engine).await, unknown_user).await
    }

    /// Strangers get an account; other settings.
    pub(crate) async fn set(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        Self::furnish(House::with(engine, change).await, UnknownUser::Create).await
    }

    async fn furnish(house: House, unknown_user: UnknownUser) -> Self {
        let provider = FakeProvider::start(house.clock.clone()).await;
        let added =
            house.try_connect(&provider, |_, door| door.policy.unknown_user = Some(unknown_user));
        let row = added.await.expect("a good provider");
        Self { house, provider, row }
    }

    /// The whole trip in a browser that has never been here.
    pub(crate) async fn sign_in(&self) -> (Browser, Page) {
        let browser = self.house.browser();
        let page = browser.open("/back-office/login/corp").await;
        (browser, page)
    }

    /// Sets fields of the connection's policy.
    pub(crate) async fn set_policy(&self, policy: PolicyFields) {
        let store = &self.house.app.store;
        let connection = store.list_connections(None).await.expect("connections").remove(0);
        let change = ConnectionChange { policy: policy.into(), ..ConnectionChange::default() };
        let (by, now) = (By::operator(), self.house.app.now());
        store.change_connection(&connection.id, &change, &by, now).await.expect("a change");
        self.house.learn().await;
    }

    /// The same, as it is stored.
    pub(crate) async fn set_rules(&self, policy: Value) {
        self.set_policy(serde_json::from_value(policy).expect("a policy")).await;
    }

    /// The whole trip; it must end in this refusal, without a session.
    pub(crate) async fn refused(&self, reason: &str) -> Page {
        let (browser, page) = self.sign_in().await;
        assert_refused(&browser, &page, reason);
        page
    }
}

/// To the provider and no further: the page whose redirect leads to our callback.
pub(crate) async fn out(browser: &Browser) -> Page {
    let start = browser.get("/back-office/login/corp").await;
    assert_eq!(start.status, 303, "{}", start.body);
    browser.step(&start).await
}

/// The callback's address, as the provider sends a browser there.
pub(crate) async fn callback_of(browser: &Browser) -> String {
    out(browser).await.location().expect("the way back").to_string()
}

/// A refusal is a page with its reason, a support code and no session.
pub(crate) fn assert_refused(browser: &Browser, page: &Page, reason: &str) {
    assert_eq!(page.reason().as_deref(), Some(reason), "{}", page.text());
    assert!((400..504).contains(&page.status) && page.status != 500, "{}", page.status);
    assert_eq!(browser.cookie("staff"), None, "a refused login leaves no session");
    assert!(page.location().is_none(), "a refusal leads nowhere by itself");
    assert!(!page.heading().is_empty(), "{}", page.body);
    let code = page.support_code().expect("a support code");
    assert_eq!(code.len(), 11, "{code}");
}
