//! Values and what follows them: names, texts, lists, members, functions and loops.

use regex::RegexBuilder;

use super::error::ExpressionError;
use super::lex::{Token, Word};
use super::parse::{Parser, condition};
use super::place::USER_MEMBERS;
use super::tree::{LOOPS, METHODS, Method, Node, Step, StepKind, Variable, What};
use crate::text::distance;

/// Bytes of a compiled pattern; what counts far does not fit.
const MAX_PATTERN: usize = 64 * 1024;
/// How deep groups of a pattern may stand in one another.
const MAX_PATTERN_DEPTH: u32 = 16;

/// Functions that stand before their arguments.
const FUNCTIONS: [&str; 4] = ["has", "default", "size", "string"];

type Parsed<T> = Result<T, ExpressionError>;

impl Parser<'_> {
    pub fn postfix(&mut self) -> Parsed<Node> {
        let base = self.value()?;
        let mut steps = Vec::new();
        loop {
            let at = self.token().at;
            let what = if self.take_sign(".") {
                self.dotted(at)?
            } else if self.take_sign("[") {
                let index = self.expression()?;
                self.expect("]", "an index")?;
                match index.what {
                    What::Text(name) => StepKind::Member(name),
                    _ => StepKind::Index(index),
                }
            } else {
                break;
            };
            steps.push(Step { at, what });
        }
        self.check_members(&base, &steps)?;
        if steps.is_empty() {
            return Ok(base);
        }
        Ok(Node { at: base.at, what: What::Steps(Box::new(base), steps) })
    }

    /// What the top of `claims` and of `user` is asked for must show in the text: the claims that
    /// a rule reads are what is recorded of them.
    fn check_members(&mut self, base: &Node, steps: &[Step]) -> Parsed<()> {
        let What::Variable(variable) = base.what else { return Ok(()) };
        let first = steps.first().map(|step| (step.at, &step.what));
        match (variable, first) {
            (Variable::Claims, Some((_, StepKind::Member(name)))) => {
                self.reads.insert(name.clone());
                Ok(())
            }
            (Variable::Claims, other) => {
                let at = other.map_or(base.at, |(at, _)| at);
                let advice = "name the claim in the text: claims.name or claims[\"name\"]";
                Err(ExpressionError::new(at, advice))
            }
            (Variable::User, Some((at, StepKind::Member(name)))) => {
                if USER_MEMBERS.contains(&name.as_str()) {
                    return Ok(());
                }
                let known = USER_MEMBERS.map(|member| format!("user.{member}")).join(", ");
                let message = format!("a user has no {name}; there are {known}");
                Err(ExpressionError::new(at, message))
            }
            (_, Some((at, StepKind::Member(_)))) => {
                let name = variable.name();
                let message = format!("{name} has no members; only claims and user have");
                Err(ExpressionError::new(at, message))
            }
            _ => Ok(()),
        }
    }

    fn value(&mut self) -> Parsed<Node> {
        let Token { at, word } = self.advance();
        let what = match word {
            Word::Text(text) => What::Text(text),
            Word::Number(number) => What::Number(number),
            Word::Sign("(") => {
                let inner = self.expression()?;
                self.expect(")", "what stands in brackets")?;
                return Ok(inner);
            }
            Word::Sign("[") => What::List(self.list_until("]")?),
            Word::Name(name) => self.named(&name, at)?,
            Word::Sign("{") => {
                return Err(ExpressionError::new(at, "there are no { } here; lists have [ ]"));
            }
            Word::Sign(sign) => {
                return Err(ExpressionError::new(at, format!("a value belongs before {sign}")));
            }
            Word::End => {
                return Err(ExpressionError::new(at, "the expression ends where a value belongs"));
            }
        };
        Ok(Node { at, what })
    }

    fn named(&mut self, name: &str, at: usize) -> Parsed<What> {
        if self.take_sign("(") {
            return self.function(name, at);
        }
        if let Some(index) = self.locals.iter().position(|local| local == name) {
            return Ok(What::Local(index));
        }
        if let Some(variable) = self.variables.iter().find(|variable| variable.name() == name) {
            return Ok(What::Variable(*variable));
        }
        match name {
            "true" => Ok(What::Condition(true)),
            "false" => Ok(What::Condition(false)),
            "null" => Ok(What::Nothing),
            "in" => Err(ExpressionError::new(at, "a value belongs before in")),
            "not" => Err(ExpressionError::new(at, "write ! for not")),
            _ => {
                let mut known: Vec<&str> = self.variables.iter().map(|v| v.name()).collect();
                known.extend(self.locals.iter().map(String::as_str));
                let message = format!(
                    "nothing here is called {name}{}; there are {}",
                    suggestion(name, known.iter().copied()),
                    known.join(", ")
                );
                Err(ExpressionError::new(at, message))
            }
        }
    }

    /// Stands after the opening bracket.
    fn function(&mut self, name: &str, at: usize) -> Parsed<What> {
        if !FUNCTIONS.contains(&name) {
            let is_method = methods().any(|method| method == name);
            let advice = if is_method {
                format!("{name} stands after a value: write value.{name}(…)")
            } else {
                let near = suggestion(name, FUNCTIONS.into_iter());
                format!("there is no function {name}{near}; there are {}", FUNCTIONS.join(", "))
            };
            return Err(ExpressionError::new(at, advice));
        }
        let mut arguments = self.list_until(")")?;
        let wanted = if name == "default" { 2 } else { 1 };
        let (Some(first), second, true) =
            (nth(&mut arguments, 0), nth(&mut arguments, 0), arguments.is_empty())
        else {
            return Err(wrong_count(name, wanted, wanted, at));
        };
        match (name, second) {
            ("default", Some(second)) => Ok(What::Default(Box::new((first, second)))),
            ("has", None) => Ok(What::Present(Box::new(first), true)),
            ("string", None) => Ok(What::AsText(Box::new(first))),
            ("size", None) => {
                let step = Step { at, what: StepKind::Call(Method::Size, Vec::new()) };
                Ok(What::Steps(Box::new(first), vec![step]))
            }
            _ => Err(wrong_count(name, wanted, wanted, at)),
        }
    }

    /// Stands after the dot.
    fn dotted(&mut self, at: usize) -> Parsed<StepKind> {
        let Word::Name(name) = self.advance().word else {
            return Err(ExpressionError::new(
                at,
                "a name belongs after the dot; quote others: [\"…\"]",
            ));
        };
        if !self.take_sign("(") {
            return Ok(StepKind::Member(name));
        }
        if let Some((_, kind)) = LOOPS.iter().find(|(known, _)| *known == name) {
            let body = self.loop_body(&name, at)?;
            if !matches!(kind, super::tree::Loop::Map) {
                condition(&body)?;
            }
            return Ok(StepKind::Loop(*kind, body));
        }
        let arguments = self.list_until(")")?;
        if name == "matches" {
            return pattern(&arguments, at);
        }
        match METHODS.iter().find(|(known, ..)| *known == name) {
            Some(&(_, method, least, most)) if (least..=most).contains(&arguments.len()) => {
                Ok(StepKind::Call(method, arguments))
            }
            Some(&(_, _, least, most)) => Err(wrong_count(&name, least, most, at)),
            None => Err(ExpressionError::new(at, unknown_method(&name))),
        }
    }

    /// `(name, expression)` behind the opening bracket.
    fn loop_body(&mut self, method: &str, at: usize) -> Parsed<Node> {
        let advice = format!("write {method}(name, …), with a name for each element");
        let token = self.advance();
        let Word::Name(name) = token.word else {
            return Err(ExpressionError::new(token.at, advice));
        };
        let taken = self.locals.contains(&name)
            || self.variables.iter().any(|variable| variable.name() == name)
            || ["true", "false", "null", "in"].contains(&name.as_str());
        if taken {
            let message = format!("{name} means something else already; take another name");
            return Err(ExpressionError::new(token.at, message));
        }
        if !self.take_sign(",") {
            return Err(ExpressionError::new(at, advice));
        }
        self.locals.push(name);
        let body = self.expression();
        self.locals.pop();
        let body = body?;
        self.expect(")", &format!("the second part of {method}"))?;
        Ok(body)
    }
}

