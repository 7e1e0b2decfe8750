//! `/oauth/logout`: an application signs its person out here as well (OpenID Connect RP-Initiated
//! Logout 1.0).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use identity::oauth::clients::Client;
use identity::oauth::error::OAuthFault;
use identity::oauth::parameters::Parameters;
use identity::sessions::Session;
use identity::users::UserType;
use store::{By, EndReason};
use url::Url;
use url::form_urlencoded::Serializer;

use super::authorize::page;
use super::form::{read_form, read_pairs};
use super::form_post::origin;
use super::id_token_hint::{self, Hint};
use crate::app::App;
use crate::error::PageError;
use crate::pages::{Notice, View};
use crate::sessions::current::find;
use crate::visit::Visit;

/// What our own form carries on from the request.
const CARRIED: [&str; 4] = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"];

/// `GET /oauth/logout`
pub async fn show(
    State(app): State<App>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    match read_pairs(query.unwrap_or_default().as_bytes()) {
        Err(fault) => Ok(page(&app, &fault)),
        Ok(asked) => Departure::of(&app, &visit, asked).show().await,
    }
}

/// `POST /oauth/logout`: our own form, or an application's, whose browser left our SameSite=Lax
/// cookies at home and is asked to come again with them.
pub async fn send(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let asked: Result<Parameters, OAuthFault> = read_form(&headers, &body);
    let asked = match asked {
        Ok(asked) => asked,
        Err(fault) => return Ok(page(&app, &fault)),
    };
    // An answer that set a new cookie would take the browser's own away, and every trip with it:
    // whoever comes without one comes from another site, whatever else the form says.
    let csrf = asked.once("csrf").filter(|_| visit.browser.is_some()).map(str::to_owned);
    let Some(csrf) = csrf else {
        return Ok(Redirect::to(&again(&asked)).into_response());
    };
    let departure = Departure::of(&app, &visit, asked);
    if app.forms.allows(&visit.headers, visit.browser.as_ref(), &csrf) {
        departure.leave().await
    } else {
        let text = "That form was too old. Please press the button again.";
        Ok(departure.ask(StatusCode::FORBIDDEN, Some(Notice::Problem(text.into()))))
    }
}

/// The same request as an address.
fn again(asked: &Parameters) -> String {
    let mut query = Serializer::new(String::new());
    for name in CARRIED {
        if let Some(value) = asked.once(name) {
            query.append_pair(name, value);
        }
    }
    format!("/oauth/logout?{}", query.finish())
}

/// One request to be signed out.
struct Departure<'a> {
    app: &'a App,
    visit: &'a Visit,
    asked: Parameters,
    hint: Option<Hint>,
    client: Option<Arc<Client>>,
}

impl<'a> Departure<'a> {
    fn of(app: &'a App, visit: &'a Visit, asked: Parameters) -> Self {
        let hint = asked.once("id_token_hint").and_then(|token| id_token_hint::read(app, token));
        let named = asked.once("client_id");
        let id = hint.as_ref().map(|hint| hint.client.as_str());
        // Two names that do not agree name nobody (RP-Initiated Logout section 2).
        let agreed = match (id, named) {
            (Some(id), Some(named)) if id != named => None,
            (id, named) => id.or(named),
        };
        let client = agreed.and_then(|id| app.directory.now().client(id));
        let hint = hint.filter(|_| client.is_some());
        Self { app, visit, asked, hint, client }
    }

    /// With an ID token of the very session, nobody has to be asked (section 2): whoever has it
    /// was given it. Otherwise a link on any page could sign people out.
    async fn show(self) -> Result<Response, PageError> {
        let sessions = self.sessions().await?;
        let hinted = self.hint.as_ref().map(|hint| &hint.session);
        let named = |session: &Session| Some(&session.id) == hinted;
        if sessions.iter().all(named) && (hinted.is_some() || sessions.is_empty()) {
            return self.leave().await;
        }
        Ok(self.ask(StatusCode::OK, None))
    }

    /// The sessions that this is about: of the application's kind of people, or all of them.
    async fn sessions(&self) -> Result<Vec<Session>, PageError> {
        let mut sessions = Vec::new();
        for user_type in self.user_types() {
            if let Some((_, held)) = find(self.app, self.visit, user_type).await? {
                let session = held.session();
                if session.at(self.visit.now).is_ok() {
                    sessions.push(session);
                }
            }
        }
        Ok(sessions)
    }

    fn user_types(&self) -> Vec<UserType> {
        let listing = self.app.directory.now();
        let door =
            self.client.as_ref().and_then(|one| listing.application(one.application.as_str()));
        door.map_or_else(|| UserType::ALL.to_vec(), |door| vec![door.user_type])
    }

    async fn leave(self) -> Result<Response, PageError> {
        let sessions = self.sessions().await?;
        for session in &sessions {
            let by = By::user(session.user.clone(), self.visit.note());
            let reason = EndReason::SignedOut;
            self.app.store.end_session(&session.id, reason, &by, self.visit.now).await?;
            self.app.forget_session(&session.id);
        }
        let mut response = match self.way_back() {
            Some(address) => Redirect::to(&address).into_response(),
            None => self.done(),
        };
        for user_type in self.user_types() {
            let cookie = self.app.cookies.clear_session(user_type);
            response.headers_mut().append(header::SET_COOKIE, cookie);
            // An address alone, where nobody is signed in, is no wish of whoever follows it.
            let was_in = sessions.iter().any(|session| session.user_type == user_type);
            if was_in || self.hint.is_some() {
                let cookie = self.app.cookies.set_left(user_type);
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
        Ok(response)
    }

    /// The registered address that was asked for, with `state` (section 3); nowhere else, however
    /// alike it looks (RFC 9700 section 4.11).
    fn way_back(&self) -> Option<String> {
        let (client, wanted) =
            (self.client.as_ref()?, self.asked.once("post_logout_redirect_uri")?);
        if !client.post_logout_redirect_uris.iter().any(|registered| registered == wanted) {
            return None;
        }
        let mut url = Url::parse(wanted).ok()?;
        if let Some(state) = self.asked.once("state") {
            url.query_pairs_mut().append_pair("state", state);
        }
        Some(url.into())
    }

    fn done(&self) -> Response {
        let text = "You are signed out here. You can close this page.";
        self.app.pages.page(StatusCode::OK, &View::message("Signed out", text).reason("signed_out"))
    }

    fn ask(&self, status: StatusCode, notice: Option<Notice>) -> Response {
        let (browser, is_new) = self.visit.browser_or_new(self.app);
        let carried = CARRIED.iter().filter_map(|&name| {
            self.asked.once(name).map(|value| minijinja::context! { name, value })
        });
        let back = self.way_back();
        let view = View::new("sign_out.html", "Sign out?")
            .form_may_lead_to(back.as_deref().and_then(origin))
            .with("csrf", self.app.forms.token(&browser))
            .with("fields", carried.collect::<Vec<_>>())
            .with("client", self.client.as_ref().map(|client| client.name.clone()))
            .notice(notice);
        let mut response = self.app.pages.page(status, &view);
        if is_new {
            let cookie = self.app.cookies.set_browser(&browser);
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}
