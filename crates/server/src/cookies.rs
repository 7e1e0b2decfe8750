//! Cookies: what they are called, how long they live, and how they are read.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use identity::secret::Secret;
use identity::users::UserType;
use url::Url;

/// How long a browser is remembered: the longest that browsers allow.
const BROWSER_LIFE: Duration = Duration::from_secs(400 * 24 * 3600);

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

    /// Starts a session in the browser. It has no lifetime of its own: the server ends it.
    pub fn set_session(&self, user_type: UserType, token: &Secret) -> HeaderValue {
        self.set(self.session_name(user_type), token.expose(), None)
    }

    /// Takes the session out of the browser.
    pub fn clear_session(&self, user_type: UserType) -> HeaderValue {
        self.set(self.session_name(user_type), "", Some(Duration::ZERO))
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
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(own, value)| *own == name && is_token(value))
        .map(|(_, value)| Secret::new(value))
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
            .set_session(UserType::Staff, &Secret::new("x"))
            .to_str()
            .expect("ascii")
            .to_owned();
        assert!(value.starts_with("__Host-vestibule_staff=x"), "{value}");
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(value.contains(part), "{part} in {value}");
        }
        assert!(!value.contains("Domain"), "{value}");
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
