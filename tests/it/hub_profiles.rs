//! Koji's profiles, read beside Python: the same files to `ConfigParser` and to us, the same folders to the client's
//! logic and to us. What Python answers is right.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use serde_json::{Value, json};
use tempfile::TempDir;

use koji_notify::hub::ini::{Ini, IniError, MAX_VALUE, Problem};
use koji_notify::hub::profile::{
    DEFAULT_SERVER, DEFAULT_WEBURL, Login, Profile, ProfileError, ProfilePlaces, load, names,
};

/// How many sets of files are made up in a run. Python takes a good part of a millisecond for each.
const MADE_UP: u32 = 4000;

/// How many sets of folders.
const FOLDERS: u32 = 400;

#[test]
fn chosen_files_are_read_as_python_reads_them() {
    let mut peer = Peer::start();
    let mut seen = BTreeMap::new();
    for (number, files) in CHOSEN.iter().enumerate() {
        let files: Vec<Vec<u8>> = files.iter().map(|it| it.to_vec()).collect();
        let theirs = peer.ask(&question(&files));
        assert_eq!(ours(&files), theirs, "number {number}: {}", shown(&files));
        count(&theirs, &mut seen);
    }
    // The list is worth something only if it goes everywhere.
    let everywhere = [
        "DuplicateOptionError",
        "DuplicateSectionError",
        "InterpolationDepthError",
        "InterpolationMissingOptionError",
        "InterpolationSyntaxError",
        "MissingSectionHeaderError",
        "ParsingError",
        "UnicodeDecodeError",
        "boolean",
        "integer",
        "read",
        "text",
    ];
    let seen: Vec<&str> = seen.keys().map(String::as_str).collect();
    assert_eq!(seen, everywhere);
}

#[test]
fn made_up_files_are_read_as_python_reads_them() {
    let peer = Mutex::new(Peer::start());
    let seen = Mutex::new(BTreeMap::new());
    run(MADE_UP, &prop::collection::vec(file(), 1..4), |files| {
        let theirs = peer.lock().unwrap().ask(&question(&files));
        count(&theirs, &mut seen.lock().unwrap());
        prop_assert_eq!(ours(&files), theirs, "{}", shown(&files));
        Ok(())
    });
    let seen = seen.into_inner().unwrap();
    println!("{seen:?}");
    for kind in [
        "DuplicateOptionError",
        "DuplicateSectionError",
        "InterpolationMissingOptionError",
        "InterpolationSyntaxError",
        "MissingSectionHeaderError",
        "ParsingError",
        "UnicodeDecodeError",
    ] {
        let times = seen.get(kind).copied().unwrap_or(0);
        assert!(times > 50, "{kind} came {times} times only: {seen:?}");
    }
    assert!(seen["read"] > u64::from(MADE_UP / 4), "{seen:?}");
}

#[test]
fn folders_are_merged_as_the_client_merges_them() {
    let peer = Mutex::new(Peer::start());
    let seen = Mutex::new(BTreeMap::<String, u32>::new());
    run(FOLDERS, &prop::collection::vec(thing(), 0..25), |things| {
        let tree = Tree::new();
        for it in &things {
            tree.put(it);
        }
        let questions = GIVEN.map(|given| ["koji", "stg"].map(|name| (name, given)));
        for (name, given) in questions
            .into_iter()
            .flatten()
            .chain([("nobody", None), ("DEFAULT", None)])
        {
            let (kind, same) = tree.compare(&mut peer.lock().unwrap(), name, given);
            *seen.lock().unwrap().entry(kind).or_default() += 1;
            same?;
        }
        Ok(())
    });
    let seen = seen.into_inner().unwrap();
    println!("{seen:?}");
    for kind in [
        "profile",
        "ConfigurationError",
        "InterpolationSyntaxError",
        "ValueError",
    ] {
        assert!(seen.get(kind).is_some_and(|it| *it > 10), "{kind}: {seen:?}");
    }
}

