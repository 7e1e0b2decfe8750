//! The account page, over HTTP.

mod link;
mod page;
mod password;
mod proof;
mod scene;
mod sessions;
mod unlink;
