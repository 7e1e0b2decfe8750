//! What the words of the first table mean, as facts for `decide`.

use identity::applications::{Application, ApplicationKey};
use identity::email::Email;
use identity::federation::decide::{Arrival, Candidate, Decision, Known, Linked, NewUser, decide};
use identity::federation::external::{EmailVerified, ExternalIdentity};
use identity::federation::hook::HookWord;
use identity::federation::policy::{Connection, PolicyFields};
use identity::federation::proof::Asked;
use identity::federation::provider::{
    Authority, ClientAuthentication, Endpoints, Provider, ProviderState,
};
use identity::ids::{ConnectionId, GroupId, IdentityId, ProviderId, PublicId, UserId};
use identity::time::Moment;
use identity::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};

use crate::document::{Cases, Facets};

const STATUSES: [&str; 4] = ["active", "held", "deactivated", "deleted"];

pub(crate) const FACETS: Facets = &[
    ("provider", &["enabled", "disabled"]),
    ("unknown user", &["create", "hold", "refuse", "none"]),
    ("link", &["never", "ask_proof", "prove_mailbox", "trusted_email", "any_email"]),
    ("domains", &["every", "listed", "unlisted"]),
    ("word", &["counts", "no ground", "denied", "no address"]),
    ("identity", &["new", STATUSES[0], STATUSES[1], STATUSES[2], STATUSES[3]]),
    ("kept address", &["same", "another", "none"]),
    ("account", &["none", STATUSES[0], STATUSES[1], STATUSES[2], STATUSES[3]]),
    ("standing", &["unconfirmed", "vouched_for", "verified"]),
    ("tie", &["free", "taken"]),
];

/// A person at a door.
pub(crate) struct Facts {
    arrival: Arrival,
    known: Known,
}

impl Facts {
    pub(crate) fn new() -> Self {
        let external = ExternalIdentity {
            provider: ProviderId::from_stored("p"),
            issuer: "https://login.company.test".to_owned(),
            subject: "4711".to_owned(),
            email: None,
            email_verified: EmailVerified::Absent,
            hosted_domain: None,
            name: Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
            locale: Some("en-GB".to_owned()),
            claims: serde_json::Map::new(),
        };
        let [storefront, ..] = Application::built_in();
        let now = Moment::from_seconds(1_800_000_000);
        Self {
            arrival: Arrival {
                external,
                application: storefront,
                hook: HookWord::Unasked,
                shown: None,
                now,
            },
            known: Known {
                provider: provider(),
                connection: None,
                defaults: PolicyFields::default(),
                linked: None,
                candidate: None,
                memberships: Vec::new(),
                groups: Vec::new(),
            },
        }
    }

    fn new_user(&self, standing: &str) -> Option<NewUser> {
        Some(NewUser {
            email: self.arrival.external.email.clone()?,
            email_standing: standing.strip_suffix(" address")?.parse().ok()?,
            name: self.arrival.external.name.clone(),
            locale: self.arrival.external.locale.clone(),
            groups: self.known.connection.as_ref()?.policy.default_groups.clone()?,
        })
    }

    fn signs_in(&self, decision: &Decision, new_address: Option<Option<&str>>) -> bool {
        let linked = self.known.linked.as_ref();
        matches!(
            (decision, linked),
            (Decision::SignIn { user, identity, identity_email, changes }, Some(linked))
                if *user == linked.user.id
                    && changes.is_empty()
                    && *identity == linked.identity
                    && identity_email.as_ref().map(Option::as_deref) == new_address
        )
    }
}

impl Cases for Facts {
    fn facets(&self) -> Facets {
        FACETS
    }

