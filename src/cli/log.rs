//! The log: to the journal where we run as a service, else to standard error.

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::prelude::*;

/// Starts the log. `KOJI_NOTIFY_LOG` (such as `info,koji_notify::bus=trace`) has precedence over `verbose`.
///
/// The finest words of other crates are whole frames and headers, with the password of a login in them. Whatever is
/// wished, they are not written.
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
    let discreet = filter_fn(|it| *it.level() != Level::TRACE || it.target().starts_with("koji_notify"));
    tracing_subscriber::registry()
        .with(filter)
        .with(discreet)
        .with(journal)
        .with(terminal)
        .init();
}
