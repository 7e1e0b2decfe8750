//! Cookies: what they are called, how long they live, and how they are read.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use identity::secret::Secret;
use identity::users::UserType;
use url::Url;

/// How long a browser is remembered: the longest that browsers allow.
const BROWSER_LIFE: Duration = Duration::from_secs(400 * 24 * 3600);

/// All that a browser says of somebody who signed out.
const LEFT: &str = "1";

/// Names of cookies under one public URL.
#[derive(Clone, Debug)]
pub struct Cookies {
    prefix: &'static str,
    suffix: String,
    secure: bool,
}

impl Cookies {
    /// On https the `__Host-` prefix ties a cookie to exactly this host. On http, which is
    /// loopback only, names end in the port, because cookies do not keep ports apart.
    pub fn of(public_url: &Url) -> Self {
        let secure = public_url.scheme() == "https";
        let port = public_url.port_or_known_default().unwrap_or(80);
        Self {
            prefix: if secure { "__Host-" } else { "" },
            suffix: if secure { String::new() } else { format!("_{port}") },
            secure,
        }
    }

    fn name(&self, what: &str) -> String {
        format!("{}vestibule_{what}{}", self.prefix, self.suffix)
    }

    /// The session of a user type: staff signing out of the back office stay signed in elsewhere.
    pub fn session_name(&self, user_type: UserType) -> String {
        self.name(user_type.as_str())
    }

    /// What binds attempts and forms to a browser, and tells a known device.
    pub fn browser_name(&self) -> String {
        self.name("browser")
    }

    /// What stands at a protected host for a session of ours.
    pub fn host_session_name(&self) -> String {
        self.name("host")
    }

    /// The token that stands for a session at this host, if the browser sent one.
    pub fn host_session(&self, headers: &HeaderMap) -> Option<Secret> {
        read(headers, &self.host_session_name())
    }

    /// Lets a session of ours be known at this host.
    pub fn set_host_session(&self, token: &Secret) -> HeaderValue {
        self.set(self.host_session_name(), token.expose(), None)
    }

    /// Takes it out of the browser.
    pub fn clear_host_session(&self) -> HeaderValue {
        self.set(self.host_session_name(), "", Some(Duration::ZERO))
    }

    /// The session token of a user type, if the browser sent one that could be ours.
    pub fn session(&self, headers: &HeaderMap, user_type: UserType) -> Option<Secret> {
        read(headers, &self.session_name(user_type))
    }

    /// The browser's token, if it sent one that could be ours.
    pub fn browser(&self, headers: &HeaderMap) -> Option<Secret> {
        read(headers, &self.browser_name())
    }

    /// Starts a session in the browser, which forgets it with its window or after `life`. The server
    /// ends it in any case.
    pub fn set_session(
        &self,
        user_type: UserType,
        token: &Secret,
        life: Option<Duration>,
    ) -> HeaderValue {
        self.set(self.session_name(user_type), token.expose(), life)
    }

    /// Takes the session out of the browser.
    pub fn clear_session(&self, user_type: UserType) -> HeaderValue {
        self.set(self.session_name(user_type), "", Some(Duration::ZERO))
    }

    /// Whether somebody signed out in this browser, and nobody has signed in since.
    pub fn has_left(&self, headers: &HeaderMap, user_type: UserType) -> bool {
        pairs(headers).any(|(name, value)| name == self.left_name(user_type) && value == LEFT)
    }

    /// Remembers that somebody signed out, until somebody signs in: a provider that still knows the
    /// one who left shall ask who it is now.
    pub fn set_left(&self, user_type: UserType) -> HeaderValue {
        self.set(self.left_name(user_type), LEFT, Some(BROWSER_LIFE))
    }

    /// Forgets it.
    pub fn clear_left(&self, user_type: UserType) -> HeaderValue {
        self.set(self.left_name(user_type), "", Some(Duration::ZERO))
    }

    fn left_name(&self, user_type: UserType) -> String {
        self.name(&format!("{}_left", user_type.as_str()))
    }

    /// Remembers the browser.
    pub fn set_browser(&self, token: &Secret) -> HeaderValue {
        self.set(self.browser_name(), token.expose(), Some(BROWSER_LIFE))
    }

    fn set(&self, name: String, value: &str, life: Option<Duration>) -> HeaderValue {
        let mut cookie = Cookie::new(name, value);
        cookie.set_path("/");
        cookie.set_http_only(true);
        cookie.set_secure(self.secure);
        cookie.set_same_site(SameSite::Lax);
        let mut text = cookie.to_string();
        if let Some(life) = life {
            text.push_str(&format!("; Max-Age={}", life.as_secs()));
        }
        // Names are ours and values base64url, so this cannot fail; an empty header sets nothing.
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// A value that we could have made: 43 characters of base64url. Whatever else a browser sends
/// under our name is as good as nothing.
fn read(headers: &HeaderMap, name: &str) -> Option<Secret> {
    pairs(headers)
        .find(|(own, value)| *own == name && is_token(value))
        .map(|(_, value)| Secret::new(value))
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

fn is_token(value: &str) -> bool {
    value.len() == 43
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(url: &str) -> Cookies {
        Cookies::of(&Url::parse(url).expect("url"))
    }

    #[test]
    fn s090_cookies_are_host_bound_secure_http_only_and_lax() {
        let value = cookies("https://id.shop.example")
            .set_session(UserType::Staff, &Secret::new("x"), None)
            .to_str()
            .expect("ascii")
            .to_owned();
        assert!(value.starts_with("__Host-vestibule_staff=x"), "{value}");
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(value.contains(part), "{part} in {value}");
        }
        assert!(!value.contains("Domain") && !value.contains("Max-Age"), "{value}");
    }

    #[test]
    fn that_somebody_left_is_known_until_somebody_comes() {
        let cookies = cookies("https://id.shop.example");
        let after = |set: HeaderValue| {
            let mut headers = HeaderMap::new();
            let pair = set.to_str().expect("ascii").split(';').next().expect("a pair").to_owned();
            headers.insert(header::COOKIE, HeaderValue::from_str(&pair).expect("header"));
            headers
        };
        let left = after(cookies.set_left(UserType::Staff));
        assert!(cookies.has_left(&left, UserType::Staff));
        assert!(!cookies.has_left(&left, UserType::Customer), "of the same kind alone");
        assert!(!cookies.has_left(&after(cookies.clear_left(UserType::Staff)), UserType::Staff));
        assert!(cookies.session(&left, UserType::Staff).is_none(), "it is no session");
    }

    #[test]
    fn on_loopback_two_ports_do_not_share_a_cookie() {
        let one = cookies("http://127.0.0.1:8480").browser_name();
        assert_ne!(one, cookies("http://127.0.0.1:8481").browser_name());
        assert!(!one.starts_with("__Host-"));
    }

    #[test]
    fn only_what_we_could_have_made_is_read() {
        let cookies = cookies("https://id.shop.example");
        let name = cookies.browser_name();
        let token = "a".repeat(43);
        let read = |line: String| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_str(&line).expect("header"));
            cookies.browser(&headers).map(|secret| secret.expose().to_owned())
        };
        assert_eq!(read(format!("x=1; {name}={token}")), Some(token.clone()));
        assert_eq!(read(format!("{name}=short")), None);
        assert_eq!(read(format!("{name}={}'", "a".repeat(42))), None);
        assert_eq!(read(format!("{name}=; {name}={token}")), Some(token));
    }
}
