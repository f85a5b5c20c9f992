//! What to begin with: recordings and texts of ours from `tests/fixtures`, `data` and the tests of `cause`; what is kept in
//! `fuzz/seeds` and `fuzz/regressions`; and, where they are, the samples of others, which are read in place.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use koji_notify::bus::replay::{Record, records};
use serde_json::Value;

/// An input to begin with.
pub struct Seed {
    /// Unique for its target; fit for a file's name.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The largest sample that is begun with: a whole day of messages is as good as its first ones.
const MAX_SEED: usize = 256 * 1024;

/// The most messages that are taken of one recording.
const MAX_MESSAGES: usize = 60;

impl Seed {
    pub fn new(name: &str, bytes: Vec<u8>) -> Self {
        let fit = |it: char| {
            if it.is_ascii_alphanumeric() || "-_.".contains(it) {
                it
            } else {
                '-'
            }
        };
        Self {
            name: name.chars().map(fit).collect(),
            bytes,
        }
    }
}

/// Returns the source tree, whichever of the two packages this was built in.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_root = here.join("fuzz").is_dir();
    let root = if is_root { Some(here) } else { here.parent() };
    root.unwrap_or(here).to_owned()
}

/// Returns a file of the source tree.
pub fn read(path: &str) -> Vec<u8> {
    fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the seeds that are kept for a target, and the inputs that once broke it.
pub fn kept(target: &str) -> Vec<Seed> {
    let folders = ["fuzz/seeds", "fuzz/regressions"].map(|it| root().join(it).join(target));
    folders
        .iter()
        .filter(|it| it.is_dir())
        .flat_map(|it| files(it, &[]))
        .collect()
}

/// Returns recorded messages, each by itself.
pub fn messages() -> Vec<(String, Record)> {
    let mut found = Vec::new();
    for seed in recordings() {
        let read = records(&seed.bytes, &seed.name).unwrap_or_default();
        let numbered = (1..).zip(read).take(MAX_MESSAGES);
        found.extend(numbered.map(|(n, it)| (format!("{}-{n}", seed.name), it)));
    }
    found
}

/// Returns recordings as files.
pub fn recordings() -> Vec<Seed> {
    let fixtures = root().join("tests/fixtures/lab");
    let mut found = files(&fixtures, &["json", "jsonl"]);
    for folder in ["samples/fedora-messaging", "samples/fedmsg"] {
        found.extend(shared(folder).into_iter().flat_map(|it| files(&it, &["json", "jsonl"])));
    }
    found
}

/// Returns messages of `protonmsg`: a name, where they were sent to, and their bytes. RabbitMQ, which has recorded ours,
/// keeps two of the sections apart.
pub fn plugin_messages() -> Vec<(String, String, Vec<u8>)> {
    let mut found = Vec::new();
    for seed in files(&root().join("tests/fixtures/protonmsg"), &["json"]) {
        let value: Value = serde_json::from_slice(&seed.bytes).unwrap();
        let headers = &value["properties"]["headers"];
        let section = |it: &Value| match it.as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => unpacked(&it["_bytes_b64"]),
        };
        let bytes = [
            section(&headers["x-amqp-1.0-properties"]),
            section(&headers["x-amqp-1.0-app-properties"]),
            unpacked(&value["body_b64"]),
        ];
        let key = value["deliver"]["routing_key"].as_str().unwrap().to_owned();
        found.push((seed.name, key, bytes.concat()));
    }
    if let Some(folder) = shared("samples/protonmsg-derived") {
        for seed in files(&folder, &["amqp10"]) {
            found.push((seed.name, String::new(), seed.bytes));
        }
    }
    found
}

/// Returns bodies of `messagebus`: a name, the event's name as their key, and the map of AMQP 0-10.
pub fn messagebus_maps() -> Vec<(String, String, Vec<u8>)> {
    let folders = shared("samples/messagebus-derived").into_iter();
    let seeds = folders.flat_map(|it| files(&it, &["amqp010-map"]));
    let keyed = seeds.map(|it| {
        let event = it.name.split("--").next().unwrap_or_default().to_owned();
        (it.name, format!("koji.event.{event}"), it.bytes)
    });
    keyed.collect()
}

fn unpacked(value: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// Returns what a hub answered: a name, the method that was called, and the body.
pub fn exchanges() -> Vec<(String, String, Vec<u8>)> {
    let mut found = Vec::new();
    for seed in files(&root().join("tests/fixtures/hub"), &["response"]) {
        let name = seed.name.trim_end_matches(".response").to_owned();
        let asked = fs::read(root().join(format!("tests/fixtures/hub/{name}.request"))).unwrap_or_default();
        let asked = String::from_utf8_lossy(&asked).into_owned();
        let method = asked.split_once("<methodName>").and_then(|it| it.1.split_once('<'));
        let body = seed
            .bytes
            .windows(4)
            .position(|it| it == b"\r\n\r\n")
            .map_or(0, |it| it + 4);
        let method = method.map_or("", |it| it.0).to_owned();
        found.push((name, method, seed.bytes[body..].to_vec()));
    }
    for folder in shared("samples/hub").into_iter().flat_map(|it| [it.join("raw"), it]) {
        let answers = files(&folder, &["xml"]);
        for seed in answers.into_iter().filter(|it| it.name.ends_with(".response.xml")) {
            let method = seed.name.split(['-', '.']).next().unwrap_or_default().to_owned();
            found.push((seed.name, method, seed.bytes));
        }
    }
    found
}

/// Returns ends of logs and faults: a name, the log it is of, and the text.
pub fn logs() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for file in ["builds", "more", "roots"] {
        let text = String::from_utf8(read(&format!("src/cause/tests/{file}.txt"))).unwrap();
        // Each text has a heading, and two characters before each line.
        for (number, part) in (1..).zip(text.split("\n=== ")) {
            let (heading, lines) = part.split_once('\n').unwrap_or_default();
            let log = heading.split('|').map(str::trim).find(|it| it.ends_with(".log"));
            let lines: String = lines
                .lines()
                .map(|it| format!("{}\n", it.get(2..).unwrap_or_default()))
                .collect();
            found.push((format!("{file}-{number}"), log.unwrap_or("build.log").to_owned(), lines));
        }
    }
    if let Some(folder) = shared("samples/failures/excerpts") {
        for seed in files(&folder, &["txt"]) {
            let text = String::from_utf8_lossy(&seed.bytes).into_owned();
            found.push((seed.name, "build.log".to_owned(), text));
        }
    }
    found
}

/// Returns the files in a folder with one of these endings, or all of them, sorted.
fn files(folder: &Path, endings: &[&str]) -> Vec<Seed> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|it| it.unwrap().path()).collect();
    paths.sort();
    let is_one = |it: &PathBuf| {
        let ending = it.extension().and_then(|it| it.to_str()).unwrap_or_default();
        it.is_file() && (endings.is_empty() || endings.contains(&ending))
    };
    let seeds = paths.iter().filter(|it| is_one(it)).map(|it| {
        let name = it.file_name().unwrap_or_default().to_string_lossy();
        Seed::new(&name, fs::read(it).unwrap())
    });
    seeds.filter(|it| it.bytes.len() <= MAX_SEED).collect()
}

/// Returns a folder of samples, if it is there.
fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("KOJI_NOTIFY_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let folder = folder.join(path);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {} is not there (KOJI_NOTIFY_SHARED)", folder.display());
    None
}
