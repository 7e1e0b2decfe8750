//! What the words of the tables about linking and unlinking mean, as facts.

use std::time::Duration;

use identity::applications::Application;
use identity::email::Email;
use identity::federation::attempt::Asker;
use identity::federation::decide::Arrival;
use identity::federation::external::{EmailVerified, ExternalIdentity};
use identity::federation::hook::HookWord;
use identity::federation::link::{
    LinkDecision, LinkKnown, SignedIn, UnlinkKnown, decide_link, decide_unlink,
};
use identity::federation::policy::{Connection, PolicyFields};
use identity::federation::provider::{
    Authority, ClientAuthentication, Endpoints, Provider, ProviderState,
};
use identity::ids::{ConnectionId, ProviderId, PublicId, SessionId, UserId};
use identity::sessions::{AdmitRefusal, Method, Session, SessionTimes};
use identity::time::Moment;
use identity::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};

use crate::document::{Cases, Facets};

pub(crate) const OF_LINKS: Facets = &[
    ("provider", &["enabled", "disabled"]),
    ("connection", &["connected", "not connected"]),
    ("manual linking", &["offered", "not offered"]),
    (
        "signed in",
        &[
            "as before",
            "nobody",
            "somebody else",
            "in another session",
            "not any more",
            "another type",
            "another population",
            "held",
            "deactivated",
            "deleted",
            "by a way that is closed",
            "by breaking the glass",
        ],
    ),
    ("identity", &["nobody's", "theirs", "somebody else's"]),
    ("same provider", &["none", "another subject"]),
];

pub(crate) const OF_UNLINKS: Facets = &[
    ("manual linking", &["offered", "not offered"]),
    ("password", &["yes", "no"]),
    ("local login", &["open", "closed"]),
    ("other identity", &["yes", "no"]),
];

