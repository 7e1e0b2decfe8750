//! What is true: users, policies and decisions, without clock, randomness, input or output.

pub mod applications;
pub mod break_glass;
pub mod email;
pub mod entropy;
pub mod expressions;
pub mod federation;
pub mod forward_auth;
pub mod groups;
pub mod ids;
mod letters;
pub mod oauth;
pub mod passwords;
pub mod return_to;
pub mod seal;
pub mod secret;
pub mod sessions;
pub mod tables;
pub mod text;
pub mod throttle;
pub mod time;
pub mod users;
pub mod weighed;
