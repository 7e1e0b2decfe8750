//! A provider's discovery document: read, checked, and reduced to what we keep.

use serde_json::{Map, Value};
use url::Url;

use crate::federation::jwks::ALGORITHMS;
use crate::federation::provider::{ClientAuthentication, Endpoints, Provider};
use crate::federation::reach::{AddressFault, Reach};

#[cfg(test)]
mod tests;

/// A discovery document larger than this is not read, in bytes.
pub const MAX_DOCUMENT: usize = 1024 * 1024;

const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// What a discovery document says, as far as we use it (OpenID Connect Discovery 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Exactly the configured issuer.
    pub issuer: String,
    /// Where the provider answers.
    pub endpoints: Endpoints,
    /// How we can show the token endpoint who we are, never empty: the first is ours to choose.
    /// Basic where the provider says nothing (its default by Discovery 3).
    pub client_authentication: Vec<ClientAuthentication>,
    /// Signature algorithms that both of us know, ours first in our order.
    pub algorithms: Vec<String>,
    /// Whether authorization responses carry `iss` (RFC 9207 section 3).
    pub promises_iss: bool,
    /// Whether PKCE S256 is sent: always, unless the provider lists its methods and S256 is not
    /// among them. Several providers know it without saying so, and the others must ignore a
    /// parameter that they do not know (RFC 6749 section 3.1).
    pub pkce: bool,
}

/// Why a discovery document is not accepted; each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The issuer itself cannot be one.
    #[error(
        "\"{0}\" cannot be an issuer: give the provider's https address without query and \
         fragment, for example https://id.example.com"
    )]
    IssuerAddress(String),
    /// The issuer lies where we do not go.
    #[error("the issuer cannot be used: {0}")]
    IssuerRefused(AddressFault),
    /// The whole document's address was given.
    #[error("give the issuer alone, without /.well-known/openid-configuration: --issuer {0}")]
    IssuerIsDocument(String),
    /// It would fill our memory.
    #[error(
        "the discovery document is larger than {MAX_DOCUMENT} bytes; check that the issuer is the \
         provider's"
    )]
    TooLarge,
    /// A page, most likely.
    #[error(
        "what the issuer serves at /.well-known/openid-configuration is no JSON object; check the \
         issuer in the provider's settings"
    )]
    NotJson,
    /// Discovery 4.3: they must be equal to the letter.
    #[error(
        "the discovery document says that its issuer is \"{found}\", not \"{configured}\"; they \
         must be equal to the letter, so if \"{found}\" is the provider that you mean, give it as \
         --issuer"
    )]
    IssuerDiffers {
        /// What the operator gave.
        configured: String,
        /// What the document says.
        found: String,
    },
    /// One document for every tenant.
    #[error(
        "\"{configured}\" serves every tenant (its issuer is \"{found}\"), so anybody could sign \
         in; give the issuer of your own tenant"
    )]
    IssuerTemplate {
        /// What the operator gave.
        configured: String,
        /// What the document says.
        found: String,
    },
    /// A member that we need is not there.
    #[error("the discovery document has no \"{0}\"; the provider must publish it")]
    Missing(&'static str),
    /// A member is there and is not what it should be.
    #[error("\"{0}\" in the discovery document is not {1}; the provider must correct it")]
    Malformed(&'static str, &'static str),
    /// An endpoint lies where we do not go.
    #[error("\"{name}\" in the discovery document cannot be used: {fault}")]
    EndpointRefused {
        /// Which member.
        name: &'static str,
        /// Why.
        fault: AddressFault,
    },
    /// Only flows that we do not speak.
    #[error(
        "the provider does not offer the authorization code flow (\"code\" is not in \
         response_types_supported); switch it on for this client at the provider"
    )]
    NoCodeFlow,
    /// Nothing to check its tokens with.
    #[error(
        "the provider signs ID tokens with {found} only; set it to one of {}",
        ALGORITHMS.join(", ")
    )]
    NoAlgorithm {
        /// What it offers, comma separated.
        found: String,
    },
    /// No way to show who we are.
    #[error(
        "the provider's token endpoint takes {found} only; allow client_secret_basic or \
         client_secret_post for this client at the provider"
    )]
    NoClientAuthentication {
        /// What it offers, comma separated.
        found: String,
    },
}

