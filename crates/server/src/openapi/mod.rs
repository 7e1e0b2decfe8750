//! The OpenAPI document of everything that programs ask: served, and checked in as
//! `docs/openapi.json`.

mod oauth;
mod others;
mod schemas;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::app::App;

/// The public URL of the document that is checked in.
pub const EXAMPLE: &str = "https://id.shop.example";

/// `GET /openapi.json`
pub async fn show(State(app): State<App>) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, Json(document(&app.issuer()))).into_response()
}

/// The document (OpenAPI 3.1) of a house at this public URL (no slash at its end).
pub fn document(url: &str) -> Value {
    let mut paths = Map::new();
    for (path, operations) in oauth::paths().into_iter().chain(others::paths()) {
        paths.insert(path.to_owned(), operations);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Vestibule",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Signs people in to every application of a commerce platform.",
            "description": "What programs ask: an OpenID provider and OAuth 2.0 authorization \
                server, a check for reverse proxies, and what an operator's machinery asks. Pages \
                for people are not listed.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": url }],
        "tags": [
            { "name": "discovery", "description": "Where everything is" },
            { "name": "oauth", "description": "OpenID Connect and OAuth 2.0" },
            { "name": "forward-auth", "description": "For reverse proxies" },
            { "name": "operations", "description": "For whoever runs it" },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": security(),
        },
    })
}

/// Ways to show who is asking.
fn security() -> Value {
    json!({
        "client": {
            "type": "http",
            "scheme": "basic",
            "description": "Client id and secret, each form-encoded first (RFC 6749 section \
                2.3.1). Clients may be registered for client_secret_post or private_key_jwt \
                instead, whose parameters are in the form; public clients send client_id alone.",
        },
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token (RFC 6750); one that is bound to a key comes with \
                the scheme DPoP and a proof (RFC 9449).",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-vestibule_customer",
            "description": "The session of a person. The name ends in the user type of the \
                application: customer, staff, merchant or member.",
        },
    })
}

/// A reference to a schema.
fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// An answer of JSON.
fn answers(description: &str, name: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/json": { "schema": schema(name) } },
    })
}

/// An answer without content that matters.
fn says(description: &str) -> Value {
    json!({ "description": description })
}

/// Parameters of an address: name, whether it must be there, meaning.
fn query(parameters: &[(&str, bool, &str)]) -> Vec<Value> {
    let parameter = |(name, required, description): &(&str, bool, &str)| {
        json!({
            "name": name,
            "in": "query",
            "required": required,
            "description": description,
            "schema": { "type": "string" },
        })
    };
    parameters.iter().map(parameter).collect()
}

/// A form: the same.
fn form(fields: &[(&str, bool, &str)]) -> Value {
    let mut properties = Map::new();
    for (name, _, description) in fields {
        let property = json!({ "type": "string", "description": description });
        properties.insert((*name).to_owned(), property);
    }
    let required: Vec<&str> =
        fields.iter().filter(|(_, required, _)| *required).map(|(name, _, _)| *name).collect();
    let schema = json!({ "type": "object", "properties": properties, "required": required });
    json!({
        "required": true,
        "content": { "application/x-www-form-urlencoded": { "schema": schema } },
    })
}
