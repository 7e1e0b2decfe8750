//! Answers that a browser posts to the client (OAuth 2.0 Form Post Response Mode).

use axum::http::StatusCode;
use axum::response::Response;
use identity::oauth::authorize::Target;
use url::Url;

use crate::app::App;
use crate::pages::View;

/// The page that posts itself, and has a button where nothing does so by itself.
pub fn page(app: &App, target: &Target, issuer: &str, answer: &[(&str, &str)]) -> Response {
    let fields: Vec<_> = target
        .answer(issuer, answer)
        .into_iter()
        .map(|(name, value)| minijinja::context! { name, value })
        .collect();
    let view = View::new("form_post.html", "Almost there")
        .form_may_lead_to(origin(&target.redirect_uri))
        .posts_itself()
        .with("action", target.redirect_uri.as_str())
        .with("fields", fields);
    app.pages.page(StatusCode::OK, &view)
}

/// What `form-action` calls the place of a redirect URI: an origin, or a scheme of its own.
pub fn origin(redirect_uri: &str) -> Option<String> {
    let url = Url::parse(redirect_uri).ok()?;
    let origin = url.origin();
    Some(if origin.is_tuple() {
        origin.ascii_serialization()
    } else {
        format!("{}:", url.scheme())
    })
}
