//! The page of everybody who comes back and is not signed in, and its entry in the audit.

use std::sync::Arc;

use axum::response::Response;
use identity::applications::Application;
use identity::federation::provider::Provider;
use identity::federation::refusal::Refusal;
use identity::ids::ProofId;
use identity::return_to::ReturnTo;
use serde_json::{Map, Value};
use store::{By, Conflict, Happened};

use super::words;
use crate::app::App;
use crate::audit::support_code;
use crate::error::PageError;
use crate::flood::{Noted, wait_page};
use crate::login::EVERY_WAY;
use crate::pages::View;
use crate::return_to::keep;
use crate::sessions::elsewhere::doors_elsewhere;
use crate::visit::Visit;

/// What the audit calls a sign-in through a provider, completed or not.
pub(super) const ACTION: &str = "sign_in.provider";

/// What it calls a trip that ties an identity to whoever is signed in.
const LINK: &str = "identity.link";

/// What it calls a trip that shows an account to be somebody's.
const PROOF: &str = "proof.provider";

/// A sign-in that ended without a session.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// At which door, as far as that is known.
    pub application: Option<Arc<Application>>,
    /// Through which provider, as far as that is known.
    pub provider: Option<Arc<Provider>>,
    /// Where the person wanted to go.
    pub return_to: Option<ReturnTo>,
    /// For the audit; nothing secret.
    pub detail: Map<String, Value>,
    /// The code of an entry that the audit has already.
    pub support_code: Option<String>,
    /// Whether a trip of this browser ended so; then it was counted when it began.
    pub ends_trip: bool,
    /// Whether it was for tying the identity to whoever is signed in.
    pub links: bool,
    /// What it was to show something for, if it was for that.
    pub proof: Option<ProofId>,
}

impl Refused {
    /// For this reason, with nothing else known.
    pub fn new(refusal: Refusal) -> Self {
        Self {
            refusal,
            application: None,
            provider: None,
            return_to: None,
            detail: Map::new(),
            support_code: None,
            ends_trip: false,
            links: false,
            proof: None,
        }
    }

    /// With one more fact for the audit.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }

    /// Notes it in the audit, unless that is done, and makes the page. What anybody can bring
    /// about by an address alone is noted only so often.
    pub async fn answer(self, app: &App, visit: &Visit) -> Result<Response, PageError> {
        let (door, provider) = (self.application.as_deref(), self.provider.as_deref());
        app.metrics.provider(door, provider, self.refusal.code());
        if let Some(code) = &self.support_code {
            return Ok(self.page(app, visit, Some(code)).await);
        }
        if !self.ends_trip {
            match app.flood.refusal(visit.address, visit.now) {
                Noted::Yes => {}
                Noted::No => return Ok(self.page(app, visit, None).await),
                Noted::Wait(wait) => {
                    let (door, target) = (self.application.as_deref(), self.return_to.as_ref());
                    return Ok(wait_page(app, door, target, wait));
                }
            }
        }
        let code = self.note(app, visit).await?;
        Ok(self.page(app, visit, Some(&code)).await)
    }

    async fn note(&self, app: &App, visit: &Visit) -> Result<String, PageError> {
        let action = match &self.proof {
            _ if self.links => LINK,
            Some(_) => PROOF,
            None => ACTION,
        };
        let mut happened = Happened::refused(action, self.refusal.code());
        happened.application = self.application.as_ref().map(|door| door.key.clone());
        happened.provider = self.provider.as_ref().map(|provider| provider.id.clone());
        happened.detail = self.detail.clone();
        let by = By::visitor(visit.note());
        loop {
            let code = support_code(app.entropy.as_ref());
            let entry = happened.clone().coded(code.as_str());
            match app.store.add_refusal(&entry, &by, visit.now).await {
                Err(store::Error::Conflict(Conflict::KeyTaken)) => {}
                outcome => return outcome.map(|()| code).map_err(Into::into),
            }
        }
    }

    async fn page(&self, app: &App, visit: &Visit, code: Option<&str>) -> Response {
        let provider = self.provider.as_ref().map(|one| one.name.as_str());
        let (heading, text) = words::words(self.refusal, provider);
        let mut view =
            View::message(heading, text).reason(self.refusal.code()).with("support_code", code);
        if let Some(door) = &self.application {
            let (href, label) = self.way_on(app, door);
            view = view.at(door).way_on(href, label);
            if self.refusal == Refusal::UnknownUser {
                // They may have taken the wrong door.
                view = view.with("elsewhere", doors_elsewhere(app, door, visit).await);
            }
        }
        // No browser cookie here, even where none came: after a form on another site ours stays at
        // home, and a new one would take the place of the one that binds the trips under way.
        app.pages.page(words::status(self.refusal), &view)
    }

    /// A link and never a redirect: nothing here may go round in circles.
    fn way_on(&self, app: &App, door: &Application) -> (String, &'static str) {
        let address = |rest: &str| keep(format!("/{}/{rest}", door.key), self.return_to.as_ref());
        if self.links {
            return (format!("/{}/account", door.key), "Back to your account");
        }
        if let Some(proof) = &self.proof {
            return (super::proof::place(door, proof), "Choose another way");
        }
        // A message that arrives is what confirms an address.
        if self.refusal == Refusal::AccountUnconfirmed && door.local_login {
            return (address("password/forgot"), "Confirm it by e-mail");
        }
        let startable = self.provider.as_ref().filter(|provider| {
            words::worth_another_trip(self.refusal)
                && app.directory.now().is_connected(&door.key, &provider.id)
        });
        match startable {
            Some(provider) => (address(&format!("login/{}", provider.key)), "Start again"),
            // Never past the page: a provider that refuses once refuses again.
            None if door.auto_redirect.is_some() => (address(EVERY_WAY), "Back to the sign-in"),
            None => (address("login"), "Back to the sign-in"),
        }
    }
}
