//! Expressions: what an operator writes to say who may pass, and what claims become.
//!
//! The language is a part of the Common Expression Language, checked whole when it is saved and
//! bounded when it runs; `docs/expressions.md` is its page for operators, and
//! `docs/decisions/0015-claim-expressions.md` says why it is this one. Nothing in it can loop for
//! ever, reach outside the facts that it is given, or change anything.

mod error;
mod evaluate;
mod lex;
mod loops;
mod methods;
mod parse;
mod place;
mod postfix;
mod tree;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use error::{EvaluationFault, ExpressionError};
pub use place::{Challenge, ChallengeFacts, KnownUser, Place, Rule, RuleFacts};
pub use tree::Kind;
pub use value::Value;

use evaluate::Run;
use place::sealed::Look;
use tree::Node;

/// Longest expression, in characters.
pub const MAX_LENGTH: usize = 2_000;
/// How deep brackets and conditions may stand in one another.
pub const MAX_DEPTH: usize = 20;
/// Steps of one evaluation: about one for each operator, element and 32 bytes of text looked at.
pub const MAX_STEPS: usize = 100_000;
/// Bytes of text and elements of lists (16 bytes each) that one evaluation may make.
pub const MAX_OUTPUT: usize = 64 * 1024;

/// An expression that was checked for its place: it names only what is there, and ends.
///
/// It is stored as its text and checked again when it is loaded.
#[derive(Serialize, Deserialize)]
#[serde(into = "String", try_from = "String", bound = "P: Place")]
pub struct Expression<P: Place> {
    text: Arc<str>,
    program: Arc<Program>,
    place: PhantomData<fn() -> P>,
}

/// What the parser makes of a text.
struct Program {
    root: Node,
    reads: BTreeSet<String>,
}

impl<P: Place> Expression<P> {
    /// Checks a text. The error names the first thing that is wrong, and its column.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        let tokens = lex::tokens(text)?;
        let (root, reads) = parse::program(&tokens, P::VARIABLES)?;
        let program = Arc::new(Program { root, reads });
        Ok(Self { text: text.into(), program, place: PhantomData })
    }

    /// The text, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The claims that it looks at, by their names at the top of the document. Nothing else of
    /// the claims can change what it gives.
    pub fn reads(&self) -> &BTreeSet<String> {
        &self.program.reads
    }

    /// What it gives, as far as that shows without any facts: a rule that can only be a text is
    /// no condition, and can be refused when it is saved.
    pub fn kind(&self) -> Kind {
        self.program.root.kind()
    }

    /// What it gives for these facts; the same for the same facts, every time.
    pub fn evaluate(&self, facts: &P::Facts<'_>) -> Result<Value, EvaluationFault> {
        let look = |variable| facts.look(variable);
        let mut run = Run::new(&look);
        let item = run.node(&self.program.root)?;
        value::owned(&item, &mut run.budget, self.program.root.at)
    }

    /// Whether it is true. What is neither true nor false, because a claim is missing, is not
    /// true; what gives a text or a list is a fault, never a yes.
    pub fn is_true(&self, facts: &P::Facts<'_>) -> Result<bool, EvaluationFault> {
        match self.evaluate(facts)? {
            Value::Condition(yes) => Ok(yes),
            Value::Missing => Ok(false),
            other => Err(self.unsuitable(&other, "a condition")),
        }
    }

    /// The text that it gives, or none where what it is made of is missing.
    pub fn text(&self, facts: &P::Facts<'_>) -> Result<Option<String>, EvaluationFault> {
        match self.evaluate(facts)? {
            Value::Text(text) => Ok(Some(text)),
            Value::Missing => Ok(None),
            other => Err(self.unsuitable(&other, "a text")),
        }
    }

    /// The texts that it gives, in their order: of a list, or one. None where what it is made of
    /// is missing, which is not the same as an empty list.
    pub fn texts(&self, facts: &P::Facts<'_>) -> Result<Option<Vec<String>>, EvaluationFault> {
        let list = match self.evaluate(facts)? {
            Value::Missing => return Ok(None),
            Value::List(list) => list,
            one => vec![one],
        };
        let mut texts = Vec::with_capacity(list.len());
        for element in list {
            match element {
                Value::Text(text) => texts.push(text),
                // Providers send null where they have nothing to say.
                Value::Missing => {}
                other => return Err(self.unsuitable(&other, "a text or a list of texts")),
            }
        }
        Ok(Some(texts))
    }

    fn unsuitable(&self, found: &Value, wanted: &str) -> EvaluationFault {
        let found = found.what();
        EvaluationFault::new(self.program.root.at, format!("this gives {found}, not {wanted}"))
    }
}

impl<P: Place> Clone for Expression<P> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), program: self.program.clone(), place: PhantomData }
    }
}

impl<P: Place> fmt::Debug for Expression<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl<P: Place> fmt::Display for Expression<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Two expressions of one place are one if their texts are.
impl<P: Place> PartialEq for Expression<P> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<P: Place> Eq for Expression<P> {}

impl<P: Place> From<Expression<P>> for String {
    fn from(expression: Expression<P>) -> Self {
        expression.text.as_ref().to_owned()
    }
}

impl<P: Place> TryFrom<String> for Expression<P> {
    type Error = ExpressionError;

    fn try_from(text: String) -> Result<Self, ExpressionError> {
        Self::compile(&text)
    }
}
