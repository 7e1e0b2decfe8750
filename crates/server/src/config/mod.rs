//! `vestibule.toml` and its environment overlay: everything that is not data.

mod check;
mod load;
mod reference;

use std::net::SocketAddr;
use std::path::PathBuf;

use identity::secret::Secret;
use serde::Deserialize;
use url::Url;

pub use load::{ConfigError, load, read_secret};
pub use reference::reference;

/// The whole file. Every section and every key may be left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens and what it is called.
    pub server: ServerConfig,
    /// Where it remembers.
    pub database: DatabaseConfig,
    /// What it encrypts with.
    pub keys: KeysConfig,
    /// How it sends mail.
    pub mail: MailConfig,
    /// How passwords are made and hashed.
    pub passwords: PasswordsConfig,
    /// How guessing is slowed down.
    pub throttle: ThrottleConfig,
    /// What it does when the database is away.
    pub sessions: SessionsConfig,
    /// How it reaches identity providers.
    pub outbound: OutboundConfig,
    /// What it tells applications behind a reverse proxy.
    pub forward_auth: ForwardAuthConfig,
    /// What it writes to standard error.
    pub log: LogConfig,
    /// How long it remembers what happened.
    pub audit: AuditConfig,
    /// Where it tells an operator's machinery how it is.
    pub operations: OperationsConfig,
    /// Where it tells how its requests went.
    pub traces: TracesConfig,
}

impl Config {
    /// What works and is most likely not what was meant, in sentences.
    pub fn remarks(&self) -> Vec<String> {
        check::remarks(self)
    }
}

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Address and port of the listener.
    pub listen: SocketAddr,
    /// What browsers call it; links, redirect URIs and cookies follow from this alone.
    pub public_url: Url,
    /// Proxies whose `X-Forwarded-For` is believed, as addresses or networks (`10.0.0.0/8`).
    pub trusted_proxies: Vec<String>,
    /// Most connections at once; whoever comes then waits for a place.
    pub max_connections: usize,
    /// Seconds in which the head of a request must have come.
    pub header_seconds: u64,
}

/// `[database]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: Secret,
    /// A file that holds the URL instead.
    pub url_file: Option<PathBuf>,
    /// Most connections at once.
    pub max_connections: u32,
}

/// `[keys]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeysConfig {
    /// The key file; made on first start. Keep a copy: without it nothing encrypted opens.
    pub file: PathBuf,
}

/// `[mail]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// Sender of every mail.
    pub from: String,
    /// `smtp://host:port?tls=required` (STARTTLS), `smtps://host:port`, or `smtp://127.0.0.1:port`
    /// (plain, on this machine alone); without it mail waits in the queue.
    pub smtp_url: Option<Url>,
    /// User name at the SMTP server.
    pub username: Option<String>,
    /// A file that holds the password at the SMTP server.
    pub password_file: Option<PathBuf>,
}

/// `[passwords]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordsConfig {
    /// Fewest characters of a new password: 12 to 64.
    pub min_length: usize,
    /// Argon2id memory in KiB.
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_passes: u32,
    /// Threads that hash; 0 chooses one less than there are cores, at least one.
    pub workers: usize,
    /// Most sign-ins that wait for a thread; past it the answer is 503.
    pub queue: usize,
}

/// `[throttle]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThrottleConfig {
    /// Failures for one account from one network before it must wait.
    pub account_network_failures: u32,
    /// Minutes in which those failures count.
    pub account_network_window_minutes: u64,
    /// Minutes to wait then.
    pub account_network_wait_minutes: u64,
    /// Failures in a row for one account, over all networks, before only a password reset helps.
    pub account_failures: u32,
    /// Failures from one network over all accounts before it must wait.
    pub network_failures: u32,
    /// Minutes in which those failures count.
    pub network_window_minutes: u64,
    /// Minutes to wait then.
    pub network_wait_minutes: u64,
    /// Reset mails for one address in an hour.
    pub reset_address_per_hour: u32,
    /// Reset mails asked for by one network in an hour.
    pub reset_network_per_hour: u32,
    /// Codes for a mailbox asked for by one person at a provider in an hour.
    pub code_subject_per_hour: u32,
    /// Codes for a mailbox sent to one address in an hour.
    pub code_address_per_hour: u32,
    /// Codes for a mailbox asked for by one network in an hour.
    pub code_network_per_hour: u32,
    /// Trips to a provider that one network may begin in a minute.
    pub trip_network_per_minute: u32,
    /// Requests of applications that one network may leave here in a minute.
    pub request_network_per_minute: u32,
    /// Refusals without a trip, taken down in the audit for one network in an hour.
    pub refusal_network_per_hour: u32,
}

/// `[sessions]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionsConfig {
    /// Seconds that customers stay signed in while the database is away; everybody else is
    /// refused at once.
    pub customers_without_database_seconds: u64,
}

