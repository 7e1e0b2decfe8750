//! `/oauth/authorize`: from an application's question to a code, by way of its own login page.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::ids::PublicId;
use identity::oauth::authorize::{AuthorizationRequest, ResponseMode, Target};
use identity::oauth::clients::Client;
use identity::oauth::error::{OAuthError, OAuthFault};
use identity::oauth::grants::CodeTerms;
use identity::oauth::interaction::{Asked, AtAuthorize, Step, next};
use identity::oauth::parameters::Parameters;
use identity::secret::Secret;
use identity::time::Moment;
use url::form_urlencoded::Serializer;

use super::form::{read_form, read_pairs};
use super::kept::{PUSHED, keep, pushed};
use crate::app::App;
use crate::error::PageError;
use crate::flood::wait_page;
use crate::pages::View;
use crate::sessions::current::{AtDoor, SignedIn, at_door};
use crate::visit::Visit;

/// Where somebody comes back to who had to sign in first.
pub const CONTINUE: &str = "/oauth/authorize/continue";

/// `GET /oauth/authorize` (OpenID Connect Core 3.1.2.1)
pub async fn show(
    State(app): State<App>,
    visit: Visit,
    method: Method,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    if method == Method::HEAD {
        // Whoever only looks must not use a pushed request up.
        return Err(PageError::MethodNotAllowed);
    }
    begin(&app, &visit, read_pairs(query.unwrap_or_default().as_bytes())).await
}

/// `POST /oauth/authorize`. It comes from another site's page, so our SameSite=Lax cookies stayed
/// at home; the request is kept, and asked once more by a navigation that brings them. Nothing is
/// kept of what could not be answered.
pub async fn send(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let parameters = match read_form(&headers, &body) {
        Ok(parameters) => parameters,
        Err(fault) => return Ok(page(&app, &fault)),
    };
    match asked(&app, &visit, Ok(parameters)).await? {
        Err(fault) => Ok(page(&app, &fault)),
        Ok((client, parameters)) => keep_checked(&app, &visit, &client, parameters).await,
    }
}

async fn keep_checked(
    app: &App,
    visit: &Visit,
    client: &Client,
    parameters: Parameters,
) -> Result<Response, PageError> {
    let target = match Target::of(&parameters, client) {
        Ok(target) => target,
        Err(fault) => return Ok(page(app, &fault)),
    };
    if let Err(fault) = AuthorizationRequest::check(&parameters, client, target.clone()) {
        return Ok(failed(app, &target, &fault));
    }
    Ok(match keep(app, visit, &client.id, parameters, visit.now).await? {
        Ok(name) => Redirect::to(&continued(&name)).into_response(),
        Err(wait) => wait_page(app, None, None, wait),
    })
}

/// `GET /oauth/authorize/continue`: a request that waited until somebody had signed in.
pub async fn resume(
    State(app): State<App>,
    visit: Visit,
    method: Method,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    if method == Method::HEAD {
        // Whoever only looks must get no code.
        return Err(PageError::MethodNotAllowed);
    }
    let query = match read_pairs(query.unwrap_or_default().as_bytes()) {
        Ok(query) => query,
        Err(fault) => return Ok(page(&app, &fault)),
    };
    let name = Secret::new(query.once("request").unwrap_or(""));
    let waiting = app.store.find_authorization_request(&name.digest(), visit.now).await?;
    let Some(waiting) = waiting else { return Ok(page(&app, &gone())) };
    let client = app.directory.now().live_client(waiting.client.as_str());
    let Some(client) = client else { return Ok(page(&app, &unknown_client())) };
    let way = Way {
        app: &app,
        visit: &visit,
        client: &client,
        parameters: waiting.parameters,
        begun_at: waiting.begun_at,
        name: Some(name),
        answers: Answers::default(),
    };
    way.go().await
}

/// What the person has answered on our own pages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answers {
    /// They agree.
    pub agreed: bool,
    /// They go on as who they are.
    pub chosen: bool,
}

async fn begin(
    app: &App,
    visit: &Visit,
    parameters: Result<Parameters, OAuthFault>,
) -> Result<Response, PageError> {
    let (client, parameters) = match asked(app, visit, parameters).await? {
        Ok(asked) => asked,
        Err(fault) => return Ok(page(app, &fault)),
    };
    let way = Way {
        app,
        visit,
        client: &client,
        parameters,
        begun_at: visit.now,
        name: None,
        answers: Answers::default(),
    };
    way.go().await
}

