//! The OpenID provider's endpoints, as its document describes them.

use serde_json::{Value, json};

use super::{answers, form, query, says, schema};

type Field = (&'static str, bool, &'static str);

/// How a client proves who it is, when it does so in the form.
const PROOF: [Field; 4] = [
    ("client_id", false, "Who asks, unless the Authorization header says it."),
    ("client_secret", false, "For client_secret_post."),
    (
        "client_assertion_type",
        false,
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer, for private_key_jwt.",
    ),
    ("client_assertion", false, "A JWT signed by the client's key (RFC 7523), used once."),
];

/// An authorization request (OpenID Connect Core 3.1.2.1).
const REQUEST: [Field; 21] = [
    ("client_id", true, "Which client."),
    ("response_type", false, "code; nothing else is answered. Needed unless it was pushed."),
    ("redirect_uri", false, "Where the answer goes: exactly one that is registered."),
    ("scope", false, "Words separated by blanks; openid makes it OpenID Connect."),
    ("state", false, "Comes back unread."),
    ("nonce", false, "Comes back in the ID token. Needed unless the client is registered without."),
    ("code_challenge", false, "PKCE (RFC 7636). Needed unless the client is registered without."),
    ("code_challenge_method", false, "S256."),
    ("response_mode", false, "query or form_post."),
    ("prompt", false, "none, login, select_account or consent."),
    ("max_age", false, "Most seconds since the sign-in."),
    ("login_hint", false, "The e-mail address that is expected."),
    ("provider", false, "Key of the identity provider to sign in with."),
    ("id_token_hint", false, "An ID token: whoever signs in must be its subject."),
    ("ui_locales", false, "Languages that the person reads, best first."),
    ("acr_values", false, "Classes of sign-in that are wanted, best first."),
    ("resource", false, "What the access token is for (RFC 8707). May be repeated."),
    ("dpop_jkt", false, "Thumbprint of the key that the code is for (RFC 9449 section 10)."),
    ("request_uri", false, "Name of a pushed request (RFC 9126); nothing else is fetched."),
    ("request", false, "Refused: request objects are not read."),
    ("registration", false, "Refused: an operator registers clients."),
];

const TOKEN: [Field; 13] = [
    ("grant_type", true, "What is brought: see grant_types_supported."),
    ("code", false, "For authorization_code."),
    ("redirect_uri", false, "For authorization_code: as in the authorization request."),
    ("code_verifier", false, "For authorization_code: PKCE."),
    ("refresh_token", false, "For refresh_token."),
    ("scope", false, "For refresh_token, to narrow it, client_credentials and token exchange."),
    ("resource", false, "What the access token is for (RFC 8707): some of it. May be repeated."),
    ("audience", false, "For token exchange (RFC 8693): the same as resource. May be repeated."),
    ("subject_token", false, "For token exchange: a provider's token, or an access token of ours."),
    ("subject_token_type", false, "For token exchange: id_token, access_token or jwt, as URN."),
    ("actor_token", false, "For token exchange: an access token of the client that acts."),
    ("actor_token_type", false, "For token exchange: access_token or jwt, as URN."),
    ("requested_token_type", false, "For token exchange: access_token, as URN."),
];

const ONE_TOKEN: [Field; 2] = [
    ("token", true, "The token."),
    ("token_type_hint", false, "access_token or refresh_token; only a hint."),
];

const LOGOUT: [Field; 4] = [
    ("id_token_hint", false, "An ID token of the session; without it the person is asked."),
    ("client_id", false, "Which client, where there is no hint."),
    ("post_logout_redirect_uri", false, "Where to go then: exactly one that is registered."),
    ("state", false, "Comes back unread."),
];

/// Path by path.
pub(super) fn paths() -> Vec<(&'static str, Value)> {
    vec![
        ("/oauth/authorize", authorize()),
        ("/oauth/logout", logout()),
        (
            "/oauth/token",
            bound(by_client("token", "What a client brings, for tokens", &TOKEN, "Tokens")),
        ),
        (
            "/oauth/introspect",
            by_client("introspect", "What a token says (RFC 7662)", &ONE_TOKEN, "Introspection"),
        ),
        ("/oauth/revoke", revoke()),
        ("/oauth/par", push()),
        ("/oauth/userinfo", userinfo()),
        ("/oauth/jwks", jwks()),
        ("/.well-known/openid-configuration", metadata("openid_configuration")),
        ("/.well-known/oauth-authorization-server", metadata("oauth_authorization_server")),
    ]
}

fn authorize() -> Value {
    let responses = json!({
        "200": says("A page: the answer as a form for response_mode=form_post, or a question"),
        "303": says("To the client with code and iss, or with error; or to the login page"),
        "400": says("A page: client or redirect URI are not registered, so nobody is sent there"),
        "429": says("A page: too many requests wait for a sign-in from one network"),
    });
    json!({
        "get": {
            "operationId": "authorize",
            "tags": ["oauth"],
            "summary": "Begin a sign-in, in a browser (OpenID Connect Core 3.1.2)",
            "parameters": query(&REQUEST),
            "responses": responses,
        },
        "post": {
            "operationId": "authorize_by_form",
            "tags": ["oauth"],
            "summary": "Begin a sign-in by a form",
            "requestBody": form(&REQUEST),
            "responses": responses,
        },
    })
}

