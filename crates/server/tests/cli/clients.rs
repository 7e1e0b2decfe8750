//! OAuth clients at the command line, beside a house that takes them.

use serde_json::{Value, json};
use testkit::{Engine, on_both_engines};

use crate::desk::{Desk, names};

const URI: &str = "https://shop.example/callback";

const ADD: [&str; 6] = ["clients", "add", "--application", "storefront", "--name", "Demo shop"];

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

async fn add(desk: &Desk, more: &[&str]) -> Value {
    desk.ask(&[&ADD[..], &["--redirect-uri", URI], more].concat()).await["client"].clone()
}

async fn refusal(desk: &Desk, more: &[&str]) -> String {
    desk.refused(&[&ADD[..], more].concat()).await.0
}

on_both_engines! {
    async fn a_client_goes_from_registration_to_removal(engine: Engine) {
        let desk = Desk::at(engine).await;
        let added = add(&desk, &["--id", "demo-shop"]).await;
        assert_eq!(added["client_id"], "demo-shop");
        assert_eq!(added["issuer"], desk.house.url().as_str().trim_end_matches('/'));
        assert_eq!(added["token_endpoint_auth_method"], "client_secret_basic");
        assert_eq!(added["grant_types"], json!(["authorization_code", "refresh_token"]));
        assert_eq!(text(&added["client_secret"]).len(), 43, "256 bits");

        let shown = desk.ask(&["clients", "show", "demo-shop"]).await;
        assert!(!shown.to_string().contains(text(&added["client_secret"])), "shown once only");
        assert_eq!(shown["client"]["secrets"], json!([{ "expires_at": null }]));
        let listed = desk.ask(&["clients", "list", "--application", "storefront"]).await;
        let mut expected = added.clone();
        expected.as_object_mut().expect("an object").remove("client_secret");
        assert_eq!(listed["clients"], json!([expected]));
        let other = desk.ask(&["clients", "list", "--application", "dashboard"]).await;
        assert_eq!(other["clients"], json!([]));
        let (_, nowhere) = desk.refused(&["clients", "list", "--application", "nowhere"]).await;
        assert!(nowhere.contains("storefront"), "names those there are: {nowhere}");
        let (code, _) = desk.refused(&["clients", "change", "demo-shop"]).await;
        assert_eq!(code, "nothing_to_change");
        let audit = desk.read(&["audit", "list"]).await;
        assert!(audit.lines().any(|line| line.contains("demo-shop")), "which client: {audit}");

        let off = desk.ask(&["clients", "disable", "demo-shop"]).await;
        assert_eq!(off["client"]["disabled"], true);
        let on = desk.ask(&["clients", "enable", "demo-shop"]).await;
        assert_eq!(on["client"], expected);
        let removed = desk.ask(&["clients", "remove", "demo-shop"]).await;
        assert_eq!(removed, json!({ "removed": "demo-shop" }));
        for command in ["show", "enable", "disable", "remove", "rotate-secret", "change"] {
            let (code, message) = desk.refused(&["clients", command, "demo-shop"]).await;
            assert_eq!(code, "not_found");
            assert!(message.contains("vestibule clients list"), "{message}");
        }
    }

    async fn a_secret_is_rotated_with_overlap_or_at_once(engine: Engine) {
        let desk = Desk::at(engine).await;
        let first = add(&desk, &["--id", "demo-shop"]).await;
        let rotated = desk.ask(&["clients", "rotate-secret", "demo-shop"]).await;
        assert_ne!(rotated["client"]["client_secret"], first["client_secret"]);
        let shown = desk.ask(&["clients", "show", "demo-shop"]).await;
        let expected =
            json!([{ "expires_at": null }, { "expires_at": rotated["old_secrets_until"] }]);
        assert_eq!(shown["client"]["secrets"], expected);
        desk.ask(&["clients", "rotate-secret", "demo-shop", "--at-once"]).await;
        let shown = desk.ask(&["clients", "show", "demo-shop"]).await;
        assert_eq!(shown["client"]["secrets"], json!([{ "expires_at": null }]));
    }
}