impl MetadataError {
    /// Stable name for JSON and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::IssuerAddress(_) => "issuer_address",
            Self::IssuerRefused(_) => "issuer_refused",
            Self::IssuerIsDocument(_) => "issuer_is_document",
            Self::TooLarge => "too_large",
            Self::NotJson => "not_json",
            Self::IssuerDiffers { .. } => "issuer_differs",
            Self::IssuerTemplate { .. } => "issuer_template",
            Self::Missing(_) => "missing",
            Self::Malformed(..) => "malformed",
            Self::EndpointRefused { .. } => "endpoint_refused",
            Self::NoCodeFlow => "no_code_flow",
            Self::NoAlgorithm { .. } => "no_algorithm",
            Self::NoClientAuthentication { .. } => "no_client_authentication",
        }
    }
}

/// Where the discovery document of an issuer is (Discovery 4.1). The issuer is an https address
/// without query and fragment; one slash at its end is left out here, and here only: as a name it
/// is compared with the slash.
pub fn discovery_url(issuer: &str, reach: &Reach<'_>) -> Result<Url, MetadataError> {
    let refused = || MetadataError::IssuerAddress(issuer.to_owned());
    if let Some(base) = issuer.strip_suffix(WELL_KNOWN) {
        return Err(MetadataError::IssuerIsDocument(base.to_owned()));
    }
    let parsed = Url::parse(issuer).map_err(|_| refused())?;
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(refused());
    }
    reach.check_url(&parsed).map_err(MetadataError::IssuerRefused)?;
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    Url::parse(&format!("{base}{WELL_KNOWN}")).map_err(|_| refused())
}

impl Metadata {
    /// Reads the document that the issuer served, and checks every endpoint in it against
    /// `reach`. That happens when a provider is saved and when the operator has its document read
    /// again, never at a sign-in.
    pub fn parse(body: &[u8], issuer: &str, reach: &Reach<'_>) -> Result<Self, MetadataError> {
        if body.len() > MAX_DOCUMENT {
            return Err(MetadataError::TooLarge);
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
            return Err(MetadataError::NotJson);
        };
        let document = Document { members, reach };
        document.check_issuer(issuer)?;
        document.check_code_flow()?;
        Ok(Self {
            issuer: issuer.to_owned(),
            endpoints: document.endpoints()?,
            client_authentication: document.client_authentication()?,
            algorithms: document.algorithms()?,
            promises_iss: document.flag("authorization_response_iss_parameter_supported")?,
            pkce: document.pkce()?,
        })
    }
}

struct Document<'a> {
    members: Map<String, Value>,
    reach: &'a Reach<'a>,
}

