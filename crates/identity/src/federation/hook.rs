//! The decision hook: an operator's own endpoint that is asked before a sign-in is settled, for
//! what no rule can say.

mod answer;
mod request;
mod weigh;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::federation::decide::Decision;
use crate::federation::reach::{AddressFault, Reach};
use crate::ids::UserId;

pub use answer::{HookAnswer, MAX_ANSWER, Verdict};
pub use request::{HOOK_REQUEST_LIFE, HOOK_TYP, request};
pub use weigh::hook_of;

pub(super) use weigh::{names, weigh};

/// Where the hook is. As JSON, a field of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionHook {
    /// The endpoint.
    pub url: String,
    /// `host` or `host:port` of it, if it may lie at a private address ([`Reach`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_private: Vec<String>,
}

/// Why nobody can be asked there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    /// No address.
    #[error("\"{0}\" is no address of a decision hook; give one that begins with https://")]
    NotAnAddress(String),
    /// Anybody on the way could read who signs in, and let them in.
    #[error(
        "\"{0}\" is plain http, which anybody on the way can read and change; use https (plain \
         http works for loopback only, and only with --hook-allow-private HOST[:PORT])"
    )]
    PlainHttp(String),
    /// Inside our own network.
    #[error(
        "\"{host}\" is at a private address; if the decision hook really is there, allow it with \
         --hook-allow-private {host}"
    )]
    Private {
        /// The host as named.
        host: String,
    },
    /// Nothing of an operator's is there.
    #[error("\"{host}\" is where no decision hook can be; correct the host")]
    Never {
        /// The host as named.
        host: String,
    },
    /// Anything else.
    #[error("the decision hook cannot be asked: {0}")]
    Address(AddressFault),
}

impl DecisionHook {
    /// What it may make us connect to: as little as a provider may, and nothing that a provider
    /// was allowed.
    pub fn reach(&self) -> Reach<'_> {
        Reach { allow_private: &self.allow_private }
    }

    /// Checks the address before it is saved; where its name leads is checked at every connection.
    pub fn check(&self) -> Result<(), HookError> {
        let url = Url::parse(&self.url).map_err(|_| HookError::NotAnAddress(self.url.clone()))?;
        self.reach().check_url(&url).map_err(HookError::from)
    }
}

/// In words about a hook: those of a provider name other switches.
impl From<AddressFault> for HookError {
    fn from(fault: AddressFault) -> Self {
        match fault {
            AddressFault::PlainHttp(host) => Self::PlainHttp(host),
            AddressFault::Private { host, .. } => Self::Private { host },
            AddressFault::Never { host, .. } => Self::Never { host },
            other => Self::Address(other),
        }
    }
}

/// What is known of the hook's word when somebody arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HookWord {
    /// Nobody asked it. Where the policy names one, that keeps people out.
    #[default]
    Unasked,
    /// Nothing is carried out yet: this is the decision that it will be told, or that is only
    /// explained.
    Ahead,
    /// It answered.
    Said {
        /// Which one.
        hook: DecisionHook,
        /// What it was told that would be done.
        about: About,
        /// Its answer.
        answer: HookAnswer,
    },
    /// It did not answer as it has to.
    Failed(HookFault),
}

/// What would be done, and about whom: an answer counts for nothing else.
///
/// Between the question and the transaction that settles the sign-in, facts can change: somebody
/// else makes the account, an administrator deactivates it. Then the person is refused and may
/// start again, rather than asked about once more while they wait: a hook that is asked twice would
/// have to know that, and a second answer could be overtaken like the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    kind: &'static str,
    user: Option<UserId>,
}

impl About {
    /// Of a decision.
    pub fn of(decision: &Decision) -> Self {
        let (kind, user) = match decision {
            Decision::SignIn { user, .. } => ("sign_in", Some(user)),
            Decision::Link { user, .. } => ("link", Some(user)),
            Decision::AskProof { .. } => ("ask_proof", None),
            Decision::Create(_) => ("create", None),
            Decision::Hold(_) => ("hold", None),
            Decision::Refuse { .. } => ("refuse", None),
        };
        Self { kind, user: user.cloned() }
    }
}

/// What is wrong with a hook that did not say what it has to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookFault {
    /// No connection, or not one that we make.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// Not in time.
    #[error("slow: no answer in time")]
    Slow,
    /// Another status than 200.
    #[error("status: {0}")]
    Status(u16),
    /// No answer in the form in which one has to be.
    #[error("answer: {0}")]
    Answer(String),
}

#[cfg(test)]
mod tests;
