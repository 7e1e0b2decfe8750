//! What the shop shows, and the headers that keep it to itself.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use minijinja::{Environment, Value, context};
use serde_json::{Map, Value as Json};

use super::Shop;
use super::memory::Session;

/// The style sheet.
pub(super) const STYLE: &str = include_str!("../../../assets/demo-shop.css");

const PAGE: &str = "shop.html";

/// The one template, ready to be filled. Its name ends in `.html`, so everything is escaped.
pub(super) struct Pages(Environment<'static>);

/// What stands on the page.
#[derive(Default)]
pub(super) struct Shown<'a> {
    pub(super) session: Option<&'a Session>,
    pub(super) notice: Option<&'a str>,
    pub(super) problem: Option<&'a str>,
}

impl Pages {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        let source = include_str!("../../../templates/demo/shop.html");
        // A template that does not parse is found by every test of the demo.
        if let Err(error) = environment.add_template(PAGE, source) {
            tracing::error!(%error, "the shop's template does not parse");
        }
        Self(environment)
    }

    pub(super) fn answer(&self, status: StatusCode, shown: &Shown<'_>) -> Response {
        let user = shown.session.map(|session| {
            context! {
                name => name(&session.claims),
                csrf => session.csrf.expose(),
                claims => claims(&session.claims),
            }
        });
        let context = context! { user, notice => shown.notice, problem => shown.problem };
        match self.0.get_template(PAGE).and_then(|page| page.render(context)) {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "the shop's page cannot be filled");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    /// The page that says what went wrong, with the way to try again.
    pub(super) fn problem(&self, status: StatusCode, problem: &str) -> Response {
        self.answer(status, &Shown { problem: Some(problem), ..Shown::default() })
    }
}

/// What to call somebody: a name is no promise (OpenID Connect Core 5.1), the subject is.
fn name(claims: &Map<String, Json>) -> &str {
    let text = |name: &str| claims.get(name).and_then(Json::as_str);
    text("name").or_else(|| text("email")).or_else(|| text("sub")).unwrap_or_default()
}

/// Every claim by its name, as a person reads it.
fn claims(claims: &Map<String, Json>) -> Vec<Value> {
    let shown = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    claims.iter().map(|(name, value)| context! { name, value => shown(value) }).collect()
}

/// Nothing is loaded from elsewhere, nobody frames the shop, and its one form leads to itself and
/// on to Vestibule's logout.
pub(super) async fn headers(
    State(shop): State<Arc<Shop>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {}; base-uri 'none'; \
         frame-ancestors 'none'",
        shop.issuer.url()
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Addresses hold codes; pages hold names.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
