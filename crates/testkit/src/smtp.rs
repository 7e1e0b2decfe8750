//! A mail server that keeps what it gets, on loopback, without encryption.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

/// How long a test waits for mail before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A mail as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Of the envelope.
    pub from: String,
    /// Of the envelope.
    pub to: Vec<String>,
    /// Headers and text, as they were sent.
    pub data: String,
}

/// The server, running until it is dropped.
pub struct MailServer {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
    task: Option<JoinHandle<()>>,
}

impl MailServer {
    /// Starts on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut server = Self { address, mails: Arc::default(), task: None };
        server.accept(listener);
        server
    }

    /// For `mail.smtp_url`.
    pub fn url(&self) -> Url {
        Url::parse(&format!("smtp://{}", self.address)).expect("a URL")
    }

    /// Nobody answers at its address any more.
    pub async fn down(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // Ends as aborted; only then is the port free.
            let _ = task.await;
        }
    }

    /// Answers again, at the same address.
    pub async fn up(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the old port");
        self.accept(listener);
    }

    /// Everything that came in so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The mail number `count`, counted from 1, as soon as it is there.
    pub async fn wait_for(&self, count: usize) -> Mail {
        let arrived = async {
            loop {
                if let Some(mail) = self.mails().get(count - 1) {
                    return mail.clone();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, arrived).await;
        waited.unwrap_or_else(|_| panic!("mail {count} never came: {:?}", self.mails()))
    }

    fn accept(&mut self, listener: TcpListener) {
        let mails = Arc::clone(&self.mails);
        self.task = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let mails = Arc::clone(&mails);
                tokio::spawn(async move {
                    // A client that hangs up has sent nothing.
                    let _ = talk(stream, &mails).await;
                });
            }
        }));
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Mail {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (headers, _) = self.data.split_once("\n\n").unwrap_or((&self.data, ""));
        headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// What it says.
    pub fn text(&self) -> String {
        let text = self.data.split_once("\n\n").map_or("", |(_, text)| text);
        match self.header("Content-Transfer-Encoding") {
            Some("quoted-printable") => decoded(text),
            _ => text.to_owned(),
        }
    }

    /// The only address to click on.
    pub fn link(&self) -> Url {
        let text = self.text();
        let found: Vec<_> =
            text.split_whitespace().filter(|word| word.starts_with("http")).collect();
        assert_eq!(found.len(), 1, "one link in {text}");
        Url::parse(found[0]).expect("a URL")
    }
}

/// Quoted-printable (RFC 2045 section 6.7) read back.
fn decoded(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut parts = joined.split('=');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).expect("two digits");
        bytes.push(u8::from_str_radix(code, 16).expect("hexadecimal digits"));
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// As much of RFC 5321 as a client needs to be content.
async fn talk(stream: TcpStream, mails: &Mutex<Vec<Mail>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut mail = Mail { from: String::new(), to: Vec::new(), data: String::new() };
    write.write_all(b"220 mail.test\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let answer: &[u8] = match line.get(..4).unwrap_or("").to_ascii_uppercase().as_str() {
            "EHLO" => b"250-mail.test\r\n250 8BITMIME\r\n",
            "MAIL" => {
                mail.from = address(&line);
                b"250 go on\r\n"
            }
            "RCPT" => {
                mail.to.push(address(&line));
                b"250 go on\r\n"
            }
            "DATA" => {
                write.write_all(b"354 until a dot\r\n").await?;
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail.data.push_str(line.strip_prefix('.').unwrap_or(&line));
                    mail.data.push('\n');
                }
                mails.lock().unwrap_or_else(PoisonError::into_inner).push(mail.clone());
                b"250 kept\r\n"
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"250 as you say\r\n",
        };
        write.write_all(answer).await?;
    }
    Ok(())
}

fn address(line: &str) -> String {
    let (_, rest) = line.split_once('<').unwrap_or_default();
    rest.split('>').next().unwrap_or_default().to_owned()
}
