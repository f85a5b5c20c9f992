//! What people type and paste, and what is made of it.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

#[test]
fn numbers_and_names_are_of_the_only_instance() {
    check(
        &of("fedora https://koji.fedoraproject.org/koji"),
        &[
            "4711",
            "  4711\n",
            "<4711>",
            "0004711",
            "2147483647",
            "bash-5.3-1.fc43",
            "bash-1:5.3-1.fc43",
            "1:bash-5.3-1.fc43",
            "bash-5.3-1.fc43.src.rpm",
            "python-requests-3.2-1.fc44.noarch.rpm",
            "bash-5.3~rc1^git1-1.fc43",
            "bash-5.3-1.fc43,draft_17",
            "fedora:4711",
            "fedora:bash-5.3-1.fc43",
            "fedora:1:bash-5.3-1.fc43",
        ],
        expect![[r#"
            4711 -> fedora task 4711
            4711 -> fedora task 4711
            <4711> -> fedora task 4711
            0004711 -> fedora task 4711
            2147483647 -> fedora task 2147483647
            bash-5.3-1.fc43 -> fedora build bash-5.3-1.fc43
            bash-1:5.3-1.fc43 -> fedora build bash-5.3-1.fc43
            1:bash-5.3-1.fc43 -> fedora build bash-5.3-1.fc43
            bash-5.3-1.fc43.src.rpm -> fedora build bash-5.3-1.fc43
            python-requests-3.2-1.fc44.noarch.rpm -> fedora build python-requests-3.2-1.fc44
            bash-5.3~rc1^git1-1.fc43 -> fedora build bash-5.3~rc1^git1-1.fc43
            bash-5.3-1.fc43,draft_17 -> fedora build bash-5.3-1.fc43,draft_17
            fedora:4711 -> fedora task 4711
            fedora:bash-5.3-1.fc43 -> fedora build bash-5.3-1.fc43
            fedora:1:bash-5.3-1.fc43 -> fedora build bash-5.3-1.fc43
        "#]],
    );
}

#[test]
fn a_page_is_of_the_instance_whose_web_interface_it_is_under() {
    check(
        &of("fedora https://koji.fedoraproject.org/koji
             lab http://localhost:8080
             tower https://tower.example.com/a%20b/"),
        &[
            "https://koji.fedoraproject.org/koji/taskinfo?taskID=4711",
            "http://koji.fedoraproject.org/koji/taskinfo?taskID=4711",
            "koji.fedoraproject.org/koji/taskinfo?taskID=4711",
            " <https://koji.fedoraproject.org/koji/buildinfo?buildID=77> ",
            "https://koji.fedoraproject.org/koji/buildinfo?buildID=bash-5.3-1.fc43",
            "HTTPS://Koji.FedoraProject.org:443/koji/taskinfo?start=0&taskID=4711&order=-id#log",
            "https://koji.fedoraproject.org/koji/%74askinfo?task%49D=47%311",
            "https://koji.fedoraproject.org/koji/getfile?taskID=4711&name=build.log&offset=-4000",
            "http://localhost:8080/taskinfo?taskID=5",
            "https://localhost:8080/taskinfo?taskID=5",
            "https://tower.example.com/a b/taskinfo?taskID=6",
        ],
        expect![[r#"
            https://koji.fedoraproject.org/koji/taskinfo?taskID=4711 -> fedora task 4711
            http://koji.fedoraproject.org/koji/taskinfo?taskID=4711 -> fedora task 4711
            koji.fedoraproject.org/koji/taskinfo?taskID=4711 -> fedora task 4711
            <https://koji.fedoraproject.org/koji/buildinfo?buildID=77> -> fedora build number 77
            https://koji.fedoraproject.org/koji/buildinfo?buildID=bash-5.3-1.fc43 -> fedora build bash-5.3-1.fc43
            HTTPS://Koji.FedoraProject.org:443/koji/taskinfo?start=0&taskID=4711&order=-id#log -> fedora task 4711
            https://koji.fedoraproject.org/koji/%74askinfo?task%49D=47%311 -> fedora task 4711
            https://koji.fedoraproject.org/koji/getfile?taskID=4711&name=build.log&offset=-4000 -> fedora task 4711
            http://localhost:8080/taskinfo?taskID=5 -> lab task 5
            https://localhost:8080/taskinfo?taskID=5 -> lab task 5
            https://tower.example.com/a b/taskinfo?taskID=6 -> tower task 6
        "#]],
    );
}

#[test]
fn other_pages_are_nobodys() {
    check(
        &of("fedora https://koji.fedoraproject.org/koji
             nowhere -"),
        &[
            "https://koji.fedoraproject.org/koji/packageinfo?packageID=3",
            "https://koji.fedoraproject.org/koji/taskinfo",
            "https://koji.fedoraproject.org/koji/taskinfo?taskID=0",
            "https://koji.fedoraproject.org/koji/taskinfo?taskID=-4711",
            "https://koji.fedoraproject.org/koji/taskinfo?taskID=99999999999999999999",
            "https://koji.fedoraproject.org/koji/taskinfo?taskid=4711",
            "https://koji.fedoraproject.org/koji/taskinfo/more?taskID=4711",
            "https://koji.fedoraproject.org/koji/%ff?taskID=4711",
            "https://koji.fedoraproject.org/kojihub/taskinfo?taskID=4711",
            "https://koji.fedoraproject.org/koji/../other/taskinfo?taskID=4711",
            "https://koji.fedoraproject.org:8443/koji/taskinfo?taskID=4711",
            "https://koji.fedoraproject.org.example.com/koji/taskinfo?taskID=4711",
            "https://koji.fedoraproject.org@example.com/koji/taskinfo?taskID=4711",
            "ftp://koji.fedoraproject.org/koji/taskinfo?taskID=4711",
            "file:///koji/taskinfo?taskID=4711",
        ],
        expect![[r#"
            https://koji.fedoraproject.org/koji/packageinfo?packageID=3 -> expected the address of a task's or a build's page, or of a task's file
            https://koji.fedoraproject.org/koji/taskinfo -> expected the address of a task's or a build's page, or of a task's file
            https://koji.fedoraproject.org/koji/taskinfo?taskID=0 -> expected the address of a task's or a build's page, or of a task's file
            https://koji.fedoraproject.org/koji/taskinfo?taskID=-4711 -> expected the address of a task's or a build's page, or of a task's file
            https://koji.fedoraproject.org/koji/taskinfo?taskID=99999999999999999999 -> expected the address of a task's or a build's page, or of a task's file
            https://koji.fedoraproject.org/koji/taskinfo?taskid=4711 -> expected the address of a task's or a build's page, or of a task's file
            https://koji.fedoraproject.org/koji/taskinfo/more?taskID=4711 -> expected the address of a task's or a build's page, or of a task's file
            https://koji.fedoraproject.org/koji/%ff?taskID=4711 -> expected the address of a task's or a build's page, or of a task's file
            https://koji.fedoraproject.org/kojihub/taskinfo?taskID=4711 -> the address is not under the web interface of any instance that is configured (fedora, nowhere)
            https://koji.fedoraproject.org/koji/../other/taskinfo?taskID=4711 -> the address is not under the web interface of any instance that is configured (fedora, nowhere)
            https://koji.fedoraproject.org:8443/koji/taskinfo?taskID=4711 -> the address is not under the web interface of any instance that is configured (fedora, nowhere)
            https://koji.fedoraproject.org.example.com/koji/taskinfo?taskID=4711 -> the address is not under the web interface of any instance that is configured (fedora, nowhere)
            https://koji.fedoraproject.org@example.com/koji/taskinfo?taskID=4711 -> the address is not under the web interface of any instance that is configured (fedora, nowhere)
            ftp://koji.fedoraproject.org/koji/taskinfo?taskID=4711 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `ftp://koji.fedoraproject.org/koji/taskin…`
            file:///koji/taskinfo?taskID=4711 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `file:///koji/taskinfo?taskID=4711`
        "#]],
    );
}

#[test]
fn among_several_instances_the_one_with_a_hub_is_meant_or_one_has_to_be_named() {
    let mut known = of("centos https://koji.example.org/koji
                        fedora https://koji.fedoraproject.org/koji
                        stg https://koji.stg.fedoraproject.org/koji");
    let texts = ["4711", "bash-5.3-1.fc43", "stg:4711", "src:4711"];
    check(
        &known,
        &texts,
        expect![[r#"
            4711 -> there are several instances; say which one by its name and a colon before it: centos, fedora, stg
            bash-5.3-1.fc43 -> there are several instances; say which one by its name and a colon before it: centos, fedora, stg
            stg:4711 -> stg task 4711
            src:4711 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `src:4711`
        "#]],
    );
    known.hubs.insert(InstanceName::new("fedora"));
    check(
        &known,
        &["4711", "stg:4711"],
        expect![[r#"
            4711 -> fedora task 4711
            stg:4711 -> stg task 4711
        "#]],
    );
    known.hubs.insert(InstanceName::new("stg"));
    check(
        &known,
        &["4711", "fedora:4711"],
        expect![[r#"
            4711 -> there are several instances; say which one by its name and a colon before it: fedora, stg
            fedora:4711 -> fedora task 4711
        "#]],
    );
}

#[test]
fn one_web_interface_for_two_instances_is_that_of_the_one_with_a_hub() {
    let mut known = of("me https://koji.example.com/koji
                        robot https://koji.example.com/koji
                        root https://koji.example.com");
    let page = [
        "https://koji.example.com/koji/taskinfo?taskID=1",
        "https://koji.example.com/taskinfo?taskID=1",
    ];
    check(
        &known,
        &page,
        expect![[r#"
            https://koji.example.com/koji/taskinfo?taskID=1 -> me task 1
            https://koji.example.com/taskinfo?taskID=1 -> root task 1
        "#]],
    );
    known.hubs.insert(InstanceName::new("robot"));
    check(
        &known,
        &page[..1],
        expect![[r#"
            https://koji.example.com/koji/taskinfo?taskID=1 -> robot task 1
        "#]],
    );
}

#[test]
fn the_longest_name_before_a_colon_is_the_instance() {
    check(
        &of("a -
             a:1 -"),
        &["a:1:7", "a:7", "a:1:bash-5.3-1", "a:bash-5.3-1"],
        expect![[r#"
            a:1:7 -> a:1 task 7
            a:7 -> a task 7
            a:1:bash-5.3-1 -> a:1 build bash-5.3-1
            a:bash-5.3-1 -> a build bash-5.3-1
        "#]],
    );
}

#[test]
fn what_is_nothing_of_the_kind_is_said_so_and_hardly_repeated() {
    let long = "x".repeat(MAX_MEANT);
    let longer = format!("{long}x");
    check(
        &of("fedora https://koji.fedoraproject.org/koji"),
        &[
            "",
            "<>",
            "bash",
            "bash-5.3",
            "+4711",
            "2147483648",
            "0",
            "bash-5.3-1.fc43 kernel-6-1",
            "4711\n4712",
            "bash-5.3-1\u{1b}[31m",
            "bäsh-5.3-1",
            "bash-5.3-1\u{202e}.rpm",
            "../../etc-5.3-1",
            "other:bash-5.3-1.fc43",
            &long,
            &longer,
        ],
        expect![[r#"
             -> expected the number of a task, the name-version-release of a build, or the address of either's page; there is nothing
            <> -> expected the number of a task, the name-version-release of a build, or the address of either's page; there is nothing
            bash -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `bash`
            bash-5.3 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `bash-5.3`
            +4711 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `+4711`
            2147483648 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `2147483648`
            0 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `0`
            bash-5.3-1.fc43 kernel-6-1 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `bash-5.3-1.fc43 kernel-6-1`
            4711\n4712 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `4711 4712`
            bash-5.3-1\u{1b}[31m -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `bash-5.3-1 [31m`
            bäsh-5.3-1 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `bäsh-5.3-1`
            bash-5.3-1\u{202e}.rpm -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `bash-5.3-1 .rpm`
            ../../etc-5.3-1 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `../../etc-5.3-1`
            other:bash-5.3-1.fc43 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `other:bash-5.3-1.fc43`
            x*2048 -> expected the number of a task, the name-version-release of a build, or the address of either's page, not `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…`
            x*2049 -> expected the number of a task, the name-version-release of a build, or the address of either's page; this is longer than 2048 bytes
        "#]],
    );
}

#[test]
fn without_an_instance_nothing_is_meant() {
    check(
        &Known::default(),
        &["4711", "https://koji.example.com/koji/taskinfo?taskID=1"],
        expect![[r#"
            4711 -> no instance is configured
            https://koji.example.com/koji/taskinfo?taskID=1 -> no instance is configured
        "#]],
    );
}

proptest! {
    #[test]
    fn whatever_is_typed_an_instance_that_is_known_is_meant_or_the_error_is_short(
        text in typed(),
        hubs in 0..8_u8,
    ) {
        let mut known = of("fedora https://koji.fedoraproject.org/koji
                            lab http://localhost:8080
                            x:y https://[::1]/a/b");
        let names: Vec<_> = known.sites.keys().cloned().collect();
        known.hubs.extend(names.into_iter().enumerate().filter(|(at, _)| hubs >> at & 1 == 1).map(|(_, it)| it));
        match known.meant(&text) {
            Ok((instance, lookup)) => {
                prop_assert!(known.sites.contains_key(&instance));
                match lookup {
                    Lookup::Task(TaskId(id)) | Lookup::Build(BuildId(id)) => prop_assert!((1..=MAX_ID).contains(&id)),
                    Lookup::Nvr(nvr) => {
                        let name = nvr.to_string();
                        prop_assert!(name.len() <= MAX_MEANT && name.bytes().all(|it| it.is_ascii_graphic()));
                        // Said again, it means the same.
                        let again = known.meant(&format!("{instance}:{nvr}"));
                        prop_assert_eq!(again, Ok((instance, Lookup::Nvr(nvr))));
                    }
                }
            }
            Err(error) => {
                let error = error.to_string();
                prop_assert!(error.chars().count() < 300, "{}", error);
                prop_assert!(!error.chars().any(|it| it.is_control() || is_unseen(it)), "{:?}", error);
            }
        }
    }
}

/// Anything, and what looks much like something.
fn typed() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "fedora",
        "lab",
        "x:y",
        ":",
        "/",
        "?",
        "&",
        "#",
        "%",
        "=",
        "<",
        ">",
        " ",
        "\n",
        "-",
        ".",
        "1",
        "4711",
        "bash-5.3-1.fc43",
        ".src.rpm",
        ".rpm",
        "https://",
        "koji.fedoraproject.org",
        "/koji/",
        "taskinfo",
        "buildinfo",
        "taskID",
        "buildID",
        "localhost:8080/",
        "[::1]/a/b/",
        "%00",
        "\u{202e}",
        "é",
    ]);
    prop_oneof![
        any::<String>(),
        prop::collection::vec(parts, 0..12).prop_map(|it| it.concat()),
        "(https?://)?(koji.fedoraproject.org/koji|localhost:8080|\\[::1\\]/a/b)/(task|build)info\\?(a=b&)?(task|build)ID=.{0,12}",
    ]
}

/// Instances, each with the address of its web interface, if it has one.
fn of(instances: &str) -> Known {
    let site = |line: &str| {
        let (name, weburl) = line.trim().split_once(' ').unwrap();
        let weburl = (weburl != "-").then(|| weburl.to_owned());
        (InstanceName::new(name), Site { weburl, topurl: None })
    };
    Known {
        sites: instances.lines().map(site).collect(),
        hubs: BTreeSet::new(),
    }
}

fn check(known: &Known, texts: &[&str], expected: Expect) {
    let mut lines = String::new();
    for text in texts {
        let short = match text.len() {
            0..200 => text.trim().escape_debug().to_string(),
            length => format!("{}*{length}", &text[..1]),
        };

        match known.meant(text) {
            Ok((instance, Lookup::Task(task))) => writeln!(lines, "{short} -> {instance} task {task}"),
            Ok((instance, Lookup::Build(build))) => writeln!(lines, "{short} -> {instance} build number {build}"),
            Ok((instance, Lookup::Nvr(nvr))) => writeln!(lines, "{short} -> {instance} build {nvr}"),
            Err(error) => writeln!(lines, "{short} -> {error}"),
        }
        .unwrap();
    }
    expected.assert_eq(&lines);
}
