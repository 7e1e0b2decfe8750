//! We as OpenID provider, over HTTP.

mod client_auth;
mod keys;
