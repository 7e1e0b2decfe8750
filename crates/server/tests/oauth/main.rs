//! We as OpenID provider, over HTTP.

mod anew;
mod asked;
mod back_channel_logout;
mod client_auth;
mod closed;
mod described;
mod dpop;
mod exchange;
mod exchange_own;
mod flood;
mod flow;
mod hearing;
mod independent;
mod keys;
mod resources;
mod shop;