/// Who asks, and for what, however the request got here; or the fault that is shown as a page.
async fn asked(
    app: &App,
    visit: &Visit,
    parameters: Result<Parameters, OAuthFault>,
) -> Result<Result<(Arc<Client>, Parameters), OAuthFault>, PageError> {
    let known = parameters.and_then(|parameters| {
        let client = known_client(app, &parameters)?;
        Ok((client, parameters))
    });
    let (client, parameters) = match known {
        Ok(known) => known,
        Err(fault) => return Ok(Err(fault)),
    };
    Ok(match unpacked(app, visit, &client, parameters).await? {
        Ok((_, false)) if client.require_par => {
            let text = "this client has to push its requests first (RFC 9126)";
            Err(OAuthFault::new(OAuthError::InvalidRequest, text))
        }
        Ok((parameters, _)) => Ok((client, parameters)),
        Err(fault) => Err(fault),
    })
}

/// The client, or the fault that is shown as a page: nobody is sent anywhere yet (RFC 6749
/// section 4.1.2.1).
fn known_client(app: &App, parameters: &Parameters) -> Result<Arc<Client>, OAuthFault> {
    let id = parameters.needed("client_id")?;
    app.directory.now().live_client(id).ok_or_else(unknown_client)
}

/// What was pushed stands in the place of everything that came (RFC 9126 section 4).
async fn unpacked(
    app: &App,
    visit: &Visit,
    client: &Client,
    parameters: Parameters,
) -> Result<Result<(Parameters, bool), OAuthFault>, PageError> {
    let Some(name) = parameters.once("request_uri").and_then(|uri| uri.strip_prefix(PUSHED)) else {
        return Ok(Ok((parameters, false)));
    };
    let taken = app.store.take_authorization_request(&pushed(name), &client.id, visit.now).await?;
    Ok(taken.map(|pushed| (pushed.parameters, true)).ok_or_else(gone))
}

fn continued(name: &Secret) -> String {
    format!("{CONTINUE}?request={}", name.expose())
}

/// One request on its way to an answer.
pub struct Way<'a> {
    /// The house.
    pub app: &'a App,
    /// Who is here.
    pub visit: &'a Visit,
    /// Who asks.
    pub client: &'a Client,
    /// What they sent.
    pub parameters: Parameters,
    /// When it came, or was answered last.
    pub begun_at: Moment,
    /// What it is kept as, if it is kept.
    pub name: Option<Secret>,
    /// What the person has answered.
    pub answers: Answers,
}

