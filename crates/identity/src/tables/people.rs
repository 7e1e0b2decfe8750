//! Who and what the tables are about, where it does not matter who.

use crate::email::Email;
use crate::federation::external::{EmailVerified, ExternalIdentity};
use crate::federation::provider::{
    Authority, ClientAuthentication, Endpoints, Provider, ProviderState,
};
use crate::ids::{ProviderId, PublicId, UserId};
use crate::time::Moment;
use crate::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};

/// A domain that the provider is trusted with.
pub(super) const TRUSTED: &str = "trusted.example";

pub(super) fn address(text: &str) -> Email {
    Email::from_stored(text, text)
}

/// Somebody of whom a provider says nothing but who it is.
pub(super) fn silent(provider: &Provider) -> ExternalIdentity {
    ExternalIdentity {
        provider: provider.id.clone(),
        issuer: String::new(),
        subject: "subject".to_owned(),
        email: None,
        email_verified: EmailVerified::Absent,
        hosted_domain: None,
        name: Name::default(),
        locale: None,
        claims: serde_json::Map::new(),
    }
}

pub(super) fn user(id: &str, status: Status) -> User {
    User {
        id: UserId::from_stored(id),
        public_id: PublicId::from_stored(id),
        user_type: UserType::Customer,
        population: Population::default_one(),
        email: address("person@elsewhere.example"),
        email_standing: EmailStanding::Unconfirmed,
        name: Name::default(),
        locale: None,
        status,
        birth: Birth::Added,
        created_at: Moment::from_seconds(0),
    }
}

pub(super) fn provider(authority: Authority) -> Provider {
    Provider {
        id: ProviderId::from_stored("provider"),
        key: "provider".to_owned(),
        name: "Provider".to_owned(),
        organisation: None,
        authority,
        state: ProviderState::Enabled,
        issuer: String::new(),
        client_id: String::new(),
        client_authentication: ClientAuthentication::ClientSecretBasic,
        scopes: Vec::new(),
        trusted_domains: vec![TRUSTED.to_owned()],
        allow_private: Vec::new(),
        endpoints: Endpoints {
            authorization: String::new(),
            token: String::new(),
            userinfo: None,
            jwks: String::new(),
        },
        algorithms: Vec::new(),
        promises_iss: false,
        pkce: true,
        created_at: Moment::from_seconds(0),
    }
}
