//! The policy of a connection: what becomes of people who come through a provider.

use serde::{Deserialize, Serialize};

use crate::applications::ApplicationKey;
use crate::federation::provider::{Authority, Provider};
use crate::ids::{ConnectionId, GroupId, ProviderId};
use crate::users::words;

/// What becomes of somebody whom we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownUser {
    /// A user is made for them.
    Create,
    /// They are told that they have no account.
    Refuse,
}

impl UnknownUser {
    /// Every choice.
    pub const ALL: [Self; 2] = [Self::Create, Self::Refuse];

    /// The word for it in data and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Refuse => "refuse",
        }
    }
}

words!(UnknownUser);

/// An application and a provider joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connection {
    /// Name of the row.
    pub id: ConnectionId,
    /// Which door.
    pub application: ApplicationKey,
    /// Which provider.
    pub provider: ProviderId,
    /// What becomes of strangers.
    pub unknown_user: UnknownUser,
    /// Groups for new users. They grant nothing by themselves, and are never the administrators.
    pub default_groups: Vec<GroupId>,
    /// Place among the buttons; lower first.
    pub position: i64,
}

/// Why a connection cannot be saved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// Nobody could ever come in by it for the first time.
    #[error(
        "through this connection nobody could ever sign in for the first time: no e-mail address \
         from \"{provider}\" would count, so it could neither be linked to a user nor make one; \
         name the domains that the provider is trusted with (--trusted-domain example.com)"
    )]
    NothingCounts {
        /// Name of the provider.
        provider: String,
    },
    /// Newcomers would be administrators.
    #[error(
        "new users cannot be put into \"administrators\"; choose another default group and make \
         administrators by name"
    )]
    AdministratorsByDefault,
}

impl ConnectionError {
    /// Stable name for JSON and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingCounts { .. } => "nothing_counts",
            Self::AdministratorsByDefault => "administrators_by_default",
        }
    }
}

/// Whether any address from this provider could ever count, for a user type.
///
/// An operator's provider may say `email_verified`; whether it does is only seen at a sign-in, so
/// its scopes decide: without `email` it says nothing.
pub fn could_ever_count(provider: &Provider, privileged: bool) -> bool {
    let says_email = provider.scopes.iter().any(|scope| scope == "email");
    match provider.authority {
        Authority::Operator => says_email || !provider.trusted_domains.is_empty(),
        Authority::Organisation => !provider.trusted_domains.is_empty(),
        Authority::Public => !privileged && says_email,
    }
}
