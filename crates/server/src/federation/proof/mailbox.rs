//! Showing who reads mail at the address: a code is sent there, and given back on the page.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use identity::federation::proof::code::{code_digest, new_code};
use identity::federation::proof::{self, Asked};
use identity::ids::ProofId;
use identity::secret::{Digest, Secret};
use identity::throttle::{Reservation, buckets_for_code_mail, reserve};
use serde::Deserialize;
use store::{By, CodeOutcome, MailboxProof, NewCode};

use super::page::Shown;
use super::{Desk, ProofPath, place};
use crate::app::App;
use crate::error::PageError;
use crate::mail::{Letter, sealed};
use crate::pages::{FORM_EXPIRED, minutes_in_words};
use crate::passwords::throttles;
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
pub async fn send(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Path(path): Path<ProofPath>,
    Form(form): Form<CodeForm>,
) -> Result<Response, PageError> {
    let id = ProofId::from_stored(path.proof);
    let desk = match Desk::open(&app, &door, &visit, &id).await? {
        Ok(desk) => desk,
        Err(refused) => return refused.answer(&app, &visit).await,
    };
    match desk.not_read(&form) {
        Some(answer) => Ok(answer),
        None if desk.sends_mail() => desk.send_code().await,
        None => Ok(desk.to_its_page("")),
    }
}

/// `POST /{application}/proof/{proof}/mailbox/check`: the code that was sent.
pub async fn check(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Path(path): Path<ProofPath>,
    Form(form): Form<CodeForm>,
) -> Result<Response, PageError> {
    let id = ProofId::from_stored(path.proof);
    let desk = match Desk::open(&app, &door, &visit, &id).await? {
        Ok(desk) => desk,
        Err(refused) => return refused.answer(&app, &visit).await,
    };
    match desk.not_read(&form) {
        Some(answer) => Ok(answer),
        None => desk.check_code(&form.code).await,
    }
}

impl Desk<'_> {
    /// The answer where a form about the mailbox is not to be read.
    fn not_read(&self, form: &CodeForm) -> Option<Response> {
        let Self { app, visit, .. } = self;
        if !app.forms.allows(&visit.headers, visit.browser.as_ref(), &form.csrf) {
            let status = StatusCode::FORBIDDEN;
            let shown = Shown::problem(status, "form_expired", FORM_EXPIRED.to_owned());
            return Some(self.page(shown));
        }
        // Sent twice, or from a page of before.
        (self.proof.next() != Some(Asked::Mailbox)).then(|| self.to_its_page(""))
    }

    /// Without a mail server nobody can be sent a code, and the page says so.
    pub(super) fn sends_mail(&self) -> bool {
        self.app.config.mail.smtp_url.is_some()
    }

    pub(super) fn to_its_page(&self, notice: &str) -> Response {
        let page = place(self.door, &self.proof.id);
        let query = if notice.is_empty() { String::new() } else { format!("?notice={notice}") };
        Redirect::to(&format!("{page}{query}")).into_response()
    }

    async fn send_code(&self) -> Result<Response, PageError> {
        let Self { app, door, visit, proof, provider, .. } = self;
        let (Some(email), true) = (&proof.external.email, proof.codes.may_send()) else {
            return Ok(self.to_its_page(""));
        };
        if let Some(minutes) = self.wait(email.key()).await? {
            let status = StatusCode::TOO_MANY_REQUESTS;
            let shown = Shown::problem(status, "throttled", wait_text(minutes));
            return Ok(self.page(Shown { wait: Some(minutes), ..shown }));
        }
        let code = new_code(app.entropy.as_ref());
        let letter = Letter::MailboxCode {
            application: door.key.clone(),
            to: email.as_typed().to_owned(),
            provider: provider.name.clone(),
            code: code.expose().to_owned(),
        };
        let new = NewCode {
            proof: self.held(),
            code: &self.digest_of(&code),
            mail: &sealed(app, &letter, visit.now)?,
            application: &door.key,
            by: &By::visitor(visit.note()),
        };
        let sent = app.store.change_proof_code(&new, visit.now).await?;
        Ok(self.to_its_page(if sent { "code_sent" } else { "" }))
    }

    /// Counts the mail; the minutes to wait when there were too many.
    async fn wait(&self, key: &str) -> Result<Option<u64>, PageError> {
        let Self { app, door, visit, .. } = self;
        let buckets = buckets_for_code_mail(&door.population, door.user_type, key, visit.address);
        let limits = throttles(&app.config.throttle);
        let decide = |counters: &[_]| reserve(visit.now, &limits, counters);
        Ok(match app.store.reserve_sign_in(&buckets, decide, visit.now).await? {
            Reservation::Granted { .. } => None,
            Reservation::Wait { minutes } => Some(minutes),
            Reservation::Barrier => Some(1),
        })
    }

    async fn check_code(mut self, code: &Secret) -> Result<Response, PageError> {
        let Self { app, door, visit, .. } = self;
        let shown = MailboxProof {
            proof: self.held(),
            code: &self.digest_of(code),
            application: &door.key,
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
