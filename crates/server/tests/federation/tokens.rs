//! ID tokens and UserInfo that must not be believed, as they come over the wire.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use testkit::Engine;
use testkit::provider::{CLIENT_ID, Signing};

use crate::scene::Scene;

/// A trip with this change to the ID token's claims must be refused, with this in the audit.
async fn refused_with(change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static, why: &str) {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| script.edit_id_token = Some(Arc::new(change)));
    let page = scene.refused("token_invalid").await;
    let entry = scene.house.audit_of(&page.support_code().expect("a code")).await;
    let detail = entry.detail["detail"].as_str().expect("text").to_owned();
    assert!(detail.starts_with(&format!("{why}: ")), "{detail}");
    assert!(scene.house.users().await.is_empty(), "no half-made user");
}

/// A trip with this change to the ID token's claims must succeed.
async fn accepted_with(change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static) {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| script.edit_id_token = Some(Arc::new(change)));
    let (_, page) = scene.sign_in().await;
    assert!(page.is_signed_in(), "{}", page.text());
}

fn set(name: &'static str, value: Value) -> impl Fn(&mut Map<String, Value>) + Send + Sync {
    move |claims| {
        claims.insert(name.to_owned(), value.clone());
    }
}

fn remove(name: &'static str) -> impl Fn(&mut Map<String, Value>) + Send + Sync {
    move |claims| {
        claims.remove(name);
    }
}

fn later(name: &'static str, seconds: i64) -> impl Fn(&mut Map<String, Value>) + Send + Sync {
    move |claims| {
        let now = claims["iat"].as_i64().expect("a time");
        claims.insert(name.to_owned(), json!(now + seconds));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s009_the_nonce_must_come_back() {
    refused_with(set("nonce", json!("another")), "nonce").await;
    refused_with(remove("nonce"), "nonce").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s010_the_issuer_must_be_the_provider_to_the_letter() {
    refused_with(set("iss", json!("https://evil.example")), "issuer").await;
    refused_with(
        |claims| {
            let slash = format!("{}/", claims["iss"].as_str().expect("text"));
            claims.insert("iss".to_owned(), json!(slash));
        },
        "issuer",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s011_the_audience_must_be_us_and_azp_too() {
    refused_with(set("aud", json!("another client")), "audience").await;
    refused_with(set("aud", json!([CLIENT_ID, "another client"])), "authorized_party").await;
    refused_with(set("azp", json!("another client")), "authorized_party").await;
    accepted_with(|claims| {
        claims.insert("aud".to_owned(), json!([CLIENT_ID, "another client"]));
        claims.insert("azp".to_owned(), json!(CLIENT_ID));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s012_s013_no_unsigned_token_and_none_signed_with_the_public_key() {
    let scene = Scene::on(Engine::Sqlite).await;
    for signing in [Signing::Nothing, Signing::PublicKeyAsSecret] {
        scene.provider.script(|script| script.signing = signing);
        let page = scene.refused("token_invalid").await;
        let entry = scene.house.audit_of(&page.support_code().expect("a code")).await;
        let detail = entry.detail["detail"].as_str().expect("text").to_owned();
        assert!(detail.starts_with("algorithm: "), "{signing:?} {detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s014_s015_the_header_leads_nowhere() {
    let scene = Scene::on(Engine::Sqlite).await;
    let own = scene.provider.issuer();
    scene.provider.script(|script| {
        script.signing = Signing::StrangersKey;
        script.edit_header = Some(Arc::new(move |header| {
            header.insert("jku".to_owned(), json!(format!("{own}/evil-keys")));
            header.insert("jwk".to_owned(), json!({ "kty": "EC", "crv": "P-256" }));
        }));
    });
    scene.refused("token_invalid").await;
    for odd in ["../../etc/passwd", "' OR 1=1 --", "\u{0}", &"k".repeat(5000)] {
        let odd = odd.to_owned();
        scene.provider.script(|script| {
            script.signing = Signing::Own;
            script.edit_header = Some(Arc::new(move |header| {
                header.insert("kid".to_owned(), json!(odd));
            }));
        });
        scene.refused("token_invalid").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s020_the_clocks_may_be_a_minute_apart() {
    accepted_with(later("iat", 10)).await;
    refused_with(later("iat", 70), "issued_at").await;
    accepted_with(later("exp", -30)).await;
    refused_with(later("exp", -70), "expired").await;
    refused_with(later("nbf", 70), "not_yet").await;
    refused_with(remove("exp"), "expired").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s020_the_operator_may_allow_less() {
    let scene = Scene::set(Engine::Sqlite, |config| config.outbound.leeway_seconds = 5).await;
    scene.provider.script(|script| script.ahead = 10);
    scene.refused("token_invalid").await;
    scene.provider.script(|script| script.ahead = 0);
    let (_, page) = scene.sign_in().await;
    assert!(page.is_signed_in(), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_clock_is_half_a_minute_off_still_works() {
    for ahead in [30, -30] {
        let scene = Scene::on(Engine::Sqlite).await;
        scene.provider.script(|script| script.ahead = ahead);
        let (_, page) = scene.sign_in().await;
        assert!(page.is_signed_in(), "{ahead}: {}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s025_the_access_token_must_be_the_one_that_was_meant() {
    refused_with(set("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")), "access_token_hash").await;
    accepted_with(remove("at_hash")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_a_subject_is_refused() {
    refused_with(remove("sub"), "subject").await;
    refused_with(set("sub", json!("")), "subject").await;
    refused_with(set("sub", json!("x".repeat(256))), "subject").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s023_userinfo_about_somebody_else_is_refused() {
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| {
        script.lean_id_token = true;
        script.edit_userinfo = Some(Arc::new(set("sub", json!("mallory"))));
    });
    scene.refused("userinfo_mismatch").await;
    scene.provider.script(|script| script.edit_userinfo = Some(Arc::new(remove("sub"))));
    scene.refused("userinfo_mismatch").await;
    assert!(scene.house.users().await.is_empty(), "no half-made user");
}
