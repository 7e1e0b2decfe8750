//! The house put together: everything that a handler may use.

use std::ops::Deref;
use std::sync::Arc;

use identity::entropy::Entropy;
use identity::ids::{SessionId, UserId};
use identity::oauth::refresh::RefreshKey;
use identity::time::Moment;
use store::{Schema, Store};

use crate::clock::Clock;
use crate::config::{Config, DatabaseConfig};
use crate::cookies::Cookies;
use crate::csrf::FormGuard;
use crate::directory::Directory;
use crate::federation::upstream::Upstream;
use crate::flood::Flood;
use crate::forward_auth::cache::HostCache;
use crate::keys::{KeyError, Keyring, master_key};
use crate::metrics::Metrics;
use crate::network::{Ignored, Network};
use crate::oauth::client_auth::Suspects;
use crate::oauth::grants::GrantCache;
use crate::oauth::signing::{Signer, SigningError, Tools};
use crate::pages::Pages;
use crate::passwords::hasher::Hasher;
use crate::sessions::cache::SessionCache;
use crate::traces::Traces;

/// Everything, shared by all requests.
#[derive(Clone)]
pub struct App(Arc<House>);

/// What an [`App`] leads to.
pub struct House {
    /// As loaded at start.
    pub config: Config,
    /// What remembers.
    pub store: Store,
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// What cannot be predicted.
    pub entropy: Arc<dyn Entropy>,
    /// What encrypts fields at rest.
    pub keyring: Keyring,
    /// Names and attributes of our cookies.
    pub cookies: Cookies,
    /// What forms carry.
    pub forms: FormGuard,
    /// Templates.
    pub pages: Pages,
    /// Applications, providers and connections, in memory.
    pub directory: Directory,
    /// Live sessions, in memory.
    pub sessions: SessionCache,
    /// What signs our tokens.
    pub signer: Signer,
    /// Grants to clients, in memory.
    pub grants: GrantCache,
    /// Clients that failed to authenticate not long ago.
    pub suspects: Suspects,
    /// What refresh tokens are made with.
    pub refresh_key: RefreshKey,
    /// The pool that hashes passwords.
    pub hasher: Hasher,
    /// The only way out to identity providers.
    pub upstream: Upstream,
    /// What visitors made it write, by their networks.
    pub flood: Flood,
    /// Proxies that are believed.
    pub trusted_proxies: Vec<Network>,
    /// Requests of others that spoke like proxies.
    pub ignored: Ignored,
    /// What stands for sessions at other hosts, in memory.
    pub hosts: HostCache,
    /// What was counted and timed since the start.
    pub metrics: Metrics,
    /// What tells a collector how requests went.
    pub traces: Traces,
}

impl Deref for App {
    type Target = House;

    fn deref(&self) -> &House {
        &self.0
    }
}

/// Why a house cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder of an embedded database cannot be made.
    #[error("cannot make the folder for {0}: {1}")]
    Folder(String, std::io::Error),
    /// The database does not answer, or cannot be brought up to date.
    #[error("cannot open the database: {0}")]
    Store(#[from] store::Error),
    /// A restored database, or a key file that somebody took away.
    #[error(
        "the key file {0} is not there, and this database was made with one; put its copy there: \
         without it nothing encrypted can be opened"
    )]
    KeyLost(String),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The keys that sign tokens cannot be used.
    #[error("cannot use the signing keys: {0}")]
    Signing(#[from] SigningError),
    /// A file of certificate authorities is unreadable.
    #[error(transparent)]
    Upstream(#[from] crate::federation::upstream::SetupError),
    /// Requests cannot be traced as it is configured.
    #[error(transparent)]
    Traces(#[from] crate::traces::SetupError),
}

/// What a house is made of besides its configuration; tests hand in their own.
pub struct Parts {
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// What cannot be predicted.
    pub entropy: Arc<dyn Entropy>,
}

impl App {
    /// Opens the database, brings it up to date, and loads keys and directory.
    pub async fn open(config: Config, parts: Parts) -> Result<Self, OpenError> {
        let Parts { clock, entropy } = parts;
        let (store, keyring) = open_store(&config, clock.as_ref(), &entropy).await?;
        let directory = Directory::load(&store).await?;
        let tools = Tools { store: &store, keyring: &keyring, entropy: entropy.as_ref() };
        let signer = Signer::open(tools, clock.now()).await?;
        let house = House {
            cookies: Cookies::of(&config.server.public_url),
            forms: FormGuard::new(&keyring.derive("forms"), &config.server.public_url),
            pages: Pages::built_in(),
            hasher: Hasher::start(&config.passwords, &entropy),
            upstream: Upstream::new(&config.outbound)?,
            flood: Flood::new(&config.throttle),
            trusted_proxies: config
                .server
                .trusted_proxies
                .iter()
                .filter_map(|text| Network::parse(text))
                .collect(),
            sessions: SessionCache::new(clock.now()),
            grants: GrantCache::default(),
            suspects: Suspects::default(),
            refresh_key: RefreshKey::new(&keyring.derive("refresh tokens")),
            ignored: Ignored::default(),
            hosts: HostCache::default(),
            metrics: Metrics::default(),
            traces: Traces::start(&config)?,
            signer,
            config,
            store,
            clock,
            entropy,
            keyring,
            directory,
        };
        Ok(Self(Arc::new(house)))
    }

    /// Now, by the house's clock.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// A session has changed or ended: nothing that hangs on it is answered from memory.
    pub fn forget_session(&self, id: &SessionId) {
        self.sessions.forget_session(id);
        self.grants.forget_session(id);
    }

    /// A user has changed, and with them their sessions and grants.
    pub fn forget_user(&self, id: &UserId) {
        self.sessions.forget_user(id);
        self.grants.forget_user(id);
    }

    /// `iss` of everything that we sign: the configured public URL, without a slash at its end.
    pub fn issuer(&self) -> String {
        self.config.server.public_url.as_str().trim_end_matches('/').to_owned()
    }

    /// An address of ours, under the configured public URL.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }
}

/// Whether the database was made with a key file that is not there: one that was made now would
/// open nothing, and stand where the right one belongs.
async fn is_key_lost(config: &Config) -> Result<bool, OpenError> {
    let is_there = || config.keys.file.exists();
    if is_there() {
        return Ok(false);
    }
    let found = Store::examine(config.database.url.expose()).await?;
    let is_lived_in = found.is_some_and(|found| found.schema != Schema::Missing);
    // A process that starts at the same time makes the file before it makes the tables.
    Ok(is_lived_in && !is_there())
}

/// Database and keys alone: all that a command needs that serves nobody.
pub async fn open_store(
    config: &Config,
    clock: &dyn Clock,
    entropy: &Arc<dyn Entropy>,
) -> Result<(Store, Keyring), OpenError> {
    if let Some(file) = config.database.sqlite_file()
        && let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty())
    {
        crate::files::private_folder(folder)
            .map_err(|error| OpenError::Folder(file.display().to_string(), error))?;
    }
    if is_key_lost(config).await? {
        return Err(OpenError::KeyLost(config.keys.file.display().to_string()));
    }
    // The key file first: a house whose secrets cannot be opened must not touch its database.
    let master = master_key(&config.keys.file, entropy.as_ref())?;
    let now = clock.now();
    let DatabaseConfig { url, max_connections, .. } = &config.database;
    let store = Store::open(url.expose(), *max_connections, Arc::clone(entropy), now).await?;
    let keyring = Keyring::load(master, &config.keys.file, &store, entropy.as_ref(), now).await?;
    Ok((store, keyring))
}
