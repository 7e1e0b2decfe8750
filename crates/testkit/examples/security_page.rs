//! Writes `docs/security.md` from the statements, the tests that carry their numbers, and the
//! guards that `make mutants` takes away.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

/// Number of a statement → tests that carry it.
type Proofs = BTreeMap<u16, BTreeSet<String>>;

/// Number of a statement → how many of its guards are taken away by `make mutants`.
type Guards = BTreeMap<u16, usize>;

fn main() -> io::Result<()> {
    let mut proofs = Proofs::new();
    scan(Path::new("crates"), &mut proofs)?;
    let guards = guarded(Path::new("mutants/guards"))?;
    let reached = fs::read_to_string("docs/statements/reached.txt")?;
    let later = fs::read_to_string("docs/statements/later.txt")?;
    know_all(&reached, &later, &proofs, &guards)?;
    fs::write("docs/security.md", page(&reached, &later, &proofs, &guards))
}

/// A number that no list knows would be a proof of nothing, and nobody would notice.
fn know_all(reached: &str, later: &str, proofs: &Proofs, guards: &Guards) -> io::Result<()> {
    let known: BTreeSet<u16> =
        lines(reached).chain(lines(later)).map(|(number, _, _)| number).collect();
    let unknown: BTreeSet<_> =
        proofs.keys().chain(guards.keys()).filter(|number| !known.contains(number)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "tests or guards carry the numbers {unknown:?}, which docs/statements/ does not have; add \
         their statements there, or give the tests other names"
    )))
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

/// One entry of `mutants/guards/`: a guard that can be taken away, and the test that goes red then.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Guard {
    statement: Option<u16>,
    guard: String,
    file: String,
    find: String,
    #[serde(rename = "replace")]
    _replace: String,
    #[serde(rename = "package")]
    _package: String,
    test: String,
}

/// How many removals each number has; those without a number guard what no statement asks for.
fn guarded(lists: &Path) -> io::Result<Guards> {
    let mut guards = Guards::new();
    for list in fs::read_dir(lists)? {
        let list: Vec<Guard> = serde_json::from_str(&fs::read_to_string(list?.path())?)?;
        for guard in list {
            let places = fs::read_to_string(&guard.file)?.matches(&guard.find).count();
            if places != 1 {
                let Guard { guard, file, test, .. } = guard;
                return Err(io::Error::other(format!(
                    "mutants/guards: the text of \"{guard}\" ({test}) occurs {places} times in \
                     {file}; say what is to be taken away there now"
                )));
            }
            if let Some(number) = guard.statement {
                *guards.entry(number).or_default() += 1;
            }
        }
    }
    Ok(guards)
}

fn page(reached: &str, later: &str, proofs: &Proofs, guards: &Guards) -> String {
    let mut out = String::from(
        "# Security statements\n\n\
         Written by `make gen` from `docs/statements/`, from the tests, whose names begin with the \
         number of the statement that they are about, and from `mutants/guards/`.\n\n\
         A statement is *tested* when tests carry its number. It is *proved* where `make mutants` \
         takes so many of its guards outside the pure crate away, one by one, and each time a \
         test goes red. Besides, `make mutants` has the whole pure crate (`identity/…`) mutated by \
         cargo-mutants; what survives there is explained in `mutants/explained.txt`.\n\n\
         | number | statement | guarded in | tests | state |\n|---|---|---|---|---|\n",
    );
    for (number, statement, guard) in lines(reached) {
        let tests: Vec<String> =
            proofs.get(&number).into_iter().flatten().map(|test| format!("`{test}`")).collect();
        let state = match (tests.is_empty(), guards.get(&number)) {
            (true, _) => "open".to_owned(),
            (false, None) => "tested".to_owned(),
            (false, Some(1)) => "proved by 1 guard".to_owned(),
            (false, Some(count)) => format!("proved by {count} guards"),
        };
        let tests = if tests.is_empty() { "–".to_owned() } else { tests.join("<br>") };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "| {number} | {statement} | {guard} | {tests} | {state} |");
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
