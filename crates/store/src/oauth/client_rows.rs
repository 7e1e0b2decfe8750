//! Rows of clients and their secrets, read.

use identity::applications::ApplicationKey;
use identity::ids::ClientId;
use identity::oauth::client_auth::LiveSecret;
use identity::oauth::clients::Client;
use identity::secret::Digest;
use identity::time::Moment;

use crate::error::Fault;
use crate::row::{Keyed, json, word};

/// Columns of a client, for `FROM clients c`.
macro_rules! client_columns {
    () => {
        "c.id AS c_id, c.application AS c_application, c.name AS c_name, c.kind AS c_kind, \
         c.authentication AS c_authentication, c.redirect_uris AS c_redirect_uris, \
         c.post_logout_redirect_uris AS c_post_logout_redirect_uris, \
         c.backchannel_logout_uri AS c_backchannel_logout_uri, \
         c.backchannel_logout_session_required AS c_backchannel_logout_session_required, \
         c.backchannel_logout_private AS c_backchannel_logout_private, \
         c.cors_origins AS c_cors_origins, \
         c.grant_types AS c_grant_types, c.scopes AS c_scopes, c.resources AS c_resources, \
         c.id_token_algorithm AS c_id_token_algorithm, c.require_pkce AS c_require_pkce, \
         c.require_nonce AS c_require_nonce, c.require_par AS c_require_par, \
         c.require_dpop AS c_require_dpop, c.jwks AS c_jwks, \
         c.disabled AS c_disabled, c.created_at AS c_created_at"
    };
}
pub(crate) use client_columns;

#[derive(sqlx::FromRow)]
pub(crate) struct ClientRow {
    pub(crate) c_id: String,
    c_application: String,
    c_name: String,
    c_kind: String,
    c_authentication: String,
    c_redirect_uris: String,
    c_post_logout_redirect_uris: String,
    c_backchannel_logout_uri: Option<String>,
    c_backchannel_logout_session_required: bool,
    c_backchannel_logout_private: bool,
    c_cors_origins: String,
    c_grant_types: String,
    c_scopes: String,
    c_resources: String,
    c_id_token_algorithm: String,
    c_require_pkce: bool,
    c_require_nonce: bool,
    c_require_par: bool,
    c_require_dpop: bool,
    c_jwks: Option<String>,
    c_disabled: bool,
    c_created_at: i64,
}

impl ClientRow {
    pub(crate) fn read(self) -> Result<Client, Fault> {
        Ok(Client {
            id: ClientId::from_stored(self.c_id),
            application: ApplicationKey::from_stored(self.c_application),
            name: self.c_name,
            kind: word(&self.c_kind)?,
            authentication: word(&self.c_authentication)?,
            redirect_uris: json(&self.c_redirect_uris)?,
            post_logout_redirect_uris: json(&self.c_post_logout_redirect_uris)?,
            backchannel_logout_uri: self.c_backchannel_logout_uri,
            backchannel_logout_session_required: self.c_backchannel_logout_session_required,
            backchannel_logout_private: self.c_backchannel_logout_private,
            cors_origins: json(&self.c_cors_origins)?,
            grant_types: json(&self.c_grant_types)?,
            scopes: json(&self.c_scopes)?,
            resources: json(&self.c_resources)?,
            id_token_algorithm: word(&self.c_id_token_algorithm)?,
            require_pkce: self.c_require_pkce,
            require_nonce: self.c_require_nonce,
            require_par: self.c_require_par,
            require_dpop: self.c_require_dpop,
            jwks: self.c_jwks.as_deref().map(json).transpose()?,
            disabled: self.c_disabled,
            created_at: Moment::from_micros(self.c_created_at),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(crate) struct SecretRow {
    s_digest: String,
    s_expires_at: Option<i64>,
}

impl Keyed for SecretRow {
    const KEY: &'static str = "s_digest";
}

impl SecretRow {
    pub(crate) fn read(self) -> LiveSecret {
        LiveSecret {
            digest: Digest::from_stored(self.s_digest),
            expires_at: self.s_expires_at.map(Moment::from_micros),
        }
    }
}
