//! The account page, over HTTP.

mod page;
mod scene;
mod sessions;
