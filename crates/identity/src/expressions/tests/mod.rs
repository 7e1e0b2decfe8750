//! Expressions: what policies need, what is refused, and what nobody should write.

mod errors;
mod hostile;
mod missing;
mod page;
mod policies;

use serde_json::{Map, Value as Json, json};

use super::*;

const GROUPS: [&str; 2] = ["Editors", "Support"];

fn rule(text: &str) -> Expression<Rule> {
    match Expression::compile(text) {
        Ok(expression) => expression,
        Err(error) => panic!("{}", error.pointed(text)),
    }
}

fn claims(claims: Json) -> Map<String, Json> {
    claims.as_object().cloned().unwrap()
}

/// A newcomer at the back office.
fn newcomer(claims: &Map<String, Json>) -> RuleFacts<'_> {
    RuleFacts {
        claims,
        email: claims.get("email").and_then(Json::as_str),
        email_trusted: true,
        provider: "acme",
        application: "back-office",
        user_type: "staff",
        user: None,
    }
}

/// What an expression gives a newcomer, as JSON, or the sentence of the fault.
fn gives(text: &str, said: Json) -> String {
    let said = claims(said);
    match rule(text).evaluate(&newcomer(&said)) {
        Ok(value) => value.to_string(),
        Err(fault) => fault.to_string(),
    }
}

/// Runs on a stack of 512 KiB, a quarter of what a worker has.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap();
    thread.join().unwrap();
}
