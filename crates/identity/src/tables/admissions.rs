//! Every case of a session that comes to a door, as `admit` sees it.

use std::time::Duration;

use super::fold::{Cases, Facet};
use crate::applications::{Application, ApplicationKey};
use crate::email::Email;
use crate::ids::{ProviderId, PublicId, SessionId, UserId};
use crate::sessions::{Admission, AtTheDoor, Method, Session, SessionTimes, admit};
use crate::time::Moment;
use crate::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};

pub(super) const INTRODUCTION: &str = "\
What `admit` makes of a session that comes to a door, at every page, silent sign-in and proxy check.
";

const FACETS: &[Facet] = &[
    Facet {
        name: "session",
        meaning: "by its own times, which were fixed at the sign-in",
        values: &["alive", "ended", "idle", "expired"],
    },
    Facet {
        name: "user type",
        meaning: "the session's, against the door's",
        values: &["same", "another"],
    },
    Facet {
        name: "population",
        meaning: "the session's, against the door's",
        values: &["same", "another"],
    },
    Facet {
        name: "status",
        meaning: "of the user, now",
        values: &["active", "held", "deactivated", "deleted"],
    },
    Facet {
        name: "came by",
        meaning: "a password of ours, a sealed code that broke the glass of this door or of another \
                  one, a provider that is enabled and connected to this door, or one that is not",
        values: &["password", "glass here", "glass elsewhere", "connected", "unconnected"],
    },
    Facet {
        name: "local login",
        meaning: "whether a password opens this door",
        values: &["open", "closed"],
    },
    Facet {
        name: "idle here",
        meaning: "the last use, against this door's idle time",
        values: &["within", "passed"],
    },
    Facet {
        name: "absolute here",
        meaning: "the sign-in, against this door's absolute time",
        values: &["within", "passed"],
    },
    Facet {
        name: "fresh within",
        meaning: "the sign-in, against what this door asks of sessions from other doors",
        values: &["not asked", "within", "passed"],
    },
];

const HOUR: Duration = Duration::from_secs(3600);
const LONG: Duration = Duration::from_secs(32_400);
const NOW: Moment = Moment::from_seconds(360_000);

/// The facts of one case: a sign-in three hours ago that was last used two hours ago.
pub(super) struct Scene {
    session: Session,
    user: User,
    door: Application,
    provider_connected: bool,
}

impl Scene {
    pub(super) fn new() -> Self {
        let [door, ..] = Application::built_in();
        let user = User {
            id: UserId::from_stored("user"),
            public_id: PublicId::from_stored("user"),
            user_type: door.user_type,
            population: door.population.clone(),
            email: Email::from_stored("person@example.com", "person@example.com"),
            email_standing: EmailStanding::Verified,
            name: Name::default(),
            locale: None,
            status: Status::Active,
            birth: Birth::Added,
            created_at: NOW.minus(LONG),
        };
        let session = Session {
            id: SessionId::from_stored("session"),
            user: user.id.clone(),
            user_type: door.user_type,
            population: door.population.clone(),
            application: door.key.clone(),
            provider: None,
            identity: None,
            organisation: None,
            methods: vec![Method::Password],
            began_at: NOW.minus(HOUR * 3),
            auth_time: Some(NOW.minus(HOUR * 3)),
            last_used_at: NOW.minus(HOUR * 2),
            times: SessionTimes { idle: LONG, absolute: LONG },
            ended_at: None,
        };
        Self { session, user, door, provider_connected: true }
    }

    fn choose_session(&mut self, value: usize) {
        let times = |idle, absolute| SessionTimes { idle, absolute };
        self.session.ended_at = (value == 1).then_some(NOW);
        self.session.times = match value {
            2 => times(HOUR, LONG),
            3 => times(LONG, HOUR),
            _ => times(LONG, LONG),
        };
    }

    fn choose_way(&mut self, value: usize) {
        self.session.provider = (value > 2).then(|| ProviderId::from_stored("provider"));
        self.provider_connected = value < 4;
        self.session.methods = match value {
            0 => vec![Method::Password],
            1 | 2 => vec![Method::Password, Method::BreakGlass],
            _ => vec![Method::Provider],
        };
        let elsewhere = ApplicationKey::from_stored("elsewhere");
        self.session.application = if value == 2 { elsewhere } else { self.door.key.clone() };
    }
}

impl Cases for Scene {
    fn facets(&self) -> &'static [Facet] {
        FACETS
    }

    fn choose(&mut self, facet: usize, value: usize) {
        let span = [LONG, HOUR];
        match facet {
            0 => self.choose_session(value),
            1 => self.session.user_type = [self.door.user_type, UserType::Merchant][value],
            2 => {
                let populations = [self.door.population.clone(), Population::from_stored("brand")];
                self.session.population = populations[value].clone();
            }
            3 => self.user.status = Status::ALL[value],
            4 => self.choose_way(value),
            5 => self.door.local_login = value == 0,
            6 => self.door.session.idle = span[value],
            7 => self.door.session.absolute = span[value],
            _ => self.door.fresh_within = value.checked_sub(1).map(|value| span[value]),
        }
    }

    fn outcome(&self) -> String {
        let visitor = AtTheDoor {
            session: &self.session,
            user: &self.user,
            provider_connected: self.provider_connected,
        };
        match admit(visitor, &self.door, NOW).admission {
            Admission::Enter => "enter".to_owned(),
            Admission::SignInAgain(refusal) => format!("sign in again: {}", refusal.code()),
        }
    }
}
