//! The way out: one connection per mail, encrypted as the operator says.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use identity::email::Email;
use identity::ids::MailId;
use identity::time::Moment;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use url::Url;

use crate::config::{ConfigError, MailConfig, read_secret};

/// Longest wait for one answer of the mail server.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Longest for one mail in all.
pub const SEND_LIMIT: Duration = Duration::from_secs(20);

/// RFC 3834: no out-of-office message shall answer ours.
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// Why mail cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum MailSetupError {
    /// The sender is no address.
    #[error("mail.from: \"{0}\" is no sender; write it like: Shop <noreply@shop.example>")]
    From(String),
    /// The server's address makes no sense.
    #[error(
        "mail.smtp_url: this is no mail server; write smtps://HOST:465, \
         smtp://HOST:587?tls=required or smtp://HOST:PORT, without a path"
    )]
    Url,
    /// User name and password are in the wrong place.
    #[error(
        "mail.smtp_url: leave user name and password out of the address; set mail.username and \
         mail.password_file"
    )]
    Credentials,
    /// Mail that would be read on the way.
    #[error(
        "mail.smtp_url: mail goes out encrypted; use smtps:// or add ?tls=required (a plain \
         smtp:// is for a mail server on this machine alone)"
    )]
    Plain,
    /// One without the other.
    #[error("mail.username and mail.password_file belong together; set both, or neither")]
    Half,
    /// The password's file cannot be read.
    #[error("mail.password_file: {0}")]
    Password(ConfigError),
    /// A password that would be read on the way.
    #[error("mail.smtp_url: a password is only sent encrypted; use smtps:// or add ?tls=required")]
    PlainPassword,
}

/// Why one mail was not sent; it stays in the queue.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The mail server cannot be reached, or does not take it.
    #[error("the mail server does not take us: {0}")]
    Refused(#[from] lettre::transport::smtp::Error),
    /// It takes too long.
    #[error("the mail server takes too long")]
    TooSlow,
    /// It takes the connection and then says nothing good.
    #[error("the mail server takes the connection and then does not answer")]
    Silent,
    /// The stored address or our own is none that mail can go to.
    #[error("the mail cannot be written: {0}")]
    Message(String),
}

/// A mail in plain words.
#[derive(Debug)]
pub struct Outgoing {
    /// To whom; always an address that is stored.
    pub to: Email,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// A mail server, ready to be used.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// As configured; none when there is no mail server, and then mail waits in the queue.
    pub fn new(config: &MailConfig) -> Result<Option<Self>, MailSetupError> {
        let from: Mailbox =
            config.from.parse().map_err(|_| MailSetupError::From(config.from.clone()))?;
        let Some(url) = &config.smtp_url else { return Ok(None) };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(MailSetupError::Credentials);
        }
        if url.host_str().is_none_or(str::is_empty) || !matches!(url.path(), "" | "/") {
            return Err(MailSetupError::Url);
        }
        let encrypted = match (url.scheme(), url.query()) {
            // The links in mails are worth an account: nobody on the way may read them.
            ("smtp", None) if !is_loopback(url) => return Err(MailSetupError::Plain),
            ("smtp", None) => false,
            ("smtp", Some("tls=required")) | ("smtps", None) => true,
            _ => return Err(MailSetupError::Url),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
            .map_err(|_| MailSetupError::Url)?
            .timeout(Some(ANSWER_LIMIT));
        match (&config.username, &config.password_file) {
            (None, None) => {}
            (Some(_), Some(_)) if !encrypted => return Err(MailSetupError::PlainPassword),
            (Some(name), Some(file)) => {
                let password = read_secret(file).map_err(MailSetupError::Password)?;
                let password = password.expose().to_owned();
                builder = builder.credentials(Credentials::new(name.clone(), password));
            }
            _ => return Err(MailSetupError::Half),
        }
        Ok(Some(Self { transport: builder.build(), from }))
    }

    /// Whether the mail server takes us: connection, encryption and password, and no mail.
    pub async fn try_connection(&self) -> Result<(), SendError> {
        match tokio::time::timeout(SEND_LIMIT, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(SendError::Silent),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(SendError::TooSlow),
        }
    }

    /// Sends one mail.
    pub async fn send(&self, id: &MailId, mail: &Outgoing, now: Moment) -> Result<(), SendError> {
        let message = message(&self.from, id, mail, now)?;
        match tokio::time::timeout(SEND_LIMIT, self.transport.send(message)).await {
            Ok(sent) => Ok(sent.map(|_| ())?),
            Err(_) => Err(SendError::TooSlow),
        }
    }
}

