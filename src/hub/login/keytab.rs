//! Which Kerberos identity is used, told to libkrb5 by the environment of the program that it is part of.
//!
//! It deliberately does not know that program.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::trouble::unusable;
use super::{LoginError, Tools, absolute};

/// The first byte of a keytab file, whatever its version.
const MARK: u8 = 5;

/// Has libkrb5 fetch a ticket with a keytab (`FILE:/etc/some.keytab`, or the path alone), into a cache that ends with
/// the program.
pub(super) fn put(keytab: &str, tools: &mut Tools) -> Result<(), LoginError> {
    let mut place = OsString::from(keytab);
    let path = keytab.strip_prefix("FILE:").or(keytab.strip_prefix("WRFILE:"));
    if path.is_some() || !keytab.contains(':') {
        let path = Path::new(path.unwrap_or(keytab));
        look_at(path)?;
        // The program is at home elsewhere.
        place = OsString::from("FILE:");
        place.push(absolute(path)?);
    }
    set(tools, "KRB5_CLIENT_KTNAME", place);
    set(tools, "KRB5CCNAME", "MEMORY:".into());
    Ok(())
}

/// Has libkrb5 take this principal, where there are several. It reads that from a file in the home folder
/// (k5identity(5)), so the program gets a home of its own, for as long as what is returned is there.
pub(super) fn choose(principal: &str, tools: &mut Tools) -> Result<TempDir, LoginError> {
    let principal = principal.trim();
    if principal.is_empty() || principal.starts_with('#') || principal.contains(|it: char| it.is_whitespace()) {
        return Err(LoginError::NoTicket {
            said: "the principal that is configured is no name".to_owned(),
        });
    }
    let home = new_home(principal).map_err(|error| LoginError::UnfitCurl {
        said: format!("no temporary folder for it: {error}"),
    })?;
    set(tools, "HOME", home.path().into());
    Ok(home)
}

fn new_home(principal: &str) -> io::Result<TempDir> {
    let home = tempfile::Builder::new()
        .prefix("koji-notify-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()?;
    fs::write(home.path().join(".k5identity"), format!("{principal}\n"))?;
    Ok(home)
}

/// libkrb5 keeps to itself why it does not like a file.
fn look_at(file: &Path) -> Result<(), LoginError> {
    let unreadable = |error: io::Error| unusable(file, &error.to_string());
    // A pipe would make us wait for its other end.
    if !fs::metadata(file).map_err(unreadable)?.is_file() {
        return Err(unusable(file, "it is not a regular file"));
    }
    let mut first = [0];
    let read = File::open(file).and_then(|mut it| it.read(&mut first));
    if read.map_err(unreadable)? == 1 && first == [MARK] {
        Ok(())
    } else {
        Err(unusable(file, "it is not a keytab"))
    }
}

fn set(tools: &mut Tools, name: &str, value: OsString) {
    tools.environment.retain(|it| it.0 != name);
    tools.environment.push((name.into(), value));
}
