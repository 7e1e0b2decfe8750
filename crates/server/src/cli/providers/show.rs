//! `vestibule providers show`, and how a provider is shown with its connections.

use identity::federation::policy::{Connection, Policy};
use identity::federation::provider::Provider;
use serde_json::{Value, json};

use super::Named;
use crate::cli::answer::table;
use crate::cli::policy::Shown;
use crate::cli::{Answer, CommandHouse, Failure};
use crate::federation::save;

pub(super) async fn run(house: &CommandHouse, named: &Named) -> Result<Answer, Failure> {
    let provider = save::find_provider(&house.store, &named.key).await?;
    let document = provider_json(house, &provider).await?;
    let list = |all: &[String]| if all.is_empty() { "none".to_owned() } else { all.join(" ") };
    let yes = |flag| if flag { "yes" } else { "no" };
    let lines = [
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
    let rows: Vec<_> =
        lines.into_iter().map(|(label, text)| vec![label.to_owned(), text]).collect();
    let mut text = table(&[provider.key.as_str(), ""], &rows);
    for connection in save::connections_of(&house.store, &provider).await? {
        text.push_str(&connection_text(house, &connection).await?);
    }
    Ok(Answer::new(text, document))
}

pub(super) fn redirect_uri(house: &CommandHouse, provider: &Provider) -> String {
    let origin = house.config.server.public_url.as_str().trim_end_matches('/');
    format!("{origin}/login/callback/{}", provider.key)
}

/// What holds for a connection, and who said so.
async fn connection_text(house: &CommandHouse, connection: &Connection) -> Result<String, Failure> {
    let mut rows = shown(house, connection).await?.rows();
    if !connection.exchange_audiences.is_empty() {
        let mut audiences = connection.exchange_audiences.join(", ");
        if connection.exchange_staff {
            audiences.push_str(", staff too");
        }
        rows.push(vec!["exchange_audiences".to_owned(), audiences, "connection".to_owned()]);
    }
    let head = [connection.application.as_str(), "", "SET FOR"];
    Ok(format!("\n\n{}", table(&head, &rows)))
}

async fn shown(house: &CommandHouse, connection: &Connection) -> Result<Shown, Failure> {
    let door = house.store.get_application(&connection.application).await?;
    Shown::of(house, &Policy::of(&connection.policy, &door.defaults, door.user_type)).await
}

/// Everything but the secret.
pub(super) async fn provider_json(
    house: &CommandHouse,
    provider: &Provider,
) -> Result<Value, Failure> {
    let mut connections = Vec::new();
    for connection in save::connections_of(&house.store, provider).await? {
        connections.push(json!({
            "application": connection.application.as_str(),
            "policy": shown(house, &connection).await?.json(),
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
