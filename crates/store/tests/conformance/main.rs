//! What every verb of the store promises, on both engines.

#[path = "../../../testkit/src/postgres.rs"]
mod postgres;

mod applications;
mod attempts;
mod audit;
mod budget;
mod changes;
mod engines;
mod faults;
mod groups;
mod house;
mod keys;
mod mails;
mod passwords;
mod providers;
mod races;
mod resets;
mod sessions;
mod settle;
mod setup;
mod throttles;
mod upkeep;
mod users;

/// Every public verb stands in these sources, so that none is without its promise on both
/// engines.
#[test]
fn every_verb_has_a_conformance_test() {
    let here = env!("CARGO_MANIFEST_DIR");
    let sources = read_all(&format!("{here}/src"));
    let tests = read_all(&format!("{here}/tests/conformance"));
    let mut verbs = 0;
    for line in sources.lines() {
        let Some(rest) = line.trim_start().strip_prefix("pub async fn ") else { continue };
        let Some((verb, _)) = rest.split_once('(') else { continue };
        verbs += 1;
        let called = tests.contains(&format!(".{verb}(")) || tests.contains(&format!("::{verb}("));
        assert!(called, "no conformance test calls {verb}");
    }
    assert!(verbs > 60, "only {verbs} verbs were found; does this test still read the sources?");
}

fn read_all(folder: &str) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text.push_str(&read_all(&path.display().to_string()));
        } else {
            text.push_str(&std::fs::read_to_string(&path).expect("a text file"));
        }
    }
    text
}
