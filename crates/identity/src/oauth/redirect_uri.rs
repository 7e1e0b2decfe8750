//! Redirect URIs: which may be registered, and which presented one is a registered one.

use url::{Host, Url};

use crate::oauth::clients::ClientKind;

#[cfg(test)]
mod tests;

/// Longest URI that may be registered, in bytes.
const MAX_URI: usize = 2048;

/// The only hosts whose redirect URIs may have another port than the registered one (RFC 8252
/// section 7.3). `localhost` is not among them: it is a name, and names can be made to lead
/// elsewhere (section 8.3).
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// Why a URI cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriFault {
    /// No scheme, no host, or no URI at all.
    #[error("\"{0}\" is not an absolute URI; write it whole, as in https://shop.example/callback")]
    NotAbsolute(String),
    /// Nobody needs that much.
    #[error("a URI has more than {MAX_URI} bytes; register a shorter one")]
    TooLong,
    /// A browser would go to a text that differs from what was compared.
    #[error("\"{given}\" is read by browsers as \"{read}\"; register it as they read it")]
    NotAsBrowsersReadIt {
        /// As it was given.
        given: String,
        /// As a browser reads it.
        read: String,
    },
    /// RFC 6749 section 3.1.2.
    #[error("\"{0}\" has a fragment; leave out everything from \"#\" on")]
    Fragment(String),
    /// What is in front of `@` names nobody, and misleads readers.
    #[error("\"{0}\" has a user name or \"@\" in front of its host; leave it out")]
    UserInfo(String),
    /// RFC 9700 section 4.1.1.
    #[error("\"{0}\" has a wildcard; register every URI that is used, each as it is sent")]
    Wildcard(String),
    /// Two spellings of one place.
    #[error("\"{0}\" has \".\" or \"..\" in its path, as it is or encoded; write the path out")]
    DotSegment(String),
    /// Anybody on the way could read the code.
    #[error(
        "\"{0}\" is not https; plain http is only for 127.0.0.1, [::1] and localhost on the \
         person's own machine"
    )]
    NotHttps(String),
    /// RFC 8252 section 7.1: the scheme is a domain of the app's maker, backwards.
    #[error(
        "the scheme of \"{0}\" is not one that an app may claim; use https, or a domain of yours \
         backwards, as in com.example.app:/callback"
    )]
    Scheme(String),
    /// A server has an address of its own.
    #[error(
        "\"{0}\" leads to an app on a device, which cannot keep a secret; register a public \
             client for it, or use https"
    )]
    AppOfConfidential(String),
}

/// Whether codes and browsers may be sent there: an https address, plain http on the person's own
/// machine, or, for public clients, an app's own scheme.
pub fn check(text: &str, kind: ClientKind) -> Result<(), UriFault> {
    let url = read(text)?;
    match url.scheme() {
        "https" => Ok(()),
        "http" => is_loopback(&url).then_some(()).ok_or_else(|| UriFault::NotHttps(text.into())),
        scheme => {
            let of_an_app = scheme.contains('.') && text[scheme.len()..].starts_with(":/");
            match (of_an_app, kind) {
                (false, _) => Err(UriFault::Scheme(text.into())),
                (true, ClientKind::Confidential) => Err(UriFault::AppOfConfidential(text.into())),
                (true, ClientKind::Public) => Ok(()),
            }
        }
    }
}

/// Whether we may send something there ourselves: https, or plain http on our own machine.
pub fn check_endpoint(text: &str) -> Result<(), UriFault> {
    let url = read(text)?;
    if url.scheme() == "https" || is_loopback(&url) {
        Ok(())
    } else {
        Err(UriFault::NotHttps(text.into()))
    }
}

/// Whether `presented` is one of the registered URIs: the same string, to the byte (RFC 9700
/// section 2.1). The only exception is the port of a loopback address, which an app on the
/// person's machine is given by its system (RFC 8252 section 7.3).
pub fn matches(registered: &[String], presented: &str) -> bool {
    let without_port = loopback(presented);
    registered
        .iter()
        .any(|one| one == presented || (without_port.is_some() && loopback(one) == without_port))
}

/// Rules that hold for every kind.
fn read(text: &str) -> Result<Url, UriFault> {
    if text.len() > MAX_URI {
        return Err(UriFault::TooLong);
    }
    let given = || text.to_owned();
    let url = Url::parse(text).map_err(|_| UriFault::NotAbsolute(given()))?;
    if text.contains('#') {
        return Err(UriFault::Fragment(given()));
    }
    if text.contains('*') {
        return Err(UriFault::Wildcard(given()));
    }
    let (path, before_path) = path_of(text);
    if path.split('/').any(is_dot_segment) {
        return Err(UriFault::DotSegment(given()));
    }
    if before_path.contains('@') {
        return Err(UriFault::UserInfo(given()));
    }
    // `https://shop.example` without its last slash is what many clients send.
    if url.as_str() != text && url.as_str().strip_suffix('/') != Some(text) {
        return Err(UriFault::NotAsBrowsersReadIt { given: given(), read: url.into() });
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err(UriFault::NotAbsolute(given()));
    }
    Ok(url)
}

/// The path as it is written, and what stands before it. A parser would have tidied both.
fn path_of(text: &str) -> (&str, &str) {
    let before_query = text.split('?').next().unwrap_or(text);
    let after_scheme = before_query.find(':').map_or(0, |colon| colon + 1);
    let rest = &before_query[after_scheme..];
    let start = match rest.strip_prefix("//") {
        Some(rest) => after_scheme + 2 + rest.find(['/', '\\']).unwrap_or(rest.len()),
        None => after_scheme,
    };
    (&before_query[start..], &before_query[..start])
}

fn is_dot_segment(segment: &str) -> bool {
    let segment = segment.to_ascii_lowercase().replace("%2e", ".");
    segment.split('\\').any(|part| part == "." || part == "..")
}

fn is_loopback(url: &Url) -> bool {
    url.scheme() == "http"
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.octets() == [127, 0, 0, 1],
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// A loopback address without its port: what stands before the port, and behind it.
fn loopback(text: &str) -> Option<(&str, &str)> {
    let host = LOOPBACK.into_iter().find(|host| text.starts_with(host))?;
    let rest = &text[host.len()..];
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(rest) => {
            let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            // No port is 0, and none has a zero in front.
            let port = rest[..end].parse::<u16>().ok().filter(|_| !rest.starts_with('0'));
            port.map(|_| &rest[end..])?
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}
