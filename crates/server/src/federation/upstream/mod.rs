//! The only way out: to identity providers, whose codes are redeemed, tokens proved and documents
//! read, and to clients that are told of logouts.

mod keys;
mod proofs;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::federation::attempt::Attempt;
use identity::federation::claims;
use identity::federation::hook::DecisionHook;
use identity::federation::id_token::{IdClaims, TokenFault};
use identity::federation::metadata::{self, Metadata, MetadataError};
use identity::federation::provider::{ClientAuthentication, Endpoints, Provider};
use identity::federation::reach::Reach;
use identity::federation::refusal::Refusal;
use identity::secret::Secret;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;
use store::Store;
use url::form_urlencoded;

pub use keys::{Health, KeysFault};
pub use proofs::BroughtToken;
pub(crate) use wire::{Reply, Wire};
pub use wire::{SetupError, WireFault};

use crate::clock::Clock;
use crate::config::OutboundConfig;
use crate::federation::secrets::{SecretError, Secrets};
use crate::keys::Keyring;

/// The house's way out, with the providers' keys that it remembers.
pub struct Upstream {
    wire: wire::Wire,
    keys: keys::Keys,
    secrets: Secrets,
    leeway: Duration,
}

/// A code to be redeemed.
pub struct Exchange<'a> {
    /// Where.
    pub provider: &'a Provider,
    /// Which trip it ends.
    pub attempt: &'a Attempt,
    /// What came back.
    pub code: &'a Secret,
    /// What shows who we are.
    pub client_secret: &'a Secret,
}

/// What a provider proved about somebody. Its tokens are gone already.
#[derive(Debug)]
pub struct Proof {
    /// The claims of the ID token.
    pub id: IdClaims,
    /// What the UserInfo endpoint said, where it was asked. Its subject is not compared yet.
    pub userinfo: Option<Value>,
}

impl Proof {
    /// For the audit.
    pub fn redacted(&self) -> Value {
        let id = claims::redacted(&Value::Object(self.id.claims.clone()));
        match &self.userinfo {
            None => serde_json::json!({ "id_token": id }),
            Some(said) => {
                serde_json::json!({ "id_token": id, "userinfo": claims::redacted(said) })
            }
        }
    }
}

/// Why a trip ends at the provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What the person is told.
    pub refusal: Refusal,
    /// What the audit says besides; neither secret nor code nor token.
    pub detail: String,
    /// Claims that came along, redacted. They are not proved.
    pub claims: Option<Value>,
}

impl Failure {
    fn new(refusal: Refusal, detail: impl fmt::Display) -> Self {
        Self { refusal, detail: detail.to_string(), claims: None }
    }

    fn at(place: &str, fault: &WireFault) -> Self {
        let refusal = match fault {
            WireFault::Address(_)
            | WireFault::NotAnAddress(_)
            | WireFault::Unreachable(_)
            | WireFault::TimedOut => Refusal::ProviderUnreachable,
            WireFault::Status(_) => Refusal::ProviderError,
            WireFault::TooLarge | WireFault::NotJson(_) => Refusal::ProviderMalformed,
        };
        Self::new(refusal, format!("{place}: {fault}"))
    }

    fn of_keys(fault: &KeysFault) -> Self {
        match fault {
            KeysFault::Wire(fault) => Self::at("keys", fault),
            KeysFault::NotKeys(error) => {
                Self::new(Refusal::ProviderMalformed, format!("keys: {error}"))
            }
        }
    }

    fn of_token(fault: TokenFault, token: &Secret) -> Self {
        let refusal = match fault {
            TokenFault::AuthTime => Refusal::NotSignedInAnew,
            _ => Refusal::TokenInvalid,
        };
        Self {
            claims: unproved(token).map(|claims| serde_json::json!({ "unproved": claims })),
            ..Self::new(refusal, format!("{}: {fault}", fault.code()))
        }
    }
}

/// Why a provider cannot be saved.
#[derive(Debug, thiserror::Error)]
pub enum DiscoverError {
    /// What the document says is not accepted.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// Something did not answer as it must.
    #[error("{place} ({url}): {fault}; check the address, and that this machine can reach it")]
    Wire {
        /// What was asked.
        place: &'static str,
        /// Where.
        url: String,
        /// What happened.
        fault: WireFault,
    },
    /// The keys are no keys.
    #[error("{0}")]
    Keys(identity::federation::jwks::KeySetError),
}

