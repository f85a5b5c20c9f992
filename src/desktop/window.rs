//! The program that shows the history in a window: where it is, if it is installed.
//!
//! It is a program of its own, so that neither this one nor whoever builds it needs a toolkit. It is started by
//! [`super::opener::start`]; what it shows it reads by itself.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::opener::is_program;

/// The name of the program.
pub const PROGRAM: &str = "koji-notify-window";

/// Returns the window's program: the one beside ours, else the one of our `libexec`, else what is in the search path.
pub fn program() -> Option<PathBuf> {
    let ours = env::current_exe().ok();
    find(ours.as_deref(), &env::var_os("PATH").unwrap_or_default())
}

/// Returns the command that runs it; `file` takes the place of the person's configuration.
pub fn command(program: &Path, file: Option<&Path>) -> Command {
    let mut command = Command::new(program);
    if let Some(file) = file {
        command.arg("--config").arg(file);
    }
    command
}

fn find(ours: Option<&Path>, path: &OsStr) -> Option<PathBuf> {
    let beside = ours.and_then(Path::parent);
    let libexec = beside.and_then(Path::parent).map(|it| it.join("libexec"));
    let found = env::split_paths(path).filter(|it| it.is_absolute());
    let folders = beside.map(Path::to_owned).into_iter().chain(libexec).chain(found);
    folders.map(|it| it.join(PROGRAM)).find(|it| is_program(it))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_program_beside_ours_is_the_one_that_fits() {
        let house = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = house.path().join(name);
            fs::create_dir_all(&folder).unwrap();
            folder
        };
        let (bin, libexec, elsewhere) = (folder("usr/bin"), folder("usr/libexec"), folder("elsewhere"));
        let ours = bin.join("koji-notify");
        let path = env::join_paths([Path::new("usr"), &elsewhere]).unwrap();
        let found = || find(Some(&ours), &path);
        let put = |folder: &Path, mode| {
            let file = folder.join(PROGRAM);
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            file
        };
        assert_eq!(found(), None);
        let last = put(&elsewhere, 0o755);
        assert_eq!(found(), Some(last.clone()));
        assert_eq!(find(None, &path), Some(last));
        let second = put(&libexec, 0o755);
        assert_eq!(found(), Some(second.clone()));
        put(&bin, 0o644);
        assert_eq!(found(), Some(second), "what cannot be run is no program");
        let first = put(&bin, 0o755);
        assert_eq!(found(), Some(first));
    }
}
