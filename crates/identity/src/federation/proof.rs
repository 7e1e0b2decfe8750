//! What somebody has to show before an account is linked: what it is bound to, and how long it counts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::applications::ApplicationKey;
use crate::email::Email;
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::refusal::Refusal;
use crate::ids::{AttemptId, ProofId, ProviderId, UserId};
use crate::secret::Digest;
use crate::time::Moment;
use crate::users::Name;

pub mod mailbox;

pub use mailbox::Codes;

#[cfg(test)]
mod tests;

/// How long somebody may take: as long as for a trip.
pub const PROOF_LIFE: Duration = Duration::from_secs(10 * 60);

/// What somebody is asked to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// That the account is theirs: they sign in once with what it has.
    Account,
    /// That they read mail at the address: by a code that is sent there.
    Mailbox,
    /// The mailbox, and then the account: for people who work for somebody, a mailbox stands beside
    /// what their account has, and never in its place.
    Both,
}

impl Asked {
    /// Everything that can be asked.
    pub const ALL: [Self; 3] = [Self::Account, Self::Mailbox, Self::Both];

    /// The word for it in data.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Mailbox => "mailbox",
            Self::Both => "both",
        }
    }

    /// What a word stands for, if it is one of them.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|asked| asked.as_str() == word)
    }

    /// Whether a code is sent for it.
    pub const fn mailbox(self) -> bool {
        matches!(self, Self::Mailbox | Self::Both)
    }

    /// Whether they sign in once for it.
    pub const fn account(self) -> bool {
        matches!(self, Self::Account | Self::Both)
    }
}

/// What somebody has shown since they arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whoever had the address when they arrived. About nobody else does it say anything.
    pub user: Option<UserId>,
    /// Whether they have signed in once with what that account has.
    pub account: bool,
    /// Whether they have given back a code that was sent to the address.
    pub mailbox: bool,
}

impl Shown {
    /// Whether it is everything that is asked for.
    pub fn answers(&self, asked: Asked) -> bool {
        (self.account || !asked.account()) && (self.mailbox || !asked.mailbox())
    }
}

/// Something to be shown, as it is remembered: bound to one trip of one browser, by which exactly
/// this subject of this provider arrived, and to the account that had the address then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Name of the row; in addresses, and worth nothing in another browser.
    pub id: ProofId,
    /// At which door.
    pub application: ApplicationKey,
    /// By which trip they arrived.
    pub attempt: AttemptId,
    /// Who arrived.
    pub external: ExternalIdentity,
    /// When they signed in at the provider, if it said so.
    pub auth_time: Option<Moment>,
    /// Where they wanted to go.
    pub return_to: String,
    /// What they were asked for.
    pub asked: Asked,
    /// What they have shown so far.
    pub shown: Shown,
    /// The codes that were sent to the address, and how often the last one was tried.
    pub codes: Codes,
    /// Whether the identity was linked by it, or refused; nothing comes of it a second time.
    pub settled: bool,
    /// From when on nothing more can be shown.
    pub expires_at: Moment,
}

impl Proof {
    /// What is to be shown next: the mailbox before the account, so that nobody learns by guesses
    /// at a password what is behind an address that is not theirs. Nothing once all of it is.
    pub fn next(&self) -> Option<Asked> {
        if self.asked.mailbox() && !self.shown.mailbox {
            return Some(Asked::Mailbox);
        }
        (!self.shown.answers(self.asked)).then_some(Asked::Account)
    }

    /// Whether something can still be shown here, and come of it: in the browser that arrived, in
    /// time, and once.
    pub fn open(&self, bound_to: &Digest, browser: &Digest, now: Moment) -> Result<(), Refusal> {
        if bound_to != browser {
            return Err(Refusal::AttemptForeign);
        }
        if self.settled {
            return Err(Refusal::AttemptReplayed);
        }
        if now >= self.expires_at { Err(Refusal::AttemptExpired) } else { Ok(()) }
    }
}

/// Somebody who arrived, whole: the decision is made again when they have shown what they were
/// asked for, by rules that may have changed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeArrival {
    issuer: String,
    subject: String,
    email: Option<String>,
    email_verified: EmailVerified,
    hosted_domain: Option<String>,
    name: Name,
    locale: Option<String>,
    claims: Map<String, Value>,
}

impl WholeArrival {
    /// To be kept.
    pub fn of(external: &ExternalIdentity) -> Self {
        Self {
            issuer: external.issuer.clone(),
            subject: external.subject.clone(),
            email: external.email.as_ref().map(|email| email.as_typed().to_owned()),
            email_verified: external.email_verified,
            hosted_domain: external.hosted_domain.clone(),
            name: external.name.clone(),
            locale: external.locale.clone(),
            claims: external.claims.clone(),
        }
    }

    /// As they stood at the door.
    pub fn external(self, provider: ProviderId) -> ExternalIdentity {
        ExternalIdentity {
            provider,
            issuer: self.issuer,
            subject: self.subject,
            email: self.email.as_deref().and_then(|email| Email::parse(email).ok()),
            email_verified: self.email_verified,
            hosted_domain: self.hosted_domain,
            name: self.name,
            locale: self.locale,
            claims: self.claims,
        }
    }
}
