//! A whole house on a free port, with a clock that the test turns.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use identity::email::Email;
use identity::federation::policy::UnknownUser;
use identity::federation::provider::{Authority, Provider, ProviderState};
use identity::groups::GroupName;
use identity::ids::GroupId;
use identity::secret::Secret;
use identity::users::{Birth, EmailStanding, Name, Population, Status, User, UserType};
use server::app::{App, Parts};
use server::clock::SystemEntropy;
use server::config::{Config, loopback_url};
use server::federation::save::{self, Door, NewProvider, SaveError, Tools};
use store::{AuditEntry, By, NewUser, Paging, ProviderChange, UserFilter};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

use crate::browser::Browser;
use crate::clock::TestClock;
use crate::postgres::Database;
use crate::provider::{CLIENT_ID, CLIENT_SECRET, FakeProvider};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// Which database a house stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Embedded.
    Sqlite,
    /// A server.
    Postgres,
}

impl Engine {
    /// Whether `VESTIBULE_TEST_ENGINES` (a comma-separated list, everything when it is not set)
    /// leaves it in.
    pub fn is_wanted(self) -> bool {
        let name = match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        };
        let wanted = std::env::var("VESTIBULE_TEST_ENGINES").unwrap_or_default();
        wanted.is_empty() || wanted.split(',').any(|one| one.trim() == name)
    }
}

/// Makes of every function one test on each engine: `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! on_both_engines {
    ($($(#[$attribute:meta])* async fn $name:ident($engine:ident: Engine) $body:block)*) => {$(
        $(#[$attribute])*
        mod $name {
            use super::*;

            async fn run($engine: $crate::house::Engine) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                if $crate::house::Engine::Sqlite.is_wanted() {
                    run($crate::house::Engine::Sqlite).await;
                }
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                if $crate::house::Engine::Postgres.is_wanted() {
                    run($crate::house::Engine::Postgres).await;
                }
            }
        }
    )*};
}

/// A house that is open; closed and removed when dropped.
pub struct House {
    /// Everything that its handlers use.
    pub app: App,
    /// Its time.
    pub clock: Arc<TestClock>,
    url: Url,
    config: Config,
    open: Option<Open>,
    folder: PathBuf,
    _database: Option<Database>,
}