#[test]
fn references_that_explode_are_an_error_soon() {
    let mut text = "[koji]\n".to_owned();
    for (from, to) in "abcdefghi".chars().zip("bcdefghij".chars()) {
        text.push_str(&format!("{from} = {}\n", format!("%({to})s").repeat(100)));
    }
    // Much text, and no text at all by as many steps.
    for last in ["j = 0123456789", "j =", "j = %%", "j = %(k)s\nk ="] {
        let mut ini = Ini::default();
        ini.read(Path::new("bomb"), format!("{text}{last}\n").as_bytes())
            .unwrap();
        let begun = Instant::now();
        let problem = ini.value("koji", "a").err().map(|it| it.problem);
        assert_eq!(problem, Some(Problem::TooLong { option: "a".to_owned() }), "{last}");
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    let mut ini = Ini::default();
    ini.read(
        Path::new("long"),
        format!("[koji]\na = {}", "x".repeat(MAX_VALUE)).as_bytes(),
    )
    .unwrap();
    assert_eq!(ini.value("koji", "a").unwrap().unwrap().text.len(), MAX_VALUE);
}

#[test]
fn fedoras_own_profile_gives_kerberos() {
    let tree = Tree::new();
    tree.write("etc/koji.conf", FEDORA);
    let profile = load("koji", &tree.places(None)).unwrap();
    assert_eq!(
        profile,
        Profile {
            name: "koji".to_owned(),
            server: "https://koji.fedoraproject.org/kojihub".to_owned(),
            weburl: "https://koji.fedoraproject.org/koji".to_owned(),
            topurl: Some("https://kojipkgs.fedoraproject.org".to_owned()),
            topdir: PathBuf::from("/mnt/koji"),
            authtype: Some("kerberos".to_owned()),
            principal: None,
            keytab: None,
            cert: None,
            serverca: None,
            no_ssl_verify: false,
            max_retries: 30,
            retry_interval: Duration::from_secs(20),
            anon_retry: true,
            offline_retry: false,
            offline_retry_interval: Duration::from_secs(20),
            timeout: Duration::from_secs(43200),
            auth_timeout: Duration::from_secs(60),
            poll_interval: Duration::from_secs(6),
            files: vec![tree.path("etc/koji.conf")],
            unread: Vec::new(),
        }
    );
    let ticket = Login::Kerberos {
        principal: None,
        keytab: None,
    };
    assert_eq!(profile.login().unwrap(), ticket);
    assert_eq!(names(&tree.places(None)).unwrap(), ["koji"]);
}

#[test]
fn a_person_overrides_what_the_system_says_option_by_option() {
    let tree = Tree::new();
    tree.write("etc/koji.conf", FEDORA);
    tree.write("etc/koji.conf.d/centos.conf", CENTOS);
    tree.write(
        "home/.koji/config",
        "[koji]\nauthtype = ssl\ncert = ~/mine.pem\nTimeout: 1_0\n\n[old]\npkgurl = http://k.example/files/packages/\n",
    );
    tree.write("home/.koji/serverca.crt", "");
    let places = tree.places(None);
    let koji = load("koji", &places).unwrap();
    assert_eq!(koji.server, "https://koji.fedoraproject.org/kojihub");
    assert_eq!(koji.timeout, Duration::from_secs(10));
    assert_eq!(koji.serverca, Some(tree.path("home/.koji/serverca.crt")));
    let file = tree.path("home/mine.pem");
    assert_eq!(koji.login().unwrap(), Login::Certificate { file });
    let centos = load("cbs", &places).unwrap();
    assert_eq!(centos.server, "https://cbs.centos.example/kojihub");
    assert_eq!(centos.cert, Some(tree.path("home/.centos.cert")));
    let old = load("old", &places).unwrap();
    assert_eq!(old.topurl.as_deref(), Some("http://k.example/files"));
    assert_eq!(
        (old.server.as_str(), old.weburl.as_str()),
        (DEFAULT_SERVER, DEFAULT_WEBURL)
    );
    assert_eq!(names(&places).unwrap(), ["cbs", "koji", "old"]);
    let read = ["etc/koji.conf.d/centos.conf", "etc/koji.conf", "home/.koji/config"];
    assert_eq!(koji.files, read.map(|it| tree.path(it)));
}

#[test]
fn the_login_is_the_one_that_the_client_would_choose() {
    let tree = Tree::new();
    let login = |lines: &str| {
        tree.write("etc/koji.conf", &format!("[koji]\n{lines}"));
        load("koji", &tree.places(None)).unwrap().login()
    };
    let kerberos = |principal: Option<&str>, keytab: Option<&str>| Login::Kerberos {
        principal: principal.map(str::to_owned),
        keytab: keytab.map(str::to_owned),
    };
    assert_eq!(login("").unwrap(), kerberos(None, None));
    assert_eq!(login("authtype = noauth").unwrap(), Login::Nothing);
    assert_eq!(login("keytab = /k").unwrap(), kerberos(None, None));
    assert_eq!(
        login("keytab = FILE:/k\nprincipal = host/a@B\n").unwrap(),
        kerberos(Some("host/a@B"), Some("FILE:/k"))
    );
    let refused = |lines: &str| login(lines).unwrap_err().to_string();
    assert_eq!(
        refused("authtype = password"),
        "the Koji profile [koji] logs in with a password, which is not supported: use Kerberos or a certificate"
    );
    assert_eq!(
        refused("authtype = ssl"),
        "the Koji profile [koji] logs in with a certificate and names none: set `cert`"
    );
    assert_eq!(
        refused("authtype = Kerberos"),
        "the Koji profile [koji] has authtype \"Kerberos\", expected kerberos, ssl or noauth"
    );
    // A certificate in its usual place, and one that is named but is not there.
    let usual = tree.path("home/.koji/client.crt");
    tree.write("home/.koji/client.crt", "");
    assert_eq!(login("").unwrap(), Login::Certificate { file: usual });
    assert_eq!(login("authtype = kerberos").unwrap(), kerberos(None, None));
    assert_eq!(login("cert =").unwrap(), kerberos(None, None));
    assert_eq!(login("cert = ~/gone").unwrap(), kerberos(None, None));
}

#[test]
fn no_profile_of_the_name_tells_which_there_are() {
    let tree = Tree::new();
    let error = |given: Option<&str>| load("mine", &tree.places(given)).unwrap_err().to_string();
    assert_eq!(
        error(None),
        "there is no Koji profile [mine]; no file with profiles is there"
    );
    tree.write("etc/koji.conf", "[DEFAULT]\nserver = https://k.example/kojihub\n");
    assert_eq!(
        error(None),
        "there is no Koji profile [mine]; none of the files has one"
    );
    tree.write("etc/koji.conf.d/a.conf", "[stg]\n[koji]\n");
    assert_eq!(error(None), "there is no Koji profile [mine]; there are [koji], [stg]");
    // A file that everybody may see and nobody can read.
    fs::create_dir_all(tree.path("home/.koji")).unwrap();
    symlink("/proc/self/mem", tree.path("home/.koji/config")).unwrap();
    let unread = tree.path("home/.koji/config").display().to_string();
    assert_eq!(
        error(None),
        format!("there is no Koji profile [mine]; there are [koji], [stg]; {unread} cannot be opened")
    );
    let profile = load("stg", &tree.places(None)).unwrap();
    assert_eq!(profile.unread, [tree.path("home/.koji/config")]);
    assert_eq!(profile.server, "https://k.example/kojihub");
    // If that very file is asked for, it is another matter.
    assert_eq!(error(Some("~/.koji/config")), format!("cannot read {unread}"));
    let gone = tree.path("home/gone").display().to_string();
    assert_eq!(error(Some("~/gone")), format!("{gone} is no file"));
    let empty = tree.path("home/empty").display().to_string();
    tree.write("home/empty/a.cfg", "[mine]\n");
    assert_eq!(
        error(Some("~/empty")),
        format!("{empty} has no file whose name ends in .conf")
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let tree = Tree::new();
    let file = tree.path("etc/koji.conf").display().to_string();
    let check = |text: &str, expected: &str| {
        tree.write("etc/koji.conf", text);
        let error = load("koji", &tree.places(None)).unwrap_err().to_string();
        let told = error.strip_prefix(&file).unwrap_or(&error);
        assert_eq!(told, expected, "{text:?}");
    };
    check(
        "server = https://k.example/\n",
        ":1: expected a heading such as [koji] before everything else",
    );
    check(
        "\u{feff}[koji]\n",
        ":1: expected a heading such as [koji], found a byte order mark: save the file as UTF-8 without one",
    );
    check(
        "[koji]\nserver https\n",
        ":2: expected `name = value`, a [heading], or an indented line that continues a value",
    );
    check(
        "[koji]\r\n\r\nSERVER = a\r\nserver: b\r\n",
        ":4: there is a `server` already in line 3, and a section may have it only once",
    );
    check(
        "[koji]\n[a]\n[koji]\n",
        ":3: there is a [koji] already in line 1, and a file may have it only once",
    );
    check(
        "[koji]\npassword = 100%\n",
        ":2: `password`: expected `%%` for a percent sign, or `%(name)s` for the value of another option",
    );
    check(
        "[koji]\nserver = %(Hub)s\n",
        ":2: `server` refers to `hub`, expected an option of [koji] or [DEFAULT]",
    );
    check(
        "[koji]\nanon_retry = maybe\n",
        ":2: `anon_retry`: expected yes or no (or true, false, on, off, 1, 0), found \"maybe\"",
    );
    check(
        "[koji]\nmax_retries = many\n",
        ":2: `max_retries`: expected a whole number, found \"many\"",
    );
    check(
        "[koji]\nretry_interval = -1\n",
        ":2: `retry_interval`: expected a number of seconds, found \"-1\"",
    );
    check(
        "[koji]\ntimeout = 0\n",
        ":2: `timeout`: expected a number of seconds above zero, found \"0\"",
    );
    check(
        "[koji]\n# not ours, but the client reads it too\nupload_blocksize = 1M\n",
        ":3: `upload_blocksize`: expected a whole number, found \"1M\"",
    );
    for (text, found) in [
        ("k.example/kojihub", "k.example/kojihub"),
        ("ftp://k.example/", "ftp://k.example/"),
        ("https://mona:secret@k.example/", "…@k.example/"),
        ("https://k.example/?a=b", "https://k.example/?a=b"),
        ("https://k.exa\n  mple/", "https://k.exa\\nmple/"),
        ("", ""),
    ] {
        check(
            &format!("[koji]\nserver = {text}\n"),
            &format!(
                ":2: `server`: expected an address such as https://koji.example.com/kojihub, without user, `?` and \
                 `#`, found \"{found}\""
            ),
        );
    }
    // The last file is the one that is wrong, though the first one has the option too.
    tree.write("home/.koji/config", "\n[koji]\ntimeout = soon\n");
    tree.write("etc/koji.conf", "[koji]\ntimeout = 5\n");
    let error = load("koji", &tree.places(None)).unwrap_err().to_string();
    let file = tree.path("home/.koji/config").display().to_string();
    assert_eq!(
        error,
        format!("{file}:3: `timeout`: expected a whole number, found \"soon\"")
    );
    tree.write("home/.koji/config", &"# a long story\n".repeat(20_000));
    let error = load("koji", &tree.places(None)).unwrap_err().to_string();
    assert_eq!(error, format!("{file} has more than 262144 bytes"));
}

#[test]
fn verification_is_given_up_only_by_a_clear_yes() {
    let tree = Tree::new();
    let given_up = |text: &str| {
        tree.write("etc/koji.conf", &format!("[koji]\n{text}\n"));
        load("koji", &tree.places(None)).map(|it| it.no_ssl_verify).ok()
    };
    assert_eq!(given_up(""), Some(false));
    assert_eq!(given_up("no_ssl_verify ="), Some(false));
    assert_eq!(given_up("no_ssl_verify = False"), Some(false));
    assert_eq!(given_up("no_ssl_verify = yes"), Some(true));
    assert_eq!(given_up("no_ssl_verify = maybe"), None);
}

/// As Fedora ships it.
const FEDORA: &str = "\
[koji]

;configuration for koji cli tool

;url of XMLRPC server
server = https://koji.fedoraproject.org/kojihub

;url of web interface
weburl = https://koji.fedoraproject.org/koji

;url of package download site
topurl = https://kojipkgs.fedoraproject.org/

;path to the koji top directory
topdir = /mnt/koji

;configuration for Kerberos authentication
authtype = kerberos
krb_rdns = false
";

/// With a slash at the end of the address, as real ones have it, and options that are no more.
const CENTOS: &str = "\
[cbs]
server = https://cbs.centos.example/kojihub/
weburl = https://cbs.centos.example/koji/
topurl = https://cbs.centos.example/kojifiles
use_fast_upload = yes
anon_retry = true
authtype = ssl
krbservice = host
cert = ~/.centos.cert
ca = ~/.centos-server-ca.cert
serverca = /etc/pki/tls/certs/ca-bundle.trust.crt
";

/// Sets of files, each of which once made a parser stumble.
const CHOSEN: &[&[&[u8]]] = &[
    &[b"[koji]\na=%(d)s\x1e1\nb=\x0b1\x0c\nc=\xc2\xa01\xe2\x80\x83\nd=\n"],
    &[],
    &[b""],
    &[b"\n\n  \n"],
    &[b"# only a comment"],
    &[FEDORA.as_bytes()],
    &[CENTOS.as_bytes()],
    &[FEDORA.as_bytes(), CENTOS.as_bytes(), FEDORA.as_bytes()],
    // Headings.
    &[b"[koji]"],
    &[b"  [koji]  "],
    &[b"[koji] and more"],
    &[b"[koji] and ] more"],
    &[b"[ koji ]\n[koji]\n"],
    &[b"[Koji]\n[koji]\n[KOJI]\n"],
    &[b"[koji]\n[stg]\n[koji]\n"],
    &[b"[koji]\n", b"[koji]\n"],
    &[b"[]\n"],
    &[b"[koji]\n[]\n"],
    &[b"[]]\n"],
    &[b"[[]\na=1"],
    &[b"[a]=b\n"],
    &[b"[koji\na=1"],
    &[b"[koji]\n[stg\n"],
    &[b"a = 1\n[koji]\n"],
    &[b"  a = 1\n[koji]\n"],
    &[b"[DEFAULT]\n"],
    &[b"[default]\na=1\n[koji]\n"],
    &[b"[DEFAULT]\na=1\n[DEFAULT]\nb=2\n[koji]\nc=%(a)s%(b)s"],
    &[b"[DEFAULT]\na=1\n[koji]\n[DEFAULT]\na=2\n"],
    &[b"[DEFAULT]\na=1\n", b"[DEFAULT]\na=2\n[koji]\n"],
    &[b"[DEFAULT]\na=1\n[koji]\na=2\n[stg]\n"],
    &[b"[koji]\na=1", b"[DEFAULT]\na=2\nb=3"],
    // Options.
    &[b"[koji]\na=1\nb:2\nc = 3\nd : 4\ne= =5\nf:=6\ng=:7\nh =: 8\n"],
    &[b"[koji]\nserver = https://koji.example/kojihub\nweburl: https://koji.example:8080/koji?a=b\n"],
    &[b"[koji]\nA=1\nB = 2\nserVER = x"],
    &[b"[koji]\na=1\nA=2\n"],
    &[b"[koji]\na=1\n a=2\na=3"],
    &[b"[koji]\na=1\n[stg]\na=1\n"],
    &[b"[koji]\na=1\nb=2\n", b"[koji]\nA=3\n"],
    &[b"[koji]\na b c = 1\na\tb = 2\n"],
    &[b"[koji]\n= 1\n"],
    &[b"[koji]\n= 1\n= 2\n"],
    &[b"[koji]\n= 1\n  2\n"],
    &[b"[koji]\n= 1\n  a = 2\n a = 3\n"],
    &[b"[koji]\na\n"],
    &[b"[koji]\na =\nb=\n"],
    &[b"[koji]\nstray\na=1\na=2\n"],
    &[b"[koji]\nstray\n[koji]\n"],
    &[b"[koji]\na=1\n  deeper\nstray\n  deeper\n"],
    &[b"[koji]\n  a=1\nstray\n a=2\n"],
    &[b"[koji]\na=1\nstray\nanother stray\n"],
    &[b"[koji]\na=1\n", b"[koji]\nstray\n", b"[koji]\na=2\n"],
    // Comments.
    &[b"[koji]\n#a=1\n;b=2\n  # c\n\t; d\ne=1 # not a comment\nf=2 ; nor this\ng=#\n"],
    &[b"[koji]\na=1\n# between\n  2\n"],
    &[b"[koji]\na=1\n  # inside\n  2\n"],
    &[b"[koji]\na=1\n  ;\n\n  2\n"],
    &[b"[koji]\na#b=1\na;c=2\n"],
    &[b"; first\n[koji]\n"],
    // Values of more lines.
    &[b"[koji]\na=1\n  2\n\t3\n 4\nb=5\n"],
    &[b"[koji]\na=\n  1\n  2\n"],
    &[b"[koji]\na=1\n\n\n  2\n\n\nb=2\n\n"],
    &[b"[koji]\na=1\n\n[stg]\n\nb=1\n\n"],
    &[b"[koji]\n  a=1\n  b=2\n    3\n  c=4\n"],
    &[b"[koji]\n    a=1\n  b=2\n   c=3\n"],
    &[b"[koji]\n  a=1\n b=2\nc=3\n"],
    &[b"[koji]\na=1\n  [stg]\nb=2\n"],
    &[b"  [koji]\n  a=1\n    [stg]\n  [stg]\n"],
    &[b"[koji]\n    a=1\n"],
    &[b"[koji]\na=1\n  b=2\n  b=3\n"],
    &[b"[koji]\na=1\n \n 2\n   \n"],
    &[b"[koji]\na = 1  \n   2   \n   \n"],
    &[b"[koji]\n\n  a=1\n", b"[koji]\n   b = 2\n   a = 3\n"],
    &[b"[koji]\na=1\n", b"  [koji]\n    b=1\n"],
    // Ends of lines.
    &[b"[koji]\r\na=1\r\n  2\r\n\r\nb=3\r\n"],
    &[b"[koji]\ra=1\r  2\r\rb=3\r"],
    &[b"[koji]\n\ra=1\n\r\n\rb=2"],
    &[b"[koji]\r\r\na=1\r\n\rb"],
    &[b"[koji]\na=1\x0b2\nb=1\x0c2\nc=\x1c3\x1f\n\x1dd=4\n"],
    &["[koji]\na=1\u{85}2\nb=1\u{2028}2\n\u{a0}c\u{3000}=\u{2003}3\n".as_bytes()],
    &[b"[koji]\na=\x00\x01\n\x00b=1\n"],
    // Beyond ASCII.
    &["[kojí]\nnámé = välue\n".as_bytes()],
    &["[koji]\nİ=1\nΑΣ=2\nΑΣΒ=3\nẞ=4\nǅ=5\nK=6\n".as_bytes()],
    &["[koji]\nαΣ=1\nας=2\n".as_bytes()],
    &["\u{feff}[koji]\na=1\n".as_bytes()],
    &["\u{feff}# comment\n[koji]\n".as_bytes()],
    &["\u{feff}".as_bytes()],
    &["\n\u{feff}[koji]\n".as_bytes()],
    &["[koji]\n\u{feff}a=1\n".as_bytes()],
    &[b"[koji]\n\na=\xff\n"],
    &[b"[koji]\na=1\n", b"[koji]\nb=\xc3"],
    &[b"[koji]\na=\xed\xa0\x80\n"],
    &[b"[koji]\na=\xc0\xaf\n"],
    &[b"a=\xff\n"],
    &["[koji]\na=🏗️\u{10ffff}\n".as_bytes()],
    // References.
    &[b"[koji]\na=1\nb=%(a)s\nc=x%(b)sy%(A)sz\n"],
    &[b"[koji]\na=100%%\nb=%%(a)s\nc=%%%%\nd=%%%(a)s\n"],
    &[b"[koji]\na=100%\nb=%x\nc=%(a\nd=%(a)\ne=%(a)d\nf=%()s\ng=%()a)s\nh=%\ni=1\n"],
    &[b"[koji]\na=%(nothing)s\nb=%( a )s\nc=%(a b)s\na b=1\n"],
    &[b"[koji]\na=%(b)s\nb=%(a)s\nc=%(c)s\n"],
    &[b"[koji]\na=%(b)s %\nb=%(nothing)s\n"],
    &[b"[koji]\na=% %(nothing)s\n"],
    &[b"[koji]\na=%(b)s\nb=1%%\nc=%(a)s\n"],
    &[b"[koji]\na=%(b\n  )s\nb\n"],
    &[b"[koji]\na=%(b\n  c)s\nd=%(b\n"],
    &[b"[DEFAULT]\nhost=a\nurl=https://%(host)s/\n[koji]\nhost=b\n[stg]\nhost=%(x)s\nx=c\n"],
    &[b"[DEFAULT]\nurl=%(host)s\n[koji]\nhost=b\n[stg]\n"],
    &[b"[koji]\nurl=%(host)s\n", b"[koji]\nhost=1\n", b"[koji]\nhost=2\n"],
    &[b"[koji]\na=%(b)s\nb=%(c)s\nc=%(d)s\nd=%(e)s\ne=%(f)s\nf=%(g)s\ng=%(h)s\nh=%(i)s\ni=%(j)s\nj=%(k)s\nk=1\n"],
    &[b"[koji]\na=%(b)s\nb=%(c)s\nc=%(d)s\nd=%(e)s\ne=%(f)s\nf=%(g)s\ng=%(h)s\nh=%(i)s\ni=%(j)s\nj=%(k)s\nk=%(l)s\nl=1\n"],
    &[b"[koji]\na=%(b)s\nb=%(c)s\nc=%(d)s\nd=%(e)s\ne=%(f)s\nf=%(g)s\ng=%(h)s\nh=%(i)s\ni=%(j)s\nj=%(k)s\nk=%%\n"],
    &[b"[%(a)s]\n%(a)s=1\na=%(%(a)s)s\n"],
    // Their kinds.
    &[b"[koji]\na=yes\nb=No\nc=TRUE\nd=off\ne=1\nf=0\ng=on\nh=false\ni=2\nj=\nk=y\nl=yes no\nm=%(a)s\nn=\n  yes\n"],
    &[b"[koji]\na=5\nb=-5\nc=+5\nd=0x10\ne=1_000\nf=1__0\ng=_1\nh=1_\ni=007\nj=5.0\nk=1e3\nl=- 5\nm=\n   5\nn=+_1\no=--1\n"],
    &[b"[koji]\na=9223372036854775807\nb=9223372036854775808\nc=-9223372036854775808\nd=-9223372036854775809\n"],
];

/// One question to Python at a time; it ends with its input.
struct Peer {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/koji_profiles.py");
        let mut process = Command::new(std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into()))
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed");
        Self {
            questions: process.stdin.take(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    fn ask(&mut self, question: &Value) -> Value {
        let questions = self.questions.as_mut().unwrap();
        questions.write_all(format!("{question}\n").as_bytes()).unwrap();
        questions.flush().unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(!answer.is_empty(), "the peer has ended at {question}");
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.questions = None;
        self.process.wait().unwrap();
    }
}

fn question(files: &[Vec<u8>]) -> Value {
    let letters = |it: &Vec<u8>| it.iter().map(|it| char::from(*it)).collect::<String>();
    json!({"do": "ini", "files": files.iter().map(letters).collect::<Vec<_>>()})
}

/// Our answer, as the peer would word it.
fn ours(files: &[Vec<u8>]) -> Value {
    let mut ini = Ini::default();
    for (number, bytes) in files.iter().enumerate() {
        if let Err(error) = ini.read(Path::new(&number.to_string()), bytes) {
            let file: usize = error.file.to_str().unwrap().parse().unwrap();
            return json!({"error": kind(&error), "file": file, "line": line(&error)});
        }
    }
    let value = |section: &str, option: &str| match ini.value(section, option) {
        Ok(item) => {
            let item = item.unwrap();
            json!({"text": item.text, "boolean": item.boolean().ok(), "integer": item.integer().ok()})
        }
        Err(error) => json!({"error": kind(&error)}),
    };
    let options = |section: &str| -> Value {
        let options = ini.options(section);
        options
            .into_iter()
            .map(|it| (it.to_owned(), value(section, it)))
            .collect()
    };
    let sections: Value = ini.sections().map(|it| (it.to_owned(), options(it))).collect();
    json!({"sections": sections})
}

/// The exception that Python has for it.
fn kind(error: &IniError) -> &'static str {
    match error.problem {
        Problem::NotUtf8 => "UnicodeDecodeError",
        Problem::ByteOrderMark | Problem::NoHeading => "MissingSectionHeaderError",
        Problem::NotAnOption => "ParsingError",
        Problem::DuplicateSection { .. } => "DuplicateSectionError",
        Problem::DuplicateOption { .. } => "DuplicateOptionError",
        Problem::Percent { .. } => "InterpolationSyntaxError",
        Problem::Reference { .. } => "InterpolationMissingOptionError",
        Problem::TooDeep { .. } => "InterpolationDepthError",
        Problem::TooLong { .. } => "MemoryError",
        Problem::Value { .. } => "ValueError",
    }
}

/// The line, where Python knows one.
fn line(error: &IniError) -> Option<usize> {
    match kind(error) {
        "DuplicateSectionError" | "DuplicateOptionError" | "MissingSectionHeaderError" | "ParsingError" => {
            Some(error.line)
        }
        _ => None,
    }
}

/// Counts what an answer has in it.
fn count(answer: &Value, seen: &mut BTreeMap<String, u64>) {
    let mut add = |it: &str| *seen.entry(it.to_owned()).or_default() += 1;
    if let Some(error) = answer["error"].as_str() {
        return add(error);
    }
    add("read");
    let sections = answer["sections"].as_object().unwrap();
    for value in sections.values().flat_map(|it| it.as_object().unwrap().values()) {
        match value["error"].as_str() {
            Some(error) => add(error),
            None => add("text"),
        }
        for kind in ["boolean", "integer"] {
            if !value[kind].is_null() {
                add(kind);
            }
        }
    }
}

fn shown(files: &[Vec<u8>]) -> String {
    let files: Vec<_> = files.iter().map(|it| String::from_utf8_lossy(it)).collect();
    format!("{files:?}")
}

/// Runs a property. What was found is shrunk and printed; nothing is written into the tree.
fn run<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value) -> TestCaseResult) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    if let Err(error) = TestRunner::new(config).run(strategy, test) {
        panic!("{error}");
    }
}

