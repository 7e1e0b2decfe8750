//! What becomes of people who were asked to show that an account is theirs, before and after they have.

use serde_json::json;

use super::fold::{Cases, Facet};
use super::people::{address, user};
use super::rules::Person;
use crate::federation::decide::{Candidate, Decision, decide};
use crate::federation::external::EmailVerified;
use crate::federation::proof::Shown;
use crate::ids::UserId;
use crate::users::{EmailStanding, Status};

pub(super) const OF_PROOFS: &str = "\
What becomes of a new identity where people have to show first that the account of the same address
is theirs, at a storefront that makes users of strangers. They are asked before the account is looked
at where the address does not count; what they have shown counts for the account that had the address
when they arrived, and the decision is made anew, by the policy of then.
";

const DOMAIN: &str = "company.example";

/// What is chosen, until all of it is.
pub(super) struct Proofs {
    person: Person,
}

impl Proofs {
    pub(super) fn new() -> Self {
        let mut person = Person::new();
        person.set("unknown_user", json!("create"));
        Self { person }
    }

    fn choose_shown(&mut self, value: usize) {
        let of = |name: Option<&str>, account| {
            Some(Shown { user: name.map(UserId::from_stored), account })
        };
        self.person.arrival.shown = match value {
            0 => None,
            1 => of(Some("candidate"), true),
            2 => of(Some("another"), true),
            3 => of(None, true),
            _ => of(Some("candidate"), false),
        };
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
                values: &["never", "ask_proof", "trusted_email", "any_email"],
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
                name: "shown",
                meaning: "nobody asked yet; the account that has the address now, another one, or \
                          none had it when they arrived, and they signed in to it; or they did \
                          not sign in",
                values: &["unasked", "the account", "another account", "nobody's", "nothing"],
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
                let link = ["never", "ask_proof", "trusted_email", "any_email"][value];
                person.set("link", json!(link));
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
            4 => self.choose_shown(value),
            5 => {
                let status = [None, Some(Status::Active), Some(Status::Deactivated)][value];
                person.known.candidate = status.map(|status| Candidate {
                    user: user("candidate", status),
                    has_identity_of_provider: false,
                });
            }
            6 => {
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
            Decision::AskProof => "ask for proof".to_owned(),
            Decision::SignIn { .. } => "sign in".to_owned(),
            Decision::Link { .. } => "link and sign in".to_owned(),
            Decision::Create(new) => format!("create and sign in, {} address", new.email_standing),
            Decision::Hold(new) => format!("create and hold, {} address", new.email_standing),
            Decision::Refuse { reason } => format!("refuse: {}", reason.code()),
        }
    }
}
