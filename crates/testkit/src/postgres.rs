//! A PostgreSQL of the tests' own: started by the first test, shared, gone soon after the last.
//!
//! Test runners start one process per test, so no process knows that it is the last one. Each
//! holds a shared lock on a file for as long as it lives; the kernel releases it however the
//! process ends. A small shell process is the server's parent and waits for the exclusive lock:
//! once it has it, nobody uses the server any more, and it stops the server by its process id and
//! removes everything.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What is said when the programs are missing.
const MISSING: &str = "PostgreSQL is not installed, so this half of the tests cannot run: install \
                       it (Debian: apt-get install postgresql), or run `make test-quick`, which \
                       leaves it out";

/// Starts the server as its child and ends it when nobody holds the lock any more. The folder is
/// moved before it is removed, so that whoever comes meanwhile begins with a fresh one.
/// `$1` folder, `$2` program folder, `$3`… options of the server.
const WATCH: &str = r#"
home=$1; bin=$2; shift 2
"$bin/initdb" -D "$home/data" -U vestibule -A trust -E UTF8 --locale=C --no-sync >"$home/log" 2>&1 || exit 1
"$bin/postgres" -D "$home/data" -k "$home" -c listen_addresses= "$@" >>"$home/log" 2>&1 &
server=$!
exec 9<"$home/users"
until sleep 2 && flock -n -x 9; do :; done
kill -INT "$server"; wait "$server"
[ "$home/users" -ef /dev/fd/9 ] && mv "$home" "$home.$server" && rm -rf "$home.$server"
"#;

/// Options for tests that never take the power away: speed instead of durability.
const FAST: [&str; 10] = [
    "-c",
    "fsync=off",
    "-c",
    "synchronous_commit=off",
    "-c",
    "full_page_writes=off",
    "-c",
    "max_connections=400",
    "-c",
    "unix_socket_permissions=0700",
];

static SHARED: OnceLock<Result<Shared, String>> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// An empty database of the shared server, dropped when this value is.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
}

impl Database {
    /// Creates one, and starts the server if nobody has. Fails with a sentence that says what is
    /// missing.
    pub fn create() -> Result<Self, String> {
        let shared = SHARED.get_or_init(Shared::join).as_ref().map_err(Clone::clone)?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        shared.place.query("postgres", &format!("CREATE DATABASE {name}"))?;
        let url = shared.place.url(&name);
        Ok(Self { name, url })
    }

    /// `postgres://…`, through a socket that only this user can open.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(Ok(shared)) = SHARED.get() {
            let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
            // It goes with the server in any case.
            let _ = shared.place.query("postgres", &drop);
        }
    }
}

/// A server of one test alone, to be crashed and started again; gone when this value is. Writes
/// are durable, so that a crash proves something.
#[derive(Debug)]
pub struct OwnServer {
    place: Place,
    server: Option<Child>,
}

impl OwnServer {
    /// Starts one on an empty database.
    pub fn start() -> Result<Self, String> {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("vestibule-postgres-{}-{count}", std::process::id());
        let place = Place::make(std::env::temp_dir().join(name))?;
        place.run(place.program("initdb").arg("-D").arg(place.home.join("data")).args([
            "-U",
            "vestibule",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
        ]))?;
        let mut own = Self { place, server: None };
        own.start_again()?;
        Ok(own)
    }

    /// `postgres://…` of its database.
    pub fn url(&self) -> String {
        self.place.url("postgres")
    }

    /// Takes the server away as a crash would, with every connection.
    pub fn crash(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let postmaster = server.id();
        // Each of its children is in a group of its own, and some go on for a while when it is
        // gone; on the data of its successor they would do harm. Stopped, it starts no new ones.
        signal("-STOP", &[postmaster]);
        while process(postmaster).is_some_and(|(state, _)| !matches!(state, 'T' | 'Z')) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let children = children_of(postmaster);
        signal("-KILL", &[&[postmaster], children.as_slice()].concat());
        let _ = server.wait();
        while children.iter().any(|child| is_running(*child)) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Starts it again on the same data.
    pub fn start_again(&mut self) -> Result<(), String> {
        // A crash leaves the file behind, and its process id may belong to somebody else by now.
        let _ = fs::remove_file(self.place.home.join("data/postmaster.pid"));
        let server = self
            .place
            .program("postgres")
            .arg("-D")
            .arg(self.place.home.join("data"))
            .arg("-k")
            .arg(&self.place.home)
            .args(["-c", "listen_addresses=", "-c", "unix_socket_permissions=0700"])
            .process_group(0)
            .spawn()
            .map_err(|error| format!("PostgreSQL does not start: {error}"))?;
        self.server = Some(server);
        self.place.wait_until_ready()
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.crash();
        let _ = fs::remove_dir_all(&self.place.home);
    }
}

fn signal(signal: &str, processes: &[u32]) {
    // Whoever is gone already needs none.
    let _ = Command::new("kill").arg(signal).args(processes.iter().map(u32::to_string)).status();
}

/// State and parent of a process, while there is one.
fn process(id: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The program's name is in brackets and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn children_of(parent: u32) -> Vec<u32> {
    let names =
        fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.file_name());
    names
        .filter_map(|name| name.to_str()?.parse().ok())
        .filter(|id| process(*id).is_some_and(|(_, own)| own == parent))
        .collect()
}

