//! Limits, measured: what is far too large or too deep is refused, or what is kept of it is small, and neither takes
//! long.
//!
//! Memory is what the thread of the test allocates at a time, beyond the input itself.

use std::fs;
use std::io::{BufRead, BufReader, Cursor, Read, repeat};
use std::time::{Duration, Instant};

use koji_notify::bus::decode::{DecodeError, Decoded, Dialect, Envelope, MAX_BODY, decode};
use koji_notify::bus::replay::{MAX_DOCUMENT, MAX_LINE, Reader, ReplayError};
use koji_notify::cause::fault::{Said, judge};
use koji_notify::cause::log;
use koji_notify::config::{Places, edit, load};
use koji_notify::hub::call::{Answer, Call, MAX_ROWS, answers};
use koji_notify::hub::ini::{Ini, MAX_VALUE};
use koji_notify::hub::xmlrpc::XmlError;
use koji_notify::hub::xmlrpc::read::{MAX_ANSWER, MAX_TEXT};
use koji_notify::i18n::Catalog;
use koji_notify::koji::task::MAX_CHILDREN;
use koji_notify::koji::{Change, Child, HubEvent, Known, LogName, NotUnderstood, TaskId, UserId};
use koji_notify::watch::Toggle;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// The hostile size.
const HUGE: usize = 64 * 1024 * 1024;

/// Nothing here takes a second where the machine has nothing else to do.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_message_of_64_mib_is_refused_unread() {
    let body = format!(r#"{{"name": "{}"}}"#, "x".repeat(HUGE));
    let told = within(4 * KIB, || decoded("build.state.change", body.as_bytes()));
    assert!(matches!(told, Err(DecodeError::TooLarge { .. })), "{told:?}");
}

