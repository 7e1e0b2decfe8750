//! An operator who types commands beside a house that serves.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use testkit::provider::{CLIENT_ID, CLIENT_SECRET};
use testkit::{Engine, FakeProvider, House};
use tokio::process::Command;

/// A house, a provider, and a file `secret` with the provider's client secret.
pub(crate) struct Operator {
    pub(crate) house: House,
    pub(crate) provider: FakeProvider,
}

impl Operator {
    pub(crate) async fn arrive() -> Self {
        let house = House::start(Engine::Sqlite).await;
        let provider = FakeProvider::start(house.clock.clone()).await;
        let operator = Self { house, provider };
        operator.write("secret", CLIENT_SECRET);
        operator
    }

    /// With a provider that the house knows by the key `corp`; strangers get an account.
    pub(crate) async fn connected() -> Self {
        let operator = Self::arrive().await;
        operator.house.connect(&operator.provider).await;
        operator
    }

    pub(crate) fn folder(&self) -> &Path {
        self.house.folder()
    }

    /// A file beside the house, with one line.
    pub(crate) fn write(&self, name: &str, line: &str) {
        std::fs::write(self.folder().join(name), format!("{line}\n")).expect("a file");
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let database = format!("sqlite:{}", self.folder().join("vestibule.db").display());
        Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(arguments)
            .current_dir(self.folder())
            .env("VESTIBULE__DATABASE__URL", database)
            .env("VESTIBULE__KEYS__FILE", self.folder().join("vestibule.key"))
            .env("VESTIBULE__SERVER__PUBLIC_URL", self.house.url().as_str())
            // A proxy that the environment names must not see what goes to providers.
            .env("http_proxy", "http://127.0.0.1:9")
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("ALL_PROXY", "http://127.0.0.1:9")
            .output()
            .await
            .expect("the command runs")
    }

    /// `vestibule providers …`, and what it answers as JSON. The house knows of it afterwards.
    pub(crate) async fn ask(&self, arguments: &[&str]) -> Value {
        let answer = said(&self.run(&[&["providers"], arguments, &["--json"]].concat()).await);
        self.house.learn().await;
        answer
    }

    /// `vestibule providers …`, and its refusal: code and sentence.
    pub(crate) async fn refused(&self, arguments: &[&str]) -> (String, String) {
        refused(&self.run(&[&["providers"], arguments, &["--json"]].concat()).await)
    }

    pub(crate) async fn add(&self, more: &[&str]) -> Output {
        let (issuer, host) = (self.provider.issuer(), self.provider.host());
        let mut arguments = vec![
            "providers",
            "add",
            "--json",
            "--name",
            "Corp",
            "--issuer",
            &issuer,
            "--client-id",
            CLIENT_ID,
            "--client-secret-file",
            "secret",
            "--application",
            "back-office",
            "--allow-private",
            &host,
        ];
        arguments.extend(more);
        self.run(&arguments).await
    }
}

pub(crate) fn said(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

pub(crate) fn refused(output: &Output) -> (String, String) {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stderr).expect("one JSON document");
    let text = |name: &str| said["error"][name].as_str().expect("text").to_owned();
    (text("code"), text("message"))
}