fn nth(arguments: &mut Vec<Node>, index: usize) -> Option<Node> {
    (index < arguments.len()).then(|| arguments.remove(index))
}

fn wrong_count(name: &str, least: usize, most: usize, at: usize) -> ExpressionError {
    let count = if least == most { least.to_string() } else { format!("{least} or {most}") };
    let noun = if most == 1 { "value" } else { "values" };
    ExpressionError::new(at, format!("{name} takes {count} {noun} in its brackets"))
}

/// A pattern is compiled when it is saved, and always means the whole text: `matches` of CEL finds
/// it anywhere, and a rule about an address that forgot its ends would let strangers in.
fn pattern(arguments: &[Node], at: usize) -> Parsed<StepKind> {
    let [Node { at, what: What::Text(pattern) }] = arguments else {
        return Err(ExpressionError::new(
            at,
            "matches takes one pattern, in quotes: matches(r\"^…$\")",
        ));
    };
    let inner = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$'));
    let escapes = |rest: &&str| rest.chars().rev().take_while(|&l| l == '\\').count() % 2 == 0;
    let Some(inner) = inner.filter(escapes) else {
        let advice =
            "begin the pattern with ^ and end it with $, and write .* where anything may stand";
        return Err(ExpressionError::new(*at, advice));
    };
    RegexBuilder::new(&format!(r"\A(?:{inner})\z"))
        .size_limit(MAX_PATTERN)
        .dfa_size_limit(MAX_PATTERN)
        .nest_limit(MAX_PATTERN_DEPTH)
        .build()
        .map(StepKind::Matches)
        .map_err(|error| ExpressionError::new(*at, unusable(&error)))
}

fn unusable(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "this pattern is too large; count less, and write \
                                            [0-9A-Za-z_] for \\w"
            .to_owned(),
        // The library draws the pattern over several lines; the reason is the last one.
        other => {
            let text = other.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("this is no pattern: {reason}")
        }
    }
}

fn methods() -> impl Iterator<Item = &'static str> {
    let named = METHODS.iter().map(|(name, ..)| *name);
    named.chain(LOOPS.iter().map(|(name, _)| *name)).chain(["matches"])
}

fn unknown_method(name: &str) -> String {
    match name {
        "contains" => {
            "there is no contains; write x in list for a list, and matches(r\"^.*x.*$\") \
                       for a part of a text"
                .to_owned()
        }
        "has" | "default" | "string" => {
            format!("{name} stands before its value: write {name}(…)")
        }
        _ => {
            let near = suggestion(name, methods());
            let all: Vec<_> = methods().collect();
            format!("there is no function {name}{near}; there are {}", all.join(", "))
        }
    }
}

/// `; did you mean …?`, or nothing. Of a short name there is little to mistype.
fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known
        .map(|known| {
            let beginning = known.to_lowercase().starts_with(&name.to_lowercase());
            (if beginning { 1 } else { distance(known, name) }, known)
        })
        .min()
        .filter(|(distance, _)| *distance <= (name.len() / 2).min(3));
    nearest.map_or_else(String::new, |(_, known)| format!("; did you mean {known}?"))
}
