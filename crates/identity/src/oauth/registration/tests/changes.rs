//! Changes of a client: what one names is as it says afterwards, and nothing else is different.

use super::*;

/// A client with something in every field that may be empty.
fn full() -> Client {
    let new = NewClient {
        post_logout_redirect_uris: words(&["https://shop.example/bye"]),
        backchannel_logout_uri: Some("https://shop.example/logout".to_owned()),
        cors_origins: vec![Origin::parse("https://shop.example").unwrap()],
        // No grant that needs a redirect URI, so that all of these may go.
        grant_types: vec![GrantType::ClientCredentials],
        resources: words(&["https://orders.example"]),
        jwks: Some(json!({ "keys": [EC.jwk("a")] })),
        ..shop()
    };
    register(new).unwrap()
}

fn check(change: &ClientChange, old: Client, expected: Client) {
    assert_eq!(change.apply(old), Ok(expected), "{change:?}");
}

#[test]
fn every_list_is_replaced_by_what_is_given() {
    type Given = fn(&mut ClientChange) -> &mut Option<Vec<String>>;
    type Kept = fn(&mut Client) -> &mut Vec<String>;
    let lists: [(Given, Kept); 4] = [
        (|change| &mut change.redirect_uris, |client| &mut client.redirect_uris),
        (
            |change| &mut change.post_logout_redirect_uris,
            |client| &mut client.post_logout_redirect_uris,
        ),
        (|change| &mut change.scopes, |client| &mut client.scopes),
        (|change| &mut change.resources, |client| &mut client.resources),
    ];
    // Addresses, scopes and resources alike.
    let (one, other) = ("https://one.example/a", "https://two.example/b");
    for (given, kept) in lists {
        for (entries, once) in [(&[one, other, one][..], &[one, other][..]), (&[], &[])] {
            let (mut change, mut expected) = (ClientChange::default(), full());
            *given(&mut change) = Some(words(entries));
            *kept(&mut expected) = words(once);
            check(&change, full(), expected);
        }
    }
}

#[test]
fn every_switch_goes_on_and_off() {
    type Given = fn(&mut ClientChange) -> &mut Option<bool>;
    type Kept = fn(&mut Client) -> &mut bool;
    let switches: [(Given, Kept); 6] = [
        (
            |change| &mut change.backchannel_logout_session_required,
            |client| &mut client.backchannel_logout_session_required,
        ),
        (
            |change| &mut change.backchannel_logout_private,
            |client| &mut client.backchannel_logout_private,
        ),
        (|change| &mut change.require_pkce, |client| &mut client.require_pkce),
        (|change| &mut change.require_nonce, |client| &mut client.require_nonce),
        (|change| &mut change.require_par, |client| &mut client.require_par),
        (|change| &mut change.require_dpop, |client| &mut client.require_dpop),
    ];
    for (given, kept) in switches {
        for (before, after) in [(false, true), (true, false), (true, true), (false, false)] {
            let (mut change, mut old, mut expected) = (ClientChange::default(), full(), full());
            *given(&mut change) = Some(after);
            *kept(&mut old) = before;
            *kept(&mut expected) = after;
            check(&change, old, expected);
        }
    }
}

#[test]
fn every_other_field_is_as_the_change_says() {
    type Set = fn(&mut ClientChange);
    type Put = fn(&mut Client);
    let cases: [(Set, Put); 8] = [
        (|change| change.name = Some("New".to_owned()), |client| client.name = "New".to_owned()),
        (
            |change| change.authentication = Some(ClientAuthMethod::ClientSecretPost),
            |client| client.authentication = ClientAuthMethod::ClientSecretPost,
        ),
        (
            |change| change.backchannel_logout_uri = Some(Some("https://two.example/out".into())),
            |client| client.backchannel_logout_uri = Some("https://two.example/out".into()),
        ),
        (
            |change| change.backchannel_logout_uri = Some(None),
            |client| client.backchannel_logout_uri = None,
        ),
        (
            |change| {
                let origin = Origin::parse("https://two.example").unwrap();
                change.cors_origins = Some(vec![origin.clone(), origin]);
            },
            |client| client.cors_origins = vec![Origin::parse("https://two.example").unwrap()],
        ),
        (
            |change| change.grant_types = Some(vec![GrantType::AuthorizationCode; 2]),
            |client| client.grant_types = vec![GrantType::AuthorizationCode],
        ),
        (
            |change| change.id_token_algorithm = Some(SigningAlgorithm::Es256),
            |client| client.id_token_algorithm = SigningAlgorithm::Es256,
        ),
        (
            |change| change.jwks = Some(json!({ "keys": [RSA.jwk("b")] })),
            |client| client.jwks = Some(json!({ "keys": [RSA.jwk("b")] })),
        ),
    ];
    for (set, put) in cases {
        let (mut change, mut expected) = (ClientChange::default(), full());
        set(&mut change);
        put(&mut expected);
        assert_ne!(expected, full(), "{change:?}");
        check(&change, full(), expected);
    }
}
