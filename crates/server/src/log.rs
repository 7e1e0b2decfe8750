//! What is written to standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{LogConfig, LogFormat};

/// Starts the log. The level was checked when the configuration was read.
pub fn start(config: &LogConfig) {
    start_to(config, std::io::stderr);
}

/// Starts the log with another place to write to.
pub fn start_to<W>(config: &LogConfig, writer: W)
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter = EnvFilter::new(&config.level);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    // Fails only when a log was started before, as in tests; then that one goes on.
    let _ = match config.format {
        LogFormat::Text => log.with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
