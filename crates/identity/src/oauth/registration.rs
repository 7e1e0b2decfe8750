//! Registering a client: what an operator describes, made safe or refused with what to do.

use serde_json::Value;

use crate::applications::ApplicationKey;
use crate::entropy::{Entropy, draw};
use crate::federation::jwks::{KeySet, PRIVATE_MEMBERS};
use crate::ids::{ClientId, hex};
use crate::oauth::clients::{Client, ClientAuthMethod, ClientKind, GrantType, SigningAlgorithm};
use crate::oauth::metadata::CLIENT_ALGORITHMS;
use crate::return_to::Origin;
use crate::time::Moment;

use addresses::check_addresses;

pub use fault::RegistrationFault;

mod addresses;
mod fault;
#[cfg(test)]
mod tests;

/// Longest name, in characters.
pub const MAX_NAME: usize = 60;

/// Most entries of each list.
pub const MAX_ENTRIES: usize = 100;

/// Longest scope and resource, in bytes.
const MAX_WORD: usize = 512;

/// Longest JWK Set as JSON, in bytes.
const MAX_KEYS: usize = 32 * 1024;

/// Longest client id that an operator may choose.
const MAX_ID: usize = 64;

/// Before the random digits of a client id of ours; no `sub` of a user has a hyphen.
const GENERATED: &str = "client-";

/// A client as somebody describes it; what is none or empty gets its default.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// `client_id`; a random one when there is none.
    pub id: Option<String>,
    /// Whose people it signs in.
    pub application: ApplicationKey,
    /// What people read.
    pub name: String,
    /// Whether it can keep a secret.
    pub kind: ClientKind,
    /// How it proves who it is; `client_secret_basic`, or `none` for public clients.
    pub authentication: Option<ClientAuthMethod>,
    /// Where codes may go.
    pub redirect_uris: Vec<String>,
    /// Where a browser may go after a logout.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where it wants to hear of logouts.
    pub backchannel_logout_uri: Option<String>,
    /// Whether logout tokens name the session.
    pub backchannel_logout_session_required: bool,
    /// Whether that may be at a private address.
    pub backchannel_logout_private: bool,
    /// Pages that may ask from a browser.
    pub cors_origins: Vec<Origin>,
    /// What it may bring to the token endpoint; codes, and refresh tokens, when empty.
    pub grant_types: Vec<GrantType>,
    /// What it may ask for; `openid profile email` when empty.
    pub scopes: Vec<String>,
    /// Resource servers that its tokens may be for.
    pub resources: Vec<String>,
    /// What its ID tokens are signed with.
    pub id_token_algorithm: SigningAlgorithm,
    /// Whether a code needs PKCE.
    pub require_pkce: bool,
    /// Whether a request needs a `nonce`.
    pub require_nonce: bool,
    /// Whether requests must be pushed.
    pub require_par: bool,
    /// Whether tokens must be bound to a key.
    pub require_dpop: bool,
    /// Its public keys.
    pub jwks: Option<Value>,
}

impl NewClient {
    /// A client of this name with every default: confidential, and both switches on.
    pub fn named(application: ApplicationKey, name: impl Into<String>) -> Self {
        Self {
            id: None,
            application,
            name: name.into(),
            kind: ClientKind::Confidential,
            authentication: None,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            backchannel_logout_session_required: true,
            backchannel_logout_private: false,
            cors_origins: Vec::new(),
            grant_types: Vec::new(),
            scopes: Vec::new(),
            resources: Vec::new(),
            id_token_algorithm: SigningAlgorithm::Rs256,
            require_pkce: true,
            require_nonce: true,
            require_par: false,
            require_dpop: false,
            jwks: None,
        }
    }

    /// The client, if everything about it fits together. Without an id it gets a random one.
    pub fn register(self, now: Moment, entropy: &dyn Entropy) -> Result<Client, RegistrationFault> {
        let id = match &self.id {
            Some(chosen) => chosen_id(chosen)?,
            None => random_id(entropy),
        };
        let usual = match self.kind {
            ClientKind::Confidential => ClientAuthMethod::ClientSecretBasic,
            ClientKind::Public => ClientAuthMethod::None,
        };
        let client = Client {
            id,
            application: self.application,
            name: self.name.trim().to_owned(),
            kind: self.kind,
            authentication: self.authentication.unwrap_or(usual),
            redirect_uris: once(self.redirect_uris),
            post_logout_redirect_uris: once(self.post_logout_redirect_uris),
            backchannel_logout_uri: self.backchannel_logout_uri,
            backchannel_logout_session_required: self.backchannel_logout_session_required,
            backchannel_logout_private: self.backchannel_logout_private,
            cors_origins: once(self.cors_origins),
            grant_types: or_usual(
                once(self.grant_types),
                [GrantType::AuthorizationCode, GrantType::RefreshToken],
            ),
            scopes: or_usual(once(self.scopes), ["openid", "profile", "email"].map(str::to_owned)),
            resources: once(self.resources),
            id_token_algorithm: self.id_token_algorithm,
            require_pkce: self.require_pkce,
            require_nonce: self.require_nonce,
            require_par: self.require_par,
            require_dpop: self.require_dpop,
            jwks: self.jwks,
            disabled: false,
            created_at: now,
        };
        check(client)
    }
}