/// `[outbound]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundConfig {
    /// PEM files of further certificate authorities that providers may be signed by.
    pub extra_ca_files: Vec<PathBuf>,
    /// Seconds for one answer of a provider, in all.
    pub timeout_seconds: u64,
    /// Seconds by which the clocks of a provider and of ours may be apart; at most 60.
    pub leeway_seconds: u64,
}

/// `[forward_auth]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForwardAuthConfig {
    /// Whether the answer to a proxy carries a signed token besides.
    pub token: bool,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `text` or `json`.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`; also per module, comma separated.
    pub level: String,
}

/// `[audit]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditConfig {
    /// Days that refusals of people who were not signed in are kept.
    pub visitor_refusals_days: u64,
    /// Days that everything else is kept; 0 is for ever.
    pub keep_days: u64,
}

/// `[operations]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OperationsConfig {
    /// Address and port of a listener of its own, for `/metrics`; none unless it is set.
    pub listen: Option<SocketAddr>,
}

/// `[traces]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TracesConfig {
    /// Where an OpenTelemetry collector takes OTLP over HTTP; nothing is traced unless it is set.
    pub url: Option<Url>,
    /// A file of headers for the collector, one `Name: value` a line.
    pub headers_file: Option<PathBuf>,
    /// What the collector calls this service.
    pub service_name: String,
    /// Share of the requests that are traced of those that come with no trace: 0 to 1.
    pub ratio: f64,
}

/// Shape of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: ServerConfig::default(),
            database: DatabaseConfig::default(),
            keys: KeysConfig::default(),
            mail: MailConfig::default(),
            passwords: PasswordsConfig::default(),
            throttle: ThrottleConfig::default(),
            sessions: SessionsConfig { customers_without_database_seconds: 60 },
            outbound: OutboundConfig::default(),
            forward_auth: ForwardAuthConfig::default(),
            log: LogConfig { format: LogFormat::Text, level: "info".to_owned() },
            audit: AuditConfig { visitor_refusals_days: 90, keep_days: 0 },
            operations: OperationsConfig::default(),
            traces: TracesConfig::default(),
        }
    }
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Config::default().sessions
    }
}

impl Default for AuditConfig {
    fn default() -> Self {
        Config::default().audit
    }
}

impl Default for TracesConfig {
    fn default() -> Self {
        Self { url: None, headers_file: None, service_name: "vestibule".to_owned(), ratio: 1.0 }
    }
}

impl Default for ForwardAuthConfig {
    fn default() -> Self {
        Self { token: true }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Config::default().log
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: loopback_url(8080),
            trusted_proxies: Vec::new(),
            max_connections: 800,
            header_seconds: 10,
        }
    }
}

/// `http://127.0.0.1:{port}`
pub fn loopback_url(port: u16) -> Url {
    let mut url = match Url::parse("http://127.0.0.1/") {
        Ok(url) => url,
        Err(error) => unreachable!("a constant address parses: {error}"),
    };
    // An http URL always takes a port.
    let _ = url.set_port(Some(port));
    url
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: Secret::new("sqlite:vestibule-data/vestibule.db"),
            url_file: None,
            max_connections: 10,
        }
    }
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self { file: PathBuf::from("vestibule-data/vestibule.key") }
    }
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            from: "Vestibule <vestibule@localhost>".to_owned(),
            smtp_url: None,
            username: None,
            password_file: None,
        }
    }
}

impl Default for PasswordsConfig {
    fn default() -> Self {
        // OWASP's parameters for Argon2id.
        Self { min_length: 15, argon2_memory_kib: 19_456, argon2_passes: 2, workers: 0, queue: 64 }
    }
}

impl MailConfig {
    /// Whether mail goes out at all; without a server it waits in the queue.
    pub fn goes_out(&self) -> bool {
        self.smtp_url.is_some()
    }
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            account_network_failures: 9,
            account_network_window_minutes: 15,
            account_network_wait_minutes: 6,
            account_failures: 100,
            network_failures: 100,
            network_window_minutes: 15,
            network_wait_minutes: 15,
            reset_address_per_hour: 3,
            reset_network_per_hour: 20,
            code_subject_per_hour: 3,
            code_address_per_hour: 10,
            code_network_per_hour: 60,
            trip_network_per_minute: 120,
            request_network_per_minute: 120,
            refusal_network_per_hour: 100,
        }
    }
}

impl Default for OutboundConfig {
    fn default() -> Self {
        Self { extra_ca_files: Vec::new(), timeout_seconds: 10, leeway_seconds: 60 }
    }
}

impl DatabaseConfig {
    /// The file of an embedded database; none for PostgreSQL and for a database in memory.
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        let rest = self.url.expose().strip_prefix("sqlite:")?;
        let path = rest.trim_start_matches("//").split('?').next().unwrap_or(rest);
        (path != ":memory:" && !path.is_empty()).then(|| PathBuf::from(path))
    }
}
