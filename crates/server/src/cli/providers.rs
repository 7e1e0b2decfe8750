//! `vestibule providers`: identity providers, and the doors that they are connected to.

mod add;
mod change;
mod doors;
mod show;

use clap::{Args, Subcommand};
use identity::federation::provider::ProviderState;
use serde_json::json;
use store::{By, Conflict, ProviderChange};

use super::answer::table;
use super::{Answer, CommandHouse, Failure, Force};
use crate::federation::save::{self, SaveError, Tools};
use crate::federation::upstream::Upstream;
use show::{provider_json, redirect_uri};

/// What to do with identity providers.
#[derive(Debug, Subcommand)]
pub enum ProvidersCommand {
    /// Add a provider: reads its discovery document and connects it to an application
    Add(Box<add::AddCommand>),
    /// List providers
    List,
    /// Show a provider, its connections, and what to enter at the provider
    Show(Named),
    /// Change what you said about a provider: its name, client secret, trusted domains and so on
    Change(Box<change::ChangeCommand>),
    /// Read a provider's discovery document again, after its endpoints or abilities changed
    Refresh(change::RefreshCommand),
    /// Let people sign in through a provider again
    Enable(Named),
    /// Let nobody sign in through a provider, not even whoever is on the way
    Disable(Leaving),
    /// Remove a provider that nobody ever signed in through
    Remove(Named),
    /// Connect a provider to another application
    Connect(Box<doors::ConnectCommand>),
    /// Change what becomes of people who come through a provider to an application
    ChangeConnection(Box<doors::ChangeConnectionCommand>),
    /// Take a provider away from an application
    Disconnect(doors::DisconnectCommand),
}

/// Which provider is to let nobody in.
#[derive(Debug, Args)]
pub struct Leaving {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    force: Force,
}

/// Which provider.
#[derive(Debug, Args)]
pub struct Named {
    /// Key of the provider
    #[arg(value_name = "KEY")]
    key: String,
}

impl ProvidersCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        match self {
            Self::Add(command) => add::add(house, *command).await,
            Self::Change(command) => change::change(house, *command).await,
            Self::Refresh(command) => change::refresh(house, &command).await,
            Self::List => list(house).await,
            Self::Show(named) => show::run(house, &named).await,
            Self::Enable(named) => switch(house, &named, ProviderState::Enabled, &house.by()).await,
            Self::Disable(Leaving { named, force }) => {
                switch(house, &named, ProviderState::Disabled, &force.by(house)).await
            }
            Self::Remove(named) => remove(house, &named).await,
            Self::Connect(command) => doors::connect(house, *command).await,
            Self::ChangeConnection(command) => doors::change(house, *command).await,
            Self::Disconnect(command) => doors::disconnect(house, command).await,
        }
    }
}

impl From<SaveError> for Failure {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Store(error) => error.into(),
            other => Self::new(other.code(), other.to_string()),
        }
    }
}

pub(super) fn upstream(house: &CommandHouse) -> Result<Upstream, Failure> {
    Upstream::new(&house.config.outbound)
        .map_err(|error| Failure::new("outbound", error.to_string()))
}

pub(super) fn tools<'a>(house: &'a CommandHouse, upstream: &'a Upstream) -> Tools<'a> {
    Tools {
        store: &house.store,
        keyring: &house.keyring,
        upstream,
        clock: house.clock.as_ref(),
        entropy: &house.entropy,
    }
}

async fn list(house: &CommandHouse) -> Result<Answer, Failure> {
    let providers = house.store.list_providers().await?;
    let connections = house.store.list_connections(None).await?;
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for provider in &providers {
        let doors: Vec<&str> = connections
            .iter()
            .filter(|one| one.provider == provider.id)
            .map(|one| one.application.as_str())
            .collect();
        rows.push(vec![
            provider.key.clone(),
            provider.name.clone(),
            provider.state.to_string(),
            doors.join(", "),
            provider.issuer.clone(),
        ]);
        documents.push(provider_json(house, provider).await?);
    }
    let text = if rows.is_empty() {
        "There is no provider yet; add one with: vestibule providers add".to_owned()
    } else {
        table(&["KEY", "NAME", "STATE", "APPLICATIONS", "ISSUER"], &rows)
    };
    Ok(Answer::new(text, json!({ "providers": documents })))
}

async fn switch(
    house: &CommandHouse,
    named: &Named,
    state: ProviderState,
    by: &By,
) -> Result<Answer, Failure> {
    let provider = save::find_provider(&house.store, &named.key).await?;
    let change = ProviderChange { state: Some(state), ..ProviderChange::default() };
    let changed = house.store.change_provider(&provider.id, &change, by, house.now()).await?;
    let text = match state {
        ProviderState::Enabled => {
            format!("People can sign in through \"{}\" again.", changed.name)
        }
        ProviderState::Disabled => format!(
            "Nobody can sign in through \"{}\" any more, and whoever came by it is signed out.",
            changed.name
        ),
    };
    Ok(Answer::new(text, provider_json(house, &changed).await?))
}

async fn remove(house: &CommandHouse, named: &Named) -> Result<Answer, Failure> {
    let provider = save::find_provider(&house.store, &named.key).await?;
    let removed = house.store.remove_provider(&provider.id, &house.by(), house.now()).await;
    removed.map_err(|error| match error {
        store::Error::Conflict(Conflict::InUse) => {
            let text = format!(
                "people have signed in through \"{}\", and that is how they are known; switch it \
                 off instead: vestibule providers disable {}",
                provider.name, provider.key
            );
            Failure::new(Conflict::InUse.code(), text)
        }
        other => other.into(),
    })?;
    let text = format!("Removed \"{}\" and its connections.", provider.name);
    Ok(Answer::new(text, json!({ "removed": provider.key })))
}