/// A file: mostly lines that mean something, with any end of line, seldom with a byte that is not UTF-8.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let end = prop::sample::select(vec!["\n", "\n", "\n", "\n", "\r\n", "\r", "\n\n"]);
    let first = prop_oneof![40 => Just("[koji]".to_owned()), 10 => heading(), 1 => any_line()];
    let lines = prop::collection::vec((any_line(), end), 0..9);
    let broken = prop::option::weighted(0.02, (any::<prop::sample::Index>(), 0x80_u8..));
    (first, lines, broken).prop_map(|(first, lines, broken)| {
        let mut bytes = format!("{first}\n").into_bytes();
        for (line, end) in lines {
            bytes.extend(line.bytes().chain(end.bytes()));
        }
        if let Some((at, byte)) = broken {
            bytes.insert(at.index(bytes.len()), byte);
        }
        bytes
    })
}

fn any_line() -> impl Strategy<Value = String> {
    let signs = prop::sample::select(vec!["=", ":", " = ", " : ", "\t=", "= ", "=\u{a0}"]);
    let option = (indent(), key(), signs, value());
    let deeper = (indent(), value());
    let comment = (indent(), prop::sample::select(vec!["#", ";"]), value());
    prop_oneof![
        10 => heading(),
        100 => option.prop_map(|(indent, key, sign, value)| format!("{indent}{key}{sign}{value}")),
        15 => deeper.prop_map(|(indent, value)| format!("{indent}  {value}")),
        15 => comment.prop_map(|(indent, sign, value)| format!("{indent}{sign}{value}")),
        10 => indent().prop_map(str::to_owned),
        2 => "[\\[\\]=:#;%()sa \t\u{b}\u{1c}\u{85}\u{a0}\u{2028}\u{feff}]{0,8}",
    ]
}

