//! The words in other languages: collected completely, translated completely, read rightly, and spoken.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use koji_notify::i18n::Catalog;

use crate::tidy::{root, rust_files, sentences_in};

const LANGUAGES: [&str; 3] = ["cs", "de", "fr"];

/// A build of alice's that was finished, as the lab's hub told it.
const FINISHED: &str = "tests/fixtures/lab/05-build-building-to-complete.json";

#[test]
fn each_language_has_its_plurals() {
    let check = |language: &str, forms: &[&str], expected: &str| {
        let catalog = Catalog::read(&builds(language, forms, "little")).unwrap();
        let numbers = [0, 1, 2, 4, 5, 21, 22, 100, 1_000_000];
        let found: Vec<&str> = numbers.iter().map(|n| catalog.form("{n} build", *n).unwrap()).collect();
        assert_eq!(found.join(" "), expected, "{language}");
    };
    check(
        "de",
        &["Build", "Builds"],
        "Builds Build Builds Builds Builds Builds Builds Builds Builds",
    );
    check(
        "fr",
        &["compilation", "compilations"],
        "compilation compilation compilations compilations compilations compilations compilations compilations compilations",
    );
    check(
        "cs",
        &["sestavení", "dvě", "mnoho"],
        "mnoho sestavení dvě dvě mnoho mnoho mnoho mnoho mnoho",
    );
}

#[test]
fn a_catalog_of_the_other_byte_order_says_the_same() {
    let little = Catalog::read(&builds("cs", &["a", "b", "c"], "little")).unwrap();
    let big = Catalog::read(&builds("cs", &["a", "b", "c"], "big")).unwrap();
    for n in 0..30 {
        assert_eq!(little.form("{n} build", n), big.form("{n} build", n));
    }
}

#[test]
fn what_is_not_translated_stays_english() {
    let catalog = Catalog::read(&builds("de", &["{n} Build", "{n} Builds"], "little")).unwrap();
    assert_eq!(catalog.sentence("Nothing like that"), None);
    assert_eq!(catalog.form("Nothing like that", 3), None);
    let untranslated = Catalog::read(&builds("de", &["", ""], "little")).unwrap();
    assert_eq!(untranslated.form("{n} build", 3), None);
}

#[test]
fn a_damaged_catalog_is_an_error_or_other_words_and_never_the_end() {
    let whole = builds("cs", &["{n} sestavení", "{n} sestavení", "{n} sestavení"], "little");
    for at in 0..whole.len() - 1 {
        for byte in [0, 1, 4, b'%', b'(', 0x7f, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            if let Ok(catalog) = Catalog::read(&damaged) {
                let _ = catalog.form("{n} build", 5);
            }
        }
        assert!(Catalog::read(&whole[..at]).is_err(), "cut at {at} of {}", whole.len());
    }
}

#[test]
fn a_catalog_in_another_character_set_is_refused() {
    let po = header("de").replace("charset=UTF-8", "charset=ISO-8859-1") + "\nmsgid \"a\"\nmsgstr \"b\"\n";
    assert_eq!(
        Catalog::read(&compiled(&po, "little")).unwrap_err().to_string(),
        "it is not in UTF-8"
    );
}

#[test]
fn no_sentence_is_lost() {
    let pot = fs::read_to_string(root().join("po/koji-notify.pot")).unwrap();
    let collected = entries(&pot);
    for file in rust_files("src") {
        for (one, many) in sentences_in(&file) {
            let found = collected.get(&one);
            assert!(
                found.is_some(),
                "{file}: {one:?} is not in po/koji-notify.pot; say `make pot`"
            );
            assert!(
                many.is_none() || *found.unwrap() == many,
                "{file}: {one:?} has another plural in po/koji-notify.pot"
            );
        }
    }
}

#[test]
fn what_misleads_a_collector_does_not_mislead_ours() {
    let tree = tree();
    let hard = r####"
        //! tr("in a comment")
        fn f<'a>(it: &'a str) -> char { let _ = '"'; let _ = '\''; let _ = b'"'; 'x' }
        /* tr("in a block") */
        const RAW: &str = r#"tr("in raw text") " "#;
        const TEXT: &str = "tr(\"in text\") // no comment";
        fn words<'b>(n: u64) {
            tr("after a lifetime");
            // Translators: what comes before
            // the sentence.
            tr("with \"quotes\", a \\ and é\u{2026}");
            tr_n("{n} build", "{n} builds", n);
            tr(
                "over two \
                 lines",
            );
            attr("not ours");
        }
        #[cfg(test)]
