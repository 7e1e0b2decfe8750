//! What the words of the table about proof mean, as facts for `decide`.

use identity::applications::Application;
use identity::email::Email;
use identity::federation::decide::{Arrival, Candidate, Decision, Known, decide};
use identity::federation::external::EmailVerified;
use identity::federation::proof::{Asked, Shown};
use identity::ids::UserId;
use identity::users::User;
use serde_json::{Value, json};

use crate::document::{Cases, Facets};
use crate::rules;

pub(crate) const OF_PROOFS: Facets = &[
    ("link", &["never", "ask_proof", "prove_mailbox", "trusted_email", "any_email"]),
    ("word", &["counts", "no ground", "denied", "no address"]),
    ("domains", &["none", "own", "another"]),
    ("tenant", &["own", "another"]),
    ("people", &["customers", "staff"]),
    ("asked about", &["unasked", "the account", "another account", "nobody"]),
    ("shown", &["nothing", "account", "mailbox", "both"]),
    ("account", &["none", "active", "deactivated"]),
    ("standing", &["unconfirmed", "verified"]),
    ("tie", &["free", "taken"]),
];

/// A customer's arrival with the words of one case.
pub(crate) struct Facts {
    arrival: Arrival,
    known: Known,
    somebody: User,
    candidate: Option<Candidate>,
}

impl Facts {
    pub(crate) fn new() -> Self {
        let mut person = rules::Facts::new(rules::OF_PEOPLE);
        person.fit("person", "account");
        let (mut arrival, mut known) = (person.arrival(), person.known());
        let somebody = known.candidate.clone().expect("an account").user;
        arrival.external.claims = serde_json::Map::new();
        known.connection.as_mut().expect("a connection").policy = policy("never");
        known.provider.issuer = "https://login.microsoftonline.com/4711/v2.0".to_owned();
        Self { arrival, known, somebody, candidate: None }
    }
}

pub(crate) fn asked_for(asked: Asked) -> &'static str {
    match asked {
        Asked::Account => "ask for proof",
        Asked::Mailbox => "ask for the mailbox",
        Asked::Both => "ask for mailbox and proof",
    }
}

impl Facts {
    fn asked_about(&self, word: &str) -> Option<Shown> {
        let user = match word {
            "the account" => Some(self.somebody.id.clone()),
            "another account" => Some(UserId::from_stored("somebody-else")),
            _ => None,
        };
        (word != "unasked").then_some(Shown { user, account: false, mailbox: false })
    }
}

fn policy(link: &str) -> identity::federation::policy::PolicyFields {
    serde_json::from_value(json!({ "unknown_user": "create", "link": link })).expect("a policy")
}

impl Cases for Facts {
    fn facets(&self) -> Facets {
        OF_PROOFS
    }

    fn fit(&mut self, facet: &str, word: &str) {
        let external = &mut self.arrival.external;
        match facet {
            "link" => {
                self.known.connection.as_mut().expect("a connection").policy = policy(word);
            }
            "word" => {
                let address = Email::parse("ada@own.test").expect("an address");
                external.email = (word != "no address").then_some(address);
                external.email_verified = match word {
                    "no ground" => EmailVerified::Absent,
                    "denied" => EmailVerified::No,
                    _ => EmailVerified::Yes,
                };
            }
            "domains" => {
                self.known.provider.trusted_domains = match word {
                    "none" => Vec::new(),
                    domain => vec![format!("{domain}.test")],
                };
            }
            "tenant" => {
                let tid = if word == "own" { "4711" } else { "4712" };
                external.claims.insert("tid".to_owned(), Value::from(tid));
            }
            "people" => {
                let [storefront, back_office, ..] = Application::built_in();
                let staff = word == "staff";
                self.arrival.application = if staff { back_office } else { storefront };
            }
            "asked about" => self.arrival.shown = self.asked_about(word),
            "shown" => {
                if let Some(shown) = &mut self.arrival.shown {
                    shown.account = matches!(word, "account" | "both");
                    shown.mailbox = matches!(word, "mailbox" | "both");
                }
            }
            "account" => {
                self.candidate = (word != "none").then(|| Candidate {
                    user: User { status: word.parse().expect("a status"), ..self.somebody.clone() },
                    has_identity_of_provider: false,
                });
            }
            "standing" => {
                if let Some(candidate) = &mut self.candidate {
                    candidate.user.email_standing = word.parse().expect("a standing");
                }
            }
            "tie" => {
                if let Some(candidate) = &mut self.candidate {
                    candidate.has_identity_of_provider = word == "taken";
                }
            }
            unknown => panic!("no facet {unknown}"),
        }
    }

    fn comes_out_as(&self, outcome: &str) -> bool {
        let known = Known { candidate: self.candidate.clone(), ..self.known.clone() };
        match decide(&self.arrival, &known).decision {
            Decision::AskProof { asked } => outcome == asked_for(asked),
            Decision::Link { user, .. } => {
                outcome == "link and sign in" && user == self.somebody.id
            }
            Decision::Create(new) => {
                outcome == format!("create and sign in, {} address", new.email_standing)
            }
            Decision::Refuse { reason } => outcome.strip_prefix("refuse: ") == Some(reason.code()),
            Decision::SignIn { .. } | Decision::Hold(_) => false,
        }
    }
}
