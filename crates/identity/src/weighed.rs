//! A rule that was weighed on the way to a decision, as the audit and the console show it.

use serde::Serialize;

/// One rule, and what it saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Weighed {
    /// Name of the rule.
    pub rule: &'static str,
    /// What it looked at, without anything that must not be logged.
    pub saw: String,
    /// Whether it settled the matter.
    pub settled: bool,
}
