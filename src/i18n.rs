//! The only place that knows gettext.
//!
//! [`tr`] and [`tr_n`] look a sentence up in the catalog of the person's language; [`fill`] puts values in. Without a
//! catalog, and before [`init`], the sentence itself is returned: it is English. `make pot` collects the literals in
//! calls of `tr` and `tr_n`.
//!
//! Catalogs are what `msgfmt` makes, read here rather than by the C library (whose functions are unsafe to call) or by
//! a crate (those that exist take the wrong plural in Czech, and can be made to hang by a damaged file).
//!
//! It deliberately does not know any sentence, nor where one is shown.

mod catalog;
mod plural;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs};

use tracing::{debug, warn};

pub use self::catalog::{Catalog, CatalogError};
use self::plural::Plural;

/// The name of our catalogs: `<folder>/<language>/LC_MESSAGES/koji-notify.mo`.
const DOMAIN: &str = "koji-notify";

/// The largest catalog that is read. A complete one has some ten kilobytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

static CATALOG: OnceLock<Option<Catalog>> = OnceLock::new();

/// Finds and reads the catalog of the person's language, once. A catalog that cannot be read is logged, and the
/// program speaks English; call it when the log is there to hear that.
pub fn init() {
    CATALOG.get_or_init(|| {
        let variable = |name: &str| env::var(name).ok();
        find(&languages(variable), &folders(variable))
    });
}

/// Returns the sentence in the person's language.
pub fn tr(sentence: &'static str) -> String {
    let found = loaded().and_then(|it| it.sentence(sentence));
    found.unwrap_or(sentence).to_owned()
}

/// Returns the form for `n` of the sentence in the person's language.
pub fn tr_n(one: &'static str, many: &'static str, n: u64) -> String {
    let found = loaded().and_then(|it| it.form(one, n));
    found.unwrap_or(if n == 1 { one } else { many }).to_owned()
}

/// Replaces each `{name}` by its value. A value is never looked into, so it may contain braces.
pub fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let found = after
            .split_once('}')
            .and_then(|(name, after)| Some((values.iter().find(|(it, _)| *it == name)?.1, after)));
        match found {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn loaded() -> Option<&'static Catalog> {
    CATALOG.get()?.as_ref()
}