/// What is dead and not yet collected by its parent runs no more.
fn is_running(id: u32) -> bool {
    process(id).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// A folder with a server in it.
#[derive(Debug)]
struct Place {
    home: PathBuf,
    bin: PathBuf,
    owner: Option<(u32, u32)>,
}

impl Place {
    fn make(home: PathBuf) -> Result<Self, String> {
        let bin = programs().ok_or(MISSING)?;
        fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
        // PostgreSQL refuses to run as root; tests in containers often are root.
        let root = fs::metadata("/proc/self").map_err(|error| error.to_string())?.uid() == 0;
        let owner = if root { Some(unprivileged()?) } else { None };
        if let Some((user, group)) = owner {
            chown(&home, Some(user), Some(group)).map_err(|error| error.to_string())?;
        }
        Ok(Self { home, bin, owner })
    }

    fn program(&self, name: &str) -> Command {
        self.command(&self.bin.join(name))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.home).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).env("LC_ALL", "C");
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    fn run(&self, command: &mut Command) -> Result<(), String> {
        let done = command.stderr(Stdio::piped()).output().map_err(|error| error.to_string())?;
        if done.status.success() {
            return Ok(());
        }
        Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&done.stderr)))
    }

    fn query(&self, database: &str, sql: &str) -> Result<(), String> {
        let mut psql = self.program("psql");
        psql.arg("-h").arg(&self.home).args(["-U", "vestibule", "-d", database, "-qXc", sql]);
        self.run(&mut psql)
    }

    fn url(&self, database: &str) -> String {
        let home = self.home.display().to_string().replace('/', "%2F");
        format!("postgres://vestibule@localhost/{database}?host={home}")
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        for _ in 0..600 {
            if self.query("postgres", "SELECT 1").is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(self.home.join("log")).unwrap_or_default();
        Err(format!("PostgreSQL did not answer within 30 seconds: {log}"))
    }
}

/// The shared server, and the lock that keeps it.
#[derive(Debug)]
struct Shared {
    place: Place,
    _lock: File,
}

impl Shared {
    fn join() -> Result<Self, String> {
        let me = fs::metadata("/proc/self").map_err(|error| error.to_string())?.uid();
        let home = std::env::temp_dir().join(format!("vestibule-postgres-{me}"));
        loop {
            let place = Place::make(home.clone())?;
            let lock = hold(&place, "users", File::lock_shared)?;
            let starting = hold(&place, "starting", File::lock)?;
            if !place.is_served() {
                if place.home.join("data").exists() {
                    place.clear_away()?;
                    continue;
                }
                place.start_watched()?;
            }
            place.wait_until_ready()?;
            drop(starting);
            return Ok(Self { place, _lock: lock });
        }
    }
}

impl Place {
    /// Whether a server runs on its data. One that was killed leaves its folder behind, and its
    /// process id may be somebody else's by now.
    fn is_served(&self) -> bool {
        let data = self.home.join("data");
        let noted = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
        let Some(id) = noted.lines().next() else { return false };
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        command.split(|byte| *byte == 0).any(|word| word == data.as_os_str().as_encoded_bytes())
    }

    /// Out of the way, as the watcher would have put it: whoever waits for a lock in it starts over.
    fn clear_away(&self) -> Result<(), String> {
        let mut away = self.home.clone().into_os_string();
        away.push(format!(".{}", std::process::id()));
        fs::rename(&self.home, &away)
            .and_then(|()| fs::remove_dir_all(&away))
            .map_err(|error| format!("{}: {error}", self.home.display()))
    }

    fn start_watched(&self) -> Result<(), String> {
        let version = self.program("postgres").arg("--version").stdout(Stdio::piped()).output();
        if let Ok(version) = version {
            eprint!("neighbour: {}", String::from_utf8_lossy(&version.stdout));
        }
        // A group of its own: Ctrl-C at the terminal ends the tests, and the watcher then ends
        // the server.
        self.command(Path::new("/bin/sh"))
            .args(["-c", WATCH, "vestibule-postgres-watch"])
            .args([&self.home, &self.bin])
            .args(FAST)
            .process_group(0)
            .spawn()
            .map(|_| ())
            .map_err(|error| format!("PostgreSQL does not start: {error}"))
    }
}

/// Opens and locks a file in the folder. The watcher removes the folder while it holds the lock,
/// so whoever waited for it may have got a file that is no longer there, and starts over.
fn hold(
    place: &Place,
    name: &str,
    lock: impl Fn(&File) -> std::io::Result<()>,
) -> Result<File, String> {
    let path = place.home.join(name);
    let said = |error: std::io::Error| format!("{}: {error}", path.display());
    loop {
        Place::make(place.home.clone())?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(said)?;
        lock(&file).map_err(said)?;
        let mine = file.metadata().map_err(said)?.ino();
        if fs::metadata(&path).is_ok_and(|there| there.ino() == mine) {
            return Ok(file);
        }
    }
}

/// The folder with the newest server's programs.
fn programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        std::cmp::Reverse(version.and_then(|name| name.parse::<u32>().ok()))
    });
    folders.extend(std::env::split_paths(&on_path));
    folders.into_iter().find(|folder| folder.join("initdb").exists())
}

/// Somebody who is not root: `postgres` where the package made it, else `nobody`.
fn unprivileged() -> Result<(u32, u32), String> {
    let users = fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(str::parse);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .ok_or_else(|| "PostgreSQL refuses to run as root, and there is no other user".to_owned())
}
