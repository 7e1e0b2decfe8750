//! A provider as it was described, checked and put into the form in which it is compared.

use identity::applications::{ApplicationKey, ApplicationKeyError};
use identity::email::Email;
use identity::federation::metadata::Metadata;
use identity::federation::provider::{ClientAuthentication, Provider, ProviderState};
use identity::ids::ProviderId;
use identity::secret::Secret;

use super::{MAX_NAME, NewProvider, SaveError, Tools};

/// What is asked for unless the operator says otherwise.
const SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// What can be said without asking the provider.
pub(super) struct Draft {
    pub(super) key: String,
    name: String,
    client_id: String,
    scopes: Vec<String>,
    trusted_domains: Vec<String>,
    pub(super) allow_private: Vec<String>,
}

impl Draft {
    /// Everything about a provider that needs neither database nor network.
    pub(super) fn check(new: &NewProvider) -> Result<Self, SaveError> {
        let name = name(&new.name)?;
        let client_id = client_id(&new.client_id)?;
        secret(&new.client_secret)?;
        let key = new.key.clone().unwrap_or_else(|| slug(&name));
        // A provider's key looks like an application's, but stands where nothing is reserved.
        if matches!(ApplicationKey::parse(&key), Err(ApplicationKeyError::Shape)) {
            return Err(SaveError::Key(key));
        }
        Ok(Self {
            key,
            name,
            client_id,
            scopes: scopes(&new.scopes)?,
            trusted_domains: domains(&new.trusted_domains)?,
            allow_private: hosts(&new.allow_private)?,
        })
    }

    /// The provider, with what its discovery document says.
    pub(super) fn with(self, new: &NewProvider, read: Metadata, tools: &Tools<'_>) -> Provider {
        let now = tools.clock.now();
        Provider {
            id: ProviderId::new(now, tools.entropy.as_ref()),
            key: self.key,
            name: self.name,
            organisation: None,
            authority: new.authority,
            state: ProviderState::Enabled,
            issuer: read.issuer,
            client_id: self.client_id,
            client_authentication: read
                .client_authentication
                .first()
                .copied()
                .unwrap_or(ClientAuthentication::ClientSecretBasic),
            scopes: self.scopes,
            trusted_domains: self.trusted_domains,
            allow_private: self.allow_private,
            endpoints: read.endpoints,
            algorithms: read.algorithms,
            promises_iss: read.promises_iss,
            pkce: read.pkce,
            created_at: now,
        }
    }
}

/// What a button can show.
pub(super) fn name(text: &str) -> Result<String, SaveError> {
    let name = text.trim();
    let length = name.chars().count();
    if !(1..=MAX_NAME).contains(&length) || name.chars().any(char::is_control) {
        return Err(SaveError::Name);
    }
    Ok(name.to_owned())
}

/// Anything but nothing.
pub(super) fn client_id(text: &str) -> Result<String, SaveError> {
    let id = text.trim();
    if id.is_empty() { Err(SaveError::ClientId) } else { Ok(id.to_owned()) }
}

/// Anything but nothing.
pub(super) fn secret(secret: &Secret) -> Result<(), SaveError> {
    if secret.expose().trim().is_empty() { Err(SaveError::EmptySecret) } else { Ok(()) }
}

/// As the domains of e-mail addresses are compared.
pub(super) fn domains(texts: &[String]) -> Result<Vec<String>, SaveError> {
    each(texts, domain)
}

/// Hosts that may be private addresses.
pub(super) fn hosts(texts: &[String]) -> Result<Vec<String>, SaveError> {
    each(texts, host)
}

fn each(
    texts: &[String],
    check: impl Fn(&str) -> Result<String, SaveError>,
) -> Result<Vec<String>, SaveError> {
    let mut all: Vec<String> =
        texts.iter().map(|text| check(text.trim())).collect::<Result<_, _>>()?;
    all.sort();
    all.dedup();
    Ok(all)
}

/// RFC 6749 section 3.3; `openid` first, whether it was named or not.
pub(super) fn scopes(asked: &[String]) -> Result<Vec<String>, SaveError> {
    let mut scopes = vec![SCOPES[0].to_owned()];
    let usual = SCOPES.map(str::to_owned);
    for scope in if asked.is_empty() { &usual } else { asked } {
        let allowed = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        if scope.is_empty() || !scope.bytes().all(allowed) {
            return Err(SaveError::Scope(scope.clone()));
        }
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    Ok(scopes)
}

/// As the domain of an e-mail address is compared.
fn domain(text: &str) -> Result<String, SaveError> {
    Email::parse(&format!("x@{text}"))
        .map(|address| address.domain().to_owned())
        .map_err(|_| SaveError::Domain(text.to_owned()))
}

/// `host` or `host:port`; an IPv6 address stands in brackets.
fn host(text: &str) -> Result<String, SaveError> {
    let refused = || SaveError::AllowPrivate(text.to_owned());
    if text.contains(['/', '@', '?', '#', '\\']) || text.ends_with(':') {
        return Err(refused());
    }
    let url = url::Url::parse(&format!("https://{text}/")).map_err(|_| refused())?;
    url.host().map(|_| text.to_ascii_lowercase()).ok_or_else(refused)
}

/// `Corp & Partners` becomes `corp-partners`.
fn slug(name: &str) -> String {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-")
}
