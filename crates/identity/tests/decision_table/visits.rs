//! What the words of the second table mean, as facts for `admit`.

use std::time::Duration;

use identity::applications::{Application, ApplicationKey};
use identity::email::Email;
use identity::ids::{IdentityId, ProviderId, PublicId, SessionId, UserId};
use identity::sessions::{Admission, AtTheDoor, Method, Session, SessionTimes, admit};
use identity::time::Moment;
use identity::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};

use crate::document::{Cases, Facets};

pub(crate) const FACETS: Facets = &[
    ("session", &["alive", "ended", "idle", "expired"]),
    ("user type", &["same", "another"]),
    ("population", &["same", "another"]),
    ("status", &["active", "held", "deactivated", "deleted"]),
    ("came by", &["password", "glass here", "glass elsewhere", "connected", "unconnected"]),
    ("local login", &["open", "closed"]),
    ("idle here", &["within", "passed"]),
    ("absolute here", &["within", "passed"]),
    ("fresh within", &["not asked", "within", "passed"]),
];

const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);

/// A session at a door.
pub(crate) struct Facts {
    session: Session,
    user: User,
    door: Application,
    provider_connected: bool,
    now: Moment,
}

impl Facts {
    pub(crate) fn new() -> Self {
        let [_, door, ..] = Application::built_in();
        let now = Moment::from_seconds(1_800_000_000);
        let user = User {
            id: UserId::from_stored("u"),
            public_id: PublicId::from_stored("u"),
            user_type: UserType::Staff,
            population: Population::default_one(),
            email: Email::parse("ada@company.test").expect("an address"),
            email_standing: EmailStanding::Verified,
            name: Name::default(),
            locale: None,
            status: Status::Active,
            birth: Birth::Added,
            created_at: now.minus(DAY),
        };
        let session = Session {
            id: SessionId::from_stored("s"),
            user: user.id.clone(),
            user_type: UserType::Staff,
            population: Population::default_one(),
            application: door.key.clone(),
            provider: None,
            identity: None,
            organisation: None,
            methods: Vec::new(),
            began_at: now.minus(MINUTE * 20),
            auth_time: Some(now.minus(MINUTE * 20)),
            last_used_at: now.minus(MINUTE * 10),
            times: SessionTimes { idle: DAY, absolute: DAY },
            ended_at: None,
        };
        Self { session, user, door, provider_connected: true, now }
    }
}

impl Cases for Facts {
    fn facets(&self) -> Facets {
        FACETS
    }

    fn fit(&mut self, facet: &str, word: &str) {
        let same = word == "same";
        let span = if word == "within" { DAY } else { MINUTE };
        match facet {
            "session" => {
                let span = |when: &str| if word == when { MINUTE } else { DAY };
                self.session.times = SessionTimes { idle: span("idle"), absolute: span("expired") };
                self.session.ended_at = (word == "ended").then_some(self.now);
            }
            "user type" => {
                self.session.user_type = if same { UserType::Staff } else { UserType::Customer };
            }
            "population" => {
                let name = if same { "default" } else { "other-brand" };
                self.session.population = Population::from_stored(name);
            }
            "status" => self.user.status = word.parse().expect("a status"),
            "came by" => {
                let by_glass = word.starts_with("glass");
                let by_provider = word != "password" && !by_glass;
                self.session.provider = by_provider.then(|| ProviderId::from_stored("p"));
                self.session.identity = by_provider.then(|| IdentityId::from_stored("i"));
                let method = if by_provider { Method::Provider } else { Method::Password };
                self.session.methods = vec![method];
                if by_glass {
                    self.session.methods.push(Method::BreakGlass);
                }
                let there = if word == "glass elsewhere" { "other-door" } else { "back-office" };
                self.session.application = ApplicationKey::from_stored(there);
                self.provider_connected = word != "unconnected";
            }
            "local login" => self.door.local_login = word == "open",
            "idle here" => self.door.session.idle = span,
            "absolute here" => self.door.session.absolute = span,
            "fresh within" => self.door.fresh_within = (word != "not asked").then_some(span),
            unknown => panic!("no facet {unknown}"),
        }
    }

    fn comes_out_as(&self, outcome: &str) -> bool {
        let visitor = AtTheDoor {
            session: &self.session,
            user: &self.user,
            provider_connected: self.provider_connected,
        };
        match admit(visitor, &self.door, self.now).admission {
            Admission::Enter => outcome == "enter",
            Admission::SignInAgain(refusal) => {
                outcome.strip_prefix("sign in again: ") == Some(refusal.code())
            }
        }
    }
}
