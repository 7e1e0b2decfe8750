//! What an expression meets and gives: borrowed from the facts while it runs, owned afterwards.

use std::fmt;
use std::rc::Rc;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::error::EvaluationFault;
use super::evaluate::Budget;
use super::place::{Given, KnownUser};
use super::tree::Number;

/// How deep lists may stand in one another in what an expression gives.
const MAX_NESTING: usize = 16;
/// What an element of a list costs of the output, in bytes.
pub(super) const ELEMENT: usize = 16;

/// What an expression gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing: a claim is missing or null, or what is made of it.
    Missing,
    /// True or false.
    Condition(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(String),
    /// A list, in the order in which it was made.
    List(Vec<Value>),
}

impl Value {
    /// What it is, for a sentence: `a text`.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Missing => "nothing",
            Self::Condition(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
        }
    }
}

/// As JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// A value while an expression runs. Copying it costs nothing, whatever its size.
#[derive(Clone)]
pub(super) enum Item<'x> {
    Missing,
    Condition(bool),
    Number(Number),
    Text(Text<'x>),
    List(List<'x>),
    Object(&'x Map<String, Json>),
    User(KnownUser<'x>),
}

#[derive(Clone)]
pub(super) enum Text<'x> {
    Seen(&'x str),
    Made(Rc<str>),
}

#[derive(Clone)]
pub(super) enum List<'x> {
    Claims(&'x [Json]),
    Words(&'x [&'x str]),
    Made(Rc<[Item<'x>]>),
}

impl Text<'_> {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Seen(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl<'x> List<'x> {
    pub fn len(&self) -> usize {
        match self {
            Self::Claims(list) => list.len(),
            Self::Words(list) => list.len(),
            Self::Made(list) => list.len(),
        }
    }

    /// Missing past the end.
    pub fn get(&self, index: usize) -> Item<'x> {
        let item = match self {
            Self::Claims(list) => list.get(index).map(Item::of),
            Self::Words(list) => list.get(index).map(|word| Item::Text(Text::Seen(word))),
            Self::Made(list) => list.get(index).cloned(),
        };
        item.unwrap_or(Item::Missing)
    }

    pub fn iter(&self) -> impl Iterator<Item = Item<'x>> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }
}

impl<'x> Item<'x> {
    pub fn of(json: &'x Json) -> Self {
        match json {
            Json::Null => Self::Missing,
            Json::Bool(yes) => Self::Condition(*yes),
            Json::Number(number) => Self::Number(read_number(number)),
            Json::String(text) => Self::Text(Text::Seen(text)),
            Json::Array(list) => Self::List(List::Claims(list)),
            Json::Object(members) => Self::Object(members),
        }
    }

    pub fn made(text: impl Into<Rc<str>>) -> Self {
        Self::Text(Text::Made(text.into()))
    }

    pub fn what(&self) -> &'static str {
        match self {
            Self::Missing => "nothing",
            Self::Condition(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) | Self::User(_) => "an object",
        }
    }
}

impl<'x> From<Given<'x>> for Item<'x> {
    fn from(given: Given<'x>) -> Self {
        match given {
            Given::Nothing => Self::Missing,
            Given::Condition(yes) => Self::Condition(yes),
            Given::Text(text) => Self::Text(Text::Seen(text)),
            Given::Claims(claims) => Self::Object(claims),
            Given::User(user) => Self::User(user),
        }
    }
}

fn read_number(number: &serde_json::Number) -> Number {
    match number.as_i128() {
        Some(whole) => Number::Whole(whole),
        None => Number::Decimal(number.as_f64().unwrap_or(f64::NAN)),
    }
}

fn write_number(number: Number) -> Value {
    let written = match number {
        Number::Whole(whole) => serde_json::Number::from_i128(whole),
        Number::Decimal(decimal) => serde_json::Number::from_f64(decimal),
    };
    written.map_or(Value::Missing, Value::Number)
}

/// A copy to keep, within the budget.
pub(super) fn owned(
    item: &Item<'_>,
    budget: &mut Budget,
    at: usize,
) -> Result<Value, EvaluationFault> {
    copied(item, budget, at, 0)
}

fn copied(
    item: &Item<'_>,
    budget: &mut Budget,
    at: usize,
    depth: usize,
) -> Result<Value, EvaluationFault> {
    Ok(match item {
        Item::Missing => Value::Missing,
        Item::Condition(yes) => Value::Condition(*yes),
        Item::Number(number) => write_number(*number),
        Item::Text(text) => {
            budget.make(text.as_str().len(), at)?;
            Value::Text(text.as_str().to_owned())
        }
        Item::List(_) if depth == MAX_NESTING => {
            let message = format!("this gives lists more than {MAX_NESTING} deep");
            return Err(EvaluationFault::new(at, message));
        }
        Item::List(list) => {
            budget.make(list.len().saturating_mul(ELEMENT), at)?;
            let elements = list.iter().map(|element| copied(&element, budget, at, depth + 1));
            Value::List(elements.collect::<Result<_, _>>()?)
        }
        Item::Object(_) | Item::User(_) => {
            return Err(EvaluationFault::new(at, "this gives a whole object; name a member of it"));
        }
    })
}
