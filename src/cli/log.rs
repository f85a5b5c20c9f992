//! The log: to the journal where we run as a service, else to standard error.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// Starts the log. `KOJI_NOTIFY_LOG` (such as `info,koji_notify::bus=trace`) has precedence over `verbose`.
pub(super) fn init(verbose: u8) {
    let wished = std::env::var("KOJI_NOTIFY_LOG")
        .ok()
        .and_then(|it| it.parse::<Targets>().ok());
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // lapin calls each line that breaks an error, several times over. What it means is in our own words.
    let lapin = if verbose > 1 {
        LevelFilter::WARN
    } else {
        LevelFilter::OFF
    };
    let usual = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("lapin", lapin)
        .with_target("koji_notify", level);
    let filter = wished.unwrap_or(usual);
    let is_service = std::env::var_os("JOURNAL_STREAM").is_some();
    let journal = is_service.then(|| tracing_journald::layer().ok()).flatten();
    let terminal = journal.is_none().then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_target(false)
            .without_time()
    });
    tracing_subscriber::registry()
        .with(filter)
        .with(journal)
        .with(terminal)
        .init();
}
