//! The question of a reverse proxy: which host and path it is about, and what the answer may say.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::applications::ApplicationKey;
use crate::return_to::{Origin, ReturnTo};
use crate::sessions::{AdmitRefusal, Session};
use crate::time::Moment;
use crate::users::{EmailStanding, User};

/// Life of a ticket: the time of one redirect.
pub const TICKET_LIFE: Duration = Duration::from_secs(60);

/// Life of the token that goes to the application behind the proxy.
pub const TOKEN_LIFE: Duration = Duration::from_secs(60);

/// `typ` of that token: it can be taken for no other kind (RFC 8725 section 3.11).
pub const TOKEN_TYP: &str = "vestibule-proxy+jwt";

/// Where every protected host leads to us.
pub const PREFIX: &str = "/.vestibule/";

/// Most times that anything of a path is encoded over again; more is nobody's file name.
const MOST_DECODED: usize = 8;

/// Longest return target that is carried through the login. It is encoded twice on its way, and
/// targets of more than 2048 characters are not followed.
const LONGEST_RETURN: usize = 600;

/// A host in front of which a proxy asks us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedHost {
    /// What browsers call it.
    pub origin: Origin,
    /// Whose door it is.
    pub application: ApplicationKey,
}

impl ProtectedHost {
    /// Host, and port where it is not the scheme's own: what `Host` says of it.
    pub fn authority(&self) -> &str {
        authority_of(&self.origin)
    }
}

/// Host and port of an origin, as `Host` says it.
pub fn authority_of(origin: &Origin) -> &str {
    let text = origin.as_str();
    text.split_once("://").map_or(text, |(_, authority)| authority)
}

/// Headers that tell about the request that a proxy asks about; read only from a trusted one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told<'a> {
    /// `X-Forwarded-Host`.
    pub forwarded_host: Option<&'a str>,
    /// `X-Forwarded-Uri`: path and query.
    pub forwarded_uri: Option<&'a str>,
    /// `X-Forwarded-Method`.
    pub forwarded_method: Option<&'a str>,
    /// `X-Original-URL`: the whole address.
    pub original_url: Option<&'a str>,
    /// `X-Original-Method`.
    pub original_method: Option<&'a str>,
}

/// The request that a proxy asks about, as far as it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Host and port, in lower case.
    pub authority: Option<String>,
    /// Path and query, exactly as the browser sent them.
    pub target: Option<String>,
    /// The method.
    pub method: Option<String>,
}

/// Why a request is refused whoever sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Odd {
    /// Two headers tell different things: one of them came from the visitor.
    Contradiction,
    /// No host and port.
    Host,
    /// A path that another server may read differently than the one that checked it.
    Path,
}

impl Odd {
    /// Stable name, in the answer and in tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Contradiction => "contradiction",
            Self::Host => "odd_host",
            Self::Path => "odd_path",
        }
    }
}

impl Asked {
    /// Puts together what the headers tell.
    pub fn read(told: Told<'_>) -> Result<Self, Odd> {
        let (original_host, original_target) = match told.original_url {
            None => (None, None),
            Some(url) => split(url)?,
        };
        let authority = [told.forwarded_host, original_host]
            .into_iter()
            .flatten()
            .map(|text| authority(text).ok_or(Odd::Host));
        let target = [told.forwarded_uri, original_target]
            .into_iter()
            .flatten()
            .map(|text| is_plain_target(text).then(|| text.to_owned()).ok_or(Odd::Path));
        let method = [told.forwarded_method, told.original_method].into_iter().flatten();
        Ok(Self {
            authority: agreed(authority)?,
            target: agreed(target)?,
            method: agreed(method.map(|text| Ok(text.to_owned())))?,
        })
    }

    /// Whether a person waits for a page (Fetch Metadata; older browsers tell by `Accept`), so
    /// that the login may be shown instead. Anything else would follow a redirect into nowhere.
    pub fn is_navigation(&self, fetch_mode: Option<&str>, accept: Option<&str>) -> bool {
        let reads = self.method.as_deref().is_none_or(|method| matches!(method, "GET" | "HEAD"));
        let waits = match fetch_mode {
            Some(mode) => mode == "navigate",
            None => accept.is_some_and(|accept| accept.contains("text/html")),
        };
        reads && waits
    }
}

/// What several headers say, if they say the same.
fn agreed(said: impl Iterator<Item = Result<String, Odd>>) -> Result<Option<String>, Odd> {
    let mut agreed = None;
    for one in said {
        let one = one?;
        match &agreed {
            Some(before) if *before != one => return Err(Odd::Contradiction),
            _ => agreed = Some(one),
        }
    }
    Ok(agreed)
}

/// Host and target of an absolute address. Not parsed as an address: that would resolve the very
/// oddities that are looked for.
fn split(url: &str) -> Result<(Option<&str>, Option<&str>), Odd> {
    if url.starts_with('/') {
        return Ok((None, Some(url)));
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let rest = rest.ok_or(Odd::Host)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, target) = rest.split_at(end);
    Ok((Some(host), Some(if target.is_empty() { "/" } else { target })))
}

/// Host and port as they are registered: lower case, without the port that a scheme has anyway.
pub fn authority(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let bare = lower.strip_suffix(":443").or_else(|| lower.strip_suffix(":80")).unwrap_or(&lower);
    let plain = bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte));
    (plain && !bare.is_empty() && bare.len() <= 260).then(|| bare.to_owned())
}

