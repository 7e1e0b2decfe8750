//! Headers that keep pages to themselves.

use aws_lc_rs::digest;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use identity::applications::Application;

use crate::app::App;

/// The only script that a page of ours may hold: it sends the page's form.
pub(super) const SCRIPT: &str = "document.forms[0].submit()";

/// What a page may do besides what every page may.
#[derive(Clone, Debug, Default)]
pub struct PagePolicy {
    /// Origins besides ours that a form of the page may lead to. Browsers hold redirects after a
    /// form to `form-action`, so an application's return origins must be in it.
    pub(super) form_targets: Vec<String>,
    /// Whether it may run [`SCRIPT`].
    pub(super) posts_itself: bool,
}

impl PagePolicy {
    pub(super) fn of(application: &Application) -> Self {
        let form_targets = application.return_origins.iter().map(ToString::to_string).collect();
        Self { form_targets, ..Self::default() }
    }

    /// `Content-Security-Policy` (CSP Level 3).
    fn header(&self) -> String {
        let script = if self.posts_itself {
            let hash = digest::digest(&digest::SHA256, SCRIPT.as_bytes());
            format!(" script-src 'sha256-{}';", STANDARD.encode(hash))
        } else {
            String::new()
        };
        format!(
            "default-src 'none'; style-src 'self'; img-src 'self';{script} form-action {}; \
             base-uri 'none'; frame-ancestors 'none'",
            [&["'self'".to_owned()], self.form_targets.as_slice()].concat().join(" ")
        )
    }
}

/// A year, so that nobody on the way can answer in our place over plain http (RFC 6797).
const HSTS: &str = "max-age=31536000";

/// Sets the headers of every answer.
pub async fn secure_headers(State(app): State<App>, request: Request, next: Next) -> Response {
    // What a reverse proxy passes on is an answer of the host behind it, which is not ours to bind.
    let is_own = !["/.vestibule/", "/forward-auth/"]
        .iter()
        .any(|proxied| request.uri().path().starts_with(proxied));
    let mut response = next.run(request).await;
    let policy: PagePolicy = response.extensions_mut().remove().unwrap_or_default();
    let headers = response.headers_mut();
    set(headers, header::CONTENT_SECURITY_POLICY, &policy.header());
    set(headers, header::X_FRAME_OPTIONS, "DENY");
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Addresses of ours may hold a code or a token; nobody learns them from us.
    set(headers, header::REFERRER_POLICY, "no-referrer");
    set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(
        headers,
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=()",
    );
    // Over http browsers ignore it (RFC 6797 section 8.1), and on loopback it would be in the way.
    if is_own && app.config.server.public_url.scheme() == "https" {
        set(headers, header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    // Back button and shared computers: nothing of ours is kept, except what says otherwise.
    if !headers.contains_key(header::CACHE_CONTROL) {
        set(headers, header::CACHE_CONTROL, "no-store");
    }
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
