//! The decision table: what decides, written out over every case, for a reviewer to read.

mod admissions;
mod decisions;
mod fold;
mod glass;
mod guests;
mod hook;
mod people;
mod proofs;
mod reasons;
mod rules;
mod ties;
mod trust;

use fold::{Cases, Facet, Line};

use crate::federation::proof::Asked;

const HEAD: &str = "\
# Decision table

This file is generated (`make gen`); a test compares it with the code on every case. A changed line
is a changed promise.

A line holds for every combination of the values in its cells. `*` stands for every value, `not x`
for every value but x. Each combination is in exactly one line.
";

/// What somebody is asked for, as an outcome.
fn asked_for(asked: Asked) -> &'static str {
    match asked {
        Asked::Account => "ask for proof",
        Asked::Mailbox => "ask for the mailbox",
        Asked::Both => "ask for mailbox and proof",
    }
}

/// The whole of `docs/decision-table.md`: what a provider's word is worth, what `decide` makes of
/// everybody who comes through a provider, and the rules of a policy of them, who may tie an
/// identity to their account and cut it again, what `admit` makes of every session, who breaks the
/// glass, and where each reason code comes from.
///
/// It works every case out anew, which takes seconds without optimisation.
pub fn decision_table() -> String {
    let mut text = HEAD.to_owned();
    section(&mut text, "Word of a provider", trust::WORDS, &mut trust::Word::new());
    section(&mut text, "Linking", trust::LINKING, &mut trust::Linking::new());
    let arrivals = &mut decisions::Scene::new();
    section(&mut text, "Sign-in through a provider", decisions::INTRODUCTION, arrivals);
    section(&mut text, "Rules", rules::OF_PEOPLE, &mut rules::People::new());
    section(&mut text, "Groups", rules::OF_GROUPS, &mut rules::Groups::new());
    section(&mut text, "Names", rules::OF_NAMES, &mut rules::Names::new());
    section(&mut text, "Guests", guests::OF_GUESTS, &mut guests::Guests::new());
    section(&mut text, "Proof", proofs::OF_PROOFS, &mut proofs::Proofs::new());
    section(&mut text, "Decision hook", hook::OF_HOOK, &mut hook::Hook::new());
    let links = &mut ties::Links::new();
    section(&mut text, "Linking on the account page", ties::OF_LINKS, links);
    section(&mut text, "Unlinking", ties::OF_UNLINKS, &mut ties::Unlinks::new());
    let visits = &mut admissions::Scene::new();
    section(&mut text, "Sessions at a door", admissions::INTRODUCTION, visits);
    section(&mut text, "Breaking the glass", glass::OF_GLASS, &mut glass::Glass::new());
    text.push_str(&reasons::section());
    text
}

fn section(text: &mut String, title: &str, introduction: &str, cases: &mut dyn Cases) {
    let facets = cases.facets();
    let lines = fold::fold(cases);
    let count: usize = facets.iter().map(|facet| facet.values.len()).product();
    text.push_str(&format!("\n## {title}\n\n{introduction}\n"));
    text.push_str(&format!("{count} cases in {} lines.\n\n", lines.len()));
    for facet in facets {
        text.push_str(&format!("- **{}**: {}.\n", facet.name, facet.meaning));
    }
    text.push('\n');
    let head = facets.iter().map(|facet| facet.name.to_owned()).chain(["outcome".to_owned()]);
    let rows = lines.iter().map(|line| row(facets, line));
    text.push_str(&markdown(&[head.collect()].into_iter().chain(rows).collect::<Vec<_>>()));
}

fn row(facets: &[Facet], line: &Line) -> Vec<String> {
    let cells = facets.iter().zip(&line.sets).map(|(facet, set)| cell(facet, *set));
    cells.chain([line.outcome.clone()]).collect()
}

fn cell(facet: &Facet, set: u32) -> String {
    let (inside, outside): (Vec<_>, Vec<_>) =
        (0..facet.values.len()).partition(|value| set & (1 << value) != 0);
    match (inside.len(), &outside[..]) {
        (_, []) => "*".to_owned(),
        (2.., [one]) => format!("not {}", facet.values[*one]),
        _ => inside.iter().map(|value| facet.values[*value]).collect::<Vec<_>>().join(", "),
    }
}

/// A table whose columns stand under each other in the raw text too.
fn markdown(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule = widths.iter().map(|width| format!("-{}-|", "-".repeat(*width))).collect::<String>();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        text.push_str(&line(row));
        if number == 0 {
            text.push_str(&format!("|{rule}\n"));
        }
    }
    text
}