impl Way<'_> {
    /// The next page, or the answer.
    pub async fn go(self) -> Result<Response, PageError> {
        let target = match Target::of(&self.parameters, self.client) {
            Ok(target) => target,
            Err(fault) => return Ok(page(self.app, &fault)),
        };
        let checked = AuthorizationRequest::check(&self.parameters, self.client, target.clone());
        let request = match checked {
            Ok(request) => request,
            Err(fault) => return Ok(failed(self.app, &target, &fault)),
        };
        let door = self.app.directory.now().application(self.client.application.as_str());
        let Some(door) = door else { return Ok(page(self.app, &unknown_client())) };
        let at = at_door(self.app, &door, self.visit).await?;
        let hinted = match self.hinted(&request) {
            Ok(hinted) => hinted,
            Err(fault) => return Ok(failed(self.app, &target, &fault)),
        };
        let asked = Asked {
            request: &request,
            begun_at: self.begun_at,
            hinted: hinted.as_ref(),
            agreed: self.answers.agreed,
            chosen: self.answers.chosen,
        };
        match (next(asked, seen(&at), self.visit.now), at) {
            (Step::Issue, AtDoor::Enter(signed_in)) => self.issue(&request, &signed_in).await,
            (Step::Refuse(fault), _) => Ok(failed(self.app, &target, &fault)),
            (Step::ChooseAccount, AtDoor::Enter(who)) => {
                self.ask(&door, &who, "choose.html", "Who would you like to be?").await
            }
            (Step::Consent, AtDoor::Enter(who)) => {
                self.ask(&door, &who, "consent.html", "Do you agree?").await
            }
            // Nobody is issued anything, or asked, who is not at the door.
            _ => self.sign_in(&door, &request).await,
        }
    }

    /// `sub` of the hint. It may be old, but it must be ours and for this client (OpenID Connect
    /// Core 3.1.2.1).
    fn hinted(&self, request: &AuthorizationRequest) -> Result<Option<PublicId>, OAuthFault> {
        let Some(hint) = &request.id_token_hint else { return Ok(None) };
        let sub = super::id_token_hint::subject(self.app, hint, self.client);
        sub.map(Some).ok_or_else(|| {
            let text = "id_token_hint is no ID token that this client got from here";
            OAuthFault::new(OAuthError::InvalidRequest, text)
        })
    }

    async fn issue(
        &self,
        request: &AuthorizationRequest,
        signed_in: &SignedIn,
    ) -> Result<Response, PageError> {
        let code = Secret::generate(self.app.entropy.as_ref());
        let terms = CodeTerms::of(request);
        let session = &signed_in.session.id;
        let now = self.visit.now;
        if let Some(name) = &self.name {
            // Whoever comes back to it asks anew: the sign-in was made for this code alone.
            self.app.store.change_authorization_request(&name.digest(), now).await?;
        }
        self.app.store.add_code(&code.digest(), &terms, session, now).await?;
        Ok(to_client(self.app, &request.target, &[("code", code.expose())]))
    }

    /// To the application's own login page, or right to the provider that it names.
    async fn sign_in(
        self,
        door: &Application,
        request: &AuthorizationRequest,
    ) -> Result<Response, PageError> {
        let provider = request.provider_hint.as_deref().filter(|key| {
            let listing = self.app.directory.now();
            listing.buttons(&door.key).iter().any(|provider| provider.key == *key)
        });
        let path = match provider {
            Some(key) => format!("/{}/login/{key}", door.key),
            None => format!("/{}/login", door.key),
        };
        let app = self.app;
        let name = match self.kept().await? {
            Ok(name) => name,
            Err(wait) => return Ok(wait_page(app, None, None, wait)),
        };
        let mut query = Serializer::new(String::new());
        // A notice that has no words of its own shows the form to whoever is signed in already.
        query.append_pair("notice", "sign_in").append_pair("return_to", &continued(&name));
        if let Some(hint) = &request.login_hint {
            query.append_pair("login_hint", hint);
        }
        Ok(Redirect::to(&format!("{path}?{}", query.finish())).into_response())
    }

    async fn ask(
        self,
        door: &Application,
        who: &SignedIn,
        template: &'static str,
        title: &str,
    ) -> Result<Response, PageError> {
        let (app, client, visit) = (self.app, self.client.name.clone(), self.visit);
        let scopes = self.parameters.once("scope").unwrap_or("").to_owned();
        let origins = app.directory.now().redirect_origins(&door.key);
        let name = match self.kept().await? {
            Ok(name) => name,
            Err(wait) => return Ok(wait_page(app, None, None, wait)),
        };
        let (browser, is_new) = visit.browser_or_new(app);
        let view = View::new(template, title)
            .at(door)
            .form_may_lead_to(origins)
            .with("csrf", app.forms.token(&browser))
            .with("request", name.expose())
            .with("client", client)
            .with("scopes", super::consent::told(&scopes))
            .with("who", who.user.label())
            .with("email", who.user.email.as_typed());
        let mut response = app.pages.page(StatusCode::OK, &view);
        if is_new {
            let cookie = app.cookies.set_browser(&browser);
            response.headers_mut().append(axum::http::header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    async fn kept(self) -> Result<Result<Secret, Duration>, PageError> {
        let Self { app, visit, client, parameters, begun_at, name, .. } = self;
        match name {
            Some(name) => Ok(Ok(name)),
            None => keep(app, visit, &client.id, parameters, begun_at).await,
        }
    }
}

fn seen(at: &AtDoor) -> Option<AtAuthorize<'_>> {
    match at {
        AtDoor::Enter(signed_in) => {
            Some(AtAuthorize { session: &signed_in.session, subject: &signed_in.user.public_id })
        }
        AtDoor::Nobody | AtDoor::Turned(_) => None,
    }
}

/// An error that the client hears of.
pub fn failed(app: &App, target: &Target, fault: &OAuthFault) -> Response {
    let answer = [("error", fault.error.code()), ("error_description", &*fault.description)];
    to_client(app, target, &answer)
}

fn to_client(app: &App, target: &Target, answer: &[(&str, &str)]) -> Response {
    let issuer = app.issuer();
    match target.mode {
        ResponseMode::Query => Redirect::to(&target.location(&issuer, answer)).into_response(),
        ResponseMode::FormPost => super::form_post::page(app, target, &issuer, answer),
    }
}

/// An error that is shown here, because there is no address that is known to be the client's
/// (RFC 9700 section 4.11).
pub fn page(app: &App, fault: &OAuthFault) -> Response {
    let text = "The application that sent you here asked for something that we cannot give. Go back \
                to it and try again; if it happens again, tell its makers.";
    let view = View::message("This sign-in cannot begin", text)
        .reason(fault.error.code())
        .with("detail", &*fault.description);
    app.pages.page(StatusCode::BAD_REQUEST, &view)
}

fn gone() -> OAuthFault {
    let text = "the request is unknown, used or too old; begin again at the application";
    OAuthFault::new(OAuthError::InvalidRequest, text)
}

fn unknown_client() -> OAuthFault {
    let text = "client_id is not registered here, or switched off (vestibule clients list)";
    OAuthFault::new(OAuthError::InvalidRequest, text)
}