    fn fit(&mut self, facet: &str, word: &str) {
        let known = &mut self.known;
        let external = &mut self.arrival.external;
        match facet {
            "provider" => known.provider.state = word.parse::<ProviderState>().expect("a state"),
            "unknown user" => known.connection = (word != "none").then(|| connection(word)),
            "identity" => known.linked = (word != "new").then(|| linked(word)),
            "link" => {
                if let Some(connection) = &mut known.connection {
                    connection.policy.link = Some(word.parse().expect("a linking"));
                }
            }
            "domains" => {
                let list = match word {
                    "every" => Vec::new(),
                    "listed" => vec!["other.test".to_owned(), "company.test".to_owned()],
                    _ => vec!["other.test".to_owned()],
                };
                if let Some(connection) = &mut known.connection {
                    connection.policy.allowed_domains = Some(list);
                }
            }
            "word" => {
                external.email = (word != "no address").then(|| email("ada@company.test"));
                external.email_verified = match word {
                    "counts" => EmailVerified::Yes,
                    "denied" => EmailVerified::No,
                    _ => EmailVerified::Absent,
                };
            }
            "kept address" => {
                let given = external.email.as_ref().map(|email| email.as_typed().to_owned());
                if let Some(linked) = &mut known.linked {
                    linked.email = match word {
                        "same" => given,
                        "another" => Some("ada@maiden-name.test".to_owned()),
                        _ => None,
                    };
                }
            }
            "account" => known.candidate = (word != "none").then(|| candidate(word)),
            "standing" => {
                if let Some(candidate) = &mut known.candidate {
                    candidate.user.email_standing = word.parse().expect("a standing");
                }
            }
            "tie" => {
                if let Some(candidate) = &mut known.candidate {
                    candidate.has_identity_of_provider = word == "taken";
                }
            }
            unknown => panic!("no facet {unknown}"),
        }
    }

    fn comes_out_as(&self, outcome: &str) -> bool {
        let decided = decide(&self.arrival, &self.known);
        let decision = &decided.decision;
        let given = self.arrival.external.email.as_ref().map(Email::as_typed);
        match outcome {
            "sign in" => self.signs_in(decision, None),
            "sign in, keep the new address" => self.signs_in(decision, Some(given)),
            "link and sign in" => matches!(
                (decision, &self.known.candidate),
                (Decision::Link { user, changes }, Some(candidate))
                    if *user == candidate.user.id && changes.is_empty()
            ),
            "ask for proof" => *decision == Decision::AskProof { asked: Asked::Account },
            "ask for the mailbox" => *decision == Decision::AskProof { asked: Asked::Mailbox },
            made if made.starts_with("create and ") => {
                let (what, standing) = made.split_once(", ").expect("with a standing");
                match (what, decision) {
                    ("create and sign in", Decision::Create(new))
                    | ("create and hold", Decision::Hold(new)) => {
                        Some(new) == self.new_user(standing).as_ref()
                    }
                    _ => false,
                }
            }
            refused => {
                let code = refused.strip_prefix("refuse: ");
                matches!(decision, Decision::Refuse { reason } if code == Some(reason.code()))
            }
        }
    }
}

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

fn connection(unknown_user: &str) -> Connection {
    Connection {
        id: ConnectionId::from_stored("c"),
        application: ApplicationKey::from_stored("back-office"),
        provider: ProviderId::from_stored("p"),
        policy: PolicyFields {
            unknown_user: Some(unknown_user.parse().expect("a policy")),
            default_groups: Some(vec![GroupId::from_stored("newcomers")]),
            ..PolicyFields::default()
        },
        position: 1,
        exchange_audiences: Vec::new(),
        exchange_staff: false,
    }
}

fn linked(status: &str) -> Linked {
    Linked { identity: IdentityId::from_stored("i"), email: None, user: user("tied", status) }
}

fn candidate(status: &str) -> Candidate {
    Candidate { user: user("same-address", status), has_identity_of_provider: false }
}

fn user(id: &str, status: &str) -> User {
    User {
        id: UserId::from_stored(id),
        public_id: PublicId::from_stored(id),
        user_type: UserType::Customer,
        population: Population::default_one(),
        email: email("ada@company.test"),
        email_standing: EmailStanding::VouchedFor,
        name: Name { given: "Ada".to_owned(), family: "Lovelace".to_owned() },
        locale: Some("en-GB".to_owned()),
        status: status.parse::<Status>().expect("a status"),
        birth: Birth::Added,
        created_at: Moment::from_seconds(0),
    }
}

pub(crate) fn provider() -> Provider {
    let at = |path: &str| format!("https://login.company.test/{path}");
    Provider {
        id: ProviderId::from_stored("p"),
        key: "company".to_owned(),
        name: "Company".to_owned(),
        organisation: None,
        authority: Authority::Operator,
        state: ProviderState::Enabled,
        issuer: "https://login.company.test".to_owned(),
        client_id: "vestibule".to_owned(),
        client_authentication: ClientAuthentication::ClientSecretPost,
        scopes: vec!["openid".to_owned(), "email".to_owned()],
        trusted_domains: Vec::new(),
        allow_private: Vec::new(),
        endpoints: Endpoints {
            authorization: at("authorize"),
            token: at("token"),
            userinfo: None,
            jwks: at("jwks"),
        },
        algorithms: vec!["RS256".to_owned()],
        promises_iss: true,
        pkce: true,
        created_at: Moment::from_seconds(0),
    }
}
