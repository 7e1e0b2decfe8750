//! Writes a function of a few finite facets as few lines, each of which covers a block of cases.

/// Something that a decision looks at, with everything that it can be.
pub(super) struct Facet {
    /// What a reader calls it.
    pub(super) name: &'static str,
    /// What it means, without a full stop.
    pub(super) meaning: &'static str,
    /// Every value; at most 32.
    pub(super) values: &'static [&'static str],
}

/// The function, set up one facet after the other so that a case costs little.
pub(super) trait Cases {
    /// The facets, outermost first.
    fn facets(&self) -> &'static [Facet];

    /// Gives a facet a value. Every facet before it has one; those after it get one anew.
    fn choose(&mut self, facet: usize, value: usize);

    /// What comes out when every facet has a value.
    fn outcome(&self) -> String;
}

/// A block of cases with one outcome: any combination of the values in its sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// For each facet a bit for each value.
    pub(super) sets: Vec<u32>,
    /// What comes out.
    pub(super) outcome: String,
}

/// Lines that cover every case exactly once, in the order of the facets' values.
pub(super) fn fold(cases: &mut dyn Cases) -> Vec<Line> {
    let mut lines = descend(cases, 0);
    lines.sort_by_key(|line| line.sets.iter().map(|set| set.trailing_zeros()).collect::<Vec<_>>());
    lines
}

fn descend(cases: &mut dyn Cases, facet: usize) -> Vec<Line> {
    if facet == cases.facets().len() {
        return vec![Line { sets: vec![0; facet], outcome: cases.outcome() }];
    }
    let mut lines: Vec<Line> = Vec::new();
    for value in 0..cases.facets()[facet].values.len() {
        cases.choose(facet, value);
        for mut line in descend(cases, facet + 1) {
            line.sets[facet] = 1 << value;
            add(&mut lines, line, facet);
        }
    }
    lines
}

/// Adds a line, or widens the one that differs from it in `facet` only.
fn add(lines: &mut Vec<Line>, line: Line, facet: usize) {
    let same = |other: &&mut Line| {
        other.outcome == line.outcome
            && other.sets[..facet] == line.sets[..facet]
            && other.sets[facet + 1..] == line.sets[facet + 1..]
    };
    match lines.iter_mut().find(same) {
        Some(other) => other.sets[facet] |= line.sets[facet],
        None => lines.push(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Xor([usize; 3]);

    impl Cases for Xor {
        fn facets(&self) -> &'static [Facet] {
            const BITS: &[&str] = &["0", "1"];
            &[
                Facet { name: "a", meaning: "a bit", values: BITS },
                Facet { name: "idle", meaning: "changes nothing", values: &["x", "y", "z"] },
                Facet { name: "b", meaning: "a bit", values: BITS },
            ]
        }

        fn choose(&mut self, facet: usize, value: usize) {
            self.0[facet] = value;
        }

        fn outcome(&self) -> String {
            (self.0[0] ^ self.0[2]).to_string()
        }
    }

    #[test]
    fn what_changes_nothing_is_folded_away_and_what_does_is_kept() {
        let line = |a, b, outcome: &str| Line { sets: vec![a, 7, b], outcome: outcome.to_owned() };
        assert_eq!(
            fold(&mut Xor([0; 3])),
            [line(1, 1, "0"), line(1, 2, "1"), line(2, 1, "1"), line(2, 2, "0")]
        );
    }
}
