//! Nothing of a trip that is worth anything reaches the log or the audit.

use std::sync::Arc;

use identity::secret::Secret;
use identity::users::Status;
use store::By;
use testkit::log::Log;
use testkit::provider::{CLIENT_SECRET, Fault, Place};
use testkit::{Browser, Engine};

use crate::scene::{Scene, callback_of, out};

const PASSWORD: &str = "correct horse battery staple";

/// Signs in with the button, and with a password.
async fn both_ways(scene: &Scene, browser: &Browser) {
    let page = browser.open("/back-office/login/corp").await;
    assert!(page.is_signed_in(), "{}", page.text());
    let user = scene.house.add_staff("grace@corp.example", Status::Active).await;
    let app = &scene.house.app;
    let hash = app.hasher.hash(Secret::new(PASSWORD)).await.expect("a hash").to_string();
    app.store.set_password(&user.id, &hash, None, &By::operator(), app.now()).await.expect("set");
    let form = browser.open("/back-office/login?notice=again").await.form("/login");
    let form = form.with("email", "grace@corp.example").with("password", PASSWORD);
    assert_eq!(browser.submit(&form).await.status, 303);
}

/// Trips that end in refusals, each of which the log and the audit explain.
async fn refused_ways(scene: &Scene) {
    let provider = &scene.provider;
    provider.script(|script| {
        script.edit_id_token = Some(Arc::new(|claims| {
            claims.insert("aud".into(), "somebody else".into());
        }));
    });
    scene.refused("token_invalid").await;
    provider.script(|script| script.edit_id_token = None);
    let torn = "{\"access_token\": \"torn-access-token\", \"id_token\": \"torn-id-token";
    for (fault, reason) in [
        (Fault::Status(400), "provider_error"),
        (Fault::Says("application/json", torn.to_owned()), "provider_malformed"),
        (Fault::Says("text/html", torn.to_owned()), "provider_malformed"),
    ] {
        provider.script(|script| drop(script.faults.insert(Place::Token, fault)));
        scene.refused(reason).await;
    }
    provider.script(|script| script.faults.clear());
    // A code that comes twice, to a stranger, and by a form.
    let browser = scene.house.browser();
    let callback = callback_of(&browser).await;
    scene.house.browser().get(&callback).await;
    browser.get(&callback).await;
    browser.get(&callback).await;
    provider.script(|script| script.form_post = true);
    let posted = out(&browser).await.form("/login/callback/corp");
    let ours = browser.submit_from_elsewhere(&posted).await.form("/login/callback/corp");
    assert_eq!(browser.submit(&ours).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn s034_s085_nothing_of_a_trip_that_is_worth_anything_is_logged() {
    let log = Log::start("debug,sqlx=trace,server=trace,store=trace,identity=trace");
    let scene = Scene::on(Engine::Sqlite).await;
    scene.provider.script(|script| script.lean_id_token = true);
    let browser = scene.house.browser();
    both_ways(&scene, &browser).await;
    refused_ways(&scene).await;

    let seen = scene.provider.seen();
    let mut secrets = [&seen.codes[..], &seen.access_tokens[..], &seen.id_tokens[..]].concat();
    let verifiers = seen.token_forms.iter().filter_map(|form| form.get("code_verifier")).cloned();
    secrets.extend(verifiers);
    for name in ["state", "nonce"] {
        secrets.extend(seen.authorizations.iter().map(|asked| asked[name].clone()));
    }
    assert!(secrets.len() > 30, "{}", secrets.len());
    for cookie in ["staff", "browser"] {
        secrets.push(browser.cookie(cookie).expect("a cookie"));
    }
    // What a provider is sent as its client's secret, in either spelling.
    secrets.extend(
        seen.token_authorizations
            .iter()
            .flatten()
            .map(|line| line.strip_prefix("Basic ").expect("RFC 7617").to_owned()),
    );
    secrets.extend([CLIENT_SECRET, PASSWORD, "torn-access-token", "torn-id-token"].map(Into::into));
    let (text, audit) = (log.text(), format!("{:?}", scene.house.audit().await));
    assert!(text.contains("INSERT INTO sessions"), "the log is a full one");
    assert!(audit.contains("provider_malformed"), "the audit is a full one");
    for secret in &secrets {
        assert!(!text.contains(secret.as_str()), "{secret:?} is in the log");
        assert!(!audit.contains(secret.as_str()), "{secret:?} is in the audit");
    }
}
