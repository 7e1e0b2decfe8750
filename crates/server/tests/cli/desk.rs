//! A house, and a desk beside it where commands are typed.

use std::process::{Output, Stdio};

use serde_json::Value;
use server::config::Config;
use testkit::{Engine, House};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_vestibule");

/// A password that the policy takes.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A house that serves, and what reaches its data.
pub(crate) struct Desk {
    pub(crate) house: House,
    database: String,
}

impl Desk {
    pub(crate) async fn at(engine: Engine) -> Self {
        Self::with(engine, |_| {}).await
    }

    pub(crate) async fn with(engine: Engine, change: impl FnOnce(&mut Config)) -> Self {
        let mut database = String::new();
        let house = House::with(engine, |config| {
            config.passwords.argon2_memory_kib = 64;
            config.passwords.argon2_passes = 1;
            database = config.database.url.expose().to_owned();
            change(config);
        })
        .await;
        std::fs::write(house.folder().join("password"), format!("{PASSWORD}\n")).expect("a file");
        Self { house, database }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .current_dir(self.house.folder())
            .env("VESTIBULE__DATABASE__URL", &self.database)
            .env("VESTIBULE__KEYS__FILE", self.house.folder().join("vestibule.key"))
            .env("VESTIBULE__SERVER__PUBLIC_URL", self.house.url().as_str())
            .stdin(Stdio::null());
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.expect("the command runs")
    }

    /// With something on its standard input.
    pub(crate) async fn told(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command runs");
        let mut stdin = child.stdin.take().expect("its input");
        // A command that reads nothing may be gone already.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        child.wait_with_output().await.expect("it ends")
    }

    /// What the command answered as JSON.
    pub(crate) async fn ask(&self, arguments: &[&str]) -> Value {
        said(&self.run(&with_json(arguments)).await)
    }

    /// What the command answered to people.
    pub(crate) async fn read(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert!(output.status.success(), "{}", errors(&output));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Code and sentence of a refusal.
    pub(crate) async fn refused(&self, arguments: &[&str]) -> (String, String) {
        refusal(&self.run(&with_json(arguments)).await)
    }

    /// An active administrator with the password.
    pub(crate) async fn administrator(&self, email: &str) -> Value {
        let more = ["--group", "administrators", "--password-file", "password"];
        self.ask(&[&["users", "add", email][..], &more].concat()).await
    }
}

fn with_json<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--json"]].concat()
}

pub(crate) fn said(output: &Output) -> Value {
    assert!(output.status.success(), "{}", errors(output));
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

pub(crate) fn refusal(output: &Output) -> (String, String) {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "a failure says nothing on standard output");
    let said: Value = serde_json::from_slice(&output.stderr).expect("one JSON document");
    let text = |name: &str| said["error"][name].as_str().expect("text").to_owned();
    (text("code"), text("message"))
}

pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The names in an object, in alphabetical order.
pub(crate) fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        value.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
