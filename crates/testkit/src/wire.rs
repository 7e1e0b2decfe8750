//! HTTP/1.1 over one connection, cheap enough to put a house under load, and honest about failure.

use crate::browser::is_called;
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use url::form_urlencoded;

use crate::html;

/// Longest body that is read, in bytes.
const LONGEST_BODY: usize = 1024 * 1024;

/// A connection that stays open from request to request.
///
/// Unlike a [`crate::Browser`] it does not panic when the other side goes away: whoever kills
/// servers wants to know which answers still came.
#[derive(Debug)]
pub struct Wire {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The page.
    pub body: String,
}

impl Wire {
    /// Connects.
    pub async fn connect(host: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), host })
    }

    /// GET, with a `Cookie` header as it stands.
    pub async fn get(&mut self, path: &str, cookies: &str) -> io::Result<Answer> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: {cookies}\r\nuser-agent: wire\r\n\r\n",
            self.host
        );
        self.send(&request).await
    }

    /// POST of a form, as from a page of the same site.
    pub async fn post(
        &mut self,
        path: &str,
        cookies: &str,
        fields: &[(&str, &str)],
    ) -> io::Result<Answer> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncookie: {cookies}\r\nuser-agent: wire\r\n\
             sec-fetch-site: same-origin\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{form}",
            self.host,
            form.len()
        );
        self.send(&request).await
    }

    async fn send(&mut self, request: &str) -> io::Result<Answer> {
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let first = self.line().await?;
        let status = first.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.ok_or_else(|| broken("no status line"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| broken("no header"))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: String::new() };
        let length = answer.header("content-length").and_then(|text| text.parse().ok());
        let length: usize = length.ok_or_else(|| broken("a body without a length"))?;
        if length > LONGEST_BODY {
            return Err(broken("a body that is too long"));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        answer.body = String::from_utf8(body).map_err(|_| broken("a body that is no UTF-8"))?;
        Ok(answer)
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Answer {
    /// The first header of that name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// `NAME=VALUE` of the cookie that is set and whose name contains `part`.
    pub fn cookie(&self, part: &str) -> Option<String> {
        let set = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        set.filter_map(|(_, line)| line.split(';').next())
            .find(|pair| pair.split('=').next().is_some_and(|name| is_called(name, part)))
            .map(str::to_owned)
    }

    /// The value of a field of the page's form.
    pub fn field(&self, name: &str) -> Option<String> {
        let tags = html::tags(&self.body, "input");
        let tag = tags.iter().find(|tag| html::attribute(tag, "name").as_deref() == Some(name))?;
        html::attribute(tag, "value")
    }

    /// The stable code of why this is not what was asked for.
    pub fn reason(&self) -> Option<String> {
        html::attribute(&self.body, "data-reason")
    }

    /// Whether somebody is signed in on it.
    pub fn is_signed_in(&self) -> bool {
        self.status == 200 && self.body.contains("Signed in as")
    }
}
