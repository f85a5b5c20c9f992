//! An answer of a hub: whatever comes, reading it ends with values within the limits, a fault or a short error; and it
//! does not matter in which pieces it arrives.
//!
//! The input is a byte that says what was asked, a byte that says how the answer arrives, and the answer.

use std::io::BufRead;

use jiff::Timestamp;
use koji_notify::hub::call::{Answer, BuildKey, Call, MAX_ROWS, PackageKey, TaskResult, answers};
use koji_notify::hub::fault::Fault;
use koji_notify::hub::xmlrpc::XmlError;
use koji_notify::hub::xmlrpc::read::MAX_FAULT_TEXT;
use koji_notify::koji::lenient::MAX_TEXT;
use koji_notify::koji::task::MAX_CHILDREN;
use koji_notify::koji::{BuildId, TaskId, UserId};

use super::pieces::Pieces;
use super::seeds::{self, Seed};
use super::{assert_error, assert_line};

pub const WORDS: &[&str] = &[
    "<?xml version='1.0'?>",
    "<methodResponse>",
    "</methodResponse>",
    "<params>",
    "</params>",
    "<param>",
    "</param>",
    "<fault>",
    "</fault>",
    "<value>",
    "</value>",
    "<value/>",
    "<array>",
    "<array/>",
    "</array>",
    "<data>",
    "<data/>",
    "</data>",
    "<struct>",
    "<struct/>",
    "</struct>",
    "<member>",
    "</member>",
    "<name>",
    "</name>",
    "<name>faultCode</name>",
    "<name>faultString</name>",
    "<nil/>",
    "<ex:nil/>",
    "<int>",
    "</int>",
    "<i8>",
    "</i8>",
    "<double>",
    "</double>",
    "<boolean>",
    "</boolean>",
    "<string>",
    "</string>",
    "<base64>",
    "</base64>",
    "<dateTime.iso8601>",
    "</dateTime.iso8601>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "&b;",
    "&#55296;",
    "&#x110000;",
    "&#0;",
    "&lt;",
    "\u{feff}",
    "<html>",
    "1e400",
    "-9223372036854775809",
    "\u{202e}",
    "<a>",
    "</a>",
    "<a b='",
    "<value><array><data>",
    "<value><struct><member><name>a</name>",
];

/// One call of each kind; several make a multicall.
fn calls() -> Vec<Call> {
    let (task, build, owner) = (TaskId(123), BuildKey::Id(BuildId(77)), UserId(2));
    let since = Timestamp::UNIX_EPOCH;
    let name = || "hello".to_owned();
    let package = || PackageKey::Name(name());
    vec![
        Call::Raw {
            method: name(),
            params: Vec::new(),
        },
        Call::Version,
        Call::LoggedInUser,
        Call::User(name()),
        Call::Package(name()),
        Call::OpenTasks { owner, limit: 20 },
        Call::EndedTasks {
            owner,
            since,
            limit: 20,
        },
        Call::EndedTaskCount { owner, since },
        Call::BuildsSince {
            owner,
            since,
            limit: 20,
        },
        Call::Building { owner, limit: 20 },
        Call::BuildsOfPackage {
            package: package(),
            since,
            limit: 20,
        },
        Call::BuildsOfTask(task),
        Call::LastBuilds {
            package: package(),
            limit: 20,
        },
        Call::Build(build.clone()),
        Call::Task(task),
        Call::Descendents(task),
        Call::Children(task),
        Call::TaskResult(task),
        Call::Output(task),
        Call::Download {
            task,
            file: "build.log".to_owned(),
            offset: 0,
            size: 64,
        },
        Call::Average { package: name() },
        Call::Tags(build),
        Call::Target(name()),
        Call::Repo { tag: name() },
        Call::TaggedAt {
            tag: name(),
            event: 1,
            package: name(),
        },
        Call::Resubmit(task),
        Call::Cancel(task),
        Call::Mails {
            before: Timestamp::UNIX_EPOCH,
            limit: 20,
        },
    ]
}

/// The number that stands for a multicall of all calls, and for one of the first few.
const ALL: u8 = b'~';
const FEW: u8 = b'}';

/// The byte that asks the call with this number.
fn byte(number: usize) -> u8 {
    b'!' + u8::try_from(number).unwrap()
}

