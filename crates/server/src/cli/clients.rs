//! `vestibule clients`: the programs of an application that sign people in through us.

mod add;
mod change;
mod secret;
mod settings;
mod show;

use clap::{Args, Subcommand};
use identity::applications::ApplicationKey;
use identity::ids::ClientId;
use identity::oauth::clients::{Client, ClientAuthMethod};
use serde_json::{Value, json};

use super::{Answer, CommandHouse, Failure};
use crate::federation::save;

/// What to do with OAuth clients.
#[derive(Debug, Subcommand)]
pub enum ClientsCommand {
    /// Register a client, and show its secret once
    Add(Box<add::AddCommand>),
    /// List clients
    List(show::ListCommand),
    /// Show a client, and what to enter in it
    Show(Named),
    /// Change a client; what is not named stays
    Change(Box<change::ChangeCommand>),
    /// Let a client work again
    Enable(Named),
    /// Let a client do nothing, with whatever it was given
    Disable(Named),
    /// Remove a client, and end everything that it was given
    Remove(Named),
    /// Draw a new secret and show it once; the old one works for 7 more days
    RotateSecret(secret::RotateCommand),
}

/// Which client.
#[derive(Debug, Args)]
pub struct Named {
    /// Client id
    #[arg(value_name = "ID")]
    id: String,
}

impl ClientsCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        match self {
            Self::Add(command) => command.run(house).await,
            Self::List(command) => command.run(house).await,
            Self::Show(named) => show::run(house, &named).await,
            Self::Change(command) => command.run(house).await,
            Self::Enable(named) => change::switch(house, &named, false).await,
            Self::Disable(named) => change::switch(house, &named, true).await,
            Self::Remove(named) => change::remove(house, &named).await,
            Self::RotateSecret(command) => command.run(house).await,
        }
    }
}

impl Named {
    async fn find(&self, house: &CommandHouse) -> Result<Client, Failure> {
        let found = house.store.find_client(&ClientId::from_stored(self.id.as_str())).await?;
        found.ok_or_else(|| {
            let text =
                format!("there is no client \"{}\"; look with: vestibule clients list", self.id);
            Failure::new("not_found", text)
        })
    }
}

/// The application of this key, or a sentence that names those there are.
async fn find_application(house: &CommandHouse, asked: &str) -> Result<ApplicationKey, Failure> {
    let found = save::find_application(&house.store, asked).await?;
    Ok(found.key)
}

/// Whether it proves itself by a secret of ours.
const fn has_secret(method: ClientAuthMethod) -> bool {
    matches!(method, ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost)
}

fn issuer(house: &CommandHouse) -> &str {
    house.config.server.public_url.as_str().trim_end_matches('/')
}

/// Everything but secrets.
fn client_json(house: &CommandHouse, client: &Client) -> Value {
    json!({
        "client_id": client.id.as_str(),
        "application": client.application.as_str(),
        "name": client.name,
        "kind": client.kind.as_str(),
        "token_endpoint_auth_method": client.authentication.as_str(),
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "backchannel_logout_uri": client.backchannel_logout_uri,
        "backchannel_logout_session_required": client.backchannel_logout_session_required,
        "backchannel_logout_private": client.backchannel_logout_private,
        "cors_origins": client.cors_origins,
        "grant_types": client.grant_types,
        "scopes": client.scopes,
        "resources": client.resources,
        "id_token_signed_response_alg": client.id_token_algorithm.as_str(),
        "require_pkce": client.require_pkce,
        "require_nonce": client.require_nonce,
        "require_pushed_authorization_requests": client.require_par,
        "dpop_bound_access_tokens": client.require_dpop,
        "jwks": client.jwks,
        "disabled": client.disabled,
        "created_at": client.created_at.to_rfc3339(),
        "issuer": issuer(house),
    })
}
