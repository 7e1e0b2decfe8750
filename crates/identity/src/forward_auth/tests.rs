//! What is read from a proxy's headers, and what goes into ours.

use proptest::prelude::*;

use super::*;
use crate::oauth::fixtures::{at, session, user};

fn asked(told: Told<'_>) -> Result<Asked, Odd> {
    Asked::read(told)
}

#[test]
fn s109_odd_paths_are_refused_however_they_are_encoded() {
    for good in [
        "/",
        "/a/b",
        "/a/b?x=//..;%2f",
        "/a/b?x=%ff",
        "/100%25",
        "/100%25%20sure",
        "/%C3%A4",
        "/%25C3%25A4",
        "/%41%2541",
        "/a.b/..c/d..",
        "/a/?a=b?c",
    ] {
        assert!(is_plain_target(good), "{good}");
    }
    for odd in [
        "",
        "a",
        "?x",
        "//",
        "/a//b",
        "/a/../b",
        "/..",
        "/a/.",
        "/./a",
        "/a/%2e%2e/b",
        "/a/.%2E/b",
        "/a;b",
        "/a/..;/b",
        "/a%3Bb",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a\\b",
        "/a%252fb",
        "/a%25252Fb",
        "/a/%252e%252e/b",
        "/a%00",
        "/a%0ab",
        "/a%7F",
        "/a b",
        "/ä",
        "/a#b",
        "/%",
        "/%g1",
        "/a%2",
    ] {
        assert!(!is_plain_target(odd), "{odd}");
    }
}

#[test]
fn s109_what_is_encoded_over_again_is_read_to_the_end() {
    for odd in [
        "/a%25%32%66b",
        "/a%252%66b",
        "/a%25%33%62b",
        "/x/%25%32%65%25%32%65/y",
        "/x/%25%32%45%2%35%32%65/y",
        "/a%%32%66b",
        "/%c0%ae%c0%ae/x",
        "/%c0%afx",
        "/%ff",
        "/%25ff",
        "/a%25%30%30",
        "/%2525252525252525252525252541",
    ] {
        assert!(!is_plain_target(odd), "{odd}");
    }
}

#[test]
fn host_target_and_method_are_read_in_either_spelling() {
    let caddy = Told {
        forwarded_host: Some("Shop.example"),
        forwarded_uri: Some("/cart?x=1"),
        forwarded_method: Some("POST"),
        ..Told::default()
    };
    let nginx = Told {
        original_url: Some("https://shop.example:443/cart?x=1"),
        original_method: Some("POST"),
        ..Told::default()
    };
    let expected = Asked {
        authority: Some("shop.example".to_owned()),
        target: Some("/cart?x=1".to_owned()),
        method: Some("POST".to_owned()),
    };
    assert_eq!(asked(caddy), Ok(expected.clone()));
    assert_eq!(asked(nginx), Ok(expected));
    assert_eq!(asked(Told::default()), Ok(Asked::default()));
    let bare = Told { original_url: Some("http://shop.localhost:8090"), ..Told::default() };
    let bare = asked(bare).expect("an address");
    assert_eq!(bare.authority.as_deref(), Some("shop.localhost:8090"));
    assert_eq!(bare.target.as_deref(), Some("/"));
}

#[test]
fn s109_two_spellings_that_disagree_are_refused() {
    let host = Told {
        forwarded_host: Some("shop.example"),
        original_url: Some("https://admin.example/"),
        ..Told::default()
    };
    assert_eq!(asked(host), Err(Odd::Contradiction));
    let target = Told {
        forwarded_uri: Some("/public"),
        original_url: Some("https://shop.example/admin"),
        ..Told::default()
    };
    assert_eq!(asked(target), Err(Odd::Contradiction));
    let same = Told {
        forwarded_host: Some("SHOP.example"),
        original_url: Some("https://shop.example/"),
        ..Told::default()
    };
    assert!(asked(same).is_ok());
}

#[test]
fn a_host_is_a_host_and_nothing_besides() {
    for odd in ["a@b", "a, b", "a b", "", "a/b", ":443", "ä.example"] {
        let told = Told { forwarded_host: Some(odd), ..Told::default() };
        assert_eq!(asked(told), Err(Odd::Host), "{odd}");
    }
    let other = Told { original_url: Some("ftp://shop.example/"), ..Told::default() };
    assert_eq!(asked(other), Err(Odd::Host));
    let odd = Told { original_url: Some("https://shop.example/a/../b"), ..Told::default() };
    assert_eq!(asked(odd), Err(Odd::Path));
}

#[test]
fn only_navigations_are_led_to_the_login() {
    let by = |method: Option<&str>| Asked { method: method.map(str::to_owned), ..Asked::default() };
    let html = Some("text/html,application/xhtml+xml");
    assert!(by(None).is_navigation(Some("navigate"), None));
    assert!(by(Some("GET")).is_navigation(None, html));
    assert!(!by(Some("GET")).is_navigation(Some("cors"), html));
    assert!(!by(Some("GET")).is_navigation(None, Some("*/*")));
    assert!(!by(Some("GET")).is_navigation(None, None));
    assert!(!by(Some("POST")).is_navigation(Some("navigate"), html));
}

