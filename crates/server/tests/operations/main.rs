//! What an operator's machinery sees: readiness, metrics, and a log without secrets.

mod doctor;
mod logs;
mod metrics;
