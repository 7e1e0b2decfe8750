//! `vestibule users show`

use identity::users::User;
use serde_json::{Value, json};
use store::Identity;

use super::{Person, find, user_json};
use crate::cli::{Answer, CommandHouse, Failure};

/// Everything that is known about a user, but secrets.
pub(super) async fn run(person: &Person, house: &CommandHouse) -> Result<Answer, Failure> {
    let user = find(house, person).await?;
    let store = &house.store;
    let login =
        store.find_password_login(user.user_type, &user.population, user.email.key()).await?;
    let has_password = login.is_some_and(|login| login.hash.is_some());
    let groups: Vec<String> =
        store.list_groups_of(&user.id).await?.into_iter().map(|group| group.name).collect();
    let now = house.now();
    let mut sessions = store.list_sessions(&user.id).await?;
    sessions.retain(|session| session.at(now).is_ok());
    let identities = store.list_identities_of(&user.id).await?;
    let names = provider_names(house, &identities).await?;
    let mut json = user_json(&user);
    json["has_password"] = has_password.into();
    json["groups"] = groups.clone().into();
    json["sessions"] = sessions.len().into();
    json["identities"] =
        identities.iter().zip(&names).map(|(one, name)| identity_json(one, name)).collect();
    let ways: Vec<String> = has_password
        .then(|| "password".to_owned())
        .into_iter()
        .chain(identities.iter().zip(&names).map(|(one, name)| way(one, name)))
        .collect();
    let text = lines(&user, &groups, &ways, sessions.len());
    Ok(Answer::new(text, json!({ "user": json })))
}

async fn provider_names(
    house: &CommandHouse,
    identities: &[Identity],
) -> Result<Vec<String>, Failure> {
    let providers = house.store.list_providers().await?;
    let name = |one: &Identity| {
        let provider = providers.iter().find(|provider| provider.id == one.provider);
        provider.map_or_else(|| one.provider.to_string(), |provider| provider.name.clone())
    };
    Ok(identities.iter().map(name).collect())
}

fn way(identity: &Identity, name: &str) -> String {
    format!(
        "{name}, as {} ({})",
        identity.subject,
        identity.email.as_deref().unwrap_or("no address")
    )
}

fn identity_json(identity: &Identity, name: &str) -> Value {
    json!({
        "id": identity.id.as_str(),
        "provider": identity.provider.as_str(),
        "provider_name": name,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "email": identity.email,
        "created_at": identity.created_at.to_rfc3339(),
    })
}

fn lines(user: &User, groups: &[String], ways: &[String], sessions: usize) -> String {
    let or_none = |list: &[String]| {
        if list.is_empty() { "none".to_owned() } else { list.join("; ") }
    };
    let address = format!("{} ({})", user.email, user.email_standing.as_str().replace('_', " "));
    [
        ("Address", address),
        ("Name", user.name.full()),
        ("Type", format!("{}, population {}", user.user_type, user.population.as_str())),
        ("Status", user.status.to_string()),
        ("Language", user.locale.clone().unwrap_or_else(|| "not known".to_owned())),
        ("Groups", or_none(groups)),
        ("Ways in", or_none(ways)),
        ("Sessions", sessions.to_string()),
        ("Since", user.created_at.to_rfc3339()),
        ("Id", user.id.to_string()),
        ("Public id", user.public_id.as_str().to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| format!("{name:<10}  {value}\n"))
    .collect()
}