#[test]
fn s070_after_the_login_it_goes_to_a_path_of_the_host() {
    assert_eq!(return_target("/cart?x=1&y=2"), "/cart?x=1&y=2");
    let long = format!("/{}", "a".repeat(LONGEST_RETURN));
    for elsewhere in
        ["", "https://evil.test/", "//evil.test", "/\\evil", "/.vestibule/start", &long]
    {
        assert_eq!(return_target(elsewhere), "/", "{elsewhere}");
    }
}

#[test]
fn a_header_carries_any_text_as_visible_ascii() {
    assert_eq!(header_text("Ada Müller"), "Ada%20M%C3%BCller");
    assert_eq!(header_text("100%\r\nX: y"), "100%25%0D%0AX:%20y");
    assert_eq!(header_text(r#"["a","b"]"#), r#"["a","b"]"#);
    assert_eq!(header_text(""), "");
}

#[test]
fn who_has_no_session_signs_in_and_who_is_not_admitted_is_told_so() {
    for refusal in AdmitRefusal::ALL {
        let is_over = refusal.code().starts_with("session_");
        assert_eq!(Denial::from(refusal) == Denial::SignIn, is_over, "{}", refusal.code());
    }
    assert_eq!(Denial::from(AdmitRefusal::NotFresh), Denial::Again);
    assert_eq!(Denial::from(AdmitRefusal::UserNotActive), Denial::Forbidden);
}

#[test]
fn a_host_is_found_by_what_a_request_calls_it() {
    let host = |origin: &str| ProtectedHost {
        origin: Origin::parse(origin).unwrap(),
        application: ApplicationKey::from_stored("storefront"),
    };
    assert_eq!(host("https://shop.example").authority(), "shop.example");
    assert_eq!(host("http://shop.localhost:8090").authority(), "shop.localhost:8090");
}

#[test]
fn what_is_odd_has_its_code() {
    let codes = [Odd::Contradiction, Odd::Host, Odd::Path].map(Odd::code);
    assert_eq!(codes, ["contradiction", "odd_host", "odd_path"]);
}

#[test]
fn the_token_says_what_the_headers_say_for_a_minute() {
    let (user, session) = (user(), session());
    let (groups, application) = (["Buyers".to_owned()], ApplicationKey::from_stored("storefront"));
    let who = LetIn { user: &user, groups: &groups, session: &session, application: &application };
    let expected = json!({
        "iss": "https://id.test", "aud": "storefront", "sub": user.public_id.as_str(),
        "email": "Ada@example.com", "email_verified": true, "name": "Ada Lovelace",
        "groups": ["Buyers"], "user_type": "customer", "sid": "session",
        "auth_time": 1_800_000_000, "iat": 1_800_000_005, "exp": 1_800_000_065,
    });
    assert_eq!(Value::Object(who.claims("https://id.test", at(5))), expected);
}

/// The same byte, encoded once more than before where that is asked for.
fn encoded(text: &str, which: &[bool]) -> String {
    let chosen = which.iter().copied().chain(std::iter::repeat(false));
    let one = |(byte, chosen): (u8, bool)| match chosen {
        true => format!("%{byte:02x}"),
        false => char::from(byte).to_string(),
    };
    text.bytes().zip(chosen).map(one).collect()
}

proptest! {
    /// However a path with something odd in it is encoded, and over again, it stays odd.
    #[test]
    fn s109_no_encoding_hides_what_is_odd(
        odd in prop::sample::select(vec!["/../", "/..", "/./", "//", ";", "\\", "\0", "\x7f"]),
        before in "[a-z.]{0,3}",
        after in "[a-z.]{0,3}",
        times in prop::collection::vec(prop::collection::vec(any::<bool>(), 0..40), 0..4),
    ) {
        let path = format!("/x{before}{odd}{after}");
        // A dot or two are no whole segment unless what follows lets them be.
        prop_assume!(!odd.ends_with("..") || after.is_empty());
        let target = times.iter().fold(path, |path, which| {
            // The first slash is what makes it a path.
            format!("/{}", encoded(&path[1..], which))
        });
        prop_assert!(!is_plain_target(&target), "{target}");
    }

    /// What passes is what it reads as, however often it is decoded.
    #[test]
    fn s109_what_passes_has_no_odd_reading(path in "/[a-c/.;%025ef]{0,16}") {
        if is_plain_target(&path) {
            let mut read = path;
            loop {
                prop_assert!(!read.contains("//") && !read.contains(';'), "{read}");
                prop_assert!(!read.split('/').any(|part| part == "." || part == ".."), "{read}");
                match decoded(&read).unwrap() {
                    next if next == read => break,
                    next => read = next,
                }
            }
        }
    }
}
