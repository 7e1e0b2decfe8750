//! `vestibule clients list` and `show`

use clap::Args;
use identity::oauth::client_auth::LiveSecret;
use identity::oauth::clients::{Client, GrantType};
use serde_json::json;

use super::{Named, client_json, find_application, issuer};
use crate::cli::answer::table;
use crate::cli::{Answer, CommandHouse, Failure};

/// Which clients.
#[derive(Debug, Args)]
pub struct ListCommand {
    /// Of this application only
    #[arg(long)]
    application: Option<String>,
}

impl ListCommand {
    pub(super) async fn run(self, house: &CommandHouse) -> Result<Answer, Failure> {
        let application = match &self.application {
            Some(asked) => Some(find_application(house, asked).await?),
            None => None,
        };
        let clients = house.store.list_clients(application.as_ref()).await?;
        let row = |client: &Client| {
            vec![
                client.id.to_string(),
                client.name.clone(),
                client.application.to_string(),
                client.kind.to_string(),
                client.authentication.to_string(),
                state(client).to_owned(),
            ]
        };
        let rows: Vec<_> = clients.iter().map(row).collect();
        let text = if rows.is_empty() {
            "There is no client yet; register one with: vestibule clients add".to_owned()
        } else {
            table(&["ID", "NAME", "APPLICATION", "KIND", "AUTHENTICATION", "STATE"], &rows)
        };
        let documents: Vec<_> = clients.iter().map(|one| client_json(house, one)).collect();
        Ok(Answer::new(text, json!({ "clients": documents })))
    }
}

/// Everything about one, but its secrets.
pub(super) async fn run(house: &CommandHouse, named: &Named) -> Result<Answer, Failure> {
    let client = named.find(house).await?;
    let found = house.store.find_client_with_secrets(&client.id, house.now()).await?;
    let mut document = client_json(house, &client);
    let ends = |secret: &LiveSecret| secret.expires_at.map(|end| end.to_rfc3339());
    let secrets: Vec<_> = found.iter().flat_map(|found| &found.secrets).map(ends).collect();
    document["secrets"] = secrets.iter().map(|end| json!({ "expires_at": end })).collect();
    let mut rows = lines(house, &client);
    for end in secrets {
        let text = end.map_or_else(|| "works".to_owned(), |end| format!("works until {end}"));
        rows.push(("Secret", text));
    }
    let rows: Vec<_> = rows.into_iter().map(|(label, text)| vec![label.to_owned(), text]).collect();
    let text = table(&[client.id.as_str(), ""], &rows);
    Ok(Answer::new(text, json!({ "client": document })))
}

const fn state(client: &Client) -> &'static str {
    if client.disabled { "disabled" } else { "enabled" }
}

/// Where it hears of logouts, and what.
fn back_channel(client: &Client) -> String {
    let Some(uri) = &client.backchannel_logout_uri else { return "none".to_owned() };
    let private = if client.backchannel_logout_private { ", may be private" } else { "" };
    let about = match client.backchannel_logout_session_required {
        true => "told of the session",
        false => "told of the person alone",
    };
    format!("{uri} ({about}{private})")
}

fn lines(house: &CommandHouse, client: &Client) -> Vec<(&'static str, String)> {
    let list = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join(" ") };
    let yes = |flag| if flag { "required" } else { "not required" }.to_owned();
    let origins: Vec<String> = client.cors_origins.iter().map(ToString::to_string).collect();
    let grants: Vec<&str> = client.grant_types.iter().copied().map(GrantType::as_str).collect();
    let keys = if client.jwks.is_some() { "registered" } else { "none" };
    vec![
        ("Name", client.name.clone()),
        ("State", state(client).to_owned()),
        ("Issuer", issuer(house).to_owned()),
        ("Application", client.application.to_string()),
        ("Kind", client.kind.to_string()),
        ("Authentication", client.authentication.to_string()),
        ("Redirect URIs", list(&client.redirect_uris)),
        ("Post-logout URIs", list(&client.post_logout_redirect_uris)),
        ("Back-channel logout", back_channel(client)),
        ("CORS origins", list(&origins)),
        ("Grants", grants.join(" ")),
        ("Scopes", list(&client.scopes)),
        ("Resources", list(&client.resources)),
        ("ID token", client.id_token_algorithm.to_string()),
        ("PKCE", yes(client.require_pkce)),
        ("Nonce", yes(client.require_nonce)),
        ("Pushed requests", yes(client.require_par)),
        ("Tokens bound to a key", yes(client.require_dpop)),
        ("Own keys", keys.to_owned()),
    ]
}
