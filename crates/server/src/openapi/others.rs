//! What reverse proxies and an operator's machinery ask, as the document describes it.

use serde_json::{Map, Value, json};

use super::{answers, query, says};

/// Methods that a proxy may ask with: those of the requests that it asks about.
const ANY: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Path by path.
pub(super) fn paths() -> Vec<(&'static str, Value)> {
    vec![
        ("/forward-auth/{application}", check()),
        ("/healthz", health("healthz", "The process runs", None)),
        ("/readyz", health("readyz", "The process can serve", Some("It cannot, and why not"))),
        ("/metrics", metrics()),
        ("/openapi.json", this()),
    ]
}

fn check() -> Value {
    let mut path = Map::new();
    let key = json!({
        "name": "application",
        "in": "path",
        "required": true,
        "description": "Key of the application, such as back-office.",
        "schema": { "type": "string" },
    });
    path.insert("parameters".to_owned(), json!([key]));
    for method in ANY {
        path.insert(method.to_owned(), asked_by(method));
    }
    path.into()
}

fn asked_by(method: &str) -> Value {
    let denied = [("on_denied", false, "redirect: answer navigations with 303 instead of 401.")];
    json!({
        "operationId": format!("forward_auth_{method}"),
        "tags": ["forward-auth"],
        "summary": "Whether a request may go through, and whose it is",
        "security": [{ "session": [] }],
        "parameters": query(&denied),
        "responses": {
            "200": { "description": "It may", "headers": who() },
            "303": says("To the login, where on_denied=redirect"),
            "401": says("Nobody is signed in; X-Vestibule-Login says where to"),
            "403": says("Signed in and not admitted, or a request that no proxy should pass on"),
            "404": says("There is no such application"),
            "503": says("The database is away, and memory is too old to tell"),
        },
    })
}

/// Headers of the answer that lets somebody in.
fn who() -> Value {
    let header = |text: &str| json!({ "description": text, "schema": { "type": "string" } });
    json!({
        "X-Vestibule-User": header("sub of the person."),
        "X-Vestibule-Email": header("Percent-encoded UTF-8."),
        "X-Vestibule-Name": header("Percent-encoded UTF-8."),
        "X-Vestibule-Groups": header("A JSON array, as percent-encoded UTF-8."),
        "X-Vestibule-Type": header("customer, staff, merchant or member."),
        "X-Vestibule-Token": header("The same as a signed JWT, for at most 60 seconds."),
    })
}

fn health(id: &str, good: &str, bad: Option<&str>) -> Value {
    let mut responses = Map::new();
    responses.insert("200".to_owned(), answers(good, "Health"));
    if let Some(bad) = bad {
        responses.insert("503".to_owned(), answers(bad, "Health"));
    }
    json!({
        "get": {
            "operationId": id,
            "tags": ["operations"],
            "summary": good,
            "responses": responses,
        },
    })
}

/// On the listener of `operations.listen` alone.
fn metrics() -> Value {
    json!({
        "servers": [{
            "url": "http://127.0.0.1:9464",
            "description": "The listener of its own that operations.listen names; off unless set.",
        }],
        "get": {
            "operationId": "metrics",
            "tags": ["operations"],
            "summary": "Counters and timings, for Prometheus",
            "responses": {
                "200": {
                    "description": "Prometheus' text format 0.0.4",
                    "content": { "text/plain": { "schema": { "type": "string" } } },
                },
            },
        },
    })
}

fn this() -> Value {
    json!({
        "get": {
            "operationId": "openapi",
            "tags": ["discovery"],
            "summary": "This document",
            "responses": {
                "200": {
                    "description": "OpenAPI 3.1",
                    "content": { "application/json": { "schema": { "type": "object" } } },
                },
            },
        },
    })
}
