//! From words to a tree, by recursive descent with a counted depth.
//!
//! From the loosest: `?:`, `||`, `&&`, comparisons and `in`, `+`, `!`, and what follows a value.

use std::collections::BTreeSet;

use super::MAX_DEPTH;
use super::error::ExpressionError;
use super::lex::{Token, Word};
use super::tree::{Comparison, Kind, Node, Number, Variable, What};

/// The tree of a whole text, and the claims that it reads.
pub(super) fn program(
    tokens: &[Token],
    variables: &'static [Variable],
) -> Result<(Node, BTreeSet<String>), ExpressionError> {
    let Some((end, words)) = tokens.split_last() else {
        return Err(ExpressionError::new(1, "write an expression"));
    };
    let mut parser = Parser {
        words,
        end,
        next: 0,
        variables,
        locals: Vec::new(),
        reads: BTreeSet::new(),
        depth: 0,
    };
    let root = parser.expression()?;
    match &parser.token().word {
        Word::End => Ok((root, parser.reads)),
        found => {
            Err(parser.here(&format!("{}; {}", left_over(found), "join two parts with && or ||")))
        }
    }
}

fn left_over(found: &Word) -> String {
    match found {
        Word::Sign(sign @ (")" | "]" | "}")) => format!("nothing was opened that {sign} closes"),
        Word::Sign(sign) => format!("{sign} cannot stand here"),
        Word::Name(name) => match name.as_str() {
            "and" => "write && for and".to_owned(),
            "or" => "write || for or".to_owned(),
            "not" => "write !(x in list) for not in".to_owned(),
            "if" | "else" => "write condition ? this : that".to_owned(),
            _ => format!("{name} follows without a sign between"),
        },
        _ => "a second value follows without a sign between".to_owned(),
    }
}

pub(super) struct Parser<'a> {
    words: &'a [Token],
    /// What stands behind the last word.
    end: &'a Token,
    next: usize,
    pub variables: &'static [Variable],
    /// Names that loops have given, the outermost first.
    pub locals: Vec<String>,
    pub reads: BTreeSet<String>,
    depth: usize,
}

