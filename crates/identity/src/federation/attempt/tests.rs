//! Trips to a provider: how they begin and which answers end them.

use std::collections::BTreeMap;

use super::*;
use crate::federation::fixtures::{CLIENT, Counting, ISSUER, NOW, provider};

const REDIRECT: &str = "https://shop.example.com/login/callback/corp";

fn begun_with(provider: &Provider, change: impl FnOnce(&mut Trip<'_>)) -> Begun {
    let application = ApplicationKey::parse("back-office").unwrap();
    let mut trip = Trip {
        provider,
        application: &application,
        redirect_uri: REDIRECT,
        intent: &Intent::SignIn,
        return_to: "/back-office/orders",
        login_hint: None,
        ui_locale: None,
        prompt_login: false,
        max_age: None,
        parameters: &[],
    };
    change(&mut trip);
    begin(&trip, NOW, &Counting::default()).unwrap()
}

fn begun() -> Begun {
    begun_with(&provider(), |_| ())
}

fn sent(begun: &Begun) -> BTreeMap<String, String> {
    let pairs: Vec<_> = begun.location.query_pairs().into_owned().collect();
    let map: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(map.len(), pairs.len(), "a parameter is sent twice: {pairs:?}");
    map
}

fn with_code() -> Answer {
    Answer { code: Some("the-code".to_owned()), ..Answer::default() }
}

fn refusal(provider: &Provider, answer: &Answer) -> Option<Refusal> {
    begun().attempt.accept(provider, answer, NOW).err()
}

#[test]
fn s001_state_names_the_door_and_carries_256_random_bits() {
    let begun = begun();
    let (application, random) = begun.state.expose().split_once('_').unwrap();
    assert_eq!((application, random.len()), ("back-office", 43));
    assert_eq!(sent(&begun)["state"], begun.state.expose());
    let answer = Answer { state: Some(begun.state.expose().to_owned()), ..Answer::default() };
    assert_eq!(answer.state_digest(), Some(begun.state.digest()));
}

#[test]
fn s001_state_nonce_and_verifier_are_three_different_secrets() {
    let begun = begun();
    let state = begun.state.expose().split_once('_').unwrap().1;
    let (nonce, verifier) = (&begun.attempt.nonce, begun.attempt.verifier.as_ref().unwrap());
    assert!(!nonce.matches(state) && !verifier.matches(state) && !verifier.matches(nonce.expose()));
    assert_eq!((nonce.expose().len(), verifier.expose().len()), (43, 43));
}

#[test]
fn a_trip_asks_for_what_openid_connect_core_3_1_2_1_wants() {
    let begun = begun();
    assert!(begun.location.as_str().starts_with("https://id.example.com/authorize?"));
    let mut sent = sent(&begun);
    for secret in ["state", "nonce", "code_challenge"] {
        assert!(sent.remove(secret).is_some(), "{secret}");
    }
    let rest: Vec<_> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        rest,
        [
            ("client_id", CLIENT),
            ("code_challenge_method", "S256"),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "openid profile email"),
        ]
    );
}

#[test]
fn what_is_remembered_is_what_was_sent() {
    let Begun { attempt, .. } = begun();
    assert_eq!(attempt.application.as_str(), "back-office");
    assert_eq!(attempt.provider, provider().id);
    assert_eq!(attempt.redirect_uri, REDIRECT);
    assert_eq!(attempt.return_to, "/back-office/orders");
    assert_eq!(attempt.created_at, NOW);
    assert_eq!(attempt.expires_at, NOW.plus(Duration::from_secs(600)));
}

#[test]
fn hints_are_sent_when_there_are_any() {
    let begun = begun_with(&provider(), |trip| {
        trip.login_hint = Some("ada@example.com");
        trip.ui_locale = Some("de-AT");
        trip.prompt_login = true;
        trip.max_age = Some(Duration::from_secs(90));
    });
    let sent = sent(&begun);
    assert_eq!(sent["login_hint"], "ada@example.com");
    assert_eq!(sent["ui_locales"], "de-AT");
    assert_eq!(sent["prompt"], "login");
    assert_eq!(sent["max_age"], "90");
    assert_eq!(begun.attempt.max_age, Some(Duration::from_secs(90)));
}

