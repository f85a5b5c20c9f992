//! When to look again: the running program says on the bus that something has changed, or the journal was written.
//!
//! What was said is not read: the journal says it whole. The two come together, so they are counted as one.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use adw::prelude::*;
use gtk::{gio, glib};
use koji_notify::desktop::service::{INTERFACE, NAME, PATH};
use koji_notify::journal;

/// How long after the first sign is looked: a change is on record some milliseconds after it was said, and many
/// changes come together.
const SOON: Duration = Duration::from_millis(300);

/// What has to stay for us to be told.
pub(crate) struct Live {
    _monitor: Option<gio::FileMonitor>,
    _said: Option<gio::SignalSubscription>,
}

/// Calls `look` soon after something has changed, and `runs` with whether the program runs, now and when that changes.
pub(crate) fn listen(state: &Path, look: impl Fn() + 'static, runs: impl Fn(bool) + 'static) -> Live {
    let look = soon(look);
    let runs = Rc::new(runs);
    let gone = Rc::clone(&runs);
    // It is watched for as long as we run.
    gio::bus_watch_name(
        gio::BusType::Session,
        NAME,
        gio::BusNameWatcherFlags::NONE,
        move |_, _, _| runs(true),
        move |_, _| gone(false),
    );
    let connection = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE).ok();
    let said = connection.map(|connection| {
        let look = Rc::clone(&look);
        // Whatever it says of its builds; what it says of itself is `PropertiesChanged`, which is of another interface.
        let flags = gio::DBusSignalFlags::NONE;
        connection.subscribe_to_signal(Some(NAME), Some(INTERFACE), None, Some(PATH), None, flags, move |_| {
            look()
        })
    });
    Live {
        _monitor: monitor(state, look),
        _said: said,
    }
}

/// Looks at what is written to the journal: to its own file, or to the one beside it in which SQLite writes ahead.
fn monitor(state: &Path, look: Rc<dyn Fn()>) -> Option<gio::FileMonitor> {
    let folder = gio::File::for_path(state);
    let monitor = folder
        .monitor_directory(gio::FileMonitorFlags::NONE, gio::Cancellable::NONE)
        .ok()?;
    monitor.connect_changed(move |_, file, _, event| {
        let name = file.basename();
        let name = name.as_ref().and_then(|it| it.to_str()).unwrap_or_default();
        let is_written = matches!(
            event,
            gio::FileMonitorEvent::Changed | gio::FileMonitorEvent::Created | gio::FileMonitorEvent::Deleted
        );
        let is_journal = name == journal::FILE || name.strip_suffix("-wal") == Some(journal::FILE);
        if is_written && is_journal {
            look();
        }
    });
    Some(monitor)
}

/// Returns what calls `then` a little later, once for all calls until then.
fn soon(then: impl Fn() + 'static) -> Rc<dyn Fn()> {
    let then = Rc::new(then);
    let is_due = Rc::new(Cell::new(false));
    Rc::new(move || {
        if is_due.replace(true) {
            return;
        }
        let (then, is_due) = (Rc::clone(&then), Rc::clone(&is_due));
        glib::timeout_add_local_once(SOON, move || {
            is_due.set(false);
            then();
        });
    })
}