impl Parser<'_> {
    /// The next word; behind the last one the end, however often.
    pub fn token(&self) -> &Token {
        self.words.get(self.next).unwrap_or(self.end)
    }

    pub fn advance(&mut self) -> Token {
        let token = self.token().clone();
        self.next += 1;
        token
    }

    pub fn here(&self, message: &str) -> ExpressionError {
        ExpressionError::new(self.token().at, message)
    }

    pub fn is_sign(&self, sign: &str) -> bool {
        matches!(self.token().word, Word::Sign(found) if found == sign)
    }

    pub fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.next += usize::from(found);
        found
    }

    pub fn expect(&mut self, sign: &str, after: &str) -> Result<(), ExpressionError> {
        if self.take_sign(sign) {
            return Ok(());
        }
        Err(self.here(&format!("{sign} is missing after {after}")))
    }

    /// One expression. Everything that stands in brackets comes through here, so this is where
    /// depth is counted, before there is any.
    pub fn expression(&mut self) -> Result<Node, ExpressionError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let advice = format!("brackets stand more than {MAX_DEPTH} deep; split the expression");
            return Err(self.here(&advice));
        }
        let node = self.choice();
        self.depth -= 1;
        node
    }

    /// `a ? x : b ? y : z` is a list of arms, however long.
    fn choice(&mut self) -> Result<Node, ExpressionError> {
        let mut last = self.any()?;
        let at = last.at;
        let mut arms = Vec::new();
        while self.take_sign("?") {
            condition(&last)?;
            let result = self.any()?;
            self.expect(":", "what holds if the condition does")?;
            arms.push((last, result));
            last = self.any()?;
        }
        if arms.is_empty() {
            return Ok(last);
        }
        Ok(Node { at, what: What::Choose(arms, Box::new(last)) })
    }

    fn any(&mut self) -> Result<Node, ExpressionError> {
        self.chain("||", Self::all, What::Any, condition)
    }

    fn all(&mut self) -> Result<Node, ExpressionError> {
        self.chain("&&", Self::comparison, What::All, condition)
    }

    fn sum(&mut self) -> Result<Node, ExpressionError> {
        self.chain("+", Self::not, What::Join, joinable)
    }

    fn chain(
        &mut self,
        sign: &str,
        part: fn(&mut Self) -> Result<Node, ExpressionError>,
        what: fn(Vec<Node>) -> What,
        check: fn(&Node) -> Result<(), ExpressionError>,
    ) -> Result<Node, ExpressionError> {
        let first = part(self)?;
        if !self.is_sign(sign) {
            return Ok(first);
        }
        let at = first.at;
        check(&first)?;
        let mut parts = vec![first];
        while self.take_sign(sign) {
            let next = part(self)?;
            check(&next)?;
            parts.push(next);
        }
        Ok(Node { at, what: what(parts) })
    }

    fn comparison(&mut self) -> Result<Node, ExpressionError> {
        let left = self.sum()?;
        let at = left.at;
        let sign = self.token().clone();
        let comparison = match &sign.word {
            Word::Sign(sign) => Comparison::of(sign),
            Word::Name(name) if name == "in" => None,
            _ => return Ok(left),
        };
        if comparison.is_none() && matches!(sign.word, Word::Sign(_)) {
            return Ok(left);
        }
        self.next += 1;
        let right = self.sum()?;
        let what = match comparison {
            None => What::In(Box::new((left, right))),
            Some(comparison) => compared(comparison, left, right, sign.at)?,
        };
        let again = match &self.token().word {
            Word::Sign(sign) => Comparison::of(sign).is_some(),
            Word::Name(name) => name == "in",
            _ => false,
        };
        if again {
            return Err(self.here("compare two things at a time; join comparisons with &&"));
        }
        Ok(Node { at, what })
    }

    /// `!!!x` is one `!` or none, however many there are.
    fn not(&mut self) -> Result<Node, ExpressionError> {
        let at = self.token().at;
        let mut times = 0_usize;
        while self.take_sign("!") {
            times += 1;
        }
        if times == 0 {
            return self.signed();
        }
        let node = self.signed()?;
        condition(&node)?;
        let mut what = What::Not(Box::new(node));
        if times.is_multiple_of(2) {
            what = What::Not(Box::new(Node { at, what }));
        }
        Ok(Node { at, what })
    }

    fn signed(&mut self) -> Result<Node, ExpressionError> {
        if !self.is_sign("-") {
            return self.postfix();
        }
        let at = self.advance().at;
        let number = match self.advance().word {
            Word::Number(Number::Whole(number)) => Number::Whole(-number),
            Word::Number(Number::Decimal(number)) => Number::Decimal(-number),
            _ => {
                let advice = "- only stands before a number: numbers are only compared";
                return Err(ExpressionError::new(at, advice));
            }
        };
        Ok(Node { at, what: What::Number(number) })
    }

    /// Values up to a closing sign, with commas between; one comma may follow the last.
    pub fn list_until(&mut self, close: &'static str) -> Result<Vec<Node>, ExpressionError> {
        let mut nodes = Vec::new();
        while !self.take_sign(close) {
            nodes.push(self.expression()?);
            if !self.take_sign(",") && !self.is_sign(close) {
                return Err(self.here(&format!("write a comma, or {close} to end the list")));
            }
        }
        Ok(nodes)
    }
}

/// Refuses what can only be something else than true or false.
pub(super) fn condition(node: &Node) -> Result<(), ExpressionError> {
    match node.kind() {
        Kind::Condition | Kind::Open => Ok(()),
        other => Err(ExpressionError::new(
            node.at,
            format!(
                "a condition belongs here, and this is {}; compare it, as in claims.a == \"x\"",
                other.what()
            ),
        )),
    }
}

fn joinable(node: &Node) -> Result<(), ExpressionError> {
    match node.kind() {
        Kind::Text | Kind::List | Kind::Open => Ok(()),
        Kind::Number => Err(ExpressionError::new(
            node.at,
            "+ joins texts or lists; write string(…) around a number",
        )),
        Kind::Condition => Err(ExpressionError::new(
            node.at,
            "+ joins texts or lists; put brackets around the comparison, or && between",
        )),
    }
}

fn compared(
    comparison: Comparison,
    left: Node,
    right: Node,
    sign_at: usize,
) -> Result<What, ExpressionError> {
    let is_nothing = |node: &Node| matches!(node.what, What::Nothing);
    let asks_presence = match comparison {
        Comparison::Equal => Some(false),
        Comparison::Unequal => Some(true),
        _ => None,
    };
    if is_nothing(&left) || is_nothing(&right) {
        let wanted = asks_presence
            .ok_or_else(|| ExpressionError::new(sign_at, "null is only compared with == or !="))?;
        let of = if is_nothing(&left) { right } else { left };
        return Ok(What::Present(Box::new(of), wanted));
    }
    match (left.kind(), right.kind()) {
        (Kind::List, _) | (_, Kind::List) => {
            let advice = "lists are not compared; write x in list, or list.size() == 0";
            return Err(ExpressionError::new(sign_at, advice));
        }
        (Kind::Open, _) | (_, Kind::Open) => {}
        (one, other) if one != other => {
            let message = format!("{} never equals {}", one.what(), other.what());
            return Err(ExpressionError::new(sign_at, message));
        }
        _ => {}
    }
    Ok(What::Compare(comparison, Box::new((left, right))))
}
