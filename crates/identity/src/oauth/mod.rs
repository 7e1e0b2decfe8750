//! We as OpenID provider and OAuth 2.0 authorization server: what clients may ask and get.

pub mod clients;