#[tokio::test]
async fn a_random_id_is_drawn_and_people_read_what_to_enter() {
    let desk = Desk::at(Engine::Sqlite).await;
    let said = desk.read(&[&ADD[..], &["--redirect-uri", URI]].concat()).await;
    let listed = desk.ask(&["clients", "list"]).await;
    let id = text(&listed["clients"][0]["client_id"]).to_owned();
    assert!(id.starts_with("client-"), "{id}");
    for part in [&id, "Issuer", "Client secret", "shown this once"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let shown = desk.read(&["clients", "show", &id]).await;
    for part in ["Demo shop", URI, "storefront", "client_secret_basic", "works"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(desk.read(&["clients", "list"]).await.contains(&id));
}

/// A client with something in every setting, and what the command must say about it.
async fn portal(desk: &Desk) -> (Value, Value) {
    let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "a",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] });
    std::fs::write(desk.house.folder().join("keys.json"), keys.to_string()).expect("a file");
    let settings = [
        "--id=portal",
        "--auth=private_key_jwt",
        "--jwks-file=keys.json",
        "--post-logout-uri=https://shop.example/",
        "--backchannel-logout-uri=https://10.1.2.3/logout",
        "--backchannel-logout-private",
        "--no-backchannel-logout-session-required",
        "--cors-origin=https://shop.example",
        "--grant=authorization_code",
        "--grant=token_exchange",
        "--scope=openid",
        "--scope=orders:read",
        "--resource=https://orders.example",
        "--id-token-alg=EdDSA",
        "--no-require-pkce",
        "--no-require-nonce",
        "--require-par",
        "--require-dpop",
    ];
    let added = add(desk, &settings).await;
    let expected = json!({
        "client_id": "portal",
        "application": "storefront",
        "name": "Demo shop",
        "kind": "confidential",
        "token_endpoint_auth_method": "private_key_jwt",
        "redirect_uris": [URI],
        "post_logout_redirect_uris": ["https://shop.example/"],
        "backchannel_logout_uri": "https://10.1.2.3/logout",
        "backchannel_logout_session_required": false,
        "backchannel_logout_private": true,
        "cors_origins": ["https://shop.example"],
        "grant_types":
            ["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"],
        "scopes": ["openid", "orders:read"],
        "resources": ["https://orders.example"],
        "id_token_signed_response_alg": "EdDSA",
        "require_pkce": false,
        "require_nonce": false,
        "require_pushed_authorization_requests": true,
        "dpop_bound_access_tokens": true,
        "jwks": keys,
        "disabled": false,
        "created_at": added["created_at"],
        "issuer": desk.house.url().as_str().trim_end_matches('/'),
    });
    (added, expected)
}

#[tokio::test]
async fn every_setting_reaches_the_client() {
    let desk = Desk::at(Engine::Sqlite).await;
    let (added, expected) = portal(&desk).await;
    // No secret is among it: the client proves itself by its own key.
    assert_eq!(added, expected);
    let (code, message) = desk.refused(&["clients", "rotate-secret", "portal"]).await;
    assert_eq!(code, "no_secret");
    assert!(message.contains("--auth client_secret_basic"), "{message}");
}

