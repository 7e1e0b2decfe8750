//! Sign-in with an identity provider, over HTTP, against a provider that does as it is told.

mod addresses;
mod buttons;
mod changing;
mod command_line;
mod cost;
mod edge;
mod faults;
mod flood;
mod form_post;
mod guests;
mod hook;
mod keys;
mod logs;
mod mappings;
mod operator;
mod policy;
mod refresh;
mod save;
mod scene;
mod stale;
mod state;
mod strategies;
mod tokens;
mod trip;
mod ways;
