//! The hook's answer is read strictly; its word can refuse and add, and counts for one decision.

use serde_json::{Value, json};

use super::*;
use crate::applications::{Application, ApplicationKey};
use crate::email::Email;
use crate::federation::decide::{Arrival, Candidate, Decided, Known, Linked, decide};
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::fixtures::{Counting, ISSUER, NOW, known, provider};
use crate::federation::mapping::{Membership, named_groups};
use crate::federation::policy::{Connection, PolicyFields};
use crate::federation::refusal::Refusal;
use crate::groups::{ADMINISTRATORS, Group};
use crate::ids::{ConnectionId, GroupId, IdentityId};
use crate::oauth::fixtures::user;
use crate::users::{EmailStanding, Name, User, UserType};

fn hook() -> DecisionHook {
    DecisionHook { url: "https://hook.example.com/".to_owned(), allow_private: Vec::new() }
}

fn arrival(word: HookWord) -> Arrival {
    let [storefront, ..] = Application::built_in();
    Arrival {
        external: ExternalIdentity {
            provider: provider().id,
            issuer: ISSUER.to_owned(),
            subject: "subject".to_owned(),
            email: Some(Email::parse("ada@example.com").unwrap()),
            email_verified: EmailVerified::Yes,
            hosted_domain: None,
            name: Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
            locale: Some("en".to_owned()),
            claims: json!({ "department": "sales" }).as_object().unwrap().clone(),
        },
        application: storefront,
        hook: word,
        shown: None,
        now: NOW,
    }
}

fn group(name: &str, built_in: bool) -> Group {
    let (id, name) = (GroupId::from_stored(name), name.to_owned());
    Group { id, user_type: UserType::Customer, name, built_in, created_at: NOW }
}

/// Nobody whom we know, at a door whose policy names the hook and `more`.
fn stranger(more: Value) -> Known {
    let mut policy = more;
    policy["decision_hook"] = json!(hook());
    let policy: PolicyFields = serde_json::from_value(policy).unwrap();
    let connection = Connection {
        id: ConnectionId::from_stored("connection"),
        application: ApplicationKey::from_stored("storefront"),
        provider: provider().id,
        policy,
        position: 0,
        exchange_audiences: Vec::new(),
        exchange_staff: false,
    };
    let groups = vec![group("buyers", false), group(ADMINISTRATORS, true)];
    Known { groups, ..known(connection) }
}

fn person() -> User {
    User { user_type: UserType::Customer, email_standing: EmailStanding::Verified, ..user() }
}

fn of_a_known_one(more: Value) -> Known {
    let linked = Linked {
        identity: IdentityId::from_stored("identity"),
        email: Some("ada@example.com".to_owned()),
        user: person(),
    };
    Known { linked: Some(linked), ..stranger(more) }
}

/// As the server asks: what would be done is told, and the answer weighed.
fn asked(known: &Known, answer: Value) -> Decided {
    let about = About::of(&decide(&arrival(HookWord::Ahead), known).decision);
    let answer = HookAnswer::parse(answer.to_string().as_bytes()).unwrap();
    decide(&arrival(HookWord::Said { hook: hook(), about, answer }), known)
}

fn refusal(decided: &Decided) -> (Refusal, &str) {
    let Decision::Refuse { reason } = decided.decision else { panic!("{decided:?}") };
    let last = decided.rules.last().unwrap();
    assert!(last.rule == "decision_hook" && last.settled, "{last:?}");
    (reason, &last.saw)
}

