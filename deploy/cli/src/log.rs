//! What goes on inside, for whoever runs it or looks for a fault. `CHARTER_LOG` says how much is told.

use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Lines for people.
    Text,
    /// A line of JSON for each thing.
    Json,
}

static FORMAT: OnceLock<Format> = OnceLock::new();

/// Whether standard error is for machines, who can't read anything else between its lines.
pub fn is_json() -> bool {
    FORMAT.get() == Some(&Format::Json)
}

/// From now on it is written to standard error.
pub fn start(format: Format) {
    // It begins once.
    let _ = FORMAT.set(format);
    // People are told by the verbs how things go, machines by the log.
    let usual = match format {
        Format::Text => "error",
        Format::Json => "info",
    };
    let filter = EnvFilter::try_from_env("CHARTER_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        Format::Text => log.init(),
        Format::Json => log.json().flatten_event(true).init(),
    }
}
