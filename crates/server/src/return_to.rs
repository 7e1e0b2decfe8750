//! Where a visitor wanted to go, carried from page to page until a sign-in takes them there.

use std::collections::BTreeSet;
use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::return_to::ReturnTo;
use serde::Deserialize;
use url::form_urlencoded;

use crate::app::App;
use crate::oauth::authorize::CONTINUE;
use crate::oauth::form::read_pairs;
use crate::visit::Door;

#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    return_to: String,
}

/// The place that the address asks to go back to, where the door allows it; none for anything
/// else. It stands in the address of forms as well, so that a form that is sent back to its page
/// ([`crate::csrf::need_browser`]) keeps it.
pub struct Wanted(pub Option<ReturnTo>);

impl FromRequestParts<App> for Wanted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let asked = Query::<Asked>::try_from_uri(&parts.uri).unwrap_or_default();
        // At an address without a door nothing is registered, and the page says that it is none.
        let door = Door::from_request_parts(parts, app).await.ok();
        Ok(Self(door.and_then(|Door(door)| parse(&asked.return_to, &door))))
    }
}

/// The target, if this door sends people there.
pub fn parse(text: &str, door: &Application) -> Option<ReturnTo> {
    ReturnTo::parse(text, &door.return_origins)
}

/// The address of the page whose form was sent to `uri`, with a notice. The target goes along
/// unread: the page reads it.
pub fn back_to_form(uri: &Uri, notice: &str) -> String {
    let asked = Query::<Asked>::try_from_uri(uri).unwrap_or_default();
    let target = Some(asked.return_to.as_str()).filter(|target| !target.is_empty());
    with_target(format!("{}?notice={notice}", uri.path()), target)
}

/// An address of ours that keeps the target: `/back-office/login?return_to=…`. `path` may have a
/// query.
pub fn keep(path: String, target: Option<&ReturnTo>) -> String {
    with_target(path, target.map(ReturnTo::as_str))
}

fn with_target(path: String, target: Option<&str>) -> String {
    let Some(target) = target else { return path };
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    let pairs = pairs.append_pair("return_to", target).finish();
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}{pairs}")
}

/// 303 to where the visitor wanted to go, else to the door itself; a POST with a password must not
/// be sent on (RFC 9700 section 4.12).
pub fn onward(door: &Application, target: Option<&ReturnTo>) -> Response {
    let place = target.map_or_else(|| format!("/{}", door.key), ToString::to_string);
    Redirect::to(&place).into_response()
}

/// The name of the authorization request that the target goes on with, where an application waits;
/// read as it is read there, so that no spelling of the target means one thing here and another
/// there.
pub fn waiting_request(target: &str) -> Option<String> {
    let query = target.strip_prefix(CONTINUE)?.strip_prefix('?')?;
    let query = query.split('#').next().unwrap_or("");
    read_pairs(query.as_bytes()).ok()?.once("request").map(str::to_owned)
}

/// Where a form that takes people to the target may lead besides: browsers hold the redirects after
/// a form to `form-action` (CSP Level 3), and an application that waits for a code is one of them.
pub fn form_targets(app: &App, door: &Application, target: Option<&ReturnTo>) -> BTreeSet<String> {
    let waits = target.is_some_and(|target| target.as_str().starts_with(CONTINUE));
    if waits { app.directory.now().redirect_origins(&door.key) } else { BTreeSet::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s082_a_request_that_waits_is_found_however_the_target_is_spelled() {
        let found = |query: &str| waiting_request(&format!("/oauth/authorize/continue{query}"));
        for query in
            ["?request=R", "?request=R&x=1", "?x=1&request=R", "?request=R#top", "?x&%72equest=R"]
        {
            assert_eq!(found(query).as_deref(), Some("R"), "{query}");
        }
        for query in ["", "?", "?request=", "?request=R&request=S", "/?request=R"] {
            assert_eq!(found(query), None, "{query}");
        }
        assert_eq!(waiting_request("/storefront?request=R"), None);
    }

    #[test]
    fn an_address_keeps_the_target_behind_what_it_says_already() {
        let target = ReturnTo::parse("/back-office/orders?page=2&x=a%26b", &[]);
        let kept = "return_to=%2Fback-office%2Forders%3Fpage%3D2%26x%3Da%2526b";
        assert_eq!(keep("/a".to_owned(), target.as_ref()), format!("/a?{kept}"));
        assert_eq!(
            keep("/a?notice=again".to_owned(), target.as_ref()),
            format!("/a?notice=again&{kept}")
        );
        assert_eq!(keep("/a".to_owned(), None), "/a");
    }
}