impl DiscoverError {
    /// Stable name for JSON and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Metadata(error) => error.code(),
            Self::Wire { fault: WireFault::Address(fault), .. } => fault.code(),
            Self::Wire { fault: WireFault::Status(_), .. } => "provider_error",
            Self::Wire { fault: WireFault::TooLarge | WireFault::NotJson(_), .. } => {
                "provider_malformed"
            }
            Self::Wire { .. } => "provider_unreachable",
            Self::Keys(error) => error.code(),
        }
    }
}

/// What the token endpoint answers (OpenID Connect Core 3.1.3.3), as far as we use it.
#[derive(Deserialize)]
struct Tokens {
    id_token: Secret,
    access_token: Option<Secret>,
}

impl Upstream {
    /// Ready to ask; asks nobody yet.
    pub fn new(config: &OutboundConfig) -> Result<Self, SetupError> {
        Ok(Self {
            wire: wire::Wire::new(config)?,
            keys: keys::Keys::default(),
            secrets: Secrets::default(),
            leeway: Duration::from_secs(config.leeway_seconds),
        })
    }

    /// How the last fetch of keys went, for every provider that was asked for them.
    pub fn health(&self) -> Vec<Health> {
        self.keys.health()
    }

    /// What shows a provider who we are. `provider` is as the directory shows it.
    pub async fn client_secret(
        &self,
        store: &Store,
        keyring: &Keyring,
        provider: &Arc<Provider>,
    ) -> Result<Secret, SecretError> {
        self.secrets.get(store, keyring, provider).await
    }

    /// Redeems a code and proves what came for it. UserInfo is asked only where the ID token
    /// leaves something open. No database transaction may be open meanwhile.
    pub async fn exchange(
        &self,
        exchange: &Exchange<'_>,
        clock: &dyn Clock,
    ) -> Result<Proof, Failure> {
        let provider = exchange.provider;
        let tokens = self.redeem(exchange).await?;
        let id = self.prove_id(exchange, &tokens, clock).await?;
        let userinfo = match (&provider.endpoints.userinfo, &tokens.access_token) {
            (Some(endpoint), Some(token)) if claims::needs_userinfo(provider, &id) => {
                Some(self.userinfo(provider, endpoint, token).await?)
            }
            _ => None,
        };
        Ok(Proof { id, userinfo })
    }

    /// Sends a form to where a client listens, as guarded as everything that goes to a provider;
    /// the HTTP status of the answer is all that is kept of it.
    pub async fn tell(
        &self,
        url: &str,
        allow_private: &[String],
        form: &[(&str, &str)],
    ) -> Result<u16, WireFault> {
        let request = self.wire.post(url, &Reach { allow_private })?.form(form);
        Ok(self.wire.send(request).await?.status())
    }

    /// Tells a decision hook about somebody, as guarded as everything that goes to a provider, and
    /// brings the body of its answer if that is good JSON. All of it takes at most `limit`.
    pub async fn ask_hook(
        &self,
        hook: &DecisionHook,
        token: String,
        limit: Duration,
    ) -> Result<Vec<u8>, WireFault> {
        let request = self.wire.post(&hook.url, &hook.reach())?;
        let request = request.header(CONTENT_TYPE, "application/jwt").body(token).timeout(limit);
        let reply = self.wire.send(request).await?;
        reply.good_json().map(<[u8]>::to_vec)
    }

    /// What stands at an address, asked as guardedly as a provider is.
    pub(crate) async fn look(
        &self,
        url: &str,
        allow_private: &[String],
        headers: &[(&'static str, &str)],
    ) -> Result<Reply, WireFault> {
        let mut request = self.wire.get(url, &Reach { allow_private })?;
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.wire.send(request).await
    }

    async fn redeem(&self, exchange: &Exchange<'_>) -> Result<Tokens, Failure> {
        let Exchange { provider, attempt, code, client_secret } = *exchange;
        let reach = Reach { allow_private: &provider.allow_private };
        let failed = |fault: &WireFault| Failure::at("token endpoint", fault);
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &attempt.redirect_uri),
        ];
        form.extend(attempt.verifier.as_ref().map(|one| ("code_verifier", one.expose())));
        let mut request =
            self.wire.post(&provider.endpoints.token, &reach).map_err(|fault| failed(&fault))?;
        match provider.client_authentication {
            ClientAuthentication::ClientSecretBasic => {
                // RFC 6749 section 2.3.1: form-encoded first, so that a colon does no harm.
                let (id, secret) = (encoded(&provider.client_id), encoded(client_secret.expose()));
                request = request.basic_auth(id, Some(secret));
            }
            ClientAuthentication::ClientSecretPost => {
                form.push(("client_id", &provider.client_id));
                form.push(("client_secret", client_secret.expose()));
            }
        }
        let reply = self.wire.send(request.form(&form)).await.map_err(|fault| failed(&fault))?;
        if !reply.is_good() {
            let fault = reply.good_json().err();
            let said = reply.json().ok().and_then(error_code);
            let mut failure = fault
                .as_ref()
                .map_or_else(|| Failure::new(Refusal::ProviderError, "token endpoint"), failed);
            if let Some(said) = said {
                failure.detail = format!("{}, error {said}", failure.detail);
            }
            return Err(failure);
        }
        let body = reply.good_json().map_err(|fault| failed(&fault))?;
        serde_json::from_slice(body).map_err(|_| {
            // The parser's own words may quote a token.
            let detail = "token endpoint: the answer is no JSON object with a text \"id_token\"";
            Failure::new(Refusal::ProviderMalformed, detail)
        })
    }

