//! The scriptable provider's endpoints, strict where a real one is.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::rand;
use axum::Router;
use axum::extract::{Query, RawForm, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use super::script::{Fault, IssParameter, Place, Script};
use super::{CLIENT_ID, CLIENT_SECRET, Desk, lock, signing};

/// Codes that wait to be redeemed, and access tokens that open UserInfo.
#[derive(Default)]
pub(super) struct Codes {
    codes: HashMap<String, Granted>,
    tokens: HashMap<String, Map<String, Value>>,
}

struct Granted {
    request: HashMap<String, String>,
    claims: Map<String, Value>,
}

type Shared = State<Arc<Desk>>;

pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/keys", get(keys))
        .route("/authorize", get(authorize))
        .route("/token", post(token))
        .route("/userinfo", get(userinfo))
        .with_state(desk)
}

async fn discovery(State(desk): Shared) -> Response {
    desk.enter(Place::Discovery).await;
    let script = desk.script();
    let issuer = desk.issuer();
    let at = |path: &str| Value::from(format!("{issuer}{path}"));
    let mut document = object(json!({
        "issuer": issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "authorization_response_iss_parameter_supported": script.promises_iss,
    }));
    if let Some(edit) = &script.edit_discovery {
        edit(&mut document);
    }
    answer(&script, Place::Discovery, document)
}

async fn keys(State(desk): Shared) -> Response {
    desk.enter(Place::Keys).await;
    let script = desk.script();
    let published = match &*lock(&desk.published) {
        Some(other) => other.published(),
        None => lock(&desk.key).published(),
    };
    let mut response = answer(&script, Place::Keys, object(json!({ "keys": [published] })));
    if let Some(kept) = script.keys_cache_control {
        let kept = header::HeaderValue::from_static(kept);
        response.headers_mut().insert(header::CACHE_CONTROL, kept);
    }
    response
}

/// Signs in whoever the script says, at once.
async fn authorize(
    State(desk): Shared,
    Query(request): Query<HashMap<String, String>>,
) -> Response {
    desk.enter(Place::Authorize).await;
    let script = desk.script();
    lock(&desk.seen).authorizations.push(request.clone());
    if request.get("client_id").map(String::as_str) != Some(CLIENT_ID) {
        return (StatusCode::BAD_REQUEST, "unknown client").into_response();
    }
    let Some(mut target) = request.get("redirect_uri").and_then(|uri| Url::parse(uri).ok()) else {
        return (StatusCode::BAD_REQUEST, "no redirect_uri").into_response();
    };
    let mut pairs = Vec::new();
    match script.error {
        Some(error) => {
            pairs.push(("error", error.to_owned()));
            pairs.push(("error_description", "as the script says".to_owned()));
        }
        None => {
            let code = random();
            lock(&desk.seen).codes.push(code.clone());
            let granted = Granted { request: request.clone(), claims: script.claims.clone() };
            lock(&desk.codes).codes.insert(code.clone(), granted);
            pairs.push(("code", code));
        }
    }
    pairs.extend(request.get("state").map(|state| ("state", state.clone())));
    match &script.iss_parameter {
        IssParameter::Right => pairs.push(("iss", desk.issuer())),
        IssParameter::Missing => {}
        IssParameter::Other(other) => pairs.push(("iss", other.clone())),
    }
    if script.form_post {
        return form(&target, &pairs);
    }
    target.query_pairs_mut().extend_pairs(pairs);
    Redirect::to(target.as_str()).into_response()
}

fn form(target: &Url, pairs: &[(&str, String)]) -> Response {
    let fields: String = pairs
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"))
        .collect();
    let page = format!("<form method=\"post\" action=\"{target}\">{fields}</form>");
    Html(page).into_response()
}

