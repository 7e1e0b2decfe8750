//! What every verb of the store promises, on both engines.

// `cfg(test)` tells clippy that these modules are tests all through, helpers included.

#[path = "../../../testkit/src/postgres.rs"]
#[cfg(test)]
mod postgres;

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod applications;
#[cfg(test)]
mod arrivals;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod back_channel_logout;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod break_glass;
#[cfg(test)]
mod budget;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod closed_ways;
#[cfg(test)]
mod crossings;
#[cfg(test)]
mod engines;
#[cfg(test)]
mod examine;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod forward_auth;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod house;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod links;
#[cfg(test)]
mod lost_races;
#[cfg(test)]
mod mails;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod races;
#[cfg(test)]
mod resets;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod settle;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod signing_keys;
#[cfg(test)]
mod throttles;
#[cfg(test)]
mod upkeep;
#[cfg(test)]
mod users;
#[cfg(test)]
mod ways_in;

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
