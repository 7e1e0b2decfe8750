//! Reads the tables of the document back, knowing nothing of how they were written.

use std::path::Path;

/// Name of a facet, and every word that it can be.
pub(crate) type Facets = &'static [(&'static str, &'static [&'static str])];

/// The whole text.
pub(crate) fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/decision-table.md");
    std::fs::read_to_string(path).expect("docs/decision-table.md is checked in; run `make gen`")
}

/// A table with a set of words in each cell.
pub(crate) struct Table {
    /// The number in its head.
    pub(crate) promised_cases: usize,
    /// For each line and facet, a bit for each word.
    pub(crate) sets: Vec<Vec<u32>>,
    /// For each line, what comes out.
    pub(crate) outcomes: Vec<String>,
    /// For each facet and word, a bit for each line that holds for it.
    lines_with: Vec<Vec<u128>>,
}

impl Table {
    /// The one line that holds for a case.
    pub(crate) fn only_line_for(&self, at: &[usize]) -> usize {
        let lines = at
            .iter()
            .zip(&self.lines_with)
            .fold(u128::MAX, |lines, (word, lines_with)| lines & lines_with[*word]);
        assert_eq!(lines.count_ones(), 1, "lines for {at:?}");
        lines.trailing_zeros() as usize
    }
}

/// The text below a title of the second level.
fn section(title: &str) -> String {
    let text = document();
    let (_, rest) = text.split_once(&format!("\n## {title}\n")).expect("the section is there");
    rest.split("\n## ").next().unwrap_or(rest).to_owned()
}

/// The cells of the table below a title, without its head.
pub(crate) fn rows(title: &str) -> Vec<Vec<String>> {
    let cells =
        |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    section(title).lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

/// The table below a title.
pub(crate) fn table(title: &str, facets: Facets) -> Table {
    let promised_cases = section(title)
        .lines()
        .find_map(|line| line.split_once(" cases in ")?.0.parse().ok())
        .expect("the number of cases is in the head");
    let rows = rows(title);
    assert!(rows.len() <= 128, "more lines than a reviewer reads");
    let set = |cell: &str, words: &[&str]| -> u32 {
        let bit = |word: &str| {
            1 << words.iter().position(|known| *known == word).expect("a word that we know")
        };
        let every = (1 << words.len()) - 1;
        match cell.strip_prefix("not ") {
            Some(word) => every & !bit(word),
            None if cell == "*" => every,
            None => cell.split(", ").fold(0, |set, word| set | bit(word)),
        }
    };
    let sets: Vec<Vec<u32>> = rows
        .iter()
        .map(|row| {
            assert_eq!(row.len(), facets.len() + 1);
            row.iter().zip(facets).map(|(cell, (_, words))| set(cell, words)).collect()
        })
        .collect();
    let holds = |facet: usize, word: usize| {
        let lines = sets.iter().enumerate();
        lines.filter(|(_, sets)| sets[facet] & (1 << word) != 0).fold(0, |all, (n, _)| all | 1 << n)
    };
    let lines_with = facets
        .iter()
        .enumerate()
        .map(|(facet, (_, words))| (0..words.len()).map(|word| holds(facet, word)).collect())
        .collect();
    let outcomes = rows.iter().map(|row| row[facets.len()].clone()).collect();
    Table { promised_cases, sets, outcomes, lines_with }
}

/// Facts that can be made to fit every combination of words.
pub(crate) trait Cases {
    /// What the words are.
    fn facets(&self) -> Facets;
    /// Makes the facts fit a word; those of later facets are made to fit again after it.
    fn fit(&mut self, facet: &str, word: &str);
    /// Asks the function, and compares.
    fn comes_out_as(&self, outcome: &str) -> bool;
}

/// Visits every combination of words, with the facts made to fit it.
pub(crate) fn each_case<C: Cases>(
    cases: &mut C,
    at: &mut Vec<usize>,
    visit: &mut dyn FnMut(&C, &[usize]),
) {
    let Some((facet, words)) = cases.facets().get(at.len()) else {
        return visit(cases, at);
    };
    for (number, word) in words.iter().enumerate() {
        cases.fit(facet, word);
        at.push(number);
        each_case(cases, at, visit);
        at.pop();
    }
}
