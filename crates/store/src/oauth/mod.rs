//! What is remembered for us as OpenID provider.

mod client_rows;
pub mod clients;
pub mod codes;
pub mod grants;
pub mod requests;
