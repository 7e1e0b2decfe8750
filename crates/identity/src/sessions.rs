//! Sessions: a signed-in browser, how long it lasts, and which doors it opens.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::applications::{Application, ApplicationKey};
use crate::ids::{IdentityId, OrganisationId, ProviderId, SessionId, UserId};
use crate::time::Moment;
use crate::users::{Population, Status, User, UserType};

pub use crate::weighed::Weighed;

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTimes {
    /// Ends after this long without use.
    pub idle: Duration,
    /// Ends this long after the sign-in, used or not.
    pub absolute: Duration,
}

/// How somebody proved who they are (`amr`, RFC 8176).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// A password of ours.
    #[serde(rename = "pwd")]
    Password,
    /// An identity provider's word. Not a registered value: RFC 8176 has none for it.
    #[serde(rename = "fed")]
    Provider,
    /// A sealed code, beside a password, at a door that takes none. Not registered either: such a
    /// session is marked as what it is wherever it is seen.
    #[serde(rename = "break_glass")]
    BreakGlass,
}

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// As people and tokens name it (`sid`); the cookie holds something else.
    pub id: SessionId,
    /// Who.
    pub user: UserId,
    /// Which doors it can open at all.
    pub user_type: UserType,
    /// Of which population.
    pub population: Population,
    /// The door that it came in by.
    pub application: ApplicationKey,
    /// The provider that vouched, if one did.
    pub provider: Option<ProviderId>,
    /// The identity that it came by.
    pub identity: Option<IdentityId>,
    /// The organisation that it acts for.
    pub organisation: Option<OrganisationId>,
    /// How the person proved who they are.
    pub methods: Vec<Method>,
    /// When it began: the person came in by it then, whenever they had proved who they are.
    pub began_at: Moment,
    /// When the person proved who they are. A provider may have known them for weeks and does not
    /// have to tell (OpenID Connect Core 2): then nobody knows.
    pub auth_time: Option<Moment>,
    /// Last use, exact to 60 seconds.
    pub last_used_at: Moment,
    /// Its limits, fixed at the sign-in.
    pub times: SessionTimes,
    /// When it was ended by somebody, if it was.
    pub ended_at: Option<Moment>,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Signed out, deactivated, password changed.
    Ended,
    /// Not used for too long.
    Idle,
    /// Signed in too long ago.
    Expired,
}

impl Over {
    /// The word for it in the rules weighed.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Idle => "idle",
            Self::Expired => "expired",
        }
    }
}

impl Session {
    /// Whether it still lives.
    pub fn at(&self, now: Moment) -> Result<(), Over> {
        if self.ended_at.is_some() {
            return Err(Over::Ended);
        }
        if now >= self.began_at.plus(self.times.absolute) {
            return Err(Over::Expired);
        }
        if now >= self.last_used_at.plus(self.times.idle) {
            return Err(Over::Idle);
        }
        Ok(())
    }

    /// Whether the person proved who they are less than `span` ago. Nobody says so of a proof of
    /// unknown age.
    pub fn proved_within(&self, span: Duration, now: Moment) -> bool {
        self.auth_time.is_some_and(|proved| now < proved.plus(span))
    }

    /// Whether the glass was broken for it.
    pub fn broke_glass(&self) -> bool {
        self.methods.contains(&Method::BreakGlass)
    }

    /// Why the way that it came by does not lead into a door, if it does not. `local_login`:
    /// whether a password of ours opens it; `provider_connected`: whether the session's provider is
    /// enabled and connected to it.
    pub fn way_closed(
        &self,
        door: &ApplicationKey,
        local_login: bool,
        provider_connected: bool,
    ) -> Option<AdmitRefusal> {
        match &self.provider {
            // The glass of one door is broken, and leads nowhere else.
            None if self.broke_glass() => {
                (self.application != *door).then_some(AdmitRefusal::BrokeGlassElsewhere)
            }
            None => (!local_login).then_some(AdmitRefusal::LocalLoginClosed),
            Some(_) => (!provider_connected).then_some(AdmitRefusal::ProviderNotConnected),
        }
    }
}

/// Why somebody must sign in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdmitRefusal {
    /// Signed out, or ended by an administrator.
    SessionEnded,
    /// Not used for too long.
    SessionIdle,
    /// Signed in too long ago.
    SessionExpired,
    /// The user may not come in any more.
    UserNotActive,
    /// Another kind of user.
    WrongUserType,
    /// Another population's user.
    WrongPopulation,
    /// This door takes no passwords, and the session came by one.
    LocalLoginClosed,
    /// The glass of another door was broken for the session.
    BrokeGlassElsewhere,
    /// This door does not know the provider that the session came by.
    ProviderNotConnected,
    /// The sign-in is too long ago for this door.
    NotFresh,
}

