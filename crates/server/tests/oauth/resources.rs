//! What access tokens are for, as the token request says (RFC 8707 section 2.2).

use serde_json::json;
use testkit::{House, on_both_engines};

use crate::shop::{Answer, REDIRECT_URI, RESOURCE, Shop, VERIFIER, claims};

const OTHER: &str = "https://stock.example";

async fn shop(house: &House) -> Shop<'_> {
    Shop::open(house).await;
    Shop::register(house, "two", |new| {
        new.resources = [RESOURCE, OTHER].map(str::to_owned).to_vec();
    })
    .await
}

/// A code, redeemed for these resources.
async fn redeem(shop: &Shop<'_>, code: &str, resources: &[&str]) -> Answer {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    form.extend(resources.iter().map(|&resource| ("resource", resource)));
    shop.post("/oauth/token", &form).await
}

async fn refresh(shop: &Shop<'_>, token: &str, resources: &[&str]) -> Answer {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    form.extend(resources.iter().map(|&resource| ("resource", resource)));
    shop.post("/oauth/token", &form).await
}

fn audience(answer: &Answer) -> serde_json::Value {
    claims(&answer.text("access_token"))["aud"].clone()
}

fn no_target() -> (u16, String) {
    (400, "invalid_target".to_owned())
}

const BOTH: [(&str, &str); 3] = [("resource", RESOURCE), ("resource", OTHER), ("scope", "orders")];

on_both_engines! {
    async fn s076_a_token_request_says_which_of_the_granted_resources_it_is_for(engine: Engine) {
        let house = House::start(engine).await;
        let shop = shop(&house).await;
        let code = shop.code(&house.browser(), &BOTH).await;
        let tokens = redeem(&shop, &code, &[OTHER]).await;
        assert_eq!(audience(&tokens), json!([OTHER]), "{tokens:?}");
        let next = refresh(&shop, &tokens.text("refresh_token"), &[RESOURCE]).await;
        assert_eq!(audience(&next), json!([RESOURCE]), "the grant keeps all");
        let last = refresh(&shop, &next.text("refresh_token"), &[]).await;
        assert_eq!(audience(&last), json!([RESOURCE, OTHER]));
    }

    async fn s076_what_was_not_granted_is_refused_before_anything_is_used_up(engine: Engine) {
        let house = House::start(engine).await;
        let shop = shop(&house).await;
        let one = [("resource", RESOURCE), ("scope", "orders")];
        let code = shop.code(&house.browser(), &one).await;
        assert_eq!(redeem(&shop, &code, &[OTHER]).await.error(), no_target());
        assert_eq!(redeem(&shop, &code, &[RESOURCE, OTHER]).await.error(), no_target());
        let tokens = redeem(&shop, &code, &[]).await;
        assert_eq!(audience(&tokens), json!([RESOURCE]), "{tokens:?}");
        let token = tokens.text("refresh_token");
        assert_eq!(refresh(&shop, &token, &[OTHER]).await.error(), no_target());
        house.clock.turn(std::time::Duration::from_secs(40));
        assert_eq!(audience(&refresh(&shop, &token, &[RESOURCE]).await), json!([RESOURCE]));
    }
}
