//! What is remembered for us as OpenID provider.

pub mod back_channel_logout;
mod client_rows;
pub mod clients;
pub mod codes;
pub mod grants;
pub mod requests;
