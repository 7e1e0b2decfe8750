//! We as OpenID provider, over HTTP.

mod asked;
mod client_auth;
mod dpop;
mod flow;
mod keys;
mod shop;
