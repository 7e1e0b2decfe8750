//! The guarded client: how bytes come from a provider, and what is never connected to.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use identity::federation::reach::{AddressFault, Reach};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use reqwest::{Certificate, Client, RequestBuilder, StatusCode};
use url::Url;

use crate::config::OutboundConfig;

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

    /// Whether it is 200.
    pub(crate) fn is_good(&self) -> bool {
        self.status == StatusCode::OK
    }

    /// How long it may be kept, in the provider's words.
    pub(crate) fn cache_control(&self) -> Option<&str> {
        self.headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok())
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
}

impl Wire {
    pub(crate) fn new(config: &OutboundConfig) -> Result<Self, SetupError> {
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
        let client = |listed| client(listed, &authorities, limit);
        Ok(Self { public: client(false)?, listed: client(true)? })
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
        let mut response = request.send().await.map_err(fault)?;
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

    /// Whether `url` may be connected to, by what its name resolves to now; for the save of an
    /// endpoint that we shall only call later.
    pub(crate) async fn check(&self, url: &str, reach: &Reach<'_>) -> Result<(), WireFault> {
        let url = checked(url, reach)?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(WireFault::NotAnAddress(url.scheme().to_owned()));
        };
        // Brackets belong to the address, not to the name.
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::net::lookup_host((name, port))
            .await
            .map_err(|error| WireFault::Unreachable(format!("\"{host}\": {error}")))?;
        for address in found {
            reach.check_address(host, port, address.ip()).map_err(WireFault::Address)?;
        }
        Ok(())
    }
}

/// The address, if we go there: the resolver is never asked about a literal IP address.
fn checked(url: &str, reach: &Reach<'_>) -> Result<Url, WireFault> {
    let url = Url::parse(url).map_err(|_| WireFault::NotAnAddress(url.to_owned()))?;
    reach.check_url(&url).map_err(WireFault::Address)?;
    Ok(url)
}

#[expect(clippy::disallowed_methods, reason = "this is the guarded client that others are not")]
fn client(
    listed: bool,
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
        .dns_resolver(Filter { listed })
        .build()
        .map_err(|error| SetupError::Tls(causes(&error)))
}

/// Resolves names, and leaves out every address that must not be connected to: what was public
/// when the provider was saved may be private now (DNS rebinding).
struct Filter {
    listed: bool,
}

impl Resolve for Filter {
    fn resolve(&self, name: Name) -> Resolving {
        let listed = self.listed;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            // Which client asks says whether the host is listed; the port is not known here.
            let allow_private = if listed { vec![host.clone()] } else { Vec::new() };
            let reach = Reach { allow_private: &allow_private };
            let mut good = Vec::new();
            let mut refused = None;
            for address in tokio::net::lookup_host((host.as_str(), 0)).await? {
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
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpListener;

    use super::*;

    /// Somebody on loopback who must not be called.
    fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        (listener, port)
    }

    #[tokio::test]
    async fn s031_an_address_is_checked_again_when_its_name_is_resolved() {
        let wire = Wire::new(&OutboundConfig::default()).expect("a client");
        let (listener, port) = listener();
        // As after DNS rebinding: the name passed every check before, and leads inside now.
        let request = wire.public.get(format!("http://localhost:{port}/"));
        let outcome = wire.send(request).await;
        assert!(
            matches!(outcome, Err(WireFault::Address(AddressFault::Private { .. }))),
            "{outcome:?}"
        );
        let called = listener.accept().map_err(|error| error.kind());
        assert_eq!(called.err(), Some(ErrorKind::WouldBlock), "nobody was connected to");
    }

    #[tokio::test]
    async fn s031_a_literal_address_is_checked_where_no_resolver_is_asked() {
        let wire = Wire::new(&OutboundConfig::default()).expect("a client");
        let nobody = Reach { allow_private: &[] };
        for url in
            ["https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/", "https://2130706433/"]
        {
            assert!(matches!(wire.get(url, &nobody), Err(WireFault::Address(_))), "{url}");
            assert!(matches!(wire.post(url, &nobody), Err(WireFault::Address(_))), "{url}");
        }
    }

    #[tokio::test]
    async fn a_listed_host_has_connections_of_its_own() {
        let wire = Wire::new(&OutboundConfig::default()).expect("a client");
        let listed = ["id.corp.example:8443".to_owned()];
        let url = |text: &str| Url::parse(text).expect("an address");
        let leave = Reach { allow_private: &listed };
        let nobody = Reach { allow_private: &[] };
        let (here, elsewhere) =
            (url("https://id.corp.example:8443/"), url("https://id.corp.example/"));
        assert!(std::ptr::eq(wire.client_for(&here, &leave), &wire.listed));
        assert!(std::ptr::eq(wire.client_for(&here, &nobody), &wire.public));
        assert!(std::ptr::eq(wire.client_for(&elsewhere, &leave), &wire.public));
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let file = std::env::temp_dir().join(format!("vestibule-no-ca-{}", std::process::id()));
        std::fs::write(&file, "hello").expect("a file");
        let config =
            OutboundConfig { extra_ca_files: vec![file.clone()], ..OutboundConfig::default() };
        let outcome = Wire::new(&config).map(|_| ());
        std::fs::remove_file(&file).expect("the file");
        assert!(matches!(outcome, Err(SetupError::NoCertificate(_))), "{outcome:?}");
        let outcome = Wire::new(&config).map(|_| ());
        assert!(matches!(outcome, Err(SetupError::Unreadable(..))), "{outcome:?}");
    }
}
