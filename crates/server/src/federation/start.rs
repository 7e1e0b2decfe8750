//! The way out: a trip begins, is remembered, and the browser is sent to the provider.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use identity::applications::Application;
use identity::email::Email;
use identity::expressions::{ChallengeFacts, EvaluationFault};
use identity::federation::attempt::{Intent, Trip, begin};
use identity::federation::policy::Policy;
use identity::federation::provider::{Provider, ProviderState};
use identity::federation::refusal::Refusal;
use identity::return_to::ReturnTo;
use identity::secret::Secret;
use serde::Deserialize;
use url::Url;

use super::refused::Refused;
use crate::app::App;
use crate::error::PageError;
use crate::flood::wait_page;
use crate::oauth::wishes::Wishes;
use crate::return_to::Wanted;
use crate::visit::{Door, Visit};

/// The provider that the path names.
#[derive(Debug, Deserialize)]
pub struct StartPath {
    provider: String,
}

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
pub struct StartQuery {
    #[serde(default)]
    login_hint: String,
}

/// `GET /{application}/login/{provider}`
pub async fn start(
    State(app): State<App>,
    Door(door): Door,
    visit: Visit,
    Path(path): Path<StartPath>,
    Wanted(return_to): Wanted,
    Query(query): Query<StartQuery>,
) -> Result<Response, PageError> {
    let known = app.directory.now().provider(&path.provider);
    let refuse = |refusal, provider| Refused {
        application: Some(Arc::clone(&door)),
        provider,
        return_to: return_to.clone(),
        ..Refused::new(refusal)
    };
    let provider = match known {
        None => {
            let refused = refuse(Refusal::ProviderNotConnected, None);
            return refused.answer(&app, &visit).await;
        }
        Some(provider) if provider.state == ProviderState::Disabled => {
            return refuse(Refusal::ProviderDisabled, Some(provider)).answer(&app, &visit).await;
        }
        Some(provider) if !app.directory.now().is_connected(&door.key, &provider.id) => {
            return refuse(Refusal::ProviderNotConnected, Some(provider))
                .answer(&app, &visit)
                .await;
        }
        Some(provider) => provider,
    };
    let hint = Email::parse(&query.login_hint).ok();
    send_off(&app, &door, &visit, &provider, Sent { return_to, hint }).await
}

/// Where a trip leads in the end, and who is expected at the provider.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) return_to: Option<ReturnTo>,
    /// What somebody typed, or came with; else the application that waits may know.
    pub(crate) hint: Option<Email>,
}

/// Begins a trip to a provider that is enabled and connected to the door.
pub(crate) async fn send_off(
    app: &App,
    door: &Application,
    visit: &Visit,
    provider: &Provider,
    Sent { return_to, hint }: Sent,
) -> Result<Response, PageError> {
    if let Err(wait) = app.flood.trip(visit.address, visit.now) {
        return Ok(wait_page(app, Some(door), return_to.as_ref(), wait));
    }
    let target = return_to.map_or_else(|| format!("/{}", door.key), |target| target.to_string());
    let mut wishes = Wishes::of(app, door, &target, visit.now).await?;
    if let Some(hint) = hint {
        wishes.login_hint = Some(hint.as_typed().to_owned());
    }
    // The provider still knows whoever signed out here, and would let the next one in as them.
    wishes.prompt_login |= app.cookies.has_left(&visit.headers, door.user_type);
    let parameters = match parameters(app, door, provider, &wishes) {
        Ok(parameters) => parameters,
        Err(fault) => {
            let refused = Refused {
                return_to: ReturnTo::parse(&target, &door.return_origins),
                ..rule_failed(door, provider, &fault)
            };
            return refused.answer(app, visit).await;
        }
    };
    let errand = Errand { intent: Intent::SignIn, return_to: target, wishes, parameters };
    let begun = set_out(app, door, visit, provider, errand).await?;
    let mut response = Redirect::to(begun.location.as_str()).into_response();
    if let Some(browser) = begun.new_browser {
        response.headers_mut().append(header::SET_COOKIE, app.cookies.set_browser(&browser));
    }
    Ok(response)
}

/// What a trip is begun for.
pub(crate) struct Errand {
    pub(crate) intent: Intent,
    /// Where the person wants to go; checked before.
    pub(crate) return_to: String,
    pub(crate) wishes: Wishes,
    /// What the policy adds to the request.
    pub(crate) parameters: Vec<(String, String)>,
}

/// A trip that is remembered.
pub(crate) struct SetOut {
    /// Where the browser goes.
    pub(crate) location: Url,
    /// The browser's token, where it had none: the answer must set it.
    pub(crate) new_browser: Option<Secret>,
}

/// Begins a trip and remembers it for this browser.
pub(crate) async fn set_out(
    app: &App,
    door: &Application,
    visit: &Visit,
    provider: &Provider,
    errand: Errand,
) -> Result<SetOut, PageError> {
    let Errand { intent, return_to, wishes, parameters } = errand;
    let trip = Trip {
        provider,
        application: &door.key,
        // From the configured public URL, never from the Host header. One per provider, so that
        // an answer cannot pass for another provider's (RFC 9700 section 4.4.2).
        redirect_uri: &app.url(&format!("/login/callback/{}", provider.key)),
        intent: &intent,
        return_to: &return_to,
        login_hint: wishes.login_hint.as_deref(),
        ui_locale: wishes.ui_locale.as_deref(),
        prompt_login: wishes.prompt_login,
        // A door that wants fresh sign-ins takes nothing else from a provider either.
        max_age: if wishes.anew { Some(Duration::ZERO) } else { door.fresh_within },
        parameters: &parameters,
    };
    let begun = begin(&trip, visit.now, app.entropy.as_ref()).map_err(PageError::broken)?;
    let (browser, is_new) = visit.browser_or_new(app);
    app.store.add_attempt(&begun.state.digest(), &browser.digest(), &begun.attempt).await?;
    Ok(SetOut { location: begun.location, new_browser: is_new.then_some(browser) })
}

/// What is said where a rule of the policy cannot be worked out.
pub(crate) fn rule_failed(
    door: &Application,
    provider: &Provider,
    fault: &EvaluationFault,
) -> Refused {
    Refused {
        application: Some(Arc::new(door.clone())),
        provider: Some(Arc::new(provider.clone())),
        ..Refused::new(Refusal::RuleFailed).with("detail", format!("on_challenge: {fault}"))
    }
}

/// What the policy adds to the request.
pub(crate) fn parameters(
    app: &App,
    door: &Application,
    provider: &Provider,
    wishes: &Wishes,
) -> Result<Vec<(String, String)>, EvaluationFault> {
    let listing = app.directory.now();
    let Some(connection) = listing.connection(&door.key, &provider.id) else {
        return Ok(Vec::new());
    };
    let policy = Policy::of(&connection.policy, &door.defaults, door.user_type);
    policy.on_challenge.value.values(&ChallengeFacts {
        locale: wishes.ui_locale.as_deref(),
        login_hint: wishes.login_hint.as_deref(),
        provider: &provider.key,
        application: door.key.as_str(),
    })
}
