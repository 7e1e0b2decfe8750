//! From an application's question to its tokens, and what becomes of them.

use identity::users::{Status, StatusChange};
use serde_json::json;
use store::By;
use testkit::{House, on_both_engines};

use crate::shop::{EMAIL, RESOURCE, Shop, brought, claims};

on_both_engines! {
    async fn somebody_signs_in_and_the_application_knows_who(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let browser = house.browser();
        let page = shop.send(&browser, &[]).await;
        assert_eq!(page.status, 303);
        assert_eq!(brought(&page, "state").as_deref(), Some("the-state"));
        let issuer = house.app.issuer();
        assert_eq!(brought(&page, "iss").as_deref(), Some(issuer.as_str()));
        let tokens = shop.redeem(&brought(&page, "code").expect("a code")).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        assert_eq!(tokens.headers["cache-control"], "no-store");
        assert_eq!(tokens.body["token_type"], "Bearer");
        assert_eq!(tokens.body["expires_in"], 600);
        let id = claims(&tokens.text("id_token"));
        let user = house.find_staff(EMAIL).await.expect("Grace");
        assert_eq!(id["sub"], user.public_id.as_str());
        assert_eq!((&id["aud"], &id["nonce"]), (&json!("shop"), &json!("the-nonce")));
        let me = shop.userinfo(&tokens.text("access_token")).await;
        assert_eq!(me.body, json!({
            "sub": user.public_id.as_str(), "email": EMAIL, "email_verified": false,
            "name": "Grace Hopper", "given_name": "Grace", "family_name": "Hopper",
            "user_type": "staff",
        }));
    }

    async fn a_second_application_of_the_same_door_needs_no_second_sign_in(engine: Engine) {
        let house = House::start(engine).await;
        let (one, two) =
            (Shop::open(&house).await, Shop::register(&house, "second", |_| {}).await);
        let browser = house.browser();
        one.tokens(&browser, &[]).await;
        let page = two.onward(&browser, browser.get(&two.address(&[])).await).await;
        assert!(brought(&page, "code").is_some(), "{}", page.text());
        let elsewhere = Shop::register(&house, "storefront-shop", |new| {
            new.application = identity::applications::ApplicationKey::from_stored("storefront");
        })
        .await;
        let page = elsewhere.onward(&browser, browser.get(&elsewhere.address(&[])).await).await;
        assert!(page.find_form("/storefront/login").is_some(), "user types never mix");
    }

    async fn s064_a_code_that_comes_twice_takes_back_what_it_gave(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let code = shop.code(&house.browser(), &[]).await;
        let tokens = shop.redeem(&code).await;
        let access = tokens.text("access_token");
        assert_eq!(shop.userinfo(&access).await.status, 200);
        assert_eq!(shop.redeem(&code).await.error(), (400, "invalid_grant".to_owned()));
        assert_eq!(shop.userinfo(&access).await.status, 401);
        let refreshed = shop.refresh(&tokens.text("refresh_token")).await;
        assert_eq!(refreshed.error(), (400, "invalid_grant".to_owned()));
    }

    async fn s064_nobody_but_its_client_can_use_a_code_up_or_learn_that_it_is_one(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let other = Shop::register(&house, "other", |_| {}).await;
        let code = shop.code(&house.browser(), &[]).await;
        let (foreign, unknown) = (other.redeem(&code).await, other.redeem("no-code-at-all").await);
        assert_eq!((foreign.status, &foreign.body), (unknown.status, &unknown.body));
        assert_eq!(foreign.error(), (400, "invalid_grant".to_owned()));
        let access = shop.redeem(&code).await.text("access_token");
        assert_eq!(other.redeem(&code).await.body, unknown.body, "used up, too");
        assert_eq!(shop.userinfo(&access).await.status, 200, "which takes nothing back");
    }

    async fn s072_an_old_refresh_token_ends_its_family(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let first = shop.tokens(&house.browser(), &[]).await.text("refresh_token");
        let second = shop.refresh(&first).await.text("refresh_token");
        assert_ne!(first, second);
        let again = shop.refresh(&first).await.text("refresh_token");
        assert_eq!(again, second, "two tabs, or an answer that was lost");
        house.clock.turn(std::time::Duration::from_secs(30));
        assert_eq!(shop.refresh(&first).await.error(), (400, "invalid_grant".to_owned()));
        assert_eq!(shop.refresh(&second).await.error(), (400, "invalid_grant".to_owned()));
    }

    async fn s075_what_ends_a_session_ends_its_tokens(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let browser = house.browser();
        let tokens = shop.tokens(&browser, &[]).await;
        let kept = shop.tokens(&browser, &[("scope", "openid offline_access")]).await;
        let access = tokens.text("access_token");
        assert_eq!(shop.introspect(&access).await["active"], true);
        let page = browser.get("/back-office/logout").await;
        browser.submit(&page.form("/logout")).await;
        assert_eq!(shop.userinfo(&access).await.status, 401);
        assert_eq!(shop.introspect(&access).await, json!({ "active": false }));
        let refreshed = shop.refresh(&tokens.text("refresh_token")).await;
        assert_eq!(refreshed.error(), (400, "invalid_grant".to_owned()));
        // What was granted for when the person is away outlives the browser, but not the person.
        let away = shop.refresh(&kept.text("refresh_token")).await;
        assert_eq!(away.status, 200);
        let user = house.find_staff(EMAIL).await.expect("Grace");
        let (off, by, now) = (StatusChange::Deactivate, By::operator(), house.app.now());
        house.add_staff("other@corp.test", Status::Active).await;
        house.app.store.change_user_status(&user.id, off, &by, now).await.expect("off");
        house.app.grants.forget_user(&user.id);
        assert_eq!(shop.userinfo(&away.text("access_token")).await.status, 401);
        let refreshed = shop.refresh(&away.text("refresh_token")).await;
        assert_eq!(refreshed.error(), (400, "invalid_grant".to_owned()));
    }

    async fn s076_a_token_is_told_about_to_those_whom_it_is_for(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let orders = Shop::register(&house, "orders", |_| {}).await;
        let other = Shop::register(&house, "other", |new| new.resources.clear()).await;
        let asked = [("resource", RESOURCE), ("scope", "openid orders")];
        let access = shop.tokens(&house.browser(), &asked).await.text("access_token");
        assert_eq!(claims(&access)["aud"], json!([RESOURCE, house.app.issuer()]));
        assert_eq!(orders.introspect(&access).await["active"], true);
        assert_eq!(shop.introspect(&access).await["client_id"], "shop");
        assert_eq!(other.introspect(&access).await, json!({ "active": false }));
    }

    async fn a_client_gives_back_what_it_got_and_nobody_elses(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let other = Shop::register(&house, "other", |_| {}).await;
        let tokens = shop.tokens(&house.browser(), &[]).await;
        let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        assert_eq!(other.post("/oauth/revoke", &[("token", &refresh)]).await.status, 200);
        assert_eq!(shop.userinfo(&access).await.status, 200);
        assert_eq!(shop.post("/oauth/revoke", &[("token", &refresh)]).await.status, 200);
        assert_eq!(shop.userinfo(&access).await.status, 401);
        assert_eq!(shop.post("/oauth/revoke", &[("token", "made up")]).await.status, 200);
    }

    async fn a_refresh_that_asks_for_too_much_uses_nothing_up(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::open(&house).await;
        let token = shop.tokens(&house.browser(), &[]).await.text("refresh_token");
        let wide = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &token),
            ("scope", "openid orders"),
        ];
        let refused = shop.post("/oauth/token", &wide).await;
        assert_eq!(refused.error(), (400, "invalid_scope".to_owned()));
        house.clock.turn(std::time::Duration::from_secs(60));
        assert_eq!(shop.refresh(&token).await.status, 200, "it is still the newest of its family");
    }

    async fn s078_whoever_failed_too_often_is_told_when_to_come_again(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::register(&house, "shop", |_| {}).await;
        let guess = shop.guessing();
        let form = [("grant_type", "client_credentials")];
        let mut said = guess.post("/oauth/token", &form).await;
        while said.status == 401 {
            said = guess.post("/oauth/token", &form).await;
        }
        assert_eq!(said.error(), (503, "temporarily_unavailable".to_owned()));
        assert_eq!(said.headers["retry-after"], "60");
    }

    async fn s080_a_pushed_request_is_used_once(engine: Engine) {
        let house = House::start(engine).await;
        let shop = Shop::register(&house, "shop", |new| new.require_par = true).await;
        let browser = house.browser();
        let bare = browser.get(&shop.address(&[])).await;
        assert_eq!(bare.reason().as_deref(), Some("invalid_request"));
        let url = url::Url::parse(&shop.address(&[])).expect("an address");
        let pairs: Vec<_> = url.query_pairs().into_owned().collect();
        let form: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let pushed = shop.post("/oauth/par", &form).await;
        assert_eq!((pushed.status, &pushed.body["expires_in"]), (201, &json!(90)));
        let uri = pushed.text("request_uri");
        assert_eq!(shop.post("/oauth/authorize", &form).await.status, 400, "nor by a form");
        let name = uri.rsplit(':').next().expect("a name");
        let around = browser.get(&format!("/oauth/authorize/continue?request={name}")).await;
        assert_eq!(around.reason().as_deref(), Some("invalid_request"), "nor past the endpoint");
        let mut to = house.url().join("/oauth/authorize").expect("an address");
        to.query_pairs_mut().extend_pairs([("client_id", "shop"), ("request_uri", &uri)]);
        let page = shop.onward(&browser, browser.get(to.as_str()).await).await;
        assert!(page.find_form("/login").is_some(), "{}", page.text());
        let again = shop.onward(&browser, browser.get(to.as_str()).await).await;
        assert_eq!(again.reason().as_deref(), Some("invalid_request"));
    }
}
