//! What texts and lists can do. Letters outside ASCII keep their case: no other alphabet's letter
//! becomes one of ours, so no name can be made to look like another by it.

use super::error::EvaluationFault;
use super::evaluate::{Outcome, Run, text};
use super::tree::{METHODS, Method, Number};
use super::value::{ELEMENT, Item, List};

impl<'x> Run<'x> {
    /// The arguments are complete, as many as the parser let through.
    pub fn call(
        &mut self,
        method: Method,
        item: &Item<'x>,
        arguments: &[Item<'x>],
        at: usize,
    ) -> Outcome<Item<'x>> {
        match method {
            Method::Size => return size(item, at, &mut |bytes| self.budget.look(bytes, at)),
            Method::Join => return self.joined(item, arguments, at),
            _ => {}
        }
        let subject = text(item, name(method), at)?;
        self.budget.look(subject.len(), at)?;
        let argument = |index: usize| match arguments.get(index) {
            Some(argument) => text(argument, name(method), at),
            None => Ok(""),
        };
        match method {
            Method::StartsWith => Ok(Item::Condition(subject.starts_with(argument(0)?))),
            Method::EndsWith => Ok(Item::Condition(subject.ends_with(argument(0)?))),
            Method::Split => self.split(subject, argument(0)?, at),
            Method::Replace => self.replace(subject, argument(0)?, argument(1)?, at),
            Method::Substring => self.substring(subject, arguments, at),
            Method::LowerAscii => self.made(subject.len(), at, || subject.to_ascii_lowercase()),
            Method::UpperAscii => self.made(subject.len(), at, || subject.to_ascii_uppercase()),
            Method::Trim | Method::Size | Method::Join => {
                self.made(subject.len(), at, || subject.trim().to_owned())
            }
        }
    }

    fn made(
        &mut self,
        bytes: usize,
        at: usize,
        make: impl FnOnce() -> String,
    ) -> Outcome<Item<'x>> {
        self.budget.make(bytes, at)?;
        Ok(Item::made(make()))
    }

    fn split(&mut self, subject: &str, separator: &str, at: usize) -> Outcome<Item<'x>> {
        not_empty(separator, "split", at)?;
        let count = subject.matches(separator).count() + 1;
        self.budget.step(count, at)?;
        self.budget.make(subject.len().saturating_add(count.saturating_mul(ELEMENT)), at)?;
        let parts: Vec<_> = subject.split(separator).map(Item::made).collect();
        Ok(Item::List(List::Made(parts.into())))
    }

    fn replace(&mut self, subject: &str, old: &str, new: &str, at: usize) -> Outcome<Item<'x>> {
        not_empty(old, "replace", at)?;
        let count = subject.matches(old).count();
        self.budget.step(count, at)?;
        // At least as long as what it becomes, and counted before anything is made.
        let bytes = subject.len().saturating_add(count.saturating_mul(new.len()));
        self.made(bytes, at, || subject.replace(old, new))
    }

    /// From one character to before another, counted from 0; missing where the text ends before.
    fn substring(&mut self, subject: &str, arguments: &[Item<'x>], at: usize) -> Outcome<Item<'x>> {
        let length = subject.chars().count();
        let mut bounds = [0, length];
        for (bound, argument) in bounds.iter_mut().zip(arguments) {
            let Item::Number(Number::Whole(number)) = argument else {
                let message = format!("substring takes whole numbers, not {}", argument.what());
                return Err(EvaluationFault::new(at, message));
            };
            match usize::try_from(*number) {
                Ok(number) if number <= length => *bound = number,
                _ => return Ok(Item::Missing),
            }
        }
        let [from, to] = bounds;
        if from > to {
            return Ok(Item::Missing);
        }
        self.made(subject.len(), at, || subject.chars().skip(from).take(to - from).collect())
    }

    fn joined(&mut self, item: &Item<'x>, arguments: &[Item<'x>], at: usize) -> Outcome<Item<'x>> {
        let Some(list) = self.elements(item, at)? else { return Ok(Item::Missing) };
        let separator = arguments.first().map_or(Ok(""), |argument| text(argument, "join", at))?;
        let mut joined = String::new();
        for (index, element) in list.iter().enumerate() {
            if let Item::Missing = element {
                return Ok(element);
            }
            let part = text(&element, "join", at)?;
            self.budget.step(1, at)?;
            self.budget.make(part.len().saturating_add(separator.len()), at)?;
            if index > 0 {
                joined.push_str(separator);
            }
            joined.push_str(part);
        }
        Ok(Item::made(joined))
    }
}

/// Characters of a text, elements of a list.
fn size<'x>(
    item: &Item<'x>,
    at: usize,
    look: &mut dyn FnMut(usize) -> Outcome<()>,
) -> Outcome<Item<'x>> {
    let size = match item {
        Item::Text(text) => {
            look(text.as_str().len())?;
            text.as_str().chars().count()
        }
        Item::List(list) => list.len(),
        other => {
            let message = format!("size takes a text or a list, and this is {}", other.what());
            return Err(EvaluationFault::new(at, message));
        }
    };
    Ok(i128::try_from(size).map_or(Item::Missing, |size| Item::Number(Number::Whole(size))))
}

fn not_empty(argument: &str, method: &str, at: usize) -> Outcome<()> {
    if argument.is_empty() {
        return Err(EvaluationFault::new(at, format!("{method} takes a text that is not empty")));
    }
    Ok(())
}

fn name(method: Method) -> &'static str {
    let named = METHODS.iter().find(|(_, known, ..)| *known == method);
    named.map_or("this", |(name, ..)| *name)
}
