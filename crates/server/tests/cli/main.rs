//! The command line as an operator types it, beside a house that serves.

mod applications;
mod approval;
mod backup;
mod beside;
mod break_glass;
mod clients;
mod closed;
mod demo;
mod desk;
mod explain;
mod hosts;
mod keys;
mod lock_out;
mod random;
mod replay;
mod rules;
mod settings;
mod users;
