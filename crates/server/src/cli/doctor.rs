//! `vestibule doctor`: what was found, for people and for programs.

use std::sync::Arc;

use identity::entropy::Entropy;
use serde_json::{Value, json};

use super::{Answer, Failure};
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::Config;
use crate::doctor::{Finding, Standing, examine};

/// Looks at everything; the exit code is 1 when something is wrong.
pub(super) async fn run(config: &Config) -> Result<Answer, Failure> {
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let findings = examine(config, &SystemClock, &entropy)
        .await
        .map_err(|error| Failure::new("configuration", error.to_string()))?;
    let count = |standing| findings.iter().filter(|one| one.standing == standing).count();
    let wrong = count(Standing::Wrong);
    let lines: String = findings.iter().map(line).collect();
    let text = format!("{lines}\n{}", verdict(wrong, count(Standing::Remark)));
    let findings: Vec<Value> = findings.iter().map(finding_json).collect();
    let answer = Answer::new(text, json!({ "ok": wrong == 0, "findings": findings }));
    Ok(if wrong == 0 { answer } else { answer.unwell() })
}

fn line(finding: &Finding) -> String {
    let mark = match finding.standing {
        Standing::Good => "ok",
        Standing::Remark => "look",
        Standing::Wrong => "WRONG",
        Standing::LeftOut => "-",
    };
    let name = finding.check.replace('_', " ");
    let advice = finding.advice.as_ref();
    let advice = advice.map_or_else(String::new, |advice| format!("{:24}{advice}\n", ""));
    format!("{mark:<6} {name:<16} {}\n{advice}", finding.said)
}

fn verdict(wrong: usize, remarks: usize) -> String {
    match (wrong, remarks) {
        (0, 0) => "All is well.".to_owned(),
        (0, some) => format!("Nothing is wrong; worth a look: {some}."),
        (some, 0) => format!("Wrong: {some}."),
        (some, others) => format!("Wrong: {some}; worth a look: {others}."),
    }
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "check": finding.check,
        "standing": finding.standing.code(),
        "said": finding.said,
        "advice": finding.advice,
    })
}
