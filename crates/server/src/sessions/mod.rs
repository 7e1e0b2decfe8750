//! Sessions: in memory, at the door, and out again.

pub mod cache;
pub mod current;
pub mod elsewhere;
pub mod home;
mod last_use;
pub mod logout;
pub mod replace;
pub mod watch;
