//! Sign-in with an identity provider, over HTTP, against a provider that does as it is told.

mod command_line;
mod cost;
mod edge;
mod faults;
mod flood;
mod form_post;
mod keys;
mod policy;
mod save;
mod scene;
mod state;
mod tokens;
mod trip;
