//! The account page, over HTTP.

mod link;
mod page;
mod password;
mod scene;
mod sessions;
mod unlink;
