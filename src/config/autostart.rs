//! Start with the session, by the XDG autostart specification.
//!
//! Of the entries with our name, the person's counts first, then the system's in order; `Hidden=true` means that
//! there is none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::document::read_text;
use super::edit::write;
use super::{ConfigError, Places};

/// The entry's name: the application id.
const NAME: &str = "org.fedoraproject.KojiNotify.desktop";

/// What we write.
const ENTRY: &str = include_str!("../../data/org.fedoraproject.KojiNotify-autostart.desktop");

/// Returns whether the next session starts us.
pub fn is_on(places: &Places) -> bool {
    let own = entry(&personal(places));
    own.or_else(|| of_the_system(places)).unwrap_or(false)
}

/// Makes the next session start us, or not. Where the system's own entry says the same, none of the person's is left.
pub fn switch(places: &Places, on: bool) -> Result<(), ConfigError> {
    if is_on(places) == on {
        return Ok(());
    }
    let file = personal(places);
    if of_the_system(places).unwrap_or(false) == on {
        return remove(file);
    }
    let hidden = || ENTRY.replacen("[Desktop Entry]\n", "[Desktop Entry]\nHidden=true\n", 1);
    let text = match (&places.program, on) {
        (_, false) => hidden(),
        (None, true) => ENTRY.to_owned(),
        (Some(program), true) => ENTRY.replacen("Exec=koji-notify", &format!("Exec={}", quoted(program)), 1),
    };
    write(&file, &text)
}

/// Returns a path as the desktop entry specification quotes an argument of `Exec`, inside a string value.
fn quoted(program: &Path) -> String {
    let mut text = String::from("\"");
    for letter in program.to_string_lossy().chars() {
        match letter {
            '"' | '`' | '$' => text.push_str("\\\\"),
            '\\' => text.push_str("\\\\\\"),
            '%' => text.push('%'),
            _ => {}
        }
        text.push(letter);
    }
    text.push('"');
    text
}

fn personal(places: &Places) -> PathBuf {
    places.config.join("autostart").join(NAME)
}

fn of_the_system(places: &Places) -> Option<bool> {
    let entries = places.system_config.iter().map(|it| it.join("autostart").join(NAME));
    entries.into_iter().find_map(|it| entry(&it))
}

/// Returns whether an entry starts us, or `None` if there is no entry.
fn entry(file: &Path) -> Option<bool> {
    let bytes = read_text(file).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text
        .lines()
        .map(str::trim)
        .skip_while(|it| *it != "[Desktop Entry]")
        .skip(1);
    let main = lines.by_ref().take_while(|it| !it.starts_with('['));
    let pairs = main
        .filter_map(|it| it.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()));
    // The second is how GNOME switches entries off.
    let is_off = |it: (&str, &str)| it == ("Hidden", "true") || it == ("X-GNOME-Autostart-enabled", "false");
    Some(!pairs.into_iter().any(is_off))
}

fn remove(file: PathBuf) -> Result<(), ConfigError> {
    match fs::remove_file(&file) {
        Ok(()) => Ok(()),
        Err(it) if it.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(ConfigError::Unwritable { file, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_twice_once_for_the_argument_and_once_for_the_value() {
        assert_eq!(
            quoted(Path::new("/opt/my apps/koji-notify")),
            r#""/opt/my apps/koji-notify""#
        );
        assert_eq!(quoted(Path::new("/a$b\\c%d")), r#""/a\\$b\\\\c%%d""#);
    }
}