pub fn check(bytes: &[u8]) {
    let [asked, how, body @ ..] = bytes else { return };
    let mut calls = calls();
    match *asked {
        ALL => {}
        FEW => calls.truncate(2 + usize::from(*how) % 3),
        it => calls = vec![calls.swap_remove(usize::from(it.wrapping_sub(b'!')) % calls.len())],
    }
    let whole = told(&calls, body);
    let pieces = told(&calls, Pieces::new(body, *how));
    // A byte order mark counts for the place of an error if it arrives in pieces, and else it does not.
    let (whole, pieces) = match body.starts_with(b"\xef\xbb\xbf") {
        true => (without_place(&whole), without_place(&pieces)),
        false => (whole.as_str(), pieces.as_str()),
    };
    assert_eq!(whole, pieces, "in pieces it is another answer");
}

/// Returns what an error says before its place. What is no error has none.
fn without_place(told: &str) -> &str {
    let error = told.starts_with("Err(").then(|| told.split_once("at: ")).flatten();
    error.map_or(told, |it| it.0)
}

/// Reads an answer, and returns all of what came of it as text.
fn told(calls: &[Call], body: impl BufRead) -> String {
    let read: Result<Vec<Result<Answer, Fault>>, XmlError> = answers(calls, body);
    match &read {
        Ok(all) => {
            assert_eq!(all.len(), calls.len());
            all.iter().for_each(within_limits);
        }
        Err(error) => assert_error(error),
    }
    format!("{read:?}")
}

fn within_limits(answer: &Result<Answer, Fault>) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(fault) => return assert!(fault.text.len() <= MAX_FAULT_TEXT),
    };
    let short = |it: &str| assert!(it.len() <= MAX_TEXT, "{it:?}");
    let maybe = |it: &Option<String>| short(it.as_deref().unwrap_or_default());
    match answer {
        Answer::Version(it) => short(it),
        Answer::User(Some(it)) => short(&it.name),
        Answer::Tasks(rows) => {
            assert!(rows.len() <= MAX_ROWS.max(MAX_CHILDREN));
            for row in rows {
                short(&row.method);
                short(&row.arch);
                [&row.owner_name, &row.package, &row.what, &row.target, &row.source]
                    .into_iter()
                    .for_each(maybe);
            }
        }
        Answer::Mails(rows) => {
            assert!(rows.len() <= MAX_ROWS);
            rows.iter().for_each(|it| maybe(&it.owner_name));
        }
        Answer::Builds(rows) => {
            assert!(rows.len() <= MAX_ROWS);
            for row in rows {
                [&row.nvr.name, &row.nvr.version, &row.nvr.release]
                    .into_iter()
                    .for_each(|it| short(it));
                [&row.owner_name, &row.volume].into_iter().for_each(maybe);
            }
        }
        Answer::Output(files) => {
            assert!(files.len() <= MAX_ROWS);
            files.iter().for_each(|it| short(&it.name));
        }
        Answer::Tags(tags) => {
            assert!(tags.len() <= MAX_ROWS);
            tags.iter().for_each(|it| short(&it.name));
        }
        Answer::Tag(Some(tag)) => short(&tag.name),
        Answer::Result(TaskResult::Failed(fault)) => {
            assert!(fault.text.len() <= MAX_FAULT_TEXT);
            assert_line("a fault's number", &fault.code.to_string(), 40);
        }
        Answer::User(None)
        | Answer::Package(_)
        | Answer::Count(_)
        | Answer::Build(_)
        | Answer::Task(_)
        | Answer::Result(TaskResult::Made)
        | Answer::Bytes(_)
        | Answer::Average(_)
        | Answer::Tag(None)
        | Answer::Target(_)
        | Answer::Repo(_)
        | Answer::Resubmitted(_)
        | Answer::Canceled
        | Answer::Value(_) => {}
    }
}

/// Each recorded answer as that to a call of the same method, and as any value.
pub fn seeds() -> Vec<Seed> {
    let calls = calls();
    let mut found = Vec::new();
    for (name, method, body) in seeds::exchanges() {
        let asked = calls.iter().position(|it| it.method() == method).map(byte);
        let asked = match method.as_str() {
            "multiCall" => Some(FEW),
            _ => asked,
        };
        for asked in [Some(byte(0)), asked].into_iter().flatten() {
            let head = [asked, b'0'];
            found.push(Seed::new(
                &format!("{name}-{}", char::from(asked)),
                [&head[..], &body].concat(),
            ));
        }
    }
    found.extend(seeds::kept("xmlrpc"));
    found
}
