//! `docs/expressions.md`, read and tried: an example that does not hold is no example.

use super::*;
use crate::expressions::place::sealed::Place as _;
use crate::expressions::tree::{LOOPS, METHODS};

const PAGE: &str = include_str!("../../../../../docs/expressions.md");

struct Example {
    challenge: bool,
    text: String,
    claims: Json,
    gives: String,
}

/// The text behind a fence, as far as the next one.
fn block<'a>(rest: &mut &'a str, fence: &str) -> Option<&'a str> {
    let (_, after) = rest.split_once(fence)?;
    let (inside, after) = after.split_once("\n```\n")?;
    *rest = after;
    Some(inside)
}

fn examples() -> Vec<Example> {
    let mut rest = PAGE;
    let mut examples = Vec::new();
    while let Some(cel) = block(&mut rest, "```cel") {
        let challenge = cel.starts_with(" challenge\n");
        let text = cel.trim_start_matches(" challenge").trim().to_owned();
        let claims = serde_json::from_str(block(&mut rest, "```json\n").unwrap()).unwrap();
        let gives = rest.strip_prefix("Gives `").unwrap().split_once("`.").unwrap().0.to_owned();
        examples.push(Example { challenge, text, claims, gives });
    }
    examples
}

#[test]
fn every_example_of_the_page_gives_what_the_page_says() {
    let examples = examples();
    assert_eq!(examples.len(), PAGE.matches("```cel").count());
    assert!(examples.len() >= 10);
    for example in examples {
        let given = if example.challenge {
            let parameter = Expression::<Challenge>::compile(&example.text).unwrap();
            let facts = ChallengeFacts {
                locale: example.claims["locale"].as_str(),
                login_hint: example.claims["login_hint"].as_str(),
                provider: "acme",
                application: "back-office",
            };
            parameter.evaluate(&facts).unwrap().to_string()
        } else {
            gives(&example.text, example.claims)
        };
        assert_eq!(given, example.gives, "{}", example.text);
    }
}

#[test]
fn the_page_names_everything_there_is_and_its_limits() {
    let variables = [Rule::VARIABLES, Challenge::VARIABLES].concat();
    let methods = METHODS.iter().map(|(name, ..)| *name).chain(LOOPS.iter().map(|(name, _)| *name));
    for name in variables.iter().map(|variable| variable.name()).chain(["has", "default", "string"])
    {
        assert!(PAGE.contains(&format!("`{name}")), "{name}");
    }
    for name in methods.chain(["matches", "size"]) {
        let shown = PAGE.contains(&format!(".{name}(")) || PAGE.contains(&format!("`{name}("));
        assert!(shown, "{name}");
    }
    for member in place::USER_MEMBERS {
        assert!(PAGE.contains(&format!("`user.{member}`")), "{member}");
    }
    for limit in [MAX_LENGTH, MAX_DEPTH, MAX_STEPS, MAX_OUTPUT] {
        assert!(PAGE.contains(&format!("| {limit}")), "{limit}");
    }
}