#[test]
fn s021_whoever_is_asked_to_sign_in_anew_has_the_whole_trip_for_it() {
    let asked = |max_age: Option<u64>| {
        begun_with(&provider(), |trip| trip.max_age = max_age.map(Duration::from_secs)).attempt
    };
    let later = |seconds| NOW.plus(Duration::from_secs(seconds));
    assert_eq!(asked(None).max_age_at(later(90)), None);
    assert_eq!(asked(Some(0)).max_age_at(later(90)), Some(Duration::from_secs(90)));
    assert_eq!(asked(Some(300)).max_age_at(later(90)), Some(Duration::from_secs(300)));
}

#[test]
fn when_somebody_signed_in_is_what_the_provider_says_and_never_later_than_now() {
    let asked = |max_age: Option<u64>| {
        begun_with(&provider(), |trip| trip.max_age = max_age.map(Duration::from_secs)).attempt
    };
    let (before, later) = (NOW.minus(Duration::from_secs(30)), NOW.plus(Duration::from_secs(90)));
    for max_age in [None, Some(0), Some(300)] {
        let attempt = asked(max_age);
        assert_eq!(attempt.auth_time(None, later), None, "a provider that does not tell");
        assert_eq!(attempt.auth_time(Some(NOW), later), Some(NOW));
        assert_eq!(attempt.auth_time(Some(later), NOW), Some(NOW), "a clock that is ahead");
    }
    assert_eq!(asked(None).auth_time(Some(before), later), Some(before));
    assert_eq!(asked(Some(300)).auth_time(Some(before), later), Some(before));
    assert_eq!(asked(Some(0)).auth_time(Some(before), later), Some(NOW), "a clock that is behind");
}

#[test]
fn the_query_of_the_endpoint_is_kept_and_nothing_is_sent_twice() {
    let mut provider = provider();
    provider.endpoints.authorization =
        "https://id.example.com/authorize?p=B2C_1&x=a%26b&state=theirs&scope=all".to_owned();
    let begun = begun_with(&provider, |_| ());
    let sent = sent(&begun);
    assert_eq!((sent["p"].as_str(), sent["x"].as_str()), ("B2C_1", "a&b"));
    assert_eq!(sent["scope"], "openid profile email");
    assert_eq!(sent["state"], begun.state.expose());
}

#[test]
fn a_policy_adds_parameters_replaces_hints_and_takes_no_promise_away() {
    let names = ["hd", "login_hint", "ui_locales", "prompt", "max_age", "state"];
    let pair = |name: &str| (name.to_owned(), format!("policy's {name}"));
    let parameters: &'static [_] = names.map(pair).to_vec().leak();
    let with = |parameters: &'static [(String, String)]| {
        begun_with(&provider(), |trip| {
            trip.parameters = parameters;
            trip.login_hint = Some("ada@company.test");
            trip.ui_locale = Some("de");
            trip.prompt_login = true;
            trip.max_age = Some(Duration::from_secs(60));
        })
    };
    let begun = with(parameters);
    let all = sent(&begun);
    for name in ["hd", "login_hint", "ui_locales"] {
        assert_eq!(all[name], format!("policy's {name}"));
    }
    assert_eq!((all["prompt"].as_str(), all["max_age"].as_str()), ("login", "60"));
    assert_eq!(all["state"], begun.state.expose());
    let one = sent(&with(&parameters[..1]));
    assert_eq!(one["hd"], "policy's hd");
    assert_eq!(
        (one["login_hint"].as_str(), one["ui_locales"].as_str()),
        ("ada@company.test", "de")
    );
}

#[test]
fn a_provider_without_a_usable_endpoint_is_told_so() {
    let mut provider = provider();
    provider.endpoints.authorization = "/authorize".to_owned();
    let application = ApplicationKey::parse("back-office").unwrap();
    let trip = Trip {
        provider: &provider,
        application: &application,
        redirect_uri: REDIRECT,
        intent: &Intent::SignIn,
        return_to: "/",
        login_hint: None,
        ui_locale: None,
        prompt_login: false,
        max_age: None,
        parameters: &[],
    };
    let error = begin(&trip, NOW, &Counting::default()).unwrap_err();
    assert!(error.to_string().ends_with("vestibule providers refresh corp"), "{error}");
}

