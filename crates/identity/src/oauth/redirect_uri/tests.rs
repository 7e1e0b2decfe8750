//! Registered and presented redirect URIs, tricks included.

use proptest::prelude::*;

use super::*;

const REGISTERED: &str = "https://shop.example/callback";

/// Whether it is the fault that it should be.
type Expected = fn(&UriFault) -> bool;

fn registered(uri: &str) -> Vec<String> {
    vec![uri.to_owned()]
}

#[test]
fn s062_only_the_same_string_is_a_registered_uri() {
    assert!(matches(&registered(REGISTERED), REGISTERED));
    let tricks = [
        "",
        "https://shop.example/Callback",
        "https://SHOP.example/callback",
        "HTTPS://shop.example/callback",
        "http://shop.example/callback",
        "https://shop.example/callback/",
        "https://shop.example//callback",
        "https://shop.example/callback?",
        "https://shop.example/callback?next=/",
        "https://shop.example/callback#",
        "https://shop.example/callback#x",
        "https://shop.example/callback/../callback",
        "https://shop.example/./callback",
        "https://shop.example/%63allback",
        "https://shop.example/callback%2f",
        "https://shop.example/callback%2e",
        "https://shop%2eexample/callback",
        "https://shop.example\\callback",
        "https:\\\\shop.example\\callback",
        "https:/shop.example/callback",
        "https:shop.example/callback",
        "https://shop.example:443/callback",
        "https://shop.example:8443/callback",
        "https://shop.example./callback",
        "https://shop.example@evil.test/callback",
        "https://shop.example/callback@evil.test",
        "https://user@shop.example/callback",
        "https://@shop.example/callback",
        "https://shop.example.evil.test/callback",
        "https://evil.test/callback",
        "https://evil.shop.example/callback",
        "https://shop\u{3002}example/callback",
        "https://shop\u{ff0e}example/callback",
        "https://sh\u{43e}p.example/callback",
        " https://shop.example/callback",
        "https://shop.example/callback ",
        "https://shop.example/callback\n",
        "https://shop.example/call\tback",
        "https://shop.example/callback\0",
        "https://shop.example/callback%00",
        "//shop.example/callback",
        "/callback",
    ];
    for trick in tricks {
        assert!(!matches(&registered(REGISTERED), trick), "{trick}");
    }
}

#[test]
fn s062_nothing_matches_where_nothing_is_registered() {
    assert!(!matches(&[], REGISTERED));
    assert!(!matches(&[], "http://127.0.0.1:8000/cb"));
    assert!(!matches(&[], ""));
}

#[test]
fn s062_only_the_port_of_a_loopback_address_may_vary() {
    for (one, other) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1/cb"),
        ("http://[::1]/cb?a=b", "http://[::1]:65535/cb?a=b"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081"),
    ] {
        assert!(matches(&registered(one), other), "{one} {other}");
    }
    for (one, other) in [
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:8081/cb2"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:8081/cb?x"),
        ("http://127.0.0.1:8080/cb", "https://127.0.0.1:8081/cb"),
        ("http://127.0.0.1:8080/cb", "http://[::1]:8080/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.2:8080/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.1:8080/cb"),
        ("http://127.0.0.1:8080/cb", "http://localhost:8080/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:0/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:08080/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:65536/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:+80/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:80@evil.test/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1:80\\@evil.test/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1.evil.test:8080/cb"),
        ("http://127.0.0.1:8080/cb", "http://127.0.0.1#@evil.test/cb"),
        ("http://127.0.0.1", "http://127.0.0.1@evil.test"),
        ("http://localhost:8080/cb", "http://localhost:8081/cb"),
        ("https://shop.example/cb", "https://shop.example:444/cb"),
        ("https://127.0.0.1:8443/cb", "https://127.0.0.1:8444/cb"),
    ] {
        assert!(!matches(&registered(one), other), "{one} {other}");
    }
}

#[test]
fn s062_what_may_be_registered() {
    let both = [
        REGISTERED,
        "https://shop.example",
        "https://shop.example/",
        "https://shop.example:8443/a/b?tenant=1",
        "https://xn--caf-dma.example/cb",
        "https://192.0.2.1/cb",
        "http://127.0.0.1:8482/callback",
        "http://[::1]/callback",
        "http://localhost:3000/callback",
    ];
    for uri in both {
        for kind in ClientKind::ALL {
            assert_eq!(check(uri, kind), Ok(()), "{uri}");
        }
    }
    for app in ["com.example.app:/callback", "com.example.app://callback"] {
        assert_eq!(check(app, ClientKind::Public), Ok(()), "{app}");
        assert!(matches!(
            check(app, ClientKind::Confidential),
            Err(UriFault::AppOfConfidential(_))
        ));
    }
}

