//! What we say about ourselves: OpenID Connect Discovery 1.0 section 3 and RFC 8414.

use serde_json::{Value, json};

use crate::oauth::clients::{ClientAuthMethod, GrantType, SigningAlgorithm};
use crate::oauth::scopes::ABOUT_PEOPLE;
use crate::oauth::tokens::ACR_VALUES;

/// Algorithms that we take in a client's own JWTs: its assertions, and its proofs of possession.
pub const CLIENT_ALGORITHMS: [&str; 4] = ["RS256", "PS256", "ES256", "EdDSA"];

/// The document for a house at this public URL (no slash at its end). One document serves both
/// standards.
pub fn document(issuer: &str) -> Value {
    let at = |path: &str| format!("{issuer}/oauth/{path}");
    let words = |all: &[&'static str]| all.to_vec();
    json!({
        "issuer": issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "userinfo_endpoint": at("userinfo"),
        "jwks_uri": at("jwks"),
        "introspection_endpoint": at("introspect"),
        "revocation_endpoint": at("revoke"),
        "pushed_authorization_request_endpoint": at("par"),
        "end_session_endpoint": at("logout"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "scopes_supported": ABOUT_PEOPLE,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": words(&GrantType::ALL.map(GrantType::as_str)),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported":
            words(&SigningAlgorithm::ALL.map(SigningAlgorithm::as_str)),
        "token_endpoint_auth_methods_supported":
            words(&ClientAuthMethod::ALL.map(ClientAuthMethod::as_str)),
        "token_endpoint_auth_signing_alg_values_supported": CLIENT_ALGORITHMS,
        "dpop_signing_alg_values_supported": CLIENT_ALGORITHMS,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "acr_values_supported": ACR_VALUES,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "acr", "sid",
            "at_hash", "name", "given_name", "family_name", "locale", "user_type", "email",
            "email_verified", "groups", "organisation",
        ],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What applications are set up by: every word is a promise.
    #[test]
    fn the_document_says_what_is_served_and_nothing_else() {
        let expected = json!({
            "issuer": "https://id.test",
            "authorization_endpoint": "https://id.test/oauth/authorize",
            "token_endpoint": "https://id.test/oauth/token",
            "userinfo_endpoint": "https://id.test/oauth/userinfo",
            "jwks_uri": "https://id.test/oauth/jwks",
            "introspection_endpoint": "https://id.test/oauth/introspect",
            "revocation_endpoint": "https://id.test/oauth/revoke",
            "pushed_authorization_request_endpoint": "https://id.test/oauth/par",
            "end_session_endpoint": "https://id.test/oauth/logout",
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
            "scopes_supported":
                ["openid", "profile", "email", "groups", "organisation", "offline_access"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "grant_types_supported": [
                "authorization_code", "refresh_token", "client_credentials",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
            "token_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
            "token_endpoint_auth_signing_alg_values_supported":
                ["RS256", "PS256", "ES256", "EdDSA"],
            "dpop_signing_alg_values_supported": ["RS256", "PS256", "ES256", "EdDSA"],
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "acr_values_supported":
                ["urn:vestibule:acr:one-factor", "urn:vestibule:acr:two-factors"],
            "claims_supported": [
                "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr", "acr", "sid",
                "at_hash", "name", "given_name", "family_name", "locale", "user_type", "email",
                "email_verified", "groups", "organisation",
            ],
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "authorization_response_iss_parameter_supported": true,
        });
        assert_eq!(document("https://id.test"), expected);
    }
}
