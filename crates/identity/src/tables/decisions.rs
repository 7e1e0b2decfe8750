//! Every case of a sign-in through a provider, as `decide` sees it.

use super::fold::{Cases, Facet};
use crate::applications::{Application, ApplicationKey};
use crate::email::Email;
use crate::federation::decide::{Arrival, Candidate, Decision, Known, Linked, decide};
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::policy::{Connection, UnknownUser};
use crate::federation::provider::{
    Authority, ClientAuthentication, Endpoints, Provider, ProviderState,
};
use crate::ids::{ConnectionId, IdentityId, ProviderId, PublicId, UserId};
use crate::time::Moment;
use crate::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};

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
        name: "connection",
        meaning: "what the connection of door and provider makes of unknown people, if there is a \
                  connection",
        values: &["create", "refuse", "none"],
    },
    Facet {
        name: "identity",
        meaning: "the status of the user whom this provider, issuer and subject is tied to; new if \
                  to nobody",
        values: &["new", "active", "held", "deactivated", "deleted"],
    },
    Facet {
        name: "user type",
        meaning: "whom the door is for",
        values: &["customer", "staff", "merchant", "member"],
    },
    Facet {
        name: "authority",
        meaning: "how far the provider's word about addresses goes",
        values: &["operator", "organisation", "public"],
    },
    Facet { name: "issuer", meaning: "who runs the provider", values: &["google", "other"] },
    Facet {
        name: "address",
        meaning: "the address that the provider gave: in a domain that it is trusted with, at \
                  gmail.com, in the domain that it named in `hd`, elsewhere, or none",
        values: &["trusted", "gmail", "hd", "elsewhere", "none"],
    },
    Facet {
        name: "verified",
        meaning: "`email_verified`; anything that is neither true nor absent is false",
        values: &["true", "false", "absent"],
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

const TRUSTED: &str = "trusted.example";
const HOSTED: &str = "hosted.example";
const ANOTHER_ADDRESS: &str = "earlier@elsewhere.example";

/// The facts of one case.
pub(super) struct Scene {
    arrival: Arrival,
    known: Known,
}

impl Scene {
    pub(super) fn new() -> Self {
        let [application, ..] = Application::built_in();
        let provider = provider();
        let external = ExternalIdentity {
            provider: provider.id.clone(),
            issuer: String::new(),
            subject: "subject".to_owned(),
            email: None,
            email_verified: EmailVerified::Absent,
            hosted_domain: None,
            name: Name::default(),
            locale: None,
        };
        Self {
            arrival: Arrival { external, application, now: Moment::from_seconds(0) },
            known: Known { provider, connection: None, linked: None, candidate: None },
        }
    }

    fn choose_address(&mut self, value: usize) {
        let domain = [TRUSTED, "gmail.com", HOSTED, "elsewhere.example"].get(value);
        let external = &mut self.arrival.external;
        external.email = domain.map(|domain| address(&format!("person@{domain}")));
        external.hosted_domain = (value == 2).then(|| HOSTED.to_owned());
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
                    UnknownUser::ALL.get(value).map(|policy| connection(*policy))
            }
            2 => self.known.linked = status.map(linked),
            3 => self.arrival.application.user_type = UserType::ALL[value],
            4 => self.known.provider.authority = Authority::ALL[value],
            5 => {
                let issuer = ["https://accounts.google.com", "https://id.example"][value];
                self.arrival.external.issuer = issuer.to_owned();
            }
            6 => self.choose_address(value),
            7 => self.arrival.external.email_verified = EmailVerified::ALL[value],
            8 => self.choose_kept_address(value),
            9 => self.known.candidate = status.map(candidate),
            10 => {
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
        match decide(&self.arrival, &self.known).decision {
            Decision::SignIn { identity_email: None, .. } => "sign in".to_owned(),
            Decision::SignIn { .. } => "sign in, keep the new address".to_owned(),
            Decision::Link { .. } => "link and sign in".to_owned(),
            Decision::Create(_) => "create and sign in".to_owned(),
            Decision::Refuse { reason } => format!("refuse: {}", reason.code()),
        }
    }
}

fn address(text: &str) -> Email {
    Email::from_stored(text, text)
}

fn connection(unknown_user: UnknownUser) -> Connection {
    Connection {
        id: ConnectionId::from_stored("connection"),
        application: ApplicationKey::from_stored("storefront"),
        provider: ProviderId::from_stored("provider"),
        unknown_user,
        default_groups: Vec::new(),
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

fn user(id: &str, status: Status) -> User {
    User {
        id: UserId::from_stored(id),
        public_id: PublicId::from_stored(id),
        user_type: UserType::Customer,
        population: Population::default_one(),
        email: address("person@elsewhere.example"),
        email_standing: EmailStanding::Unconfirmed,
        name: Name::default(),
        locale: None,
        status,
        birth: Birth::Added,
        created_at: Moment::from_seconds(0),
    }
}

fn provider() -> Provider {
    Provider {
        id: ProviderId::from_stored("provider"),
        key: "provider".to_owned(),
        name: "Provider".to_owned(),
        organisation: None,
        authority: Authority::Public,
        state: ProviderState::Enabled,
        issuer: String::new(),
        client_id: String::new(),
        client_authentication: ClientAuthentication::ClientSecretBasic,
        scopes: Vec::new(),
        trusted_domains: vec![TRUSTED.to_owned()],
        allow_private: Vec::new(),
        endpoints: Endpoints {
            authorization: String::new(),
            token: String::new(),
            userinfo: None,
            jwks: String::new(),
        },
        algorithms: Vec::new(),
        promises_iss: false,
        pkce: true,
        created_at: Moment::from_seconds(0),
    }
}
