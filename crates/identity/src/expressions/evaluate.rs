//! Running an expression: a walk over its tree that counts every step.
//!
//! What is missing is neither true nor false, and what is made of it is missing too; only a test
//! for presence, `default`, and the other side of `&&` or `||` can answer in its place.

use std::cmp::Ordering;

use super::error::EvaluationFault;
use super::place::Given;
use super::tree::{Comparison, Node, Number, Step, StepKind, Variable, What};
use super::value::{ELEMENT, Item, List, Text};
use super::{MAX_OUTPUT, MAX_STEPS};

pub(super) type Outcome<T> = Result<T, EvaluationFault>;

/// Bytes of text that one step looks at.
const BYTES_PER_STEP: usize = 32;
/// Steps for a byte that a pattern looks at: it may be in many of its states at once.
const STEPS_PER_MATCHED_BYTE: usize = 4;

/// What an evaluation may still do.
pub(super) struct Budget {
    steps: usize,
    output: usize,
}

impl Budget {
    pub fn step(&mut self, count: usize, at: usize) -> Outcome<()> {
        let advice = "this takes too many steps for these facts; loop over less";
        spend(&mut self.steps, count, at, advice)
    }

    /// Pays for bytes before they are made.
    pub fn make(&mut self, bytes: usize, at: usize) -> Outcome<()> {
        spend(&mut self.output, bytes, at, "this makes too much text for these facts; make less")
    }

    /// Looking at a text from end to end.
    pub fn look(&mut self, bytes: usize, at: usize) -> Outcome<()> {
        self.step(bytes / BYTES_PER_STEP, at)
    }
}

fn spend(left: &mut usize, count: usize, at: usize, advice: &str) -> Outcome<()> {
    *left = left.checked_sub(count).ok_or_else(|| EvaluationFault::new(at, advice))?;
    Ok(())
}

/// One evaluation.
pub(super) struct Run<'x> {
    look: &'x dyn Fn(Variable) -> Given<'x>,
    pub budget: Budget,
    /// What loops have given a name to, the outermost first.
    pub locals: Vec<Item<'x>>,
}

impl<'x> Run<'x> {
    pub fn new(look: &'x dyn Fn(Variable) -> Given<'x>) -> Self {
        let budget = Budget { steps: MAX_STEPS, output: MAX_OUTPUT };
        Self { look, budget, locals: Vec::new() }
    }

