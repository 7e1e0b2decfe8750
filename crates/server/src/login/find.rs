//! The way to a provider by what somebody types: their e-mail address, or what it is called.

use axum::http::StatusCode;
use axum::response::Response;
use identity::applications::Application;
use identity::federation::ways::{self, Found};
use identity::return_to::ReturnTo;
use url::form_urlencoded::Serializer;

use super::EVERY_WAY;
use crate::app::App;
use crate::pages::View;
use crate::return_to::keep;

/// Whether anybody can be found at this door by an address.
pub(super) fn can_find(app: &App, door: &Application) -> bool {
    let buttons = app.directory.now().buttons(&door.key);
    buttons.iter().any(|provider| !provider.trusted_domains.is_empty())
}

/// The page that leads on to the providers of what was typed; none where it is nobody's.
///
/// It is a page and no redirect: browsers hold whatever follows a form to `form-action` (CSP Level
/// 3), and nobody knows where a provider sends people on to.
pub(super) fn find(
    app: &App,
    door: &Application,
    typed: &str,
    target: Option<&ReturnTo>,
) -> Option<Response> {
    let buttons = app.directory.now().buttons(&door.key);
    let Found { email, providers } = ways::find(typed, buttons.iter().map(AsRef::as_ref));
    if providers.is_empty() {
        return None;
    }
    let hint = email.map(|email| {
        Serializer::new(String::new()).append_pair("login_hint", email.as_typed()).finish()
    });
    let found: Vec<_> = providers
        .iter()
        .map(|provider| {
            let start = format!("/{}/login/{}", door.key, provider.key);
            let start = hint.as_ref().map_or(start.clone(), |hint| format!("{start}?{hint}"));
            minijinja::context! { name => &*provider.name, href => keep(start, target) }
        })
        .collect();
    let title = if found.len() == 1 { "On to your company" } else { "Choose your way in" };
    let view = View::new("found.html", title)
        .at(door)
        .reason("found")
        .with("found", found)
        .with("back", keep(format!("/{}/{EVERY_WAY}", door.key), target));
    Some(app.pages.page(StatusCode::OK, &view))
}

/// What the page says where nobody is found: the same for every address, with an account or
/// without.
pub(super) fn not_found(door: &Application, typed: &str) -> &'static str {
    match (typed.trim().is_empty(), door.local_login) {
        (true, true) => "Type your e-mail address first; the password is not needed.",
        (true, false) => "Type your e-mail address first, or the name of your company.",
        (false, true) => {
            "No company here has an address like that. Sign in with your password, or choose \
             another way below."
        }
        (false, false) => {
            "No company here has an address or a name like that. Check it, or choose another way \
             below."
        }
    }
}
