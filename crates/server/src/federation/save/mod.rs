//! Connecting an identity provider: everything that can be wrong with it is said now, and not to
//! the first person who tries to sign in.

mod change;
mod doors;
mod draft;
mod fault;
mod policy;
mod refresh;

use std::sync::Arc;

use identity::applications::Application;
use identity::entropy::Entropy;
use identity::federation::policy::Connection;
use identity::federation::provider::{Authority, Provider};
use identity::groups::{Group, GroupName};
use identity::ids::GroupId;
use identity::secret::Secret;
use store::{By, Conflict, Store};

pub use change::{ProviderEdit, change};
pub use doors::{DoorEdit, change_connection, connect, disconnect};
pub use fault::SaveError;
pub use policy::{PolicyEdit, change_defaults, groups_of};
pub(crate) use refresh::to_confirm;
pub use refresh::{Difference, Refreshed, refresh};

use super::secrets;
use super::upstream::Upstream;
use crate::clock::Clock;
use crate::keys::Keyring;
use draft::Draft;

/// Longest name on a button, in characters.
const MAX_NAME: usize = 60;

/// What a provider is saved with.
pub struct Tools<'a> {
    /// Where to.
    pub store: &'a Store,
    /// What seals its secret.
    pub keyring: &'a Keyring,
    /// What reads its discovery document.
    pub upstream: &'a Upstream,
    /// What tells the time.
    pub clock: &'a dyn Clock,
    /// What cannot be predicted.
    pub entropy: &'a Arc<dyn Entropy>,
}

/// A provider as somebody describes it.
#[derive(Clone, Debug)]
pub struct NewProvider {
    /// What people read on the button.
    pub name: String,
    /// Its address, to the letter as its tokens say.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// How we prove it.
    pub client_secret: Secret,
    /// For addresses and commands; made from the name when there is none.
    pub key: Option<String>,
    /// What to ask for; the usual when empty.
    pub scopes: Vec<String>,
    /// Domains whose addresses it is trusted with.
    pub trusted_domains: Vec<String>,
    /// Hosts that may be private addresses.
    pub allow_private: Vec<String>,
    /// How far its word goes.
    pub authority: Authority,
}

/// A door for a provider, as somebody describes it.
#[derive(Clone, Debug)]
pub struct Door {
    /// Which application.
    pub application: String,
    /// What becomes of the people who come through the provider.
    pub policy: PolicyEdit,
}

/// Reads the provider's discovery document, checks everything, and saves it with its first door.
pub async fn add(
    tools: &Tools<'_>,
    new: &NewProvider,
    door: &Door,
    by: &By,
) -> Result<Provider, SaveError> {
    let draft = Draft::check(new)?;
    let application = find_application(tools.store, &door.application).await?;
    // What needs no network first, so that a slip is told at once.
    let policy = door.policy.read(tools.store, &application).await?.set;
    if tools.store.find_provider_by_key(&draft.key).await?.is_some() {
        return Err(SaveError::KeyTaken(draft.key));
    }
    let read = tools.upstream.discover(&new.issuer, &draft.allow_private).await?;
    let provider = draft.with(new, read, tools);
    policy::check(tools.store, &provider, &application, &policy).await?;
    let sealed =
        secrets::seal(tools.keyring, &provider.id, &new.client_secret, tools.entropy.as_ref())?;
    let connection = doors::at_the_end(tools.store, application, policy).await?;
    tools
        .store
        .add_provider(&provider, Some(&sealed), &[connection], by, tools.clock.now())
        .await
        .map_err(|error| match error {
            store::Error::Conflict(Conflict::KeyTaken) => SaveError::KeyTaken(provider.key.clone()),
            other => SaveError::Store(other),
        })?;
    Ok(provider)
}

/// The provider of this key.
pub async fn find_provider(store: &Store, key: &str) -> Result<Provider, SaveError> {
    let found = store.find_provider_by_key(key).await?;
    found.ok_or_else(|| SaveError::UnknownProvider(key.to_owned()))
}

/// The application of this key, or a sentence that names those there are.
pub async fn find_application(store: &Store, key: &str) -> Result<Application, SaveError> {
    let all = store.list_applications().await?;
    let there: Vec<&str> = all.iter().map(|one| one.key.as_str()).collect();
    let there = there.join(", ");
    all.into_iter()
        .find(|one| one.key.as_str() == key)
        .ok_or_else(|| SaveError::UnknownApplication { asked: key.to_owned(), there })
}

/// Groups by name among those for the door's users, else by id.
pub async fn find_groups(
    store: &Store,
    application: &Application,
    named: &[String],
) -> Result<Vec<Group>, SaveError> {
    let mut groups = Vec::new();
    for asked in named {
        let unknown = || SaveError::UnknownGroup {
            name: asked.clone(),
            application: application.key.to_string(),
            user_type: application.user_type,
        };
        let name = GroupName::parse(asked).map_err(|_| unknown())?;
        let found = match store.find_group_by_name(application.user_type, &name).await? {
            Some(found) => Some(found),
            None => store.find_group(&GroupId::from_stored(asked.as_str())).await?,
        };
        groups.push(found.ok_or_else(unknown)?);
    }
    Ok(groups)
}

/// The doors of a provider.
pub async fn connections_of(
    store: &Store,
    provider: &Provider,
) -> Result<Vec<Connection>, store::Error> {
    let mut all = store.list_connections(None).await?;
    all.retain(|one| one.provider == provider.id);
    Ok(all)
}