/// What to change about a client; what is none stays. Its id, application and kind never change:
/// what it was given is bound to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientChange {
    /// What people read.
    pub name: Option<String>,
    /// How it proves who it is.
    pub authentication: Option<ClientAuthMethod>,
    /// Where codes may go.
    pub redirect_uris: Option<Vec<String>>,
    /// Where a browser may go after a logout.
    pub post_logout_redirect_uris: Option<Vec<String>>,
    /// Where it wants to hear of logouts; `Some(None)` means nowhere.
    pub backchannel_logout_uri: Option<Option<String>>,
    /// Whether logout tokens name the session.
    pub backchannel_logout_session_required: Option<bool>,
    /// Whether that may be at a private address.
    pub backchannel_logout_private: Option<bool>,
    /// Pages that may ask from a browser.
    pub cors_origins: Option<Vec<Origin>>,
    /// What it may bring to the token endpoint.
    pub grant_types: Option<Vec<GrantType>>,
    /// What it may ask for.
    pub scopes: Option<Vec<String>>,
    /// Resource servers that its tokens may be for.
    pub resources: Option<Vec<String>>,
    /// What its ID tokens are signed with.
    pub id_token_algorithm: Option<SigningAlgorithm>,
    /// Whether a code needs PKCE.
    pub require_pkce: Option<bool>,
    /// Whether a request needs a `nonce`.
    pub require_nonce: Option<bool>,
    /// Whether requests must be pushed.
    pub require_par: Option<bool>,
    /// Whether tokens must be bound to a key.
    pub require_dpop: Option<bool>,
    /// Its public keys.
    pub jwks: Option<Value>,
}

impl ClientChange {
    /// The client as it is afterwards, if everything still fits together.
    pub fn apply(&self, old: Client) -> Result<Client, RegistrationFault> {
        let list = |new: &Option<Vec<String>>, old| new.clone().map_or(old, once);
        let name = self.name.as_deref().unwrap_or(&old.name);
        check(Client {
            name: name.trim().to_owned(),
            authentication: self.authentication.unwrap_or(old.authentication),
            redirect_uris: list(&self.redirect_uris, old.redirect_uris),
            post_logout_redirect_uris: list(
                &self.post_logout_redirect_uris,
                old.post_logout_redirect_uris,
            ),
            backchannel_logout_uri: self
                .backchannel_logout_uri
                .clone()
                .unwrap_or(old.backchannel_logout_uri),
            backchannel_logout_session_required: self
                .backchannel_logout_session_required
                .unwrap_or(old.backchannel_logout_session_required),
            backchannel_logout_private: self
                .backchannel_logout_private
                .unwrap_or(old.backchannel_logout_private),
            cors_origins: self.cors_origins.clone().map_or(old.cors_origins, once),
            grant_types: self.grant_types.clone().map_or(old.grant_types, once),
            scopes: list(&self.scopes, old.scopes),
            resources: list(&self.resources, old.resources),
            id_token_algorithm: self.id_token_algorithm.unwrap_or(old.id_token_algorithm),
            require_pkce: self.require_pkce.unwrap_or(old.require_pkce),
            require_nonce: self.require_nonce.unwrap_or(old.require_nonce),
            require_par: self.require_par.unwrap_or(old.require_par),
            require_dpop: self.require_dpop.unwrap_or(old.require_dpop),
            jwks: self.jwks.clone().or(old.jwks),
            ..old
        })
    }
}

/// An id that an operator chose: what is easy to type, and never what could be a user's `sub`. A
/// client's own token says its id as `sub`, and a resource server must not take a client for a
/// person (RFC 9700 section 4.15).
pub fn chosen_id(text: &str) -> Result<ClientId, RegistrationFault> {
    let fits = (2..=MAX_ID).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.ends_with(|last: char| last != '-')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !fits {
        return Err(RegistrationFault::Id(text.to_owned()));
    }
    if could_be_a_sub(text) {
        return Err(RegistrationFault::IdLikeSubject(text.to_owned()));
    }
    Ok(ClientId::from_stored(text))
}

fn random_id(entropy: &dyn Entropy) -> ClientId {
    ClientId::from_stored(format!("{GENERATED}{}", hex(&draw::<12>(entropy))))
}

