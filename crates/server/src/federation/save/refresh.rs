//! Reading a provider's discovery document again, when the operator says so: what it may change by
//! itself, and what somebody has to confirm.

use identity::federation::metadata::{ChangedHost, Metadata, changed_hosts, lost_protections};
use identity::federation::provider::Provider;
use store::{By, ProviderChange};

use super::{SaveError, Tools, find_provider};

/// One thing that is now otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// By its name in the discovery document.
    pub what: &'static str,
    /// What was saved.
    pub was: String,
    /// What the document says.
    pub now: String,
}

/// A provider, and what its document has changed about it.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// As it is saved now.
    pub provider: Provider,
    /// What changed; nothing was written when this is empty.
    pub changed: Vec<Difference>,
}

/// Reads the discovery document again, with every check of the save, and takes over what it says.
/// An endpoint at another host and a protection that is no longer offered are refused until
/// somebody has confirmed them: whoever can change the document could otherwise have our client
/// secret sent elsewhere, or PKCE switched off.
pub async fn refresh(
    tools: &Tools<'_>,
    key: &str,
    confirmed: bool,
    by: &By,
) -> Result<Refreshed, SaveError> {
    let provider = find_provider(tools.store, key).await?;
    let read = tools.upstream.discover(&provider.issuer, &provider.allow_private).await?;
    let to_confirm = to_confirm(&provider, &read);
    if !to_confirm.is_empty() && !confirmed {
        return Err(SaveError::NotConfirmed { key: provider.key, what: to_confirm.join("; ") });
    }
    let change = taken_over(&provider, read);
    let changed = differences(&provider, &change.apply(provider.clone()));
    if changed.is_empty() {
        return Ok(Refreshed { provider, changed });
    }
    let provider =
        tools.store.change_provider(&provider.id, &change, by, tools.clock.now()).await?;
    Ok(Refreshed { provider, changed })
}

/// What somebody has to confirm before it is taken over, each in words.
pub(crate) fn to_confirm(provider: &Provider, read: &Metadata) -> Vec<String> {
    let moved = changed_hosts(&provider.endpoints, &read.endpoints).into_iter().map(|change| {
        let ChangedHost { endpoint, was, now } = change;
        match was {
            Some(was) => format!("{endpoint} has moved from {was} to {now}"),
            None => format!("{endpoint} is new, at {now}"),
        }
    });
    let lost = lost_protections(provider, read).into_iter();
    moved.chain(lost.map(|name| format!("{name} no longer offers what it did"))).collect()
}

fn taken_over(provider: &Provider, read: Metadata) -> ProviderChange {
    let ours = provider.client_authentication;
    // What the operator chose stays for as long as the provider takes it.
    let stays = read.client_authentication.contains(&ours);
    ProviderChange {
        client_authentication: if stays {
            None
        } else {
            read.client_authentication.first().copied()
        },
        endpoints: Some(read.endpoints),
        algorithms: Some(read.algorithms),
        promises_iss: Some(read.promises_iss),
        pkce: Some(read.pkce),
        ..ProviderChange::default()
    }
}

fn differences(before: &Provider, after: &Provider) -> Vec<Difference> {
    let (old, new) = (&before.endpoints, &after.endpoints);
    let text = |one: &Option<String>| one.clone().unwrap_or_else(|| "none".to_owned());
    let pkce = |provider: &Provider| if provider.pkce { "S256" } else { "none" }.to_owned();
    [
        ("authorization_endpoint", old.authorization.clone(), new.authorization.clone()),
        ("token_endpoint", old.token.clone(), new.token.clone()),
        ("userinfo_endpoint", text(&old.userinfo), text(&new.userinfo)),
        ("jwks_uri", old.jwks.clone(), new.jwks.clone()),
        (
            "id_token_signing_alg_values_supported",
            before.algorithms.join(" "),
            after.algorithms.join(" "),
        ),
        ("code_challenge_methods_supported", pkce(before), pkce(after)),
        (
            "authorization_response_iss_parameter_supported",
            before.promises_iss.to_string(),
            after.promises_iss.to_string(),
        ),
        (
            "token_endpoint_auth_methods_supported",
            before.client_authentication.to_string(),
            after.client_authentication.to_string(),
        ),
    ]
    .into_iter()
    .filter(|(_, was, now)| was != now)
    .map(|(what, was, now)| Difference { what, was, now })
    .collect()
}
