//! Mail: what is to be said to whom, a queue that survives a restart, and the way out by SMTP.

pub mod compose;
pub mod queue;
pub mod smtp;

use identity::applications::ApplicationKey;
use identity::entropy::Entropy;
use identity::ids::{MailId, UserId};
use identity::secret::Secret;
use identity::throttle::{Bucket, Reservation, reserve};
use identity::time::Moment;
use serde::{Deserialize, Serialize};
use store::{AuditNote, By, NewMail};

use crate::app::App;
use crate::error::PageError;
use crate::keys::Keyring;
use crate::passwords::throttles;
use crate::visit::Visit;

/// What the queue holds: not a mail but the reason for one. The words are found, and the
/// recipient's address is looked up, when it is sent: where an account is meant, mail goes to its
/// stored address and nowhere else. Only a code for a mailbox goes to an address that is nobody's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Letter {
    /// Somebody asked for a new password. Whether anybody has the address is only looked up by
    /// the queue, so that asking costs the same for every address.
    ResetAsked {
        /// At which door.
        application: ApplicationKey,
        /// For which address, as a key.
        email_key: String,
        /// From where, for the audit.
        from: Sender,
        /// Where the sign-in afterwards leads.
        #[serde(default)]
        return_to: Option<String>,
    },
    /// A code that shows who reads mail at an address that a provider gave.
    MailboxCode {
        /// At which door.
        application: ApplicationKey,
        /// Whose account it is about, if somebody had the address when it was asserted.
        user: Option<UserId>,
        /// The address as the provider wrote it.
        to: String,
        /// What the provider is called.
        provider: String,
        /// The code; a secret, which is why the whole letter is sealed.
        code: String,
        /// From when on it is worth nothing.
        expires_at: Moment,
    },
    /// A link that sets a new password.
    ResetLink {
        /// At which door.
        application: ApplicationKey,
        /// For whom.
        user: UserId,
        /// What is in the link; a secret, which is why the whole letter is sealed.
        token: String,
        /// Since when somebody waits for it.
        asked_at: Moment,
        /// Where the sign-in afterwards leads.
        #[serde(default)]
        return_to: Option<String>,
    },
    /// Whoever waited for approval hears what came of it.
    Approval {
        /// At which door.
        application: ApplicationKey,
        /// Who.
        user: UserId,
        /// Whether they may come in.
        approved: bool,
    },
    /// A provider became a way into an account, or stopped being one.
    IdentityChanged {
        /// At which door.
        application: ApplicationKey,
        /// Whose.
        user: UserId,
        /// What the provider is called.
        provider: String,
        /// Which of the two.
        linked: bool,
    },
    /// A user's own address follows their provider's now. Whoever reads mail at the one before is
    /// told there: the user has it no longer, so it stands in the letter.
    EmailChanged {
        /// At which door.
        application: ApplicationKey,
        /// The address so far.
        to: String,
        /// What the provider is called.
        provider: String,
    },
    /// The glass of a door was broken; every administrator hears of it.
    GlassBroken {
        /// Which door.
        application: ApplicationKey,
        /// Who hears of it.
        to: UserId,
        /// Who broke it.
        by: UserId,
        /// From which network.
        network: String,
        /// When.
        at: Moment,
        /// What finds the entry in the audit.
        support_code: String,
    },
    /// The password was changed.
    PasswordChanged {
        /// At which door.
        application: ApplicationKey,
        /// Whose.
        user: UserId,
    },
}

/// The request behind a letter, as far as the audit keeps it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Sender {
    request_id: Option<String>,
    address: Option<String>,
    user_agent: Option<String>,
}

impl Sender {
    /// Of a visit.
    pub fn of(visit: &Visit) -> Self {
        let AuditNote { request_id, address, user_agent, .. } = visit.note();
        Self { request_id, address, user_agent }
    }

    fn into_by(self) -> By {
        let Self { request_id, address, user_agent } = self;
        By::visitor(AuditNote { request_id, address, user_agent, ..AuditNote::default() })
    }
}

/// Counts a mail that somebody asks for; the minutes to wait when there were too many.
pub async fn wait(app: &App, buckets: &[Bucket], now: Moment) -> Result<Option<u64>, PageError> {
    let limits = throttles(&app.config.throttle);
    let decide = |counters: &[_]| reserve(now, &limits, counters);
    Ok(match app.store.reserve_sign_in(buckets, decide, now).await? {
        Reservation::Granted { .. } => None,
        Reservation::Wait { minutes } => Some(minutes),
        // Of failures in a row alone, and a mail is none.
        Reservation::Barrier => Some(1),
    })
}

/// Puts a letter into the queue.
pub async fn post(app: &App, letter: &Letter, now: Moment) -> Result<(), PageError> {
    let mail = sealed(app, letter, now)?;
    Ok(app.store.add_mail(&mail, now).await?)
}

/// A letter, sealed for its row: for verbs that put it into the queue with what it tells of.
pub fn sealed(app: &App, letter: &Letter, now: Moment) -> Result<NewMail, PageError> {
    seal(&app.keyring, app.entropy.as_ref(), letter, now).map_err(PageError::broken)
}

/// The same where no server runs.
pub fn seal(
    keyring: &Keyring,
    entropy: &dyn Entropy,
    letter: &Letter,
    now: Moment,
) -> Result<NewMail, Box<dyn std::error::Error + Send + Sync>> {
    let id = MailId::new(now, entropy);
    let plain = Secret::new(serde_json::to_string(letter)?);
    let sealed = keyring.seal(&plain, &place(&id), entropy)?;
    Ok(NewMail { id, sealed })
}

/// Where the content of a mail is sealed to.
fn place(id: &MailId) -> String {
    format!("mails/payload/{id}")
}
