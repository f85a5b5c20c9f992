//! The words in other languages: collected completely, translated completely, read rightly, and spoken.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use expect_test::{Expect, expect};
use koji_notify::i18n::Catalog;
use serde_json::{Value, json};

use crate::tidy::{root, rust_files, sentences_in};

mod typography;
mod whole;

const LANGUAGES: [&str; 3] = ["cs", "de", "fr"];

/// A build of alice's that was finished, as the lab's hub told it.
const FINISHED: &str = "tests/fixtures/lab/05-build-building-to-complete.json";

/// What else became of builds of alice's.
const OTHERS: [&str; 5] = [
    "tests/fixtures/lab/06-tag-f44-signing-pending-by-owner.json",
    "tests/fixtures/lab/18-build-building-to-canceled-epoch.json",
    "tests/fixtures/lab/20-scratchtask-open-to-failed.json",
    "tests/fixtures/lab/15-scratchtask-open-to-closed.json",
    "tests/fixtures/lab/23-build-none-to-building-f43.json",
];

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
fn what_becomes_of_builds_is_told_in_german() {
    check_words(
        "de_AT.UTF-8",
        expect![[r#"
        hello-1.0-20261120172159.fc44 ist gebaut
            rawhide, 12~s
            [Build öffnen] [Paket stummschalten]
        hello-1.0-20261120172159.fc44 wurde getaggt
            Jetzt in f44-signing-pending
            [Build öffnen] [Paket stummschalten]
        rust-zbus-0.4-954230.fc44 wurde abgebrochen
            rawhide, 12~s
            [Build öffnen] [Paket stummschalten]
        gnome-tweaks-4.4-954228.fc44 ist fehlgeschlagen
            aarch64 fehlgeschlagen; x86_64 gebaut
            Scratch-Build, rawhide, 18~s
            [Protokoll öffnen] [Task öffnen] [Paket stummschalten]
        python-requests-3.2-954225.fc44 ist gebaut
            Scratch-Build, rawhide, 16~s
            [Task öffnen] [Paket stummschalten]
        hello-1.22-954235.fc43 wird gebaut
            f43-candidate
            [Build öffnen] [Paket stummschalten]
    "#]],
    );
}

#[test]
fn what_becomes_of_builds_is_told_in_french() {
    check_words(
        "fr_FR.UTF-8",
        expect![[r#"
        hello-1.0-20261120172159.fc44 est construit
            rawhide, 12~s
            [Ouvrir la construction] [Mettre le paquet en sourdine]
        Étiquette ajoutée à hello-1.0-20261120172159.fc44
            Désormais dans f44-signing-pending
            [Ouvrir la construction] [Mettre le paquet en sourdine]
        rust-zbus-0.4-954230.fc44 a été annulé
            rawhide, 12~s
            [Ouvrir la construction] [Mettre le paquet en sourdine]
        gnome-tweaks-4.4-954228.fc44 a échoué
            Échec^: aarch64^; réussite^: x86_64
            Construction d’essai, rawhide, 18~s
            [Ouvrir le journal] [Ouvrir la tâche] [Mettre le paquet en sourdine]
        python-requests-3.2-954225.fc44 est construit
            Construction d’essai, rawhide, 16~s
            [Ouvrir la tâche] [Mettre le paquet en sourdine]
        hello-1.22-954235.fc43 est en cours de construction
            f43-candidate
            [Ouvrir la construction] [Mettre le paquet en sourdine]
    "#]],
    );
}

#[test]
fn what_becomes_of_builds_is_told_in_czech() {
    check_words(
        "cs_CZ.UTF-8",
        expect![[r#"
        Sestavení hello-1.0-20261120172159.fc44 je hotové
            rawhide, 12~s
            [Otevřít sestavení] [Ztlumit balíček]
        Sestavení hello-1.0-20261120172159.fc44 byla přidána značka
            Nyní v f44-signing-pending
            [Otevřít sestavení] [Ztlumit balíček]
        Sestavení rust-zbus-0.4-954230.fc44 bylo zrušeno
            rawhide, 12~s
            [Otevřít sestavení] [Ztlumit balíček]
        Sestavení gnome-tweaks-4.4-954228.fc44 selhalo
            Selhalo: aarch64; sestaveno: x86_64
            Zkušební sestavení, rawhide, 18~s
            [Otevřít záznam] [Otevřít úlohu] [Ztlumit balíček]
        Sestavení python-requests-3.2-954225.fc44 je hotové
            Zkušební sestavení, rawhide, 16~s
            [Otevřít úlohu] [Ztlumit balíček]
        Sestavuje se hello-1.22-954235.fc43
            f43-candidate
            [Otevřít sestavení] [Ztlumit balíček]
    "#]],
    );
}

#[test]
fn a_digest_counts_as_the_language_does() {
    let made = catalogs();
    let headline = |locale: &str, failed: usize, finished: usize| {
        // Five are shown one by one; what comes on top of them is a digest.
        let states = [1].repeat(5).into_iter();
        let states = states.chain([3].repeat(failed)).chain([1].repeat(finished));
        let recording = made.path().join("recording.jsonl");
        let lines: String = (1..).zip(states).map(|(n, state)| ended(n, state) + "\n").collect();
        fs::write(&recording, lines).unwrap();
        let cards = replay(made.path(), locale, "", &[recording.to_str().unwrap()]);
        let digest = cards.last().unwrap();
        assert!(digest["digest"].is_array(), "{digest}");
        let first = digest["body"].as_str().unwrap().lines().next().unwrap();
        format!("{} / {first}", digest["title"].as_str().unwrap())
    };
    let mut told = String::new();
    for locale in ["C", "cs_CZ.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8"] {
        for (failed, finished) in [(1, 5), (2, 4), (5, 1), (2, 0), (5, 0), (0, 2), (0, 6), (0, 7), (0, 10)] {
            told += &headline(locale, failed, finished);
            told.push('\n');
        }
    }
    expect![[r#"
        1 of 6 builds failed / Failed: p6-1-1
        2 of 6 builds failed / Failed: p6-1-1 and p7-1-1
        5 of 6 builds failed / Failed: p6-1-1, p7-1-1, p8-1-1, p9-1-1 and p10-1-1
        2 builds failed / Failed: p6-1-1 and p7-1-1
        5 builds failed / Failed: p6-1-1, p7-1-1, p8-1-1, p9-1-1 and p10-1-1
        2 builds finished / Built: p6-1-1 and p7-1-1
        6 builds finished / Built: p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 and 1 more
        7 builds finished / Built: p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 and 2 more
        10 builds finished / Built: p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 and 5 more
        1 z 6 sestavení selhalo / Selhalo: p6-1-1
        2 z 6 sestavení selhala / Selhalo: p6-1-1 a p7-1-1
        5 z 6 sestavení selhalo / Selhalo: p6-1-1, p7-1-1, p8-1-1, p9-1-1 a p10-1-1
        2 sestavení selhala / Selhalo: p6-1-1 a p7-1-1
        5 sestavení selhalo / Selhalo: p6-1-1, p7-1-1, p8-1-1, p9-1-1 a p10-1-1
        2 sestavení byla dokončena / Sestaveno: p6-1-1 a p7-1-1
        6 sestavení bylo dokončeno / Sestaveno: p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 a 1 další
        7 sestavení bylo dokončeno / Sestaveno: p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 a 2 další
        10 sestavení bylo dokončeno / Sestaveno: p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 a 5 dalších
        1 von 6 Builds ist fehlgeschlagen / Fehlgeschlagen: p6-1-1
        2 von 6 Builds sind fehlgeschlagen / Fehlgeschlagen: p6-1-1 und p7-1-1
        5 von 6 Builds sind fehlgeschlagen / Fehlgeschlagen: p6-1-1, p7-1-1, p8-1-1, p9-1-1 und p10-1-1
        2 Builds sind fehlgeschlagen / Fehlgeschlagen: p6-1-1 und p7-1-1
        5 Builds sind fehlgeschlagen / Fehlgeschlagen: p6-1-1, p7-1-1, p8-1-1, p9-1-1 und p10-1-1
        2 Builds sind fertig / Gebaut: p6-1-1 und p7-1-1
        6 Builds sind fertig / Gebaut: p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 und 1 weiterer
        7 Builds sind fertig / Gebaut: p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 und 2 weitere
        10 Builds sind fertig / Gebaut: p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 und 5 weitere
        1 construction sur 6 a échoué / Échec : p6-1-1
        2 constructions sur 6 ont échoué / Échec : p6-1-1 et p7-1-1
        5 constructions sur 6 ont échoué / Échec : p6-1-1, p7-1-1, p8-1-1, p9-1-1 et p10-1-1
        2 constructions ont échoué / Échec : p6-1-1 et p7-1-1
        5 constructions ont échoué / Échec : p6-1-1, p7-1-1, p8-1-1, p9-1-1 et p10-1-1
        2 constructions terminées / Réussite : p6-1-1 et p7-1-1
        6 constructions terminées / Réussite : p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 et 1 autre
        7 constructions terminées / Réussite : p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 et 2 autres
        10 constructions terminées / Réussite : p6-1-1, p7-1-1, p8-1-1, p9-1-1, p10-1-1 et 5 autres
    "#]]
    .assert_eq(&told);
}

#[test]
fn progress_and_absences_are_counted_as_the_language_does() {
    let mut told = String::new();
    for language in LANGUAGES {
        let po = fs::read_to_string(root().join(format!("po/{language}.po"))).unwrap();
        let catalog = Catalog::read(&compiled(&po, "little")).unwrap();
        for sentence in [
            "{done} of {all} arch",
            "{arches} failed, {n} still runs",
            "{failed} failed; {running} still runs",
            "While you were away: {failed} build failed, {finished} finished",
            "And {n} more",
        ] {
            for n in [1, 2, 5] {
                let number = n.to_string();
                let form = catalog.form(sentence, n).unwrap();
                let values = ["done", "all", "n", "failed", "finished"].map(|it| (it, &*number));
                told += &koji_notify::i18n::fill(form, &values);
                told.push('\n');
            }
        }
    }
    expect![[r#"
        1 z 1 architektury
        2 z 2 architektur
        5 z 5 architektur
        selhalo: {arches}; stále běží 1
        selhalo: {arches}; stále běží 2
        selhalo: {arches}; stále běží 5
        Selhalo: 1; stále běží: {running}
        Selhalo: 2; stále běží: {running}
        Selhalo: 5; stále běží: {running}
        Mezitím: 1 sestavení selhalo, 1 dokončeno
        Mezitím: 2 sestavení selhala, 2 dokončeno
        Mezitím: 5 sestavení selhalo, 5 dokončeno
        A 1 další
        A 2 další
        A 5 dalších
        1 von 1 Architektur
        2 von 2 Architekturen
        5 von 5 Architekturen
        {arches} fehlgeschlagen, 1 läuft noch
        {arches} fehlgeschlagen, 2 laufen noch
        {arches} fehlgeschlagen, 5 laufen noch
        1 fehlgeschlagen; {running} läuft noch
        2 fehlgeschlagen; {running} laufen noch
        5 fehlgeschlagen; {running} laufen noch
        Inzwischen: 1 Build fehlgeschlagen, 1 fertig
        Inzwischen: 2 Builds fehlgeschlagen, 2 fertig
        Inzwischen: 5 Builds fehlgeschlagen, 5 fertig
        Und 1 weiterer
        Und 2 weitere
        Und 5 weitere
        1 sur 1 architecture
        2 sur 2 architectures
        5 sur 5 architectures
        échec^: {arches}^; 1 encore en cours
        échec^: {arches}^; 2 encore en cours
        échec^: {arches}^; 5 encore en cours
        Échec^: 1^; encore en cours^: {running}
        Échec^: 2^; encore en cours^: {running}
        Échec^: 5^; encore en cours^: {running}
        En votre absence^: 1 échec, 1 succès
        En votre absence^: 2 échecs, 2 succès
        En votre absence^: 5 échecs, 5 succès
        Et 1 autre
        Et 2 autres
        Et 5 autres
    "#]]
    .assert_eq(&told.replace('\u{202f}', "^"));
}

#[test]
fn the_catalogs_of_all_languages_are_whole() {
    for language in LANGUAGES {
        let po = fs::read_to_string(root().join(format!("po/{language}.po"))).unwrap();
        let forms = if language == "cs" { 3 } else { 2 };
        let faults = holes(&po, forms);
        assert!(faults.is_empty(), "{language}: {faults:#?}");
        for field in [
            "Project-Id-Version: koji-notify",
            "Content-Type: text/plain; charset=UTF-8",
        ] {
            assert!(po.contains(&format!("\n\"{field}\\n\"\n")), "{language}: {field}");
        }
        assert!(po.contains(&format!("\n\"Language: {language}\\n\"\n")));
    }
}

#[test]
fn a_hole_in_a_catalog_is_found() {
    let po = header("cs")
        + r#"
msgid "{what} failed"
msgstr "Sestavení {what} selhalo"

msgid "{n} build"
msgid_plural "{n} builds"
msgstr[0] "{n} sestavení"
msgstr[1] "{n} sestavení"
msgstr[2] "{n} sestavení"
"#;
    assert_eq!(holes(&po, 3), Vec::<String>::new());
    for (from, to) in [
        ("Sestavení {what} selhalo", ""),
        ("\"Sestavení {what} selhalo", "\"Sestavení selhalo"),
        ("{what} selhalo", "{co} selhalo"),
        ("msgstr[2] \"{n} sestavení\"\n", ""),
        ("msgstr[2] \"{n} sestavení\"", "msgstr[2] \"sestavení\""),
        ("msgid \"{what}", "#, fuzzy\nmsgid \"{what}"),
        ("msgstr[0] \"{n} sestavení\"", "msgstr[0] \"\""),
    ] {
        assert!(po.contains(from), "{from}");
        assert_eq!(holes(&po.replacen(from, to, 1), 3).len(), 1, "{from} -> {to}");
    }
}

#[test]
fn the_environment_chooses_the_language() {
    let made = catalogs();
    let title = |locale: &str, list: &str| {
        let cards = replay(made.path(), locale, list, &[FINISHED]);
        cards[0]["title"]
            .as_str()
            .unwrap()
            .replace("hello-1.0-20261120172159.fc44", "hello")
    };
    for (locale, list, expected) in [
        ("C", "de:fr", "hello is built"),
        ("C.UTF-8", "", "hello is built"),
        ("POSIX", "cs", "hello is built"),
        ("en_GB.UTF-8", "", "hello is built"),
        ("en_US.UTF-8", "en_US:de", "hello is built"),
        ("de_AT.UTF-8", "", "hello ist gebaut"),
        ("de_DE.UTF-8@euro", "", "hello ist gebaut"),
        ("de_DE.UTF-8", "fr_CA:cs", "hello est construit"),
        ("pl_PL.UTF-8", "pl:cs", "Sestavení hello je hotové"),
        ("pl_PL.UTF-8", "", "hello is built"),
    ] {
        assert_eq!(title(locale, list), expected, "LC_ALL={locale} LANGUAGE={list}");
    }
}

#[test]
fn the_program_speaks_the_languages_that_it_has() {
    let made = catalogs();
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

/// Compares what a person reads of builds of alice's. No-break spaces are shown as `~`, narrow ones as `^`.
fn check_words(locale: &str, expected: Expect) {
    let made = catalogs();
    let mut told = String::new();
    for file in [FINISHED].iter().chain(&OTHERS) {
        for card in replay(made.path(), locale, "", &[file]) {
            let actions = card["actions"].as_array().unwrap();
            let labels: Vec<&str> = actions.iter().map(|it| it["label"].as_str().unwrap()).collect();
            let (title, body) = (card["title"].as_str().unwrap(), card["body"].as_str().unwrap());
            told += &format!(
                "{title}\n    {}\n    [{}]\n",
                body.replace('\n', "\n    "),
                labels[1..].join("] [")
            );
        }
    }
    expected.assert_eq(&told.replace('\u{a0}', "~").replace('\u{202f}', "^"));
}

/// Returns a message about the end of a build of alice's.
fn ended(number: u64, state: u64) -> String {
    let message = json!({
        "topic": "org.fedoraproject.prod.buildsys.build.state.change",
        "headers": {"sent-at": "2026-11-20T17:22:10+00:00"},
        "properties": {"message_id": format!("message-{number}")},
        "body": {
            "name": format!("p{number}"), "version": "1", "release": "1", "epoch": null, "attribute": "state",
            "old": 0, "new": state, "build_id": number, "task_id": 1000 + number, "owner": "alice",
            "instance": "primary",
        },
    });
    message.to_string()
}

/// Makes the catalogs of all languages.
fn catalogs() -> tempfile::TempDir {
    let made = tempfile::tempdir().unwrap();
    for language in LANGUAGES {
        let folder = made.path().join(language).join("LC_MESSAGES");
        fs::create_dir_all(&folder).unwrap();
        let po = fs::read_to_string(root().join(format!("po/{language}.po"))).unwrap();
        fs::write(folder.join("koji-notify.mo"), compiled(&po, "little")).unwrap();
    }
    made
}

/// Replays recordings for alice in a language, and returns the cards.
fn replay(catalogs: &Path, locale: &str, list: &str, files: &[&str]) -> Vec<Value> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_koji-notify"));
    program
        .args(["replay", "--print", "--started", "--tagged", "--user", "alice"])
        .args(files.iter().map(|it| root().join(it)));
    program
        .env("TEXTDOMAINDIR", catalogs)
        .env("LC_ALL", locale)
        .env("LANGUAGE", list);
    let output = program.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect()
}

/// Replays a finished build of alice's in a language, and returns what was said of it.
fn cards(catalogs: &Path, locale: &str, list: &str) -> String {
    let cards = replay(catalogs, locale, list, &[FINISHED]);
    let words = cards
        .iter()
        .map(|it| format!("{} | {} | {}", it["title"], it["body"], it["actions"]));
    words.collect::<Vec<String>>().join("\n")
}

/// Returns what a catalog lacks: sentences that are not translated or not surely right, forms, placeholders.
fn holes(po: &str, forms: usize) -> Vec<String> {
    let mut holes = Vec::new();
    for (number, entry) in (1..).zip(texts(po)) {
        let one = &entry["msgid"];
        let english = entry.get("msgid_plural").unwrap_or(one);
        let translations: Vec<&String> = entry
            .iter()
            .filter(|(it, _)| it.starts_with("msgstr"))
            .map(|it| it.1)
            .collect();
        let expected = if entry.contains_key("msgid_plural") { forms } else { 1 };
        let is_right = |it: &&String| !it.is_empty() && placeholders(it) == placeholders(english);
        if translations.len() != expected || !translations.iter().all(is_right) {
            holes.push(format!("{number}: {one}: {translations:?}"));
        }
    }
    holes.extend(
        po.lines()
            .filter(|it| it.starts_with("#,") && it.contains("fuzzy"))
            .map(str::to_owned),
    );
    holes
}

fn placeholders(sentence: &str) -> BTreeSet<&str> {
    let parts = sentence.split('{').skip(1);
    parts.filter_map(|it| Some(it.split_once('}')?.0)).collect()
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
    for file in ["KojiNotify", "KojiNotify.Window"] {
        fs::write(
            tree.path().join(format!("data/org.fedoraproject.{file}.desktop")),
            entry,
        )
        .unwrap();
    }
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
    let entries = texts(pot).into_iter();
    let pairs = entries.map(|mut it| (it.remove("msgid").unwrap(), it.remove("msgid_plural")));
    pairs.collect()
}

/// Returns the entries of a catalog but its header, each as the texts behind `msgid`, `msgid_plural`, `msgstr` and so
/// on.
fn texts(po: &str) -> Vec<BTreeMap<&str, String>> {
    let mut entries = Vec::new();
    for block in po.split("\n\n").skip(1) {
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
        entries.push(texts);
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