    pub fn node(&mut self, node: &'x Node) -> Outcome<Item<'x>> {
        self.budget.step(1, node.at)?;
        match &node.what {
            What::Nothing => Ok(Item::Missing),
            What::Condition(yes) => Ok(Item::Condition(*yes)),
            What::Number(number) => Ok(Item::Number(*number)),
            What::Text(text) => Ok(Item::Text(Text::Seen(text))),
            What::Variable(variable) => Ok((self.look)(*variable).into()),
            What::Local(index) => Ok(self.locals.get(*index).cloned().unwrap_or(Item::Missing)),
            What::List(nodes) => self.list(nodes, node.at),
            What::Not(inner) => Ok(condition(self.truth(inner)?.map(|yes| !yes))),
            What::All(parts) => self.fold(parts, false),
            What::Any(parts) => self.fold(parts, true),
            What::Join(parts) => self.join(parts, node.at),
            What::Compare(comparison, two) => self.compare(*comparison, two, node.at),
            What::In(two) => self.contained(two, node.at),
            What::Present(inner, wanted) => {
                let present = !matches!(self.node(inner)?, Item::Missing);
                Ok(Item::Condition(present == *wanted))
            }
            What::Choose(arms, otherwise) => self.choose(arms, otherwise),
            What::Default(two) => match self.node(&two.0)? {
                Item::Missing => self.node(&two.1),
                found => Ok(found),
            },
            What::AsText(inner) => self.as_text(inner),
            What::Steps(base, steps) => self.steps(base, steps),
        }
    }

    /// True, false, or neither.
    pub fn truth(&mut self, node: &'x Node) -> Outcome<Option<bool>> {
        match self.node(node)? {
            Item::Condition(yes) => Ok(Some(yes)),
            Item::Missing => Ok(None),
            other => {
                let message = format!("a condition belongs here, and this is {}", other.what());
                Err(EvaluationFault::new(node.at, message))
            }
        }
    }

    /// `&&` is decided by a false, `||` by a true, wherever it stands; else by what is missing.
    fn fold(&mut self, parts: &'x [Node], decisive: bool) -> Outcome<Item<'x>> {
        let mut outcome = Some(!decisive);
        for part in parts {
            match self.truth(part)? {
                Some(yes) if yes == decisive => return Ok(Item::Condition(decisive)),
                Some(_) => {}
                None => outcome = None,
            }
        }
        Ok(condition(outcome))
    }

    fn choose(&mut self, arms: &'x [(Node, Node)], otherwise: &'x Node) -> Outcome<Item<'x>> {
        for (asked, result) in arms {
            match self.truth(asked)? {
                Some(true) => return self.node(result),
                Some(false) => {}
                None => return Ok(Item::Missing),
            }
        }
        self.node(otherwise)
    }

    /// None if one of them is missing.
    fn all_of(&mut self, nodes: &'x [Node]) -> Outcome<Option<Vec<Item<'x>>>> {
        let items: Vec<_> = nodes.iter().map(|node| self.node(node)).collect::<Result<_, _>>()?;
        let complete = !items.iter().any(|item| matches!(item, Item::Missing));
        Ok(complete.then_some(items))
    }

    fn list(&mut self, nodes: &'x [Node], at: usize) -> Outcome<Item<'x>> {
        self.budget.make(nodes.len().saturating_mul(ELEMENT), at)?;
        let items = self.all_of(nodes)?;
        Ok(items.map_or(Item::Missing, |items| Item::List(List::Made(items.into()))))
    }

    fn join(&mut self, parts: &'x [Node], at: usize) -> Outcome<Item<'x>> {
        let Some(items) = self.all_of(parts)? else { return Ok(Item::Missing) };
        if items.iter().any(|item| matches!(item, Item::List(_))) {
            let mut joined = Vec::new();
            for item in &items {
                let Some(list) = self.elements(item, at)? else { return Ok(Item::Missing) };
                self.budget.step(list.len(), at)?;
                self.budget.make(list.len().saturating_mul(ELEMENT), at)?;
                joined.extend(list.iter());
            }
            return Ok(Item::List(List::Made(joined.into())));
        }
        let mut joined = String::new();
        for (item, part) in items.iter().zip(parts) {
            let Item::Text(text) = item else {
                let advice = "+ joins texts or lists; write string(…) around a number";
                return Err(EvaluationFault::new(
                    part.at,
                    format!("this is {}; {advice}", item.what()),
                ));
            };
            self.budget.make(text.as_str().len(), at)?;
            joined.push_str(text.as_str());
        }
        Ok(Item::made(joined))
    }

    fn as_text(&mut self, inner: &'x Node) -> Outcome<Item<'x>> {
        let made = match self.node(inner)? {
            item @ (Item::Missing | Item::Text(_)) => return Ok(item),
            Item::Condition(yes) => yes.to_string(),
            Item::Number(Number::Whole(number)) => number.to_string(),
            Item::Number(Number::Decimal(number)) => number.to_string(),
            other => {
                let message = format!("string takes a number or a condition, not {}", other.what());
                return Err(EvaluationFault::new(inner.at, message));
            }
        };
        self.budget.make(made.len(), inner.at)?;
        Ok(Item::made(made))
    }

    fn compare(
        &mut self,
        comparison: Comparison,
        two: &'x (Node, Node),
        at: usize,
    ) -> Outcome<Item<'x>> {
        let (left, right) = (self.node(&two.0)?, self.node(&two.1)?);
        let Some(order) = self.order(&left, &right, at)? else { return Ok(Item::Missing) };
        Ok(Item::Condition(match comparison {
            Comparison::Equal => order == Ordering::Equal,
            Comparison::Unequal => order != Ordering::Equal,
            Comparison::Less => order == Ordering::Less,
            Comparison::AtMost => order != Ordering::Greater,
            Comparison::Greater => order == Ordering::Greater,
            Comparison::AtLeast => order != Ordering::Less,
        }))
    }

    /// How two things of one kind stand to one another; none if one is missing. Of two kinds
    /// nothing is said: that "0" is not 0 would make `!=` true.
    fn order(&mut self, left: &Item<'x>, right: &Item<'x>, at: usize) -> Outcome<Option<Ordering>> {
        let order = match (left, right) {
            (Item::Missing, _) | (_, Item::Missing) => return Ok(None),
            (Item::Text(left), Item::Text(right)) => {
                let (left, right) = (left.as_str(), right.as_str());
                self.budget.look(left.len().min(right.len()), at)?;
                Some(left.cmp(right))
            }
            (Item::Number(left), Item::Number(right)) => numbers(*left, *right),
            (Item::Condition(left), Item::Condition(right)) => Some(left.cmp(right)),
            _ => None,
        };
        let message = || format!("{} is not compared with {}", left.what(), right.what());
        order.map(Some).ok_or_else(|| EvaluationFault::new(at, message()))
    }

    fn contained(&mut self, two: &'x (Node, Node), at: usize) -> Outcome<Item<'x>> {
        let (wanted, list) = (self.node(&two.0)?, self.node(&two.1)?);
        let Some(list) = self.elements(&list, two.1.at)? else { return Ok(Item::Missing) };
        if let Item::Missing = wanted {
            return Ok(Item::Missing);
        }
        let (mut outcome, mut unlike) = (Some(false), None);
        for element in list.iter() {
            self.budget.step(1, at)?;
            match self.order(&wanted, &element, at) {
                Ok(Some(Ordering::Equal)) => return Ok(Item::Condition(true)),
                Ok(Some(_)) => {}
                Ok(None) => outcome = None,
                Err(fault) => unlike = Some(fault),
            }
        }
        unlike.map_or_else(|| Ok(condition(outcome)), Err)
    }

    /// The list that something is or stands for: one text is a list of it, because providers send
    /// a single group so. None if it is missing.
    pub fn elements(&mut self, item: &Item<'x>, at: usize) -> Outcome<Option<List<'x>>> {
        match item {
            Item::Missing => Ok(None),
            Item::List(list) => Ok(Some(list.clone())),
            Item::Text(_) => Ok(Some(List::Made([item.clone()].into()))),
            other => {
                let message = format!("a list belongs here, and this is {}", other.what());
                Err(EvaluationFault::new(at, message))
            }
        }
    }

    fn steps(&mut self, base: &'x Node, steps: &'x [Step]) -> Outcome<Item<'x>> {
        let mut item = self.node(base)?;
        for step in steps {
            self.budget.step(1, step.at)?;
            // Arguments are not looked at for nothing.
            if let Item::Missing = item {
                return Ok(item);
            }
            item = match &step.what {
                StepKind::Member(name) => member(&item, name, step.at)?,
                StepKind::Index(index) => self.index(&item, index, step.at)?,
                StepKind::Call(method, arguments) => {
                    let Some(arguments) = self.all_of(arguments)? else { return Ok(Item::Missing) };
                    self.call(*method, &item, &arguments, step.at)?
                }
                StepKind::Matches(pattern) => {
                    let text = text(&item, "matches", step.at)?;
                    let steps = text.len().saturating_mul(STEPS_PER_MATCHED_BYTE);
                    self.budget.step(steps, step.at)?;
                    Item::Condition(pattern.is_match(text))
                }
                StepKind::Loop(kind, body) => self.each(*kind, &item, body, step.at)?,
            };
        }
        Ok(item)
    }

    fn index(&mut self, item: &Item<'x>, index: &'x Node, at: usize) -> Outcome<Item<'x>> {
        match (item, self.node(index)?) {
            (_, Item::Missing) => Ok(Item::Missing),
            (Item::Object(_), Item::Text(name)) => member(item, name.as_str(), at),
            (Item::List(list), Item::Number(Number::Whole(index))) => {
                Ok(usize::try_from(index).map_or(Item::Missing, |index| list.get(index)))
            }
            (_, index) => {
                let message = format!("{} has no place for {}", item.what(), index.what());
                Err(EvaluationFault::new(at, message))
            }
        }
    }
}

/// Neither true nor false is missing.
pub(super) fn condition<'x>(outcome: Option<bool>) -> Item<'x> {
    outcome.map_or(Item::Missing, Item::Condition)
}

/// The text that a method stands behind.
pub(super) fn text<'i>(item: &'i Item<'_>, method: &str, at: usize) -> Outcome<&'i str> {
    match item {
        Item::Text(text) => Ok(text.as_str()),
        other => {
            let message = format!("{method} takes a text, and this is {}", other.what());
            Err(EvaluationFault::new(at, message))
        }
    }
}

fn member<'x>(item: &Item<'x>, name: &str, at: usize) -> Outcome<Item<'x>> {
    let seen = |text| Item::Text(Text::Seen(text));
    match (item, name) {
        (Item::Object(members), _) => Ok(members.get(name).map_or(Item::Missing, Item::of)),
        (Item::User(user), "email") => Ok(seen(user.email)),
        (Item::User(user), "status") => Ok(seen(user.status)),
        (Item::User(user), "locale") => Ok(user.locale.map_or(Item::Missing, seen)),
        (Item::User(user), "groups") => Ok(Item::List(List::Words(user.groups))),
        (other, _) => {
            let message = format!("{} has no member {name}", other.what());
            Err(EvaluationFault::new(at, message))
        }
    }
}

/// Exact also where a decimal cannot tell two whole numbers apart.
fn numbers(left: Number, right: Number) -> Option<Ordering> {
    match (left, right) {
        (Number::Whole(left), Number::Whole(right)) => Some(left.cmp(&right)),
        (Number::Decimal(left), Number::Decimal(right)) => left.partial_cmp(&right),
        (Number::Whole(left), Number::Decimal(right)) => against(left, right),
        (Number::Decimal(left), Number::Whole(right)) => {
            against(right, left).map(Ordering::reverse)
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast saturates, which keeps the order")]
fn against(whole: i128, decimal: f64) -> Option<Ordering> {
    let floor = decimal.floor();
    let fraction = decimal.partial_cmp(&floor)?;
    Some(whole.cmp(&(floor as i128)).then(fraction.reverse()))
}
