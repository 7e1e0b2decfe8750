//! The end of a proof: the decision is made anew, and carried out once.

use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::federation::decide::{Arrival, decide};
use identity::federation::hook::HookWord;
use identity::federation::proof;
use identity::federation::refusal::Refusal;
use identity::secret::Secret;
use identity::sessions::Method;
use store::{By, NewSession, Settle, SettleProof, Settled};

use super::Desk;
use crate::app::App;
use crate::audit::support_code;
use crate::error::PageError;
use crate::federation::address::address_letter;
use crate::federation::hook;
use crate::federation::refused::Refused;
use crate::mail::{Letter, sealed};
use crate::metrics::SIGNED_IN;
use crate::sessions::replace::{begin_here, end_previous};

impl Desk<'_> {
    /// After the account was shown by its password.
    pub(super) async fn account_shown(mut self) -> Result<Response, PageError> {
        self.proof.shown = proof::Shown { account: true, ..self.proof.shown };
        Box::pin(self.settle()).await
    }

    /// Whatever changed since they arrived counts, and what the operator's hook says is asked with
    /// no transaction open.
    pub(super) async fn settle(self) -> Result<Response, PageError> {
        let Self { app, visit, .. } = self;
        let arrival = Arrival {
            external: self.proof.external.clone(),
            application: Application::clone(self.door),
            hook: HookWord::Unasked,
            shown: Some(self.proof.shown.clone()),
            now: app.now(),
        };
        let arrival = hook::ask(app, arrival, decide).await?;
        let token = Secret::generate(app.entropy.as_ref());
        let settle = self.arrive(arrival, &token)?;
        let decider = |known: &_| decide(&settle.settle.arrival, known);
        let refused = match app.store.settle_proof(&settle, decider).await {
            Ok(Ok(Settled::SignedIn { user, .. })) => {
                // Their other sessions show the new way in at once.
                app.forget_user(&user.id);
                app.metrics.provider(Some(self.door), Some(&self.provider), SIGNED_IN);
                return Ok(self.welcome(&token).await);
            }
            Ok(Ok(Settled::Refused { reason, support_code })) => {
                Refused { support_code: Some(support_code), ..self.refused(reason) }
            }
            // Whoever has shown something is not asked once more.
            Ok(Ok(Settled::AskedForProof { .. })) => self.refused(Refusal::ProofVoid),
            Ok(Err(refusal)) => self.refused(refusal),
            Err(store::Error::NotFound) => self.refused(Refusal::ProviderNotConnected),
            Err(error) => return Err(error.into()),
        };
        refused.answer(app, visit).await
    }

    fn arrive(&self, arrival: Arrival, token: &Secret) -> Result<SettleProof, PageError> {
        let Self { app, door, visit, provider, proof, browser } = self;
        let now = arrival.now;
        let mut note = visit.note();
        note.detail.insert("proof".to_owned(), proof.id.as_str().into());
        let settle = Settle {
            attempt: Some(proof.attempt.clone()),
            session: NewSession {
                token: token.digest(),
                application: door.key.clone(),
                methods: vec![Method::Provider],
                auth_time: proof.auth_time,
                times: door.session,
                organisation: None,
                browser: Some(browser.clone()),
                user_agent: Some(visit.user_agent.clone()),
            },
            support_code: support_code(app.entropy.as_ref()),
            by: By::visitor(note),
            letter: Some(address_letter(app, door, provider, now)),
            proof: None,
            arrival,
        };
        Ok(SettleProof {
            proof: proof.id.clone(),
            browser: browser.clone(),
            settle,
            notice: notice(app, self)?,
        })
    }

    /// A new session at every sign-in (against fixation); the one before it ends.
    async fn welcome(&self, token: &Secret) -> Response {
        let Self { app, door, visit, .. } = self;
        end_previous(app, door, visit).await;
        let target = self.return_to();
        let target = target.map_or_else(|| format!("/{}", door.key), |target| target.to_string());
        let mut response = Redirect::to(&target).into_response();
        begin_here(app, door, visit, token, &mut response);
        response
    }
}

/// Tells whoever has the account of the new way into it.
fn notice(app: &App, desk: &Desk<'_>) -> Result<Option<store::NewMail>, PageError> {
    let Some(user) = &desk.proof.shown.user else { return Ok(None) };
    let letter = Letter::IdentityChanged {
        application: desk.door.key.clone(),
        user: user.clone(),
        provider: desk.provider.name.clone(),
        linked: true,
    };
    sealed(app, &letter, app.now()).map(Some)
}
