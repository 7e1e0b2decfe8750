//! `vestibule providers change` and `refresh`: what the operator says about a provider, and what its
//! discovery document says.

use std::path::PathBuf;

use clap::Args;
use identity::federation::provider::{Authority, ClientAuthentication};
use serde_json::json;

use super::{Named, add, provider_json, tools, upstream};
use crate::cli::answer::table;
use crate::cli::{Answer, CommandHouse, Failure};
use crate::federation::save::{self, Difference, ProviderEdit};

/// Which provider, and what about it.
#[derive(Debug, Args)]
pub struct ChangeCommand {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    edit: EditArguments,
}

/// What to change about a provider.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct EditArguments {
    /// What people read on the button, after "Login with"
    #[arg(long)]
    name: Option<String>,
    /// Client id that the provider shows
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// File that holds the new client secret
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// How id and secret are shown: client_secret_basic or client_secret_post
    #[arg(long, value_name = "METHOD")]
    client_auth: Option<ClientAuthentication>,
    /// Scope to ask for, instead of those so far; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Domain whose e-mail addresses the provider is trusted with, instead of those so far; may be
    /// given several times
    #[arg(long = "trusted-domain", value_name = "DOMAIN")]
    trusted_domains: Vec<String>,
    /// Trust it with no domain
    #[arg(long, conflicts_with = "trusted_domains")]
    no_trusted_domain: bool,
    /// Host of the provider that may be in your own network, instead of those so far; may be given
    /// several times
    #[arg(long = "allow-private", value_name = "HOST[:PORT]")]
    allow_private: Vec<String>,
    /// Let no host of it be in your own network
    #[arg(long, conflicts_with = "allow_private")]
    no_allow_private: bool,
    /// How far its word about e-mail addresses goes: operator (your own), organisation (a
    /// company's) or public (anybody's)
    #[arg(long, value_name = "AUTHORITY")]
    authority: Option<Authority>,
}

/// Whose document is read again.
#[derive(Debug, Args)]
pub struct RefreshCommand {
    #[command(flatten)]
    named: Named,
    /// Take over endpoints at other hosts and the loss of protections, too
    #[arg(long)]
    confirm: bool,
}

impl EditArguments {
    fn edit(self) -> Result<ProviderEdit, Failure> {
        let secret = self.client_secret_file.as_deref().map(add::client_secret).transpose()?;
        // Nothing given leaves what there is; `--no-…` leaves nothing.
        let list = |given: Vec<String>, none: bool| (none || !given.is_empty()).then_some(given);
        Ok(ProviderEdit {
            name: self.name,
            client_id: self.client_id,
            client_secret: secret,
            client_authentication: self.client_auth,
            scopes: list(self.scopes, false),
            trusted_domains: list(self.trusted_domains, self.no_trusted_domain),
            allow_private: list(self.allow_private, self.no_allow_private),
            authority: self.authority,
        })
    }
}

pub(super) async fn change(
    house: &CommandHouse,
    command: ChangeCommand,
) -> Result<Answer, Failure> {
    let edit = command.edit.edit()?;
    let upstream = upstream(house)?;
    let tools = tools(house, &upstream);
    let provider = save::change(&tools, &command.named.key, &edit, &house.by()).await?;
    let text = format!("Changed \"{}\" ({}).", provider.name, provider.key);
    Ok(Answer::new(text, provider_json(house, &provider).await?))
}

pub(super) async fn refresh(
    house: &CommandHouse,
    command: &RefreshCommand,
) -> Result<Answer, Failure> {
    let upstream = upstream(house)?;
    let tools = tools(house, &upstream);
    let key = &command.named.key;
    let refreshed = save::refresh(&tools, key, command.confirm, &house.by()).await?;
    let changed = &refreshed.changed;
    let text = if changed.is_empty() {
        format!("The discovery document of \"{}\" says what it said.", refreshed.provider.name)
    } else {
        let row = |one: &Difference| vec![one.what.to_owned(), one.was.clone(), one.now.clone()];
        let rows: Vec<_> = changed.iter().map(row).collect();
        format!(
            "Took over what the discovery document of \"{}\" says now.\n\n{}",
            refreshed.provider.name,
            table(&["", "BEFORE", "NOW"], &rows)
        )
    };
    let changed: Vec<_> = changed
        .iter()
        .map(|one| json!({ "name": one.what, "before": one.was, "now": one.now }))
        .collect();
    let provider = provider_json(house, &refreshed.provider).await?;
    Ok(Answer::new(text, json!({ "provider": provider, "changed": changed })))
}
