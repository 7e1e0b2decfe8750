//! `vestibule demo`: it says how to come in, lets people in, and leaves nothing behind.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use testkit::Browser;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use url::Url;

use crate::desk::BINARY;

/// A demo that is ready, and everything that it said.
struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: String,
}

impl Demo {
    async fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["demo", "--port", "0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the command runs");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut said = String::new();
        while let Some(line) = lines.next_line().await.expect("text") {
            said = said + &line + "\n";
            if line.contains("Ctrl-C") {
                break;
            }
        }
        Self { child, lines, said }
    }

    /// Like `start`, for one that cannot: what it says.
    async fn refused(arguments: &[&str]) -> String {
        let output = Command::new(BINARY).arg("demo").args(arguments).output().await;
        let output = output.expect("the command runs");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// What stands behind a word.
    fn fact(&self, name: &str) -> &str {
        let line = self.said.lines().find_map(|line| line.trim().strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.said)).trim()
    }

    /// The command that it advises, as words.
    fn advice(&self) -> Vec<&str> {
        let line = self.said.lines().find(|line| line.contains(" --config ")).expect("advice");
        line.split_whitespace().collect()
    }

    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("a process").to_string();
        let sent = Command::new("kill").args([name, &id]).status().await.expect("kill runs");
        assert!(sent.success());
    }

    /// Presses Ctrl-C, and waits for its end.
    async fn stop(mut self) {
        self.signal("-INT").await;
        let ended = self.child.wait().await.expect("it ends");
        assert!(ended.success(), "{ended}");
        while let Some(line) = self.lines.next_line().await.expect("text") {
            self.said = self.said + &line + "\n";
        }
    }
}

/// The credentials that it prints open the address that it prints, and its advice works as typed.
async fn is_as_it_says(demo: &Demo) {
    let url = Url::parse(demo.fact("Back office")).expect("an address");
    assert_eq!(url.host_str(), Some("127.0.0.1"));
    for part in ["Shop", "Vestibule  ", "Acme"] {
        let address = demo.fact(part).split_whitespace().next().expect("an address");
        let page = Browser::new(&Url::parse(address).expect("an address")).open("/").await;
        assert_eq!(page.status, 200, "{address}");
    }
    let (email, password) = (demo.fact("E-mail"), demo.fact("Password"));
    let browser = Browser::new(&url);
    let form = browser.open("/back-office").await.form("/login");
    let page = browser.submit(&form.with("email", email).with("password", password)).await;
    assert!(browser.arrive(page).await.is_signed_in());

    let advice = demo.advice();
    let output = Command::new(advice[0]).args(&advice[1..]).output().await.expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains(email), "{output:?}");
}

fn folder_of(demo: &Demo) -> PathBuf {
    let file = demo.advice().into_iter().find(|word| word.ends_with(".toml")).expect("a file");
    Path::new(file).parent().expect("a folder").to_owned()
}

#[tokio::test]
async fn the_demo_lets_people_in_and_leaves_nothing_behind() {
    let demo = Demo::start(&[]).await;
    is_as_it_says(&demo).await;
    let folder = folder_of(&demo);
    assert!(demo.said.contains("nothing is kept"), "{}", demo.said);
    assert!(folder.exists());
    demo.stop().await;
    assert!(!folder.exists(), "{}", folder.display());
}

#[tokio::test]
async fn a_demo_in_a_folder_of_its_own_says_that_it_is_kept_and_begins_again_there() {
    let name = format!("vestibule-kept-demo-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    for _ in 0..2 {
        let demo = Demo::start(&["--folder", folder.to_str().expect("text")]).await;
        is_as_it_says(&demo).await;
        let kept = format!("everything is kept in {}", folder.display());
        assert!(demo.said.contains(&kept) && !demo.said.contains("nothing"), "{}", demo.said);
        demo.stop().await;
        assert!(folder.exists());
    }
    let said = Demo::refused(&["--folder", folder.to_str().expect("text"), "--port", "1"]).await;
    assert!(said.contains("was made for port"), "{said}");
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// Each part by its own name: what stops one is rarely what stops another.
#[tokio::test]
async fn a_part_whose_port_is_taken_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let taken = taken.local_addr().expect("an address").port();
    for (part, before) in [("Vestibule", 0), ("Acme", 1), ("the shop", 2)] {
        let said = Demo::refused(&["--port", &(taken - before).to_string()]).await;
        let sentence = format!("cannot listen on 127.0.0.1:{taken} for {part}");
        assert!(said.contains(&sentence) && said.contains("--port 9480"), "{said}");
    }
    assert!(Demo::refused(&["--port", "65535"]).await.contains("too high"));
}

#[tokio::test]
async fn a_request_that_is_under_way_at_a_stop_is_answered() {
    let mut demo = Demo::start(&[]).await;
    let url = Url::parse(demo.fact("Back office")).expect("an address");
    let address = ("127.0.0.1", url.port().expect("a port"));
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: \
                application/x-www-form-urlencoded\r\nContent-Length: 18\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    // Whoever asks for the body has taken the request up.
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).await.expect("an answer");
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    demo.signal("-TERM").await;
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stream.write_all(b"grant_type=unknown").await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401") || answer.starts_with("HTTP/1.1 400"), "{answer}");
    let ended = demo.child.wait().await.expect("it ends");
    assert!(ended.success(), "{ended}");
}
