//! What a reverse proxy is answered, and how people sign in on a host behind one.

mod check;
mod leaving;
mod scene;
mod trip;