fn heading() -> impl Strategy<Value = String> {
    let odd = vec!["Koji", "default", " koji ", "a]b", "", "[", "ü"];
    let names = prop_oneof![
        3 => prop::sample::select(vec!["koji", "stg", "DEFAULT"]).prop_map(str::to_owned),
        6 => "[a-z]{1,3}",
        1 => prop::sample::select(odd).prop_map(str::to_owned),
    ];
    let tails = prop_oneof![12 => Just("]"), 1 => prop::sample::select(vec!["] ", "] # more", "]]", "", "]\t"])];
    (indent(), names, tails).prop_map(|(indent, name, tail)| format!("{indent}[{name}{tail}"))
}

fn indent() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just(""), 1 => prop::sample::select(vec![" ", "  ", "\t", "    ", "\u{a0}", "\u{1f} "])]
}

fn key() -> impl Strategy<Value = String> {
    let usual = vec!["a", "b", "c", "d", "e", "f", "g", "A", "server", "Server", "weburl"];
    let odd = vec!["a b", "", "İ", "ΑΣ", "ας", "x#", "%"];
    prop_oneof![
        5 => prop::sample::select(usual).prop_map(str::to_owned),
        1 => prop::sample::select(odd).prop_map(str::to_owned),
        5 => "[a-zA-Z]{1,2}",
    ]
}

