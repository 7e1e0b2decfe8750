//! Changing a provider that is there: with the checks of its save, and with those of every door
//! that it is connected to.

use identity::federation::provider::{Authority, ClientAuthentication, Provider};
use identity::secret::Secret;
use store::{By, ProviderChange};

use super::{SaveError, Tools, connections_of, draft, find_application, find_provider, policy};
use crate::federation::secrets;

/// What to change about a provider, as somebody describes it; what is none stays. Its issuer and
/// key never change: they are part of every identity and every redirect URI.
#[derive(Clone, Debug, Default)]
pub struct ProviderEdit {
    /// What people read on the button.
    pub name: Option<String>,
    /// Who we are there.
    pub client_id: Option<String>,
    /// How we prove it.
    pub client_secret: Option<Secret>,
    /// How we show it to the token endpoint.
    pub client_authentication: Option<ClientAuthentication>,
    /// What to ask for.
    pub scopes: Option<Vec<String>>,
    /// Domains whose addresses it is trusted with.
    pub trusted_domains: Option<Vec<String>>,
    /// Hosts that may be private addresses.
    pub allow_private: Option<Vec<String>>,
    /// How far its word goes.
    pub authority: Option<Authority>,
}

/// Changes the provider of this key. Nobody is asked anything, unless the hosts that may be
/// private change: then what is stored as its endpoints must still be where we go.
pub async fn change(
    tools: &Tools<'_>,
    key: &str,
    edit: &ProviderEdit,
    by: &By,
) -> Result<Provider, SaveError> {
    let provider = find_provider(tools.store, key).await?;
    let change = checked(tools, &provider, edit)?;
    let changed = change.apply(provider.clone());
    for connection in connections_of(tools.store, &provider).await? {
        let application = find_application(tools.store, connection.application.as_str()).await?;
        policy::check(tools.store, &changed, &application, &connection.policy).await?;
    }
    if changed.allow_private != provider.allow_private {
        tools.upstream.try_provider(&changed).await?;
    }
    Ok(tools.store.change_provider(&provider.id, &change, by, tools.clock.now()).await?)
}

fn checked(
    tools: &Tools<'_>,
    provider: &Provider,
    edit: &ProviderEdit,
) -> Result<ProviderChange, SaveError> {
    let seal = |secret: &Secret| -> Result<String, SaveError> {
        draft::secret(secret)?;
        Ok(secrets::seal(tools.keyring, &provider.id, secret, tools.entropy.as_ref())?)
    };
    Ok(ProviderChange {
        name: edit.name.as_deref().map(draft::name).transpose()?,
        authority: edit.authority,
        client_id: edit.client_id.as_deref().map(draft::client_id).transpose()?,
        client_authentication: edit.client_authentication,
        scopes: edit.scopes.as_deref().map(draft::scopes).transpose()?,
        trusted_domains: edit.trusted_domains.as_deref().map(draft::domains).transpose()?,
        allow_private: edit.allow_private.as_deref().map(draft::hosts).transpose()?,
        sealed_secret: edit.client_secret.as_ref().map(seal).transpose()?,
        ..ProviderChange::default()
    })
}
