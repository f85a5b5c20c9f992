//! What this computer remembers for itself: the names of its queues.
//!
//! The public Fedora broker wants queue names in the form of a UUID, and whoever knows one can read from it. So each
//! instance gets its own, made once, in a file that only the person can read: `queue-<instance>` in the state folder.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tracing::warn;
use uuid::Uuid;

use crate::clock;

use super::document::read_text;
use super::edit::make_folder;
use super::{ConfigError, Places};

/// Returns the name of this computer's queue at an instance. It is made if there is none yet; a file that does not
/// hold one is set aside.
pub(super) fn queue_name(places: &Places, instance: &str) -> Result<String, ConfigError> {
    let folder = places.state_folder();
    let file = folder.join(format!("queue-{instance}"));
    make_folder(&folder)?;
    if let Some(name) = kept(&file)? {
        return Ok(name);
    }
    let unwritable = |source| ConfigError::Unwritable {
        file: file.clone(),
        source,
    };
    if fs::symlink_metadata(&file).is_ok() {
        let aside = folder.join(format!(
            "queue-{instance}.broken-{}",
            clock::now().strftime("%Y%m%dT%H%M%SZ")
        ));
        warn!(file = %file.display(), aside = %aside.display(), "no queue name is in this file: set aside");
        fs::rename(&file, &aside).map_err(unwritable)?;
    }
    match write_new(&folder, &file, &Uuid::new_v4().to_string()) {
        Ok(()) => {}
        // Another process was faster: its name is the name.
        Err(it) if it.kind() == io::ErrorKind::AlreadyExists => {}
        Err(it) => return Err(unwritable(it)),
    }
    kept(&file)?.ok_or_else(|| unwritable(io::Error::other("what was written cannot be read back")))
}

/// Returns the name in the file, if it is one.
fn kept(file: &Path) -> Result<Option<String>, ConfigError> {
    match read_text(file) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok().and_then(|it| name(it.trim_end()))),
        Err(it) if matches!(it.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => Ok(None),
        Err(source) => Err(ConfigError::Unreadable {
            file: file.to_owned(),
            source,
        }),
    }
}

/// Takes only what we could have written: another spelling would be another queue, and the nil UUID is the one of
/// the examples.
fn name(text: &str) -> Option<String> {
    let uuid = Uuid::try_parse(text).ok().filter(|it| !it.is_nil())?;
    Some(uuid.to_string()).filter(|it| it == text)
}

/// Writes a file that is either whole or not there, and readable by nobody else.
fn write_new(folder: &Path, file: &Path, name: &str) -> io::Result<()> {
    let mut temporary = tempfile::Builder::new().prefix(".queue").tempfile_in(folder)?;
    writeln!(temporary, "{name}")?;
    temporary.as_file().sync_all()?;
    temporary.persist_noclobber(file)?;
    Ok(())
}
