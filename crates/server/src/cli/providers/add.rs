//! `vestibule providers add`

use std::path::{Path, PathBuf};

use clap::Args;
use identity::federation::provider::Authority;
use identity::secret::Secret;

use super::doors::DoorArguments;
use super::{provider_json, redirect_uri, tools, upstream};
use crate::cli::{Answer, CommandHouse, Failure};
use crate::config::read_secret;
use crate::federation::save::{self, NewProvider};

/// A provider to be added.
#[derive(Debug, Args)]
pub struct AddCommand {
    /// What people read on the button, after "Login with"
    #[arg(long)]
    name: String,
    /// Address of the provider, without /.well-known/…
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Client id that the provider shows
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// File that holds the client secret
    #[arg(long, value_name = "FILE")]
    client_secret_file: PathBuf,
    /// Key for addresses and commands [default: made from the name]
    #[arg(long)]
    key: Option<String>,
    /// Scope to ask for; may be given several times [default: openid email profile]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Domain whose e-mail addresses the provider is trusted with; may be given several times
    #[arg(long = "trusted-domain", value_name = "DOMAIN")]
    trusted_domains: Vec<String>,
    /// Host of the provider that may be in your own network; may be given several times
    #[arg(long = "allow-private", value_name = "HOST[:PORT]")]
    allow_private: Vec<String>,
    /// How far its word about e-mail addresses goes: operator (your own), organisation (a
    /// company's) or public (anybody's)
    #[arg(long, value_name = "AUTHORITY", default_value_t = Authority::Operator)]
    authority: Authority,
    #[command(flatten)]
    door: DoorArguments,
}

/// The client secret in a file.
pub(super) fn client_secret(file: &Path) -> Result<Secret, Failure> {
    read_secret(file).map_err(|error| Failure::new("client_secret_file", error.to_string()))
}

pub(super) async fn add(house: &CommandHouse, command: AddCommand) -> Result<Answer, Failure> {
    let client_secret = client_secret(&command.client_secret_file)?;
    let new = NewProvider {
        name: command.name,
        issuer: command.issuer,
        client_id: command.client_id,
        client_secret,
        key: command.key,
        scopes: command.scopes,
        trusted_domains: command.trusted_domains,
        allow_private: command.allow_private,
        authority: command.authority,
    };
    let door = command.door.door();
    let upstream = upstream(house)?;
    let provider = save::add(&tools(house, &upstream), &new, &door, &house.by()).await?;
    let text = format!(
        "Added \"{}\" as {}. On the login page of {} there is now the button \"Login with {}\".\n\
         Enter this redirect URI at the provider: {}",
        provider.name,
        provider.key,
        door.application,
        provider.name,
        redirect_uri(house, &provider),
    );
    Ok(Answer::new(text, provider_json(house, &provider).await?))
}
