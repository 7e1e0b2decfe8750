//! We as OpenID provider, over HTTP.

mod keys;