fn value() -> impl Strategy<Value = String> {
    let pieces = vec![
        "yes",
        "No",
        "1",
        "0",
        "1_000",
        "-5",
        "on",
        "https://k.example/",
        "x",
        " ",
        "=",
        ":",
        "#",
        ";",
        "]",
        "é",
        "%%",
        "%(a)s",
        "%(b)s",
        "%(C)s",
        "%(d)s",
        "%(server)s",
        "%(a b)s",
        "%",
        "%(",
        "%(x)s",
        "%()s",
        "%(a)",
        ")s",
        "\u{1e}",
    ];
    let texts = vec!["", "yes", "0", "text", "30", "https://k.example/kojihub/"];
    prop_oneof![
        2 => prop::sample::select(texts).prop_map(str::to_owned),
        1 => prop::collection::vec(prop::sample::select(pieces), 0..4).prop_map(|it| it.concat()),
    ]
}

/// Something in a place where profiles are looked for, or near it.
#[derive(Clone, Debug)]
struct Thing {
    path: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    File(String),
    Folder,
    /// A link to a file that is not there.
    Dangling,
    /// A link to a file that cannot be read.
    Unreadable,
    /// A link to a file that can.
    Linked(String),
}

/// What is given in the place of the person's own files.
const GIVEN: [Option<&str>; 4] = [None, Some("given.conf"), Some("~/given"), Some("gone")];

