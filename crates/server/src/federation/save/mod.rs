//! Connecting an identity provider: everything that can be wrong with it is said now, and not to
//! the first person who tries to sign in.

mod draft;
mod fault;

use std::sync::Arc;

use identity::applications::Application;
use identity::entropy::Entropy;
use identity::federation::policy::{Connection, ConnectionError, UnknownUser, could_ever_count};
use identity::federation::provider::{Authority, Provider};
use identity::groups::GroupName;
use identity::ids::GroupId;
use identity::secret::Secret;
use store::{By, Conflict, NewConnection, Store};

pub use fault::SaveError;

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
    /// What becomes of strangers.
    pub unknown_user: UnknownUser,
    /// Names of groups for new users.
    pub default_groups: Vec<String>,
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
    let groups = find_groups(tools.store, &application, &door.default_groups).await?;
    if tools.store.find_provider_by_key(&draft.key).await?.is_some() {
        return Err(SaveError::KeyTaken(draft.key));
    }
    let read = tools.upstream.discover(&new.issuer, &draft.allow_private).await?;
    let provider = draft.with(new, read, tools);
    check_connection(&provider, &application, door.unknown_user)?;
    let sealed =
        secrets::seal(tools.keyring, &provider.id, &new.client_secret, tools.entropy.as_ref())?;
    let connection = connection(tools.store, application, door.unknown_user, groups).await?;
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

/// Joins a provider that is there to another door.
pub async fn connect(
    tools: &Tools<'_>,
    key: &str,
    door: &Door,
    by: &By,
) -> Result<Connection, SaveError> {
    let provider = find_provider(tools.store, key).await?;
    let application = find_application(tools.store, &door.application).await?;
    let groups = find_groups(tools.store, &application, &door.default_groups).await?;
    check_connection(&provider, &application, door.unknown_user)?;
    let new = connection(tools.store, application, door.unknown_user, groups).await?;
    tools.store.add_connection(&provider.id, &new, by, tools.clock.now()).await.map_err(|error| {
        match error {
            store::Error::Conflict(Conflict::AlreadyConnected) => SaveError::AlreadyConnected {
                application: door.application.clone(),
                provider: provider.name.clone(),
            },
            other => SaveError::Store(other),
        }
    })
}

/// The provider of this key.
pub async fn find_provider(store: &Store, key: &str) -> Result<Provider, SaveError> {
    let found = store.find_provider_by_key(key).await?;
    found.ok_or_else(|| SaveError::UnknownProvider(key.to_owned()))
}

async fn find_application(store: &Store, key: &str) -> Result<Application, SaveError> {
    let all = store.list_applications().await?;
    let there: Vec<&str> = all.iter().map(|one| one.key.as_str()).collect();
    let there = there.join(", ");
    all.into_iter()
        .find(|one| one.key.as_str() == key)
        .ok_or_else(|| SaveError::UnknownApplication { asked: key.to_owned(), there })
}

async fn find_groups(
    store: &Store,
    application: &Application,
    names: &[String],
) -> Result<Vec<GroupId>, SaveError> {
    let mut groups = Vec::new();
    for name in names {
        let unknown = || SaveError::UnknownGroup {
            name: name.clone(),
            application: application.key.to_string(),
        };
        let asked = GroupName::parse(name).map_err(|_| unknown())?;
        let found = store.find_group_by_name(application.user_type, &asked).await?;
        let group = found.ok_or_else(unknown)?;
        if group.is_administrators() {
            return Err(ConnectionError::AdministratorsByDefault.into());
        }
        groups.push(group.id);
    }
    Ok(groups)
}

fn check_connection(
    provider: &Provider,
    application: &Application,
    unknown_user: UnknownUser,
) -> Result<(), SaveError> {
    let privileged = application.user_type.is_privileged();
    if !could_ever_count(provider, application.user_type) {
        return Err(match provider.authority {
            Authority::Public if privileged => {
                SaveError::PublicForPrivileged(application.key.to_string())
            }
            _ => ConnectionError::NothingCounts { provider: provider.name.clone() }.into(),
        });
    }
    let asks_email = provider.scopes.iter().any(|scope| scope == "email");
    if unknown_user == UnknownUser::Create && !asks_email {
        return Err(SaveError::CreateNeedsEmail);
    }
    Ok(())
}

/// At the end of the door's buttons.
async fn connection(
    store: &Store,
    application: Application,
    unknown_user: UnknownUser,
    default_groups: Vec<GroupId>,
) -> Result<NewConnection, SaveError> {
    let there = store.list_connections(Some(&application.key)).await?;
    let position = there.iter().map(|one| one.position + 1).max().unwrap_or(0);
    Ok(NewConnection { application: application.key, unknown_user, default_groups, position })
}
