//! Every case of somebody who wants to break the glass.

use super::fold::{Cases, Facet};
use crate::break_glass::{Standing, Trial, decide};

pub(super) const OF_GLASS: &str = "\
What `break_glass::decide` makes of somebody who comes with an address, a password and a code to a
door. Whoever is refused is told the same in every case; the reason is in the audit.
";

const FACETS: &[Facet] = &[
    Facet {
        name: "local login",
        meaning: "whether a password alone opens this door",
        values: &["open", "closed"],
    },
    Facet {
        name: "seal",
        meaning: "what is sealed for them at this door, and what it is worth; none as well where \
                  nobody has the address",
        values: &["none", "usable", "opened", "user not active", "no administrator", "no password"],
    },
    Facet { name: "password", meaning: "against theirs", values: &["right", "wrong"] },
    Facet { name: "code", meaning: "against the sealed one", values: &["right", "wrong"] },
];

/// What is chosen, until all of it is.
pub(super) struct Glass(Trial);

impl Glass {
    pub(super) const fn new() -> Self {
        Self(Trial { local_login: false, seal: None, password: false, code: false })
    }
}

impl Cases for Glass {
    fn facets(&self) -> &'static [Facet] {
        FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        match facet {
            0 => self.0.local_login = value == 0,
            1 => self.0.seal = value.checked_sub(1).map(|value| Standing::ALL[value]),
            2 => self.0.password = value == 0,
            _ => self.0.code = value == 0,
        }
    }

    fn outcome(&self) -> String {
        match decide(self.0).refusal {
            None => "sign in".to_owned(),
            Some(refusal) => format!("refuse: {}", refusal.code()),
        }
    }
}
