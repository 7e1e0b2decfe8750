//! A furnished house, the processes that serve from it, and what the kernel says about them.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testkit::postgres::OwnServer;
use testkit::provider::{CLIENT_ID, CLIENT_SECRET};
use testkit::{Engine, FakeProvider};

/// The product.
pub const BINARY: &str = env!("CARGO_BIN_EXE_vestibule");

/// Who signs in with a password, one for each connection of the load.
pub const PEOPLE: [&str; 4] =
    ["ada@corp.example", "grace@corp.example", "edsger@corp.example", "alan@corp.example"];

/// The client that asks for tokens of its own.
pub const CLIENT: &str = "bench";

/// Everybody's password.
pub const PASSWORD: &str = "long walks by a quiet river";

/// Ticks of a second in `/proc`: the same on every Linux.
const TICKS: u64 = 100;

/// Configuration, database and people; nobody serves yet.
pub struct Furnished {
    folder: PathBuf,
    address: SocketAddr,
    postgres: Option<OwnServer>,
    client_secret: String,
}

/// A process that serves; killed when dropped.
pub struct Running {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Furnished {
    /// Everything at its default but how often one network may set out, since the load is one
    /// network; writes of either engine are durable.
    pub fn new(engine: Engine, provider: &FakeProvider, name: &str) -> Result<Self, String> {
        let folder = format!("vestibule-bench-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let postgres = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(OwnServer::start()?),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let database = match &postgres {
            Some(own) => own.url(),
            None => format!("sqlite:{}", folder.join("vestibule.db").display()),
        };
        let text = format!(
            "[server]\nlisten = \"{address}\"\npublic_url = \"http://{address}\"\n\
             [database]\nurl = \"{database}\"\n[keys]\nfile = \"{}\"\n\
             [throttle]\ntrip_network_per_minute = 1000000\n\
             request_network_per_minute = 1000000\n",
            folder.join("vestibule.key").display()
        );
        for (file, text) in [
            ("vestibule.toml", text.as_str()),
            ("password", PASSWORD),
            ("client-secret", CLIENT_SECRET),
        ] {
            fs::write(folder.join(file), text).map_err(|error| error.to_string())?;
        }
        let mut own = Self { folder, address, postgres, client_secret: String::new() };
        own.furnish(provider)?;
        Ok(own)
    }

    fn furnish(&mut self, provider: &FakeProvider) -> Result<(), String> {
        let mut add = self.product(&["providers", "add", "--name", "Corp", "--client-id"]);
        add.args([CLIENT_ID, "--issuer", &provider.issuer(), "--allow-private", &provider.host()]);
        add.args(["--client-secret-file", "client-secret", "--application", "back-office"]);
        succeed(add.args(["--unknown-user", "create"]))?;
        for person in PEOPLE {
            succeed(&mut self.product(&["users", "add", person, "--password-file", "password"]))?;
        }
        let mut add = self.product(&["clients", "add", "--application", "back-office", "--json"]);
        add.args(["--name", "Bench", "--id", CLIENT, "--auth", "client_secret_post"]);
        add.args(["--grant", "client_credentials", "--scope", "orders"]);
        let added = succeed(add.args(["--resource", "https://orders.example"]))?;
        let added: serde_json::Value =
            serde_json::from_str(&added).map_err(|error| error.to_string())?;
        let secret = added["client"]["client_secret"].as_str().ok_or("no secret was made")?;
        self.client_secret = secret.to_owned();
        Ok(())
    }

    /// Where its configuration is.
    pub fn configuration(&self) -> PathBuf {
        self.folder.join("vestibule.toml")
    }

    /// Makes groups of staff, and sets the policy of the connection, as an operator does.
    pub fn set_rules(&self, groups: &[&str], policy: &serde_json::Value) -> Result<(), String> {
        for group in groups {
            succeed(&mut self.product(&["groups", "add", group, "--type", "staff"]))?;
        }
        let write = |name: &str, text: String| {
            fs::write(self.folder.join(name), text).map_err(|error| error.to_string())
        };
        write("on-sign-in.json", policy["on_sign_in"].to_string())?;
        let allow_if = policy["allow_if"].as_str().ok_or("no condition")?;
        let mut change = self.product(&["providers", "change-connection", "corp"]);
        change.args(["--application", "back-office", "--allow-if", allow_if]);
        change.args(["--on-sign-in", "on-sign-in.json"]);
        change.args(["--sync", "name=force,locale=force,groups=force"]);
        succeed(&mut change).map(|_| ())
    }

    /// What the client proves itself with.
    pub fn client_secret(&self) -> &str {
        &self.client_secret
    }

    /// Whether several processes can be on its database.
    pub fn is_shared(&self) -> bool {
        self.postgres.is_some()
    }

    /// Cuts every connection of every process to the PostgreSQL below, as an operator or a
    /// firewall would.
    pub fn cut_connections(&self) -> Result<(), String> {
        let url = self.postgres.as_ref().ok_or("no PostgreSQL")?.url();
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        succeed(Command::new("psql").args([&url, "-qXAtc", cut])).map(|_| ())
    }

    fn product(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(["--config", "vestibule.toml"]).args(words);
        self.quiet(command)
    }

    fn quiet(&self, mut command: Command) -> Command {
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The product.
    pub fn serve(&self) -> Running {
        Running::start(self.product(&["serve"]), self.address)
    }

    /// The product once more, on the same database and another port.
    pub fn serve_beside(&self) -> Result<Running, String> {
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| error.to_string())?;
        let mut command = self.product(&["serve"]);
        command.env("VESTIBULE__SERVER__LISTEN", address.to_string());
        Ok(Running::start(command, address))
    }

    /// The limits, in this program started once more.
    pub fn serve_limits(&self, provider: &FakeProvider) -> Running {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args([crate::limits::WORD, "vestibule.toml", &provider.issuer()]);
        Running::start(self.quiet(command), self.address)
    }

    /// From the start of the process to its first answer.
    pub fn time_start(&self) -> Duration {
        let started = now();
        let running = self.serve();
        let time = now() - started;
        drop(running);
        time
    }
}

impl Drop for Furnished {
    fn drop(&mut self) {
        // It lies in the temporary folder in any case.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Running {
    fn start(mut command: Command, address: SocketAddr) -> Self {
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut own = Self { child, address };
        loop {
            if is_ready(address) {
                return own;
            }
            let ended = own.child.try_wait().expect("a child");
            assert!(ended.is_none(), "{command:?} ended: {ended:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Processor time so far, user and system, of all threads.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("stat");
        // The program's name is in brackets and may hold anything; the state follows.
        let fields = stat.rsplit_once(')').expect("a name").1.split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|text| text.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1000 / TICKS)
    }

    /// Resident memory, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(status).expect("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is just as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn succeed(command: &mut Command) -> Result<String, String> {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let done = command.output().map_err(|error| error.to_string())?;
    if done.status.success() {
        return String::from_utf8(done.stdout).map_err(|error| error.to_string());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&done.stderr)))
}

fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let asked =
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    asked.is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

/// The moment, for spans.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn now() -> Instant {
    Instant::now()
}