mod tests { fn g() { tr("in a test"); } }
    "####;
    fs::write(tree.path().join("src/view.rs"), hard).unwrap();
    run(tree.path(), "po/collect", &[]);
    let pot = fs::read_to_string(tree.path().join("po/koji-notify.pot")).unwrap();
    let ours: BTreeSet<String> = entries(&pot)
        .into_keys()
        .filter(|it| !it.contains("Koji") && it != "Short")
        .collect();
    let expected = [
        "after a lifetime",
        "over two lines",
        "with \"quotes\", a \\ and é…",
        "{n} build",
    ];
    assert_eq!(ours, expected.map(str::to_owned).into());
    assert!(
        pot.contains("#. what comes before the sentence.\n#: src/view.rs\nmsgid \"with"),
        "{pot}"
    );
    let files = fs::read_to_string(tree.path().join("po/POTFILES.in")).unwrap();
    assert!(files.starts_with("src/view.rs\n"), "{files}");
}

#[test]
fn a_translation_that_breaks_a_sentence_is_refused() {
    let whole = r#"
msgid "{package} failed on {arch}"
msgstr "{package} schlug auf {arch} fehl"

msgid "{n} build"
msgid_plural "{n} builds"
msgstr[0] "{n} Build"
msgstr[1] "{n} Builds"
"#;
    let check = |from: &str, to: &str, complaint: &str| {
        let tree = tree();
        let code = r#"fn f() { tr("{package} failed on {arch}"); tr_n("{n} build", "{n} builds", 2); }"#;
        fs::write(tree.path().join("src/view.rs"), code).unwrap();
        run(tree.path(), "po/collect", &[]);
        assert!(whole.contains(from), "{from}");
        let others = "\nmsgid \"Koji Notify\"\nmsgstr \"Koji Notify\"\n\nmsgid \"Short\"\nmsgstr \"Kurz\"\n";
        fs::write(
            tree.path().join("po/de.po"),
            header("de") + others + &whole.replacen(from, to, 1),
        )
        .unwrap();
        let output = command(tree.path(), "make", &["--no-print-directory", "check-words"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), complaint.is_empty(), "{to}: {said}");
        assert!(said.contains(complaint), "{to}: {said}");
    };
    check("", "", "");
    check("{n} Builds", "Builds", "has other {placeholders}");
    check("{n} Build\"", "Ein Build\"", "has other {placeholders}");
    check("auf {arch}", "", "has other {placeholders}");
    check("auf {arch}", "auf {Arch}", "has other {placeholders}");
    check("auf {arch}", "auf {arch}, {arch2}", "has other {placeholders}");
    check("msgstr[1] \"{n} Builds\"", "msgstr[1] \"\"", "has other {placeholders}");
    check("\nmsgid \"{package}", "\n#, fuzzy\nmsgid \"{package}", "fuzzy");
    check("{package} schlug auf {arch} fehl", "", "untranslated");
    check("failed on", "failed at", "this message is used but not defined");
}

#[test]
fn the_program_speaks_the_languages_that_it_has() {
    let made = tempfile::tempdir().unwrap();
    for language in LANGUAGES {
        let folder = made.path().join(language).join("LC_MESSAGES");
        fs::create_dir_all(&folder).unwrap();
        let po = fs::read_to_string(root().join(format!("po/{language}.po"))).unwrap();
        fs::write(folder.join("koji-notify.mo"), compiled(&po, "little")).unwrap();
    }
    let english = cards(made.path(), "C.UTF-8", "");
    assert!(!english.is_empty());
    let mut all = BTreeSet::from([english.clone()]);
    for (locale, list) in [("de_AT.UTF-8", ""), ("fr_FR.UTF-8", ""), ("en_US.UTF-8", "cs:de")] {
        let cards = cards(made.path(), locale, list);
        assert!(
            all.insert(cards.clone()),
            "{locale} {list} says the same as another language:\n{cards}"
        );
    }
    assert_eq!(
        cards(made.path(), "eo.UTF-8", ""),
        english,
        "a language that it does not have"
    );
    fs::write(made.path().join("de/LC_MESSAGES/koji-notify.mo"), "no catalog").unwrap();
    assert_eq!(cards(made.path(), "de_DE.UTF-8", ""), english, "a damaged catalog");
}

