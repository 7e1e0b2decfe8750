//! A provider's token in exchange for ours: who gets one, and everybody who does not.

use std::time::Duration;

use identity::applications::ApplicationKey;
use identity::federation::policy::{PolicyFields, UnknownUser};
use identity::federation::provider::{Provider, ProviderState};
use identity::oauth::clients::GrantType;
use identity::oauth::tokens::ACR_ONE_FACTOR;
use identity::users::{StatusChange, User};
use serde_json::{Value, json};
use store::{By, ConnectionChange};
use testkit::provider::{Place, Signing};
use testkit::{FakeHook, FakeProvider, House, on_both_engines};

use crate::shop::{Answer, RESOURCE, Shop, claims};

pub(crate) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// Who the app is at the provider.
const APP: &str = "mobile-app";

/// A door that takes the tokens of a provider's app.
struct Scene {
    house: House,
    provider: FakeProvider,
    row: Provider,
    door: &'static str,
}

impl Scene {
    async fn at(engine: testkit::Engine, door: &'static str) -> Self {
        let house = House::start(engine).await;
        let provider = FakeProvider::start(house.clock.clone()).await;
        let row = house.try_connect(&provider, |_, own| own.application = door.to_owned()).await;
        let scene = Self { house, provider, row: row.expect("a good provider"), door };
        scene
            .change(ConnectionChange {
                exchange_audiences: Some(vec![APP.to_owned()]),
                ..ConnectionChange::default()
            })
            .await;
        scene
    }

    async fn on(engine: testkit::Engine) -> Self {
        Self::at(engine, "storefront").await
    }

    async fn change(&self, change: ConnectionChange) {
        let (store, by, now) = (&self.house.app.store, By::operator(), self.house.app.now());
        let all = store.list_connections(None).await.expect("a list");
        store.change_connection(&all[0].id, &change, &by, now).await.expect("a change");
        self.house.learn().await;
    }

    async fn client(&self, id: &str) -> Shop<'_> {
        Shop::register(&self.house, id, |new| {
            new.application = ApplicationKey::from_stored(self.door);
            new.grant_types.push(GrantType::TokenExchange);
        })
        .await
    }

    /// An ID token of the provider for its app.
    fn id_token(&self, changed: Value) -> String {
        let mut said =
            json!({ "aud": APP, "nonce": "the app's own", "at_hash": "of its own token" });
        let own = said.as_object_mut().expect("an object");
        own.extend(changed.as_object().expect("an object").clone());
        self.provider.hand_out(said, json!({}))
    }

    async fn user(&self, email: &str) -> User {
        let mut all = self.house.users().await.into_iter();
        all.find(|user| user.email.as_typed() == email).expect("the user is there")
    }
}

async fn bring(shop: &Shop<'_>, token: &str, more: &[(&str, &str)]) -> Answer {
    bring_as(shop, ID_TOKEN, token, more).await
}

async fn bring_as(shop: &Shop<'_>, kind: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let form = [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", kind)];
    shop.post("/oauth/token", &[&form, more].concat()).await
}

fn refusal(answer: &Answer) -> (u16, String, String) {
    let (status, error) = answer.error();
    (status, error, answer.body["reason"].as_str().unwrap_or("").to_owned())
}

fn invalid(reason: &str) -> (u16, String, String) {
    (400, "invalid_request".to_owned(), reason.to_owned())
}

fn denied(reason: &str) -> (u16, String, String) {
    (400, "invalid_grant".to_owned(), reason.to_owned())
}

