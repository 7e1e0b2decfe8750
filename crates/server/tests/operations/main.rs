//! What an operator's machinery sees: readiness, metrics, traces, and a log without secrets.

mod collector;
mod doctor;
mod logs;
mod metrics;
mod traces;
