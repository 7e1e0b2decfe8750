//! What is refused when it is saved: the column, and what to write instead.

use super::*;

fn refused(text: &str) -> ExpressionError {
    match Expression::<Rule>::compile(text) {
        Ok(_) => panic!("{text} is taken"),
        Err(error) => error,
    }
}

const REFUSED: &[(&str, usize, &str)] = &[
    ("", 1, "the expression ends where a value belongs"),
    (" \n ", 4, "the expression ends where a value belongs"),
    ("departmnt == 'x'", 1, "nothing here is called departmnt; there are claims, email, "),
    ("emial == 'x'", 1, "nothing here is called emial; did you mean email?; there are"),
    ("claims.a == 1 && usr != null", 18, "did you mean user?"),
    ("locale == 'de'", 1, "nothing here is called locale"),
    ("foo(1)", 1, "there is no function foo; there are has, default, size, string"),
    ("defalt(email, 'x')", 1, "did you mean default?"),
    ("startsWith(email, 'x')", 1, "write value.startsWith(…)"),
    ("claims.a.has()", 9, "has stands before its value: write has(…)"),
    ("email.starts_with('x')", 6, "did you mean startsWith?"),
    ("email.lower()", 6, "did you mean lowerAscii?"),
    ("claims.groups.contains('x')", 14, "there is no contains; write x in list for a list"),
    ("email.trim('x')", 6, "trim takes 0 values in its brackets"),
    ("email.substring()", 6, "substring takes 1 or 2 values in its brackets"),
    ("email.split()", 6, "split takes 1 value in its brackets"),
    ("default(email)", 1, "default takes 2 values in its brackets"),
    ("default()", 1, "default takes 2 values"),
    ("has(email, email)", 1, "has takes 1 value in its brackets"),
    ("has(email, email, email)", 1, "has takes 1 value in its brackets"),
    ("claims.a = 'x'", 10, "write == to compare"),
    ("claims.a == == 'x'", 13, "a value belongs before =="),
    ("claims.a & claims.b", 10, "write && for and"),
    ("claims.a | claims.b", 10, "write || for or"),
    ("claims.a and claims.b", 10, "write && for and"),
    ("claims.a or claims.b", 10, "write || for or"),
    ("not claims.a", 1, "write ! for not"),
    ("claims.a not in claims.b", 10, "write !(x in list) for not in"),
    ("'a' if email_trusted else 'b'", 5, "write condition ? this : that"),
    ("claims.a claims.b", 10, "claims follows without a sign between"),
    ("claims.a 'x'", 10, "a second value follows without a sign between"),
    ("claims.a)", 9, "nothing was opened that ) closes"),
    ("email , email", 7, ", cannot stand here"),
    ("(claims.a", 10, ") is missing after what stands in brackets"),
    ("claims.a[0", 11, "] is missing after an index"),
    ("[1 2]", 4, "write a comma, or ] to end the list"),
    ("[1, 2", 6, "write a comma, or ] to end the list"),
    ("email_trusted ? 'a'", 20, ": is missing after what holds if the condition does"),
    ("1 + 2", 1, "+ joins texts or lists; write string(…) around a number"),
    ("'a' + (email == 'b')", 8, "+ joins texts or lists; put brackets"),
    ("claims.a * 2", 10, "there is no * here: numbers are only compared"),
    ("-claims.a", 1, "- only stands before a number"),
    ("--1", 1, "- only stands before a number"),
    ("{'a': 1}", 1, "there are no { } here"),
    ("in claims.a", 1, "a value belongs before in"),
    ("claims.a == 'x' == true", 17, "compare two things at a time"),
    ("'x' in claims.a in claims.b", 17, "compare two things at a time"),
    ("claims.a == 'x' || 'y'", 20, "a condition belongs here, and this is a text; compare it"),
    ("'y' && claims.a", 1, "a condition belongs here, and this is a text"),
    ("!'y'", 2, "a condition belongs here, and this is a text"),
    ("size(claims.a) ? 'x' : 'y'", 1, "a condition belongs here, and this is a number"),
    ("claims.a.filter(g, 'x')", 20, "a condition belongs here, and this is a text"),
    ("email == 5", 7, "a text never equals a number"),
    ("claims.a == []", 10, "lists are not compared"),
    ("claims.a < null", 10, "null is only compared with == or !="),
    ("claims", 1, "name the claim in the text"),
    ("claims[email]", 7, "name the claim in the text"),
    ("claims.exists(c, true)", 7, "name the claim in the text"),
    ("user.name", 5, "a user has no name; there are user.email, user.locale, "),
    ("email.domain", 6, "email has no members; only claims and user have"),
    ("claims.", 7, "a name belongs after the dot"),
    ("claims.'a'", 7, "a name belongs after the dot"),
    ("claims.a.map(g)", 9, "write map(name, …), with a name for each element"),
    ("claims.a.map('g', g)", 14, "write map(name, …), with a name for each element"),
    ("claims.a.map(g, g", 18, ") is missing after the second part of map"),
    ("claims.a.map(claims, 1)", 14, "claims means something else already"),
    ("claims.a.map(true, 1)", 14, "true means something else already"),
    ("claims.a.map(g, g.map(g, g))", 23, "g means something else already"),
    ("claims.a.map(g, g) == g", 23, "nothing here is called g"),
    ("claims.a.exists(group, grup == 'x')", 24, "did you mean group?"),
    ("email.matches(claims.a)", 6, "matches takes one pattern, in quotes"),
    ("email.matches('a')", 15, "begin the pattern with ^ and end it with $"),
    (r"email.matches('^a\\$')", 15, "begin the pattern with ^ and end it with $"),
    ("email.matches('^(a$')", 15, "this is no pattern: unclosed group"),
    (r"email.matches(r'^\w{1000}$')", 15, "this pattern is too large"),
    ("'abc", 1, "this text does not end; close it with '"),
    ("email == \"a\nb\"", 10, "this text does not end; close it with \""),
    (r"'a\d'", 3, "in a pattern put r before the quote"),
    (r"'\u00g0'", 2, "in a pattern put r before the quote"),
    (r"'\ud800'", 2, "in a pattern put r before the quote"),
    ("99999999999999999999", 1, "this number is too large; write it as a text"),
    ("5a", 2, "a number ends here"),
    ("§ == 'x'", 1, "§ means nothing here; put texts in quotes"),
    ("“x” == email", 1, "write texts in straight quotes"),
    ("email == 'é' && €", 17, "€ means nothing here"),
    ("email == 'a\u{202e}b'", 12, r"\u{202e} does not show; take it out"),
    ("email\u{0}", 6, r"\u{0} does not show; take it out"),
];

