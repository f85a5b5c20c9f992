//! `[hooks]`: programs of the person's own, found and checked.

use std::collections::BTreeMap;
use std::env;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::document::Document;
use super::{ConfigError, file};
use crate::watch::Occasion;

/// The longest command, in bytes; the system's own limit is above it.
const MAX_COMMAND: usize = 64 * 1024;

/// A program that is there, and its arguments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Program {
    pub path: PathBuf,
    pub arguments: Vec<String>,
}

/// Returns the programs by when they are run.
pub(super) fn hooks(config: &Document, words: &file::Hooks) -> Result<BTreeMap<Occasion, Program>, ConfigError> {
    let mut programs = BTreeMap::new();
    for occasion in Occasion::ALL {
        if let Some(command) = words.command(occasion) {
            let wrong = |problem: &str| {
                let key = occasion.key();
                config.wrong(&["hooks", key], &format!("`{key}`: {problem}"))
            };
            programs.insert(occasion, program(command).map_err(|it| wrong(&it))?);
        }
    }
    Ok(programs)
}

fn program(command: &[String]) -> Result<Program, String> {
    let expected = "expected a list: a program's name, or its path from /, and its arguments";
    let (name, arguments) = command.split_first().ok_or_else(|| expected.to_owned())?;
    if name.is_empty() {
        return Err(expected.to_owned());
    }
    let size: usize = command.iter().map(|it| it.len() + 1).sum();
    if size > MAX_COMMAND || command.iter().any(|it| it.contains('\0')) {
        return Err(format!(
            "expected at most {MAX_COMMAND} bytes, and nothing that is no text"
        ));
    }
    let path = Path::new(name);
    let found = if path.is_absolute() {
        Some(path.to_owned()).filter(|it| is_program(it))
    } else if name.contains('/') {
        return Err(expected.to_owned());
    } else {
        let folders = env::var_os("PATH").unwrap_or_default();
        let mut places = env::split_paths(&folders).filter(|it| it.is_absolute());
        places.find_map(|it| Some(it.join(name)).filter(|it| is_program(it)))
    };
    let path = found.ok_or_else(|| match path.is_absolute() {
        true => "there is no such program".to_owned(),
        false => "there is no such program in PATH".to_owned(),
    })?;
    Ok(Program {
        path,
        arguments: arguments.to_vec(),
    })
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(line: &str, expected: Expect) {
        let text = format!("[tell]\n\n[hooks]\n{line}\n");
        let document = Document::parse(Path::new("x.toml"), text.into_bytes()).unwrap();
        let programs = document
            .fill::<file::File>()
            .and_then(|file| hooks(&document, &file.hooks));
        expected.assert_eq(&match programs {
            Ok(programs) => format!("{programs:?}"),
            Err(error) => error.to_string(),
        });
    }

    #[test]
    fn a_command_is_a_list_and_its_program_is_there() {
        check(
            r#"on-failed = ["/bin/sh", "-c", "$(x);"]"#,
            expect![[r#"{Failed: Program { path: "/bin/sh", arguments: ["-c", "$(x);"] }}"#]],
        );
        check(
            r#"on-failed = "notify-me now""#,
            expect!["x.toml:4:13: invalid type: string, expected a sequence"],
        );
        check(
            "on-finished = []",
            expect![
                "x.toml:4:1: `on-finished`: expected a list: a program's name, or its path from /, and its arguments"
            ],
        );
        check(
            r#"on-tagged = ["bin/notify"]"#,
            expect![
                "x.toml:4:1: `on-tagged`: expected a list: a program's name, or its path from /, and its arguments"
            ],
        );
        check(
            r#"on-in-repo = ["no-such-program-anywhere"]"#,
            expect!["x.toml:4:1: `on-in-repo`: there is no such program in PATH"],
        );
        check(
            r#"on-in-repo = ["/etc/passwd"]"#,
            expect!["x.toml:4:1: `on-in-repo`: there is no such program"],
        );
        check(
            r#"on-started = ["sh", 1]"#,
            expect!["x.toml:4:21: invalid type: integer `1`, expected a string"],
        );
        check(
            r#"on-doomed = ["sh", "\u0000"]"#,
            expect!["x.toml:4:1: `on-doomed`: expected at most 65536 bytes, and nothing that is no text"],
        );
    }

    #[test]
    fn each_occasion_has_its_key() {
        for occasion in Occasion::ALL {
            let text = format!("[hooks]\n{} = ['sh']\n", occasion.key());
            let document = Document::parse(Path::new("x.toml"), text.into_bytes()).unwrap();
            let file: file::File = document.fill().unwrap_or_else(|it| panic!("{it}"));
            let programs = hooks(&document, &file.hooks).unwrap_or_else(|it| panic!("{it}"));
            assert_eq!(programs.into_keys().collect::<Vec<_>>(), [occasion]);
        }
    }
}