#[test]
fn a_message_as_large_as_is_read_takes_no_more_than_its_own_size() {
    let common = r#""name": "a", "version": "1", "release": "1", "new": 0, "owner": "mona""#;
    let elements = |one: &str| one.repeat(MAX_BODY / one.len() - 100);
    for (odd, most) in [
        // What nobody asks for is passed over.
        (format!(r#""odd": "{}""#, "x".repeat(MAX_BODY - 200)), 64 * KIB),
        (format!(r#""odd": [{}0]"#, elements("1,")), 64 * KIB),
        (format!(r#""odd": [{}0]"#, elements("{},")), 64 * KIB),
        (format!(r#""request": [{}0]"#, elements("1,")), 64 * KIB),
        (format!(r#""request": [{}0]"#, elements("[],")), 64 * KIB),
        (format!(r#""request": [{}0]"#, elements(r#""a","#)), 64 * KIB),
        (format!(r#""request": [{}0]"#, elements(r#"{"scratch":0},"#)), 64 * KIB),
        (format!(r#""task": {{"children": [{}0]}}"#, elements("{},")), 64 * KIB),
        // A text with escapes has to be put together once.
        (format!(r#""task_id": "{}""#, elements("\\n")), 8 * MIB),
    ] {
        let body = format!("{{{common}, {odd}}}");
        assert!(body.len() <= MAX_BODY, "{}", body.len());
        let told = within(most, || decoded("build.state.change", body.as_bytes()));
        assert!(matches!(told, Ok(Decoded::News { .. })), "{told:?}");
    }
}

#[test]
fn of_10_000_children_the_first_few_are_kept() {
    let child = |id: usize| format!(r#"{{"id": {id}, "method": "buildArch", "arch": "x86_64", "state": 2}}"#);
    let children: Vec<String> = (1..=10_000).map(child).collect();
    // Side by side, and each few hundred below the ones before them.
    let flat = children.join(",");
    let deep = children.rchunks(500).fold(String::new(), |below, some| {
        format!(r#"{}, {{"id": 1000000, "children": [{below}]}}"#, some.join(","))
    });
    for list in [flat, deep] {
        let build = format!(
            r#"{{"name": "a", "version": "1", "release": "1", "new": 3, "build_id": 1, "task": {{"children": [{list}]}}}}"#
        );
        let task = format!(r#"{{"id": 1, "method": "build", "new": 5, "info": {{"children": [{list}]}}}}"#);
        for (topic, body) in [("build.state.change", build), ("task.state.change", task)] {
            let told = within(64 * KIB, || decoded(topic, body.as_bytes())).unwrap();
            let kept = below(told);
            let ids: Vec<u64> = kept.iter().map(|it| it.task.0).collect();
            assert!(!ids.is_empty() && ids.len() <= MAX_CHILDREN, "{}", ids.len());
            assert_eq!(ids[0], 1);
        }
    }
}

#[test]
fn what_is_nested_10_000_deep_is_refused() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for body in [
            format!("{}1{}", open.repeat(10_000), close.repeat(10_000)),
            format!(r#"{{"task": {}"#, open.repeat(10_000)),
        ] {
            let told = within(4 * KIB, || decoded("build.state.change", body.as_bytes()));
            assert!(matches!(told, Err(DecodeError::TooDeep)), "{told:?}");
        }
    }
    let (open, close) = ("<value><array><data>", "</data></array></value>");
    let values = format!("{}<value/>{}", open.repeat(10_000), close.repeat(10_000));
    let (open, close) = ("<value><struct><member><name>a</name>", "</member></struct></value>");
    let structs = format!("{}<value/>{}", open.repeat(10_000), close.repeat(10_000));
    let nothing = format!("{}{}", "<a>".repeat(10_000), "</a>".repeat(10_000));
    for inner in [values, structs, nothing] {
        for call in [raw(), Call::Children(TaskId(1)), Call::Cancel(TaskId(1))] {
            let body = answer(&inner);
            let told = within(256 * KIB, || answers(&[call], body.as_bytes()));
            let is_refused = matches!(
                told,
                Err(XmlError::TooDeep | XmlError::Unexpected { .. } | XmlError::Shape { .. })
            );
            assert!(is_refused, "{told:?}");
        }
    }
}

#[test]
fn of_10_000_tasks_no_more_are_kept_than_were_asked_for() {
    let row = |id: usize| {
        format!(
            "<value><struct><member><name>id</name><value><int>{id}</int></value></member><member><name>parent</name>\
             <value><int>{}</int></value></member></struct></value>",
            id - 1
        )
    };
    let rows: String = (2..=10_001).map(row).collect();
    let list = format!("<value><array><data>{rows}</data></array></value>");
    let families = format!("<value><struct><member><name>1</name>{list}</member></struct></value>");
    let (owner, limit) = (UserId(2), 20);
    for (call, body, most) in [
        (Call::OpenTasks { owner, limit }, &list, 20),
        (Call::OpenTasks { owner, limit: u32::MAX }, &list, MAX_ROWS),
        (Call::Children(TaskId(1)), &list, MAX_CHILDREN),
        (Call::Descendents(TaskId(1)), &families, MAX_CHILDREN),
    ] {
        let body = answer(body);
        let told = within(MIB, || answers(std::slice::from_ref(&call), body.as_bytes()));
        match told.unwrap().remove(0).unwrap() {
            Answer::Tasks(tasks) => assert_eq!(tasks.len(), most, "{call:?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_answer_of_more_than_64_mib_ends_where_the_limit_is() {
    let text = "x".repeat(1024 * 1024);
    let row = format!("<value><struct><member><name>odd</name><value>{text}</value></member></struct></value>");
    let rows = usize::try_from(MAX_ANSWER).unwrap() / row.len() + 2;
    let head = "<?xml version='1.0'?><methodResponse><params><param><value><array><data>".to_owned();
    let pieces = std::iter::once(head).chain(std::iter::repeat_n(row, rows));
    let body = pieces.fold(Box::new(std::io::empty()) as Box<dyn Read>, |before, it| {
        Box::new(before.chain(Cursor::new(it.into_bytes())))
    });
    let call = Call::OpenTasks {
        owner: UserId(2),
        limit: 20,
    };
    let told = within(4 * MIB, || answers(&[call], BufReader::new(body)));
    assert!(matches!(told, Err(XmlError::TooLarge)), "{told:?}");
}

#[test]
fn a_text_without_an_end_is_given_up() {
    let text = |open: &str| BufReader::new(Cursor::new(open.to_owned()).chain(repeat(b'x')));
    for open in [
        "<methodResponse><params><param><value>",
        "<methodResponse><params><param><value><string>",
        "<methodResponse><params><param><value><![CDATA[",
        "<methodResponse><params><param><value a='",
        "<methodResponse><!-- ",
        "<methodResponse><",
        "<?",
        "",
    ] {
        let most = 5 * u64::try_from(MAX_TEXT).unwrap();
        let told = within(most, || answers(&[raw()], text(open)));
        assert!(told.is_err(), "{open}: {told:?}");
    }
}

#[test]
fn a_recording_without_an_end_is_given_up() {
    let limit = |it: usize| 3 * u64::try_from(it).unwrap();
    let first = |input: &mut dyn BufRead| Reader::new(input, "endless").next();
    let told = within(limit(MAX_LINE), || first(&mut BufReader::new(repeat(b'x'))));
    assert!(matches!(told, Some(Err(ReplayError::TooLong { .. }))), "{told:?}");
    let document = Cursor::new("[\n").chain(repeat(b' '));
    let told = within(limit(MAX_DOCUMENT), || first(&mut BufReader::new(document)));
    assert!(matches!(told, Some(Err(ReplayError::TooLong { .. }))), "{told:?}");
}

#[test]
fn of_a_log_of_64_mib_only_the_end_is_read() {
    let huge = "error: x\n".repeat(HUGE / 9);
    within(16 * MIB, || log::read(LogName::Build, huge.as_bytes(), true));
    for line in ["error: x\n", "\n", "make: *** [all] Error 2\n", "\r", "\u{1b}["] {
        let text = line.repeat(1024 * 1024 / line.len());
        for name in [LogName::Build, LogName::Root, LogName::State] {
            within(16 * MIB, || log::read(name, text.as_bytes(), true));
        }
    }
    let fault = "koji.BuildError: ".repeat(HUGE / 17);
    let verdict = within(2 * MIB, || {
        judge(&Said {
            text: &fault,
            ..Said::default()
        })
    });
    assert!(verdict.sentence.chars().count() <= 400);
}

#[test]
fn a_name_of_64_mib_is_not_looked_up() {
    let text = "a-1-1".repeat(HUGE / 5);
    let told = within(4 * KIB, || Known::default().meant(&text));
    assert_eq!(told, Err(NotUnderstood::TooLong));
}

/// Each text of a catalog may point to the whole file.
#[test]
fn a_catalog_is_not_larger_than_its_file() {
    let count = 16 * 1024_u32;
    let number = |it: u32| it.to_le_bytes();
    let size = 4 * 1024 * 1024_u32;
    let mut file: Vec<u8> = [0x9504_12de, 0, count, 28, 28, 0, 0]
        .into_iter()
        .flat_map(number)
        .collect();
    for entry in 0..count {
        let offset = 28 + 8 * count + entry;
        file.extend(number(size - offset).into_iter().chain(number(offset)));
    }
    file.resize(size as usize, b'x');
    let read = within(8 * MIB, || Catalog::read(&file).map(|_| ()));
    assert!(read.is_err());
    // A text that is all ends has a form for each.
    file.truncate(28 + 8);
    file[8..12].copy_from_slice(&number(1));
    file[28..32].copy_from_slice(&number(1));
    file[32..36].copy_from_slice(&number(36));
    file[16..20].copy_from_slice(&number(40));
    file.resize(36 + 4, b'x');
    file.extend(number(size - 48).into_iter().chain(number(48)));
    file.resize(size as usize, 0);
    let read = within(64 * KIB, || Catalog::read(&file).map(|_| ()));
    assert!(read.is_err());
}

/// A value may be put together of others, and they of others again.
#[test]
fn a_profile_that_grows_is_given_up() {
    let mut text = "[koji]\nv0 = aaaaaaaaaaaaaaaaaaaa\n".to_owned();
    for step in 1..10 {
        let before = format!("%(v{})s", step - 1);
        text.push_str(&format!("v{step} = {}\n", before.repeat(100)));
    }
    text.push_str(&format!("empty =\nmany = {}\n", "%(empty)s".repeat(20_000)));
    let mut ini = Ini::default();
    within(4 * MIB, || ini.read("koji.conf".as_ref(), text.as_bytes())).unwrap();
    let most = 4 * u64::try_from(MAX_VALUE).unwrap();
    for option in ["v9", "many"] {
        assert!(within(most, || ini.value("koji", option).is_err()), "{option}");
    }
}

#[test]
fn a_configuration_that_is_too_large_or_too_deep_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let places = Places {
        file: None,
        program: None,
        home: root.path().join("home"),
        config: root.path().join("config"),
        state: root.path().join("state"),
        cache: root.path().join("cache"),
        etc: root.path().join("etc"),
        system_config: Vec::new(),
        environment: vec![("PATH".into(), root.path().into())],
    };
    fs::create_dir_all(places.config_file().parent().unwrap()).unwrap();
    let keys = "a.".repeat(10_000);
    for text in [
        format!("a = \"{}\"\n", "x".repeat(HUGE)),
        format!("a = {}{}\n", "[".repeat(10_000), "]".repeat(10_000)),
        format!("a = {}1{}\n", "{ a = ".repeat(10_000), " }".repeat(10_000)),
        format!("a = {}\n", "[".repeat(10_000)),
        format!("{keys}a = 1\n"),
        format!("[{keys}a]\n"),
        format!("[[{keys}a]]\n"),
        "[[a]]\n".repeat(100_000),
        (0..80_000).map(|it| format!("[a{it}]\n")).collect(),
        (0..80_000).map(|it| format!("tell.a{it}=1\n")).collect(),
    ] {
        fs::write(places.config_file(), &text).unwrap();
        let begun = text.get(..20).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        // A table takes far more than its text; a file of a megabyte is the limit.
        let settings = within(512 * MIB, || runtime.block_on(load(&places)));
        let refusal = settings.unwrap_err().to_string();
        assert!(refusal.chars().count() < 1000, "{refusal}");
        assert!(
            within(512 * MIB, || edit::switch(&places, Toggle::Sound, true)).is_err(),
            "{begun}"
        );
        assert!(fs::read(places.config_file()).unwrap() == text.as_bytes(), "{begun}");
    }
}

/// Does something, and sees to it that it takes neither more memory than this nor long.
fn within<T>(most: u64, what: impl FnOnce() -> T) -> T {
    let mut done = None;
    let begin = Instant::now();
    let taken = allocation_counter::measure(|| done = Some(what()));
    let bytes = taken.bytes_max;
    assert!(bytes <= most, "took {bytes} bytes, more than {most}");
    let time = begin.elapsed();
    assert!(time < PATIENCE, "took {time:?}");
    done.unwrap()
}

fn decoded(event: &str, body: &[u8]) -> Result<Decoded, DecodeError> {
    let envelope = Envelope {
        topic: &format!("org.fedoraproject.prod.buildsys.{event}"),
        message_id: None,
        sent_at: None,
        body,
        ..Envelope::default()
    };
    decode(&Dialect::Recorded, &envelope)
}

fn below(told: Decoded) -> Vec<Child> {
    match told {
        Decoded::News {
            event: HubEvent::Changed(Change::Build(it)),
            ..
        } => it.children,
        Decoded::News {
            event: HubEvent::Changed(Change::Task(it)),
            ..
        } => it.children,
        other => panic!("{other:?}"),
    }
}

fn raw() -> Call {
    Call::Raw {
        method: "echo".to_owned(),
        params: Vec::new(),
    }
}

fn answer(value: &str) -> String {
    format!("<?xml version='1.0'?><methodResponse><params><param>{value}</param></params></methodResponse>")
}
