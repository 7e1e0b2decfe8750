//! Forms that only our own pages can send.

use aws_lc_rs::hmac;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::secret::Secret;
use url::Url;

use crate::app::App;
use crate::return_to::back_to_form;

/// Makes and checks the hidden field of every form: an HMAC over the browser's own cookie, so
/// that no other site can know it and no other browser can use it.
pub struct FormGuard {
    key: hmac::Key,
    origin: String,
}

impl FormGuard {
    /// `key` is derived from the key file, so every node of one house agrees.
    pub fn new(key: &[u8], public_url: &Url) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            origin: public_url.origin().ascii_serialization(),
        }
    }

    /// The field's value for this browser.
    pub fn token(&self, browser: &Secret) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, browser.expose().as_bytes()))
    }

    /// Whether the form came from a page of ours in this browser.
    pub fn allows(&self, headers: &HeaderMap, browser: Option<&Secret>, token: &str) -> bool {
        let Some(browser) = browser else { return false };
        let Ok(tag) = URL_SAFE_NO_PAD.decode(token) else { return false };
        hmac::verify(&self.key, browser.expose().as_bytes(), &tag).is_ok()
            && self.same_origin(headers)
    }

    /// What the browser itself says about where the form stood. `null` is what a browser says
    /// after our own `Referrer-Policy: no-referrer` pages, and then the token must do.
    fn same_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let site_ok =
            text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
        let origin_ok = text(header::ORIGIN.as_str())
            .is_none_or(|origin| origin == self.origin || origin == "null");
        site_ok && origin_ok
    }
}

/// Sends a form that comes without the browser's cookie back to where its page is.
///
/// A form on another site comes so, since SameSite=Lax cookies stay at home then. An answer to it
/// that set a new cookie would take the real one away from the browser, and with it every trip
/// under way; the page that the browser loads next, with its cookies, does not.
pub async fn need_browser(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_form = request.method() == Method::POST;
    if is_form && app.cookies.browser(request.headers()).is_none() {
        let page = back_to_form(request.uri(), "expired");
        return Redirect::to(&page).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn guard() -> FormGuard {
        FormGuard::new(&[7; 32], &Url::parse("https://id.shop.example").expect("url"))
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| ((*k).parse().expect("name"), HeaderValue::from_static(v)))
            .collect()
    }

    #[test]
    fn s049_a_form_of_another_browser_or_site_is_refused() {
        let guard = guard();
        let (own, other) = (Secret::new("own"), Secret::new("other"));
        let token = guard.token(&own);
        let ours =
            headers(&[("origin", "https://id.shop.example"), ("sec-fetch-site", "same-origin")]);
        assert!(guard.allows(&ours, Some(&own), &token));
        assert!(guard.allows(&headers(&[]), Some(&own), &token));
        assert!(!guard.allows(&ours, Some(&other), &token));
        assert!(!guard.allows(&ours, None, &token));
        assert!(!guard.allows(&ours, Some(&own), ""));
        assert!(!guard.allows(&headers(&[("origin", "https://evil.example")]), Some(&own), &token));
        assert!(!guard.allows(&headers(&[("sec-fetch-site", "cross-site")]), Some(&own), &token));
        assert!(!guard.allows(&headers(&[("sec-fetch-site", "same-site")]), Some(&own), &token));
    }
}
