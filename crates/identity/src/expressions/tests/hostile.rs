//! What nobody should write, and claims that nobody should send: refused or cut off, never a
//! panic, never a wait, and never more stack than a thread has.

use proptest::prelude::*;

use super::*;

/// A text of signs and words that the parser knows, so that chance gets past the first column.
fn sentences() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "claims",
        "claims.a",
        "claims.groups",
        "email",
        "user",
        "user.groups",
        "email_trusted",
        "has(",
        "default(",
        "size(",
        "string(",
        ".map(g, ",
        ".filter(g, ",
        ".exists(g, ",
        ".all(h, ",
        "g",
        "h",
        ".trim()",
        ".split(\",\")",
        ".join(\"-\")",
        ".replace(\"a\", ",
        ".substring(",
        ".startsWith(",
        ".matches(\"^a*$\")",
        ".size()",
        "[0]",
        "[\"a\"]",
        "==",
        "!=",
        "<",
        ">=",
        " in ",
        "&&",
        "||",
        "!",
        "+",
        "?",
        ":",
        ",",
        "(",
        ")",
        "[",
        "]",
        "\"a\"",
        "'é'",
        "5",
        "-1",
        "0.5",
        "true",
        "null",
        " ",
        "$",
        "\"",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

fn documents() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[aé,/ ]{0,8}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec(("[abg]", inner), 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn check(text: &str, said: &Map<String, Json>) {
    match Expression::<Rule>::compile(text) {
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.column()), "{text}: {error}");
            assert!(error.pointed(text).contains('^'));
        }
        Ok(expression) => {
            let facts = newcomer(said);
            let first = expression.evaluate(&facts);
            assert_eq!(first, expression.evaluate(&facts), "{text}");
            let passes = expression.is_true(&facts).unwrap_or(false);
            assert_eq!(passes, first == Ok(Value::Condition(true)), "{text}");
            // What it does not read cannot change what it gives.
            let mut read = said.clone();
            read.retain(|name, _| expression.reads().contains(name));
            let redacted = RuleFacts { claims: &read, ..facts };
            assert_eq!(expression.evaluate(&redacted), first, "{text}");
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_an_expression_or_an_error_with_a_column(text in any::<String>()) {
        on_a_small_stack(move || check(&text, &Map::new()));
    }

    #[test]
    fn any_sentence_on_any_claims_ends(text in sentences(), a in documents(), b in documents()) {
        let said = claims(json!({ "a": a, "groups": b, "email": "a@b.example" }));
        on_a_small_stack(move || check(&text, &said));
    }
}

/// A claim in each of these shapes is as large as a document of claims may be.
fn large_claims() -> Map<String, Json> {
    let groups: Vec<String> = (0..5_000).map(|number| format!("group-{number}")).collect();
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!([deep]);
    }
    claims(json!({ "groups": groups, "deep": deep, "long": "x".repeat(60_000), "a": "x" }))
}

#[test]
fn what_would_run_for_ever_is_cut_off() {
    let thirty = format!("[{}]", vec!["1"; 30].join(","));
    let nested = ["a", "b", "c", "d", "e"].map(|name| format!("{thirty}.all({name}, ")).concat()
        + "true)))))";
    let steps = "too many steps";
    let output = "too much text";
    let table = [
        ("claims.groups.all(a, claims.groups.exists(b, a == b))".to_owned(), steps),
        ("claims.groups.all(a, a in claims.groups)".to_owned(), steps),
        (nested, output),
        ("claims.groups.all(a, claims.groups.all(b, a != b || true))".to_owned(), steps),
        (format!("['x'].map(a, a + a){}", ".map(a, a + a)".repeat(40)), output),
        (format!("'x'{}", ".replace('x', 'xx')".repeat(40)), output),
        ("'xx'.replace('x', claims.long)".to_owned(), output),
        ("claims.long + claims.long".to_owned(), output),
        ("claims.long.split('x')".to_owned(), output),
        ("[claims.long.lowerAscii(), claims.long.upperAscii()]".to_owned(), output),
        ("claims.groups + claims.groups + claims.groups".to_owned(), output),
        ("claims.groups.filter(g, true) + claims.groups".to_owned(), output),
        ("claims.groups".to_owned(), output),
        ("claims.groups.map(g, claims.long).join()".to_owned(), output),
        ("claims.long.matches('^(x+x+)+y$')".to_owned(), steps),
        ("claims.groups.exists(g, claims.long == claims.long + g)".to_owned(), output),
        ("claims.groups.exists(g, claims.long.endsWith('y'))".to_owned(), steps),
        ("claims.groups.exists(g, claims.long > claims.long)".to_owned(), steps),
        ("claims.groups.exists(g, claims.long.size() == 1)".to_owned(), steps),
        ("claims.deep".to_owned(), "lists more than 16 deep"),
    ];
    on_a_small_stack(move || {
        let said = large_claims();
        for (text, sentence) in table {
            let fault = rule(&text).evaluate(&newcomer(&said)).unwrap_err();
            assert!(fault.message().contains(sentence), "{text}: {fault}");
        }
        // What a policy asks of the same claims is far within.
        let asked = "'group-4999' in claims.groups && claims.groups.exists(g, g == 'group-4999')";
        assert_eq!(rule(asked).is_true(&newcomer(&said)), Ok(true));
    });
}

