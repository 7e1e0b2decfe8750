//! Discovery documents: which are accepted, and what operators read about the others.

use serde_json::json;

use super::*;
use crate::federation::fixtures::{ISSUER, provider};

const REACH: Reach<'static> = Reach { allow_private: &[] };

fn document() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://token.example.net/token",
        "userinfo_endpoint": "https://graph.example.org/userinfo",
        "jwks_uri": "https://id.example.com/jwks",
        "response_types_supported": ["code", "id_token"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

/// The good document with some members replaced; null takes one away.
fn document_with(changes: Value) -> Vec<u8> {
    let mut document = document();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => document.as_object_mut().unwrap().remove(name),
            value => document.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    document.to_string().into_bytes()
}

fn parse(changes: Value) -> Result<Metadata, MetadataError> {
    Metadata::parse(&document_with(changes), ISSUER, &REACH)
}

fn code_of(changes: Value) -> &'static str {
    parse(changes).unwrap_err().code()
}

#[test]
fn a_good_document_is_reduced_to_what_we_keep() {
    assert_eq!(
        parse(json!({})),
        Ok(Metadata {
            issuer: ISSUER.to_owned(),
            endpoints: Endpoints {
                authorization: "https://id.example.com/authorize".to_owned(),
                token: "https://token.example.net/token".to_owned(),
                userinfo: Some("https://graph.example.org/userinfo".to_owned()),
                jwks: "https://id.example.com/jwks".to_owned(),
            },
            client_authentication: vec![ClientAuthentication::ClientSecretBasic],
            algorithms: vec!["RS256".to_owned()],
            promises_iss: false,
            pkce: true,
        })
    );
    assert_eq!(parse(json!({"userinfo_endpoint": null})).unwrap().endpoints.userinfo, None);
}

#[test]
fn s029_an_issuer_that_differs_in_one_letter_is_refused() {
    for found in [
        "https://id.example.com/",
        "https://ID.example.com",
        "https://id.example.com:443",
        "http://id.example.com",
        "https://other.example.com",
    ] {
        let error = parse(json!({"issuer": found})).unwrap_err();
        let (configured, found) = (ISSUER.to_owned(), found.to_owned());
        assert_eq!(error, MetadataError::IssuerDiffers { configured, found });
    }
    assert_eq!(code_of(json!({"issuer": null})), "missing");
    assert_eq!(code_of(json!({"issuer": [ISSUER]})), "malformed");
}

#[test]
fn s029_the_refusal_of_an_issuer_says_what_to_do() {
    let error = parse(json!({"issuer": "https://id.example.com/"})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the discovery document says that its issuer is \"https://id.example.com/\", not \
         \"https://id.example.com\"; they must be equal to the letter, so if \
         \"https://id.example.com/\" is the provider that you mean, give it as --issuer"
    );
}

#[test]
fn s010_a_document_for_every_tenant_is_refused() {
    let found = "https://login.microsoftonline.com/{tenantid}/v2.0";
    let error = parse(json!({"issuer": found})).unwrap_err();
    assert_eq!(error.code(), "issuer_template");
    assert!(error.to_string().contains("your own tenant"), "{error}");
}

#[test]
fn s030_every_endpoint_must_be_https_each_time_the_document_is_read() {
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
        for bad in [
            "http://id.example.com/x",
            "https://127.0.0.1/x",
            "https://localhost/x",
            "https://me:pw@id.example.com/x",
            "https://id.example.com/x#y",
            "javascript:alert(1)",
        ] {
            let error = parse(json!({ name: bad })).unwrap_err();
            assert_eq!(error.code(), "endpoint_refused", "{name} {bad}");
            assert!(error.to_string().contains(name), "{error}");
        }
        assert_eq!(code_of(json!({ name: "/relative" })), "malformed", "{name}");
        assert_eq!(code_of(json!({ name: 1 })), "malformed", "{name}");
        assert_eq!(code_of(json!({ name: "" })), "malformed", "{name}");
    }
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        assert_eq!(parse(json!({ name: null })), Err(MetadataError::Missing(name)));
    }
}

