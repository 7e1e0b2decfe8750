//! Identity providers as the operator has set them up.

use serde::{Deserialize, Serialize};

use crate::ids::{OrganisationId, ProviderId};
use crate::time::Moment;
use crate::users::words;

/// How far a provider's word about e-mail addresses goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authority {
    /// The platform's own: `email_verified` counts, and so do the domains it is trusted with.
    Operator,
    /// A company's: only addresses in the domains that are proven to be its own.
    Organisation,
    /// Anybody's: counts only where the provider itself runs the mailbox.
    Public,
}

impl Authority {
    /// Every authority.
    pub const ALL: [Self; 3] = [Self::Operator, Self::Organisation, Self::Public];

    /// The word for it in data and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Organisation => "organisation",
            Self::Public => "public",
        }
    }
}

/// Whether sign-ins through a provider complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderState {
    /// Sign-ins complete.
    Enabled,
    /// Nothing completes, not even what was started before.
    Disabled,
}

impl ProviderState {
    /// Every state.
    pub const ALL: [Self; 2] = [Self::Enabled, Self::Disabled];

    /// The word for it in data and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}

/// How we show the token endpoint who we are (OpenID Connect Core 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// HTTP Basic with form-encoded id and secret (RFC 6749 section 2.3.1).
    ClientSecretBasic,
    /// Id and secret in the form.
    ClientSecretPost,
}

impl ClientAuthentication {
    /// Every method.
    pub const ALL: [Self; 2] = [Self::ClientSecretBasic, Self::ClientSecretPost];

    /// The registered name of the method.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
        }
    }
}

words!(Authority, ProviderState, ClientAuthentication);

/// Where a provider answers, as its discovery document said when it was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// Where people are sent.
    pub authorization: String,
    /// Where the code is redeemed.
    pub token: String,
    /// Where further claims are, if there is such a place.
    pub userinfo: Option<String>,
    /// Where the keys are.
    pub jwks: String,
}

/// An OpenID Connect server that vouches for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// Name of the row.
    pub id: ProviderId,
    /// In addresses and commands: `/login/callback/{key}`.
    pub key: String,
    /// What people read on the button.
    pub name: String,
    /// Whose provider; none means the platform's.
    pub organisation: Option<OrganisationId>,
    /// How far its word goes.
    pub authority: Authority,
    /// Whether sign-ins complete.
    pub state: ProviderState,
    /// Compared as an exact string (OpenID Connect Discovery 4.3).
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// How we prove it.
    pub client_authentication: ClientAuthentication,
    /// What we ask for; always has `openid`.
    pub scopes: Vec<String>,
    /// Domains in A-label form whose addresses the operator trusts it with. Until domains are
    /// proven by DNS, these also stand for an organisation's proven domains.
    pub trusted_domains: Vec<String>,
    /// `host` or `host:port` that may be private addresses, and plain http on loopback.
    pub allow_private: Vec<String>,
    /// Where it answers.
    pub endpoints: Endpoints,
    /// Signature algorithms that we accept in its ID tokens; never `none`, never a symmetric one.
    pub algorithms: Vec<String>,
    /// Whether it promised `iss` in authorization responses (RFC 9207 section 3).
    pub promises_iss: bool,
    /// Whether it knows PKCE S256; kept at save, so that it is never dropped silently.
    pub pkce: bool,
    /// When it came to be.
    pub created_at: Moment,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is in the database and in commands is what is in JSON.
    #[test]
    fn every_word_is_the_same_everywhere() {
        let words = Authority::ALL.map(|one| (serde_json::to_value(one), one.as_str()));
        let states = ProviderState::ALL.map(|one| (serde_json::to_value(one), one.as_str()));
        let ways = ClientAuthentication::ALL.map(|one| (serde_json::to_value(one), one.as_str()));
        for (json, word) in words.into_iter().chain(states).chain(ways) {
            assert_eq!(json.unwrap(), word);
        }
    }
}
