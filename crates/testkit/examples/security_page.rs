//! Writes `docs/security.md` from the statements, the tests that carry their numbers, and the
//! guards that `make mutants` takes away.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

/// Number of a statement → tests that prove it.
type Proofs = BTreeMap<u16, BTreeSet<String>>;

fn main() -> io::Result<()> {
    let mut proofs = Proofs::new();
    scan(Path::new("crates"), &mut proofs)?;
    let mutants = guarded(&fs::read_to_string("mutants/guards.json")?);
    let reached = fs::read_to_string("docs/statements/reached.txt")?;
    let later = fs::read_to_string("docs/statements/later.txt")?;
    fs::write("docs/security.md", page(&reached, &later, &proofs, &mutants))
}

fn scan(folder: &Path, proofs: &mut Proofs) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            scan(&path, proofs)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            collect(&fs::read_to_string(&path)?, proofs);
        }
    }
    Ok(())
}

/// Test functions and, where a macro makes one test per engine, modules.
fn collect(source: &str, proofs: &mut Proofs) {
    for line in source.lines() {
        let line = line.trim_start();
        let Some(rest) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn ")) else {
            continue;
        };
        let name: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let mut tail = name.as_str();
        while let Some((number, more)) = numbered(tail) {
            proofs.entry(number).or_default().insert(name.clone());
            tail = more;
        }
    }
}

/// `s016_rest` → (16, `rest`).
fn numbered(name: &str) -> Option<(u16, &str)> {
    let (number, rest) = name.strip_prefix('s')?.split_once('_')?;
    (number.len() == 3).then_some((number.parse().ok()?, rest))
}

/// Numbers that have a guard in the list of removals.
fn guarded(list: &str) -> BTreeSet<u16> {
    let entries: Vec<serde_json::Value> = serde_json::from_str(list).unwrap_or_default();
    entries.iter().filter_map(|entry| u16::try_from(entry["statement"].as_u64()?).ok()).collect()
}

fn page(reached: &str, later: &str, proofs: &Proofs, mutants: &BTreeSet<u16>) -> String {
    let mut out = String::from(
        "# Security statements\n\n\
         Written by `make gen` from `docs/statements/`, from the tests, whose names begin with the \
         number of the statement that they prove, and from `mutants/guards.json`.\n\n\
         A statement is *proved* when a test would go red without its guard. Guards of the pure \
         crate are taken away by cargo-mutants, the others, marked ×, one by one by \
         `make mutants`.\n\n\
         | number | statement | guarded in | tests | state |\n|---|---|---|---|---|\n",
    );
    for (number, statement, guard) in lines(reached) {
        let tests: Vec<String> =
            proofs.get(&number).into_iter().flatten().map(|test| format!("`{test}`")).collect();
        let state = if tests.is_empty() { "open" } else { "proved" };
        let mark = if mutants.contains(&number) { " ×" } else { "" };
        let tests = if tests.is_empty() { "–".to_owned() } else { tests.join("<br>") };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| {number} | {statement} | {guard} | {tests} | {state}{mark} |");
    }
    out.push_str("\n## Open, because nothing reaches them yet\n\n");
    out.push_str("| number | statement | why |\n|---|---|---|\n");
    for (number, statement, why) in lines(later) {
        let _ = writeln!(out, "| {number} | {statement} | {why} |");
    }
    out
}

fn lines(text: &str) -> impl Iterator<Item = (u16, &str, &str)> {
    text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, " | ");
        Some((parts.next()?.trim().parse().ok()?, parts.next()?, parts.next()?))
    })
}
