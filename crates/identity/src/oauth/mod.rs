//! We as OpenID provider and OAuth 2.0 authorization server: what clients may ask and get.

pub mod authorize;
pub mod back_channel_logout;
pub mod client_auth;
pub mod clients;
pub mod dpop;
pub mod error;
pub mod exchange;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod grants;
pub mod interaction;
pub mod metadata;
pub mod once;
pub mod own_tokens;
pub mod parameters;
pub mod pkce;
pub mod redirect_uri;
pub mod refresh;
pub mod registration;
pub mod resources;
pub mod scopes;
pub mod signing_keys;
pub mod tokens;