/// Replays a finished build of alice's in a language, and returns what was said of it.
fn cards(catalogs: &Path, locale: &str, list: &str) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_koji-notify"));
    program
        .args(["replay", "--print", "--user", "alice"])
        .arg(root().join(FINISHED));
    program
        .env("TEXTDOMAINDIR", catalogs)
        .env("LC_ALL", locale)
        .env("LANGUAGE", list);
    let output = program.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let cards = lines
        .lines()
        .map(|it| serde_json::from_str::<serde_json::Value>(it).unwrap());
    let words = cards.map(|it| format!("{} | {} | {}", it["title"], it["body"], it["actions"]));
    words.collect::<Vec<String>>().join("\n")
}

/// A small house with the machinery of ours: one language, one file with sentences, two texts in the data files.
fn tree() -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    for folder in ["po", "data", "src"] {
        fs::create_dir(tree.path().join(folder)).unwrap();
    }
    for file in ["Makefile", "po/collect"] {
        fs::copy(root().join(file), tree.path().join(file)).unwrap();
    }
    fs::write(tree.path().join("po/LINGUAS"), "de\n").unwrap();
    let entry = "[Desktop Entry]\nName=Koji Notify\nComment=Short\n";
    fs::write(tree.path().join("data/org.fedoraproject.KojiNotify.desktop"), entry).unwrap();
    let metainfo = "<component><name>Koji Notify</name><summary>Short</summary><description/></component>";
    fs::write(
        tree.path().join("data/org.fedoraproject.KojiNotify.metainfo.xml"),
        metainfo,
    )
    .unwrap();
    tree
}

/// Returns the header of one of our catalogs.
fn header(language: &str) -> String {
    let po = fs::read_to_string(root().join(format!("po/{language}.po"))).unwrap();
    po.split_once("\n\n").unwrap().0.to_owned() + "\n"
}

/// Returns a catalog with the header of ours and one sentence.
fn builds(language: &str, forms: &[&str], endianness: &str) -> Vec<u8> {
    let mut po = header(language) + "\nmsgid \"{n} build\"\nmsgid_plural \"{n} builds\"\n";
    for (index, form) in forms.iter().enumerate() {
        po += &format!("msgstr[{index}] \"{form}\"\n");
    }
    compiled(&po, endianness)
}

/// Returns what msgfmt makes of a catalog.
fn compiled(po: &str, endianness: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("it.po"), po).unwrap();
    let endianness = format!("--endianness={endianness}");
    run(folder.path(), "msgfmt", &[&endianness, "-o", "it.mo", "it.po"]);
    fs::read(folder.path().join("it.mo")).unwrap()
}

/// Returns the sentences of a `.pot` file with their plurals.
fn entries(pot: &str) -> BTreeMap<String, Option<String>> {
    let mut entries = BTreeMap::new();
    for block in pot.split("\n\n").skip(1) {
        let mut texts: BTreeMap<&str, String> = BTreeMap::new();
        let mut keyword = "";
        for line in block.lines().filter(|it| !it.starts_with('#')) {
            let (before, text) = line.split_once('"').unwrap();
            if !before.is_empty() {
                keyword = before.trim();
            }
            let text: String = serde_json::from_str(&format!("\"{text}")).unwrap();
            texts.entry(keyword).or_default().push_str(&text);
        }
        entries.insert(texts.remove("msgid").unwrap(), texts.remove("msgid_plural"));
    }
    entries
}

/// Runs a command that has to succeed.
fn run(folder: &Path, program: &str, words: &[&str]) {
    let output = command(folder, program, words);
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn command(folder: &Path, program: &str, words: &[&str]) -> Output {
    let path = folder.join(program);
    let program = if path.is_file() { path } else { program.into() };
    Command::new(program)
        .args(words)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}
