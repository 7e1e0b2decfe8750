//! A claim that is not there lets nobody in, and keeps nobody's groups from being what they are.

use super::*;

const MISSING: &[(&str, &str)] = &[
    (r#"claims.department == "x""#, "null"),
    (r#"claims.department != "x""#, "null"),
    (r#"!(claims.department == "x")"#, "null"),
    ("claims.department < 5", "null"),
    (r#""x" in claims.groups"#, "null"),
    (r#"!("x" in claims.groups)"#, "null"),
    (r#"claims.department in ["x"]"#, "null"),
    (r#"!claims.blocked"#, "null"),
    ("claims.groups.all(g, g == 1)", "null"),
    ("claims.groups.exists(g, g == 1)", "null"),
    ("claims.groups.filter(g, g == 1)", "null"),
    ("claims.a.b.c[0].trim()", "null"),
    (r#"claims.a ? "x" : "y""#, "null"),
    (r#""x" + claims.a"#, "null"),
    (r#"["x", claims.a]"#, "null"),
    (r#"["x"] + claims.a"#, "null"),
    (r#"claims.here[3]"#, "null"),
    (r#"claims.here[claims.a]"#, "null"),
    (r#""x".substring(2)"#, "null"),
    (r#""x".substring(1, 0)"#, "null"),
    (r#""x".substring(-1)"#, "null"),
    (r#""x".startsWith(claims.a)"#, "null"),
    (r#"string(claims.a)"#, "null"),
    (r#"size(claims.a)"#, "null"),
    (r#""z" in claims.holes"#, "null"),
    (r#""x" in claims.holes"#, "true"),
    ("claims.holes.join()", "null"),
    ("claims.people.map(p, p.name)", "null"),
    (r#"claims.people.filter(p, p.name == "n").map(p, p.name)"#, r#"["n"]"#),
    (r#"claims.people.exists(p, p.name == "o")"#, "null"),
    (r#"claims.people.all(p, p.name == "n")"#, "null"),
    (r#"claims.people.all(p, p.name == "o")"#, "false"),
    (r#"claims.people.exists(p, p.name == "n")"#, "true"),
    ("null", "null"),
    // Claims that are null are missing.
    ("claims.none == 1", "null"),
    // What says something in its place.
    ("claims.department == null", "true"),
    ("null == claims.none", "true"),
    ("claims.department != null", "false"),
    ("has(claims.department)", "false"),
    ("has(claims.none)", "false"),
    ("has(claims.a.b)", "false"),
    ("has(claims.here)", "true"),
    (r#"default(claims.department, "x") == "x""#, "true"),
    (r#"default(claims.here, [])"#, r#"["h"]"#),
    ("default(claims.a, claims.b)", "null"),
    (r#"claims.a == "x" && false"#, "false"),
    (r#"false && claims.a == "x""#, "false"),
    (r#"claims.a == "x" && true"#, "null"),
    (r#"claims.a == "x" || true"#, "true"),
    (r#"true || claims.a == "x""#, "true"),
    (r#"claims.a == "x" || false"#, "null"),
];

#[test]
fn a_missing_claim_is_neither_true_nor_false() {
    let said = json!({
        "here": ["h"], "none": null, "holes": [null, "x"], "people": [{}, { "name": "n" }],
    });
    for (text, wanted) in MISSING.iter().copied() {
        assert_eq!(gives(text, said.clone()), wanted, "{text}");
        let passes = rule(text).is_true(&newcomer(&claims(said.clone())));
        assert_eq!(passes.unwrap_or(false), wanted == "true", "{text} lets somebody in");
    }
}

#[test]
fn another_kind_than_expected_is_a_fault_with_its_column() {
    let said = json!({
        "age": "5", "groups": ["a"], "object": { "x": 1 }, "yes": true, "mixed": ["a", 1], "n": 1,
    });
    let table = [
        // "5" is not 5, and to say so would let people in.
        ("claims.age != 5", "column 1: a text is not compared with a number"),
        (r#"!("1" in claims.mixed)"#, "column 3: a text is not compared with a number"),
        (r#"claims.yes == "true""#, "column 1: true or false is not compared with a text"),
        ("claims.groups == claims.age", "column 1: a list is not compared with a text"),
        ("claims.age && true", "column 1: a condition belongs here, and this is a text"),
        ("true ? claims.object : 1", "column 1: this gives a whole object; name a member of it"),
        ("claims.age.x", "column 11: a text has no member x"),
        (r#""a" in claims.object"#, "column 8: a list belongs here, and this is an object"),
        ("claims.groups.trim()", "column 14: trim takes a text, and this is a list"),
        (r#"claims.groups.matches("^a$")"#, "column 14: matches takes a text, and this is a list"),
        (
            "claims.age.startsWith(claims.n)",
            "column 11: startsWith takes a text, and this is a number",
        ),
        (
            "claims.age + claims.n",
            "column 14: this is a number; + joins texts or lists; write string(…) around a number",
        ),
        ("claims.age[0]", "column 11: a text has no place for a number"),
        (r#"claims.groups[claims.age]"#, "column 14: a list has no place for a text"),
        (r#"claims.age.split("")"#, "column 11: split takes a text that is not empty"),
        (r#"claims.age.replace("", "x")"#, "column 11: replace takes a text that is not empty"),
        (r#"claims.age.substring("x")"#, "column 11: substring takes whole numbers, not a text"),
        ("size(claims.n)", "column 1: size takes a text or a list, and this is a number"),
        ("string(claims.groups)", "column 8: string takes a number or a condition, not a list"),
        ("claims.mixed.join()", "column 13: join takes a text, and this is a number"),
        ("[claims.object].map(o, o)", "column 24: map gives a whole object; name a member of it"),
        ("user == null ? claims.n.x : 1", "column 24: a number has no member x"),
    ];
    for (text, wanted) in table {
        assert_eq!(gives(text, said.clone()), wanted, "{text}");
    }
}

#[test]
fn only_what_is_exactly_true_passes_and_only_texts_are_groups() {
    let said = claims(json!({
        "yes": true, "no": false, "text": "true", "one": 1, "list": ["a", null, "b"], "mixed": [1],
    }));
    let facts = newcomer(&said);
    assert_eq!(rule("claims.yes").is_true(&facts), Ok(true));
    assert_eq!(rule("claims.no").is_true(&facts), Ok(false));
    assert_eq!(rule("claims.gone").is_true(&facts), Ok(false));
    for text in ["claims.text", "claims.one", "claims.list"] {
        let fault = rule(text).is_true(&facts).unwrap_err();
        assert!(fault.message().ends_with(", not a condition"), "{fault}");
    }
    assert_eq!(rule("claims.text").text(&facts), Ok(Some("true".to_owned())));
    assert_eq!(rule("claims.gone").text(&facts), Ok(None));
    assert!(rule("claims.list").text(&facts).is_err());
    let groups = rule("claims.list").texts(&facts).unwrap();
    assert_eq!(groups, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(rule("claims.gone").texts(&facts), Ok(None));
    assert_eq!(rule("[]").texts(&facts), Ok(Some(Vec::new())));
    for text in ["claims.mixed", "claims.one", "claims.yes"] {
        assert!(rule(text).texts(&facts).is_err(), "{text}");
    }
}

#[test]
fn whole_numbers_and_decimals_are_compared_exactly() {
    let said = json!({
        "large": 9_007_199_254_740_993_u64, "near": 9_007_199_254_740_992.0, "huge": u64::MAX,
        "low": i64::MIN, "far": 1e300, "half": -0.5,
    });
    let table = [
        ("claims.large == claims.near", "false"),
        ("claims.large > claims.near", "true"),
        ("claims.near < claims.large", "true"),
        ("claims.huge > 9223372036854775807", "true"),
        ("claims.low < -9223372036854775807", "true"),
        ("claims.far > claims.huge && claims.huge < claims.far", "true"),
        ("claims.half < 0 && claims.half > -1 && 0 > claims.half && -1 < claims.half", "true"),
        ("claims.half == -0.5 && claims.half >= -0.5 && claims.half <= -0.5", "true"),
        ("claims.huge", "18446744073709551615"),
    ];
    for (text, wanted) in table {
        assert_eq!(gives(text, said.clone()), wanted, "{text}");
    }
}
