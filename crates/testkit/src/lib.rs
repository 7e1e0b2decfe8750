//! What tests stand on: a house on a free port, a browser, a scriptable provider, a clock to turn.

pub mod browser;
pub mod clock;
pub mod hook;
pub mod house;
mod html;
pub mod log;
pub mod postgres;
pub mod provider;
pub mod smtp;
pub mod wire;

pub use browser::{Browser, Form, Page};
pub use clock::TestClock;
pub use hook::{FakeHook, HookReply};
pub use house::{Engine, House};
pub use provider::FakeProvider;
pub use smtp::{Mail, MailServer};
