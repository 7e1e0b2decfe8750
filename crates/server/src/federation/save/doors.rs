//! The doors of a provider: joined, changed and taken away again.

use identity::applications::Application;
use identity::federation::policy::{Connection, PolicyFields, check_exchange_audiences};
use identity::federation::provider::Provider;
use store::{By, Conflict, ConnectionChange, NewConnection, Store};

use super::policy::{self, PolicyEdit};
use super::{Door, SaveError, Tools, connections_of, find_application, find_provider};

/// What to change about a connection, as somebody describes it; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoorEdit {
    /// What becomes of the people who come through it.
    pub policy: PolicyEdit,
    /// Place among the buttons; lower first.
    pub position: Option<i64>,
    /// Clients of the provider whose tokens are taken in exchange.
    pub exchange_audiences: Option<Vec<String>>,
    /// Whether of staff, too.
    pub exchange_staff: Option<bool>,
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
    let policy = door.policy.read(tools.store, &application).await?.set;
    policy::check(tools.store, &provider, &application, &policy).await?;
    let new = at_the_end(tools.store, application, policy).await?;
    tools.store.add_connection(&provider.id, &new, by, tools.clock.now()).await.map_err(|error| {
        match error {
            store::Error::Conflict(Conflict::AlreadyConnected) => SaveError::AlreadyConnected {
                application: door.application.clone(),
                provider: provider.key.clone(),
            },
            other => SaveError::Store(other),
        }
    })
}

/// Changes what becomes of the people who come through a provider to this door.
pub async fn change_connection(
    tools: &Tools<'_>,
    key: &str,
    application: &str,
    edit: &DoorEdit,
    by: &By,
) -> Result<Connection, SaveError> {
    let (provider, application, there) = find(tools.store, key, application).await?;
    let policy = edit.policy.read(tools.store, &application).await?;
    let will_be = policy.apply(there.policy.clone());
    policy::check(tools.store, &provider, &application, &will_be).await?;
    if let Some(audiences) = &edit.exchange_audiences {
        check_exchange_audiences(audiences)?;
    }
    let change = ConnectionChange {
        policy,
        position: edit.position,
        exchange_audiences: edit.exchange_audiences.clone(),
        exchange_staff: edit.exchange_staff,
    };
    Ok(tools.store.change_connection(&there.id, &change, by, tools.clock.now()).await?)
}

/// Takes a provider away from a door. Sessions that came by it are refused there from now on.
pub async fn disconnect(
    tools: &Tools<'_>,
    key: &str,
    application: &str,
    by: &By,
) -> Result<Application, SaveError> {
    let (_, application, there) = find(tools.store, key, application).await?;
    tools.store.remove_connection(&there.id, by, tools.clock.now()).await?;
    Ok(application)
}

async fn find(
    store: &Store,
    key: &str,
    application: &str,
) -> Result<(Provider, Application, Connection), SaveError> {
    let provider = find_provider(store, key).await?;
    let application = find_application(store, application).await?;
    let all = connections_of(store, &provider).await?;
    let there = all.into_iter().find(|one| one.application == application.key);
    let there = there.ok_or_else(|| SaveError::NotConnected {
        application: application.key.to_string(),
        provider: provider.key.clone(),
    })?;
    Ok((provider, application, there))
}

/// At the end of the door's buttons.
pub(super) async fn at_the_end(
    store: &Store,
    application: Application,
    policy: PolicyFields,
) -> Result<NewConnection, SaveError> {
    let there = store.list_connections(Some(&application.key)).await?;
    let position = there.iter().map(|one| one.position + 1).max().unwrap_or(0);
    Ok(NewConnection { application: application.key, policy, position })
}
