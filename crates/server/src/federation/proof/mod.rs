//! `/{application}/proof/{proof}`: somebody who came by a new identity signs in once with what their
//! account already has, or shows that they read mail at its address, before the identity is linked
//! to it.

mod mailbox;
mod page;
mod provider;
mod settle;

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::federation::proof::{Asked, Proof};
use identity::federation::provider::Provider;
use identity::federation::refusal::Refusal;
use identity::ids::ProofId;
use identity::return_to::ReturnTo;
use identity::secret::{Digest, Secret};
use serde::Deserialize;
use store::HeldProof;

use self::page::Shown;
use super::refused::Refused;
use crate::app::App;
use crate::error::PageError;
use crate::login::{no_passwords_text, wait_text};
use crate::pages::{FORM_EXPIRED, SentBack};
use crate::passwords::sign_in::{SignInOutcome, prove};
use crate::visit::{Door, Visit};

pub use mailbox::{check_code, send_code};
pub(super) use provider::come_back;
pub use provider::go;

/// One text for every way in which a password does not fit, and where there is no account.
const NOT_ACCEPTED: &str = "That is not the password of an account with this e-mail address. Please \
                            check it and try again.";

/// The proof that the path names.
#[derive(Debug, Deserialize)]
pub struct ProofPath {
    proof: String,
}

/// The form.
#[derive(Deserialize)]
pub struct ProofForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    password: Secret,
}

/// Where a proof is shown.
pub(super) fn place(door: &Application, proof: &ProofId) -> String {
    format!("/{}/proof/{proof}", door.key)
}

/// `GET /{application}/proof/{proof}`
///
/// What it says depends on the provider's word, the policy and the door, and on no account.
pub async fn show(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Path(path): Path<ProofPath>,
    Query(back): Query<SentBack>,
) -> Result<Response, PageError> {
    match Desk::open(&app, &door, &visit, &ProofId::from_stored(path.proof)).await? {
        Ok(desk) => Ok(desk.page(Shown::back(&back))),
        Err(refused) => refused.answer(&app, &visit).await,
    }
}

/// `POST /{application}/proof/{proof}`: the password of the account.
pub async fn send(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Path(path): Path<ProofPath>,
    Form(form): Form<ProofForm>,
) -> Result<Response, PageError> {
    let desk = match Desk::of_form(&app, &door, &visit, path.proof, &form.csrf).await? {
        ControlFlow::Continue(desk) => desk,
        ControlFlow::Break(answer) => return Ok(answer),
    };
    match desk.proof.next() {
        Some(Asked::Account) => {}
        Some(_) => return Ok(desk.to_its_page("")),
        // Everything was shown, and something went wrong before it was settled.
        None => return Box::pin(desk.settle()).await,
    }
    // No address, no account: nobody is asked for proof without one.
    let email = desk.proof.external.email.as_ref().map_or("", |email| email.key());
    let entered = (email, form.password);
    let outcome = prove(&app, &door, &visit, entered, desk.held()).await?;
    app.metrics.password(&door, outcome.code());
    let shown = match outcome {
        SignInOutcome::Shown | SignInOutcome::SignedIn { .. } => return desk.account_shown().await,
        SignInOutcome::Refused => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Shown::problem(status, "not_accepted", NOT_ACCEPTED.to_owned())
        }
        SignInOutcome::Wait { minutes } => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let shown = Shown::problem(status, "throttled", wait_text(minutes));
            Shown { wait: Some(minutes), ..shown }
        }
        SignInOutcome::Barrier => {
            let text = "There were too many failed sign-ins in a row. Choose \"Forgot your \
                        password?\" to set a new one; then you can go on.";
            Shown::problem(StatusCode::TOO_MANY_REQUESTS, "needs_reset", text.to_owned())
        }
        SignInOutcome::LocalLoginClosed => {
            let text = no_passwords_text(&app, &door).to_owned();
            Shown::problem(StatusCode::FORBIDDEN, "local_login_closed", text)
        }
    };
    Ok(desk.page(shown))
}

