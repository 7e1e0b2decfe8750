//! Sign-in with an identity provider, as far as it is remembered.

mod address;
pub(crate) mod arrivals;
pub(crate) mod attempts;
pub(crate) mod carry_out;
pub(crate) mod connections;
pub(crate) mod identities;
pub(crate) mod link;
pub(crate) mod proofs;
mod proven;
pub(crate) mod providers;
mod rules;
pub(crate) mod settle;
