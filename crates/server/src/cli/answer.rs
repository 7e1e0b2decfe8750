//! What a command says: for people as text, for programs as JSON.

use std::io::Write;
use std::process::ExitCode;

use identity::text::{is_unprintable, printable};
use serde_json::{Value, json};

/// What was done or found.
#[derive(Debug)]
pub struct Answer {
    /// For people.
    pub text: String,
    /// For programs; stable.
    pub json: Value,
    /// What the process ends with.
    status: ExitCode,
}

impl Answer {
    /// The same, said twice.
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, status: ExitCode::SUCCESS }
    }

    /// The same, for a program that only looks at the exit code: 1.
    pub fn unwell(self) -> Self {
        Self { status: ExitCode::FAILURE, ..self }
    }

    /// Nothing to say.
    pub fn silent() -> Self {
        Self::new("", Value::Null)
    }

    /// To standard output.
    pub fn print(&self, as_json: bool) -> ExitCode {
        let text = match (as_json, &self.json) {
            (true, Value::Null) => return self.status,
            (true, json) => for_a_terminal_as_json(json),
            (false, _) if self.text.is_empty() => return self.status,
            (false, _) => for_a_terminal(self.text.trim_end()),
        };
        // Whoever closed the pipe has read enough.
        let _ = writeln!(std::io::stdout(), "{text}");
        self.status
    }
}

/// Why it was not done, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Stable.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
}

impl Failure {
    /// With a sentence that says what to do.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// To standard error; the exit code is 1.
    pub fn print(&self, as_json: bool) -> ExitCode {
        let text = if as_json {
            for_a_terminal_as_json(
                &json!({ "error": { "code": self.code, "message": self.message } }),
            )
        } else {
            format!("vestibule: {}", for_a_terminal(&self.message))
        };
        let _ = writeln!(std::io::stderr(), "{text}");
        ExitCode::FAILURE
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        let code = match &error {
            store::Error::Conflict(conflict) => conflict.code(),
            store::Error::NotFound => "not_found",
            store::Error::Busy(_) => "busy",
            store::Error::Broken(_) => "broken",
        };
        Self::new(code, error.to_string())
    }
}

/// Line by line, without what a terminal would obey: names and answers of providers come from
/// outside.
fn for_a_terminal(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// JSON itself escapes no more than the first 32 characters (RFC 8259 section 7).
fn for_a_terminal_as_json(json: &Value) -> String {
    let escaped = |letter: char| {
        if is_unprintable(letter) {
            format!("\\u{:04x}", u32::from(letter))
        } else {
            letter.to_string()
        }
    };
    json.to_string().chars().map(escaped).collect()
}

/// Columns that stand under each other, with a heading; every row is one line.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading = heading.iter().map(|cell| (*cell).to_owned()).collect();
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&heading).chain(&rows).collect();
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The line under a list of which there is more.
pub fn more(next: Option<&String>) -> String {
    next.map_or_else(String::new, |next| format!("\n\nThere are more: --after {next}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows =
            vec![vec!["a".to_owned(), "x".to_owned()], vec!["ccc".to_owned(), "".to_owned()]];
        assert_eq!(table(&["K", "V"], &rows), "K    V\na    x\nccc");
    }

    #[test]
    fn nothing_from_outside_reaches_the_terminal_as_a_command() {
        let rows = vec![vec!["a\u{1b}[2J\nb".to_owned(), "x".to_owned()]];
        assert_eq!(table(&["K", "V"], &rows).lines().count(), 2);
        assert_eq!(for_a_terminal("one\ntwo\u{9b}1m\r"), "one\ntwo\\u{9b}1m\\u{d}");
        let odd = json!({ "name": "\u{9b}31m\u{202e}\u{1b}\n" });
        let shown = for_a_terminal_as_json(&odd);
        assert!(shown.is_ascii(), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).expect("still JSON"), odd);
    }
}