#[tokio::test]
async fn every_setting_can_be_changed() {
    let desk = Desk::at(Engine::Sqlite).await;
    let (_, mut expected) = portal(&desk).await;
    let change = ["clients", "change", "portal", "--name=Portal", "--auth=client_secret_post"];
    let more = [
        "--require-pkce",
        "--require-nonce",
        "--no-require-par",
        "--no-require-dpop",
        "--id-token-alg=RS256",
    ];
    let lists = ["--redirect-uri=https://shop.example/a", "--redirect-uri=https://shop.example/b"];
    let told = ["--backchannel-logout-session-required", "--no-backchannel-logout-private"];
    let clear = [
        "--clear=post-logout-uri",
        "--clear=backchannel-logout-uri",
        "--clear=cors-origin",
        "--clear=resource",
    ];
    let changed = desk.ask(&[&change[..], &more, &lists, &told, &clear].concat()).await;
    for (name, value) in [
        ("name", json!("Portal")),
        ("token_endpoint_auth_method", json!("client_secret_post")),
        ("redirect_uris", json!(["https://shop.example/a", "https://shop.example/b"])),
        ("post_logout_redirect_uris", json!([])),
        ("backchannel_logout_uri", json!(null)),
        ("backchannel_logout_session_required", json!(true)),
        ("backchannel_logout_private", json!(false)),
        ("cors_origins", json!([])),
        ("resources", json!([])),
        ("require_pkce", json!(true)),
        ("require_nonce", json!(true)),
        ("require_pushed_authorization_requests", json!(false)),
        ("dpop_bound_access_tokens", json!(false)),
        ("id_token_signed_response_alg", json!("RS256")),
    ] {
        expected[name] = value;
    }
    assert_eq!(changed["client"], expected);
    let same = desk.ask(&["clients", "change", "portal", "--name=Portal"]).await;
    assert_eq!(same["client"], expected, "what is not named stays");
    let said = desk.read(&["clients", "change", "portal", "--auth=private_key_jwt"]).await;
    assert!(!said.contains("rotate-secret"), "{said}");
    let said = desk.read(&["clients", "change", "portal", "--auth=client_secret_basic"]).await;
    assert!(said.contains("vestibule clients rotate-secret portal"), "{said}");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_code() {
    let desk = Desk::at(Engine::Sqlite).await;
    std::fs::write(desk.house.folder().join("no.json"), "no").expect("a file");
    let uri = ["--redirect-uri", URI];
    let own = format!("--resource={}/", desk.house.app.issuer());
    for (more, code) in [
        (&["--redirect-uri=https://*.shop.example/"][..], "redirect_uri"),
        (&[][..], "no_redirect_uri"),
        (&["--public", "--auth=client_secret_basic"][..], "public_with_proof"),
        (&["--auth=none"][..], "confidential_without_proof"),
        (&["--auth=private_key_jwt"][..], "keys_missing"),
        (&["--id=Demo"][..], "client_id"),
        (&["--id=abcdef0123456789abcdef0123456789"][..], "client_id_like_subject"),
        (&["--grant=refresh_token"][..], "refresh_without_code"),
        (&["--scope=ORDERS"][..], "scope"),
        (&["--resource=orders"][..], "resource"),
        (&[own.as_str()][..], "own_resource"),
        (&["--backchannel-logout-uri=http://shop.example/"][..], "backchannel_logout_uri"),
        (&["--backchannel-logout-uri=http://127.0.0.1/"][..], "backchannel_logout_private"),
        (&["--jwks-file=no.json"][..], "jwks_file"),
        (&["--jwks-file=missing.json"][..], "jwks_file"),
    ] {
        let needs_uri = !code.ends_with("redirect_uri");
        let arguments = [more, if needs_uri { &uri } else { &[] }].concat();
        assert_eq!(refusal(&desk, &arguments).await, code, "{more:?}");
    }
    add(&desk, &["--id=demo-shop"]).await;
    let again = refusal(&desk, &[&uri[..], &["--id=demo-shop"]].concat()).await;
    assert_eq!(again, "key_taken");
    let nowhere = ["clients", "add", "--application=nowhere", "--name=x", "--redirect-uri", URI];
    let (code, message) = desk.refused(&nowhere).await;
    assert_eq!(code, "unknown_application");
    assert!(message.contains("storefront"), "{message}");
    let bad = ["clients", "change", "demo-shop", "--scope=ORDERS"];
    assert_eq!(desk.refused(&bad).await.0, "scope");
    let ours = ["clients", "change", "demo-shop", &own];
    assert_eq!(desk.refused(&ours).await.0, "own_resource");
    for nonsense in [["--grant=password"], ["--cors-origin=https://a.example/path"]] {
        let output = desk.run(&[&ADD[..], &nonsense].concat()).await;
        assert_eq!(output.status.code(), Some(2), "{nonsense:?}");
    }
}

#[tokio::test]
async fn s065_the_switches_are_for_confidential_clients_only() {
    let desk = Desk::at(Engine::Sqlite).await;
    let uri = ["--redirect-uri", URI, "--public"];
    let without = |switch: &'static str| [&uri[..], &[switch]].concat();
    assert_eq!(refusal(&desk, &without("--no-require-pkce")).await, "public_without_pkce");
    assert_eq!(refusal(&desk, &without("--no-require-nonce")).await, "public_without_nonce");
    let public = add(&desk, &["--public", "--id=app"]).await;
    let (_, nothing) = desk.refused(&["clients", "rotate-secret", "app"]).await;
    assert!(nothing.contains("nothing to rotate"), "{nothing}");
    assert_eq!((&public["kind"], &public["require_pkce"]), (&json!("public"), &json!(true)));
    assert!(!names(&public).contains(&"client_secret"));
    let change = ["clients", "change", "app", "--no-require-pkce"];
    assert_eq!(desk.refused(&change).await.0, "public_without_pkce");
    let change = ["clients", "change", "app", "--no-require-nonce"];
    assert_eq!(desk.refused(&change).await.0, "public_without_nonce");
}
