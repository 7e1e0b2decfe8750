//! The page that leads on to a provider after a form.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use identity::applications::Application;
use identity::federation::provider::Provider;
use url::Url;

use crate::app::App;
use crate::pages::View;

/// On to the provider, from a page of ours: browsers hold every redirect after a form to
/// `form-action` (CSP Level 3), and where a provider sends people on to, nobody knows.
pub(crate) fn leave(
    app: &App,
    door: &Application,
    provider: &Provider,
    location: &Url,
    text: String,
) -> Response {
    let view = View::new("leave.html", format!("On to {}", provider.name))
        .at(door)
        .with("text", text)
        .with("provider", provider.name.as_str())
        .with("location", location.as_str());
    let mut response = app.pages.page(StatusCode::OK, &view);
    if let Ok(refresh) = HeaderValue::from_str(&format!("0; url={location}")) {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}
