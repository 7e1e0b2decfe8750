//! Every case of an identity that somebody ties to their own account, or cuts from it again.

use super::fold::{Cases, Facet};
use super::people::{provider, silent, user};
use crate::applications::Application;
use crate::federation::attempt::Asker;
use crate::federation::decide::Arrival;
use crate::federation::hook::HookWord;
use crate::federation::link::{
    LinkDecision, LinkKnown, SignedIn, UnlinkKnown, decide_link, decide_unlink,
};
use crate::federation::policy::{Connection, PolicyFields};
use crate::federation::provider::{Authority, ProviderState};
use crate::ids::{ConnectionId, SessionId, UserId};
use crate::sessions::{AdmitRefusal, Method, Session};
use crate::time::Moment;
use crate::users::{Population, Status, UserType};

pub(super) const OF_LINKS: &str = "\
What `decide_link` makes of somebody who comes back from a provider to which they went from their \
account page. Who may pass a door by the identity is weighed at every sign-in, not here.
";

pub(super) const OF_UNLINKS: &str = "\
What `decide_unlink` makes of the wish to cut a tie again.
";

const LINK_FACETS: &[Facet] = &[
    Facet {
        name: "provider",
        meaning: "its state, when the person comes back",
        values: &["enabled", "disabled"],
    },
    Facet {
        name: "connection",
        meaning: "of this door to the provider",
        values: &["connected", "not connected"],
    },
    Facet {
        name: "manual linking",
        meaning: "by the policy, when the person comes back",
        values: &["offered", "not offered"],
    },
    Facet {
        name: "signed in",
        meaning: "in the browser that comes back, against who went, in which session; for another \
                  door: of another user type or population",
        values: &[
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
    },
    Facet {
        name: "identity",
        meaning: "whose it is already",
        values: &["nobody's", "theirs", "somebody else's"],
    },
    Facet {
        name: "same provider",
        meaning: "whether the account has another identity of this provider",
        values: &["none", "another subject"],
    },
];

const UNLINK_FACETS: &[Facet] = &[
    Facet { name: "manual linking", meaning: "by the policy", values: &["offered", "not offered"] },
    Facet {
        name: "password",
        meaning: "whether the account has one, and may have one",
        values: &["yes", "no"],
    },
    Facet {
        name: "local login",
        meaning: "whether a password opens any door of theirs",
        values: &["open", "closed"],
    },
    Facet {
        name: "other identity",
        meaning: "whether another one of theirs opens such a door",
        values: &["yes", "no"],
    },
];

const BEGAN: Moment = Moment::from_seconds(1_800_000_000);

/// The facts of one case of linking: Ada went from her account page a moment ago.
pub(super) struct Links {
    arrival: Arrival,
    asker: Asker,
    known: LinkKnown,
}

impl Links {
    pub(super) fn new() -> Self {
        let [application, ..] = Application::built_in();
        let provider = provider(Authority::Operator);
        let external = silent(&provider);
        let asker =
            Asker { user: UserId::from_stored("ada"), session: SessionId::from_stored("session") };
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
                now: BEGAN,
            },
            asker,
            known,
        }
    }

    fn connection(&self) -> Connection {
        Connection {
            id: ConnectionId::from_stored("connection"),
            application: self.arrival.application.key.clone(),
            provider: self.known.provider.id.clone(),
            policy: PolicyFields::default(),
            position: 0,
            exchange_audiences: Vec::new(),
            exchange_staff: false,
        }
    }

    fn as_before(&self) -> SignedIn {
        let door = &self.arrival.application;
        let session = Session {
            id: self.asker.session.clone(),
            user: self.asker.user.clone(),
            user_type: door.user_type,
            population: door.population.clone(),
            application: door.key.clone(),
            provider: None,
            identity: None,
            organisation: None,
            methods: vec![Method::Password],
            began_at: BEGAN,
            auth_time: Some(BEGAN),
            last_used_at: BEGAN,
            times: door.session,
            ended_at: None,
        };
        SignedIn { session, user: user("ada", Status::Active), way_closed: None }
    }

    fn choose_signed_in(&mut self, value: usize) {
        let mut there = self.as_before();
        let SignedIn { session, user, way_closed } = &mut there;
        match value {
            2 => user.id = UserId::from_stored("eve"),
            3 => session.id = SessionId::from_stored("another"),
            4 => session.ended_at = Some(BEGAN),
            5 => user.user_type = UserType::Merchant,
            6 => user.population = Population::from_stored("brand"),
            7 => user.status = Status::Held,
            8 => user.status = Status::Deactivated,
            9 => user.status = Status::Deleted,
            10 => *way_closed = Some(AdmitRefusal::LocalLoginClosed),
            11 => session.methods.push(Method::BreakGlass),
            _ => {}
        }
        self.known.signed_in = (value != 1).then_some(there);
    }
}

impl Cases for Links {
    fn facets(&self) -> &'static [Facet] {
        LINK_FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        match facet {
            0 => self.known.provider.state = ProviderState::ALL[value],
            1 => self.known.connection = (value == 0).then(|| self.connection()),
            2 => self.known.defaults.manual_linking = Some(value == 0),
            3 => self.choose_signed_in(value),
            4 => {
                self.known.owner = [None, Some("ada"), Some("eve")][value].map(UserId::from_stored)
            }
            _ => self.known.has_identity_of_provider = value == 1,
        }
    }

    fn outcome(&self) -> String {
        match decide_link(&self.arrival, &self.asker, &self.known).decision {
            LinkDecision::Link => "link".to_owned(),
            LinkDecision::Stays => "stays as it is".to_owned(),
            LinkDecision::Refuse { reason } => format!("refuse: {}", reason.code()),
        }
    }
}

/// The facts of one case of unlinking.
pub(super) struct Unlinks(UnlinkKnown);

impl Unlinks {
    pub(super) fn new() -> Self {
        Self(UnlinkKnown {
            manual_linking: true,
            password: true,
            local_login: true,
            other_identity: true,
        })
    }
}

impl Cases for Unlinks {
    fn facets(&self) -> &'static [Facet] {
        UNLINK_FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        let fact = match facet {
            0 => &mut self.0.manual_linking,
            1 => &mut self.0.password,
            2 => &mut self.0.local_login,
            _ => &mut self.0.other_identity,
        };
        *fact = value == 0;
    }

    fn outcome(&self) -> String {
        match decide_unlink(&self.0) {
            Ok(()) => "cut".to_owned(),
            Err(refusal) => format!("refuse: {}", refusal.code()),
        }
    }
}
