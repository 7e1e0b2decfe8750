//! What comes back, as schemas. Words are the ones that the code itself knows.

use identity::oauth::error::OAuthError;
use identity::oauth::metadata::document;
use serde_json::{Map, Value, json};

use super::EXAMPLE;

/// Every schema by its name.
pub(super) fn all() -> Value {
    json!({
        "Error": error(),
        "Tokens": tokens(),
        "Introspection": introspection(),
        "PushedRequest": object(
            json!({ "request_uri": text("What to send as request_uri."), "expires_in": seconds() }),
            &["request_uri", "expires_in"],
        ),
        "UserInfo": object(
            json!({
                "sub": text("The person, for ever."),
                "name": text("With the scope profile."),
                "given_name": text("With the scope profile."),
                "family_name": text("With the scope profile."),
                "locale": text("With the scope profile."),
                "user_type": text("With the scope profile."),
                "email": text("With the scope email."),
                "email_verified": { "type": "boolean" },
                "groups": texts(),
                "organisation": text("With the scope organisation: for which they act."),
            }),
            &["sub"],
        ),
        "Jwks": object(
            json!({ "keys": { "type": "array", "items": { "type": "object" } } }),
            &["keys"],
        ),
        "Metadata": metadata(),
        "Health": health(),
    })
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties, "required": required })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn texts() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

fn seconds() -> Value {
    json!({ "type": "integer", "description": "Seconds." })
}

fn moment(description: &str) -> Value {
    json!({ "type": "integer", "description": format!("{description} Seconds since 1970 UTC.") })
}

fn error() -> Value {
    let codes = OAuthError::ALL.map(OAuthError::code);
    object(
        json!({
            "error": { "type": "string", "enum": codes },
            "error_description": text("What is wrong, and what to do."),
            "error_uri": text("Token exchange: where the person can do something about it."),
            "reason": text("Token exchange: our own code of what was refused."),
            "support_code": text("Token exchange: finds the entry in the audit."),
        }),
        &["error"],
    )
}

fn tokens() -> Value {
    object(
        json!({
            "access_token": text("A JWT (RFC 9068)."),
            "token_type": { "type": "string", "enum": ["Bearer", "DPoP"] },
            "expires_in": seconds(),
            "scope": text("What was granted."),
            "id_token": text("With the scope openid."),
            "refresh_token": text("Where the client may refresh."),
            "issued_token_type": text("Of token exchange (RFC 8693 section 2.2.1)."),
        }),
        &["access_token", "token_type", "expires_in"],
    )
}

fn introspection() -> Value {
    object(
        json!({
            "active": { "type": "boolean" },
            "token_type": text("Bearer, DPoP or refresh_token."),
            "client_id": text("Who got it."),
            "sub": text("Whom it is about."),
            "username": text("The e-mail address, with the scope email."),
            "scope": text("What it is good for."),
            "iss": text("The issuer."),
            "aud": texts(),
            "iat": moment("When it was issued."),
            "exp": moment("When it ends."),
            "jti": text("Names the token in logs."),
            "sid": text("The session of the person."),
            "grant": text("What the person let the client do; ends with it."),
            "auth_time": moment("When the person signed in."),
            "amr": texts(),
            "acr": text("How: one of acr_values_supported."),
            "act": { "type": "object", "description": "Who acts (RFC 8693 section 4.1)." },
            "cnf": object(json!({ "jkt": text("The key that it is bound to (RFC 9449).") }), &[]),
        }),
        &["active"],
    )
}

/// Every member that our own document has, with its kind.
fn metadata() -> Value {
    let Value::Object(members) = document(EXAMPLE) else { return json!({ "type": "object" }) };
    let kind = |value: &Value| match value {
        Value::Bool(_) => json!({ "type": "boolean" }),
        Value::Array(_) => texts(),
        _ => json!({ "type": "string" }),
    };
    let required: Vec<&String> = members.keys().collect();
    let properties: Map<String, Value> =
        members.iter().map(|(name, value)| (name.clone(), kind(value))).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn health() -> Value {
    let check =
        object(json!({ "ok": { "type": "boolean" }, "why": text("What is wrong.") }), &["ok"]);
    object(
        json!({
            "status": { "type": "string", "enum": ["ok", "unavailable"] },
            "checks": { "type": "object", "additionalProperties": check },
        }),
        &["status"],
    )
}