/// Whether the mail server is on this machine.
fn is_loopback(url: &Url) -> bool {
    match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
        Some("localhost") => true,
        Some(host) => host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

fn message(
    from: &Mailbox,
    id: &MailId,
    mail: &Outgoing,
    now: Moment,
) -> Result<Message, SendError> {
    let written = |error: &dyn std::fmt::Display| SendError::Message(error.to_string());
    // The domain as A-labels: every mail server knows those.
    let (local, _) = mail.to.as_typed().rsplit_once('@').unwrap_or_default();
    let to = Address::new(local, mail.to.domain()).map_err(|error| written(&error))?;
    let micros = u64::try_from(now.micros()).unwrap_or(0);
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(one_line(&mail.subject))
        .date(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .raw_header(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()))
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.text.clone()))
        .map_err(|error| written(&error))
}

/// Without anything that could end a header line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> MailConfig {
        MailConfig { smtp_url: Some(Url::parse(url).expect("url")), ..MailConfig::default() }
    }

    fn mail(to: &str, subject: &str, text: &str) -> String {
        let mail = Outgoing {
            to: Email::parse(to).expect("address"),
            subject: subject.to_owned(),
            text: text.to_owned(),
        };
        let from: Mailbox = MailConfig::default().from.parse().expect("sender");
        let id = MailId::from_stored("1");
        let message = message(&from, &id, &mail, Moment::from_seconds(0)).expect("message");
        String::from_utf8(message.formatted()).expect("UTF-8")
    }

    #[test]
    fn servers_are_written_in_one_of_three_ways() {
        for good in [
            "smtp://127.0.0.1:2525",
            "smtp://mail.example:587?tls=required",
            "smtps://mail.example",
        ] {
            assert!(matches!(Smtp::new(&config(good)), Ok(Some(_))), "{good}");
        }
        for bad in [
            "http://mail.example",
            "smtp://mail.example?tls=opportunistic",
            "smtp://mail.example?tls=none",
            "smtp://mail.example/name",
            "smtps://mail.example?tls=required",
        ] {
            assert!(matches!(Smtp::new(&config(bad)), Err(MailSetupError::Url)), "{bad}");
        }
        for plain in ["smtp://mail.example:25", "smtp://10.0.0.1:25", "smtp://localhost.example"] {
            assert!(matches!(Smtp::new(&config(plain)), Err(MailSetupError::Plain)), "{plain}");
        }
        for own in ["smtp://localhost:25", "smtp://[::1]:25"] {
            assert!(matches!(Smtp::new(&config(own)), Ok(Some(_))), "{own}");
        }
        let within = config("smtp://me:secret@mail.example?tls=required");
        assert!(matches!(Smtp::new(&within), Err(MailSetupError::Credentials)));
        assert!(matches!(Smtp::new(&MailConfig::default()), Ok(None)));
    }

    #[test]
    fn a_password_never_goes_over_a_plain_connection() {
        let with = |url: &str| MailConfig {
            username: Some("me".to_owned()),
            password_file: Some("/nowhere".into()),
            ..config(url)
        };
        let plain = Smtp::new(&with("smtp://127.0.0.1:2525"));
        assert!(matches!(plain, Err(MailSetupError::PlainPassword)));
        let encrypted = Smtp::new(&with("smtp://mail.example?tls=required"));
        assert!(matches!(encrypted, Err(MailSetupError::Password(_))));
        let half = MailConfig { password_file: None, ..with("smtps://mail.example") };
        assert!(matches!(Smtp::new(&half), Err(MailSetupError::Half)));
    }

    #[test]
    fn nothing_in_a_mail_can_add_a_header() {
        let text = mail("eve@shop.example", "New\r\nBcc: all@shop.example", "a\r\n.\r\nb");
        let (headers, _) = text.split_once("\r\n\r\n").expect("headers");
        assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{headers}");
        for bad in ["eve\r\n@shop.example", "<eve>@shop.example", "eve@shop.example\r\nX: y"] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_mail_is_plain_text_to_an_address_that_every_server_knows() {
        let text = mail("ada@bücher.example", "Grüße", "Guten Tag, schöne Grüße");
        assert!(text.contains("To: ada@xn--bcher-kva.example\r\n"), "{text}");
        assert!(text.contains("Content-Type: text/plain; charset=utf-8\r\n"), "{text}");
        assert!(text.contains("Auto-Submitted: auto-generated\r\n"), "{text}");
        assert!(text.contains("Message-ID: <1@localhost>\r\n"), "{text}");
    }
}