struct Open {
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl House {
    /// An empty house.
    pub async fn start(engine: Engine) -> Self {
        Self::with(engine, |_| {}).await
    }

    /// An empty house with other settings.
    pub async fn with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("vestibule-house-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Database::create().expect("a database")),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let mut config = Config::default();
        config.server.public_url = loopback_url(port);
        config.keys.file = folder.join("vestibule.key");
        config.database.url = Secret::new(match &database {
            Some(database) => database.url().to_owned(),
            None => format!("sqlite:{}", folder.join("vestibule.db").display()),
        });
        change(&mut config);
        let clock = Arc::new(TestClock::default());
        let app = open(&config, &clock).await;
        let mut house = Self {
            url: config.server.public_url.clone(),
            app,
            clock,
            config,
            open: None,
            folder,
            _database: database,
        };
        house.serve(listener);
        house
    }

    fn serve(&mut self, listener: TcpListener) {
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(server::serve::serve(self.app.clone(), listener, stopped));
        self.open = Some(Open { stop, task });
    }

    /// Closes it as an operator does; its data stays.
    pub async fn stop(&mut self) {
        let open = self.open.take().expect("an open house");
        let _ = open.stop.send(());
        open.task.await.expect("no panic").expect("a clean stop");
    }

    /// Opens it again on the same data and at the same address.
    pub async fn start_again(&mut self) {
        let port = self.url.port().expect("a port");
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the old port");
        self.app = open(&self.config, &self.clock).await;
        self.serve(listener);
    }

    /// Opens it again with other settings.
    pub async fn start_again_with(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.start_again().await;
    }

    /// Its public URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where its key file and an embedded database lie.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// A browser that has never been here.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// Connects a provider to the back office, with the operator's full trust; strangers get an
    /// account. Its key is `corp`.
    pub async fn connect(&self, provider: &FakeProvider) -> Provider {
        self.try_connect(provider, |_, _| {}).await.expect("a good provider")
    }

    /// Connects a provider to the back office, differently.
    pub async fn try_connect(
        &self,
        provider: &FakeProvider,
        change: impl FnOnce(&mut NewProvider, &mut Door),
    ) -> Result<Provider, SaveError> {
        let mut new = NewProvider {
            name: "Corp".to_owned(),
            issuer: provider.issuer(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: Secret::new(CLIENT_SECRET),
            key: None,
            scopes: Vec::new(),
            trusted_domains: Vec::new(),
            allow_private: vec![provider.host()],
            authority: Authority::Operator,
        };
        let mut door =
            Door { application: "back-office".to_owned(), policy: UnknownUser::Create.into() };
        change(&mut new, &mut door);
        let added = save::add(&self.tools(), &new, &door, &By::operator()).await?;
        self.learn().await;
        Ok(added)
    }

    /// What providers are saved with.
    pub fn tools(&self) -> Tools<'_> {
        Tools {
            store: &self.app.store,
            keyring: &self.app.keyring,
            upstream: &self.app.upstream,
            clock: self.clock.as_ref(),
            entropy: &self.app.entropy,
        }
    }

    /// Reads the directory again now, and not only at the next look at the changes.
    pub async fn learn(&self) {
        self.app.directory.reload(&self.app.store).await.expect("a directory");
    }

    /// Switches a provider on or off in the database alone, as another process does.
    pub async fn set_provider_state(&self, provider: &Provider, state: ProviderState) {
        let change = ProviderChange { state: Some(state), ..ProviderChange::default() };
        let now = self.app.now();
        let by = By::operator();
        self.app.store.change_provider(&provider.id, &change, &by, now).await.expect("a change");
    }

    /// Adds a staff member whom an administrator vouched for.
    pub async fn add_staff(&self, email: &str, status: Status) -> User {
        self.add_user(email, status, EmailStanding::VouchedFor).await
    }

    /// Adds a staff member.
    pub async fn add_user(&self, email: &str, status: Status, standing: EmailStanding) -> User {
        self.add(UserType::Staff, email, status, standing).await
    }

    /// Adds a customer.
    pub async fn add_customer(&self, email: &str, standing: EmailStanding) -> User {
        self.add(UserType::Customer, email, Status::Active, standing).await
    }

    async fn add(
        &self,
        user_type: UserType,
        email: &str,
        status: Status,
        standing: EmailStanding,
    ) -> User {
        let new = NewUser {
            user_type,
            population: Population::default_one(),
            email: Email::parse(email).expect("an address"),
            email_standing: standing,
            name: Name { given: "Grace".into(), family: "Hopper".into() },
            locale: None,
            status,
            birth: Birth::Added,
        };
        let by = By::operator();
        self.app.store.add_user(&new, &[], &by, self.app.now()).await.expect("a user")
    }

    /// Adds a group of staff.
    pub async fn add_group(&self, name: &str) -> GroupId {
        let name = GroupName::parse(name).expect("a name");
        let by = By::operator();
        let now = self.app.now();
        self.app.store.add_group(UserType::Staff, &name, &by, now).await.expect("a group").id
    }

    /// The staff member with this address.
    pub async fn find_staff(&self, email: &str) -> Option<User> {
        let key = Email::key_of(email).expect("an address");
        let population = Population::default_one();
        let found = self.app.store.find_user_by_email(UserType::Staff, &population, &key).await;
        found.expect("an answer")
    }

    /// Every user there is.
    pub async fn users(&self) -> Vec<User> {
        let (filter, paging) = (UserFilter::default(), Paging::first(1000));
        self.app.store.list_users(&filter, &paging).await.expect("a list").items
    }

    /// The audit, the latest entry first.
    pub async fn audit(&self) -> Vec<AuditEntry> {
        let paging = Paging::first(1000);
        self.app.store.list_audit(None, &paging).await.expect("a list").items
    }

    /// Everything that an embedded database has on disk.
    pub fn database_bytes(&self) -> Vec<u8> {
        let file = |suffix| self.folder.join(format!("vestibule.db{suffix}"));
        let read = |suffix| std::fs::read(file(suffix)).unwrap_or_default();
        [read(""), read("-wal")].concat()
    }

    /// The entry behind a support code.
    pub async fn audit_of(&self, code: &str) -> AuditEntry {
        let found = self.app.store.find_audit_by_support_code(code).await.expect("an answer");
        found.unwrap_or_else(|| panic!("nothing in the audit for {code}"))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            open.task.abort();
        }
        // It lies in the temporary folder in any case.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn open(config: &Config, clock: &Arc<TestClock>) -> App {
    let parts = Parts {
        clock: Arc::clone(clock) as Arc<dyn server::clock::Clock>,
        entropy: Arc::new(SystemEntropy),
    };
    App::open(config.clone(), parts).await.expect("a house")
}
