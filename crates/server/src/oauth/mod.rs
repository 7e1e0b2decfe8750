//! We as OpenID provider and OAuth 2.0 authorization server, over HTTP.

pub mod jwks;
pub mod signing;