on_both_engines! {
    async fn a_decision_hook_is_asked_about_whoever_a_token_is_brought_for(engine: Engine) {
        let scene = Scene::on(engine).await;
        let hook = FakeHook::start().await;
        let set = json!({ "decision_hook": hook.field() });
        let set: PolicyFields = serde_json::from_value(set).expect("fields");
        scene
            .change(ConnectionChange { policy: set.into(), ..ConnectionChange::default() })
            .await;
        let shop = scene.client("shop").await;
        for (said, reason) in [("refuse", "hook_refused"), ("perhaps", "hook_failed")] {
            hook.says(json!({ "decision": said }));
            let answer = bring(&shop, &scene.id_token(json!({ "jti": said })), &[]).await;
            assert_eq!(answer.body["error"], "invalid_grant", "{answer:?}");
            assert!(scene.house.users().await.is_empty());
            let audit = scene.house.audit().await;
            let entry = audit.iter().find(|entry| entry.action == "token.exchange");
            assert_eq!(entry.map(|entry| entry.outcome.as_str()), Some(reason));
        }
        hook.says(json!({ "decision": "allow" }));
        let answer = bring(&shop, &scene.id_token(json!({ "jti": "allow" })), &[]).await;
        assert_eq!((answer.status, hook.asked().len()), (200, 3), "{answer:?}");
    }

    async fn s083_an_id_token_of_a_listed_client_becomes_an_access_token(engine: Engine) {
        let scene = Scene::on(engine).await;
        let shop = scene.client("shop").await;
        let now = scene.house.app.now().seconds();
        let token = scene.id_token(json!({ "acr": "gold", "auth_time": now - 900 }));
        let answer = bring(&shop, &token, &[("scope", "openid email")]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.body["issued_token_type"], ACCESS_TOKEN);
        assert_eq!(answer.body["token_type"], "Bearer");
        for none in ["refresh_token", "id_token"] {
            assert_eq!(answer.body.get(none), None);
        }
        let access = answer.text("access_token");
        let user = scene.user("ada@corp.example").await;
        let said = claims(&access);
        assert_eq!(said["exp"], claims(&token)["exp"], "no longer than what it came of");
        assert_eq!(said["sub"], user.public_id.as_str());
        assert_eq!((&said["client_id"], &said["scope"]), (&json!("shop"), &json!("email openid")));
        assert_eq!(said["auth_time"], now - 900);
        assert_eq!(said["acr"], ACR_ONE_FACTOR, "the provider's is not inherited");
        assert_eq!(shop.userinfo(&access).await.body["email"], "ada@corp.example");
        assert_eq!(shop.introspect(&access).await["active"], true);
        assert_eq!(scene.provider.times(Place::Userinfo), 0, "never by userinfo");
        let entry = scene.house.audit().await.into_iter().find(|one| one.action == "token.exchange");
        let entry = entry.expect("an entry");
        assert_eq!((entry.outcome.as_str(), entry.user.as_ref()), ("done", Some(&user.id)));
        assert_eq!(entry.detail["client"], "shop");
        // They are the same person the next time, and the session ends with the token.
        scene.house.clock.turn(Duration::from_secs(300));
        assert_eq!(shop.introspect(&access).await, json!({ "active": false }));
        let again = bring(&shop, &scene.id_token(json!({})), &[]).await;
        assert_eq!(claims(&again.text("access_token"))["sub"], said["sub"]);
    }

    async fn s083_a_subject_token_counts_once(engine: Engine) {
        let scene = Scene::on(engine).await;
        let (shop, other) = (scene.client("shop").await, scene.client("other").await);
        let token = scene.id_token(json!({}));
        let bad = bring(&shop, &token, &[("scope", "everything")]).await;
        assert_eq!(bad.error(), (400, "invalid_scope".to_owned()), "that does not use it up");
        assert_eq!(bring(&shop, &token, &[]).await.status, 200);
        for shop in [&shop, &other] {
            assert_eq!(refusal(&bring(shop, &token, &[]).await), invalid(""));
        }
    }

    async fn s083_a_token_that_does_not_hold_is_refused(engine: Engine) {
        let scene = Scene::on(engine).await;
        let shop = scene.client("shop").await;
        let now = scene.house.app.now().seconds();
        for changed in [
            json!({ "aud": "another-app" }),
            json!({ "aud": testkit::provider::CLIENT_ID }),
            json!({ "aud": scene.house.app.issuer() }),
            json!({ "exp": now }),
            json!({ "iat": now - 300 }),
            json!({ "iat": now + 120 }),
            json!({ "iat": null }),
            json!({ "sub": null }),
            // An access token for another interface, as Keycloak makes them.
            json!({ "aud": "other-api", "azp": APP, "typ": "Bearer", "scope": "openid email" }),
            json!({ "aud": "other-api", "azp": APP }),
            json!({ "aud": [APP, "other-api"], "azp": "another-app" }),
            json!({ "typ": "Bearer" }),
            json!({ "scope": "openid email" }),
        ] {
            let answer = bring(&shop, &scene.id_token(changed.clone()), &[]).await;
            assert_eq!(refusal(&answer), invalid("token_invalid"), "{changed}");
        }
        assert_eq!(scene.house.users().await, [], "nobody has an account by any of them");
        let elsewhere = scene.id_token(json!({ "iss": "https://elsewhere.example" }));
        let answer = bring(&shop, &elsewhere, &[]).await;
        assert_eq!(refusal(&answer), invalid("provider_not_connected"));
        for typ in ["at+jwt", "logout+jwt"] {
            let token = scene.provider.hand_out(json!({ "aud": APP }), json!({ "typ": typ }));
            let answer = bring(&shop, &token, &[]).await;
            assert_eq!(refusal(&answer), invalid("token_invalid"), "{typ}");
        }
        for signing in [Signing::Nothing, Signing::StrangersKey, Signing::PublicKeyAsSecret] {
            scene.provider.script(|script| script.signing = signing);
            let answer = bring(&shop, &scene.id_token(json!({})), &[]).await;
            assert_eq!(refusal(&answer), invalid("token_invalid"), "{signing:?}");
        }
        assert_eq!(refusal(&bring(&shop, "no token", &[]).await), invalid(""));
        assert_eq!(scene.house.users().await, [], "nobody was made");
    }

    async fn s083_an_access_token_is_taken_when_it_is_for_us(engine: Engine) {
        let scene = Scene::on(engine).await;
        let shop = scene.client("shop").await;
        let token = |audience: &str, typ: &str| {
            let said = json!({ "aud": audience, "azp": APP, "client_id": APP });
            scene.provider.hand_out(said, json!({ "typ": typ }))
        };
        let us = scene.house.app.issuer();
        for (audience, typ, status) in [
            (RESOURCE, "at+jwt", 400),
            (APP, "at+jwt", 400),
            (us.as_str(), "JWT", 400),
            (us.as_str(), "at+jwt", 200),
        ] {
            let answer = bring_as(&shop, ACCESS_TOKEN, &token(audience, typ), &[]).await;
            assert_eq!(answer.status, status, "{audience} {typ} {answer:?}");
        }
        assert_eq!(scene.provider.times(Place::Userinfo), 0);
    }

    async fn s083_a_connection_takes_no_tokens_unless_it_lists_their_audience(engine: Engine) {
        let scene = Scene::on(engine).await;
        let shop = scene.client("shop").await;
        let off = ConnectionChange { exchange_audiences: Some(vec![]), ..Default::default() };
        scene.change(off).await;
        let answer = bring(&shop, &scene.id_token(json!({})), &[]).await;
        assert_eq!(refusal(&answer), invalid("exchange_off"));
        assert_eq!(scene.provider.times(Place::Keys), 1, "when it was saved, and not since");
        let code = answer.text("support_code");
        let entry = scene.house.audit_of(&code).await;
        assert_eq!((entry.action.as_str(), entry.outcome.as_str()), ("token.exchange", "exchange_off"));
    }

    async fn s038_s083_the_policy_decides_as_at_a_callback(engine: Engine) {
        let scene = Scene::on(engine).await;
        let shop = scene.client("shop").await;
        let house = &scene.house;
        assert_eq!(bring(&shop, &scene.id_token(json!({})), &[]).await.status, 200);
        let known = scene.user("ada@corp.example").await;
        let access = bring(&shop, &scene.id_token(json!({ "jti": "2" })), &[]).await;
        let (by, now) = (By::operator(), house.app.now());
        let off = StatusChange::Deactivate;
        house.app.store.change_user_status(&known.id, off, &by, now).await.expect("off");
        house.app.forget_user(&known.id);
        let answer = bring(&shop, &scene.id_token(json!({ "jti": "3" })), &[]).await;
        assert_eq!(refusal(&answer), denied("user_deactivated"));
        let before = shop.introspect(&access.text("access_token")).await;
        assert_eq!(before, json!({ "active": false }), "what was given before ends, too");
        // Nobody is made where nobody may be.
        let closed = ConnectionChange { policy: PolicyFields::from(UnknownUser::Refuse).into(), ..Default::default() };
        scene.change(closed).await;
        scene.provider.person("stranger", "stranger@corp.example");
        let answer = bring(&shop, &scene.id_token(json!({})), &[]).await;
        assert_eq!(refusal(&answer), denied("unknown_user"));
        let at = house.app.url("/storefront/login/corp");
        assert_eq!(answer.text("error_uri"), at, "an address to go to");
        // The provider as it is in the database now, whatever memory says.
        house.set_provider_state(&scene.row, ProviderState::Disabled).await;
        let answer = bring(&shop, &scene.id_token(json!({ "jti": "4" })), &[]).await;
        assert_eq!(refusal(&answer), denied("provider_disabled"));
    }

    async fn s038_s083_an_exchange_links_nobody(engine: Engine) {
        let scene = Scene::at(engine, "back-office").await;
        let staff = ConnectionChange { exchange_staff: Some(true), ..Default::default() };
        scene.change(staff).await;
        let shop = scene.client("shop").await;
        let house = &scene.house;
        house.add_staff("ada@corp.example", identity::users::Status::Active).await;
        let answer = bring(&shop, &scene.id_token(json!({})), &[]).await;
        assert_eq!(refusal(&answer), denied("link_needs_sign_in"));
        let browser = house.browser();
        browser.open("/back-office/login/corp").await;
        let answer = bring(&shop, &scene.id_token(json!({ "jti": "2" })), &[]).await;
        assert_eq!(answer.status, 200, "once they have been here: {answer:?}");
    }

    async fn s083_staff_are_taken_by_a_switch_of_their_own(engine: Engine) {
        let scene = Scene::at(engine, "back-office").await;
        let shop = scene.client("shop").await;
        let answer = bring(&shop, &scene.id_token(json!({})), &[]).await;
        assert_eq!(refusal(&answer), denied("exchange_off"));
        assert_eq!(scene.house.users().await, []);
        let staff = ConnectionChange { exchange_staff: Some(true), ..Default::default() };
        scene.change(staff).await;
        let answer = bring(&shop, &scene.id_token(json!({ "jti": "2" })), &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    async fn s083_a_client_has_to_be_registered_for_it(engine: Engine) {
        let scene = Scene::on(engine).await;
        let shop = Shop::register(&scene.house, "shop", |_| {}).await;
        let answer = bring(&shop, &scene.id_token(json!({})), &[]).await;
        assert_eq!(answer.error(), (400, "unauthorized_client".to_owned()));
    }
}
