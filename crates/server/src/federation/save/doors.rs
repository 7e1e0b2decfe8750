//! The doors of a provider: joined, changed and taken away again.

use identity::applications::Application;
use identity::federation::policy::{
    Connection, UnknownUser, check_connection, check_exchange_audiences,
};
use identity::federation::provider::Provider;
use identity::groups::Group;
use store::{By, Conflict, ConnectionChange, NewConnection, Store};

use super::{
    Door, SaveError, Tools, connections_of, find_application, find_groups, find_provider, groups_of,
};

/// What to change about a connection, as somebody describes it; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct DoorEdit {
    /// What becomes of strangers.
    pub unknown_user: Option<UnknownUser>,
    /// Names or ids of groups for new users.
    pub default_groups: Option<Vec<String>>,
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
    let groups = find_groups(tools.store, &application, &door.default_groups).await?;
    check_connection(&provider, &application, door.unknown_user, &groups)?;
    let new = at_the_end(tools.store, application, door.unknown_user, &groups).await?;
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
    let groups = match &edit.default_groups {
        Some(named) => find_groups(tools.store, &application, named).await?,
        None => groups_of(tools.store, &there).await?,
    };
    let unknown_user = edit.unknown_user.unwrap_or(there.unknown_user);
    check_connection(&provider, &application, unknown_user, &groups)?;
    if let Some(audiences) = &edit.exchange_audiences {
        check_exchange_audiences(audiences)?;
    }
    let change = ConnectionChange {
        unknown_user: edit.unknown_user,
        default_groups: edit.default_groups.is_some().then(|| ids(&groups)),
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
    unknown_user: UnknownUser,
    default_groups: &[Group],
) -> Result<NewConnection, SaveError> {
    let there = store.list_connections(Some(&application.key)).await?;
    let position = there.iter().map(|one| one.position + 1).max().unwrap_or(0);
    let default_groups = ids(default_groups);
    Ok(NewConnection { application: application.key, unknown_user, default_groups, position })
}

fn ids(groups: &[Group]) -> Vec<identity::ids::GroupId> {
    groups.iter().map(|group| group.id.clone()).collect()
}
