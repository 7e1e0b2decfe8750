//! Showing an account by signing in through another provider that it has.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::federation::attempt::Intent;
use identity::federation::decide::{Arrival, decide};
use identity::federation::external::ExternalIdentity;
use identity::federation::hook::HookWord;
use identity::federation::proof::Asked;
use identity::federation::provider::Provider;
use identity::federation::refusal::Refusal;
use identity::ids::ProofId;
use serde::Deserialize;
use store::{By, HeldProof, ProviderProof};

use super::{Desk, ProofForm, place};
use crate::app::App;
use crate::audit::support_code;
use crate::error::PageError;
use crate::federation::hook;
use crate::federation::leave::leave;
use crate::federation::start::{Errand, parameters, rule_failed, set_out};
use crate::federation::trip::{Stop, Trip};
use crate::federation::upstream;
use crate::flood::wait_page;
use crate::oauth::wishes::Wishes;
use crate::visit::{Door, Visit};

/// The proof and the other provider that the path names.
#[derive(Debug, Deserialize)]
pub struct OtherPath {
    proof: String,
    provider: String,
}

/// `POST /{application}/proof/{proof}/{provider}`: on to another provider of the door. Which of
/// them the account has is not said: all of them are offered.
pub async fn go(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Path(path): Path<OtherPath>,
    Form(form): Form<ProofForm>,
) -> Result<Response, PageError> {
    let desk = match Desk::of_form(&app, &door, &visit, path.proof, &form.csrf).await? {
        ControlFlow::Continue(desk) => desk,
        ControlFlow::Break(answer) => return Ok(answer),
    };
    let id = desk.proof.id.clone();
    if desk.proof.next() != Some(Asked::Account) {
        return Ok(desk.to_its_page(""));
    }
    let others = desk.others();
    let Some(other) = others.iter().find(|other| other.key == path.provider) else {
        return Ok(Redirect::to(&place(&door, &id)).into_response());
    };
    let target = desk.return_to();
    if let Err(wait) = app.flood.trip(visit.address, visit.now) {
        return Ok(wait_page(&app, Some(&door), target.as_ref(), wait));
    }
    // Whoever is signed in there in this browser may be somebody else: they prove it anew, and the
    // provider has to say so (`max_age=0` and `auth_time`, OpenID Connect Core 3.1.2.1). Nothing
    // else speaks for them here.
    let wishes = Wishes { anew: true, prompt_login: true, ..Wishes::default() };
    let parameters = match parameters(&app, &door, other, &wishes) {
        Ok(parameters) => parameters,
        Err(fault) => return rule_failed(&door, other, &fault).answer(&app, &visit).await,
    };
    let return_to = desk.proof.return_to.clone();
    let errand = Errand { intent: Intent::Prove(id), return_to, wishes, parameters };
    let begun = set_out(&app, &door, &visit, other, errand).await?;
    let text = format!("Sign in at {} as you did here before.", other.name);
    Ok(leave(&app, &door, other, &begun.location, text))
}

/// The end of a trip by which an account is shown: nobody is signed in by it.
pub(in crate::federation) async fn come_back(
    app: &App,
    visit: &Visit,
    trip: &Trip,
    id: &ProofId,
    external: ExternalIdentity,
    proof: &upstream::Proof,
) -> Result<Response, Stop> {
    let mut note = visit.note();
    note.detail.insert("claims".to_owned(), proof.redacted());
    note.detail.insert("attempt".to_owned(), trip.attempt.id.as_str().into());
    let (now, application) = (app.now(), Application::clone(&trip.door));
    let arrival = Arrival { external, application, hook: HookWord::Unasked, shown: None, now };
    let arrival = hook::ask(app, arrival, decide).await?;
    let browser = visit.browser_or_new(app).0.digest();
    let shown = ProviderProof {
        proof: HeldProof { id, browser: &browser },
        arrival: &arrival,
        support_code: &support_code(app.entropy.as_ref()),
        by: &By::visitor(note),
    };
    let decider = |known: &_| decide(&arrival, known);
    match app.store.complete_provider_proof(&shown, decider).await {
        Ok(true) => {}
        Ok(false) => {
            let page = format!("{}?notice=not_the_account", place(&trip.door, id));
            return Ok(Redirect::to(&page).into_response());
        }
        // The provider was removed while we asked it.
        Err(store::Error::NotFound) => {
            return Err(trip.refused(Refusal::ProviderNotConnected).into());
        }
        Err(error) => return Err(error.into()),
    }
    match Desk::open(app, &trip.door, visit, id).await? {
        Ok(desk) => Ok(Box::pin(desk.settle()).await?),
        Err(refused) => Err(refused.into()),
    }
}

impl Desk<'_> {
    /// The other providers of the door, whichever of them the account has.
    pub(super) fn others(&self) -> Vec<Arc<Provider>> {
        let buttons = self.app.directory.now().buttons(&self.door.key);
        buttons.iter().filter(|other| other.id != self.provider.id).cloned().collect()
    }
}