fn thing() -> impl Strategy<Value = Thing> {
    let folders = vec!["etc/koji.conf.d/", "home/.koji/config.d/", "home/given/"];
    let names = vec![
        "a.conf",
        "b.conf",
        "B.conf",
        "10.conf",
        "9.conf",
        ".hidden.conf",
        "é.conf",
        ".conf",
        "a.cfg",
        "b.conf.rpmnew",
        "conf",
    ];
    let inside =
        (prop::sample::select(folders), prop::sample::select(names)).prop_map(|(it, name)| format!("{it}{name}"));
    let alone = vec![
        "etc/koji.conf",
        "home/.koji/config",
        "given.conf",
        "home/.koji/client.crt",
        "home/.koji/serverca.crt",
    ];
    let path = prop_oneof![2 => inside, 3 => prop::sample::select(alone).prop_map(str::to_owned)];
    let what = prop_oneof![
        20 => profiles().prop_map(What::File),
        1 => Just(What::Folder),
        1 => Just(What::Dangling),
        1 => Just(What::Unreadable),
        2 => profiles().prop_map(What::Linked),
    ];
    (path, what).prop_map(|(path, what)| Thing { path, what })
}

/// A file with profiles that mean something.
fn profiles() -> impl Strategy<Value = String> {
    let option = prop_oneof![
        25 => prop::sample::select(vec![
            "server = https://%(host)s/kojihub", "host = a.example", "host = b.example", "server = https://c.example/",
            "weburl: https://w.example/koji//", "topurl = https://t.example/files/", "topdir = ~/koji", "authtype = ssl",
            "authtype = kerberos", "authtype = noauth", "authtype = password", "principal = mona", "keytab = ~/k",
            "cert = ~/c.pem", "cert =", "serverca = /ca.pem", "anon_retry = off", "offline_retry = YES", "timeout = 1_0",
            "auth_timeout =\n  7", "max_retries = +3", "retry_interval = 1", "poll_interval = 9", "krb_rdns = false",
            "debug = on", "debug_xmlrpc = 0", "force_auth = true", "upload_blocksize = 5", "pyver = 3", "; nothing",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "[koji]", "password = 50%", "timeout = soon", "debug = maybe", "stray", "pyver = three", "mark = \u{2713}",
        ]).prop_map(str::to_owned),
    ];
    let sections = prop::collection::btree_map(
        prop::sample::select(vec!["koji", "stg", "DEFAULT"]),
        prop::collection::btree_set(option, 0..5),
        1..4,
    );
    sections.prop_map(|sections| {
        let mut text = String::new();
        for (name, options) in sections {
            let options: Vec<String> = options.into_iter().collect();
            text.push_str(&format!("[{name}]\n{}\n", options.join("\n")));
        }
        text
    })
}

