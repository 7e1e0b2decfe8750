//! We as OpenID provider and OAuth 2.0 authorization server, over HTTP.

pub mod access_token;
pub mod answer;
pub mod authorize;
pub mod back_channel_logout;
pub mod client_auth;
pub mod consent;
pub mod cors;
pub mod dpop;
mod exchange;
pub mod form;
pub mod form_post;
pub mod grants;
pub mod id_token_hint;
pub mod introspect;
pub mod jwks;
pub mod kept;
pub mod logout;
pub mod metadata;
pub mod par;
mod provider_token;
pub mod revoke;
pub mod signing;
pub mod token;
pub mod userinfo;
pub mod wishes;