#[test]
fn s062_what_may_not_be_registered() {
    use UriFault as F;
    let refused: &[(&str, Expected)] = &[
        ("", |f| matches!(f, F::NotAbsolute(_))),
        ("/callback", |f| matches!(f, F::NotAbsolute(_))),
        ("shop.example/callback", |f| matches!(f, F::NotAbsolute(_))),
        ("https://", |f| matches!(f, F::NotAbsolute(_))),
        ("https://shop.example/cb#", |f| matches!(f, F::Fragment(_))),
        ("https://shop.example/cb#x", |f| matches!(f, F::Fragment(_))),
        ("https://*.shop.example/cb", |f| matches!(f, F::Wildcard(_))),
        ("https://shop.example/*", |f| matches!(f, F::Wildcard(_))),
        ("https://user@shop.example/cb", |f| matches!(f, F::UserInfo(_))),
        ("https://user:pw@shop.example/cb", |f| matches!(f, F::UserInfo(_))),
        ("https://@shop.example/cb", |f| matches!(f, F::UserInfo(_))),
        ("https://user@a.b/cb", |f| matches!(f, F::UserInfo(_))),
        ("https://user@a.b", |f| matches!(f, F::UserInfo(_))),
        ("http://u@[::1]/cb", |f| matches!(f, F::UserInfo(_))),
        ("https://shop.example/a/../cb", |f| matches!(f, F::DotSegment(_))),
        ("https://shop.example/a/%2E%2e/cb", |f| matches!(f, F::DotSegment(_))),
        ("https://shop.example/.%2e", |f| matches!(f, F::DotSegment(_))),
        ("https://shop.example/./cb", |f| matches!(f, F::DotSegment(_))),
        ("com.example.app:/../cb", |f| matches!(f, F::DotSegment(_))),
        ("https://shop.example/a\\..\\cb", |f| matches!(f, F::DotSegment(_))),
        ("http://shop.example/cb", |f| matches!(f, F::NotHttps(_))),
        ("http://127.0.0.2/cb", |f| matches!(f, F::NotHttps(_))),
        ("http://localhost.evil.test/cb", |f| matches!(f, F::NotHttps(_))),
        ("http://10.0.0.1/cb", |f| matches!(f, F::NotHttps(_))),
        ("javascript:alert(1)", |f| matches!(f, F::Scheme(_))),
        ("data:text/html,x", |f| matches!(f, F::Scheme(_))),
        ("myapp:/cb", |f| matches!(f, F::Scheme(_))),
        ("com.example.app:cb", |f| matches!(f, F::Scheme(_))),
        ("ftp://shop.example/cb", |f| matches!(f, F::Scheme(_))),
        ("HTTPS://shop.example/cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("https://SHOP.example/cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("https://shop.example:443/cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("https:shop.example/cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("https:\\\\shop.example\\cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("https://shop\u{3002}example/cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("https://caf\u{e9}.example/cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("https://shop%2eexample/cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("http://127.1/cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("http://0x7f000001/cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("http://2130706433/cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        (" https://shop.example/cb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("https://shop.example/c\tb", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("https://shop.example/c b", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        ("https://shop.example/c\"b", |f| matches!(f, F::NotAsBrowsersReadIt { .. })),
        // A parser leaves these as they are; RFC 3986 appendix A has no such character.
        ("https://shop.example/cb?a\\b", |f| matches!(f, F::NotAbsolute(_))),
        ("com.example.app:/a\\b", |f| matches!(f, F::NotAbsolute(_))),
    ];
    for (uri, expected) in refused {
        match check(uri, ClientKind::Public) {
            Err(fault) => assert!(expected(&fault), "{uri}: {fault}"),
            Ok(()) => panic!("{uri} may not be registered"),
        }
    }
}

#[test]
fn a_registered_uri_has_at_most_2048_bytes() {
    let of_length = |length: usize| format!("{REGISTERED:a<length$}");
    for (length, expected) in [(2048, Ok(())), (2049, Err(UriFault::TooLong))] {
        let uri = of_length(length);
        assert_eq!(uri.len(), length);
        assert_eq!(check(&uri, ClientKind::Public), expected, "{length}");
        assert_eq!(check_endpoint(&uri), expected, "{length}");
    }
}

#[test]
fn an_address_that_we_speak_to_ourselves_is_no_app() {
    assert_eq!(check_endpoint("https://shop.example/logout"), Ok(()));
    assert_eq!(check_endpoint("http://127.0.0.1:8482/logout"), Ok(()));
    assert!(check_endpoint("com.example.app:/logout").is_err());
    assert!(check_endpoint("http://shop.example/logout").is_err());
}

proptest! {
    /// Whatever differs from an https URI in any byte is another URI.
    #[test]
    fn s062_nothing_else_matches(presented in ".{0,60}") {
        prop_assume!(presented != REGISTERED);
        prop_assert!(!matches(&registered(REGISTERED), &presented));
    }

    /// Whatever may be registered is where a browser goes: to the same host, with nothing tidied.
    #[test]
    fn s062_a_registered_uri_reads_the_same_everywhere(text in "(https?://)?[a-zA-Z0-9.@:/\\\\?#%*\u{3002} -]{0,40}") {
        if check(&text, ClientKind::Confidential).is_ok() {
            let url = Url::parse(&text).unwrap();
            let read = url.as_str();
            prop_assert!(read == text || read.strip_suffix('/') == Some(text.as_str()));
            prop_assert!(url.username().is_empty() && url.password().is_none());
        }
    }
}