const NOW: Moment = Moment::from_seconds(1_900_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// Somebody who went to a provider from the account page of the dashboard.
pub(crate) struct Links {
    arrival: Arrival,
    known: LinkKnown,
    connection: Connection,
}

fn asker() -> Asker {
    Asker { user: UserId::from_stored("u-1"), session: SessionId::from_stored("s-1") }
}

fn dashboard() -> Application {
    Application::built_in()
        .into_iter()
        .find(|door| door.key.as_str() == "dashboard")
        .expect("the dashboard")
}

fn idp() -> Provider {
    let address = |path: &str| format!("https://idp.test/{path}");
    Provider {
        id: ProviderId::from_stored("p-1"),
        key: "idp".to_owned(),
        name: "Company".to_owned(),
        organisation: None,
        authority: Authority::Organisation,
        state: ProviderState::Enabled,
        issuer: "https://idp.test".to_owned(),
        client_id: "vestibule".to_owned(),
        client_authentication: ClientAuthentication::ClientSecretPost,
        scopes: vec!["openid".to_owned()],
        trusted_domains: Vec::new(),
        allow_private: Vec::new(),
        endpoints: Endpoints {
            authorization: address("authorize"),
            token: address("token"),
            userinfo: None,
            jwks: address("jwks"),
        },
        algorithms: vec!["RS256".to_owned()],
        promises_iss: true,
        pkce: true,
        created_at: NOW.minus(HOUR),
    }
}

fn as_before() -> SignedIn {
    let user = User {
        id: UserId::from_stored("u-1"),
        public_id: PublicId::from_stored("x-1"),
        user_type: UserType::Member,
        population: Population::default_one(),
        email: Email::parse("owner@company.test").expect("an address"),
        email_standing: EmailStanding::Verified,
        name: Name::default(),
        locale: None,
        status: Status::Active,
        birth: Birth::Added,
        created_at: NOW.minus(HOUR),
    };
    let session = Session {
        id: SessionId::from_stored("s-1"),
        user: user.id.clone(),
        user_type: UserType::Member,
        population: Population::default_one(),
        application: dashboard().key,
        provider: None,
        identity: None,
        organisation: None,
        methods: Vec::new(),
        began_at: NOW.minus(HOUR),
        auth_time: None,
        last_used_at: NOW.minus(Duration::from_secs(60)),
        times: SessionTimes { idle: HOUR, absolute: HOUR * 2 },
        ended_at: None,
    };
    SignedIn { session, user, way_closed: None }
}

impl Links {
    pub(crate) fn new() -> Self {
        let (provider, application) = (idp(), dashboard());
        let external = ExternalIdentity {
            provider: provider.id.clone(),
            issuer: provider.issuer.clone(),
            subject: "f3a1".to_owned(),
            email: Some(Email::parse("somebody@elsewhere.test").expect("an address")),
            email_verified: EmailVerified::Yes,
            hosted_domain: None,
            name: Name::default(),
            locale: None,
            claims: serde_json::Map::new(),
        };
        let connection = Connection {
            id: ConnectionId::from_stored("c-1"),
            application: application.key.clone(),
            provider: provider.id.clone(),
            policy: PolicyFields::default(),
            position: 3,
            exchange_audiences: Vec::new(),
            exchange_staff: false,
        };
        let known = LinkKnown {
            provider,
            connection: None,
            defaults: PolicyFields::default(),
            signed_in: None,
            owner: None,
            has_identity_of_provider: false,
        };
        Self {
            arrival: Arrival {
                external,
                application,
                hook: HookWord::Unasked,
                shown: None,
                now: NOW,
            },
            known,
            connection,
        }
    }

    fn fit_signed_in(&mut self, word: &str) {
        let mut there = as_before();
        match word {
            "as before" => {}
            "nobody" => return self.known.signed_in = None,
            "somebody else" => there.user.id = UserId::from_stored("u-2"),
            "in another session" => there.session.id = SessionId::from_stored("s-2"),
            "not any more" => there.session.last_used_at = NOW.minus(HOUR * 2),
            "another type" => there.user.user_type = UserType::Customer,
            "another population" => there.user.population = Population::from_stored("brand"),
            "by a way that is closed" => {
                there.way_closed = Some(AdmitRefusal::ProviderNotConnected);
            }
            "by breaking the glass" => there.session.methods = vec![Method::BreakGlass],
            status => there.user.status = status.parse().expect("a status"),
        }
        self.known.signed_in = Some(there);
    }
}

impl Cases for Links {
    fn facets(&self) -> Facets {
        OF_LINKS
    }

    fn fit(&mut self, facet: &str, word: &str) {
        match facet {
            "provider" => self.known.provider.state = word.parse().expect("a state"),
            "connection" => {
                self.known.connection = (word == "connected").then(|| self.connection.clone());
            }
            // By the connection itself, whatever holds for the door.
            "manual linking" => {
                let offered = word == "offered";
                self.connection.policy.manual_linking = Some(offered);
                self.known.defaults.manual_linking = Some(!offered);
                if let Some(connection) = &mut self.known.connection {
                    connection.policy.manual_linking = Some(offered);
                }
            }
            "signed in" => self.fit_signed_in(word),
            "identity" => {
                self.known.owner = match word {
                    "nobody's" => None,
                    "theirs" => Some(UserId::from_stored("u-1")),
                    _ => Some(UserId::from_stored("u-9")),
                }
            }
            "same provider" => self.known.has_identity_of_provider = word != "none",
            unknown => panic!("no facet {unknown}"),
        }
    }

    fn comes_out_as(&self, outcome: &str) -> bool {
        match decide_link(&self.arrival, &asker(), &self.known).decision {
            LinkDecision::Link => outcome == "link",
            LinkDecision::Stays => outcome == "stays as it is",
            LinkDecision::Refuse { reason } => {
                outcome.strip_prefix("refuse: ") == Some(reason.code())
            }
        }
    }
}

/// A tie that somebody wants to cut.
pub(crate) struct Unlinks(UnlinkKnown);

impl Unlinks {
    pub(crate) fn new() -> Self {
        let none = false;
        Self(UnlinkKnown {
            manual_linking: none,
            password: none,
            local_login: none,
            other_identity: none,
        })
    }
}

impl Cases for Unlinks {
    fn facets(&self) -> Facets {
        OF_UNLINKS
    }

    fn fit(&mut self, facet: &str, word: &str) {
        match facet {
            "manual linking" => self.0.manual_linking = word == "offered",
            "password" => self.0.password = word == "yes",
            "local login" => self.0.local_login = word == "open",
            "other identity" => self.0.other_identity = word == "yes",
            unknown => panic!("no facet {unknown}"),
        }
    }

    fn comes_out_as(&self, outcome: &str) -> bool {
        match decide_unlink(&self.0) {
            Ok(()) => outcome == "cut",
            Err(refusal) => outcome.strip_prefix("refuse: ") == Some(refusal.code()),
        }
    }
}
