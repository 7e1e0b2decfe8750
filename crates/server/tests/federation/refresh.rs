//! A discovery document is read when a provider is saved and when the operator says so; what it
//! then weakens or moves has to be confirmed.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::FakeProvider;
use testkit::provider::Place;

use crate::operator::Operator;

/// The document says this from now on.
fn say(provider: &FakeProvider, name: &'static str, value: Value) {
    provider.script(|script| {
        script.edit_discovery = Some(Arc::new(move |document| {
            document.insert(name.to_owned(), value.clone());
        }));
    });
}

/// How often the house has read the document so far.
fn read(operator: &Operator) -> usize {
    operator.provider.times(Place::Discovery)
}

#[tokio::test(flavor = "multi_thread")]
async fn s008_pkce_is_not_dropped_when_the_metadata_change() {
    let operator = Operator::connected().await;
    let sent = async || {
        assert!(operator.house.browser().open("/back-office/login/corp").await.is_signed_in());
        let seen = operator.provider.seen();
        let last = seen.authorizations.last().expect("a request");
        let verifier = seen.token_forms.last().expect("a request").contains_key("code_verifier");
        assert_eq!(last.contains_key("code_challenge"), verifier);
        verifier
    };
    assert_eq!(read(&operator), 1, "once, by the save");
    say(&operator.provider, "code_challenge_methods_supported", json!(["plain"]));
    assert!(sent().await);
    assert_eq!(read(&operator), 1, "no sign-in reads it");

    let (code, message) = operator.refused(&["refresh", "corp"]).await;
    assert_eq!(code, "not_confirmed");
    assert!(message.contains("code_challenge_methods_supported"), "{message}");
    assert!(message.contains("vestibule providers refresh corp --confirm"), "{message}");
    assert_eq!(read(&operator), 2, "it was read");
    operator.house.learn().await;
    assert!(sent().await, "and not believed");

    let answer = operator.ask(&["refresh", "corp", "--confirm"]).await;
    assert_eq!(answer["changed"][0]["name"], "code_challenge_methods_supported");
    assert_eq!(answer["provider"]["pkce"], false);
    assert!(!sent().await, "what is confirmed counts");
    say(&operator.provider, "code_challenge_methods_supported", json!(["S256"]));
    operator.ask(&["refresh", "corp"]).await;
    assert!(sent().await, "a protection is taken over without a word");
}

#[tokio::test(flavor = "multi_thread")]
async fn s033_an_endpoint_that_moved_since_the_save_is_not_believed() {
    let operator = Operator::connected().await;
    let other = FakeProvider::start(operator.house.clock.clone()).await;
    let (here, there) = (operator.provider.host(), other.host());
    operator.ask(&["change", "corp", "--allow-private", &here, "--allow-private", &there]).await;
    let elsewhere = format!("{}/token", other.issuer());
    say(&operator.provider, "token_endpoint", json!(elsewhere));
    let sign_in = async || operator.house.browser().open("/back-office/login/corp").await;
    assert!(sign_in().await.is_signed_in());

    let (code, message) = operator.refused(&["refresh", "corp"]).await;
    assert_eq!(code, "not_confirmed");
    for part in ["token_endpoint", &operator.provider.issuer(), &other.issuer()] {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert_eq!(read(&operator), 2, "by the save and by the command");
    operator.house.learn().await;
    assert!(sign_in().await.is_signed_in());
    assert_eq!(other.times(Place::Token), 0, "the secret goes where it was pinned");

    let answer = operator.ask(&["refresh", "corp", "--confirm"]).await;
    assert_eq!(answer["changed"][0]["now"], elsewhere);
    sign_in().await;
    assert_eq!(other.times(Place::Token), 1, "what is confirmed counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn s030_what_a_document_may_not_say_at_the_save_it_may_not_say_later() {
    let operator = Operator::connected().await;
    let confirm = ["refresh", "corp", "--confirm"];
    let before = operator.ask(&["show", "corp"]).await;
    for (name, value, code) in [
        ("jwks_uri", json!("http://id.corp.example/keys"), "endpoint_refused"),
        ("token_endpoint", json!("https://10.0.0.1/token"), "endpoint_refused"),
        ("issuer", json!("https://evil.example"), "issuer_differs"),
        ("id_token_signing_alg_values_supported", json!(["none"]), "no_algorithm"),
    ] {
        say(&operator.provider, name, value);
        assert_eq!(operator.refused(&confirm).await.0, code, "{name}");
    }
    operator.provider.down().await;
    assert_eq!(operator.refused(&confirm).await.0, "provider_unreachable");
    assert_eq!(operator.ask(&["show", "corp"]).await, before, "nothing was taken over");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_says_what_it_said_changes_nothing() {
    let operator = Operator::connected().await;
    let changes = operator.house.app.store.latest_change().await.expect("a number");
    let answer = operator.ask(&["refresh", "corp"]).await;
    assert_eq!(answer["changed"], json!([]));
    assert_eq!(operator.house.app.store.latest_change().await.expect("a number"), changes);

    // Another path at the same host is the provider's own affair.
    let moved = format!("{}/userinfo?v=2", operator.provider.issuer());
    say(&operator.provider, "userinfo_endpoint", json!(moved));
    let answer = operator.ask(&["refresh", "corp"]).await;
    assert_eq!(answer["provider"]["endpoints"]["userinfo"], moved);
    assert_eq!(answer["changed"].as_array().map(Vec::len), Some(1));

    // How the secret is shown stays as the operator chose it, for as long as the provider takes it.
    operator.ask(&["change", "corp", "--client-auth", "client_secret_post"]).await;
    let answer = operator.ask(&["refresh", "corp"]).await;
    assert_eq!(answer["provider"]["client_authentication"], "client_secret_post");
    let basic = json!(["client_secret_basic"]);
    say(&operator.provider, "token_endpoint_auth_methods_supported", basic);
    let answer = operator.ask(&["refresh", "corp"]).await;
    assert_eq!(answer["provider"]["client_authentication"], "client_secret_basic");
}
