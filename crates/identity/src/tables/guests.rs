//! What becomes of guests: people of another tenant or domain than a provider is there for.

use serde_json::json;

use super::asked_for;
use super::fold::{Cases, Facet};
use super::people::{TRUSTED, address};
use super::rules::{Person, WHO};
use crate::federation::decide::{Decision, decide};
use crate::federation::external::EmailVerified;
use crate::federation::provider::Authority;

pub(super) const OF_GUESTS: &str = "\
What becomes of people of another tenant or domain, at a storefront that makes users of strangers,
through a provider that is trusted with one domain. Guests are never linked to an account; where
they are held, an account that has their address is seen by the audit alone.
";

/// What is chosen, until all of it is.
pub(super) struct Guests {
    person: Person,
}

impl Guests {
    pub(super) fn new() -> Self {
        let mut person = Person::new();
        person.set("unknown_user", json!("create"));
        person.known.provider.issuer = "https://login.microsoftonline.com/tenant/v2.0".to_owned();
        Self { person }
    }
}

impl Cases for Guests {
    fn facets(&self) -> &'static [Facet] {
        const FACETS: &[Facet] = &[
            WHO,
            Facet {
                name: "guests",
                meaning: "what the policy makes of guests",
                values: &["refuse", "hold", "create"],
            },
            Facet {
                name: "authority",
                meaning: "whose provider it is",
                values: &["operator", "organisation"],
            },
            Facet {
                name: "tenant",
                meaning: "whether a claim says that they belong to somebody else",
                values: &["own", "another"],
            },
            Facet {
                name: "domain",
                meaning: "of the address: one that the provider is trusted with, or another",
                values: &["trusted", "another"],
            },
            Facet {
                name: "verified",
                meaning: "what the provider says about the address; none: there is no address",
                values: &["true", "absent", "false", "none"],
            },
        ];
        FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        let person = &mut self.person;
        match facet {
            0 => person.choose_who(value),
            1 => person.set("guests", json!(["refuse", "hold", "create"][value])),
            2 => {
                person.known.provider.authority =
                    [Authority::Operator, Authority::Organisation][value];
            }
            3 => {
                let claims = json!({ "acct": value });
                person.arrival.external.claims = claims.as_object().cloned().unwrap_or_default();
            }
            4 => {
                let domain = [TRUSTED, "elsewhere.example"][value];
                person.arrival.external.email = Some(address(&format!("person@{domain}")));
            }
            _ => {
                let external = &mut person.arrival.external;
                external.email_verified =
                    [EmailVerified::Yes, EmailVerified::Absent, EmailVerified::No][value.min(2)];
                if value == 3 {
                    external.email = None;
                }
            }
        }
    }

    fn outcome(&self) -> String {
        match decide(&self.person.arrival, &self.person.known).decision {
            Decision::SignIn { .. } => "sign in".to_owned(),
            Decision::Link { .. } => "link and sign in".to_owned(),
            Decision::AskProof { asked } => asked_for(asked).to_owned(),
            Decision::Create(new) => format!("create and sign in, {} address", new.email_standing),
            Decision::Hold(new) => format!("create and hold, {} address", new.email_standing),
            Decision::Refuse { reason } => format!("refuse: {}", reason.code()),
        }
    }
}
