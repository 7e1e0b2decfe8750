//! What is written to standard error.

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts the log; a level that nobody understands falls back to `info` and says so.
pub fn start(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.level);
    let misread = filter.is_err();
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails only when a log was started before, as in tests; then that one goes on.
    let _ = match config.format {
        LogFormat::Text => log.with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if misread {
        tracing::warn!(level = %config.level, "log.level is not understood; using info");
    }
}
