//! `exists`, `all`, `filter` and `map`: one element after the other, each step paid for.

use super::error::EvaluationFault;
use super::evaluate::{Outcome, Run, condition};
use super::tree::{Loop, Node};
use super::value::{ELEMENT, Item, List};

impl<'x> Run<'x> {
    pub fn each(
        &mut self,
        kind: Loop,
        item: &Item<'x>,
        body: &'x Node,
        at: usize,
    ) -> Outcome<Item<'x>> {
        let Some(list) = self.elements(item, at)? else { return Ok(Item::Missing) };
        match kind {
            Loop::Exists => self.until(&list, body, true),
            Loop::All => self.until(&list, body, false),
            Loop::Filter => self.filter(&list, body, at),
            Loop::Map => self.map(&list, body, at),
        }
    }

    fn with<T>(
        &mut self,
        element: Item<'x>,
        body: &'x Node,
        run: fn(&mut Self, &'x Node) -> Outcome<T>,
    ) -> Outcome<T> {
        self.locals.push(element);
        let outcome = run(self, body);
        self.locals.pop();
        outcome
    }

    /// As `||` and `&&` over the elements.
    fn until(&mut self, list: &List<'x>, body: &'x Node, decisive: bool) -> Outcome<Item<'x>> {
        let mut outcome = Some(!decisive);
        for element in list.iter() {
            match self.with(element, body, Self::truth)? {
                Some(yes) if yes == decisive => return Ok(Item::Condition(decisive)),
                Some(_) => {}
                None => outcome = None,
            }
        }
        Ok(condition(outcome))
    }

    /// Keeps what holds, and nothing of which that is not known.
    fn filter(&mut self, list: &List<'x>, body: &'x Node, at: usize) -> Outcome<Item<'x>> {
        let mut kept = Vec::new();
        for element in list.iter() {
            if self.with(element.clone(), body, Self::truth)? == Some(true) {
                self.budget.make(ELEMENT, at)?;
                kept.push(element);
            }
        }
        Ok(Item::List(List::Made(kept.into())))
    }

    /// Missing as a whole if one element is: half a list of groups is not what anybody is in.
    fn map(&mut self, list: &List<'x>, body: &'x Node, at: usize) -> Outcome<Item<'x>> {
        let mut made = Vec::new();
        for element in list.iter() {
            self.budget.make(ELEMENT, at)?;
            match self.with(element, body, Self::node)? {
                Item::Missing => return Ok(Item::Missing),
                Item::Object(_) | Item::User(_) => {
                    let message = "map gives a whole object; name a member of it";
                    return Err(EvaluationFault::new(body.at, message));
                }
                item => made.push(item),
            }
        }
        Ok(Item::List(List::Made(made.into())))
    }
}
