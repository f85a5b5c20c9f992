//! The recordings of other projects, to the last file: each is read, and what has no record beside it says what it is.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use expect_test::expect;
use koji_notify::hub::xmlrpc::Value;
use koji_notify::hub::xmlrpc::read::read;
use koji_notify::hub::xmlrpc::write;

use super::{heard, json, short, text};
use crate::decoding::shared;

#[test]
fn no_file_of_other_hubs_is_left_out() {
    let Some(folder) = shared("samples/hub") else {
        return;
    };
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut said = String::new();
    let entries = [folder.clone(), folder.join("raw")].map(|it| fs::read_dir(it).unwrap());
    let files = entries.into_iter().flatten().map(|it| it.unwrap().path());
    let mut files: Vec<_> = files.filter(|it| !it.is_dir()).collect();
    files.sort();
    for file in &files {
        let name = file.strip_prefix(&folder).unwrap().to_str().unwrap();
        let (stem, kind) = name.split_once('.').unwrap();
        *kinds.entry(kind.to_owned()).or_default() += 1;
        let bytes = fs::read(file).unwrap();
        match kind {
            "json" => {
                let record: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
                assert!(record.contains_key("result") || record.contains_key("fault"), "{name}");
                for kind in ["request.xml", "response.xml"] {
                    assert!(folder.join(format!("{stem}.{kind}")).exists(), "{name} has no {kind}");
                }
            }
            "request.xml" | "methodCall.xml" => {
                let (method, params) = heard(&bytes);
                assert_eq!(text(&write::method_call(&method, &params)), text(&bytes), "{name}");
                if name.starts_with("raw/") {
                    writeln!(said, "{name}: {method} of {}", params.len()).unwrap();
                }
            }
            "response.xml" => {
                let outcome = match read::<Value>(&bytes[..]).unwrap() {
                    Ok(Value::List(it)) => format!("a list of {}", it.len()),
                    Ok(value) => short(&json(&value)),
                    Err(fault) => short(&fault.to_string()),
                };
                if name.starts_with("raw/") {
                    writeln!(said, "{name}: {outcome}").unwrap();
                }
            }
            other => panic!("{name}: nobody reads {other}"),
        }
    }
    assert_eq!(kinds["request.xml"] - 3, kinds["json"]);
    assert_eq!(kinds["response.xml"] - 14, kinds["json"]);
    assert_eq!(kinds["methodCall.xml"], 1);
    expect![[r#"
        raw/fault-AuthError.response.xml: Invalid session or bad credentials (fault 1002)
        raw/fault-AuthExpired.response.xml: session \"12345678\" has expired (fault 1007)
        raw/fault-GenericError-invalid-method.response.xml: Invalid method: noSuchMethod (fault 1000)
        raw/fault-RetryError.response.xml: unable to retry call 7 (method listTasks) for session 12345678 (fault 1009)
        raw/fault-SequenceError.response.xml: 9 > 7 (session 12345678) (fault 1008)
        raw/fault-ServerOffline.response.xml: database outage (fault 1014)
        raw/fault-unknown-code-1.response.xml: <class \'KeyError\'>: \'methodName\' (fault 1)
        raw/getLoggedInUser-anonymous.response.xml: null
        raw/getLoggedInUser-gssapi.response.xml: {\"id\":144,\"name\":\"ktdreyer\",\"status\":0,\"usertype\":0,\"krb_principals\":[\"ktdreyer@EXAMPLE.COM\"],\"krb_princi…
        raw/i8-and-nil.response.xml: {\"st_size\":\"52428800000\",\"big\":5242880000,\"none\":null,\"float\":1720035027.840056,\"bool\":true,\"empty\":{},\"l
        raw/listBuilds-mine.request.xml: listBuilds of 1
        raw/listTasks-mine-active.request.xml: listTasks of 2
        raw/multicall-large.response.xml: a list of 916
        raw/multicall-mixed.response.xml: a list of 3
        raw/multicall.request.xml: multiCall of 1
        raw/sslLogin-header-auth.response.xml: {\"session-id\":12345678,\"session-key\":\"1234-abcdefghijklmnopqrst\",\"header-auth\":true}
        raw/sslLogin.response.xml: {\"session-id\":12345678,\"session-key\":\"1234-abcdefghijklmnopqrst\"}
        raw/task-request-newRepo.methodCall.xml: newRepo of 1
    "#]].assert_eq(&said);
}
