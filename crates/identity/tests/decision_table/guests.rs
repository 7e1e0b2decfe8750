//! What the words of the table about guests mean, as facts for `decide`.

use identity::email::Email;
use identity::federation::decide::{Arrival, Decision, Known, decide};
use identity::federation::external::EmailVerified;
use identity::federation::policy::PolicyFields;
use serde_json::{Value, json};

use crate::document::{Cases, Facets};
use crate::proofs::asked_for;
use crate::rules;

pub(crate) const OF_GUESTS: Facets = &[
    ("person", &["new", "account", "known"]),
    ("guests", &["refuse", "hold", "create"]),
    ("authority", &["operator", "organisation"]),
    ("tenant", &["own", "another"]),
    ("domain", &["trusted", "another"]),
    ("verified", &["true", "absent", "false", "none"]),
];

/// Somebody, and by which provider they come.
pub(crate) struct Facts {
    person: rules::Facts,
    guests: String,
    authority: String,
    tenant: Value,
    domain: &'static str,
    verified: String,
}

impl Facts {
    pub(crate) fn new() -> Self {
        Self {
            person: rules::Facts::new(OF_GUESTS),
            guests: String::new(),
            authority: String::new(),
            tenant: Value::Null,
            domain: "",
            verified: String::new(),
        }
    }

    fn arrival(&self) -> Arrival {
        let mut arrival = self.person.arrival();
        let external = &mut arrival.external;
        external.claims.insert("tid".to_owned(), self.tenant.clone());
        let email = Email::parse(&format!("ada@{}", self.domain)).expect("an address");
        external.email = Some(email).filter(|_| self.verified != "none");
        external.email_verified = match self.verified.as_str() {
            "true" => EmailVerified::Yes,
            "false" => EmailVerified::No,
            _ => EmailVerified::Absent,
        };
        arrival
    }

    fn known(&self) -> Known {
        let mut known = self.person.known();
        known.provider.issuer = "https://sts.windows.net/our-tenant/".to_owned();
        known.provider.authority = self.authority.parse().expect("an authority");
        known.provider.trusted_domains = vec!["company.test".to_owned()];
        let policy = json!({ "unknown_user": "create", "guests": self.guests });
        let policy: PolicyFields = serde_json::from_value(policy).expect("a policy");
        known.connection.as_mut().expect("a connection").policy = policy;
        known
    }
}

impl Cases for Facts {
    fn facets(&self) -> Facets {
        OF_GUESTS
    }

    fn fit(&mut self, facet: &str, word: &str) {
        match facet {
            "person" => self.person.fit(facet, word),
            "guests" => word.clone_into(&mut self.guests),
            "authority" => word.clone_into(&mut self.authority),
            "tenant" => {
                self.tenant = json!(if word == "own" { "our-tenant" } else { "their-tenant" });
            }
            "domain" => {
                self.domain = if word == "trusted" { "company.test" } else { "elsewhere.test" };
            }
            "verified" => word.clone_into(&mut self.verified),
            unknown => panic!("no facet {unknown}"),
        }
    }

    fn comes_out_as(&self, outcome: &str) -> bool {
        match decide(&self.arrival(), &self.known()).decision {
            Decision::SignIn { .. } => outcome == "sign in",
            Decision::Link { .. } => outcome == "link and sign in",
            Decision::AskProof { asked } => outcome == asked_for(asked),
            Decision::Create(new) => {
                outcome == format!("create and sign in, {} address", new.email_standing)
            }
            Decision::Hold(new) => {
                outcome == format!("create and hold, {} address", new.email_standing)
            }
            Decision::Refuse { reason } => outcome.strip_prefix("refuse: ") == Some(reason.code()),
        }
    }
}
