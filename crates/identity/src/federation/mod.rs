//! Sign-in with an identity provider: from the trip's first redirect to the decision.

pub mod attempt;
pub mod button;
pub mod claims;
pub mod decide;
pub mod exchange;
pub mod external;
pub mod guests;
pub mod hook;
pub mod id_token;
pub mod jwks;
pub mod kept;
pub mod link;
pub mod mapping;
pub mod metadata;
pub mod policy;
pub mod proof;
pub mod proven;
pub mod provider;
pub mod reach;
pub mod refusal;
pub mod replay;
pub mod subject_token;
pub mod trust;
pub mod ways;

#[cfg(test)]
pub(crate) mod fixtures;