/// Whether every server reads the path alike: visible ASCII, no dot segments, empty segments,
/// path parameters or encoded separators, however often they are encoded.
pub fn is_plain_target(target: &str) -> bool {
    let visible = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    let path = target.split('?').next().unwrap_or_default();
    if !visible || !path.starts_with('/') || !is_well_encoded(path) {
        return false;
    }
    let mut path = path.to_owned();
    // Whoever reads it next may decode it once more than whoever reads it now.
    for _ in 0..MOST_DECODED {
        if is_ambiguous(&path.to_ascii_lowercase()) {
            return false;
        }
        match decoded(&path) {
            // What is no UTF-8 is read as something else by whoever is lenient, such as %c0%ae.
            None => return false,
            Some(next) if next == path => return true,
            Some(next) => path = next,
        }
    }
    false
}

/// With everything decoded once that is percent-encoded; none when that is no UTF-8. A percent
/// sign that encodes nothing stays.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let digits = digits.filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let value = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match value.filter(|_| *first == b'%') {
            Some(value) => {
                bytes.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn is_well_encoded(path: &str) -> bool {
    path.split('%')
        .skip(1)
        .all(|after| after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

/// `path` in lower case.
fn is_ambiguous(path: &str) -> bool {
    const ODD: [&str; 6] = ["//", "\\", ";", "%2f", "%5c", "%3b"];
    // Control characters: %00 to %1f, and %7f.
    let control = path
        .as_bytes()
        .windows(3)
        .any(|three| matches!(three, [b'%', b'0' | b'1', _] | [b'%', b'7', b'f']));
    let dotted = path.replace("%2e", ".");
    control
        || ODD.iter().any(|odd| path.contains(odd))
        || dotted.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// Where on the protected host to go after the login: a path there, and none of ours.
pub fn return_target(text: &str) -> String {
    let target = ReturnTo::parse(text, &[]).map(|target| target.to_string());
    target
        .filter(|target| target.starts_with('/') && target.len() <= LONGEST_RETURN)
        .filter(|target| !target.starts_with(PREFIX))
        .unwrap_or_else(|| "/".to_owned())
}

/// What somebody who is not admitted is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Nobody is signed in: 401.
    SignIn,
    /// Somebody is, but not as this door wants it; signing in again can help: 403.
    Again,
    /// Nor would that help: 403.
    Forbidden,
}

impl From<AdmitRefusal> for Denial {
    fn from(refusal: AdmitRefusal) -> Self {
        match refusal {
            AdmitRefusal::SessionEnded
            | AdmitRefusal::SessionIdle
            | AdmitRefusal::SessionExpired => Self::SignIn,
            AdmitRefusal::NotFresh
            | AdmitRefusal::LocalLoginClosed
            | AdmitRefusal::BrokeGlassElsewhere
            | AdmitRefusal::ProviderNotConnected => Self::Again,
            AdmitRefusal::UserNotActive
            | AdmitRefusal::WrongUserType
            | AdmitRefusal::WrongPopulation => Self::Forbidden,
        }
    }
}

/// A text as a header carries it: UTF-8, with everything percent-encoded (RFC 3986 section 2.1)
/// that is no visible ASCII, and `%` itself.
pub fn header_text(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0x0f)]);
            encoded.extend(['%', digit(byte >> 4), digit(byte)]);
        }
    }
    encoded
}

/// Somebody who was let in, as the application behind the proxy learns of them.
#[derive(Clone, Copy, Debug)]
pub struct LetIn<'a> {
    /// Who.
    pub user: &'a User,
    /// Names of their groups.
    pub groups: &'a [String],
    /// Their session.
    pub session: &'a Session,
    /// Through which door.
    pub application: &'a ApplicationKey,
}

impl LetIn<'_> {
    /// The headers that say so, besides the token; each of them is always there, so that a proxy
    /// that copies them overwrites whatever a visitor sent.
    pub fn headers(&self) -> [(&'static str, String); 5] {
        let user = self.user;
        [
            ("x-vestibule-user", header_text(user.public_id.as_str())),
            ("x-vestibule-email", header_text(user.email.as_typed())),
            ("x-vestibule-name", header_text(&user.name.full())),
            ("x-vestibule-groups", header_text(&json!(self.groups).to_string())),
            ("x-vestibule-type", header_text(user.user_type.as_str())),
        ]
    }

    /// Claims of the token that says the same, signed. `issuer`: the public URL.
    pub fn claims(&self, issuer: &str, now: Moment) -> Map<String, Value> {
        let user = self.user;
        let claims = json!({
            "iss": issuer,
            "aud": self.application.as_str(),
            "sub": user.public_id.as_str(),
            "email": user.email.as_typed(),
            "email_verified": user.email_standing == EmailStanding::Verified,
            "name": user.name.full(),
            "groups": self.groups,
            "user_type": user.user_type.as_str(),
            "sid": self.session.id.as_str(),
            "iat": now.seconds(),
            "exp": now.plus(TOKEN_LIFE).seconds(),
        });
        let mut claims = match claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        };
        // None where nobody knows when the person signed in at their provider.
        let auth_time = self.session.auth_time.map(|at| at.seconds().into());
        claims.extend(auth_time.map(|at| ("auth_time".to_owned(), at)));
        claims
    }
}

#[cfg(test)]
mod tests;