    async fn userinfo(
        &self,
        provider: &Provider,
        endpoint: &str,
        token: &Secret,
    ) -> Result<Value, Failure> {
        let failed = |fault: WireFault| Failure::at("userinfo endpoint", &fault);
        let reach = Reach { allow_private: &provider.allow_private };
        let request = self.wire.get(endpoint, &reach).map_err(failed)?;
        let reply = self.wire.send(request.bearer_auth(token.expose())).await.map_err(failed)?;
        let body = reply.good_json().map_err(failed)?;
        serde_json::from_slice(body).map_err(|_| {
            Failure::new(Refusal::ProviderMalformed, "userinfo endpoint: the answer is no JSON")
        })
    }

    /// Reads the discovery document of an issuer and tries what it names: every endpoint's host
    /// must be where we go, and the keys must be there (OpenID Connect Discovery 4).
    pub async fn discover(
        &self,
        issuer: &str,
        allow_private: &[String],
    ) -> Result<Metadata, DiscoverError> {
        let reach = Reach { allow_private };
        let url = metadata::discovery_url(issuer, &reach)?;
        let place = "the discovery document";
        let fault = |fault| DiscoverError::Wire { place, url: url.to_string(), fault };
        let request = self.wire.get(url.as_str(), &reach).map_err(fault)?;
        let reply = self.wire.send(request).await.map_err(fault)?;
        let read = Metadata::parse(reply.good_json().map_err(fault)?, issuer, &reach)?;
        self.try_endpoints(&read.endpoints, &reach).await?;
        Ok(read)
    }

    /// Tries what is stored for a provider as a save would.
    pub async fn try_provider(&self, provider: &Provider) -> Result<(), DiscoverError> {
        let reach = Reach { allow_private: &provider.allow_private };
        self.try_endpoints(&provider.endpoints, &reach).await
    }

    async fn try_endpoints(
        &self,
        endpoints: &Endpoints,
        reach: &Reach<'_>,
    ) -> Result<(), DiscoverError> {
        let userinfo = endpoints.userinfo.as_ref().map(|url| ("userinfo_endpoint", url));
        let named = [
            ("authorization_endpoint", &endpoints.authorization),
            ("token_endpoint", &endpoints.token),
        ];
        for (place, url) in named.into_iter().chain(userinfo) {
            let fault = |fault| DiscoverError::Wire { place, url: url.clone(), fault };
            self.wire.check(url, reach).await.map_err(fault)?;
        }
        match keys::fetch(&self.wire, &endpoints.jwks, reach).await {
            Ok(_) => Ok(()),
            Err(KeysFault::NotKeys(error)) => Err(DiscoverError::Keys(error)),
            Err(KeysFault::Wire(fault)) => {
                Err(DiscoverError::Wire { place: "jwks_uri", url: endpoints.jwks.clone(), fault })
            }
        }
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The `error` of an answer (RFC 6749 section 5.2), if it looks like one: nothing else that the
/// provider says is kept, since it may repeat what we sent.
fn error_code(body: &[u8]) -> Option<String> {
    let said: Value = serde_json::from_slice(body).ok()?;
    let code = said.get("error")?.as_str()?;
    let plain = code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    plain.then(|| code.to_owned())
}

/// What a token that did not hold says, for whoever has to find out why.
fn unproved(token: &Secret) -> Option<Value> {
    let payload = token.expose().split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let said: Value = serde_json::from_slice(&payload).ok()?;
    Some(claims::redacted(&said))
}
