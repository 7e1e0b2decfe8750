//! An application closes a way in: what its clients got by it ends with it.

use identity::applications::ApplicationKey;
use store::{ApplicationChange, By};
use testkit::{Browser, FakeProvider, House, on_both_engines};

use crate::hearing::{Hearing, until};
use crate::shop::{Answer, Shop, brought, claims};

/// How somebody comes in, and how that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Provider,
    Password,
}

impl Way {
    async fn close(self, house: &House) {
        let (store, by, now) = (&house.app.store, By::operator(), house.app.now());
        match self {
            Self::Provider => {
                let all = store.list_connections(None).await.expect("a list");
                store.remove_connection(&all[0].id, &by, now).await.expect("removed");
            }
            Self::Password => {
                let door = ApplicationKey::from_stored("back-office");
                let local_login = Some(false);
                let change = ApplicationChange { local_login, ..ApplicationChange::default() };
                store.change_application(&door, &change, &by, now).await.expect("changed");
            }
        }
    }
}

/// Tokens of somebody who comes in this way.
async fn tokens(shop: &Shop<'_>, browser: &Browser, way: Way, scope: &str) -> Answer {
    let scope = ("scope", scope);
    if way == Way::Password {
        return shop.tokens(browser, &[scope]).await;
    }
    let mut page = browser.get(&shop.address(&[scope, ("provider", "corp")])).await;
    while brought(&page, "code").is_none() {
        page = browser.step(&page).await;
    }
    shop.redeem(&brought(&page, "code").expect("a code")).await
}

on_both_engines! {
    async fn s075_tokens_end_where_the_way_in_is_closed(engine: Engine) {
        for way in [Way::Provider, Way::Password] {
            let house = House::start(engine).await;
            let provider = FakeProvider::start(house.clock.clone()).await;
            house.connect(&provider).await;
            let hearing = Hearing::start().await;
            let uri = hearing.uri("shop");
            Shop::open(&house).await;
            let shop = Shop::register(&house, "hears", |new| {
                new.backchannel_logout_uri = Some(uri);
                new.backchannel_logout_private = true;
            })
            .await;
            let browser = house.browser();
            let online = tokens(&shop, &browser, way, "openid").await;
            let away = tokens(&shop, &browser, way, "openid offline_access").await;
            let access = online.text("access_token");
            assert_eq!(shop.userinfo(&access).await.status, 200, "{way:?}");
            assert_eq!(shop.introspect(&access).await["active"], true, "{way:?}");
            way.close(&house).await;
            let told = hearing.wait_for("shop", 1).await.remove(0);
            let sid = &claims(&online.text("id_token"))["sid"];
            assert_eq!(&claims(&told.token)["sid"], sid, "{way:?}");
            // Memory learns of it as of every change.
            until(async || shop.userinfo(&access).await.status == 401).await;
            assert_eq!(shop.introspect(&access).await["active"], false, "{way:?}");
            for tokens in [online, away] {
                let refreshed = shop.refresh(&tokens.text("refresh_token")).await;
                assert_eq!(refreshed.error(), (400, "invalid_grant".to_owned()), "{way:?}");
            }
        }
    }
}
