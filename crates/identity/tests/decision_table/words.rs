//! What the words of the tables about addresses mean, as facts for `weigh` and for what holds of a
//! linking.

use identity::email::Email;
use identity::federation::external::{EmailVerified, ExternalIdentity};
use identity::federation::policy::Link;
use identity::federation::provider::{Authority, Provider};
use identity::federation::trust::weigh;
use identity::ids::ProviderId;
use identity::users::{Name, UserType};

use crate::arrivals::provider;
use crate::document::{Cases, Facets};

const USER_TYPES: [&str; 4] = ["customer", "staff", "merchant", "member"];
const AUTHORITIES: [&str; 3] = ["operator", "organisation", "public"];

pub(crate) const OF_ADDRESSES: Facets = &[
    ("user type", &USER_TYPES),
    ("authority", &AUTHORITIES),
    ("issuer", &["google", "other"]),
    ("address", &["trusted", "gmail", "hd", "elsewhere", "none"]),
    ("verified", &["true", "false", "absent"]),
];

pub(crate) const OF_LINKING: Facets = &[
    ("set", &["never", "ask_proof", "prove_mailbox", "trusted_email", "any_email"]),
    ("user type", &USER_TYPES),
    ("authority", &AUTHORITIES),
];

/// Somebody's word about an address.
pub(crate) struct Word {
    external: ExternalIdentity,
    provider: Provider,
    user_type: UserType,
}

impl Word {
    pub(crate) fn new() -> Self {
        let external = ExternalIdentity {
            provider: ProviderId::from_stored("p"),
            issuer: String::new(),
            subject: "4711".to_owned(),
            email: None,
            email_verified: EmailVerified::Absent,
            hosted_domain: None,
            name: Name::default(),
            locale: None,
            claims: serde_json::Map::new(),
        };
        let trusted_domains = vec!["trusted.test".to_owned()];
        let provider = Provider { trusted_domains, ..provider() };
        Self { external, provider, user_type: UserType::Staff }
    }
}

impl Cases for Word {
    fn facets(&self) -> Facets {
        OF_ADDRESSES
    }

    fn fit(&mut self, facet: &str, word: &str) {
        let external = &mut self.external;
        match facet {
            "user type" => self.user_type = word.parse().expect("a user type"),
            "authority" => self.provider.authority = word.parse().expect("an authority"),
            "issuer" if word == "google" => {
                external.issuer = "https://accounts.google.com".to_owned();
            }
            "issuer" => external.issuer = "https://login.company.test".to_owned(),
            "address" => {
                external.hosted_domain = (word == "hd").then(|| "hd.test".to_owned());
                external.email = match word {
                    "none" => None,
                    "gmail" => Some(email("ada@gmail.com")),
                    domain => Some(email(&format!("ada@{domain}.test"))),
                };
            }
            "verified" => {
                external.email_verified = match word {
                    "true" => EmailVerified::Yes,
                    "false" => EmailVerified::No,
                    _ => EmailVerified::Absent,
                };
            }
            unknown => panic!("no facet {unknown}"),
        }
    }

    fn comes_out_as(&self, outcome: &str) -> bool {
        let trust = weigh(&self.external, &self.provider, self.user_type);
        let (counts, ground) = outcome.split_once(": ").expect("two parts");
        trust.counts() == (counts == "counts") && trust.code() == ground
    }
}

/// A linking that was set.
pub(crate) struct Linking {
    set: Link,
    user_type: UserType,
    authority: Authority,
}

impl Linking {
    pub(crate) fn new() -> Self {
        let (user_type, authority) = (UserType::Staff, Authority::Public);
        Self { set: Link::Never, user_type, authority }
    }
}

impl Cases for Linking {
    fn facets(&self) -> Facets {
        OF_LINKING
    }

    fn fit(&mut self, facet: &str, word: &str) {
        match facet {
            "set" => self.set = word.parse().expect("a linking"),
            "user type" => self.user_type = word.parse().expect("a user type"),
            _ => self.authority = word.parse().expect("an authority"),
        }
    }

    fn comes_out_as(&self, outcome: &str) -> bool {
        self.set.held_to(self.user_type, self.authority).as_str() == outcome
    }
}

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}
