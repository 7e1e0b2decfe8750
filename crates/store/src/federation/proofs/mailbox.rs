//! Codes: sent to the address that somebody arrived with, and given back by whoever reads mail there.

use identity::applications::ApplicationKey;
use identity::federation::proof::mailbox::{MOST_CODES, MOST_TRIES};
use identity::ids::ProviderId;
use identity::secret::Digest;
use identity::time::Moment;

use super::HeldProof;
use crate::Store;
use crate::audit::Happened;
use crate::by::By;
use crate::db::{Mode, transact};
use crate::error::Result;
use crate::mails::NewMail;
use crate::value::args;

/// A code that is to be sent.
#[derive(Clone, Copy, Debug)]
pub struct NewCode<'a> {
    /// What it is for.
    pub proof: HeldProof<'a>,
    /// What stands for the code.
    pub code: &'a Digest,
    /// The mail with it.
    pub mail: &'a NewMail,
    /// The door.
    pub application: &'a ApplicationKey,
    /// By whom they came.
    pub provider: &'a ProviderId,
    /// Who asks for it: a visitor, with the request's note.
    pub by: &'a By,
}

/// A code that somebody typed.
#[derive(Clone, Copy, Debug)]
pub struct MailboxProof<'a> {
    /// What it is shown for.
    pub proof: HeldProof<'a>,
    /// What stands for the code.
    pub code: &'a Digest,
    /// The door.
    pub application: &'a ApplicationKey,
    /// By whom they came.
    pub provider: &'a ProviderId,
    /// Who does it: a visitor, with the request's note.
    pub by: &'a By,
}

/// What became of a code that somebody typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeOutcome {
    /// It is the one that was sent last: they read mail there.
    Shown,
    /// It is not.
    Wrong,
    /// There is none to be tried: none was sent, it was tried too often, it was right before, or the
    /// proof is not open in this browser.
    None,
}

impl Store {
    /// Puts a new code in the place of the one before, and the mail with it into the queue; whether
    /// it did. Not where no mailbox is to be shown any more, or as many codes were sent as are.
    pub async fn change_proof_code(&self, new: &NewCode<'_>, now: Moment) -> Result<bool> {
        const SQL: &str = "UPDATE proofs SET code_digest = $3, code_tries = 0, \
             codes_sent = codes_sent + 1 WHERE id = $1 AND browser_digest = $2 \
             AND asked <> 'account' AND mailbox_shown_at IS NULL AND codes_sent < $4 \
             AND settled_at IS NULL AND expires_at > $5";
        let HeldProof { id, browser } = new.proof;
        transact!(self.db, Mode::Plain, |tx| {
            let changed = tx.run(SQL, args![id, browser, new.code, MOST_CODES, now]).await? == 1;
            if changed {
                tx.insert_mail(new.mail, now).await?;
                let happened = Happened::done("proof.code");
                let happened =
                    happened.at(new.application).through(new.provider).with("proof", id.as_str());
                self.note(tx, &happened, new.by, now).await?;
            }
            Ok(changed)
        })
    }

    /// Tries a code. The try is counted before the code is looked at, in the same statement that
    /// bounds their number, so that any number of them at once are no more than that.
    pub async fn complete_mailbox_proof(
        &self,
        shown: &MailboxProof<'_>,
        now: Moment,
    ) -> Result<CodeOutcome> {
        const TRY: &str = "UPDATE proofs SET code_tries = code_tries + 1 WHERE id = $1 \
             AND browser_digest = $2 AND code_digest IS NOT NULL AND code_tries < $3 \
             AND settled_at IS NULL AND expires_at > $4";
        const TAKE: &str = "UPDATE proofs SET mailbox_shown_at = $3, code_digest = NULL \
             WHERE id = $1 AND code_digest = $2";
        let HeldProof { id, browser } = shown.proof;
        transact!(self.db, Mode::Plain, |tx| {
            if tx.run(TRY, args![id, browser, MOST_TRIES, now]).await? != 1 {
                return Ok(CodeOutcome::None);
            }
            let right = tx.run(TAKE, args![id, shown.code, now]).await? == 1;
            let (happened, outcome) = if right {
                (Happened::done("proof.mailbox"), CodeOutcome::Shown)
            } else {
                (Happened::refused("proof.mailbox", "wrong_code"), CodeOutcome::Wrong)
            };
            let happened =
                happened.at(shown.application).through(shown.provider).with("proof", id.as_str());
            self.note(tx, &happened, shown.by, now).await?;
            Ok(outcome)
        })
    }
}