fn logout() -> Value {
    let responses = json!({
        "200": says("A page that asks, or that says that the person is signed out"),
        "303": says("To the post-logout redirect URI, with state"),
        "400": says("A page: the request is malformed"),
    });
    let refused = says("A page: the form was too old, and asks once more");
    let mut by_form = responses.clone();
    by_form["403"] = refused;
    json!({
        "get": {
            "operationId": "logout",
            "tags": ["oauth"],
            "summary": "Sign out, in a browser (OpenID Connect RP-Initiated Logout 1.0)",
            "parameters": query(&LOGOUT),
            "responses": responses,
        },
        "post": {
            "operationId": "logout_by_form",
            "tags": ["oauth"],
            "summary": "Sign out by a form",
            "requestBody": form(&LOGOUT),
            "responses": by_form,
        },
    })
}

/// A question of an authenticated client that is answered with JSON.
fn by_client(id: &str, summary: &str, fields: &[Field], good: &str) -> Value {
    json!({ "post": client_post(id, summary, fields, "200", &answers("Done", good)) })
}

fn client_post(id: &str, summary: &str, fields: &[Field], status: &str, good: &Value) -> Value {
    let fields: Vec<Field> = fields.iter().chain(&PROOF).copied().collect();
    json!({
        "operationId": id,
        "tags": ["oauth"],
        "summary": summary,
        "security": [{ "client": [] }, {}],
        "requestBody": form(&fields),
        "responses": {
            status: good,
            "400": answers("Refused, and why (RFC 6749 section 5.2)", "Error"),
            "401": answers("The client did not show who it is", "Error"),
            "405": answers("POST alone", "Error"),
            "413": answers("More than 64 KiB", "Error"),
            "500": answers("Our own fault; the log has this request's id", "Error"),
            "503": answers("Later, perhaps", "Error"),
        },
    })
}

/// Where tokens, or codes, are bound to a key.
fn bound(mut path: Value) -> Value {
    path["post"]["parameters"] = json!([proof_of_possession()]);
    path
}

fn proof_of_possession() -> Value {
    json!({
        "name": "DPoP",
        "in": "header",
        "description": "A proof of possession (RFC 9449), where tokens are bound to a key.",
        "schema": { "type": "string" },
    })
}

fn revoke() -> Value {
    let good = says("It does not work any more, or never did (RFC 7009)");
    json!({ "post": client_post("revoke", "Take a token back (RFC 7009)", &ONE_TOKEN, "200", &good) })
}

fn push() -> Value {
    let good = answers("Kept under a name that works once", "PushedRequest");
    let request: Vec<Field> = REQUEST
        .into_iter()
        .filter(|(name, ..)| !["request_uri", "client_id"].contains(name))
        .collect();
    let summary = "Leave an authorization request (RFC 9126)";
    let mut path = bound(json!({ "post": client_post("push", summary, &request, "201", &good) }));
    let many = answers("Too many from one network, of public clients; see Retry-After", "Error");
    path["post"]["responses"]["429"] = many;
    path
}

fn userinfo() -> Value {
    let operation = |id: &str| {
        json!({
            "operationId": id,
            "tags": ["oauth"],
            "summary": "Claims about the person of an access token (OpenID Connect Core 5.3)",
            "security": [{ "token": [] }],
            "parameters": [proof_of_possession()],
            "responses": {
                "200": answers("What the token's scopes show", "UserInfo"),
                "401": says("No token, or one that does not hold; see WWW-Authenticate"),
                "403": answers("The token is not for this; see WWW-Authenticate", "Error"),
                "405": answers("GET and POST alone", "Error"),
                "500": answers("Our own fault; the log has this request's id", "Error"),
                "503": answers("Later, perhaps", "Error"),
            },
        })
    };
    json!({ "get": operation("userinfo"), "post": operation("userinfo_by_post") })
}

fn jwks() -> Value {
    json!({
        "get": {
            "operationId": "jwks",
            "tags": ["discovery"],
            "summary": "The keys that tokens are signed with (RFC 7517)",
            "responses": {
                "200": {
                    "description": "The keys",
                    "content": { "application/jwk-set+json": { "schema": schema("Jwks") } },
                },
                "405": answers("GET alone", "Error"),
                "500": answers("Our own fault; the log has this request's id", "Error"),
                "503": answers("Later, perhaps", "Error"),
            },
        },
    })
}

fn metadata(id: &str) -> Value {
    json!({
        "get": {
            "operationId": id,
            "tags": ["discovery"],
            "summary": "Where everything is (OpenID Connect Discovery 1.0, RFC 8414)",
            "responses": {
                "200": {
                    "description": "The document",
                    "content": { "application/json": { "schema": schema("Metadata") } },
                },
                "405": answers("GET alone", "Error"),
            },
        },
    })
}