/// `GET` of an address that only forms are sent to.
pub async fn back(Door(door): Door, Path(path): Path<ProofPath>) -> Result<Response, PageError> {
    if !is_name(&path.proof) {
        return Err(PageError::NotFound);
    }
    Ok(Redirect::to(&place(&door, &ProofId::from_stored(path.proof))).into_response())
}

/// Whether a proof could be called so: anything else is in no database, and in no address of ours.
fn is_name(text: &str) -> bool {
    let is_fine = |one: u8| one.is_ascii_alphanumeric() || one == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_fine)
}

/// Somebody with an open proof in their own browser.
struct Desk<'a> {
    app: &'a App,
    door: &'a Arc<Application>,
    visit: &'a Visit,
    /// Digest of the browser's cookie, to which the proof is bound.
    browser: Digest,
    proof: Proof,
    /// By whom they came.
    provider: Arc<Provider>,
}

impl<'a> Desk<'a> {
    /// For this door and this browser; or why nothing can be shown any more.
    async fn open(
        app: &'a App,
        door: &'a Arc<Application>,
        visit: &'a Visit,
        id: &ProofId,
    ) -> Result<Result<Self, Refused>, PageError> {
        let refuse =
            |refusal| Refused { application: Some(Arc::clone(door)), ..Refused::new(refusal) };
        if !is_name(id.as_str()) {
            return Ok(Err(refuse(Refusal::AttemptUnknown)));
        }
        // A browser without our cookie has arrived nowhere: nothing equals a fresh secret.
        let browser = visit.browser_or_new(app).0.digest();
        let held = HeldProof { id, browser: &browser };
        let proof = match app.store.find_proof(held, visit.now).await? {
            Ok(proof) if proof.application == door.key => proof,
            Ok(_) => return Ok(Err(refuse(Refusal::AttemptUnknown))),
            Err(refusal) => return Ok(Err(refuse(refusal))),
        };
        let provider = app.directory.now().provider_by_id(&proof.external.provider);
        Ok(match provider {
            Some(provider) => Ok(Self { app, door, visit, browser, proof, provider }),
            None => Err(refuse(Refusal::ProviderNotConnected)),
        })
    }

    /// For a form of its page; or what is answered to one that is not read.
    async fn of_form(
        app: &'a App,
        door: &'a Arc<Application>,
        visit: &'a Visit,
        proof: String,
        csrf: &str,
    ) -> Result<ControlFlow<Response, Self>, PageError> {
        let desk = match Self::open(app, door, visit, &ProofId::from_stored(proof)).await? {
            Ok(desk) => desk,
            Err(refused) => return Ok(ControlFlow::Break(refused.answer(app, visit).await?)),
        };
        if !app.forms.allows(&visit.headers, visit.browser.as_ref(), csrf) {
            let status = StatusCode::FORBIDDEN;
            let shown = Shown::problem(status, "form_expired", FORM_EXPIRED.to_owned());
            return Ok(ControlFlow::Break(desk.page(shown)));
        }
        Ok(ControlFlow::Continue(desk))
    }

    fn to_its_page(&self, notice: &str) -> Response {
        let page = place(self.door, &self.proof.id);
        let query = if notice.is_empty() { String::new() } else { format!("?notice={notice}") };
        Redirect::to(&format!("{page}{query}")).into_response()
    }

    fn held(&self) -> HeldProof<'_> {
        HeldProof { id: &self.proof.id, browser: &self.browser }
    }

    /// Where they wanted to go, by what is registered now.
    fn return_to(&self) -> Option<ReturnTo> {
        ReturnTo::parse(&self.proof.return_to, &self.door.return_origins)
    }

    /// The sign-in ends here for this reason.
    fn refused(&self, refusal: Refusal) -> Refused {
        Refused {
            application: Some(Arc::clone(self.door)),
            provider: Some(Arc::clone(&self.provider)),
            return_to: self.return_to(),
            ends_trip: true,
            ..Refused::new(refusal)
        }
    }
}