/// A system and a home of its own.
struct Tree {
    folder: TempDir,
}

impl Tree {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Puts it there, if nothing else is.
    fn put(&self, thing: &Thing) {
        let path = self.path(&thing.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.symlink_metadata().is_ok() {
            return;
        }
        match &thing.what {
            What::File(text) => fs::write(path, text).unwrap(),
            What::Folder => fs::create_dir(path).unwrap(),
            What::Dangling => symlink("nowhere", path).unwrap(),
            What::Unreadable => symlink("/proc/self/mem", path).unwrap(),
            What::Linked(text) => {
                let target = self.path(&format!("target-of-{}", thing.path.replace('/', "-")));
                fs::write(&target, text).unwrap();
                symlink(target, path).unwrap();
            }
        }
    }

    fn places(&self, given: Option<&str>) -> ProfilePlaces {
        ProfilePlaces {
            system: self.path("etc"),
            home: self.path("home"),
            given: given.map(|it| {
                if it.starts_with('~') {
                    PathBuf::from(it)
                } else {
                    self.path(it)
                }
            }),
        }
    }

    /// Reads a profile and asks the peer for it. Returns what the peer came to, and whether we came to the same.
    fn compare(&self, peer: &mut Peer, name: &str, given: Option<&str>) -> (String, TestCaseResult) {
        let places = self.places(given);
        let theirs = peer.ask(&json!({
            "do": "profile", "name": name, "system": places.system, "home": places.home, "given": places.given,
        }));
        let kind = theirs["error"].as_str().unwrap_or("profile").to_owned();
        (kind, same(&load(name, &places), &names(&places), &theirs))
    }
}

fn same(
    ours: &Result<Profile, ProfileError>,
    names: &Result<Vec<String>, ProfileError>,
    theirs: &Value,
) -> TestCaseResult {
    match ours {
        Ok(profile) => {
            prop_assert_eq!(json!(profile.files), theirs["files"].clone());
            prop_assert_eq!(json!(names.as_ref().unwrap()), theirs["names"].clone());
            let theirs = &theirs["profile"];
            let words = |it: Option<&str>| json!(it);
            let path = |it: &Option<PathBuf>| json!(it.clone().unwrap_or_default());
            for (option, ours) in [
                ("server", json!(profile.server)),
                ("weburl", json!(profile.weburl)),
                ("topurl", words(profile.topurl.as_deref())),
                ("topdir", json!(profile.topdir)),
                ("authtype", words(profile.authtype.as_deref())),
                ("principal", words(profile.principal.as_deref())),
                ("keytab", words(profile.keytab.as_deref())),
                ("cert", path(&profile.cert)),
                ("serverca", path(&profile.serverca)),
                ("max_retries", json!(profile.max_retries)),
                ("retry_interval", json!(profile.retry_interval.as_secs())),
                ("anon_retry", json!(profile.anon_retry)),
                ("offline_retry", json!(profile.offline_retry)),
                (
                    "offline_retry_interval",
                    json!(profile.offline_retry_interval.as_secs()),
                ),
                ("timeout", json!(profile.timeout.as_secs())),
                ("auth_timeout", json!(profile.auth_timeout.as_secs())),
                ("poll_interval", json!(profile.poll_interval.as_secs())),
            ] {
                prop_assert_eq!(&ours, &theirs[option], "{}", option);
            }
            let login = match profile.login() {
                Ok(Login::Nothing) => "nothing",
                Ok(Login::Certificate { .. }) => "certificate",
                Ok(Login::Kerberos { .. }) => "kerberos",
                Err(ProfileError::Password { .. }) => "password",
                // The client only finds out when it opens it.
                Err(ProfileError::NoCertificate { .. }) => "certificate",
                Err(_) => "refused",
            };
            prop_assert_eq!(login, theirs["login"].as_str().unwrap());
        }
        Err(ProfileError::Broken(error)) => {
            // Of two broken options, either may be told.
            let theirs_kind = theirs["error"].as_str().unwrap_or("nothing");
            let are_references = [kind(error), theirs_kind]
                .iter()
                .all(|it| it.starts_with("Interpolation"));
            prop_assert!(are_references || kind(error) == theirs_kind, "{error}: {theirs}");
            if let Some(line) = line(error) {
                prop_assert_eq!(json!(line), theirs["line"].clone());
                prop_assert_eq!(json!(error.file), theirs["file"].clone());
            }
        }
        // The one thing in which we are stricter: what a person gives must be readable.
        Err(ProfileError::Unreadable { path, .. }) => {
            prop_assert!(path.ends_with("given.conf") || path.parent().is_some_and(|it| it.ends_with("given")));
        }
        Err(ProfileError::NoSuchProfile { .. }) => prop_assert_eq!(&theirs["why"], "no profile"),
        Err(ProfileError::NoFile { .. }) => prop_assert_eq!(&theirs["why"], "no file"),
        Err(ProfileError::EmptyFolder { .. }) => prop_assert_eq!(&theirs["why"], "empty"),
        Err(error) => prop_assert!(false, "{error}: {theirs}"),
    }
    Ok(())
}
