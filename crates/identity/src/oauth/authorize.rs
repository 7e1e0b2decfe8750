//! The authorization request (RFC 6749 section 4.1.1, OpenID Connect Core 3.1.2.1): what an
//! application asks for, checked before anybody is asked to sign in.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ids::ClientId;
use crate::oauth::clients::{Client, GrantType};
use crate::oauth::dpop::is_thumbprint;
use crate::oauth::error::{OAuthError, OAuthFault};
use crate::oauth::parameters::Parameters;
use crate::oauth::pkce::Challenge;
use crate::oauth::redirect_uri;
use crate::oauth::resources;
use crate::oauth::scopes::{OFFLINE_ACCESS, OPENID, Scopes};

/// Longest value of what is echoed or kept as it came, in bytes.
const MAX_KEPT: usize = 1024;

/// What that is for: everything that is bounded by nothing else. ID tokens are longer.
const BOUNDED: [&str; 6] = ["state", "nonce", "login_hint", "prompt", "provider", "ui_locales"];

/// What may be kept of a request that has been checked. Whatever else came means nothing here, and
/// would be a stranger's text in our database.
pub const KEPT: [&str; 17] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "provider",
    "redirect_uri",
    "resource",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "ui_locales",
];

/// How the answer gets back to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// As a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// Where an answer may go: a client and one of its own redirect URIs. Nothing is ever sent
/// anywhere else (RFC 9700 section 4.11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Who asks.
    pub client: ClientId,
    /// Registered, as an exact string.
    pub redirect_uri: String,
    /// How.
    pub mode: ResponseMode,
    /// Echoed as it came.
    pub state: Option<String>,
}

/// What people may be asked besides (`prompt`, OpenID Connect Core 3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// Show nothing at all.
    pub none: bool,
    /// Sign in, whoever is signed in.
    pub login: bool,
    /// Ask whether they agree.
    pub consent: bool,
    /// Let them choose who they are.
    pub select_account: bool,
}

/// A request that may be answered with a code, once somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Where the answer goes.
    pub target: Target,
    /// What is asked for; never more than the client is registered for.
    pub scopes: Scopes,
    /// Comes back in the ID token.
    pub nonce: Option<String>,
    /// PKCE (RFC 7636).
    pub challenge: Option<Challenge>,
    /// What people are asked.
    pub prompt: Prompt,
    /// Longest time since the sign-in.
    pub max_age: Option<Duration>,
    /// Whom the application expects, for the login form.
    pub login_hint: Option<String>,
    /// Which provider the application would have people sign in with: a provider's key.
    pub provider_hint: Option<String>,
    /// An ID token of ours: whoever signs in must be its subject.
    pub id_token_hint: Option<String>,
    /// Languages that the person reads, best first.
    pub ui_locales: Option<String>,
    /// What the access token is for (RFC 8707).
    pub resources: Vec<String>,
    /// The DPoP key that the code is for (RFC 9449 section 10).
    pub dpop_jkt: Option<String>,
}

impl Target {
    /// Where errors may go, once that is certain; until then they are shown as a page.
    pub fn of(parameters: &Parameters, client: &Client) -> Result<Self, OAuthFault> {
        let redirect_uri = parameters.needed("redirect_uri")?;
        if !redirect_uri::matches(&client.redirect_uris, redirect_uri) {
            let text = "redirect_uri is not registered for this client; register it exactly as it \
                        is sent (vestibule clients change)";
            return Err(OAuthFault::new(OAuthError::InvalidRequest, text));
        }
        let mode = match parameters.once("response_mode") {
            Some("form_post") => ResponseMode::FormPost,
            _ => ResponseMode::Query,
        };
        let state = parameters.once("state").filter(|state| state.len() <= MAX_KEPT);
        Ok(Self {
            client: client.id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            mode,
            state: state.map(str::to_owned),
        })
    }

    /// The address of an answer in the query, with `iss` (RFC 9207). The registered URI keeps its
    /// own query.
    pub fn location(&self, issuer: &str, answer: &[(&str, &str)]) -> String {
        let Ok(mut url) = Url::parse(&self.redirect_uri) else { return self.redirect_uri.clone() };
        url.query_pairs_mut().extend_pairs(self.answer(issuer, answer));
        url.into()
    }

    /// Names and values of an answer, with `state` and `iss`.
    pub fn answer<'a>(
        &'a self,
        issuer: &'a str,
        answer: &[(&'a str, &'a str)],
    ) -> Vec<(&'a str, &'a str)> {
        let state = self.state.as_deref().map(|state| ("state", state));
        answer.iter().copied().chain(state).chain([("iss", issuer)]).collect()
    }
}

impl AuthorizationRequest {
    /// Whether a sign-in that was made for something else may not do (OpenID Connect Core
    /// 3.1.2.1).
    pub fn minds_the_sign_in(&self) -> bool {
        self.prompt.login || self.max_age.is_some()
    }

