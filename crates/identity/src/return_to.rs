//! Where a sign-in goes back to: our own paths, or an origin that is registered.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Position, Url};

/// Longer targets are no places that somebody was at; they are attempts at something.
const MAX_LENGTH: usize = 2048;

/// Scheme, host and port (RFC 6454), as text: `https://shop.example`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Origin(String);

/// Why a text is no origin that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// More or less than an origin.
    #[error(
        "an origin is a scheme, a host and, if need be, a port, like https://shop.example; leave \
         out the path, the user and everything else"
    )]
    Shape,
    /// Plain http over a network.
    #[error("an origin begins with https://; http:// is only for localhost and 127.0.0.1")]
    NotHttps,
}

impl Origin {
    /// Checks what an operator typed; a final slash is forgiven.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let text = text.trim();
        let url = Url::parse(text).map_err(|_| OriginError::Shape)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || text.contains('@') || text.contains('\\') {
            return Err(OriginError::Shape);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(OriginError::NotHttps),
            _ => return Err(OriginError::Shape),
        }
        Ok(Self::of(&url))
    }

    /// The text, without a final slash and without the scheme's own port.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(url: &Url) -> Self {
        Self(url.origin().ascii_serialization())
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        Self::parse(&text)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// A place that a sign-in may go back to; safe to put into a `Location` header.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// The target, if it is a path of ours or a URL of a registered origin; none for anything
    /// else, so that the caller goes to its default (RFC 9700 section 4.11).
    ///
    /// What comes out is the target as it was checked, with dot segments resolved; it is not the
    /// text that came in, so no second reading of it can mean something else.
    pub fn parse(text: &str, origins: &[Origin]) -> Option<Self> {
        if text.len() > MAX_LENGTH || !is_plain(text) {
            return None;
        }
        let target = if text.starts_with('/') { path(text) } else { elsewhere(text, origins) }?;
        (target.len() <= MAX_LENGTH).then_some(Self(target))
    }

    /// As the database gives it.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A path that begins with `/`, or an absolute URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Visible ASCII without a backslash, which browsers read as a slash, and without an encoded
/// control character, which a careless server in between may write into a header.
fn is_plain(text: &str) -> bool {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let encoded_control = text
        .as_bytes()
        .windows(3)
        .any(|three| matches!(three, [b'%', b'0' | b'1', _] | [b'%', b'7', b'f' | b'F']));
    visible && !encoded_control
}

fn path(text: &str) -> Option<String> {
    if text.starts_with("//") {
        return None;
    }
    // The host only serves to resolve the path as a browser does.
    let url = Url::parse("https://here.invalid/").ok()?.join(text).ok()?;
    let after_slash = url.path().strip_prefix('/')?.to_ascii_lowercase();
    let second_slash = ["/", "%2f", "%5c"].iter().any(|slash| after_slash.starts_with(slash));
    (!second_slash).then(|| url[Position::BeforePath..].to_owned())
}

fn elsewhere(text: &str, origins: &[Origin]) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let url = Url::parse(text).ok()?;
    let registered = origins.contains(&Origin::of(&url));
    (registered && !authority.contains('@')).then(|| url.to_string())
}

#[cfg(test)]
mod tests;