/// Whether [`crate::ids::PublicId::new`] could give this text to a user.
fn could_be_a_sub(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Everything that must fit together about a client, new or changed.
fn check(client: Client) -> Result<Client, RegistrationFault> {
    let name = &client.name;
    let readable = !name.is_empty() && !name.chars().any(char::is_control);
    if !readable || name.chars().count() > MAX_NAME {
        return Err(RegistrationFault::Name);
    }
    check_sizes(&client)?;
    check_proof(&client)?;
    check_grants(&client)?;
    check_addresses(&client)?;
    client.scopes.iter().try_for_each(|scope| check_scope(scope))?;
    client.resources.iter().try_for_each(|resource| check_resource(resource))?;
    Ok(client)
}

fn check_sizes(client: &Client) -> Result<(), RegistrationFault> {
    let longest = [
        client.redirect_uris.len(),
        client.post_logout_redirect_uris.len(),
        client.cors_origins.len(),
        client.scopes.len(),
        client.resources.len(),
    ];
    if longest.into_iter().any(|entries| entries > MAX_ENTRIES) {
        return Err(RegistrationFault::TooMany);
    }
    Ok(())
}

/// How it proves who it is, and what a client without proof may never do without.
fn check_proof(client: &Client) -> Result<(), RegistrationFault> {
    match (client.kind, client.authentication) {
        (ClientKind::Public, ClientAuthMethod::None) => {}
        (ClientKind::Public, _) => return Err(RegistrationFault::PublicWithProof),
        (ClientKind::Confidential, ClientAuthMethod::None) => {
            return Err(RegistrationFault::ConfidentialWithoutProof);
        }
        (ClientKind::Confidential, ClientAuthMethod::PrivateKeyJwt) if client.jwks.is_none() => {
            return Err(RegistrationFault::KeysMissing);
        }
        (ClientKind::Confidential, _) => {}
    }
    // RFC 9700 section 2.1.1: without a secret, PKCE is all that ties a code to its client.
    if client.kind == ClientKind::Public && !client.require_pkce {
        return Err(RegistrationFault::PublicWithoutPkce);
    }
    if client.kind == ClientKind::Public && !client.require_nonce {
        return Err(RegistrationFault::PublicWithoutNonce);
    }
    client.jwks.as_ref().map_or(Ok(()), check_keys)
}

fn check_keys(jwks: &Value) -> Result<(), RegistrationFault> {
    let text = jwks.to_string();
    if text.len() > MAX_KEYS {
        return Err(RegistrationFault::KeysTooLong);
    }
    let set = KeySet::parse(text.as_bytes()).map_err(|_| RegistrationFault::KeysShape)?;
    let entries = jwks.get("keys").and_then(Value::as_array).into_iter().flatten();
    for entry in entries {
        // A secret that was handed out once is no secret; it must not end up in our backups too.
        if let Some(member) = PRIVATE_MEMBERS.into_iter().find(|member| entry.get(member).is_some())
        {
            return Err(RegistrationFault::PrivateKey(member));
        }
    }
    let usable = |algorithm: &&str| -> bool { set.candidates(None, algorithm).next().is_some() };
    if CLIENT_ALGORITHMS.iter().any(usable) { Ok(()) } else { Err(RegistrationFault::KeysUseless) }
}

fn check_grants(client: &Client) -> Result<(), RegistrationFault> {
    let may = |grant| client.grant_types.contains(&grant);
    if client.grant_types.is_empty() {
        return Err(RegistrationFault::NoGrant);
    }
    if may(GrantType::RefreshToken) && !may(GrantType::AuthorizationCode) {
        return Err(RegistrationFault::RefreshWithoutCode);
    }
    if may(GrantType::AuthorizationCode) && client.redirect_uris.is_empty() {
        return Err(RegistrationFault::NoRedirectUri);
    }
    for grant in [GrantType::ClientCredentials, GrantType::TokenExchange] {
        if may(grant) && client.kind == ClientKind::Public {
            return Err(RegistrationFault::PublicGrant(grant));
        }
    }
    Ok(())
}

/// A scope of ours, or one that a resource server understands.
fn check_scope(scope: &str) -> Result<(), RegistrationFault> {
    let allowed =
        |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b':' | b'.' | b'_' | b'/' | b'-');
    if !scope.is_empty() && scope.len() <= MAX_WORD && scope.bytes().all(allowed) {
        Ok(())
    } else {
        Err(RegistrationFault::Scope(scope.to_owned()))
    }
}

/// RFC 8707 section 2: an absolute URI without a fragment.
fn check_resource(resource: &str) -> Result<(), RegistrationFault> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'\\' | b'*');
    let absolute = url::Url::parse(resource).is_ok();
    if absolute && resource.len() <= MAX_WORD && resource.bytes().all(plain) {
        Ok(())
    } else {
        Err(RegistrationFault::Resource(resource.to_owned()))
    }
}

/// Without repetitions, in the order given.
fn once<T: PartialEq>(entries: Vec<T>) -> Vec<T> {
    let mut kept = Vec::with_capacity(entries.len());
    for entry in entries {
        if !kept.contains(&entry) {
            kept.push(entry);
        }
    }
    kept
}

fn or_usual<T, const N: usize>(given: Vec<T>, usual: [T; N]) -> Vec<T> {
    if given.is_empty() { usual.into() } else { given }
}
