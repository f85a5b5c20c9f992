//! Notices that the configuration has changed.
//!
//! Editors replace files, dotfile managers link to them; so it is folders that are watched, those of the file and of
//! everything that it links to. Nothing here looks at what has changed: the loop reads it, whole or not at all.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use inotify::{EventMask, EventOwned, EventStream, Inotify, WatchDescriptor, WatchMask, Watches};
use tracing::{debug, warn};

use crate::clock;

use super::edit::make_folder;
use super::{ConfigError, Places};

/// Watches the configuration of a person.
pub struct Watcher {
    file: PathBuf,
    events: EventStream<Vec<u8>>,
    watches: Watches,
    folders: Vec<Folder>,
    /// Something happened that was not reported yet.
    pending: bool,
}

/// A folder in which names matter.
struct Folder {
    watch: WatchDescriptor,
    path: PathBuf,
    names: BTreeSet<OsString>,
}

/// How long a file that is gone is waited for: editors move the old one away and then write the new one.
const GRACE: Duration = Duration::from_secs(1);

/// How many links are followed, as Linux does.
const MAX_LINKS: usize = 40;

/// The events of one turn that fit; the others come in the next one.
const BUFFER: usize = 4096;

impl Watcher {
    /// Starts to watch. To miss nothing, this comes before the first load. The folder is made if there is none.
    pub fn new(places: &Places) -> Result<Self, ConfigError> {
        let file = places.config_file();
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        if places.file.is_none() {
            make_folder(&folder)?;
        }
        let unwatchable = |source: io::Error| ConfigError::Unwatchable {
            folder: folder.clone(),
            source,
        };
        let inotify = Inotify::init().map_err(unwatchable)?;
        let events = inotify.into_event_stream(vec![0; BUFFER]).map_err(unwatchable)?;
        let mut watcher = Self {
            watches: events.watches(),
            file,
            events,
            folders: Vec::new(),
            pending: false,
        };
        watcher.arrange().map_err(unwatchable)?;
        Ok(watcher)
    }

    /// Returns after the configuration may have changed: it was written, replaced, linked or removed. Several changes
    /// at once are one. Dropped before it returns, it loses nothing.
    pub async fn changed(&mut self) {
        while !self.pending {
            let event = self.events.next().await;
            self.take(event).await;
        }
        let deadline = clock::now() + GRACE;
        loop {
            while let Some(event) = self.events.next().now_or_never() {
                self.take(event).await;
            }
            if self.file.exists() {
                break;
            }
            tokio::select! {
                event = self.events.next() => self.take(event).await,
                () = clock::reach(Some(deadline)) => break,
            }
        }
        if let Err(it) = self.arrange() {
            warn!(file = %self.file.display(), error = %it, "changes of the configuration are no longer noticed");
        }
        self.pending = false;
    }

    async fn take(&mut self, event: Option<io::Result<EventOwned>>) {
        match event {
            Some(Ok(event)) => self.pending |= self.concerns(&event),
            // The kernel's end of it is broken: nothing will ever come.
            Some(Err(it)) => {
                warn!(error = %it, "changes of the configuration are no longer noticed");
                std::future::pending().await
            }
            None => std::future::pending().await,
        }
    }

    /// Returns whether an event is about the file or about what it links to.
    fn concerns(&mut self, event: &EventOwned) -> bool {
        if event.mask.contains(EventMask::Q_OVERFLOW) {
            return true;
        }
        let Some(at) = self.folders.iter().position(|it| it.watch == event.wd) else {
            return false;
        };
        if event
            .mask
            .intersects(EventMask::IGNORED | EventMask::MOVE_SELF | EventMask::DELETE_SELF)
        {
            // The folder is not where it was; it is looked for again when the change is reported.
            self.folders.remove(at);
            return true;
        }
        let folder = self.folders.get(at);
        folder.zip(event.name.as_ref()).is_some_and(|(folder, name)| {
            // A new file is empty yet; it counts when it is closed. A link is all there.
            let is_whole = || fs::symlink_metadata(folder.path.join(name)).is_ok_and(|it| it.is_symlink());
            folder.names.contains(name) && (!event.mask.contains(EventMask::CREATE) || is_whole())
        })
    }

    /// Watches the folders that matter now, and no others.
    fn arrange(&mut self) -> io::Result<()> {
        let mask = WatchMask::CREATE
            | WatchMask::CLOSE_WRITE
            | WatchMask::ATTRIB
            | WatchMask::MOVED_TO
            | WatchMask::MOVED_FROM
            | WatchMask::DELETE
            | WatchMask::DELETE_SELF
            | WatchMask::MOVE_SELF
            | WatchMask::ONLYDIR;
        let mut folders: Vec<Folder> = Vec::new();
        let mut first = Ok(());
        for (at, (path, name)) in hops(&self.file).into_iter().enumerate() {
            if at == 0 {
                fs::create_dir_all(&path)?;
            }
            match self.watches.add(&path, mask) {
                Ok(watch) => match folders.iter_mut().find(|it| it.watch == watch) {
                    Some(folder) => {
                        folder.names.insert(name);
                    }
                    None => folders.push(Folder {
                        watch,
                        path,
                        names: BTreeSet::from([name]),
                    }),
                },
                Err(it) if at == 0 => first = Err(it),
                Err(it) => {
                    debug!(folder = %path.display(), error = %it, "what the configuration links to is not watched")
                }
            }
        }
        for old in std::mem::replace(&mut self.folders, folders) {
            if !self.folders.iter().any(|it| it.watch == old.watch) {
                // It can be gone already.
                let _ = self.watches.remove(old.watch);
            }
        }
        first
    }
}

/// Returns the folders and names on the way from a file through its links to what is read in the end.
fn hops(file: &Path) -> Vec<(PathBuf, OsString)> {
    let mut hops = Vec::new();
    let mut path = file.to_owned();
    while let (Some(folder), Some(name)) = (path.parent(), path.file_name()) {
        hops.push((folder.to_owned(), name.to_owned()));
        match fs::read_link(&path) {
            Ok(target) if hops.len() < MAX_LINKS => path = folder.join(target),
            Ok(_) | Err(_) => break,
        }
    }
    hops
}