#[test]
fn s030_plain_http_passes_for_listed_loopback_alone() {
    let issuer = "http://localhost:8080/realms/x";
    let changes = json!({
        "issuer": issuer,
        "authorization_endpoint": "http://localhost:8080/a",
        "token_endpoint": "http://localhost:8080/t",
        "userinfo_endpoint": "http://localhost:8080/u",
        "jwks_uri": "http://localhost:8080/j",
    });
    let allow = ["localhost:8080".to_owned()];
    let reach = Reach { allow_private: &allow };
    assert!(Metadata::parse(&document_with(changes.clone()), issuer, &reach).is_ok());
    let refused = Metadata::parse(&document_with(changes), issuer, &REACH).unwrap_err();
    assert_eq!(refused.code(), "endpoint_refused");
    assert!(discovery_url(issuer, &reach).is_ok());
    assert_eq!(discovery_url(issuer, &REACH).unwrap_err().code(), "issuer_refused");
}

#[test]
fn s012_only_asymmetric_algorithms_that_both_know_are_kept() {
    let listed =
        |algorithms: Value| parse(json!({"id_token_signing_alg_values_supported": algorithms}));
    let kept = |algorithms: Value| listed(algorithms).unwrap().algorithms.join(" ");
    assert_eq!(kept(json!(["none", "HS256", "EdDSA", "ES256K", "RS256"])), "RS256 EdDSA");
    assert_eq!(kept(json!(ALGORITHMS)), ALGORITHMS.join(" "));
    assert_eq!(kept(json!(null)), "RS256");
    for bad in [json!([]), json!(["none"]), json!(["HS256", "HS512"]), json!(["rs256"])] {
        assert_eq!(listed(bad.clone()).unwrap_err().code(), "no_algorithm", "{bad}");
    }
    let error = listed(json!(["HS256", "none"])).unwrap_err().to_string();
    assert!(error.contains("HS256, none only; set it to one of RS256, "), "{error}");
    assert_eq!(listed(json!("RS256")).unwrap_err().code(), "malformed");
    assert_eq!(listed(json!([256])).unwrap_err().code(), "malformed");
}

#[test]
fn client_authentication_is_basic_where_nothing_is_said() {
    let chosen = |methods: Value| {
        parse(json!({"token_endpoint_auth_methods_supported": methods}))
            .map(|metadata| metadata.client_authentication)
    };
    let (basic, post) =
        (ClientAuthentication::ClientSecretBasic, ClientAuthentication::ClientSecretPost);
    assert_eq!(chosen(json!(null)), Ok(vec![basic]));
    let both = chosen(json!(["client_secret_post", "client_secret_basic"]));
    assert_eq!(both, Ok(vec![basic, post]));
    assert_eq!(chosen(json!(["private_key_jwt", "client_secret_post"])), Ok(vec![post]));
    let error = chosen(json!(["private_key_jwt", "none"])).unwrap_err();
    assert_eq!(error.code(), "no_client_authentication");
    assert!(error.to_string().contains("private_key_jwt, none"), "{error}");
}

#[test]
fn the_code_flow_must_be_offered_where_flows_are_listed() {
    let with = |types: Value| parse(json!({"response_types_supported": types}));
    assert!(with(json!(["code"])).is_ok());
    assert!(with(json!(null)).is_ok());
    for bad in [json!([]), json!(["id_token", "code id_token"])] {
        assert_eq!(with(bad), Err(MetadataError::NoCodeFlow));
    }
}

#[test]
fn s004_the_promise_of_iss_is_the_boolean_true() {
    let name = "authorization_response_iss_parameter_supported";
    assert!(parse(json!({ name: true })).unwrap().promises_iss);
    assert!(!parse(json!({ name: false })).unwrap().promises_iss);
    assert_eq!(code_of(json!({ name: "true" })), "malformed");
}

#[test]
fn s007_pkce_is_sent_unless_the_provider_lists_other_methods_only() {
    let pkce =
        |methods: Value| parse(json!({"code_challenge_methods_supported": methods})).unwrap().pkce;
    assert!(pkce(json!(["plain", "S256"])));
    assert!(pkce(json!(null)));
    assert!(!pkce(json!(["plain"])));
    assert!(!pkce(json!([])));
}

#[test]
fn s008_protections_that_a_document_no_longer_offers_are_told() {
    let strong = Provider { pkce: true, promises_iss: true, ..provider() };
    let weak = Provider { pkce: false, promises_iss: false, ..provider() };
    let both = parse(json!({"authorization_response_iss_parameter_supported": true})).unwrap();
    let none = parse(json!({"code_challenge_methods_supported": ["plain"]})).unwrap();
    assert_eq!(
        lost_protections(&strong, &none),
        ["code_challenge_methods_supported", "authorization_response_iss_parameter_supported"]
    );
    assert!(lost_protections(&strong, &both).is_empty());
    assert!(lost_protections(&weak, &none).is_empty());
    assert!(lost_protections(&weak, &both).is_empty());
}

