//! What a command says: for people as text, for programs as JSON.

use std::io::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

/// What was done or found.
#[derive(Debug)]
pub struct Answer {
    /// For people.
    pub text: String,
    /// For programs; stable.
    pub json: Value,
}

impl Answer {
    /// The same, said twice.
    pub fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json }
    }

    /// Nothing to say.
    pub fn silent() -> Self {
        Self::new("", Value::Null)
    }

    /// To standard output.
    pub fn print(&self, as_json: bool) -> ExitCode {
        let text = match (as_json, &self.json) {
            (true, Value::Null) => return ExitCode::SUCCESS,
            (true, json) => json.to_string(),
            (false, _) if self.text.is_empty() => return ExitCode::SUCCESS,
            (false, _) => self.text.trim_end().to_owned(),
        };
        // Whoever closed the pipe has read enough.
        let _ = writeln!(std::io::stdout(), "{text}");
        ExitCode::SUCCESS
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
            json!({ "error": { "code": self.code, "message": self.message } }).to_string()
        } else {
            format!("vestibule: {}", self.message)
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

/// Columns that stand under each other, with a heading.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading = heading.iter().map(|cell| (*cell).to_owned()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&heading).chain(rows).collect();
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
}