/// As many of a part as an expression may have, and an end.
fn at_most(part: &str, end: &str) -> String {
    format!("{}{end}", part.repeat((MAX_LENGTH - end.len()) / part.len()))
}

/// As deep as an expression may be.
fn brackets(inner: &str, open: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(MAX_DEPTH - 1), close.repeat(MAX_DEPTH - 1))
}

#[test]
fn what_is_nested_without_end_is_refused_before_it_needs_a_stack() {
    let many = 100_000;
    let refused = [
        format!("{}1{}", "(".repeat(many), ")".repeat(many)),
        format!("{}1{}", "[".repeat(many), "]".repeat(many)),
        "(".repeat(many),
        "!".repeat(many),
        "-".repeat(many),
        at_most("(", ""),
        at_most("[", ""),
        at_most("has(", ""),
        at_most("!(", ""),
        at_most("claims.a[", ""),
        at_most("true ? (", ""),
        at_most("{[(", ""),
        at_most("!!(!!!!!!(!!!!(((((!!(!!(!!!!((", "1"),
        at_most("claims.a.map(g, ", ""),
        format!("'{}'", "x".repeat(1_000_000)),
        format!("email.matches('^{}a{}$')", "(".repeat(900), ")".repeat(900)),
        "email.matches('^((x{1,1000}){1,1000}){1,1000}$')".to_owned(),
    ];
    on_a_small_stack(move || {
        for text in refused {
            assert!(Expression::<Rule>::compile(&text).is_err(), "{}", &text[..40]);
        }
    });
}

#[test]
fn what_is_taken_runs_on_a_small_stack() {
    let taken = [
        at_most("!", "true"),
        at_most("true && ", "true"),
        at_most("false || ", "true"),
        at_most("claims.a == 'x' || ", "true"),
        at_most("'a' + ", "'a'"),
        at_most("false ? 1 : ", "true"),
        format!("claims{}", &at_most(".a", "")[6..]),
        format!("claims.a{}", &at_most("[0]", "")[9..]),
        format!("email{}", &at_most(".trim()", "")[7..]),
        brackets("true", "(", ")"),
        brackets("true", "!(true && ", ")"),
        brackets("'a'", "['b' + ", "][0]"),
        brackets("'a'", "default(null, ", ")"),
        brackets("'a'", "('b' == 'b' && !email_trusted == false ? 'c' + ", ".trim() + 'c' : 'd')"),
        brackets("claims.a", "claims.a[", "]"),
        format!("email.matches('^{}a{}$')", "(".repeat(10), ")".repeat(10)),
    ];
    on_a_small_stack(move || {
        let said = claims(json!({ "a": { "a": ["x"] } }));
        for text in taken {
            let expression = rule(&text);
            let first = expression.evaluate(&newcomer(&said));
            assert_eq!(first, expression.clone().evaluate(&newcomer(&said)));
        }
        let mut loops = String::from("true");
        for level in 0..MAX_DEPTH - 1 {
            loops = format!("[1].all(g{level}, {loops})");
        }
        assert_eq!(rule(&loops).is_true(&newcomer(&said)), Ok(true));
    });
}
