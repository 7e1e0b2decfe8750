//! Showing who reads mail at the address: a code is sent there, and given back on the page.

use std::ops::ControlFlow;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use identity::federation::proof::mailbox::{code_digest, new_code};
use identity::federation::proof::{self, Asked};
use identity::federation::refusal::Refusal;
use identity::secret::{Digest, Secret};
use identity::throttle::buckets_for_code_mail;
use serde::Deserialize;
use store::{By, CodeOutcome, MailboxProof, NewCode};

use super::page::Shown;
use super::{Desk, ProofPath};
use crate::app::App;
use crate::error::PageError;
use crate::mail::{Letter, sealed, wait};
use crate::pages::minutes_in_words;
use crate::visit::{Door, Visit};

/// One text for every code that is not the one that was sent last, and may be tried again.
const WRONG_CODE: &str =
    "That is not the code in our newest message. Please check it and try again.";

/// The same when it was the last try; the page says how to go on.
const LAST_WRONG_CODE: &str = "That is not the code in our newest message.";

/// Either form: the one that asks for a code has none in it.
#[derive(Deserialize)]
pub struct CodeForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    code: Secret,
}

/// `POST /{application}/proof/{proof}/mailbox/send`: a new code, to the address that they came with.
///
/// What happens here does not depend on whether anybody has the address: one look at the counters,
/// one letter into the queue, one answer.
pub async fn send_code(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Path(path): Path<ProofPath>,
    Form(form): Form<CodeForm>,
) -> Result<Response, PageError> {
    match Desk::of_form(&app, &door, &visit, path.proof, &form.csrf).await? {
        ControlFlow::Continue(desk) if desk.takes_codes() => desk.send_code().await,
        ControlFlow::Continue(desk) => Ok(desk.to_its_page("")),
        ControlFlow::Break(answer) => Ok(answer),
    }
}

/// `POST /{application}/proof/{proof}/mailbox/check`: the code that was sent.
pub async fn check_code(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Path(path): Path<ProofPath>,
    Form(form): Form<CodeForm>,
) -> Result<Response, PageError> {
    match Desk::of_form(&app, &door, &visit, path.proof, &form.csrf).await? {
        ControlFlow::Continue(desk) if desk.takes_codes() => desk.check_code(&form.code).await,
        // Sent twice, or from a page of before.
        ControlFlow::Continue(desk) => Ok(desk.to_its_page("")),
        ControlFlow::Break(answer) => Ok(answer),
    }
}

impl Desk<'_> {
    /// Without a mail server nobody can be sent a code, and the page says so.
    fn takes_codes(&self) -> bool {
        self.proof.next() == Some(Asked::Mailbox) && self.app.config.mail.goes_out()
    }

    async fn send_code(&self) -> Result<Response, PageError> {
        let Self { app, door, visit, proof, provider, .. } = self;
        let (Some(email), true) = (&proof.external.email, proof.codes.may_send()) else {
            return Ok(self.to_its_page(""));
        };
        // A provider that was switched off or taken away meanwhile has nobody mailed.
        if !app.directory.now().is_connected(&door.key, &provider.id) {
            return self.refused(Refusal::ProviderNotConnected).answer(app, visit).await;
        }
        let external = &proof.external;
        let buckets =
            buckets_for_code_mail(&door.population, door.user_type, external, visit.address);
        if let Some(minutes) = wait(app, &buckets, visit.now).await? {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let shown = Shown::problem(status, "throttled", wait_text(minutes));
            return Ok(self.page(Shown { wait: Some(minutes), ..shown }));
        }
        let code = new_code(app.entropy.as_ref());
        let letter = Letter::MailboxCode {
            application: door.key.clone(),
            user: proof.shown.user.clone(),
            to: email.as_typed().to_owned(),
            provider: provider.name.clone(),
            code: code.expose().to_owned(),
            expires_at: proof.expires_at,
        };
        let new = NewCode {
            proof: self.held(),
            code: &self.digest_of(&code),
            mail: &sealed(app, &letter, visit.now)?,
            application: &door.key,
            provider: &provider.id,
            by: &By::visitor(visit.note()),
        };
        let sent = app.store.change_proof_code(&new, visit.now).await?;
        Ok(self.to_its_page(if sent { "code_sent" } else { "" }))
    }

    async fn check_code(mut self, code: &Secret) -> Result<Response, PageError> {
        let Self { app, door, visit, provider, .. } = &self;
        let shown = MailboxProof {
            proof: self.held(),
            code: &self.digest_of(code),
            application: &door.key,
            provider: &provider.id,
            by: &By::visitor(visit.note()),
        };
        match app.store.complete_mailbox_proof(&shown, visit.now).await? {
            CodeOutcome::Shown => {}
            CodeOutcome::Wrong => {
                self.proof.codes.tries += 1;
                let again = self.proof.codes.may_try();
                let text = if again { WRONG_CODE } else { LAST_WRONG_CODE };
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                return Ok(self.page(Shown::problem(status, "wrong_code", text.to_owned())));
            }
            CodeOutcome::None => return Ok(self.to_its_page("")),
        }
        self.proof.shown = proof::Shown { mailbox: true, ..self.proof.shown };
        match self.proof.next() {
            None => Box::pin(self.settle()).await,
            Some(_) => Ok(self.to_its_page("mailbox_shown")),
        }
    }

    /// Bound to this browser: the form could not have been read without its secret.
    fn digest_of(&self, code: &Secret) -> Digest {
        let (browser, _) = self.visit.browser_or_new(self.app);
        code_digest(code, &browser)
    }
}

fn wait_text(minutes: u64) -> String {
    let minutes = minutes_in_words(minutes);
    format!(
        "Too many codes were asked for. Please wait {minutes} before you ask for another one, or \
         sign in another way."
    )
}