/// Returns the languages that the person reads, the best first, as gettext(3) finds them. It ends where English
/// would be next, since our sentences are English already.
fn languages(variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let set = |name: &str| variable(name).filter(|it| !it.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_MESSAGES")).or_else(|| set("LANG"));
    let Some(locale) = locale.filter(|it| !is_untranslated(it)) else {
        return Vec::new();
    };
    let list = set("LANGUAGE").unwrap_or(locale);
    let mut languages = Vec::new();
    for locale in list.split(':').filter(|it| !it.is_empty()) {
        if is_untranslated(locale) || language_of(locale) == "en" {
            break;
        }
        for name in spellings(locale) {
            if !languages.contains(&name) {
                languages.push(name);
            }
        }
    }
    languages
}

/// Only the bare names: in `C.UTF-8` a list of languages counts, as it does in the C library.
fn is_untranslated(locale: &str) -> bool {
    matches!(locale, "C" | "POSIX")
}

fn language_of(locale: &str) -> &str {
    locale.split(['_', '.', '@']).next().unwrap_or_default()
}

/// Returns the folder names to try for a locale: `de_AT.UTF-8@euro` is `de_AT@euro`, `de@euro`, `de_AT` or `de`. The
/// name comes from the environment and becomes part of a path, so anything else than a name gives none.
fn spellings(locale: &str) -> Vec<String> {
    let is_name = |it: &str| !it.is_empty() && it.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let (rest, modifier) = match locale.split_once('@') {
        Some((rest, modifier)) => (rest, Some(modifier)),
        None => (locale, None),
    };
    let full = rest.split('.').next().unwrap_or_default();
    let language = language_of(full);
    if !is_name(full) || !is_name(language) || !modifier.is_none_or(is_name) {
        return Vec::new();
    }
    let modified = modifier.map(|it| [format!("{full}@{it}"), format!("{language}@{it}")]);
    let mut names: Vec<String> = modified.into_iter().flatten().collect();
    names.extend([full.to_owned(), language.to_owned()]);
    names.dedup();
    names
}

/// Returns where catalogs may be: where the person says, else beside the program, else where distributions put them.
fn folders(variable: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    if let Some(told) = variable("TEXTDOMAINDIR").filter(|it| !it.is_empty()) {
        return vec![PathBuf::from(told)];
    }
    let program = env::current_exe().ok();
    let beside = program
        .as_deref()
        .and_then(Path::parent)
        .map(|it| it.join("../share/locale"));
    beside.into_iter().chain([PathBuf::from("/usr/share/locale")]).collect()
}

fn find(languages: &[String], folders: &[PathBuf]) -> Option<Catalog> {
    let paths = languages.iter().flat_map(|language| {
        let file = format!("{language}/LC_MESSAGES/{DOMAIN}.mo");
        folders.iter().map(move |folder| folder.join(&file))
    });
    for path in paths {
        let Ok(facts) = fs::metadata(&path) else {
            continue;
        };
        match read(&path, &facts) {
            Ok(catalog) => {
                debug!(path = %path.display(), "catalog read");
                return Some(catalog);
            }
            Err(error) => {
                warn!(path = %path.display(), %error, "the catalog cannot be read; speaking English");
                return None;
            }
        }
    }
    None
}

fn read(path: &Path, facts: &fs::Metadata) -> Result<Catalog, CatalogError> {
    if !facts.is_file() || facts.len() > MAX_BYTES {
        return Err(CatalogError::NotACatalog);
    }
    Catalog::read(&fs::read(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: &[(&str, &str)], expected: &str) {
        let found = languages(|name| {
            let (_, value) = environment.iter().find(|(it, _)| *it == name)?;
            Some((*value).to_owned())
        });
        assert_eq!(found.join(" "), expected, "{environment:?}");
    }

    #[test]
    fn the_language_is_found_as_gettext_finds_it() {
        check(&[], "");
        check(&[("LANG", "de_AT.UTF-8")], "de_AT de");
        check(&[("LANG", "fr")], "fr");
        check(&[("LANG", "sr_RS.UTF-8@latin")], "sr_RS@latin sr@latin sr_RS sr");
        check(&[("LANG", "de_DE"), ("LC_MESSAGES", "cs_CZ")], "cs_CZ cs");
        check(
            &[("LANG", "de_DE"), ("LC_MESSAGES", "cs_CZ"), ("LC_ALL", "fr_FR")],
            "fr_FR fr",
        );
        check(&[("LANG", "de_DE"), ("LC_ALL", "")], "de_DE de");
        check(&[("LANG", "de_DE"), ("LANGUAGE", "cs:fr_CA:de")], "cs fr_CA fr de");
    }

    #[test]
    fn the_untranslated_locale_wins_over_a_list_of_languages() {
        check(&[("LANGUAGE", "de")], "");
        check(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8"), ("LANGUAGE", "de")], "");
        // No catalog is called so.
        check(&[("LANG", "C.UTF-8")], "C");
        check(&[("LANG", "C.UTF-8"), ("LANGUAGE", "de")], "de");
        check(&[("LANG", "POSIX")], "");
        check(&[("LANG", "de_DE"), ("LANGUAGE", "cs:C:fr")], "cs");
    }

    #[test]
    fn whoever_reads_english_first_gets_english() {
        check(&[("LANG", "en_GB.UTF-8")], "");
        check(&[("LANG", "en_US.UTF-8"), ("LANGUAGE", "en_US:de")], "");
        check(&[("LANG", "en_US.UTF-8"), ("LANGUAGE", "de:en")], "de");
    }

    #[test]
    fn a_language_is_not_a_path() {
        check(&[("LANG", "../../etc")], "");
        check(&[("LANG", "de/../..")], "");
        check(&[("LANG", "de@../x")], "");
        check(&[("LANG", "_AT")], "");
        check(&[("LANG", "de_DE"), ("LANGUAGE", ":/tmp:cs")], "cs");
    }

    #[test]
    fn values_are_put_in_and_not_looked_into() {
        let filled = fill(
            "{package} on {arch}: {missing} {",
            &[("package", "{arch}"), ("arch", "s390x")],
        );
        assert_eq!(filled, "{arch} on s390x: {missing} {");
    }

    #[test]
    fn without_a_catalog_the_sentence_is_returned() {
        assert_eq!(tr("a sentence in no catalog"), "a sentence in no catalog");
        assert_eq!(tr_n("{n} thing", "{n} things", 1), "{n} thing");
        assert_eq!(tr_n("{n} thing", "{n} things", 0), "{n} things");
    }
}
