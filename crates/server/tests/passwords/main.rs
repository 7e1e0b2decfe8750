//! Passwords over HTTP: signing in, guessing, forgetting, and the first administrator.

mod break_glass;
mod closed;
mod forged;
mod guessing;
mod logs;
mod mail;
mod onward;
mod pool;
mod reset;
mod scene;
mod setup;
mod sign_in;