#[test]
fn only_a_whole_answer_is_one() {
    let good = br#"{"decision": "allow", "given_name": "Ada", "locale": "de-AT", "groups": ["x"]}"#;
    let answer = HookAnswer::parse(good).unwrap();
    assert_eq!((answer.decision, answer.given_name.as_deref()), (Verdict::Allow, Some("Ada")));
    assert!(HookAnswer::parse(br#"{"decision": "refuse"}"#).is_ok());
    for bad in [
        "",
        "null",
        "[]",
        "{}",
        "true",
        r#"{"decision": "Allow"}"#,
        r#"{"decision": "allowed"}"#,
        r#"{"decision": true}"#,
        r#"{"decision": "allow", "decision": "allow"}"#,
        r#"{"decision": "allow"} {"decision": "allow"}"#,
        r#"{"decision": "allow", "status": "active"}"#,
        r#"{"decision": "allow", "given_name": 7}"#,
        r#"{"decision": "allow", "given_name": null}"#,
        r#"{"decision": "allow", "given_name": ""}"#,
        r#"{"decision": "allow", "given_name": "A\u0007da"}"#,
        r#"{"decision": "allow", "family_name": "Love\nlace"}"#,
        r#"{"decision": "allow", "locale": "a language"}"#,
        r#"{"decision": "allow", "groups": "buyers"}"#,
        r#"{"decision": "allow", "groups": [7]}"#,
        r#"{"decision": "allow", "groups": [" "]}"#,
    ] {
        let said = HookAnswer::parse(bad.as_bytes());
        assert!(matches!(said, Err(HookFault::Answer(_))), "{bad}: {said:?}");
    }
    let naming = |groups: usize| {
        let answer = json!({ "decision": "allow", "groups": vec!["buyers"; groups] });
        HookAnswer::parse(answer.to_string().as_bytes())
    };
    assert!(naming(500).is_ok());
    assert!(naming(501).is_err());
    let mut long = good.to_vec();
    long.resize(64 * 1024, b' ');
    assert!(HookAnswer::parse(&long).is_ok());
    long.push(b' ');
    assert!(HookAnswer::parse(&long).is_err(), "longer than it may be");
}

#[test]
fn it_is_at_a_public_https_address_unless_the_operator_says_otherwise() {
    let at = |url: &str, allow: &[&str]| {
        let allow_private = allow.iter().map(|one| (*one).to_owned()).collect();
        DecisionHook { url: url.to_owned(), allow_private }.check()
    };
    assert_eq!(at("https://hook.example.com/sign-in", &[]), Ok(()));
    assert_eq!(at("http://127.0.0.1:9000/", &["127.0.0.1:9000"]), Ok(()));
    assert_eq!(at("https://10.0.0.7/", &["10.0.0.7"]), Ok(()));
    for (url, allow) in [
        ("hook", &[][..]),
        ("http://hook.example.com/", &["hook.example.com"]),
        ("http://127.0.0.1:9000/", &[]),
        ("http://127.0.0.1:9000/", &["127.0.0.1:9001"]),
        ("https://10.0.0.7/", &[]),
        ("https://169.254.169.254/", &["169.254.169.254"]),
        ("https://ada:secret@hook.example.com/", &[]),
        ("ftp://hook.example.com/", &[]),
    ] {
        let error = at(url, allow).unwrap_err().to_string();
        assert!(!error.contains("--allow-private") && !error.contains("provider"), "{error}");
    }
}

#[test]
fn nobody_is_let_in_whom_it_was_not_asked_about() {
    for known in [stranger(json!({})), of_a_known_one(json!({}))] {
        let ahead = decide(&arrival(HookWord::Ahead), &known);
        assert!(!matches!(ahead.decision, Decision::Refuse { .. }));
        assert_eq!(ahead.rules.last().unwrap().saw, "not asked");
        let unasked = decide(&arrival(HookWord::Unasked), &known);
        assert_eq!(refusal(&unasked), (Refusal::HookFailed, "changed: nobody asked it about this"));
        for fault in [
            HookFault::Slow,
            HookFault::Status(500),
            HookFault::Unreachable("x".to_owned()),
            HookFault::Answer("x".to_owned()),
        ] {
            let saw = fault.to_string();
            let failed = decide(&arrival(HookWord::Failed(fault)), &known);
            assert_eq!(refusal(&failed), (Refusal::HookFailed, saw.as_str()));
        }
        let refused = asked(&known, json!({ "decision": "refuse" }));
        assert_eq!(refusal(&refused), (Refusal::HookRefused, "refuses"));
    }
}

#[test]
fn its_word_counts_for_the_decision_that_it_was_told_alone() {
    let answer = HookAnswer::parse(br#"{"decision": "allow"}"#).unwrap();
    let told = stranger(json!({}));
    let about = About::of(&decide(&arrival(HookWord::Ahead), &told).decision);
    let word =
        |hook, about: &About| HookWord::Said { hook, about: about.clone(), answer: answer.clone() };
    let same = decide(&arrival(word(hook(), &about)), &told);
    assert!(matches!(same.decision, Decision::Create(_)));
    let now_known = decide(&arrival(word(hook(), &about)), &of_a_known_one(json!({})));
    assert_eq!(refusal(&now_known).0, Refusal::HookFailed);
    let candidate = Candidate { user: person(), has_identity_of_provider: false };
    let now_there = Known { candidate: Some(candidate), ..stranger(json!({})) };
    assert_eq!(refusal(&decide(&arrival(word(hook(), &about)), &now_there)).0, Refusal::HookFailed);
    let held = stranger(json!({ "unknown_user": "hold" }));
    assert_eq!(refusal(&decide(&arrival(word(hook(), &about)), &held)).0, Refusal::HookFailed);
    let elsewhere = DecisionHook { url: "https://other.example.com/".to_owned(), ..hook() };
    let other = decide(&arrival(word(elsewhere, &about)), &told);
    assert_eq!(
        refusal(&other),
        (Refusal::HookFailed, "changed: it was asked about something else")
    );
}

#[test]
fn it_lets_in_nobody_whom_the_rules_keep_out() {
    let known = stranger(json!({ "allow_if": "false" }));
    let about = About { kind: "create", user: None };
    let answer = HookAnswer::parse(br#"{"decision": "allow"}"#).unwrap();
    let word = HookWord::Said { hook: hook(), about, answer };
    let decided = decide(&arrival(word), &known);
    assert_eq!(decided.decision, Decision::Refuse { reason: Refusal::NotAllowed });
    assert!(decided.rules.iter().all(|weighed| weighed.rule != "decision_hook"));
}

#[test]
fn it_adds_names_a_language_and_groups() {
    let answer = json!({
        "decision": "allow", "given_name": "Augusta", "locale": "fr", "groups": ["Buyers", "buyers"],
    });
    let buyers = vec![GroupId::from_stored("buyers")];
    let Decision::Create(new) = asked(&stranger(json!({})), answer.clone()).decision else {
        panic!("made")
    };
    assert_eq!((new.name.given.as_str(), new.name.family.as_str()), ("Augusta", "Lovelace"));
    assert_eq!((new.locale.as_deref(), &new.groups), (Some("fr"), &buyers));
    let decided = asked(&of_a_known_one(json!({})), answer.clone());
    let changes = decided.decision.changes().unwrap();
    assert_eq!(changes.name.as_ref().unwrap().given, "Augusta");
    assert_eq!((changes.locale.as_deref(), &changes.granted), (Some("fr"), &buyers));
    // What was given before is not given again, and what rules would take away stays.
    let mut known = of_a_known_one(json!({ "on_sign_in": { "groups": "claims.groups" } }));
    let membership = |name: &str| Membership {
        group: GroupId::from_stored(name),
        name: name.to_owned(),
        granted_here: true,
    };
    known.memberships = vec![membership("buyers"), membership("sellers")];
    let changes = asked(&known, answer).decision.changes().unwrap().clone();
    assert_eq!(changes.granted, []);
    assert_eq!(changes.revoked, [GroupId::from_stored("sellers")]);
}

/// Whoever was put into a group by hand is put into it here, too, and stays when that hand lets go.
#[test]
fn it_gives_a_group_that_this_connection_has_not_given_yet() {
    let answer = json!({ "decision": "allow", "groups": ["buyers"] });
    for (name, granted_here, given) in
        [("buyers", true, &[][..]), ("buyers", false, &["buyers"]), ("sellers", true, &["buyers"])]
    {
        let group = GroupId::from_stored(name);
        let membership = Membership { group, name: name.to_owned(), granted_here };
        let known = Known { memberships: vec![membership], ..of_a_known_one(json!({})) };
        let decided = asked(&known, answer.clone());
        let given: Vec<GroupId> = given.iter().map(|one| GroupId::from_stored(*one)).collect();
        assert_eq!(decided.decision.changes().unwrap().granted, given, "{name} {granted_here}");
    }
}

#[test]
fn the_audit_says_how_many_groups_it_named() {
    for (groups, saw) in
        [(json!([]), "allows"), (json!(["buyers", "Buyers"]), "allows, names 1 groups")]
    {
        let answer = json!({ "decision": "allow", "groups": groups });
        let decided = asked(&stranger(json!({})), answer);
        assert_eq!(decided.rules.last().unwrap().saw, saw);
    }
}

#[test]
fn it_makes_no_administrator_and_no_group() {
    for known in [stranger(json!({})), of_a_known_one(json!({}))] {
        for name in ["administrators", "ADMINISTRATORS", "unheard of"] {
            let decided = asked(&known, json!({ "decision": "allow", "groups": ["buyers", name] }));
            let (reason, saw) = refusal(&decided);
            assert_eq!(reason, Refusal::HookFailed);
            assert!(saw.starts_with("answer: "), "{saw}");
        }
    }
}

#[test]
fn the_store_is_asked_for_the_groups_that_it_names() {
    let known = stranger(json!({}));
    let answer = br#"{"decision": "allow", "groups": ["Buyers", "Sellers"]}"#;
    let answer = HookAnswer::parse(answer).unwrap();
    let about = About { kind: "create", user: None };
    let word = HookWord::Said { hook: hook(), about, answer };
    let named: Vec<_> = named_groups(&arrival(word), &known).into_iter().collect();
    assert_eq!(named, ["buyers", "sellers"]);
    assert!(named_groups(&arrival(HookWord::Ahead), &known).is_empty());
}

#[test]
fn it_is_told_who_arrived_and_what_would_be_done() {
    let known = of_a_known_one(json!({}));
    let arrival = arrival(HookWord::Ahead);
    let decided = decide(&arrival, &known);
    let claims =
        request("https://house.test", &hook(), &arrival, &known, &decided, &Counting::default());
    let claims = Value::Object(claims.unwrap());
    assert_eq!(claims["iss"], "https://house.test");
    assert_eq!(claims["aud"], hook().url);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    assert_eq!(claims["jti"].as_str().unwrap().len(), 32);
    assert_eq!(
        (&claims["application"], &claims["provider"]),
        (&json!("storefront"), &json!("corp"))
    );
    assert_eq!(claims["identity"]["subject"], "subject");
    assert_eq!(claims["identity"]["email_verified"], true);
    assert_eq!(claims["identity"]["claims"]["department"], "sales");
    assert_eq!(claims["user"]["id"], person().id.as_str());
    assert_eq!(claims["decision"]["decision"], "sign_in");
    assert_eq!(claims["rules"].as_array().unwrap().len(), decided.rules.len());
}

#[test]
fn no_account_of_the_same_address_is_shown_to_it_besides() {
    let candidate = Candidate { user: person(), has_identity_of_provider: false };
    let known = Known { candidate: Some(candidate), ..stranger(json!({})) };
    let arrival = arrival(HookWord::Ahead);
    let decided = decide(&arrival, &known);
    let told = request("x", &hook(), &arrival, &known, &decided, &Counting::default()).unwrap();
    assert_eq!((&told["user"], &told["decision"]["decision"]), (&Value::Null, &json!("link")));
}
