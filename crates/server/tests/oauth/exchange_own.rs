//! Our own tokens in exchange for narrower ones, and who acts in whose name.

use std::time::Duration;

use identity::applications::ApplicationKey;
use identity::oauth::clients::GrantType;
use identity::oauth::registration::NewClient;
use serde_json::json;
use testkit::{House, on_both_engines};

use crate::exchange::{ACCESS_TOKEN, EXCHANGE};
use crate::shop::{Answer, EMAIL, RESOURCE, Shop, claims};

const PAYMENTS: &str = "https://payments.example";

fn trades(new: &mut NewClient) {
    new.grant_types.push(GrantType::TokenExchange);
}

/// The service behind [`RESOURCE`], which asks for something of the payments.
async fn orders(house: &House) -> Shop<'_> {
    Shop::register(house, "orders", |new| {
        trades(new);
        new.resources.push(PAYMENTS.to_owned());
        new.scopes.extend(["payments", "admin"].map(str::to_owned));
    })
    .await
}

async fn bring(shop: &Shop<'_>, token: &str, more: &[(&str, &str)]) -> Answer {
    let form =
        [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
    shop.post("/oauth/token", &[&form, more].concat()).await
}

/// A token that a client got for itself.
async fn own_token(shop: &Shop<'_>) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", "orders")];
    shop.post("/oauth/token", &form).await.text("access_token")
}

const FOR_ORDERS: [(&str, &str); 2] = [("resource", RESOURCE), ("scope", "openid email orders")];

fn refused() -> (u16, String) {
    (400, "invalid_request".to_owned())
}

on_both_engines! {
    async fn s083_a_token_of_ours_is_narrowed_and_never_widened(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let orders = orders(&house).await;
        let browser = house.browser();
        let token = shop.tokens(&browser, &FOR_ORDERS).await.text("access_token");
        house.clock.turn(Duration::from_secs(200));
        let asked = [("resource", PAYMENTS), ("scope", "orders")];
        let answer = bring(&orders, &token, &asked).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["issued_token_type"], ACCESS_TOKEN);
        let narrow = answer.text("access_token");
        let (before, after) = (claims(&token), claims(&narrow));
        for same in ["sub", "sid", "acr", "auth_time", "iss", "exp"] {
            assert_eq!(after[same], before[same], "{same}");
        }
        let expected = (&json!([PAYMENTS]), &json!("orders"), &json!("orders"));
        assert_eq!((&after["aud"], &after["scope"], &after["client_id"]), expected);
        assert_eq!(orders.introspect(&narrow).await["active"], true);
        assert_eq!(shop.userinfo(&narrow).await.error(), (403, "insufficient_scope".to_owned()));
        for more in ["payments", "groups", "orders admin", "offline_access"] {
            let answer = bring(&orders, &token, &[("scope", more)]).await;
            assert_eq!(answer.error(), (400, "invalid_scope".to_owned()), "{more}");
        }
        let elsewhere = bring(&orders, &token, &[("audience", "https://other.example")]).await;
        assert_eq!(elsewhere.error(), (400, "invalid_target".to_owned()));
        // What ends the sign-in ends all that came of it.
        let page = browser.get("/back-office/logout").await;
        browser.submit(&page.form("/logout")).await;
        assert_eq!(orders.introspect(&narrow).await, json!({ "active": false }));
        assert_eq!(bring(&orders, &token, &asked).await.error(), refused());
    }

    async fn s083_nobody_brings_a_token_that_is_none_of_theirs(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let orders = orders(&house).await;
        let elsewhere = Shop::register(&house, "elsewhere", |new| {
            trades(new);
            new.resources = vec![PAYMENTS.to_owned()];
        })
        .await;
        let storefront = Shop::register(&house, "storefront", |new| {
            trades(new);
            new.application = ApplicationKey::from_stored("storefront");
        })
        .await;
        let tokens = shop.tokens(&house.browser(), &FOR_ORDERS).await;
        let token = tokens.text("access_token");
        assert_eq!(bring(&elsewhere, &token, &[]).await.error(), refused());
        assert_eq!(bring(&storefront, &token, &[]).await.error(), refused(), "types never mix");
        let id_token = tokens.text("id_token");
        assert_eq!(bring(&orders, &id_token, &[]).await.error(), refused(), "no access token");
        let own = own_token(&orders).await;
        assert_eq!(bring(&orders, &own, &[]).await.error(), refused(), "about nobody");
        house.clock.turn(Duration::from_secs(600));
        assert_eq!(bring(&orders, &token, &[]).await.error(), refused(), "it has expired");
    }

    async fn a_token_that_came_of_an_exchange_is_not_revoked_and_the_client_is_told(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let orders = orders(&house).await;
        let tokens = shop.tokens(&house.browser(), &FOR_ORDERS).await;
        let token = tokens.text("access_token");
        let given = bring(&orders, &token, &[]).await.text("access_token");
        let said = orders.post("/oauth/revoke", &[("token", &given)]).await;
        assert_eq!(said.error(), (400, "unsupported_token_type".to_owned()));
        assert_eq!(shop.post("/oauth/revoke", &[("token", &given)]).await.status, 200);
        assert_eq!(orders.introspect(&given).await["active"], false, "the grant was its own");
        let after = orders.post("/oauth/revoke", &[("token", &given)]).await;
        assert_eq!(after.status, 200, "what has ended is as good as revoked");
    }

    async fn s076_whoever_registered_our_own_address_is_told_no_more_by_that(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let issuer = house.app.issuer();
        let curious = Shop::register(&house, "curious", |new| {
            trades(new);
            new.resources = vec![issuer.clone(), format!("{issuer}/")];
        })
        .await;
        let token = shop.tokens(&house.browser(), &[]).await.text("access_token");
        assert!(claims(&token)["aud"].as_array().expect("a list").contains(&json!(issuer)));
        assert_eq!(curious.introspect(&token).await, json!({ "active": false }));
        assert_eq!(bring(&curious, &token, &[]).await.error(), refused());
    }

    async fn s083_who_acts_in_whose_name_is_told_and_noted(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let (orders, courier) = (orders(&house).await, Shop::register(&house, "courier", trades).await);
        let token = shop.tokens(&house.browser(), &FOR_ORDERS).await.text("access_token");
        let actor = own_token(&orders).await;
        let acting = |actor: &str| {
            [("actor_token", actor.to_owned()), ("actor_token_type", ACCESS_TOKEN.to_owned())]
        };
        let own = acting(&actor);
        let own: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = bring(&orders, &token, &own).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let first = answer.text("access_token");
        assert_eq!(claims(&first)["act"], json!({ "sub": "orders" }));
        assert_eq!(claims(&first)["sub"], claims(&token)["sub"]);
        let actor = own_token(&courier).await;
        let next = acting(&actor);
        let next: Vec<_> = next.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let second = bring(&courier, &first, &next).await.text("access_token");
        let chain = json!({ "sub": "courier", "act": { "sub": "orders" } });
        assert_eq!(claims(&second)["act"], chain);
        assert_eq!(courier.introspect(&second).await["act"], chain);
        let user = house.find_staff(EMAIL).await.expect("Grace");
        let entry = house.audit().await.into_iter().find(|one| one.action == "token.exchange");
        let entry = entry.expect("an entry");
        assert_eq!((entry.user, &entry.detail["act"]), (Some(user.id), &chain));
        // Nobody acts but a client that shows its own token.
        for no_actor in [token.as_str(), "no token"] {
            let more = [("actor_token", no_actor), ("actor_token_type", ACCESS_TOKEN)];
            assert_eq!(bring(&orders, &token, &more).await.error(), refused());
        }
        let strangers = own_token(&shop).await;
        let more = [("actor_token", strangers.as_str()), ("actor_token_type", ACCESS_TOKEN)];
        assert_eq!(bring(&orders, &token, &more).await.error(), refused(), "another client's");
    }

    async fn s084_whoever_acts_for_somebody_cannot_sign_in_as_them(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let orders = orders(&house).await;
        let token = shop.tokens(&house.browser(), &FOR_ORDERS).await.text("access_token");
        let actor = own_token(&orders).await;
        let acting = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS_TOKEN)];
        let answer = bring(&orders, &token, &acting).await;
        assert_eq!(answer.body["scope"], "email orders");
        let acting_token = answer.text("access_token");
        assert_eq!(shop.userinfo(&acting_token).await.status, 403);
        for scope in ["openid", "offline_access", "admin"] {
            let more = [&acting[..], &[("scope", scope)]].concat();
            let answer = bring(&orders, &token, &more).await;
            assert_eq!(answer.error(), (400, "invalid_scope".to_owned()), "{scope}");
        }
        // And not by leaving the actor out afterwards.
        let answer = bring(&orders, &acting_token, &[("scope", "openid")]).await;
        assert_eq!(answer.error(), (400, "invalid_scope".to_owned()));
    }
}
