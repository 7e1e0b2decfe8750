//! A house as an operator runs it: a configuration file, a database, a process; and how to kill it.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use server::clock::{Clock, SystemClock, SystemEntropy};
use store::Store;
use testkit::postgres::OwnServer;
use testkit::provider::{CLIENT_ID, CLIENT_SECRET};
use testkit::wire::Wire;
use testkit::{Engine, FakeProvider};
use tokio::process::{Child, Command};
use tokio::time::sleep;

const BINARY: &str = env!("CARGO_BIN_EXE_vestibule");

/// Who signs in and out with a password, all day long.
pub const PEOPLE: [&str; 3] = ["ada@corp.example", "grace@corp.example", "edsger@corp.example"];

/// Who uses the application, and signs out of nothing.
pub const CUSTOMER: &str = "barbara@corp.example";

/// The application, which can keep no secret.
pub const CLIENT: &str = "app";

/// Where it has people sent back to.
pub const REDIRECT_URI: &str = "https://app.corp.example/callback";

/// Everybody's password.
pub const PASSWORD: &str = "long walks by a quiet river";

/// Everything around the process that gets killed.
pub struct Yard {
    /// Who vouches for newcomers.
    pub provider: FakeProvider,
    /// Where the house listens.
    pub address: SocketAddr,
    folder: PathBuf,
    database: String,
    postgres: Option<Arc<Mutex<OwnServer>>>,
}

/// The running house.
pub struct Process(Child);

impl Process {
    /// `kill -9`
    pub async fn kill(mut self) {
        self.0.kill().await.expect("a process to kill");
    }
}

impl Yard {
    /// An empty house with a few people and a provider, furnished by the command line.
    pub async fn build(engine: Engine) -> Self {
        let name = format!("vestibule-crash-{}-{engine:?}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let postgres =
            (engine == Engine::Postgres).then(|| OwnServer::start().expect("PostgreSQL"));
        let database = match &postgres {
            Some(own) => own.url(),
            None => format!("sqlite:{}", folder.join("vestibule.db").display()),
        };
        let address = free_address(engine);
        let yard = Self {
            provider: FakeProvider::start(Arc::new(SystemClock)).await,
            address,
            folder,
            database,
            postgres: postgres.map(|own| Arc::new(Mutex::new(own))),
        };
        yard.write("vestibule.toml", &yard.configuration());
        yard.write("password", PASSWORD);
        yard.write("client-secret", CLIENT_SECRET);
        yard.furnish().await;
        yard
    }

    /// Hashes are as cheap as they may be, and a sign-in that a kill cut off counts as a failed one, of which there
    /// are many here.
    fn configuration(&self) -> String {
        let (address, key) = (self.address, self.folder.join("vestibule.key"));
        format!(
            "[server]\nlisten = \"{address}\"\npublic_url = \"http://{address}\"\n\
             [database]\nurl = \"{}\"\nmax_connections = 5\n[keys]\nfile = \"{}\"\n\
             [passwords]\nargon2_memory_kib = 7168\nargon2_passes = 5\n\
             [throttle]\naccount_network_failures = 1000000\naccount_failures = 1000000\n\
             network_failures = 1000000\nreset_address_per_hour = 1000000\n\
             reset_network_per_hour = 1000000\n\
             trip_network_per_minute = 1000000\nrequest_network_per_minute = 1000000\n\
             refusal_network_per_hour = 1000000\n[log]\nlevel = \"warn\"\n",
            self.database,
            key.display()
        )
    }

    async fn furnish(&self) {
        let (issuer, host) = (self.provider.issuer(), self.provider.host());
        let secret = self.file("client-secret");
        let mut add = self.command(&["providers", "add", "--name", "Corp", "--issuer", &issuer]);
        add.args(["--client-id", CLIENT_ID, "--allow-private", &host, "--client-secret-file"]);
        add.arg(secret).args(["--application", "back-office", "--unknown-user", "create"]);
        succeed(add).await;
        for person in PEOPLE.into_iter().chain([CUSTOMER]) {
            succeed(self.adding(person)).await;
        }
        let mut add = self.command(&["clients", "add", "--application", "back-office"]);
        add.args(["--name", "App", "--id", CLIENT, "--public", "--redirect-uri", REDIRECT_URI]);
        add.args(["--scope", "openid", "--scope", "offline_access", "--id-token-alg", "ES256"]);
        succeed(add).await;
    }

    /// `vestibule users add`, with everybody's password.
    pub fn adding(&self, email: &str) -> Command {
        let mut add = self.command(&["users", "add", email, "--password-file"]);
        add.arg(self.file("password"));
        add
    }

    /// A command of an operator; killed when nobody waits for it any more.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--config").arg(self.file("vestibule.toml")).arg("--json").args(words);
        command.current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).expect("a file");
    }

    /// Starts the house, and comes back when it serves.
    pub async fn start(&self) -> Process {
        let log = File::options().create(true).append(true).open(self.file("log")).expect("a log");
        let mut serve = self.command(&["serve"]);
        serve.stdout(Stdio::null()).stderr(log);
        let mut child = serve.spawn().expect("the binary");
        for _ in 0..10_000 {
            if let Some(status) = child.try_wait().expect("a child") {
                panic!("the house does not start: {status}; {}", tail(&self.file("log")));
            }
            if self.is_ready().await {
                return Process(child);
            }
            sleep(Duration::from_millis(3)).await;
        }
        panic!("the house started and is not ready; {}", tail(&self.file("log")));
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut wire) = Wire::connect(self.address).await else { return false };
        wire.get("/readyz", "").await.is_ok_and(|answer| answer.status == 200)
    }

    /// The database, seen past the house.
    pub async fn observe(&self) -> Store {
        let now = SystemClock.now();
        Store::open(&self.database, 2, Arc::new(SystemEntropy), now).await.expect("the database")
    }

    /// Kills the whole of PostgreSQL and starts it again, while the house goes on.
    pub async fn crash_postgres(&self) {
        let Some(postgres) = self.postgres.clone() else { return };
        let crash = move || {
            let mut server = postgres.lock().unwrap_or_else(PoisonError::into_inner);
            server.crash();
            server.start_again().expect("PostgreSQL recovers");
        };
        tokio::task::spawn_blocking(crash).await.expect("no panic");
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the house's folder is kept: {}", self.folder.display());
        } else {
            // It lies in the temporary folder in any case.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

async fn succeed(mut command: Command) {
    let Output { status, stderr, .. } = command.output().await.expect("the binary");
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
}

/// Below the range that the kernel gives out: while the house is dead nobody else gets its port.
fn free_address(engine: Engine) -> SocketAddr {
    let first =
        20_000 + (std::process::id() % 4000) as u16 + 5000 * u16::from(engine == Engine::Postgres);
    (first..first + 1000)
        .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("a free port")
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().rev().take(5).collect::<Vec<_>>().join(" | ")
}
