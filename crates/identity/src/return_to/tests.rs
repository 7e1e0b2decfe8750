//! Nothing of a target leads away from our own and the registered origins.

use proptest::prelude::*;

use super::*;

fn origins() -> Vec<Origin> {
    vec![Origin::parse("https://other.example:8443").unwrap()]
}

fn parse(text: &str) -> Option<String> {
    ReturnTo::parse(text, &origins()).map(|target| target.as_str().to_owned())
}

#[test]
fn s070_our_own_paths_are_kept() {
    for path in [
        "/",
        "/back-office",
        "/back-office/orders?page=2&q=a%20b#lines",
        "/a//b",
        "/a/%2f",
        "/search?next=//evil.example",
        "/search?next=https://evil.example",
        "/@user",
        "/a:b",
    ] {
        assert_eq!(parse(path).as_deref(), Some(path), "{path}");
    }
    assert_eq!(parse("/a/../b/./c").as_deref(), Some("/b/c"));
}

#[test]
fn s070_registered_origins_are_kept() {
    let url = "https://other.example:8443/cart?step=2#pay";
    assert_eq!(parse(url).as_deref(), Some(url));
    assert_eq!(parse("https://other.example:8443").as_deref(), Some("https://other.example:8443/"));
    let shop = [Origin::parse("https://shop.example").unwrap()];
    assert!(ReturnTo::parse("https://shop.example:443/", &shop).is_some());
    assert!(ReturnTo::parse("https://shop.example/", &[]).is_none());
}

/// What is no path of ours, or what somebody in between may read as more than one.
const EVIL_PATHS: &[&str] = &[
    "",
    "back-office",
    "?a=b",
    "#a",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\evil.example",
    "\\\\evil.example",
    "/a\\b",
    "/%2f/evil.example",
    "/%2F/evil.example",
    "/%2fevil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "/./%2fevil.example",
    "/.//evil.example",
    "/a/..//evil.example",
    "/%2e%2e//evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    " /ours",
    "/ours\u{0}",
    "/ours\u{7f}",
    "/\u{e9}",
    "/%0d%0aSet-Cookie:%20a=b",
    "/a%0Ab",
    "/a%09b",
    "/a%1Fb",
    "/a%7fb",
    "/a%7Fb",
];

/// What is no registered origin, or does not look like one to everybody.
const EVIL_URLS: &[&str] = &[
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https://evil.example",
    "https:other.example:8443",
    "https:/other.example:8443/",
    "http://other.example:8443/",
    "https://other.example/",
    "https://other.example:8444/",
    "https://other.example:8443@evil.example/",
    "https://other.example:8443\\@evil.example/",
    "https://user@other.example:8443/",
    "https://user:pass@other.example:8443/",
    "https://@other.example:8443/",
    "https://other.example.evil.example:8443/",
    "https://evil.example/?https://other.example:8443/",
    "https://evil.example#@other.example:8443/",
    "ht\ntps://other.example:8443/",
    "HTTPS://other.example:8443/",
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://other.example:8443/",
];

#[test]
fn s070_everything_else_is_refused() {
    for evil in EVIL_PATHS.iter().chain(EVIL_URLS) {
        assert_eq!(parse(evil), None, "{evil:?}");
    }
}

#[test]
fn s070_a_target_has_an_end() {
    let path = |length: usize| format!("/{}", "a".repeat(length - 1));
    assert!(parse(&path(2048)).is_some());
    assert!(parse(&path(2049)).is_none());
    // Grows when it is written out.
    assert!(parse(&format!("/?{}", "\"".repeat(2000))).is_none());
}

#[test]
fn an_origin_is_a_scheme_a_host_and_a_port() {
    for (text, origin) in [
        ("https://shop.example", "https://shop.example"),
        (" HTTPS://Shop.Example/ ", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://shop.localhost", "http://shop.localhost"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ] {
        let parsed = Origin::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((parsed.as_str(), parsed.to_string().as_str()), (origin, origin));
    }
    for text in [
        "",
        "shop.example",
        "https://",
        "https://shop.example/a",
        "https://shop.example/?",
        "https://shop.example/#",
        "https://user@shop.example",
        "https://@shop.example",
        "https:\\\\shop.example",
        "ftp://shop.example",
        "file:///",
        "javascript:alert(1)",
    ] {
        assert_eq!(Origin::parse(text), Err(OriginError::Shape), "{text}");
    }
    for text in [
        "http://shop.example",
        "http://192.0.2.1",
        "http://[2001:db8::1]",
        "http://localhost.example",
    ] {
        assert_eq!(Origin::parse(text), Err(OriginError::NotHttps), "{text}");
    }
}

#[test]
fn an_origin_is_json_text_and_checked_when_it_is_read() {
    let origin = Origin::parse("https://shop.example").unwrap();
    assert_eq!(serde_json::to_string(&origin).unwrap(), "\"https://shop.example\"");
    assert_eq!(serde_json::from_str::<Origin>("\"https://shop.example/\"").unwrap(), origin);
    assert!(serde_json::from_str::<Origin>("\"http://shop.example\"").is_err());
}

#[test]
fn a_stored_target_comes_back_as_it_was() {
    let target = ReturnTo::parse("/back-office", &[]).unwrap();
    assert_eq!(ReturnTo::from_stored(target.to_string()), target);
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/",
        "//",
        "\\",
        "%2f",
        "%5c",
        "%2e",
        ".",
        "..",
        "@",
        ":",
        "?",
        "#",
        "https:",
        "http:",
        "https://other.example:8443",
        "evil.example",
        "\t",
        "\n",
        " ",
        "%0d%0a",
        "%00",
        "a",
        "\u{e9}",
        "[",
        "]",
        "\"",
        "%",
        "%25",
        "javascript:",
    ]);
    prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4096, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn s070_what_is_accepted_stays_with_us(text in pieces(), rooted in any::<bool>()) {
        let text = if rooted { format!("/{text}") } else { text };
        if let Some(target) = ReturnTo::parse(&text, &origins()) {
            let here = Url::parse("https://shop.example/login/").unwrap();
            let there = here.join(target.as_str()).unwrap();
            let origin = Origin::of(&there);
            prop_assert!(origin == Origin::of(&here) || origins().contains(&origin), "{}", target);
            prop_assert!(there.username().is_empty() && there.password().is_none());
            prop_assert!(!target.as_str().starts_with("//"));
            prop_assert!(target.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(ReturnTo::parse(target.as_str(), &origins()), Some(target));
        }
    }
}