impl AdmitRefusal {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::SessionEnded,
        Self::SessionIdle,
        Self::SessionExpired,
        Self::UserNotActive,
        Self::WrongUserType,
        Self::WrongPopulation,
        Self::LocalLoginClosed,
        Self::BrokeGlassElsewhere,
        Self::ProviderNotConnected,
        Self::NotFresh,
    ];

    /// Stable name for logs, tests and the decision table.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SessionEnded => "session_ended",
            Self::SessionIdle => "session_idle",
            Self::SessionExpired => "session_expired",
            Self::UserNotActive => "user_not_active",
            Self::WrongUserType => "wrong_user_type",
            Self::WrongPopulation => "wrong_population",
            Self::LocalLoginClosed => "local_login_closed",
            Self::BrokeGlassElsewhere => "broke_glass_elsewhere",
            Self::ProviderNotConnected => "provider_not_connected",
            Self::NotFresh => "not_fresh",
        }
    }
}

impl From<Over> for AdmitRefusal {
    fn from(over: Over) -> Self {
        match over {
            Over::Ended => Self::SessionEnded,
            Over::Idle => Self::SessionIdle,
            Over::Expired => Self::SessionExpired,
        }
    }
}

/// What a door makes of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Come in.
    Enter,
    /// Sign in again, for this reason.
    SignInAgain(AdmitRefusal),
}

/// An admission and the rules that were weighed for it, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// What the door makes of the session.
    pub admission: Admission,
    /// Why.
    pub rules: Vec<Weighed>,
}

/// A session as a door looks at it.
#[derive(Clone, Copy, Debug)]
pub struct AtTheDoor<'a> {
    /// The session.
    pub session: &'a Session,
    /// Its user, as they are now.
    pub user: &'a User,
    /// Whether the session's provider is enabled and connected to this application; true when the
    /// session came by no provider.
    pub provider_connected: bool,
}

/// Every door, silent sign-in and proxy check asks this, so that a session from a lax door does
/// not open a strict one of the same type.
///
/// The door's own idle and absolute times count beside the session's, which were fixed at the door
/// where it began.
pub fn admit(visitor: AtTheDoor<'_>, door: &Application, now: Moment) -> Admitted {
    let AtTheDoor { session, user, provider_connected } = visitor;
    let way_closed = session.way_closed(&door.key, door.local_login, provider_connected);
    let closed = |refusal| way_closed == Some(refusal);
    let over = session.at(now).err();
    let absolute_here = now >= session.began_at.plus(door.session.absolute);
    let idle_here = now >= session.last_used_at.plus(door.session.idle);
    let rules = [
        ("session", over.map_or("alive", Over::as_str), over.map(AdmitRefusal::from)),
        (
            "user_type",
            session.user_type.as_str(),
            (session.user_type != door.user_type).then_some(AdmitRefusal::WrongUserType),
        ),
        (
            "population",
            session.population.as_str(),
            (session.population != door.population).then_some(AdmitRefusal::WrongPopulation),
        ),
        (
            "user_status",
            user.status.as_str(),
            (user.status != Status::Active).then_some(AdmitRefusal::UserNotActive),
        ),
        (
            "local_login",
            match (session.provider.is_some(), session.broke_glass()) {
                (true, _) => "by provider",
                (false, true) => "by breaking the glass",
                (false, false) => "by password",
            },
            way_closed.filter(|refusal| *refusal != AdmitRefusal::ProviderNotConnected),
        ),
        (
            "connection",
            if provider_connected { "connected" } else { "not connected" },
            closed(AdmitRefusal::ProviderNotConnected)
                .then_some(AdmitRefusal::ProviderNotConnected),
        ),
        within("idle_here", idle_here, AdmitRefusal::SessionIdle),
        within("absolute_here", absolute_here, AdmitRefusal::SessionExpired),
        within("fresh_within", !is_fresh(session, door, now), AdmitRefusal::NotFresh),
    ];
    weigh(rules)
}

/// Whether the proof is as fresh as the door wants it.
fn is_fresh(session: &Session, door: &Application, now: Moment) -> bool {
    door.fresh_within.is_none_or(|within| session.proved_within(within, now))
}

type Rule<'a> = (&'static str, &'a str, Option<AdmitRefusal>);

fn within(rule: &'static str, too_long: bool, refusal: AdmitRefusal) -> Rule<'static> {
    let saw = if too_long { "too long ago" } else { "within its time" };
    (rule, saw, too_long.then_some(refusal))
}

/// The first rule that refuses settles the matter; later ones are not weighed.
fn weigh<const N: usize>(rules: [Rule<'_>; N]) -> Admitted {
    let mut weighed = Vec::with_capacity(N);
    for (rule, saw, refusal) in rules {
        weighed.push(Weighed { rule, saw: saw.to_owned(), settled: refusal.is_some() });
        if let Some(refusal) = refusal {
            return Admitted { admission: Admission::SignInAgain(refusal), rules: weighed };
        }
    }
    Admitted { admission: Admission::Enter, rules: weighed }
}

#[cfg(test)]
mod tests;
