//! What is wrong with an expression, or with what it met, and where.

use crate::text::printable;

/// Characters of a long expression that are shown on either side of the place.
const AROUND: usize = 50;

/// Why a text is no expression for its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct ExpressionError {
    column: usize,
    message: String,
}

/// Why an expression gave nothing for these facts. Whoever asked treats it as a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}")]
pub struct EvaluationFault {
    column: usize,
    message: String,
}

macro_rules! pointing {
    ($name:ident) => {
        impl $name {
            pub(super) fn new(column: usize, message: impl Into<String>) -> Self {
                Self { column, message: message.into() }
            }

            /// Where, in characters, beginning with 1. One more than the text has, if something
            /// is missing at its end.
            pub fn column(&self) -> usize {
                self.column
            }

            /// What is wrong, and what to write instead; without the place.
            pub fn message(&self) -> &str {
                &self.message
            }

            /// Three lines for a terminal: the line of the expression, a caret under the place,
            /// and the sentence.
            pub fn pointed(&self, text: &str) -> String {
                pointed(text, self.column, &self.message)
            }
        }
    };
}

pointing!(ExpressionError);
pointing!(EvaluationFault);

fn pointed(text: &str, column: usize, message: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let place = (column - 1).min(letters.len());
    let is_break = |&index: &usize| letters[index] == '\n';
    let begin = (0..place).rev().find(is_break).map_or(0, |at| at + 1);
    let end = (place..letters.len()).find(is_break).unwrap_or(letters.len());
    let (from, to) = (begin.max(place.saturating_sub(AROUND)), end.min(place + AROUND));
    // A tab would move the caret, and a control character the whole terminal.
    let shown = |range: &[char]| {
        let line: String = range.iter().map(|&l| if l == '\t' { ' ' } else { l }).collect();
        printable(&line)
    };
    let (before, after) = (shown(&letters[from..place]), shown(&letters[place..to]));
    let (cut, rest) = (if from > begin { "…" } else { "" }, if to < end { "…" } else { "" });
    let indent = " ".repeat(cut.chars().count() + before.chars().count());
    format!("{cut}{before}{after}{rest}\n{indent}^\ncolumn {column}: {message}")
}