#[test]
fn an_error_names_the_column_and_what_to_write() {
    for (text, column, sentence) in REFUSED.iter().copied() {
        let error = refused(text);
        assert_eq!(error.column(), column, "{text}: {error}");
        assert!(error.message().contains(sentence), "{text}: {error}");
    }
}

#[test]
fn lengths_and_depths_end_where_the_page_says() {
    let long = |length: usize| format!("email == '{}'", "é".repeat(length - 11));
    assert!(Expression::<Rule>::compile(&long(MAX_LENGTH)).is_ok());
    assert_eq!(refused(&long(MAX_LENGTH + 1)).column(), MAX_LENGTH + 1);
    let deep = |depth: usize| format!("{}email{}", "(".repeat(depth - 1), ")".repeat(depth - 1));
    assert!(Expression::<Rule>::compile(&deep(MAX_DEPTH)).is_ok());
    let error = refused(&deep(MAX_DEPTH + 1));
    assert_eq!(error.column(), MAX_DEPTH + 1);
    assert!(error.message().contains("more than 20 deep"), "{error}");
    // What stands one after the other is no depth.
    let flat = vec!["(email == 'a')"; 100].join(" || ");
    assert!(Expression::<Rule>::compile(&flat).is_ok());
}

#[test]
fn a_caret_stands_under_the_place() {
    let text = "claims.a == 'é' && departmnt == 'x'";
    let shown = refused(text).pointed(text);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], text);
    assert_eq!(lines[1], format!("{}^", " ".repeat(19)));
    assert!(lines[2].starts_with("column 20: nothing here is called departmnt"), "{shown}");

    let two_lines = "email == 'a' ||\n\tusr != null";
    assert!(refused(two_lines).pointed(two_lines).starts_with(" usr != null\n ^\ncolumn 18: "));

    let long = format!("email == '{}' && usr && email != '{0}'", "x".repeat(200));
    let shown = refused(&long).pointed(&long);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0].chars().count(), 102);
    assert!(lines[0].starts_with('…') && lines[0].ends_with('…'));
    assert_eq!(lines[0].chars().nth(lines[1].chars().count() - 1), Some('u'));

    let at_the_end = "email == ";
    assert_eq!(refused(at_the_end).column(), 10);
    assert!(refused(at_the_end).pointed(at_the_end).starts_with("email == \n         ^\n"));

    // A terminal must not obey what it is shown.
    let hidden = "email == '\u{1b}[2J'";
    assert!(refused(hidden).pointed(hidden).starts_with("email == '\\u{1b}[2J'\n          ^\n"));

    let said = claims(json!({ "age": "5" }));
    let text = "email_trusted && claims.age > 5";
    let fault = rule(text).evaluate(&newcomer(&said)).unwrap_err();
    let shown = fault.pointed(text);
    assert!(shown.starts_with(&format!("{text}\n{}^\ncolumn 18: ", " ".repeat(17))), "{shown}");
    assert_eq!(fault.column(), 18);
}