impl Document<'_> {
    /// Discovery 4.3: "MUST be identical". A template is told apart, because the remedy is another.
    fn check_issuer(&self, configured: &str) -> Result<(), MetadataError> {
        let found = self.text("issuer")?.ok_or(MetadataError::Missing("issuer"))?;
        if found == configured {
            return Ok(());
        }
        let (configured, found) = (configured.to_owned(), found.to_owned());
        if found.contains('{') {
            return Err(MetadataError::IssuerTemplate { configured, found });
        }
        Err(MetadataError::IssuerDiffers { configured, found })
    }

    fn check_code_flow(&self) -> Result<(), MetadataError> {
        match self.list("response_types_supported")? {
            Some(types) if !types.contains(&"code") => Err(MetadataError::NoCodeFlow),
            _ => Ok(()),
        }
    }

    /// They may lie on other hosts than the issuer (Cognito, Entra ID), but never where `reach`
    /// ends.
    fn endpoints(&self) -> Result<Endpoints, MetadataError> {
        let needed = |name| self.endpoint(name)?.ok_or(MetadataError::Missing(name));
        Ok(Endpoints {
            authorization: needed("authorization_endpoint")?,
            token: needed("token_endpoint")?,
            userinfo: self.endpoint("userinfo_endpoint")?,
            jwks: needed("jwks_uri")?,
        })
    }

    fn endpoint(&self, name: &'static str) -> Result<Option<String>, MetadataError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let url = Url::parse(text).map_err(|_| MetadataError::Malformed(name, "an address"))?;
        self.reach
            .check_url(&url)
            .map_err(|fault| MetadataError::EndpointRefused { name, fault })?;
        Ok(Some(url.into()))
    }

    fn client_authentication(&self) -> Result<Vec<ClientAuthentication>, MetadataError> {
        let Some(offered) = self.list("token_endpoint_auth_methods_supported")? else {
            return Ok(vec![ClientAuthentication::ClientSecretBasic]);
        };
        let mut common = ClientAuthentication::ALL.to_vec();
        common.retain(|method| offered.contains(&method.as_str()));
        if common.is_empty() {
            return Err(MetadataError::NoClientAuthentication { found: offered.join(", ") });
        }
        Ok(common)
    }

    /// RS256 when nothing is said: every provider must know it (Discovery 3).
    fn algorithms(&self) -> Result<Vec<String>, MetadataError> {
        let offered = self.list("id_token_signing_alg_values_supported")?;
        let offered = offered.unwrap_or_else(|| vec!["RS256"]);
        let common: Vec<String> = ALGORITHMS
            .into_iter()
            .filter(|ours| offered.contains(ours))
            .map(str::to_owned)
            .collect();
        if common.is_empty() {
            return Err(MetadataError::NoAlgorithm { found: offered.join(", ") });
        }
        Ok(common)
    }

    fn pkce(&self) -> Result<bool, MetadataError> {
        let methods = self.list("code_challenge_methods_supported")?;
        Ok(methods.is_none_or(|methods| methods.contains(&"S256")))
    }

    fn text(&self, name: &'static str) -> Result<Option<&str>, MetadataError> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(MetadataError::Malformed(name, "a text")),
        }
    }

    fn flag(&self, name: &'static str) -> Result<bool, MetadataError> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(MetadataError::Malformed(name, "true or false")),
        }
    }

    fn list(&self, name: &'static str) -> Result<Option<Vec<&str>>, MetadataError> {
        let wrong = MetadataError::Malformed(name, "a list of texts");
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => {
                items.iter().map(Value::as_str).collect::<Option<_>>().map(Some).ok_or(wrong)
            }
            Some(_) => Err(wrong),
        }
    }
}

/// An endpoint that would now be elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedHost {
    /// Which endpoint, by its name in the discovery document.
    pub endpoint: &'static str,
    /// Scheme, host and port that were confirmed; none when there was no such endpoint.
    pub was: Option<String>,
    /// Scheme, host and port that the document says now.
    pub now: String,
}

/// Scheme, host and port of every endpoint: what an operator confirms by saving a provider.
fn pinned_hosts(endpoints: &Endpoints) -> Vec<(&'static str, String)> {
    let userinfo = endpoints.userinfo.as_ref().map(|url| ("userinfo_endpoint", url));
    [
        ("authorization_endpoint", &endpoints.authorization),
        ("token_endpoint", &endpoints.token),
        ("jwks_uri", &endpoints.jwks),
    ]
    .into_iter()
    .chain(userinfo)
    .map(|(name, url)| (name, origin(url)))
    .collect()
}

/// Endpoints that would move to another scheme, host or port, or appear. Our client secret, people
/// and their tokens go there, so the move is refused until an operator confirms it.
pub fn changed_hosts(old: &Endpoints, new: &Endpoints) -> Vec<ChangedHost> {
    let pinned = pinned_hosts(old);
    pinned_hosts(new)
        .into_iter()
        .map(|(endpoint, now)| {
            let was = pinned.iter().find(|(name, _)| *name == endpoint);
            ChangedHost { endpoint, was: was.map(|(_, origin)| origin.clone()), now }
        })
        .filter(|change| change.was.as_ref() != Some(&change.now))
        .collect()
}

/// Protections that the provider had when it was saved and that its document no longer offers, by
/// their names in the document. They are never dropped silently (RFC 9700 section 4.8): whoever
/// can change the document could otherwise switch them off.
pub fn lost_protections(saved: &Provider, read: &Metadata) -> Vec<&'static str> {
    [
        (saved.pkce && !read.pkce, "code_challenge_methods_supported"),
        (
            saved.promises_iss && !read.promises_iss,
            "authorization_response_iss_parameter_supported",
        ),
    ]
    .into_iter()
    .filter_map(|(lost, name)| lost.then_some(name))
    .collect()
}

fn origin(url: &str) -> String {
    // What cannot be read is its own origin, so that it never equals a good one.
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}