#[test]
fn s019_what_is_no_json_object_or_too_large_is_no_document() {
    for bad in [&b""[..], b"<html>", b"[]", b"null", b"\"x\"", b"{\"issuer\":"] {
        assert_eq!(Metadata::parse(bad, ISSUER, &REACH), Err(MetadataError::NotJson));
    }
    let mut body = document_with(json!({}));
    body.resize(MAX_DOCUMENT, b' ');
    assert!(Metadata::parse(&body, ISSUER, &REACH).is_ok());
    body.push(b' ');
    assert_eq!(Metadata::parse(&body, ISSUER, &REACH), Err(MetadataError::TooLarge));
    assert_eq!(MAX_DOCUMENT, 1_048_576);
}

#[test]
fn the_document_lies_under_the_issuer_with_one_slash_between() {
    for (issuer, address) in [
        ("https://id.example.com", "https://id.example.com/.well-known/openid-configuration"),
        ("https://id.example.com/", "https://id.example.com/.well-known/openid-configuration"),
        ("https://id.example.com/a/", "https://id.example.com/a/.well-known/openid-configuration"),
        (
            "https://id.example.com/a//",
            "https://id.example.com/a//.well-known/openid-configuration",
        ),
    ] {
        assert_eq!(discovery_url(issuer, &REACH).unwrap().as_str(), address);
    }
}

#[test]
fn what_cannot_be_an_issuer_is_told_how_one_looks() {
    for bad in ["", "id.example.com", "https://id.example.com?x", "https://id.example.com/#x"] {
        let error = discovery_url(bad, &REACH).unwrap_err();
        assert_eq!(error, MetadataError::IssuerAddress(bad.to_owned()));
    }
    let whole = "https://id.example.com/.well-known/openid-configuration";
    let error = discovery_url(whole, &REACH).unwrap_err();
    assert_eq!(error, MetadataError::IssuerIsDocument(ISSUER.to_owned()));
    for bad in ["https://10.0.0.1", "http://id.example.com", "ftp://id.example.com"] {
        assert_eq!(discovery_url(bad, &REACH).unwrap_err().code(), "issuer_refused", "{bad}");
    }
}

#[test]
fn s033_an_endpoint_that_moves_to_another_host_is_told() {
    let old = parse(json!({})).unwrap().endpoints;
    assert!(changed_hosts(&old, &old).is_empty());
    let path = Endpoints { token: "https://token.example.net/v2/token".to_owned(), ..old.clone() };
    assert!(changed_hosts(&old, &path).is_empty());
    let gone = Endpoints { userinfo: None, ..old.clone() };
    assert!(changed_hosts(&old, &gone).is_empty());
    let appeared = changed_hosts(&gone, &old);
    assert_eq!((appeared.len(), appeared[0].endpoint), (1, "userinfo_endpoint"));
    assert_eq!(appeared[0].was, None);
    for moved in [
        "https://evil.test/token",
        "https://token.example.net:8443/token",
        "http://token.example.net/token",
    ] {
        let new = Endpoints { token: moved.to_owned(), ..old.clone() };
        let changes = changed_hosts(&old, &new);
        assert_eq!((changes.len(), changes[0].endpoint), (1, "token_endpoint"), "{moved}");
        assert_eq!(changes[0].was.as_deref(), Some("https://token.example.net"));
        assert_ne!(Some(&changes[0].now), changes[0].was.as_ref());
    }
}

#[test]
fn s033_every_endpoint_is_pinned() {
    let endpoints = parse(json!({})).unwrap().endpoints;
    assert_eq!(
        pinned_hosts(&endpoints),
        [
            ("authorization_endpoint", "https://id.example.com".to_owned()),
            ("token_endpoint", "https://token.example.net".to_owned()),
            ("jwks_uri", "https://id.example.com".to_owned()),
            ("userinfo_endpoint", "https://graph.example.org".to_owned()),
        ]
    );
    let broken = Endpoints { token: "nonsense".to_owned(), ..endpoints.clone() };
    assert_eq!(changed_hosts(&endpoints, &broken)[0].now, "nonsense");
}
