//! The two questions that an application may have us ask: who they want to be, and whether they
//! agree.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use identity::oauth::authorize::Target;
use identity::oauth::error::{OAuthError, OAuthFault};
use identity::oauth::scopes::Scopes;
use identity::secret::Secret;
use serde::Deserialize;

use super::authorize::{Answers, CONTINUE, Way, failed, page};
use crate::app::App;
use crate::error::PageError;
use crate::visit::Visit;

/// The form of both pages.
#[derive(Deserialize)]
pub struct AnswerForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    request: String,
    #[serde(default)]
    answer: String,
}

/// `POST /oauth/authorize/continue`
pub async fn send(
    State(app): State<App>,
    visit: Visit,
    Form(form): Form<AnswerForm>,
) -> Result<Response, PageError> {
    let name = Secret::new(form.request.as_str());
    if !app.forms.allows(&visit.headers, visit.browser.as_ref(), &form.csrf) {
        // The question once more, with a form that this browser can send.
        return Ok(Redirect::to(&format!("{CONTINUE}?request={}", encoded(&name))).into_response());
    }
    let waiting = app.store.find_authorization_request(&name.digest(), visit.now).await?;
    let listing = app.directory.now();
    let client = waiting.as_ref().and_then(|one| listing.live_client(one.client.as_str()));
    let (Some(waiting), Some(client)) = (waiting, client) else {
        let text = "the request is too old; begin again at the application";
        return Ok(page(&app, &OAuthFault::new(OAuthError::InvalidRequest, text)));
    };
    let mut way = Way {
        app: &app,
        visit: &visit,
        client: &client,
        parameters: waiting.parameters,
        begun_at: waiting.begun_at,
        name: Some(name),
        answers: Answers::default(),
    };
    match form.answer.as_str() {
        "agree" => way.answers = Answers { agreed: true, chosen: true },
        "stay" => way.answers.chosen = true,
        "other" => {
            // As if the application had asked for a sign-in.
            way.parameters = way.parameters.with("prompt", "login");
        }
        _ => return Ok(refused(&way)),
    }
    way.go().await
}

fn refused(way: &Way<'_>) -> Response {
    let fault = OAuthFault::new(OAuthError::AccessDenied, "the person did not agree");
    match Target::of(&way.parameters, way.client) {
        Ok(target) => failed(way.app, &target, &fault),
        Err(fault) => page(way.app, &fault),
    }
}

fn encoded(name: &Secret) -> String {
    url::form_urlencoded::byte_serialize(name.expose().as_bytes()).collect()
}

/// What each scope means to a person.
pub fn told(scope: &str) -> Vec<String> {
    let scopes = Scopes::parse(scope).unwrap_or_default();
    scopes
        .iter()
        .filter(|&scope| scope != "openid")
        .map(|scope| match scope {
            "profile" => "your name and language".to_owned(),
            "email" => "your e-mail address".to_owned(),
            "groups" => "the groups that you are in".to_owned(),
            "organisation" => "the organisation that you act for".to_owned(),
            "offline_access" => "all of this while you are away".to_owned(),
            other => format!("what it calls \"{other}\""),
        })
        .collect()
}