async fn token(State(desk): Shared, headers: HeaderMap, RawForm(body): RawForm) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    {
        let mut seen = lock(&desk.seen);
        seen.token_forms.push(form.clone());
        seen.token_authorizations.push(authorization.map(str::to_owned));
    }
    desk.enter(Place::Token).await;
    let script = desk.script();
    if !is_our_client(authorization, &form) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let code = form.get("code").map(String::as_str).unwrap_or_default();
    let Some(granted) = lock(&desk.codes).codes.remove(code) else {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let challenge = form.get("code_verifier").map(|verifier| signing::challenge(verifier));
    let same_uri = form.get("redirect_uri") == granted.request.get("redirect_uri");
    if !same_uri || challenge != granted.request.get("code_challenge").cloned() {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    let mut tokens = issue(&desk, &script, &granted);
    if let Some(edit) = &script.edit_tokens {
        edit(&mut tokens);
    }
    answer(&script, Place::Token, tokens)
}

fn issue(desk: &Desk, script: &Script, granted: &Granted) -> Map<String, Value> {
    let access_token = random();
    let now = desk.clock.now().seconds() + script.ahead;
    let mut claims = if script.lean_id_token { Map::new() } else { granted.claims.clone() };
    claims.extend(object(json!({
        "iss": desk.issuer(),
        "sub": granted.claims.get("sub"),
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 300,
        "at_hash": signing::at_hash(&access_token),
        "nonce": granted.request.get("nonce"),
    })));
    if let Some(edit) = &script.edit_id_token {
        edit(&mut claims);
    }
    let edit = |header: &mut Map<String, Value>| {
        if let Some(edit) = &script.edit_header {
            edit(header);
        }
    };
    let id_token = lock(&desk.key).sign(script.signing, &claims, edit);
    lock(&desk.codes).tokens.insert(access_token.clone(), granted.claims.clone());
    let mut seen = lock(&desk.seen);
    seen.access_tokens.push(access_token.clone());
    seen.id_tokens.push(id_token.clone());
    object(json!({
        "token_type": "Bearer",
        "expires_in": 300,
        "access_token": access_token,
        "id_token": id_token,
    }))
}

async fn userinfo(State(desk): Shared, headers: HeaderMap) -> Response {
    desk.enter(Place::Userinfo).await;
    let script = desk.script();
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let known = token.and_then(|token| lock(&desk.codes).tokens.get(token).cloned());
    let Some(mut claims) = known else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_token");
    };
    if let Some(edit) = &script.edit_userinfo {
        edit(&mut claims);
    }
    answer(&script, Place::Userinfo, claims)
}

/// Basic with form-encoded halves (RFC 6749 section 2.3.1), or both in the form.
fn is_our_client(authorization: Option<&str>, form: &HashMap<String, String>) -> bool {
    let decoded = |text: &str| {
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        pairs.into_iter().next().map(|(name, _)| name).unwrap_or_default()
    };
    let by_basic = authorization
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|value| STANDARD.decode(value).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|pair| pair.split_once(':').map(|(id, secret)| (decoded(id), decoded(secret))));
    let in_form = || Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone()));
    by_basic.or_else(in_form) == Some((CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned()))
}

/// What the endpoint says, or what the script makes it say.
fn answer(script: &Script, place: Place, mut body: Map<String, Value>) -> Response {
    match script.faults.get(&place) {
        None => axum::Json(body).into_response(),
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(*status).expect("a status");
            refused(status, "server_error")
        }
        Some(Fault::Says(kind, text)) => {
            ([(header::CONTENT_TYPE, *kind)], text.clone()).into_response()
        }
        Some(Fault::Huge) => {
            let filler = "x".repeat(1024 * 1024);
            body.insert("filler".to_owned(), filler.into());
            axum::Json(body).into_response()
        }
        Some(Fault::Kind(kind)) => {
            let text = serde_json::to_string(&body).expect("JSON");
            ([(header::CONTENT_TYPE, *kind)], text).into_response()
        }
        Some(Fault::Redirect(target)) => Redirect::temporary(target).into_response(),
    }
}

fn refused(status: StatusCode, code: &str) -> Response {
    (status, axum::Json(json!({ "error": code }))).into_response()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("no object: {other}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's provider guards nothing")]
fn random() -> String {
    let mut bytes = [0; 24];
    rand::fill(&mut bytes).expect("randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}
