//! `vestibule backup` and `restore`: a house comes back elsewhere, on either engine.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use testkit::Engine;
use testkit::browser::Browser;
use tokio::process::Command;
use url::Url;

use crate::desk::{BINARY, Desk, PASSWORD};

/// A command in a folder of its own, without a house: its status and what it said.
async fn elsewhere(folder: &std::path::Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(BINARY);
    let output = command.args(arguments).current_dir(folder).output().await.expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

async fn comes_back(engine: Engine) {
    let desk = Desk::at(engine).await;
    let words = ["users", "add", "grace@shop.test", "--password-file", "password"];
    desk.ask(&words).await;
    let told = desk.ask(&["backup", "house.backup"]).await;
    assert!(told["rows"].as_u64().is_some_and(|rows| rows > 5), "{told}");
    let file = desk.house.folder().join("house.backup");
    let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).expect("text");
    assert!(text.contains("grace@shop.test") && !text.contains(PASSWORD));
    let again = desk.run(&["backup", "house.backup"]).await;
    assert!(!again.status.success(), "a file that is there is never overwritten");
    assert_eq!(std::fs::read_to_string(&file).expect("text"), text);

    let folder = desk.house.folder().join("elsewhere");
    std::fs::create_dir(&folder).expect("a folder");
    let (done, said) = elsewhere(&folder, &["restore", "../house.backup"]).await;
    assert!(done && said.contains("put the key file") && said.contains("vestibule.key"), "{said}");
    let data = folder.join("vestibule-data");
    let (done, said) = elsewhere(&folder, &["users", "list"]).await;
    assert!(!done && said.contains("put its copy there"), "{said}");
    assert!(!data.join("vestibule.key").exists(), "no other key stands where it belongs");
    std::fs::copy(desk.house.folder().join("vestibule.key"), data.join("vestibule.key"))
        .expect("copied");
    let (done, users) = elsewhere(&folder, &["users", "list", "--json"]).await;
    let users: Value = serde_json::from_str(&users).expect("JSON");
    assert!(done && users["users"][0]["email"] == "grace@shop.test", "{users}");
    let (done, said) = elsewhere(&folder, &["restore", "../house.backup", "--json"]).await;
    assert!(!done && said.contains("not_empty"), "{said}");
    signs_in(&folder).await;
}

/// The restored house serves, and the password that was in the backup opens it.
async fn signs_in(folder: &std::path::Path) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let url = format!("http://{address}/");
    let mut command = Command::new(BINARY);
    let mut child = command
        .arg("serve")
        .current_dir(folder)
        .env("VESTIBULE__SERVER__LISTEN", address.to_string())
        .env("VESTIBULE__SERVER__PUBLIC_URL", &url)
        .kill_on_drop(true)
        .spawn()
        .expect("it runs");
    while tokio::net::TcpStream::connect(address).await.is_err() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let browser = Browser::new(&Url::parse(&url).expect("an address"));
    let form = browser.open("/back-office").await.form("/login");
    let form = form.with("email", "grace@shop.test").with("password", PASSWORD);
    let page = browser.submit(&form).await;
    assert!(browser.arrive(page).await.is_signed_in());
}

#[tokio::test]
async fn a_house_on_sqlite_comes_back_from_its_backup() {
    comes_back(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_house_on_postgres_comes_back_from_its_backup_on_sqlite() {
    if Engine::Postgres.is_wanted() {
        comes_back(Engine::Postgres).await;
    }
}

#[tokio::test]
async fn what_is_no_backup_is_not_restored() {
    let desk = Desk::at(Engine::Sqlite).await;
    let (done, said) = elsewhere(desk.house.folder(), &["restore", "password", "--json"]).await;
    assert!(!done && said.contains("not_a_backup") && said.contains("line 1"), "{said}");
}
