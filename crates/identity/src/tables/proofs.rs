//! What becomes of people who were asked to show that an account is theirs, before and after they have.

use serde_json::json;

use super::asked_for;
use super::fold::{Cases, Facet};
use super::people::{address, user};
use super::rules::Person;
use crate::applications::Application;
use crate::federation::decide::{Candidate, Decision, decide};
use crate::federation::external::EmailVerified;
use crate::federation::policy::Link;
use crate::federation::proof::Shown;
use crate::ids::UserId;
use crate::users::{EmailStanding, Status};

pub(super) const OF_PROOFS: &str = "\
What becomes of a new identity where people have to show first that the account of the same address
is theirs, or that they read mail at its address, at a door that makes users of strangers. They are
asked before the account is looked at where the address does not count; what they have shown counts
for the account that had the address when they arrived, and the decision is made anew, by the policy
of then. Whoever showed the mailbox of an address that is nobody's is a stranger with a verified
address, where nothing else is asked.
";

const DOMAIN: &str = "company.example";

/// What is chosen, until all of it is.
pub(super) struct Proofs {
    person: Person,
    whose: usize,
}

impl Proofs {
    pub(super) fn new() -> Self {
        let mut person = Person::new();
        person.set("unknown_user", json!("create"));
        Self { person, whose: 0 }
    }

    fn choose_shown(&mut self, value: usize) {
        let user = [None, Some("candidate"), Some("another"), None][self.whose];
        let (account, mailbox) = (value % 2 == 1, value >= 2);
        let shown = Shown { user: user.map(UserId::from_stored), account, mailbox };
        self.person.arrival.shown = (self.whose > 0).then_some(shown);
    }

    fn choose_word(&mut self, value: usize) {
        let external = &mut self.person.arrival.external;
        external.email = (value < 3).then(|| address(&format!("person@{DOMAIN}")));
        external.email_verified =
            [EmailVerified::Yes, EmailVerified::Absent, EmailVerified::No, EmailVerified::Yes]
                [value];
    }
}

impl Cases for Proofs {
    fn facets(&self) -> &'static [Facet] {
        const FACETS: &[Facet] = &[
            Facet {
                name: "link",
                meaning: "when the policy links an account of the same address, now",
                values: &["never", "ask_proof", "prove_mailbox", "trusted_email", "any_email"],
            },
            Facet {
                name: "word",
                meaning: "what the provider says about the address, as in the table of sign-ins; \
                          in a trusted domain it counts unless it is denied",
                values: &["counts", "no ground", "denied", "no address"],
            },
            Facet {
                name: "domains",
                meaning: "that the provider is trusted with: none is named, that of the address, \
                          or another",
                values: &["none", "own", "another"],
            },
            Facet {
                name: "tenant",
                meaning: "whether a claim says that they are a guest",
                values: &["own", "another"],
            },
            Facet {
                name: "people",
                meaning: "who comes through this door",
                values: &["customers", "staff"],
            },
            Facet {
                name: "asked about",
                meaning: "who had the address when they arrived: the account that has it now, \
                          another one, or nobody; unasked if they were asked for nothing yet",
                values: &["unasked", "the account", "another account", "nobody"],
            },
            Facet {
                name: "shown",
                meaning: "what they have shown since: that they can sign in to the account, that \
                          they read mail at the address, or both",
                values: &["nothing", "account", "mailbox", "both"],
            },
            Facet {
                name: "account",
                meaning: "the status of the user who has the address now, if anybody has it",
                values: &["none", "active", "deactivated"],
            },
            Facet {
                name: "standing",
                meaning: "what stands behind that user's own address",
                values: &["unconfirmed", "verified"],
            },
            Facet {
                name: "tie",
                meaning: "whether somebody else at the provider is tied to that user",
                values: &["free", "taken"],
            },
        ];
        FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        let person = &mut self.person;
        match facet {
            0 => {
                person.set("link", json!(Link::ALL[value].as_str()));
            }
            1 => self.choose_word(value),
            2 => {
                let domains = [None, Some(DOMAIN), Some("another.example")][value];
                person.known.provider.trusted_domains =
                    domains.map(str::to_owned).into_iter().collect();
            }
            3 => {
                let issuer = "https://login.microsoftonline.com/tenant/v2.0";
                person.known.provider.issuer = issuer.to_owned();
                let claims = json!({ "acct": value });
                person.arrival.external.claims = claims.as_object().cloned().unwrap_or_default();
            }
            4 => {
                let [storefront, back_office, ..] = Application::built_in();
                person.arrival.application = if value == 0 { storefront } else { back_office };
            }
            5 => self.whose = value,
            6 => self.choose_shown(value),
            7 => {
                let status = [None, Some(Status::Active), Some(Status::Deactivated)][value];
                person.known.candidate = status.map(|status| Candidate {
                    user: user("candidate", status),
                    has_identity_of_provider: false,
                });
            }
            8 => {
                if let Some(candidate) = &mut person.known.candidate {
                    candidate.user.email_standing =
                        [EmailStanding::Unconfirmed, EmailStanding::Verified][value];
                }
            }
            _ => {
                if let Some(candidate) = &mut person.known.candidate {
                    candidate.has_identity_of_provider = value == 1;
                }
            }
        }
    }

    fn outcome(&self) -> String {
        match decide(&self.person.arrival, &self.person.known).decision {
            Decision::AskProof { asked } => asked_for(asked).to_owned(),
            Decision::SignIn { .. } => "sign in".to_owned(),
            Decision::Link { .. } => "link and sign in".to_owned(),
            Decision::Create(new) => format!("create and sign in, {} address", new.email_standing),
            Decision::Hold(new) => format!("create and hold, {} address", new.email_standing),
            Decision::Refuse { reason } => format!("refuse: {}", reason.code()),
        }
    }
}
