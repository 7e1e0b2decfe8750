//! The guarded client: how bytes come from a provider, and what is never connected to.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use identity::federation::reach::{AddressFault, Reach};
use identity::time::Moment;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION};
use reqwest::{Certificate, Client, RequestBuilder, Response, StatusCode};
use url::Url;

use crate::config::OutboundConfig;
use crate::traces::Errand;

/// A larger answer is not read to its end, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// A connection that is not there after this long will not come; the rest is for the answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Why nobody can be asked anything.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A configured file cannot be read.
    #[error("cannot read {path} (outbound.extra_ca_files): {cause}", path = .0.display(), cause = .1)]
    Unreadable(PathBuf, io::Error),
    /// A configured file holds something else.
    #[error(
        "{path} (outbound.extra_ca_files) holds no certificate in PEM form: give the file that \
         begins with -----BEGIN CERTIFICATE-----",
        path = .0.display()
    )]
    NoCertificate(PathBuf),
    /// The machine's certificate authorities cannot be loaded.
    #[error(
        "cannot set up TLS for calls to identity providers: {0}; install the certificate \
         authorities of your system (Debian: ca-certificates)"
    )]
    Tls(String),
}

/// What went wrong on the way to a provider and back. Nothing in it was secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// We do not go there.
    #[error("{0}")]
    Address(AddressFault),
    /// Stored or discovered as an endpoint, and no address.
    #[error("\"{0}\" is not an address")]
    NotAnAddress(String),
    /// No connection, or it broke.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// Too slow.
    #[error("no answer in time")]
    TimedOut,
    /// More than anybody needs.
    #[error("the answer is larger than {MAX_BODY} bytes")]
    TooLarge,
    /// Not 200; redirects are not followed.
    #[error("answered with HTTP status {0}")]
    Status(u16),
    /// Something else than JSON.
    #[error("answered with {0} instead of JSON")]
    NotJson(String),
}

impl WireFault {
    /// What it is, in one word that says nothing of the answer.
    fn word(&self) -> &'static str {
        match self {
            Self::Address(_) | Self::NotAnAddress(_) => "address",
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut => "timed_out",
            Self::TooLarge => "too_large",
            Self::Status(_) => "status",
            Self::NotJson(_) => "not_json",
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    /// The body of an answer that is JSON, whatever its status.
    pub(crate) fn json(&self) -> Result<&[u8], WireFault> {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = kind.unwrap_or_default().split(';').next().unwrap_or_default();
        let essence = essence.trim().to_ascii_lowercase();
        let is_json = essence == "application/json"
            || (essence.starts_with("application/") && essence.ends_with("+json"));
        if is_json {
            return Ok(&self.body);
        }
        let named = essence.bytes().all(|byte| byte.is_ascii_graphic()) && essence.len() <= 100;
        Err(WireFault::NotJson(if named && !essence.is_empty() {
            essence
        } else {
            "no content type".to_owned()
        }))
    }

    /// The body of a good answer.
    pub(crate) fn good_json(&self) -> Result<&[u8], WireFault> {
        if self.status == StatusCode::OK {
            self.json()
        } else {
            Err(WireFault::Status(self.status.as_u16()))
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Whether it is 200.
    pub(crate) fn is_good(&self) -> bool {
        self.status == StatusCode::OK
    }

    /// How long it may be kept, in the provider's words.
    pub(crate) fn cache_control(&self) -> Option<&str> {
        self.header(&CACHE_CONTROL)
    }

    /// Where it would have us go; we do not.
    pub(crate) fn location(&self) -> Option<&str> {
        self.header(&LOCATION)
    }

    /// What time it is there (RFC 9110 section 6.6.1), in whole seconds.
    pub(crate) fn date(&self) -> Option<Moment> {
        let date = httpdate::parse_http_date(self.header(&DATE)?).ok()?;
        let since = date.duration_since(UNIX_EPOCH).ok()?;
        Some(Moment::from_seconds(i64::try_from(since.as_secs()).ok()?))
    }

    /// The status and the body, whatever they are.
    pub(crate) fn into_parts(self) -> (StatusCode, Vec<u8>) {
        (self.status, self.body)
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The only way to a provider: no redirects, no proxy from the environment, limits on time and
/// size, and no private address without the operator's word.
///
/// There are two clients because each keeps its connections for itself: one for addresses that
/// are anybody's, one for what an operator listed in `allow_private`. With one client, a
/// connection that was opened inside with one provider's leave would serve another provider that
/// names the same host and has no leave; no resolver is asked for an open connection.
pub(crate) struct Wire {
    public: Client,
    listed: Client,
    names: Arc<dyn Names>,
}

/// What is going to come of a name.
type Found<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// What a name leads to; tests hand in their own.
trait Names: Send + Sync {
    /// Every address that the name has now; the port is put to each.
    fn find<'a>(&'a self, name: &'a str, port: u16) -> Found<'a>;
}

/// The machine's own resolver.
struct System;

impl Names for System {
    fn find<'a>(&'a self, name: &'a str, port: u16) -> Found<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) })
    }
}

impl Wire {
    pub(crate) fn new(config: &OutboundConfig) -> Result<Self, SetupError> {
        Self::with_names(config, Arc::new(System))
    }

    /// As [`Self::new`], with another resolver.
    fn with_names(config: &OutboundConfig, names: Arc<dyn Names>) -> Result<Self, SetupError> {
        let mut authorities = Vec::new();
        for file in &config.extra_ca_files {
            let pem =
                std::fs::read(file).map_err(|error| SetupError::Unreadable(file.clone(), error))?;
            let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if found.is_empty() {
                return Err(SetupError::NoCertificate(file.clone()));
            }
            authorities.extend(found);
        }
        let limit = Duration::from_secs(config.timeout_seconds);
        let client = |listed| {
            let filter = Filter { listed, names: Arc::clone(&names) };
            client(filter, &authorities, limit)
        };
        Ok(Self { public: client(false)?, listed: client(true)?, names })
    }

    /// A GET of JSON, to be sent with [`Self::send`].
    pub(crate) fn get(&self, url: &str, reach: &Reach<'_>) -> Result<RequestBuilder, WireFault> {
        let url = checked(url, reach)?;
        Ok(self.client_for(&url, reach).get(url).header(ACCEPT, "application/json"))
    }

    /// A POST that asks for JSON, to be sent with [`Self::send`].
    pub(crate) fn post(&self, url: &str, reach: &Reach<'_>) -> Result<RequestBuilder, WireFault> {
        let url = checked(url, reach)?;
        Ok(self.client_for(&url, reach).post(url).header(ACCEPT, "application/json"))
    }

    /// A POST to an address that the operator's own configuration names, wherever that is; to be
    /// sent with [`Self::send`].
    pub(crate) fn post_anywhere(&self, url: &Url) -> RequestBuilder {
        self.listed.post(url.clone())
    }

    fn client_for(&self, url: &Url, reach: &Reach<'_>) -> &Client {
        // A listed host is one whose loopback address would pass; see `Reach::check_address`.
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let listed = match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) => reach.check_address(host, port, loopback).is_ok(),
            _ => false,
        };
        if listed { &self.listed } else { &self.public }
    }

    /// Sends, and reads the answer up to the limits.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Reply, WireFault> {
        let (client, request) = request.build_split();
        let request = request.map_err(fault)?;
        let errand = Errand::begin(request.method(), request.url());
        let came = receive(client.execute(request)).await;
        errand.end(came.as_ref().map(|reply| reply.status).map_err(WireFault::word));
        came
    }

    /// Whether `url` may be connected to, by what its name resolves to now; for the save of an
    /// endpoint that we shall only call later.
    pub(crate) async fn check(&self, url: &str, reach: &Reach<'_>) -> Result<(), WireFault> {
        let url = checked(url, reach)?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(WireFault::NotAnAddress(url.scheme().to_owned()));
        };
        // Brackets belong to the address, not to the name.
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let found = self.names.find(name, port).await;
        let found =
            found.map_err(|error| WireFault::Unreachable(format!("\"{host}\": {error}")))?;
        for address in found {
            reach.check_address(host, port, address.ip()).map_err(WireFault::Address)?;
        }
        Ok(())
    }
}

