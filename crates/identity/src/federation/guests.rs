//! Guests: people of another tenant or domain than those whom a provider is there for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::federation::decide::{Arrival, Known};
use crate::federation::external::ExternalIdentity;
use crate::federation::provider::Provider;
use crate::federation::trust::{self, EmailTrust};
use crate::users::words;

#[cfg(test)]
mod tests;

/// What becomes of guests whom we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guests {
    /// They are turned away.
    Refuse,
    /// A user is made for them, who waits until an administrator approves.
    Hold,
    /// A user is made for them, if the provider's word about their address counts.
    Create,
}

impl Guests {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Refuse, Self::Hold, Self::Create];

    /// The word for it in data and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Hold => "hold",
            Self::Create => "create",
        }
    }

    /// Whether a user is made.
    pub const fn makes_users(self) -> bool {
        matches!(self, Self::Hold | Self::Create)
    }
}

words!(Guests);

/// By what somebody is a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guest {
    /// The provider is trusted with domains, their address is in none of them, and nothing else
    /// makes its word about the address count.
    ByAddress,
    /// A claim says that they belong to somebody else than whom the provider is there for.
    ByTenant,
}

impl Guest {
    /// Stable name for the audit and the decision table.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ByAddress => "of another domain",
            Self::ByTenant => "of another tenant",
        }
    }
}

/// Whether somebody is a guest, by what the provider says of them and nothing that we store about
/// users: what a guest sees must not depend on whether an account exists.
///
/// Where the word of the operator's own provider about an address counts (`email_verified`), its
/// domain makes nobody a guest: naming domains says where the word counts besides, and not where
/// it does not.
pub fn guest(external: &ExternalIdentity, provider: &Provider, trust: EmailTrust) -> Option<Guest> {
    if is_of_another_tenant(external, provider) {
        return Some(Guest::ByTenant);
    }
    let has_domains = !provider.trusted_domains.is_empty();
    (has_domains && trust == EmailTrust::NoGround).then_some(Guest::ByAddress)
}

/// The same about whoever arrives, if they have no identity here yet.
pub(super) fn new_guest(arrival: &Arrival, known: &Known) -> Option<Guest> {
    let (external, provider) = (&arrival.external, &known.provider);
    let trust = trust::weigh(external, provider, arrival.application.user_type);
    guest(external, provider, trust).filter(|_| known.linked.is_none())
}

/// Entra ID: the token is of another tenant than its issuer (`tid`), or says that the person is
/// a guest in it (`acct`, optional claim). Google: the account is of no company that the provider
/// is trusted with (`hd`).
fn is_of_another_tenant(external: &ExternalIdentity, provider: &Provider) -> bool {
    let own = &provider.trusted_domains;
    if trust::knows_mailboxes(&external.issuer) {
        let is_own = |hd: &String| own.contains(hd);
        return !own.is_empty() && !external.hosted_domain.as_ref().is_some_and(is_own);
    }
    let Some(tenant) = trust::entra_tenant(&provider.issuer) else { return false };
    let claims = &external.claims;
    let is_other = |tid: &str| !tid.eq_ignore_ascii_case(&tenant);
    let tid = claims.get("tid").and_then(Value::as_str);
    let acct = claims.get("acct");
    tid.is_some_and(is_other) || acct.is_some_and(|acct| *acct == 1 || *acct == "1")
}
