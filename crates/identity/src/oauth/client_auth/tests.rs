//! Clients that prove who they are, and every way in which one does not.

use base64::Engine;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::oauth::fixtures::client;

mod assertions;

const ISSUER: &str = "https://id.shop.test";
const NOW: Moment = Moment::from_seconds(1_800_000_000);

/// `Authorization` headers and a form.
type Request<'a> = (&'a [&'a str], Vec<(&'a str, &'a str)>);

fn after(seconds: i64) -> Moment {
    Moment::from_seconds(NOW.seconds() + seconds)
}

fn read(authorization: &[&str], form: &[(&str, &str)]) -> Result<Presented, OAuthFault> {
    Presented::read(authorization, &Parameters::read(form.iter().copied()).unwrap())
}

fn basic_header(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

fn error_of(read: Result<Presented, OAuthFault>) -> OAuthError {
    read.expect_err("it must be refused").error
}

fn registered(method: ClientAuthMethod, secrets: &[(&str, Option<Moment>)]) -> Registered {
    let secrets = secrets.iter().map(|(secret, expires_at)| LiveSecret {
        digest: Secret::new(*secret).digest(),
        expires_at: *expires_at,
    });
    let client = Client { authentication: method, ..client() };
    Registered::new(Arc::new(client), secrets.collect())
}

fn post(secret: &str) -> Presented {
    read(&[], &[("client_id", "shop"), ("client_secret", secret)]).unwrap()
}

#[test]
fn each_method_is_read_as_what_it_is() {
    let header = basic_header("shop:s3cret");
    let basic = read(&[&header], &[]).unwrap();
    assert_eq!(basic.method(), ClientAuthMethod::ClientSecretBasic);
    assert_eq!(post("s3cret").method(), ClientAuthMethod::ClientSecretPost);
    let nothing = read(&[], &[("client_id", "shop")]).unwrap();
    assert_eq!(nothing.method(), ClientAuthMethod::None);
    for presented in [basic, post("s3cret"), nothing] {
        assert_eq!(presented.client_id(), "shop");
    }
    let form = [("client_assertion", "a.b.c"), ("client_assertion_type", JWT_BEARER)];
    let jwt = read(&[], &[("client_id", "shop"), form[0], form[1]]).unwrap();
    assert_eq!(jwt.method(), ClientAuthMethod::PrivateKeyJwt);
}

#[test]
fn basic_credentials_are_form_encoded_first() {
    let header = basic_header("my%3Ashop+x:a%25b%3Ac+%C3%BC:d");
    let Ok(Presented::Basic { client_id, secret }) = read(&[&header], &[]) else {
        panic!("these are good credentials")
    };
    assert_eq!((client_id.as_str(), secret.expose()), ("my:shop x", "a%b:c \u{fc}:d"));
    let spelled = header.replacen("Basic", "bASIC", 1);
    assert!(read(&[&spelled], &[("client_id", "my:shop x")]).is_ok());
}

#[test]
fn two_methods_at_once_are_an_invalid_request() {
    let header = basic_header("shop:s3cret");
    let assertion = [("client_assertion", "a.b.c"), ("client_assertion_type", JWT_BEARER)];
    let twice: [Request<'_>; 5] = [
        (&[&header], vec![("client_secret", "s3cret")]),
        (&[&header], assertion.to_vec()),
        (&[], [&assertion[..], &[("client_id", "shop"), ("client_secret", "x")]].concat()),
        (&[&header, &header], vec![]),
        (&["Bearer x"], vec![("client_id", "shop"), ("client_secret", "x")]),
    ];
    for (headers, form) in twice {
        assert_eq!(error_of(read(headers, &form)), OAuthError::InvalidRequest, "{form:?}");
    }
    let other = read(&[&header], &[("client_id", "other")]);
    assert_eq!(error_of(other), OAuthError::InvalidRequest);
    let repeated = read(&[], &[("client_id", "shop"), ("client_id", "shop")]);
    assert_eq!(error_of(repeated), OAuthError::InvalidRequest);
    let half = read(&[], &[("client_id", "shop"), ("client_assertion_type", JWT_BEARER)]);
    assert_eq!(error_of(half), OAuthError::InvalidRequest);
}

#[test]
fn what_cannot_be_read_is_an_invalid_client() {
    let no_utf8 = format!("Basic {}", STANDARD.encode([0xff, b':', b'a']));
    let encoded = |text: &str| basic_header(text);
    let headers = [
        String::new(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !".to_owned(),
        "Bearer abc".to_owned(),
        no_utf8,
        encoded("no colon"),
        encoded(":secret"),
        encoded("shop:%"),
        encoded("shop:%4"),
        encoded("shop:%zz"),
        encoded("shop:%+1"),
        encoded("%ff:secret"),
        encoded(&format!("shop:{}", "a".repeat(MAX_CREDENTIAL + 1))),
    ];
    for header in &headers {
        assert_eq!(error_of(read(&[header], &[])), OAuthError::InvalidClient, "{header}");
    }
    let long = "a".repeat(MAX_CREDENTIAL + 1);
    let forms: [&[(&str, &str)]; 6] = [
        &[],
        &[("client_secret", "s3cret")],
        &[("client_id", &long)],
        &[("client_id", "shop"), ("client_assertion", "a.b.c")],
        &[("client_assertion", "a.b.c"), ("client_assertion_type", JWT_BEARER)],
        &[("client_assertion", "a.b.c"), ("client_assertion_type", "other"), ("client_id", "shop")],
    ];
    for form in forms {
        assert_eq!(error_of(read(&[], form)), OAuthError::InvalidClient, "{form:?}");
    }
}

#[test]
fn an_id_and_a_secret_have_1024_bytes_at_most() {
    let (longest, longer) = ("a".repeat(1024), "a".repeat(1025));
    let presented = |id: &str, secret: &str| {
        let header = basic_header(&format!("{id}:{secret}"));
        [
            read(&[&header], &[]),
            read(&[], &[("client_id", id), ("client_secret", secret)]),
            read(&[], &[("client_id", id)]),
        ]
    };
    for said in presented(&longest, &longest) {
        assert_eq!(said.unwrap().client_id(), longest);
    }
    for said in presented(&longer, "s3cret") {
        assert_eq!(error_of(said), OAuthError::InvalidClient);
    }
    let [basic, post, nothing] = presented("shop", &longer);
    assert_eq!(error_of(basic), OAuthError::InvalidClient);
    assert_eq!(error_of(post), OAuthError::InvalidClient);
    assert!(nothing.is_ok());
}

#[test]
fn only_the_registered_method_counts() {
    for method in ClientAuthMethod::ALL {
        let registered = registered(method, &[("s3cret", None)]);
        let header = basic_header("shop:s3cret");
        for presented in [
            read(&[&header], &[]).unwrap(),
            post("s3cret"),
            read(&[], &[("client_id", "shop")]).unwrap(),
        ] {
            let said = registered.check(&presented, ISSUER, NOW);
            if presented.method() == method {
                assert_eq!(said, Ok(None), "{method}");
            } else {
                assert_eq!(said, Err(ClientFault::Method(method)));
            }
        }
    }
}

#[test]
fn only_a_live_secret_of_the_client_holds() {
    let method = ClientAuthMethod::ClientSecretPost;
    let both = registered(method, &[("old", Some(after(10))), ("new", None)]);
    for secret in ["old", "new"] {
        assert_eq!(both.check(&post(secret), ISSUER, NOW), Ok(None), "{secret}");
    }
    for secret in ["", "ol", "older", "OLD", "new ", "new\0"] {
        let presented =
            Presented::Post { client_id: "shop".to_owned(), secret: Secret::new(secret) };
        assert_eq!(both.check(&presented, ISSUER, NOW), Err(ClientFault::Secret), "{secret}");
    }
    // The digest that is kept is not itself a secret.
    let digest = Secret::new("new").digest();
    assert_eq!(both.check(&post(digest.as_str()), ISSUER, NOW), Err(ClientFault::Secret));
    assert_eq!(both.check(&post("old"), ISSUER, after(9)), Ok(None));
    assert_eq!(both.check(&post("old"), ISSUER, after(10)), Err(ClientFault::Secret));
    assert_eq!(both.check(&post("new"), ISSUER, after(10)), Ok(None));
    let twice = registered(method, &[("same", Some(after(10))), ("same", None)]);
    assert_eq!(twice.check(&post("same"), ISSUER, NOW), Ok(None), "it was drawn again");
    let none = registered(method, &[]);
    assert_eq!(none.check(&post("new"), ISSUER, NOW), Err(ClientFault::Secret));
}

#[test]
fn a_disabled_client_and_a_foreign_one_are_refused_whatever_they_prove() {
    let secret = LiveSecret { digest: Secret::new("s3cret").digest(), expires_at: None };
    let authentication = ClientAuthMethod::ClientSecretPost;
    let disabled = Client { disabled: true, authentication, ..client() };
    let disabled = Registered::new(Arc::new(disabled), vec![secret]);
    assert_eq!(disabled.check(&post("s3cret"), ISSUER, NOW), Err(ClientFault::Disabled));
    let other = Presented::Post { client_id: "other".to_owned(), secret: Secret::new("s3cret") };
    let shop = registered(authentication, &[("s3cret", None)]);
    assert_eq!(shop.check(&other, ISSUER, NOW), Err(ClientFault::Unknown));
}

#[test]
fn every_fault_has_its_word_in_the_audit() {
    for (fault, word) in [
        (ClientFault::Unknown, "client_unknown"),
        (ClientFault::Disabled, "client_disabled"),
        (ClientFault::Method(ClientAuthMethod::None), "client_method"),
        (ClientFault::Secret, "client_secret"),
        (ClientFault::Replayed, "assertion_replayed"),
        (AssertionFault::Malformed.into(), "assertion_malformed"),
        (AssertionFault::Type.into(), "assertion_type"),
        (AssertionFault::Algorithm.into(), "assertion_algorithm"),
        (AssertionFault::UnknownKey.into(), "assertion_unknown_key"),
        (AssertionFault::Signature.into(), "assertion_signature"),
        (AssertionFault::Party.into(), "assertion_party"),
        (AssertionFault::Audience.into(), "assertion_audience"),
        (AssertionFault::Expired.into(), "assertion_expired"),
        (AssertionFault::TooLong.into(), "assertion_too_long"),
        (AssertionFault::NotYet.into(), "assertion_not_yet"),
        (AssertionFault::Id.into(), "assertion_id"),
    ] {
        assert_eq!(fault.code(), word);
    }
}

#[test]
fn a_fault_is_told_as_invalid_client_without_what_was_sent() {
    let shop = registered(ClientAuthMethod::ClientSecretPost, &[("s3cret", None)]);
    let fault = shop.check(&post("gu3ss"), ISSUER, NOW).unwrap_err();
    let told = OAuthFault::from(fault);
    assert_eq!(told.error, OAuthError::InvalidClient);
    assert!(!told.description.contains("gu3ss"));
    assert!(!format!("{:?}", post("gu3ss")).contains("gu3ss"), "nor in a log");
}

proptest! {
    /// Whatever comes, reading it ends.
    #[test]
    fn reading_never_panics(header in ".{0,80}", credentials in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = read(&[&header], &[]);
        let _ = read(&[&format!("Basic {}", STANDARD.encode(credentials))], &[]);
        let _ = read(&[], &[("client_assertion", &header), ("client_assertion_type", JWT_BEARER)]);
    }

    /// What is encoded as RFC 6749 says is read back.
    #[test]
    fn encoded_credentials_are_read_back(id in ".{1,20}", secret in ".{0,40}") {
        let encode = |text: &str| {
            text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>()
        };
        let header = basic_header(&format!("{}:{}", encode(&id), encode(&secret)));
        match read(&[&header], &[]) {
            Ok(Presented::Basic { client_id, secret: read }) => {
                prop_assert_eq!(client_id, id);
                prop_assert_eq!(read.expose(), secret);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
