//! Who is signed in: the question that every door asks.

use std::sync::Arc;
use std::time::Duration;

use identity::applications::Application;
use identity::secret::Digest;
use identity::sessions::{Admission, AdmitRefusal, AtTheDoor, Session, admit};
use identity::users::{User, UserType};

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
    let Some((digest, held)) = find(app, visit, door.user_type).await? else {
        return Ok(AtDoor::Nobody);
    };
    let session = held.session();
    let provider_connected = session
        .provider
        .as_ref()
        .is_none_or(|provider| app.directory.now().is_connected(&door.key, provider));
    let user = held.user();
    let visitor = AtTheDoor { session: &session, user, provider_connected };
    match admit(visitor, door, visit.now).admission {
        Admission::SignInAgain(refusal) => Ok(AtDoor::Turned(refusal)),
        Admission::Enter => {
            held.touch(visit.now);
            let signed_in = SignedIn { session, user: Arc::clone(user), digest };
            Ok(AtDoor::Enter(Box::new(signed_in)))
        }
    }
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
    let Some(token) = app.cookies.session(&visit.headers, user_type) else { return Ok(None) };
    let digest = token.digest();
    Ok(held(app, &digest, user_type, visit).await?.map(|held| (digest, held)))
}

async fn held(
    app: &App,
    digest: &Digest,
    user_type: UserType,
    visit: &Visit,
) -> Result<Option<Arc<Held>>, PageError> {
    let at_hand = app.sessions.find(digest);
    let trust = app.sessions.trust(visit.now);
    if let (Some(held), Trust::Fresh) = (&at_hand, trust) {
        return Ok(Some(Arc::clone(held)));
    }
    let generation = app.sessions.generation();
    match (app.store.find_session(digest).await, at_hand, trust) {
        (Ok(Some(found)), _, _) => {
            Ok(Some(app.sessions.shelve(digest.clone(), found.session, found.user, generation)))
        }
        (Ok(None), _, _) => Ok(None),
        (Err(error), Some(held), Trust::Stale { since })
            if matches!(error, store::Error::Busy(_)) =>
        {
            let customers = &app.config.sessions.customers_without_database_seconds;
            let patience = patience(user_type, Duration::from_secs(*customers));
            if visit.now.since(since) < patience { Ok(Some(held)) } else { Err(error.into()) }
        }
        (Err(error), _, _) => Err(error.into()),
    }
}
