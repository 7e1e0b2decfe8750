//! What is spoken: HTTP, HTML, mail, identity providers and the command line.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod cookies;
pub mod csrf;
pub mod demo;
pub mod directory;
pub mod error;
pub mod federation;
pub mod files;
pub mod flood;
pub mod keys;
pub mod log;
pub mod login;
pub mod mail;
pub mod network;
pub mod oauth;
pub mod operations;
pub mod pages;
pub mod passwords;
pub mod router;
pub mod serve;
pub mod sessions;
pub mod setup;
pub mod visit;
