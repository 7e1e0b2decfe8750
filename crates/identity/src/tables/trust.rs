//! How far a provider's word about an e-mail address goes, and which linking holds.

use super::fold::{Cases, Facet};
use super::people::{TRUSTED, address, provider, silent};
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::policy::Link;
use crate::federation::provider::{Authority, Provider};
use crate::federation::trust::weigh;
use crate::users::UserType;

pub(super) const WORDS: &str = "\
What a provider's word about an e-mail address is worth. It is weighed before anything is looked up
that we store about users.
";

pub(super) const LINKING: &str = "\
When an account of the same address is linked: what was set, and what holds. Any address is good
enough for customers of a provider of the operator's own alone; elsewhere it cannot be set, and does
not hold if the provider's authority changed since.
";

const USER_TYPE: Facet = Facet {
    name: "user type",
    meaning: "whom the door is for",
    values: &["customer", "staff", "merchant", "member"],
};

const AUTHORITY: Facet = Facet {
    name: "authority",
    meaning: "how far the provider's word about addresses goes",
    values: &["operator", "organisation", "public"],
};

const HOSTED: &str = "hosted.example";

/// A word about an address.
pub(super) struct Word {
    external: ExternalIdentity,
    provider: Provider,
    user_type: UserType,
}

impl Word {
    pub(super) fn new() -> Self {
        let provider = provider(Authority::Operator);
        let external = silent(&provider);
        Self { external, provider, user_type: UserType::Customer }
    }
}

impl Cases for Word {
    fn facets(&self) -> &'static [Facet] {
        const FACETS: &[Facet] = &[
            USER_TYPE,
            AUTHORITY,
            Facet {
                name: "issuer",
                meaning: "who runs the provider",
                values: &["google", "other"],
            },
            Facet {
                name: "address",
                meaning: "the address that the provider gave: in a domain that it is trusted with, \
                          at gmail.com, in the domain that it named in `hd`, elsewhere, or none",
                values: &["trusted", "gmail", "hd", "elsewhere", "none"],
            },
            Facet {
                name: "verified",
                meaning: "`email_verified`; anything that is neither true nor absent is false",
                values: &["true", "false", "absent"],
            },
        ];
        FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        let external = &mut self.external;
        match facet {
            0 => self.user_type = UserType::ALL[value],
            1 => self.provider.authority = Authority::ALL[value],
            2 => {
                let issuer = ["https://accounts.google.com", "https://id.example"][value];
                external.issuer = issuer.to_owned();
            }
            3 => {
                let domain = [TRUSTED, "gmail.com", HOSTED, "elsewhere.example"].get(value);
                external.email = domain.map(|domain| address(&format!("person@{domain}")));
                external.hosted_domain = (value == 2).then(|| HOSTED.to_owned());
            }
            _ => external.email_verified = EmailVerified::ALL[value],
        }
    }

    fn outcome(&self) -> String {
        let trust = weigh(&self.external, &self.provider, self.user_type);
        let counts = if trust.counts() { "counts" } else { "does not count" };
        format!("{counts}: {}", trust.code())
    }
}

/// A linking that was set.
pub(super) struct Linking {
    set: Link,
    user_type: UserType,
    authority: Authority,
}

impl Linking {
    pub(super) fn new() -> Self {
        Self { set: Link::Never, user_type: UserType::Customer, authority: Authority::Operator }
    }
}

impl Cases for Linking {
    fn facets(&self) -> &'static [Facet] {
        const FACETS: &[Facet] = &[
            Facet {
                name: "set",
                meaning: "what the policy says",
                values: &["never", "ask_proof", "prove_mailbox", "trusted_email", "any_email"],
            },
            USER_TYPE,
            AUTHORITY,
        ];
        FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        match facet {
            0 => self.set = Link::ALL[value],
            1 => self.user_type = UserType::ALL[value],
            _ => self.authority = Authority::ALL[value],
        }
    }

    fn outcome(&self) -> String {
        self.set.held_to(self.user_type, self.authority).to_string()
    }
}
