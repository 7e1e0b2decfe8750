//! Which client a request is from: read, checked from memory, and slowed down where it fails.

mod suspects;

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use identity::ids::ClientId;
use identity::oauth::client_auth::{ClientFault, Presented, Registered};
use identity::oauth::clients::Client;
use identity::oauth::error::{OAuthError, OAuthFault};
use identity::oauth::parameters::Parameters;
use identity::throttle::{Bucket, Reservation, Throttles, buckets_for_client, give_back, reserve};
use store::{By, Happened};

pub use suspects::Suspects;

use super::answer::Failure;
use crate::app::App;
use crate::passwords::throttles;
use crate::sessions::cache::Trust;
use crate::visit::Visit;

/// The client that a request is from, by the one method that it is registered with; for a public
/// client its id alone.
///
/// What succeeds touches memory only, except for a JWT, which is taken once. What fails is
/// counted for the client and the network that it came from, and from then on every attempt from
/// there is counted before it is checked, so that guessing is as slow as its limit (statement 78).
pub async fn authenticate(
    app: &App,
    visit: &Visit,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<Arc<Client>, Failure> {
    // What is no text reads as an empty header, which is malformed.
    let lines = headers.get_all(header::AUTHORIZATION).iter();
    let lines: Vec<&str> = lines.map(|line| line.to_str().unwrap_or("")).collect();
    let presented = Presented::read(&lines, form)?;
    let registered = find(app, visit, presented.client_id()).await?;
    // Ids that nobody has are counted together: there is nothing to guess about them.
    let counted = registered.as_ref().map_or("", |_| presented.client_id());
    let trial = Trial {
        app,
        visit,
        presented: &presented,
        registered: registered.as_deref(),
        buckets: buckets_for_client(counted, visit.address),
        throttles: throttles(&app.config.throttle),
    };
    trial.run().await
}

/// From memory, unless nobody knows whether memory is still right.
async fn find(app: &App, visit: &Visit, id: &str) -> Result<Option<Arc<Registered>>, store::Error> {
    match app.sessions.trust(visit.now) {
        Trust::Fresh => Ok(app.directory.now().registered(id)),
        Trust::Stale { .. } => {
            let id = ClientId::from_stored(id);
            let kept = app.store.find_client_with_secrets(&id, visit.now).await?;
            Ok(kept.map(|kept| Arc::new(Registered::new(Arc::new(kept.client), kept.secrets))))
        }
    }
}

/// One attempt, and everything that it is about.
struct Trial<'a> {
    app: &'a App,
    visit: &'a Visit,
    presented: &'a Presented,
    registered: Option<&'a Registered>,
    buckets: Vec<Bucket>,
    throttles: Throttles,
}

impl Trial<'_> {
    async fn run(&self) -> Result<Arc<Client>, Failure> {
        let Self { app, visit, .. } = self;
        let is_suspect = app.suspects.contain(&self.buckets, visit.now);
        if is_suspect {
            self.reserve().await?;
        }
        match self.check().await? {
            Ok(client) => {
                if is_suspect {
                    let returned = |now: &[_]| give_back(&self.throttles, visit.now, now);
                    app.store.change_throttles(&self.buckets, returned, visit.now).await?;
                }
                Ok(client)
            }
            Err(fault) => {
                // Nothing is waited for between the check and this, so that of many guesses sent
                // at once hardly one is checked before the first is remembered.
                app.suspects.add(&self.buckets, visit.now, self.throttles.client.window);
                if !is_suspect {
                    self.reserve().await?;
                }
                self.refused(fault).await
            }
        }
    }

    /// Counts the attempt as failed, or says that there were too many.
    async fn reserve(&self) -> Result<(), Failure> {
        let now = self.visit.now;
        let decide = |counters: &[_]| reserve(now, &self.throttles, counters);
        match self.app.store.reserve_sign_in(&self.buckets, decide, now).await? {
            Reservation::Granted { .. } => Ok(()),
            Reservation::Wait { minutes } => {
                let text = format!(
                    "this client has failed to authenticate too often from this network; try \
                     again in {minutes} min"
                );
                Err(Failure::wait(minutes, text))
            }
            Reservation::Barrier => {
                let text = "this client may not authenticate from this network";
                Err(OAuthFault::new(OAuthError::TemporarilyUnavailable, text).into())
            }
        }
    }

    async fn check(&self) -> Result<Result<Arc<Client>, ClientFault>, store::Error> {
        let Self { app, visit, presented, .. } = self;
        let Some(registered) = self.registered else { return Ok(Err(ClientFault::Unknown)) };
        let client = &registered.client;
        match registered.check(presented, &app.issuer(), visit.now) {
            Err(fault) => Ok(Err(fault)),
            Ok(None) => Ok(Ok(Arc::clone(client))),
            Ok(Some(assertion)) => {
                let first = app.store.take_once(&client.id, &assertion).await?;
                Ok(if first { Ok(Arc::clone(client)) } else { Err(ClientFault::Replayed) })
            }
        }
    }

    /// What was sent is in neither the answer nor the audit, not even an unknown id: secrets are
    /// pasted into the wrong field.
    async fn refused(&self, fault: ClientFault) -> Result<Arc<Client>, Failure> {
        let mut happened = Happened::refused("client.authenticate", fault.code());
        if let Some(registered) = self.registered {
            let client = &registered.client;
            happened = happened.at(&client.application).with("client", client.id.as_str());
        }
        let by = By::visitor(self.visit.note());
        self.app.store.add_refusal(&happened, &by, self.visit.now).await?;
        Err(OAuthFault::from(fault).into())
    }
}
