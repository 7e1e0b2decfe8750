//! What the words of the table about breaking the glass mean, as facts for `decide`.

use identity::break_glass::{Owner, Standing, Trial, decide};
use identity::users::Status;

use crate::document::{Cases, Facets};

pub(crate) const OF_GLASS: Facets = &[
    ("local login", &["open", "closed"]),
    ("seal", &["none", "usable", "opened", "user not active", "no administrator", "no password"]),
    ("password", &["right", "wrong"]),
    ("code", &["right", "wrong"]),
];

/// Somebody at a door, with what they bring.
pub(crate) struct Facts(Trial);

impl Facts {
    pub(crate) fn new() -> Self {
        Self(Trial { local_login: true, seal: None, password: false, code: false })
    }
}

/// What a seal of somebody like that is worth.
fn seal(word: &str) -> Option<Standing> {
    let owner = Owner {
        status: if word == "user not active" { Status::Deactivated } else { Status::Active },
        is_administrator: word != "no administrator",
        has_password: word != "no password",
    };
    (word != "none").then(|| Standing::of(word == "opened", owner))
}

impl Cases for Facts {
    fn facets(&self) -> Facets {
        OF_GLASS
    }

    fn fit(&mut self, facet: &str, word: &str) {
        match facet {
            "local login" => self.0.local_login = word == "open",
            "seal" => self.0.seal = seal(word),
            "password" => self.0.password = word == "right",
            "code" => self.0.code = word == "right",
            unknown => panic!("no facet {unknown}"),
        }
    }

    fn comes_out_as(&self, outcome: &str) -> bool {
        match decide(self.0).refusal {
            None => outcome == "sign in",
            Some(refusal) => outcome.strip_prefix("refuse: ") == Some(refusal.code()),
        }
    }
}
