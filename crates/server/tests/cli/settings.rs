//! Configuration, exit codes, and a house that starts from nothing.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use testkit::Browser;
use tokio::process::Command;
use url::Url;

use crate::desk::{BINARY, errors, refusal};

/// An empty folder, removed when dropped.
struct Empty(PathBuf);

impl Empty {
    fn folder(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vestibule-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("a file");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(&self.0).stdin(Stdio::null());
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.expect("the command runs")
    }
}

impl Drop for Empty {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_configuration_is_said_with_what_to_do() {
    let folder = Empty::folder("settings");
    let output = folder.run(&["config", "check"]).await;
    assert!(output.status.success(), "no file at all is good: {}", errors(&output));
    for (file, part) in [
        ("[server]\nlissten = \"127.0.0.1:1\"\n", "did you mean \"server.listen\"?"),
        ("[mail]\nsmtp_url = \"http://mail.test\"\n", "write smtps://HOST:465"),
        ("[mail]\nfrom = \"nobody\"\n", "write it like"),
        ("[mail]\nsmtp_url = \"smtp://me:secret@mail.test\"\n", "leave user name and password out"),
        ("[server]\npublic_url = \"http://shop.test\"\n", "must be an https address"),
    ] {
        folder.write("vestibule.toml", file);
        let output = folder.run(&["config", "check", "--json"]).await;
        let (code, message) = refusal(&output);
        assert_eq!(code, "configuration", "{file}");
        assert!(message.contains(part), "{message}");
        assert!(!message.contains("secret@"), "{message}");
    }
    for (file, part) in [
        ("[server]\nlisten = 8080\n", "server.listen: "),
        ("[passwords]\nmin_length = \"long\"\n", "passwords.min_length: "),
        ("[server]\ntrusted_proxies = \"10.0.0.1\"\n", "server.trusted_proxies: "),
        ("[log]\nformat = \"xml\"\n", "log.format: "),
        ("[log]\nlevel = \"verbose\"\n", "log.level must be"),
        ("[throttle]\nnetwork_failures = 0\n", "throttle.network_failures must be at least 1"),
        ("[outbound]\ntimeout_seconds = 0\n", "outbound.timeout_seconds must be between"),
        ("[passwords]\nargon2_memory_kib = 8\nargon2_passes = 3\n", "12288"),
        ("[traces]\nheaders_file = \"missing.headers\"\n", "missing.headers"),
        ("[traces]\nratio = 2\n", "traces.ratio must be between 0 and 1"),
        ("[outbound]\nextra_ca_files = [\"missing.pem\"]\n", "missing.pem"),
    ] {
        folder.write("vestibule.toml", file);
        let (code, message) = refusal(&folder.run(&["config", "check", "--json"]).await);
        assert_eq!(code, "configuration", "{file}");
        assert!(message.contains(part), "{message}");
        let named = message.contains("vestibule.toml") || message.contains("extra_ca_files");
        assert!(named, "the place: {message}");
    }
    folder.write("vestibule.toml", "");
    for (name, value, part) in [
        ("VESTIBULE__DATABASE__MAX_CONNECTIONS", "many", "database.max_connections: "),
        ("VESTIBULE__LOG__LEVEL", "loud", "log.level must be"),
    ] {
        let mut command = folder.command(&["config", "check", "--json"]);
        let output = command.env(name, value).output().await.expect("the command runs");
        let (_, message) = refusal(&output);
        let place = format!("environment variable {name}: {part}");
        assert!(message.contains(&place), "{message}");
    }
    folder.write("other.toml", "[log]\nlevel = \"warn\"\n");
    let output = folder.run(&["--config", "other.toml", "config", "check"]).await;
    assert!(output.status.success(), "{}", errors(&output));
    let output = folder.run(&["--config", "missing.toml", "config", "check"]).await;
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn what_works_and_is_hardly_meant_is_remarked_on() {
    let folder = Empty::folder("remarks");
    folder.write("vestibule.toml", "[server]\nlisten = \"127.0.0.1:9090\"\n");
    let output = folder.run(&["config", "check", "--json"]).await;
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let remarks = said["remarks"].to_string();
    assert!(remarks.contains("http://127.0.0.1:8080/") && remarks.contains("127.0.0.1:9090"));
    assert!(remarks.contains("mail.smtp_url is not set"), "{remarks}");
    let output = folder.run(&["config", "check"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("The configuration is good.") && text.contains("Note: "), "{text}");
    let good = "[server]\nlisten = \"127.0.0.1:9090\"\npublic_url = \"https://shop.test\"\n\
                [mail]\nsmtp_url = \"smtps://mail.test:465\"\n";
    folder.write("vestibule.toml", good);
    let output = folder.run(&["config", "check", "--json"]).await;
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["remarks"], serde_json::json!([]), "behind a proxy nothing is remarkable");
    folder.write("vestibule.toml", "[server]\nlisten = \"127.0.0.1:9090\"\n");
    // Who adds a user without a password learns that no mail will bring them one.
    let output = folder.run(&["users", "add", "grace@shop.test"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("mail.smtp_url is not set") && text.contains("set-password"), "{text}");
}

#[tokio::test]
async fn the_help_leads_a_newcomer_and_nonsense_is_exit_code_two() {
    let folder = Empty::folder("help");
    let output = folder.run(&["--help"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["vestibule demo", "vestibule serve", "users", "groups", "providers", "audit"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for nonsense in
        [&["userz"][..], &["users"], &["users", "add"], &["users", "list", "--limit", "0"]]
    {
        assert_eq!(folder.run(nonsense).await.status.code(), Some(2), "{nonsense:?}");
    }
    let output = folder.run(&["groups", "add", "--help"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("Name of the group") && !text.contains("id of the group"), "{text}");
    let output = folder.run(&["config", "reference"]).await;
    assert!(String::from_utf8_lossy(&output.stdout).contains("`smtp_url`"));
    assert!(std::fs::read_dir(folder.path()).expect("a folder").next().is_none(), "nothing made");
}

#[tokio::test]
async fn without_any_configuration_it_serves_keeps_its_data_private_and_stops_when_asked() {
    let folder = Empty::folder("bare");
    let port =
        TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("it").port();
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let settings =
        [("VESTIBULE__SERVER__LISTEN", &listen), ("VESTIBULE__SERVER__PUBLIC_URL", &url)];
    let mut command = folder.command(&[]);
    command.envs(settings).stderr(Stdio::piped()).kill_on_drop(true);
    let mut house = command.spawn().expect("it starts");
    wait_for(port).await;
    let browser = Browser::new(&Url::parse(&url).expect("a URL"));
    assert_eq!(browser.open("/readyz").await.status, 200, "it listens first and opens then");

    let mode = |name: &str| {
        let file = folder.path().join("vestibule-data").join(name);
        std::fs::metadata(file).expect("a file").permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("vestibule.key")), (0o700, 0o600));

    let mut command = folder.command(&["setup-link"]);
    let output = command.envs(settings).output().await.expect("the command runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let link = text.split_whitespace().find(|word| word.starts_with("http")).expect("a link");
    assert_eq!(browser.open(link).await.heading(), "Set up the back office");

    let pid = house.id().expect("a process").to_string();
    let asked = std::process::Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
    assert!(asked.success());
    assert_eq!(house.wait().await.expect("it ends").code(), Some(0));
    let mut log = String::new();
    let mut stderr = house.stderr.take().expect("a log");
    tokio::io::AsyncReadExt::read_to_string(&mut stderr, &mut log).await.expect("text");
    assert!(log.contains("vestibule setup-link"), "{log}");
    assert!(!log.contains("token="), "a log is no terminal: {log}");
    let warned = log.lines().any(|line| line.contains("WARN") && line.contains("mail.smtp_url"));
    assert!(warned, "mail that goes nowhere is worth a warning: {log}");
}

/// What other programs take from the environment is not ours: nobody is told of anything.
#[tokio::test]
async fn without_an_address_for_traces_nobody_is_told_whatever_the_environment_says() {
    let folder = Empty::folder("untraced");
    let collector = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    collector.set_nonblocking(true).expect("a socket");
    let to = format!("http://{}", collector.local_addr().expect("an address"));
    let port =
        TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("it").port();
    let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
    let mut command = folder.command(&["serve"]);
    command.env("VESTIBULE__SERVER__LISTEN", &listen).env("VESTIBULE__SERVER__PUBLIC_URL", &url);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &to).env("OTEL_TRACES_SAMPLER", "always_on");
    let mut house = command.stderr(Stdio::null()).kill_on_drop(true).spawn().expect("it starts");
    wait_for(port).await;
    let browser = Browser::new(&Url::parse(&url).expect("a URL"));
    assert_eq!(browser.open("/back-office/login").await.status, 200);
    let pid = house.id().expect("a process").to_string();
    let asked = std::process::Command::new("kill").args(["-TERM", &pid]).status().expect("kill");
    assert!(asked.success());
    assert_eq!(house.wait().await.expect("it ends").code(), Some(0));
    let came = collector.accept().map(|(_, from)| from).map_err(|error| error.kind());
    assert_eq!(came, Err(std::io::ErrorKind::WouldBlock));
}

async fn wait_for(port: u16) {
    for _ in 0..600 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody listens on port {port}");
}