#[test]
fn s002_an_answer_at_another_providers_address_is_refused() {
    let mut other = provider();
    other.id = ProviderId::from_stored("provider-b");
    assert_eq!(refusal(&other, &with_code()), Some(Refusal::IssuerMismatch));
    // Whatever else is wrong, and whatever the answer says.
    other.promises_iss = true;
    let error = Answer {
        error: Some("access_denied".to_owned()),
        iss: Some(ISSUER.to_owned()),
        ..Answer::default()
    };
    assert_eq!(refusal(&other, &error), Some(Refusal::IssuerMismatch));
}

#[test]
fn s004_an_answer_without_iss_is_refused_when_iss_was_promised() {
    let mut provider = provider();
    assert_eq!(refusal(&provider, &with_code()), None);
    provider.promises_iss = true;
    assert_eq!(refusal(&provider, &with_code()), Some(Refusal::IssuerMismatch));
    let named = Answer { iss: Some(ISSUER.to_owned()), ..with_code() };
    assert_eq!(refusal(&provider, &named), None);
}

#[test]
fn s005_a_wrong_iss_is_refused_before_there_is_a_code_to_redeem() {
    for promises_iss in [true, false] {
        let provider = Provider { promises_iss, ..provider() };
        for iss in
            ["https://other.example.com", "https://id.example.com/", "HTTPS://id.example.com"]
        {
            let answer = Answer { iss: Some(iss.to_owned()), ..with_code() };
            assert_eq!(refusal(&provider, &answer), Some(Refusal::IssuerMismatch), "{iss}");
        }
    }
}

#[test]
fn s006_error_answers_are_checked_for_iss_too() {
    let mut provider = provider();
    let mut error = Answer { error: Some("access_denied".to_owned()), ..Answer::default() };
    assert_eq!(refusal(&provider, &error), Some(Refusal::ProviderDenied));
    provider.promises_iss = true;
    assert_eq!(refusal(&provider, &error), Some(Refusal::IssuerMismatch));
    error.iss = Some("https://other.example.com".to_owned());
    assert_eq!(refusal(&provider, &error), Some(Refusal::IssuerMismatch));
    error.iss = Some(ISSUER.to_owned());
    assert_eq!(refusal(&provider, &error), Some(Refusal::ProviderDenied));
}

