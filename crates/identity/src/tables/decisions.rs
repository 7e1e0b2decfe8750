//! Every case of a sign-in through a provider, as `decide` sees it.

use super::asked_for;
use super::fold::{Cases, Facet};
use super::people::{address, provider, silent, user};
use crate::applications::{Application, ApplicationKey};
use crate::federation::decide::{Arrival, Candidate, Decision, Known, Linked, decide};
use crate::federation::external::EmailVerified;
use crate::federation::hook::HookWord;
use crate::federation::policy::{Connection, Link, PolicyFields, UnknownUser};
use crate::federation::provider::{Authority, Provider, ProviderState};
use crate::ids::{ConnectionId, IdentityId, ProviderId};
use crate::time::Moment;
use crate::users::{EmailStanding, Status};

pub(super) const INTRODUCTION: &str = "\
What `decide` makes of somebody whom a provider vouches for. Everything is read in the transaction
that carries the decision out; trust in the address is weighed before the account that has it is
considered, so an untrusted address comes out alike whoever has it.
";

const FACETS: &[Facet] = &[
    Facet {
        name: "provider",
        meaning: "the provider's state when the person comes back",
        values: &["enabled", "disabled"],
    },
    Facet {
        name: "unknown user",
        meaning: "what the policy makes of unknown people; none if there is no connection",
        values: &["create", "hold", "refuse", "none"],
    },
    Facet {
        name: "link",
        meaning: "when the policy links an account of the same address, as it holds by the table \
                  before",
        values: &["never", "ask_proof", "prove_mailbox", "trusted_email", "any_email"],
    },
    Facet {
        name: "domains",
        meaning: "whether the policy lets addresses of every domain pass, or of listed ones, and \
                  the given one is among them",
        values: &["every", "listed", "unlisted"],
    },
    Facet {
        name: "word",
        meaning: "what the provider says about the address, by the first table: it counts, it does \
                  not, the provider says that it is not verified, or gives none",
        values: &["counts", "no ground", "denied", "no address"],
    },
    Facet {
        name: "identity",
        meaning: "the status of the user whom this provider, issuer and subject is tied to; new if \
                  to nobody",
        values: &["new", "active", "held", "deactivated", "deleted"],
    },
    Facet {
        name: "kept address",
        meaning: "the address that the identity had at its last sign-in, against the one given now",
        values: &["same", "another", "none"],
    },
    Facet {
        name: "account",
        meaning: "the status of the user who has the address, if anybody has it",
        values: &["none", "active", "held", "deactivated", "deleted"],
    },
    Facet {
        name: "standing",
        meaning: "what stands behind that user's own address",
        values: &["unconfirmed", "vouched_for", "verified"],
    },
    Facet {
        name: "tie",
        meaning: "whether that user is tied to somebody else at the same provider",
        values: &["free", "taken"],
    },
];

const DOMAIN: &str = "company.example";
const ANOTHER_ADDRESS: &str = "earlier@elsewhere.example";

/// The facts of one case.
pub(super) struct Scene {
    arrival: Arrival,
    known: Known,
}

impl Scene {
    pub(super) fn new() -> Self {
        let [application, ..] = Application::built_in();
        // Where no domains are named, nobody is a guest; they have a table of their own.
        let provider = Provider { trusted_domains: Vec::new(), ..provider(Authority::Operator) };
        let external = silent(&provider);
        let defaults = PolicyFields::default();
        Self {
            arrival: Arrival {
                external,
                application,
                hook: HookWord::Unasked,
                shown: None,
                now: Moment::from_seconds(0),
            },
            known: Known {
                provider,
                connection: None,
                defaults,
                linked: None,
                candidate: None,
                memberships: Vec::new(),
                groups: Vec::new(),
            },
        }
    }

    fn policy(&mut self) -> Option<&mut PolicyFields> {
        self.known.connection.as_mut().map(|connection| &mut connection.policy)
    }

    fn choose_domains(&mut self, value: usize) {
        let domains = [None, Some(DOMAIN), Some("another.example")][value];
        if let Some(policy) = self.policy() {
            policy.allowed_domains = domains.map(|domain| vec![domain.to_owned()]);
        }
    }

    fn choose_word(&mut self, value: usize) {
        let external = &mut self.arrival.external;
        external.email = (value < 3).then(|| address(&format!("person@{DOMAIN}")));
        external.email_verified =
            [EmailVerified::Yes, EmailVerified::Absent, EmailVerified::No, EmailVerified::Yes]
                [value];
    }

    fn choose_kept_address(&mut self, value: usize) {
        let given = self.arrival.external.email.as_ref().map(|email| email.as_typed().to_owned());
        if let Some(linked) = &mut self.known.linked {
            linked.email = match value {
                0 => given,
                1 => Some(ANOTHER_ADDRESS.to_owned()),
                _ => None,
            };
        }
    }
}

impl Cases for Scene {
    fn facets(&self) -> &'static [Facet] {
        FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        let status = value.checked_sub(1).map(|status| Status::ALL[status]);
        match facet {
            0 => self.known.provider.state = ProviderState::ALL[value],
            1 => {
                self.known.connection =
                    UnknownUser::ALL.get(value).map(|unknown| connection(*unknown))
            }
            2 => {
                if let Some(policy) = self.policy() {
                    policy.link = Some(Link::ALL[value]);
                }
            }
            3 => self.choose_domains(value),
            4 => self.choose_word(value),
            5 => self.known.linked = status.map(linked),
            6 => self.choose_kept_address(value),
            7 => self.known.candidate = status.map(candidate),
            8 => {
                if let Some(candidate) = &mut self.known.candidate {
                    candidate.user.email_standing = EmailStanding::ALL[value];
                }
            }
            _ => {
                if let Some(candidate) = &mut self.known.candidate {
                    candidate.has_identity_of_provider = value == 1;
                }
            }
        }
    }

    fn outcome(&self) -> String {
        let made =
            |outcome: &str, standing: EmailStanding| format!("{outcome}, {standing} address");
        match decide(&self.arrival, &self.known).decision {
            Decision::SignIn { identity_email: None, .. } => "sign in".to_owned(),
            Decision::SignIn { .. } => "sign in, keep the new address".to_owned(),
            Decision::Link { .. } => "link and sign in".to_owned(),
            Decision::AskProof { asked } => asked_for(asked).to_owned(),
            Decision::Create(new) => made("create and sign in", new.email_standing),
            Decision::Hold(new) => made("create and hold", new.email_standing),
            Decision::Refuse { reason } => format!("refuse: {}", reason.code()),
        }
    }
}

fn connection(unknown_user: UnknownUser) -> Connection {
    Connection {
        id: ConnectionId::from_stored("connection"),
        application: ApplicationKey::from_stored("storefront"),
        provider: ProviderId::from_stored("provider"),
        policy: PolicyFields { unknown_user: Some(unknown_user), ..PolicyFields::default() },
        position: 0,
        exchange_audiences: Vec::new(),
        exchange_staff: false,
    }
}

fn linked(status: Status) -> Linked {
    Linked {
        identity: IdentityId::from_stored("identity"),
        email: None,
        user: user("linked", status),
    }
}

fn candidate(status: Status) -> Candidate {
    Candidate { user: user("candidate", status), has_identity_of_provider: false }
}
