//! `vestibule providers`: identity providers, and the doors that they are connected to.

mod add;
mod change;
mod doors;

use clap::{Args, Subcommand};
use identity::federation::policy::Connection;
use identity::federation::provider::{Provider, ProviderState};
use serde_json::{Value, json};
use store::{Conflict, ProviderChange};

use super::answer::table;
use super::{Answer, CommandHouse, Failure};
use crate::federation::save::{self, SaveError, Tools};
use crate::federation::upstream::Upstream;

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
    Disable(Named),
    /// Remove a provider that nobody ever signed in through
    Remove(Named),
    /// Connect a provider to another application
    Connect(doors::ConnectCommand),
    /// Change what becomes of people who come through a provider to an application
    ChangeConnection(doors::ChangeConnectionCommand),
    /// Take a provider away from an application
    Disconnect(doors::DisconnectCommand),
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
            Self::Show(named) => show(house, &named).await,
            Self::Enable(named) => switch(house, &named, ProviderState::Enabled).await,
            Self::Disable(named) => switch(house, &named, ProviderState::Disabled).await,
            Self::Remove(named) => remove(house, &named).await,
            Self::Connect(command) => doors::connect(house, command).await,
            Self::ChangeConnection(command) => doors::change(house, command).await,
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

fn upstream(house: &CommandHouse) -> Result<Upstream, Failure> {
    Upstream::new(&house.config.outbound)
        .map_err(|error| Failure::new("outbound", error.to_string()))
}

fn tools<'a>(house: &'a CommandHouse, upstream: &'a Upstream) -> Tools<'a> {
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

async fn show(house: &CommandHouse, named: &Named) -> Result<Answer, Failure> {
    let provider = save::find_provider(&house.store, &named.key).await?;
    let document = provider_json(house, &provider).await?;
    let list = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join(" ") };
    let yes = |flag| if flag { "yes" } else { "no" };
    let mut lines = vec![
        ("Name", provider.name.clone()),
        ("State", provider.state.to_string()),
        ("Issuer", provider.issuer.clone()),
        ("Client id", provider.client_id.clone()),
        ("Redirect URI", redirect_uri(house, &provider)),
        ("Authority", provider.authority.to_string()),
        ("Trusted domains", list(&provider.trusted_domains)),
        ("Scopes", list(&provider.scopes)),
        ("Private hosts", list(&provider.allow_private)),
        ("Token endpoint", provider.endpoints.token.clone()),
        ("Client shown by", provider.client_authentication.as_str().to_owned()),
        ("Algorithms", list(&provider.algorithms)),
        ("PKCE", yes(provider.pkce).to_owned()),
        ("Promises iss", yes(provider.promises_iss).to_owned()),
    ];
    for connection in save::connections_of(&house.store, &provider).await? {
        let groups = group_names(house, &connection).await?;
        let groups =
            if groups.is_empty() { String::new() } else { format!(" in {}", groups.join(", ")) };
        let exchanges = match connection.exchange_audiences.join(", ") {
            none if none.is_empty() => none,
            some if connection.exchange_staff => format!(", exchanges tokens of {some}, staff too"),
            some => format!(", exchanges tokens of {some}"),
        };
        let text = format!(
            "{}, unknown people: {}{groups}{exchanges}",
            connection.application, connection.unknown_user
        );
        lines.push(("Connection", text));
    }
    let rows: Vec<_> =
        lines.into_iter().map(|(label, text)| vec![label.to_owned(), text]).collect();
    Ok(Answer::new(table(&[provider.key.as_str(), ""], &rows), document))
}

async fn switch(
    house: &CommandHouse,
    named: &Named,
    state: ProviderState,
) -> Result<Answer, Failure> {
    let provider = save::find_provider(&house.store, &named.key).await?;
    let change = ProviderChange { state: Some(state), ..ProviderChange::default() };
    let changed =
        house.store.change_provider(&provider.id, &change, &house.by(), house.now()).await?;
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

fn redirect_uri(house: &CommandHouse, provider: &Provider) -> String {
    let origin = house.config.server.public_url.as_str().trim_end_matches('/');
    format!("{origin}/login/callback/{}", provider.key)
}

async fn group_names(
    house: &CommandHouse,
    connection: &Connection,
) -> Result<Vec<String>, store::Error> {
    let groups = save::groups_of(&house.store, connection).await?;
    Ok(groups.into_iter().map(|group| group.name).collect())
}

/// Everything but the secret.
async fn provider_json(house: &CommandHouse, provider: &Provider) -> Result<Value, Failure> {
    let mut connections = Vec::new();
    for connection in save::connections_of(&house.store, provider).await? {
        connections.push(json!({
            "application": connection.application.as_str(),
            "unknown_user": connection.unknown_user.as_str(),
            "default_groups": group_names(house, &connection).await?,
            "position": connection.position,
            "exchange_audiences": connection.exchange_audiences,
            "exchange_staff": connection.exchange_staff,
        }));
    }
    Ok(json!({
        "key": provider.key,
        "id": provider.id.as_str(),
        "name": provider.name,
        "state": provider.state.as_str(),
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "client_authentication": provider.client_authentication.as_str(),
        "redirect_uri": redirect_uri(house, provider),
        "authority": provider.authority.as_str(),
        "trusted_domains": provider.trusted_domains,
        "scopes": provider.scopes,
        "allow_private": provider.allow_private,
        "endpoints": provider.endpoints,
        "algorithms": provider.algorithms,
        "pkce": provider.pkce,
        "promises_iss": provider.promises_iss,
        "created_at": provider.created_at.to_rfc3339(),
        "connections": connections,
    }))
}