    /// Checks everything besides client and redirect URI. Its errors go to the target.
    pub fn check(
        parameters: &Parameters,
        client: &Client,
        target: Target,
    ) -> Result<Self, OAuthFault> {
        parameters.check_repetition()?;
        refuse_request_objects(parameters)?;
        check_response(parameters, client)?;
        check_lengths(parameters)?;
        let scopes = scopes(parameters, client)?;
        let nonce = parameters.once("nonce").map(str::to_owned);
        if client.require_nonce && nonce.is_none() && scopes.contains(OPENID) {
            return Err(invalid("send a nonce: a fresh random value for every request"));
        }
        let challenge = Challenge::of(parameters)?;
        if client.require_pkce && challenge.is_none() {
            return Err(invalid("send code_challenge with code_challenge_method=S256 (RFC 7636)"));
        }
        Ok(Self {
            target,
            scopes,
            nonce,
            challenge,
            prompt: prompt(parameters)?,
            max_age: max_age(parameters)?,
            login_hint: parameters.once("login_hint").map(str::to_owned),
            provider_hint: parameters.once("provider").map(str::to_owned),
            id_token_hint: parameters.once("id_token_hint").map(str::to_owned),
            ui_locales: parameters.once("ui_locales").map(str::to_owned),
            resources: resources::registered(parameters.all("resource"), client)?,
            dpop_jkt: dpop_jkt(parameters)?,
        })
    }
}

/// Request objects, and clients that describe themselves, are refused with the error that the
/// standard has for each (OpenID Connect Core 3.1.2.6, RFC 9126 section 4): what was pushed has been
/// looked up before.
fn refuse_request_objects(parameters: &Parameters) -> Result<(), OAuthFault> {
    if parameters.has("request") {
        let text = "request objects are not supported; send plain parameters or push them";
        return Err(OAuthFault::new(OAuthError::RequestNotSupported, text));
    }
    if parameters.has("registration") {
        let text =
            "registration is not supported; an operator registers clients (vestibule clients)";
        return Err(OAuthFault::new(OAuthError::RegistrationNotSupported, text));
    }
    if parameters.has("request_uri") {
        let text = "request_uri takes only what was pushed here a moment ago (RFC 9126)";
        return Err(OAuthFault::new(OAuthError::RequestUriNotSupported, text));
    }
    Ok(())
}

/// Code, and nothing else (RFC 9700 section 2.1.2).
fn check_response(parameters: &Parameters, client: &Client) -> Result<(), OAuthFault> {
    if parameters.needed("response_type")? != "code" {
        let text = "response_type must be code; there is no implicit or hybrid flow";
        return Err(OAuthFault::new(OAuthError::UnsupportedResponseType, text));
    }
    if !client.grant_types.contains(&GrantType::AuthorizationCode) {
        let text = "this client is not registered for authorization_code";
        return Err(OAuthFault::new(OAuthError::UnauthorizedClient, text));
    }
    match parameters.once("response_mode") {
        None | Some("query" | "form_post") => Ok(()),
        Some(_) => Err(invalid("response_mode is query or form_post")),
    }
}

fn scopes(parameters: &Parameters, client: &Client) -> Result<Scopes, OAuthFault> {
    let fault = |text: &str| OAuthFault::new(OAuthError::InvalidScope, text);
    let asked = Scopes::parse(parameters.once("scope").unwrap_or(""))
        .map_err(|malformed| fault(&malformed.to_string()))?;
    let allowed = Scopes::of(client.scopes.iter().map(String::as_str));
    if !asked.is_within(&allowed) {
        return Err(fault("this client is not registered for every scope that it asks for"));
    }
    // A refresh token that outlives the session is for clients that may refresh; others are told
    // nothing, the scope is ignored (OpenID Connect Core 11).
    let may_refresh = client.grant_types.contains(&GrantType::RefreshToken);
    Ok(if may_refresh { asked } else { asked.without(OFFLINE_ACCESS) })
}

fn check_lengths(parameters: &Parameters) -> Result<(), OAuthFault> {
    let is_long = |name: &&&str| parameters.once(name).is_some_and(|text| text.len() > MAX_KEPT);
    match BOUNDED.iter().find(is_long) {
        None => Ok(()),
        Some(name) => Err(invalid(&format!("{name} may have {MAX_KEPT} bytes at most"))),
    }
}

fn prompt(parameters: &Parameters) -> Result<Prompt, OAuthFault> {
    let mut prompt = Prompt::default();
    let words = words(parameters.once("prompt"));
    for word in &words {
        match word.as_str() {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            "select_account" => prompt.select_account = true,
            _ => return Err(invalid("prompt knows none, login, consent and select_account")),
        }
    }
    if prompt.none && words.len() > 1 {
        return Err(invalid("prompt=none stands alone"));
    }
    Ok(prompt)
}

fn max_age(parameters: &Parameters) -> Result<Option<Duration>, OAuthFault> {
    let Some(text) = parameters.once("max_age") else { return Ok(None) };
    match text.parse::<u32>() {
        Ok(seconds) => Ok(Some(Duration::from_secs(seconds.into()))),
        Err(_) => Err(invalid("max_age is a number of seconds")),
    }
}

/// RFC 9449 section 10: a code may be bound to a key before anything is proved with it.
fn dpop_jkt(parameters: &Parameters) -> Result<Option<String>, OAuthFault> {
    match parameters.once("dpop_jkt") {
        Some(text) if !is_thumbprint(text) => {
            Err(invalid("dpop_jkt is the SHA-256 thumbprint of a key as base64url (RFC 9449)"))
        }
        thumbprint => Ok(thumbprint.map(str::to_owned)),
    }
}

fn words(text: Option<&str>) -> Vec<String> {
    text.unwrap_or("").split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn invalid(description: &str) -> OAuthFault {
    OAuthFault::new(OAuthError::InvalidRequest, description)
}

#[cfg(test)]
mod tests;
