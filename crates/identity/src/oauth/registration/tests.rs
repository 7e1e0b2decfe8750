//! Clients as described: what fits together, and what is refused with what to do.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::federation::fixtures::{Counting, EC, EC384, NOW, RSA};
use crate::ids::PublicId;
use crate::oauth::redirect_uri::UriFault;

mod changes;
mod words;

fn shop() -> NewClient {
    let mut new = NewClient::named(ApplicationKey::from_stored("storefront"), "Demo shop");
    new.redirect_uris = vec!["https://shop.example/callback".to_owned()];
    new
}

fn public() -> NewClient {
    NewClient { kind: ClientKind::Public, ..shop() }
}

fn register(new: NewClient) -> Result<Client, RegistrationFault> {
    new.register(NOW, &Counting::default())
}

fn refused(change: impl FnOnce(&mut NewClient)) -> RegistrationFault {
    let mut new = shop();
    change(&mut new);
    register(new).expect_err("it must be refused")
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

#[test]
fn the_defaults_are_the_safe_ones() {
    let client = register(shop()).unwrap();
    assert_eq!(client.kind, ClientKind::Confidential);
    assert_eq!(client.authentication, ClientAuthMethod::ClientSecretBasic);
    assert_eq!(client.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert_eq!(client.scopes, ["openid", "profile", "email"]);
    assert_eq!(client.id_token_algorithm, SigningAlgorithm::Rs256);
    assert!(client.require_pkce && client.require_nonce);
    assert!(!client.require_par && !client.require_dpop && !client.disabled);
    assert_eq!(register(public()).unwrap().authentication, ClientAuthMethod::None);
}

#[test]
fn only_a_client_that_can_keep_a_secret_has_one() {
    for method in ClientAuthMethod::ALL {
        let jwks = Some(json!({ "keys": [EC.jwk("a")] }));
        let confidential = NewClient { authentication: Some(method), jwks: jwks.clone(), ..shop() };
        let public = NewClient { authentication: Some(method), jwks, ..public() };
        if method == ClientAuthMethod::None {
            assert_eq!(register(confidential), Err(RegistrationFault::ConfidentialWithoutProof));
            assert!(register(public).is_ok());
        } else {
            assert!(register(confidential).is_ok(), "{method}");
            assert_eq!(register(public), Err(RegistrationFault::PublicWithProof), "{method}");
        }
    }
}

#[test]
fn s065_only_a_confidential_client_may_have_pkce_or_nonce_off() {
    let off = |new: NewClient| NewClient { require_pkce: false, require_nonce: false, ..new };
    let client = register(off(shop())).unwrap();
    assert!(!client.require_pkce && !client.require_nonce);
    let without_pkce = NewClient { require_pkce: false, ..public() };
    assert_eq!(register(without_pkce), Err(RegistrationFault::PublicWithoutPkce));
    let without_nonce = NewClient { require_nonce: false, ..public() };
    assert_eq!(register(without_nonce), Err(RegistrationFault::PublicWithoutNonce));
}

#[test]
fn s065_a_change_cannot_take_pkce_or_nonce_from_a_public_client() {
    let client = register(public()).unwrap();
    let change = ClientChange { require_pkce: Some(false), ..ClientChange::default() };
    assert_eq!(change.apply(client.clone()), Err(RegistrationFault::PublicWithoutPkce));
    let change = ClientChange { require_nonce: Some(false), ..ClientChange::default() };
    assert_eq!(change.apply(client), Err(RegistrationFault::PublicWithoutNonce));
}

#[test]
fn s062_every_registered_uri_is_checked() {
    let bad = || words(&["https://shop.example/callback", "https://*.shop.example/callback"]);
    assert!(matches!(
        refused(|new| new.redirect_uris = bad()),
        RegistrationFault::RedirectUri(UriFault::Wildcard(_))
    ));
    assert!(matches!(
        refused(|new| new.post_logout_redirect_uris = bad()),
        RegistrationFault::PostLogoutUri(UriFault::Wildcard(_))
    ));
    let plain = Some("http://shop.example/logout".to_owned());
    assert!(matches!(
        refused(|new| new.backchannel_logout_uri = plain),
        RegistrationFault::BackchannelLogoutUri(UriFault::NotHttps(_))
    ));
    assert!(matches!(
        refused(|new| new.redirect_uris = words(&["com.example.app:/callback"])),
        RegistrationFault::RedirectUri(UriFault::AppOfConfidential(_))
    ));
    let app = NewClient { redirect_uris: words(&["com.example.app:/callback"]), ..public() };
    assert!(register(app).is_ok());
}

#[test]
fn we_send_logout_tokens_into_private_networks_only_by_the_operators_word() {
    let told = |uri: &str, private: bool| {
        let uri = Some(uri.to_owned());
        register(NewClient {
            backchannel_logout_uri: uri,
            backchannel_logout_private: private,
            ..shop()
        })
    };
    for private in
        ["http://127.0.0.1:9000/logout", "http://localhost/logout", "https://10.1.2.3/logout"]
    {
        let refused = RegistrationFault::BackchannelLogoutPrivate(private.to_owned());
        assert_eq!(told(private, false), Err(refused), "{private}");
        assert!(told(private, true).is_ok(), "{private}");
    }
    let metadata = "https://169.254.169.254/logout";
    for private in [false, true] {
        let refused = RegistrationFault::BackchannelLogoutNowhere(metadata.to_owned());
        assert_eq!(told(metadata, private), Err(refused));
    }
    assert!(told("https://shop.example/logout", false).is_ok());
}

#[test]
fn private_key_jwt_needs_public_keys_that_can_check_a_signature() {
    let with = |jwks: Option<Value>| {
        let authentication = Some(ClientAuthMethod::PrivateKeyJwt);
        register(NewClient { authentication, jwks, ..shop() }).map(|_| ())
    };
    assert_eq!(with(Some(json!({ "keys": [RSA.jwk("a"), EC.jwk("b")] }))), Ok(()));
    assert_eq!(with(None), Err(RegistrationFault::KeysMissing));
    for shape in [json!([]), json!({}), json!({ "keys": {} }), json!("keys")] {
        assert_eq!(with(Some(shape)), Err(RegistrationFault::KeysShape));
    }
    for useless in [json!([]), json!([{ "kty": "EC" }]), json!([EC384.jwk("a")])] {
        assert_eq!(with(Some(json!({ "keys": useless }))), Err(RegistrationFault::KeysUseless));
    }
    for member in PRIVATE_MEMBERS {
        let mut key = RSA.jwk("a");
        key[member] = "AQAB".into();
        let jwks = json!({ "keys": [EC.jwk("b"), key] });
        assert_eq!(with(Some(jwks)), Err(RegistrationFault::PrivateKey(member)));
    }
}

#[test]
fn keys_have_at_most_32_kib_of_json() {
    let of_length = |length: usize| {
        let set = |filling: &str| json!({ "keys": [EC.jwk("a")], "x": filling });
        let jwks = set(&"a".repeat(length - set("").to_string().len()));
        assert_eq!(jwks.to_string().len(), length);
        register(NewClient { jwks: Some(jwks), ..shop() }).map(|_| ())
    };
    assert_eq!(of_length(32_768), Ok(()));
    assert_eq!(of_length(32_769), Err(RegistrationFault::KeysTooLong));
}

#[test]
fn a_private_key_is_refused_whatever_the_client_authenticates_by() {
    let mut key = EC.jwk("a");
    key["d"] = "AQAB".into();
    let fault = refused(|new| new.jwks = Some(json!({ "keys": [key] })));
    assert_eq!(fault, RegistrationFault::PrivateKey("d"));
}

#[test]
fn grants_fit_the_client() {
    use GrantType::{AuthorizationCode, ClientCredentials, RefreshToken, TokenExchange};
    assert_eq!(refused(|new| new.redirect_uris = Vec::new()), RegistrationFault::NoRedirectUri);
    let service = NewClient {
        grant_types: vec![ClientCredentials, TokenExchange],
        redirect_uris: Vec::new(),
        ..shop()
    };
    assert!(register(service).is_ok());
    assert_eq!(
        refused(|new| new.grant_types = vec![RefreshToken, ClientCredentials]),
        RegistrationFault::RefreshWithoutCode
    );
    for grant in [ClientCredentials, TokenExchange] {
        let new = NewClient { grant_types: vec![AuthorizationCode, grant], ..public() };
        assert_eq!(register(new), Err(RegistrationFault::PublicGrant(grant)));
    }
    let change = ClientChange { grant_types: Some(Vec::new()), ..ClientChange::default() };
    assert_eq!(change.apply(register(shop()).unwrap()), Err(RegistrationFault::NoGrant));
}

#[test]
fn names_scopes_and_resources_are_what_they_should_be() {
    for name in ["", "  ", "a\u{7}b"] {
        assert_eq!(refused(|new| new.name = name.to_owned()), RegistrationFault::Name, "{name}");
    }
    for scope in ["", "Orders", "orders read", "orders\"", "a\\b", "ö", &"a".repeat(513)] {
        let fault = refused(|new| new.scopes = words(&["openid", scope]));
        assert_eq!(fault, RegistrationFault::Scope(scope.to_owned()));
    }
    for resource in ["", "orders", "/orders", "https://a.example/#x", "https://a b.example", "x"] {
        let fault = refused(|new| new.resources = words(&[resource]));
        assert_eq!(fault, RegistrationFault::Resource(resource.to_owned()));
    }
    let good = NewClient {
        scopes: words(&["openid", "offline_access", "orders:read", "https://a.example/x"]),
        resources: words(&["https://orders.example/v1", "urn:example:orders"]),
        ..shop()
    };
    assert!(register(good).is_ok());
}

#[test]
fn a_name_has_at_most_60_characters_and_a_word_512_bytes() {
    for letter in ["a", "ö", "\u{1f511}"] {
        let named = |count: usize| NewClient { name: letter.repeat(count), ..shop() };
        assert_eq!(register(named(60)).unwrap().name, letter.repeat(60));
        assert_eq!(register(named(61)), Err(RegistrationFault::Name), "{letter}");
    }
    let word = |length: usize| format!("{:a<length$}", "https://a.example/");
    let (longest, longer) = (word(512), word(513));
    let new = NewClient { scopes: words(&[&longest]), resources: words(&[&longest]), ..shop() };
    let client = register(new).unwrap();
    assert_eq!(
        (&client.scopes[..], &client.resources[..]),
        (&[longest.clone()][..], &[longest][..])
    );
    let fault = refused(|new| new.scopes = words(&[&longer]));
    assert_eq!(fault, RegistrationFault::Scope(longer.clone()));
    let fault = refused(|new| new.resources = words(&[&longer]));
    assert_eq!(fault, RegistrationFault::Resource(longer));
}

#[test]
fn each_list_has_at_most_a_hundred_entries() {
    let lists: [fn(&mut NewClient, Vec<String>); 5] = [
        |new, entries| new.redirect_uris = entries,
        |new, entries| new.post_logout_redirect_uris = entries,
        |new, entries| {
            new.cors_origins = entries.iter().map(|one| Origin::parse(one).unwrap()).collect();
        },
        |new, entries| new.scopes = entries,
        |new, entries| new.resources = entries,
    ];
    // An origin, a scope and a resource as well.
    let entries = |count| (0..count).map(|n| format!("https://shop{n}.example")).collect();
    for (number, fill) in lists.into_iter().enumerate() {
        let with = |count| {
            let mut new = shop();
            fill(&mut new, entries(count));
            register(new).map(|_| ())
        };
        assert_eq!(with(100), Ok(()), "list {number}");
        assert_eq!(with(101), Err(RegistrationFault::TooMany), "list {number}");
    }
}

#[test]
fn what_is_given_twice_is_kept_once() {
    let uri = "https://shop.example/callback";
    let new = NewClient { redirect_uris: words(&[uri, uri]), ..shop() };
    assert_eq!(register(new).unwrap().redirect_uris, [uri]);
}

#[test]
fn a_change_keeps_the_rest_and_never_what_a_client_is() {
    let client = register(shop()).unwrap();
    assert_eq!(ClientChange::default().apply(client.clone()), Ok(client.clone()));
    let change = ClientChange {
        name: Some(" New name ".to_owned()),
        backchannel_logout_uri: Some(Some("https://shop.example/logout".to_owned())),
        require_par: Some(true),
        require_dpop: Some(true),
        ..ClientChange::default()
    };
    let changed = change.apply(client.clone()).unwrap();
    assert_eq!(changed.name, "New name");
    assert!(changed.require_par && changed.require_dpop);
    let back = ClientChange {
        name: Some(client.name.clone()),
        backchannel_logout_uri: Some(None),
        require_par: Some(false),
        require_dpop: Some(false),
        ..ClientChange::default()
    };
    assert_eq!(back.apply(changed), Ok(client.clone()));
    let none =
        ClientChange { authentication: Some(ClientAuthMethod::None), ..ClientChange::default() };
    assert_eq!(none.apply(client), Err(RegistrationFault::ConfidentialWithoutProof));
}

#[test]
fn chosen_ids_are_easy_to_type() {
    for good in ["demo-shop", "a1", "shop", &"a".repeat(64)] {
        assert_eq!(chosen_id(good).map(|id| id.as_str().to_owned()), Ok(good.to_owned()));
    }
    for bad in ["", "a", "-a", "a-", "1a", "Demo", "demo_shop", "demo shop", "dä", "a/b", "a:b"] {
        assert_eq!(chosen_id(bad), Err(RegistrationFault::Id(bad.to_owned())), "{bad}");
    }
    assert!(chosen_id(&"a".repeat(65)).is_err());
}

#[test]
fn s110_a_client_id_never_has_the_shape_of_a_users_sub() {
    let entropy = Counting::default();
    for _ in 0..200 {
        let sub = PublicId::new(&entropy);
        assert!(could_be_a_sub(sub.as_str()), "{}", sub.as_str());
        let id = shop().register(NOW, &entropy).unwrap().id;
        assert!(!could_be_a_sub(id.as_str()), "{id}");
    }
    let like_a_sub = "abcdef0123456789abcdef0123456789";
    assert_eq!(
        refused(|new| new.id = Some(like_a_sub.to_owned())),
        RegistrationFault::IdLikeSubject(like_a_sub.to_owned())
    );
    assert!(chosen_id("abcdef0123456789abcdef012345678").is_ok(), "one digit less");
    assert!(chosen_id("abcdef0123456789abcdef012345678g").is_ok(), "no hexadecimal digit");
}

proptest! {
    /// Whatever an operator types: what is taken is no user's `sub`.
    #[test]
    fn s110_no_chosen_id_is_a_users_sub(bytes in any::<[u8; 16]>(), typed in "[a-f][a-f0-9]{30,32}") {
        struct Drawn([u8; 16]);
        impl Entropy for Drawn {
            fn fill(&self, buffer: &mut [u8]) {
                buffer.copy_from_slice(&self.0);
            }
        }
        let sub = PublicId::new(&Drawn(bytes));
        prop_assert!(chosen_id(sub.as_str()).is_err());
        prop_assert_eq!(chosen_id(&typed).is_err(), typed.len() == 32);
    }
}
