//! Who is signed in: the question that every door asks.

use std::sync::Arc;
use std::time::Duration;

use identity::applications::{Application, ApplicationKey};
use identity::secret::Digest;
use identity::sessions::{Admission, AdmitRefusal, AtTheDoor, Session, admit};
use identity::users::{User, UserType};
use store::FoundSession;

use super::cache::{Held, Trust, patience};
use crate::app::App;
use crate::error::PageError;
use crate::visit::Visit;

/// Somebody who may come in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Their session.
    pub session: Session,
    /// Who they are.
    pub user: Arc<User>,
    /// What stands for the cookie in the database.
    pub digest: Digest,
}

/// What a door finds.
#[derive(Clone, Debug)]
pub enum AtDoor {
    /// No session of this door's user type.
    Nobody,
    /// A session that does not open this door.
    Turned(AdmitRefusal),
    /// Come in.
    Enter(Box<SignedIn>),
}

/// Looks at the session that this browser has for the door's user type.
pub async fn at_door(app: &App, door: &Application, visit: &Visit) -> Result<AtDoor, PageError> {
    match digest_of(app, visit, door.user_type) {
        Some(digest) => at_door_with(app, door, visit, digest).await,
        None => Ok(AtDoor::Nobody),
    }
}

/// Looks at the session of this digest, whatever stood for it.
pub async fn at_door_with(
    app: &App,
    door: &Application,
    visit: &Visit,
    digest: Digest,
) -> Result<AtDoor, PageError> {
    let Some(found) = look(app, visit, door.user_type, digest).await? else {
        return Ok(AtDoor::Nobody);
    };
    let from_memory = found.connected.is_none();
    let digest = found.digest.clone();
    let judged = judge(app, door, visit, found);
    if !from_memory || !matches!(judged, AtDoor::Turned(AdmitRefusal::SessionIdle)) {
        return Ok(judged);
    }
    // Another process may have seen it used since: uses are no changes that anybody is told of.
    match ask(app, digest).await? {
        Some(found) => Ok(judge(app, door, visit, found)),
        None => Ok(AtDoor::Nobody),
    }
}

fn judge(app: &App, door: &Application, visit: &Visit, found: Found) -> AtDoor {
    let provider_connected = found.provider_connected(app, door);
    let Found { digest, held, .. } = found;
    let session = held.session();
    let user = held.user();
    let visitor = AtTheDoor { session: &session, user, provider_connected };
    match admit(visitor, door, visit.now).admission {
        Admission::SignInAgain(refusal) => AtDoor::Turned(refusal),
        Admission::Enter => {
            held.touch(visit.now);
            AtDoor::Enter(Box::new(SignedIn { session, user: Arc::clone(user), digest }))
        }
    }
}

/// The door that this browser's session of another kind of user was begun at and still opens, and
/// who that is. Looking is no use of the session.
pub async fn elsewhere(
    app: &App,
    visit: &Visit,
    user_type: UserType,
) -> Result<Option<(Arc<Application>, Arc<User>)>, PageError> {
    let Some(digest) = digest_of(app, visit, user_type) else { return Ok(None) };
    let Some(found) = look(app, visit, user_type, digest).await? else { return Ok(None) };
    let session = found.held.session();
    let Some(door) = app.directory.now().application(session.application.as_str()) else {
        return Ok(None);
    };
    let user = found.held.user();
    let provider_connected = found.provider_connected(app, &door);
    let visitor = AtTheDoor { session: &session, user, provider_connected };
    let enters = admit(visitor, &door, visit.now).admission == Admission::Enter;
    Ok(enters.then(|| (door, Arc::clone(user))))
}

/// What stands for this browser's session of a user type in the database, live or not.
pub fn digest_of(app: &App, visit: &Visit, user_type: UserType) -> Option<Digest> {
    app.cookies.session(&visit.headers, user_type).map(|token| token.digest())
}

/// This browser's session of a user type, live or not.
pub async fn find(
    app: &App,
    visit: &Visit,
    user_type: UserType,
) -> Result<Option<(Digest, Arc<Held>)>, PageError> {
    let Some(digest) = digest_of(app, visit, user_type) else { return Ok(None) };
    let found = look(app, visit, user_type, digest).await?;
    Ok(found.map(|found| (found.digest, found.held)))
}

/// A session as a door finds it, live or not.
struct Found {
    digest: Digest,
    held: Arc<Held>,
    /// The doors that its provider opens, as the database said in the same breath; none when
    /// memory answered.
    connected: Option<Vec<ApplicationKey>>,
}

impl Found {
    /// Whether the session's provider is enabled and connected to this door. What memory knows of
    /// providers is as old as what it knows of sessions, so where those were asked for anew, the
    /// answer to that counts.
    fn provider_connected(&self, app: &App, door: &Application) -> bool {
        let Some(provider) = self.held.session().provider else { return true };
        match &self.connected {
            Some(connected) => connected.contains(&door.key),
            None => app.directory.now().is_connected(&door.key, &provider),
        }
    }
}

async fn look(
    app: &App,
    visit: &Visit,
    user_type: UserType,
    digest: Digest,
) -> Result<Option<Found>, PageError> {
    let from_memory = |held| Ok(Some(Found { digest: digest.clone(), held, connected: None }));
    let at_hand = app.sessions.find(&digest);
    let trust = app.sessions.trust(visit.now);
    if let (Some(held), Trust::Fresh) = (&at_hand, trust) {
        return from_memory(Arc::clone(held));
    }
    match (ask(app, digest.clone()).await, at_hand, trust) {
        (Ok(found), _, _) => Ok(found),
        (Err(error), Some(held), Trust::Stale { since })
            if matches!(error, store::Error::Busy(_)) =>
        {
            let customers = &app.config.sessions.customers_without_database_seconds;
            let patience = patience(user_type, Duration::from_secs(*customers));
            if visit.now.since(since) < patience { from_memory(held) } else { Err(error.into()) }
        }
        (Err(error), _, _) => Err(error.into()),
    }
}

/// Asks the database, and keeps what it says.
async fn ask(app: &App, digest: Digest) -> Result<Option<Found>, store::Error> {
    let generation = app.sessions.generation();
    let Some(found) = app.store.find_session(&digest).await? else { return Ok(None) };
    let FoundSession { session, user, connected } = found;
    let held = app.sessions.shelve(digest.clone(), session, user, generation);
    Ok(Some(Found { digest, held, connected: Some(connected) }))
}
