//! `vestibule hosts`: hosts in front of which a reverse proxy asks us.

use clap::{Args, Subcommand};
use identity::forward_auth::{ProtectedHost, authority, authority_of};
use identity::return_to::Origin;
use serde_json::{Value, json};
use url::Position;

use super::answer::table;
use super::{Answer, CommandHouse, Failure};
use crate::federation::save;

/// What to do with hosts.
#[derive(Debug, Subcommand)]
pub enum HostsCommand {
    /// List hosts and their applications
    List,
    /// Protect a host by an application's login
    Add(AddCommand),
    /// Forget a host, and whoever is signed in there
    Remove(RemoveCommand),
}

/// Which host, and by which login.
#[derive(Debug, Args)]
pub struct AddCommand {
    /// What browsers call it: https://shop.example
    #[arg(value_name = "ORIGIN")]
    origin: String,
    /// The application whose login and policy protect it
    #[arg(long, value_name = "APPLICATION")]
    application: String,
}

/// Which host.
#[derive(Debug, Args)]
pub struct RemoveCommand {
    /// As it was added
    #[arg(value_name = "ORIGIN")]
    origin: String,
}

impl HostsCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        match self {
            Self::List => list(house).await,
            Self::Add(command) => add(house, &command).await,
            Self::Remove(command) => remove(house, &command).await,
        }
    }
}

fn origin(text: &str) -> Result<Origin, Failure> {
    Origin::parse(text).map_err(|error| Failure::new("origin", error.to_string()))
}

fn host_json(host: &ProtectedHost) -> Value {
    json!({ "origin": host.origin.as_str(), "application": host.application.as_str() })
}

async fn list(house: &CommandHouse) -> Result<Answer, Failure> {
    let hosts = house.store.list_protected_hosts().await?;
    let row = |host: &ProtectedHost| vec![host.origin.to_string(), host.application.to_string()];
    let rows: Vec<_> = hosts.iter().map(row).collect();
    let text = table(&["HOST", "APPLICATION"], &rows);
    let hosts: Vec<_> = hosts.iter().map(host_json).collect();
    Ok(Answer::new(text, json!({ "hosts": hosts })))
}

async fn add(house: &CommandHouse, command: &AddCommand) -> Result<Answer, Failure> {
    let origin = origin(&command.origin)?;
    let own = &house.config.server.public_url[Position::BeforeHost..Position::AfterPort];
    if authority(own).as_deref() == Some(authority_of(&origin)) {
        let text = format!(
            "{origin} is Vestibule's own address (server.public_url); its pages need no proxy \
             check, so give the host of the application behind the proxy"
        );
        return Err(Failure::new("own_address", text));
    }
    let application = save::find_application(&house.store, &command.application).await?.key;
    let host = ProtectedHost { origin, application };
    house.store.add_protected_host(&host, &house.by(), house.now()).await.map_err(|error| {
        match error {
            store::Error::Conflict(_) => {
                let text = format!(
                    "{} is protected already; look with: vestibule hosts list",
                    host.authority()
                );
                Failure::new("already_there", text)
            }
            other => other.into(),
        }
    })?;
    let text = format!(
        "{} is protected by the login of {}. Let its reverse proxy ask {}/forward-auth/{} before \
         every request, and pass /.vestibule/* to Vestibule; list the proxy's address under \
         server.trusted_proxies.",
        host.origin,
        host.application,
        house.config.server.public_url.as_str().trim_end_matches('/'),
        host.application,
    );
    Ok(Answer::new(text, json!({ "host": host_json(&host) })))
}

async fn remove(house: &CommandHouse, command: &RemoveCommand) -> Result<Answer, Failure> {
    let origin = origin(&command.origin)?;
    let removed = house.store.remove_protected_host(&origin, &house.by(), house.now()).await;
    let host = removed.map_err(|error| match error {
        store::Error::NotFound => {
            let text = format!("{origin} is not protected; look with: vestibule hosts list");
            Failure::new("not_found", text)
        }
        other => other.into(),
    })?;
    let text = format!("{} is not protected by us any more.", host.origin);
    Ok(Answer::new(text, json!({ "host": host_json(&host), "removed": true })))
}
