//! Sign-in with an identity provider: out to it, back from it, and how one is connected.

pub mod address;
pub mod callback;
pub mod hook;
pub(crate) mod leave;
mod link;
pub mod proof;
pub mod refused;
pub mod save;
pub mod secrets;
pub mod start;
mod trip;
pub mod upstream;
mod words;