#[test]
fn s007_pkce_s256_is_sent_and_its_verifier_belongs_to_the_trip() {
    let begun = begun();
    let verifier = begun.attempt.verifier.as_ref().unwrap();
    assert_eq!(sent(&begun)["code_challenge"], verifier.digest().as_str());
    assert!(!sent(&begun).values().any(|value| verifier.matches(value)));
    // RFC 7636 appendix B.
    let example = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(example.digest().as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let without = begun_with(&Provider { pkce: false, ..provider() }, |_| ());
    assert!(without.attempt.verifier.is_none());
    assert!(sent(&without).keys().all(|name| !name.starts_with("code_challenge")));
}

#[test]
fn s008_a_trip_keeps_its_verifier_when_the_provider_changes_under_way() {
    let Begun { attempt, .. } = begun();
    let changed = Provider { pkce: false, ..provider() };
    assert!(attempt.accept(&changed, &with_code(), NOW).is_ok());
    assert!(attempt.verifier.is_some());
}

#[test]
fn s009_the_nonce_is_sent() {
    let begun = begun();
    assert!(begun.attempt.nonce.matches(&sent(&begun)["nonce"]));
}

#[test]
fn s036_a_disabled_provider_ends_no_trip() {
    let disabled = Provider { state: ProviderState::Disabled, ..provider() };
    assert_eq!(refusal(&disabled, &with_code()), Some(Refusal::ProviderDisabled));
}

#[test]
fn s039_an_answer_that_nobody_asked_for_finds_no_trip() {
    for pairs in [&[("code", "x")][..], &[("code", "x"), ("state", "")]] {
        let unsolicited = Answer::parse(pairs.iter().copied()).unwrap();
        assert_eq!(unsolicited.state_digest(), None);
    }
}

#[test]
fn a_trip_ends_in_time_or_not_at_all() {
    let Begun { attempt, .. } = begun();
    let just = attempt.expires_at.minus(Duration::from_micros(1));
    let code = attempt.accept(&provider(), &with_code(), just).unwrap();
    assert!(code.matches("the-code"));
    let late = attempt.accept(&provider(), &with_code(), attempt.expires_at);
    assert_eq!(late.unwrap_err(), Refusal::AttemptExpired);
}

#[test]
fn an_answer_is_a_code_or_an_error() {
    let error = |code: &str| Answer { error: Some(code.to_owned()), ..with_code() };
    assert_eq!(refusal(&provider(), &error("access_denied")), Some(Refusal::ProviderDenied));
    assert_eq!(refusal(&provider(), &error("server_error")), Some(Refusal::ProviderError));
    assert_eq!(refusal(&provider(), &Answer::default()), Some(Refusal::ProviderMalformed));
}

#[test]
fn an_answer_is_read_by_name_and_the_rest_is_ignored() {
    let answer = Answer::parse([
        ("session_state", "a"),
        ("session_state", "b"),
        ("code", "c"),
        ("state", "s"),
        ("iss", "i"),
        ("error", "e"),
        ("error_description", "d"),
    ])
    .unwrap();
    let all = [answer.code, answer.state, answer.iss, answer.error, answer.error_description];
    assert_eq!(all.map(Option::unwrap), ["c", "s", "i", "e", "d"]);
    let empty = Answer::parse([("code", ""), ("iss", ""), ("error", "")]).unwrap();
    assert_eq!((empty.code, empty.iss, empty.error), (None, None, None));
}

#[test]
fn what_comes_twice_is_refused() {
    for name in ["code", "state", "iss", "error", "error_description"] {
        for pairs in [[(name, "a"), (name, "a")], [(name, ""), (name, "a")]] {
            let fault = Answer::parse(pairs).unwrap_err();
            assert_eq!(fault, AnswerFault::Repeated(name));
            assert_eq!(Refusal::from(fault), Refusal::ProviderMalformed);
        }
    }
}

#[test]
fn what_is_too_long_is_refused_and_words_are_cut() {
    for (name, limit) in [("code", 4096), ("state", 128), ("iss", 2048)] {
        assert!(Answer::parse([(name, "x".repeat(limit).as_str())]).is_ok(), "{name}");
        let fault = Answer::parse([(name, "x".repeat(limit + 1).as_str())]).unwrap_err();
        assert_eq!(fault, AnswerFault::TooLong(name));
    }
    let words = format!("line\r\none\u{1b}[31m{}", "x".repeat(1000));
    let answer = Answer::parse([("error", words.as_str()), ("error_description", &words)]).unwrap();
    for text in [answer.error.unwrap(), answer.error_description.unwrap()] {
        assert!(text.starts_with("lineone[31mxx"), "{text}");
        assert_eq!(text.len(), 500);
    }
}

#[test]
fn what_a_terminal_would_obey_is_no_code_and_no_issuer() {
    for odd in ["\u{1b}[2J", "\u{9b}31m", "\n", "\u{202e}"] {
        for name in ["code", "iss"] {
            let fault = Answer::parse([(name, format!("https://a{odd}").as_str())]).unwrap_err();
            assert_eq!(fault, AnswerFault::Control(name));
        }
        let answer = Answer::parse([("error", format!("a{odd}b").as_str())]).unwrap();
        let text = answer.error.unwrap();
        assert!(!text.chars().any(crate::text::is_unprintable), "{text:?}");
    }
}

#[test]
fn the_longest_state_of_ours_is_not_too_long() {
    let key = ApplicationKey::parse(&"a".repeat(32)).unwrap();
    let state = format!("{key}_{}", Secret::generate(&Counting::default()).expose());
    assert!(Answer::parse([("state", state.as_str())]).is_ok());
}

#[test]
fn a_state_leads_back_to_its_door() {
    assert_eq!(application_of("back-office_ab_cd"), Some("back-office"));
    assert_eq!(application_of("storefront_"), Some("storefront"));
    for unknown in ["", "_", "_x", "storefront", "store-front"] {
        assert_eq!(application_of(unknown), None, "{unknown}");
    }
}

#[test]
fn an_answer_does_not_print_its_code_or_state() {
    let answer = Answer {
        code: Some("hunter2".to_owned()),
        state: Some("hunter3".to_owned()),
        error: Some("server_error".to_owned()),
        ..Answer::default()
    };
    let printed = format!("{answer:?}");
    assert!(!printed.contains("hunter"), "{printed}");
    assert!(printed.contains("server_error"), "{printed}");
}