async fn receive(
    answer: impl Future<Output = reqwest::Result<Response>>,
) -> Result<Reply, WireFault> {
    let mut response = answer.await.map_err(fault)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(fault)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(WireFault::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, headers, body })
}

/// The address, if we go there: the resolver is never asked about a literal IP address.
fn checked(url: &str, reach: &Reach<'_>) -> Result<Url, WireFault> {
    let url = Url::parse(url).map_err(|_| WireFault::NotAnAddress(url.to_owned()))?;
    reach.check_url(&url).map_err(WireFault::Address)?;
    Ok(url)
}

#[expect(clippy::disallowed_methods, reason = "this is the guarded client that others are not")]
fn client(
    filter: Filter,
    authorities: &[Certificate],
    limit: Duration,
) -> Result<Client, SetupError> {
    Client::builder()
        .user_agent(concat!("vestibule/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .timeout(limit)
        .connect_timeout(CONNECT_LIMIT.min(limit))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(4)
        .tls_certs_merge(authorities.iter().cloned())
        .dns_resolver(filter)
        .build()
        .map_err(|error| SetupError::Tls(causes(&error)))
}

/// Resolves names, and leaves out every address that must not be connected to: what was public
/// when the provider was saved may be private now (DNS rebinding).
struct Filter {
    listed: bool,
    names: Arc<dyn Names>,
}

impl Resolve for Filter {
    fn resolve(&self, name: Name) -> Resolving {
        let (listed, names) = (self.listed, Arc::clone(&self.names));
        Box::pin(async move {
            let host = name.as_str().to_owned();
            // Which client asks says whether the host is listed; the port is not known here.
            let allow_private = if listed { vec![host.clone()] } else { Vec::new() };
            let reach = Reach { allow_private: &allow_private };
            let mut good = Vec::new();
            let mut refused = None;
            for address in names.find(&host, 0).await? {
                match reach.check_address(&host, 0, address.ip()) {
                    Ok(()) => good.push(address),
                    Err(fault) => refused = Some(fault),
                }
            }
            match refused {
                Some(fault) if good.is_empty() => Err(fault.into()),
                _ => Ok(Box::new(good.into_iter()) as Addrs),
            }
        })
    }
}

fn fault(error: reqwest::Error) -> WireFault {
    // Addresses may hold what nobody should read in a log.
    let error = error.without_url();
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(one) = cause {
        if let Some(address) = one.downcast_ref::<AddressFault>() {
            return WireFault::Address(address.clone());
        }
        cause = one.source();
    }
    if error.is_timeout() { WireFault::TimedOut } else { WireFault::Unreachable(causes(&error)) }
}

/// The last cause says most: "Connection refused", "invalid peer certificate".
fn causes(error: &dyn Error) -> String {
    let mut last: &dyn Error = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

#[cfg(test)]
mod tests;
