//! What policies say, on the claims of the providers that people have.

use super::*;

const ASKED: &[(&str, &str)] = &[
    (r#"claims.department == "Sales""#, "true"),
    (r#"claims.department != "Sales""#, "false"),
    (r#"claims.department < "Tales" && claims.department >= "Sales""#, "true"),
    (r#"claims.department.lowerAscii() == "sales""#, "true"),
    (r#"claims.department.startsWith("Sa") && claims.department.endsWith("les")"#, "true"),
    (r#""shop-admins" in claims.groups"#, "true"),
    (r#""shop-admin" in claims.groups"#, "false"),
    (r#""buyer" in claims.realm_access.roles"#, "true"),
    (r#""lead" in claims.clients[application].roles"#, "true"),
    (r#"claims["https://example.com/roles"][0]"#, r#""x""#),
    (r#"claims.tid == "2f8a" && claims.hd in ["acme.example"]"#, "true"),
    ("claims.level > 4 && claims.level <= 5 && claims.ratio < 1", "true"),
    ("claims.level == 5.0 && claims.level != 5.5 && -1 < claims.level", "true"),
    ("claims.active", "true"),
    ("!claims.active", "false"),
    ("!!claims.active", "true"),
    (r#"claims.tags.split(" ")"#, r#"["one","two"]"#),
    (r#"claims.tags.split(" ").join("-")"#, r#""one-two""#),
    (r#"claims.groups.join() + "!""#, r#""shop-adminsEveryone!""#),
    (r#"claims.department == "Sales" ? "s" : claims.level == 5 ? "five" : "other""#, r#""s""#),
    (r#"claims.department == "X" ? "s" : claims.level == 5 ? "five" : "other""#, r#""five""#),
    (r#"claims.department == "X" ? "s" : claims.level == 6 ? "six" : "other""#, r#""other""#),
    (r#"["all"] + claims.groups"#, r#"["all","shop-admins","Everyone"]"#),
    (r#"claims.groups + claims.department"#, r#"["shop-admins","Everyone","Sales"]"#),
    (r#"claims.groups.filter(g, g.startsWith("shop-")).map(g, g.substring(5))"#, r#"["admins"]"#),
    (r#"claims.groups.exists(g, g == "Everyone")"#, "true"),
    (r#"claims.groups.all(g, g == "Everyone")"#, "false"),
    ("claims.entries.filter(e, e.on).map(e, e.name)", r#"["n1"]"#),
    (
        r#"claims.groups.map(g, claims.tags.split(" ").map(t, g + "/" + t).join("+"))"#,
        r#"["shop-admins/one+shop-admins/two","Everyone/one+Everyone/two"]"#,
    ),
    (r#"size(claims.groups) == 2 && claims.department.size() == 5"#, "true"),
    (r#""L" + string(claims.level) + string(claims.active)"#, r#""L5true""#),
    (r#"" a ".trim().upperAscii().replace("A", "bb")"#, r#""bb""#),
    (r#""Zoë".substring(2) + "Zoë".substring(0, 1) + "ËX".lowerAscii()"#, r#""ëZËx""#),
    (r#"claims.department.matches(r"^S[a-z]+$")"#, "true"),
    (r#"provider + "/" + application + "/" + user_type"#, r#""acme/back-office/staff""#),
    (r#""a\"\\\n\u00e9" + 'b"' + r"\d""#, r#""a\"\\\néb\"\\d""#),
    ("email_trusted", "true"),
    ("claims.groups", r#"["shop-admins","Everyone"]"#),
    ("claims.level", "5"),
    ("claims.ratio", "0.5"),
];

#[test]
fn what_policies_ask_of_claims() {
    let said = json!({
        "department": "Sales",
        "tid": "2f8a",
        "hd": "acme.example",
        "groups": ["shop-admins", "Everyone"],
        "realm_access": { "roles": ["a", "buyer"] },
        "https://example.com/roles": ["x"],
        "level": 5,
        "ratio": 0.5,
        "active": true,
        "tags": "one two",
        "clients": { "back-office": { "roles": ["lead"] } },
        "entries": [{ "name": "n1", "on": true }, { "name": "n2", "on": false }],
    });
    for (text, wanted) in ASKED.iter().copied() {
        assert_eq!(gives(text, said.clone()), wanted, "{text}");
    }
}

#[test]
fn one_text_is_a_list_of_it_and_never_a_place_to_find_parts_in() {
    let one = json!({ "groups": "administrators" });
    assert_eq!(gives(r#""admin" in claims.groups"#, one.clone()), "false");
    assert_eq!(gives(r#""administrators" in claims.groups"#, one.clone()), "true");
    assert_eq!(gives(r#"claims.groups.exists(g, g == "admin")"#, one.clone()), "false");
    assert_eq!(gives("claims.groups.map(g, g)", one.clone()), r#"["administrators"]"#);
    let said = claims(one);
    let groups = rule("claims.groups").texts(&newcomer(&said)).unwrap();
    assert_eq!(groups, Some(vec!["administrators".to_owned()]));
    assert!(Expression::<Rule>::compile(r#"claims.groups.contains("admin")"#).is_err());
}

#[test]
fn a_pattern_is_for_the_whole_text() {
    let stranger = json!({ "email": "ada@acme.example.evil.example", "two": "admin\nx" });
    assert_eq!(gives(r#"email.matches(r"^.*@acme[.]example$")"#, stranger.clone()), "false");
    // Neither half of an alternative may forget its end.
    assert_eq!(gives(r#"email.matches(r"^ada|admin$")"#, stranger.clone()), "false");
    assert_eq!(gives(r#"claims.two.matches(r"^(?m)admin$")"#, stranger), "false");
}

#[test]
fn members_and_members_alone_of_who_it_is_here() {
    let said = claims(json!({}));
    let known = KnownUser { email: "a@b.example", locale: None, status: "active", groups: &GROUPS };
    let somebody = RuleFacts { user: Some(known), ..newcomer(&said) };
    let table = [
        ("user != null", "true", "false"),
        ("has(user)", "true", "false"),
        (r#"user.email == "a@b.example""#, "true", "null"),
        (r#""Editors" in user.groups"#, "true", "null"),
        (r#"user == null || user.status == "active""#, "true", "true"),
        (r#"default(user.locale, "en")"#, r#""en""#, r#""en""#),
        ("user.groups.map(g, g.lowerAscii())", r#"["editors","support"]"#, "null"),
    ];
    for (text, to_somebody, to_newcomer) in table {
        let given = |facts| rule(text).evaluate(facts).unwrap().to_string();
        assert_eq!(given(&somebody), to_somebody, "{text}");
        assert_eq!(given(&newcomer(&said)), to_newcomer, "{text}");
    }
}

#[test]
fn a_parameter_of_a_request_looks_at_what_there_is_before_anybody_is_known() {
    let text = r#"login_hint == null ? locale : login_hint.split("@")[1]"#;
    let parameter = Expression::<Challenge>::compile(text).unwrap();
    let facts = ChallengeFacts {
        locale: Some("de"),
        login_hint: None,
        provider: "acme",
        application: "storefront",
    };
    assert_eq!(parameter.text(&facts).unwrap().as_deref(), Some("de"));
    let typed = ChallengeFacts { login_hint: Some("a@b.example"), ..facts };
    assert_eq!(parameter.text(&typed).unwrap().as_deref(), Some("b.example"));
    let nothing = ChallengeFacts { locale: None, ..facts };
    assert_eq!(parameter.text(&nothing).unwrap(), None);
    let both = Expression::<Challenge>::compile(r#"provider + "/" + application"#).unwrap();
    assert_eq!(both.text(&facts).unwrap().as_deref(), Some("acme/storefront"));
}

#[test]
fn claims_that_are_read_are_named() {
    let text = r#"claims.b.x == "1" || claims["https://a"] in [claims.c] || has(claims.groups)
        || claims.list.exists(e, e.name == claims.b)"#;
    let reads: Vec<String> = rule(text).reads().iter().cloned().collect();
    assert_eq!(reads, ["b", "c", "groups", "https://a", "list"]);
    assert!(rule("email_trusted").reads().is_empty());
}

#[test]
fn an_expression_is_stored_as_its_text_and_checked_when_it_is_loaded() {
    let text = r#"claims.department == "Sales""#;
    let stored = serde_json::to_string(&rule(text)).unwrap();
    assert_eq!(stored, serde_json::to_string(text).unwrap());
    let loaded: Expression<Rule> = serde_json::from_str(&stored).unwrap();
    assert_eq!(loaded, rule(text));
    assert_ne!(loaded, rule("email_trusted"));
    assert_eq!((loaded.as_str(), loaded.to_string()), (text, text.to_owned()));
    assert_eq!(format!("{:?}", loaded.clone()), format!("Expression({text:?})"));
    let error = serde_json::from_str::<Expression<Rule>>(r#""locale""#).unwrap_err();
    assert!(error.to_string().contains("column 1: nothing here is called locale"), "{error}");
    assert!(serde_json::from_str::<Expression<Challenge>>(r#""locale""#).is_ok());
}

#[test]
fn what_it_gives_shows_before_it_has_met_anybody() {
    let table = [
        ("claims.x", Kind::Open),
        ("claims.x == 1", Kind::Condition),
        ("!claims.x && has(claims.y)", Kind::Condition),
        ("claims.x.exists(g, g) || claims.x.matches('^a$')", Kind::Condition),
        ("email_trusted ? 'a' : 'b'", Kind::Text),
        ("email_trusted ? 'a' : claims.x", Kind::Open),
        ("'a' + claims.x", Kind::Text),
        ("claims.x + ['a']", Kind::List),
        ("claims.x.filter(g, g)", Kind::List),
        ("claims.x.split(',')", Kind::List),
        ("default(claims.x, 'a').trim()", Kind::Text),
        ("default(email, 'a')", Kind::Text),
        ("string(5)", Kind::Text),
        ("size(claims.x)", Kind::Number),
        ("-5", Kind::Number),
        ("user", Kind::Open),
    ];
    for (text, kind) in table {
        assert_eq!(rule(text).kind(), kind, "{text}");
    }
}

#[test]
fn texts_are_written_with_escapes() {
    let table = [
        (r#""a\rb\tc\nd""#, "\"a\\rb\\tc\\nd\""),
        (r#""\u00e9\U0001F600""#, "\"\u{e9}\u{1f600}\""),
        (r#"'\'' + "\"\\""#, r#""'\"\\""#),
    ];
    for (text, given) in table {
        assert_eq!(gives(text, json!({})), given, "{text}");
    }
}

#[test]
fn conditions_are_in_order_too() {
    let facts = || json!({ "yes": true, "no": false });
    assert_eq!(gives("claims.no < claims.yes", facts()), "true");
    assert_eq!(gives("claims.yes <= claims.no", facts()), "false");
}

#[test]
fn a_part_of_a_text_ends_before_the_second_number() {
    let table = [
        (r#""abcdef".substring(1, 3)"#, "\"bc\""),
        (r#""abc".substring(1, 1)"#, "\"\""),
        (r#""abc".substring(3)"#, "\"\""),
        (r#""abc".substring(1, 4)"#, "null"),
    ];
    for (text, given) in table {
        assert_eq!(gives(text, json!({})), given, "{text}");
    }
}

#[test]
fn a_text_that_cannot_be_split_is_one_part_and_costs_one() {
    let split = |length: usize| {
        gives("size(claims.long.split(\",\"))", json!({ "long": "x".repeat(length) }))
    };
    assert_eq!(split(MAX_OUTPUT - 16), "1");
    assert!(split(MAX_OUTPUT - 15).contains("too much text"), "{}", split(MAX_OUTPUT - 15));
}

#[test]
fn what_an_expression_gives_instead_is_named() {
    let said = claims(json!({}));
    let facts = newcomer(&said);
    for (text, found) in [("'x'", "a text"), ("5", "a number"), ("['x']", "a list")] {
        let fault = rule(text).is_true(&facts).unwrap_err();
        assert_eq!(fault.message(), format!("this gives {found}, not a condition"));
    }
    let fault = rule("true").text(&facts).unwrap_err();
    assert_eq!(fault.message(), "this gives true or false, not a text");
    let fault = rule("[1]").texts(&facts).unwrap_err();
    assert_eq!(fault.message(), "this gives a number, not a text or a list of texts");
    assert_eq!(Value::Missing.what(), "nothing");
}
