//! `koji-notify history`, from the journal that a run has left, or writes.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use expect_test::{Expect, expect};
use jiff::{SignedDuration, Timestamp};
use koji_notify::journal::{self, Journal};
use koji_notify::koji::{
    BuildId, BuildState, Cause, CauseClass, Child, InstanceName, LogName, Nvr, Subject, TaskId, TaskState,
};
use koji_notify::watch::{Fate, Filed, Keep, Row, RuleName, Standing, Story, Tale, TaleId, Trend, Whereabouts};
use serde_json::Value;

use crate::command_line::{Ran, Stage, finish};

#[tokio::test]
async fn the_newest_comes_first_with_what_it_was_why_and_when_it_was_told() {
    let place = Place::with_history();
    check(
        &place.tells("").await,
        expect![[r#"
            When              What                                       State     Took    Why                                                    Told
            2026-11-20 17:40  fedora:zsh-5.9-1.fc43                      BUILDING
            2026-11-20 17:30  fedora:newRepo task 4711                   CANCELED                                                                 not told
            2026-11-20 17:20  centos:bash-5.3-1.fc43                     COMPLETE  20 min                                                         in a summary 17:25
            2026-11-20 17:00  fedora:bash-5.3-1.fc43                     FAILED    10 min  aarch64 failed: the package does not build             told 17:01
            2026-11-18 17:40  fedora:=HYPERLINK("http://a","b")-1-1[31m  FAILED    10 min  It failed for a reason that koji-notify does not know  told 2026-11-19 08:00
        "#]],
    );
}

#[tokio::test]
async fn it_does_not_matter_whether_the_program_runs() {
    let place = Place::with_history();
    let before = place.tells("").await;
    let mut journal = place.journal();
    assert_eq!(place.tells("").await, before);
    let late = build(20, "late-1-1", BuildState::Failed, 10);
    journal.write(&[keep(late)], now()).unwrap();
    assert!(place.tells("--limit 1").await.contains("late-1-1"));
    journal.close().unwrap();
}

#[tokio::test]
async fn what_is_asked_for_is_what_comes() {
    let place = Place::with_history();
    let is = async |words: &str, numbers: &[&str]| {
        let json = place.tells(&format!("--json {words}")).await;
        let number = |it: &str| {
            let it: Value = serde_json::from_str(it).unwrap();
            it["build"].as_u64().or(it["task"].as_u64()).unwrap().to_string()
        };
        assert_eq!(json.lines().map(number).collect::<Vec<_>>(), numbers, "{words}");
    };
    is("--package bash", &["3", "2"]).await;
    is("--package bash --state failed", &["2"]).await;
    is("--state CANCELED --state building", &["5", "4711"]).await;
    is("--mine", &["5", "4711", "2"]).await;
    is("--instance centos", &["3"]).await;
    is("--since 2026-11-20T17:20", &["5", "4711", "3"]).await;
    is("--since 2026-11-20", &["5", "4711", "3", "2"]).await;
    is("--limit 2", &["5", "4711"]).await;
    is("--limit 0", &["5", "4711", "3", "2", "1"]).await;
    assert_eq!(place.tells("--package nothing").await, "Nothing was found\n");
    assert_eq!(place.tells("--package nothing --json").await, "");
}

#[tokio::test]
async fn how_long_ago_counts_from_now() {
    let place = Place::new();
    let mut hour_ago = build(1, "bash-1-1", BuildState::Failed, 0);
    hour_ago.changed = Timestamp::now() - SignedDuration::from_hours(1);
    place.journal().write(&[keep(hour_ago)], Timestamp::now()).unwrap();
    for (since, is_there) in [("2h", true), ("1 day", true), ("30 min", false)] {
        let ran = place.run(&["history", "--json", "--since", since]).await;
        assert_eq!(ran.output.lines().count() == 1, is_there, "{since}: {ran:?}");
    }
}

#[tokio::test]
async fn programs_get_all_that_is_known_as_json() {
    let place = Place::with_history();
    let json = place.tells("--json --package bash --state FAILED").await;
    let json: Value = serde_json::from_str(&json).unwrap();
    check(
        &serde_json::to_string_pretty(&json).unwrap(),
        expect![[r#"
        {
          "build": 2,
          "cause": {
            "arch": "aarch64",
            "by": null,
            "class": "package",
            "fault": "BuildError: error building package",
            "lines": [
              "error: oh"
            ],
            "log": {
              "file": "build.log",
              "task": 8
            },
            "method": "buildArch",
            "task": 8
          },
          "changed": "2026-11-20T17:00:00Z",
          "ended": "2026-11-20T17:00:00Z",
          "instance": "fedora",
          "method": null,
          "mine": true,
          "nvr": "bash-5.3-1.fc43",
          "owner": "mona",
          "package": "bash",
          "scratch": false,
          "seconds": 600,
          "started": "2026-11-20T16:50:00Z",
          "state": "FAILED",
          "states": [
            {
              "of": "build",
              "since": "2026-11-20T16:50:00Z",
              "state": "BUILDING"
            },
            {
              "of": "build",
              "since": "2026-11-20T17:00:00Z",
              "state": "FAILED"
            }
          ],
          "tales": [
            {
              "at": "2026-11-20T17:01:00Z",
              "outcome": "told",
              "rule": "my-builds",
              "tag": null,
              "what": "failed"
            }
          ],
          "target": "f43",
          "task": 1002,
          "trend": {
            "failures": 3,
            "since": "2026-11-18T15:40:00Z",
            "what": "still-broken"
          },
          "whereabouts": null
        }"#]],
    );
}

#[tokio::test]
async fn spreadsheets_get_values_that_they_cannot_take_for_formulas() {
    let place = Place::with_history();
    let csv = place.tells("--csv").await;
    assert!(csv.split_inclusive('\n').all(|it| it.ends_with("\r\n")));
    check(
        &csv.replace('\r', ""),
        expect![[r#"
        changed,instance,nvr,package,build,task,method,owner,mine,target,scratch,state,started,ended,seconds,class,arch,outcome,told
        2026-11-20T17:40:00Z,fedora,zsh-5.9-1.fc43,zsh,5,1005,,mona,true,f43,false,BUILDING,2026-11-20T17:30:00Z,,,,,,
        2026-11-20T17:30:00Z,fedora,,,,4711,newRepo,mona,true,f43,false,CANCELED,,2026-11-20T17:30:00Z,,,,dropped,
        2026-11-20T17:20:00Z,centos,bash-5.3-1.fc43,bash,3,1003,,mona,false,f43,false,COMPLETE,2026-11-20T17:00:00Z,2026-11-20T17:20:00Z,1200,,,digest,2026-11-20T17:25:00Z
        2026-11-20T17:00:00Z,fedora,bash-5.3-1.fc43,bash,2,1002,,mona,true,f43,false,FAILED,2026-11-20T16:50:00Z,2026-11-20T17:00:00Z,600,package,aarch64,told,2026-11-20T17:01:00Z
        2026-11-18T17:40:00Z,fedora,"'=HYPERLINK(""http://a"",""b"")-1-1 [31m  ",a,1,1001,,'@mallory,false,f43,false,FAILED,2026-11-18T17:30:00Z,2026-11-18T17:40:00Z,600,ours-unknown,,told,2026-11-19T08:00:00Z
    "#]],
    );
}

#[tokio::test]
async fn without_a_journal_that_is_said_and_none_is_made() {
    let place = Place::new();
    assert_eq!(place.tells("").await, "There is no history yet\n");
    assert_eq!(place.tells("--json").await, "");
    assert_eq!(place.tells("--csv").await.lines().count(), 1);
    assert_eq!(place.tells("--wipe --yes").await, "There is no history yet\n");
    assert!(!place.folder().exists());
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_named() {
    let place = Place::new();
    fs::create_dir_all(place.folder()).unwrap();
    let file = place.folder().join(journal::FILE);
    fs::write(&file, "damaged ".repeat(1000)).unwrap();
    for words in [&["history"][..], &["history", "--wipe", "--yes"]] {
        let ran = place.run(words).await;
        let said = format!("koji-notify: {}: it is damaged\n", file.display());
        assert!(ran.code == 1 && ran.errors.starts_with(&said), "{ran:?}");
        assert_eq!(ran.output, "");
    }
    assert_eq!(fs::read(&file).unwrap().len(), 8000, "it is left alone");
}

#[tokio::test]
async fn the_history_is_deleted_after_a_yes_only() {
    let place = Place::with_history();
    let ran = place.run(&["history", "--wipe"]).await;
    assert_eq!((ran.code, &*ran.output), (2, ""));
    assert!(ran.errors.contains("there is nobody to ask"), "{}", ran.errors);
    assert_eq!(place.tells("--json").await.lines().count(), 5);
    let wiped = "The history of 4 builds and tasks is deleted\n";
    assert_eq!(place.tells("--wipe --yes").await, wiped);
    let left = place.tells("--json").await;
    assert!(left.lines().count() == 1 && left.contains("BUILDING"), "{left}");
    let bytes = fs::read(place.folder().join(journal::FILE)).unwrap();
    assert!(
        !bytes.windows(9).any(|it| it == b"HYPERLINK"),
        "it is gone from the file"
    );
    // A restart does not tell again what was told.
    let resumed = journal::open(&place.folder(), now()).resumed;
    assert_eq!(resumed.endings.len(), 4);
}

#[tokio::test]
async fn a_person_at_a_terminal_is_asked() {
    for (answer, is_deleted) in [("yes", true), ("no", false), ("", false)] {
        let place = Place::with_history();
        let command = format!("{} history --wipe", env!("CARGO_BIN_EXE_koji-notify"));
        let mut script = place.stage.command(&[]);
        let mut on_terminal = tokio::process::Command::new("script");
        on_terminal.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
        on_terminal.env_clear();
        for (name, value) in script.as_std_mut().get_envs() {
            on_terminal.env(name, value.unwrap());
        }
        let input = place.stage.home.path().join("answer");
        fs::write(&input, format!("{answer}\n")).unwrap();
        on_terminal.stdin(Stdio::from(fs::File::open(&input).unwrap()));
        let ran = finish(&mut on_terminal).await;
        assert!(
            ran.output.contains("Delete the whole history? Type yes to do it:"),
            "{ran:?}"
        );
        assert_eq!(ran.code, if is_deleted { 0 } else { 1 }, "{ran:?}");
        let left = place.tells("--json").await.lines().count();
        assert_eq!(left, if is_deleted { 1 } else { 5 });
    }
}

struct Place {
    stage: Stage,
}

impl Place {
    fn new() -> Self {
        Self { stage: Stage::new() }
    }

    /// What an afternoon leaves.
    fn with_history() -> Self {
        let place = Self::new();
        let mut hostile = build(1, "a-1-1", BuildState::Failed, -2 * 24 * 60);
        hostile.nvr = Some(Nvr {
            name: "=HYPERLINK(\"http://a\",\"b\")".to_owned(),
            version: "1".to_owned(),
            release: "1\u{1b}[31m\r\n".to_owned(),
        });
        hostile.owner = Some("@mallory".to_owned());
        hostile.mine = false;
        hostile.cause = Some(cause(CauseClass::Unknown, None));
        let mut failed = build(2, "bash-5.3-1.fc43", BuildState::Failed, -40);
        failed.cause = Some(cause(CauseClass::Package, Some("aarch64")));
        failed.trend = Some(Trend::StillBroken(Row {
            failures: 3,
            since: at(-3000),
        }));
        failed.children = vec![Child {
            task: TaskId(8),
            method: "buildArch".to_owned(),
            arch: "aarch64".to_owned(),
            state: Some(TaskState::Failed),
        }];
        let mut elsewhere = build(3, "bash-5.3-1.fc43", BuildState::Complete, -20);
        elsewhere.instance = InstanceName::new("centos");
        elsewhere.mine = false;
        elsewhere.started = Some(at(-40));
        elsewhere.whereabouts = Whereabouts::Tagged;
        let mut task = build(4, "a-1-1", BuildState::Building, -10);
        task.subject = Subject::Task(TaskId(4711));
        task.standing = Standing::Task(TaskState::Canceled);
        task.method = Some("newRepo".to_owned());
        (task.nvr, task.package, task.started) = (None, None, None);
        let mut running = build(5, "zsh-5.9-1.fc43", BuildState::Building, 0);
        running.ended = None;
        let tale = |id, story: &Story| {
            Keep::Due(Box::new(Tale {
                id: TaleId(id),
                fate: Fate::Failed,
                story: story.clone(),
                rule: RuleName::MyBuilds,
                late: false,
            }))
        };
        let told = |id, digest, minute| Keep::Told {
            tales: vec![TaleId(id)],
            digest,
            at: at(minute),
        };
        let mut began = failed.clone();
        began.standing = Standing::Build(BuildState::Building);
        (began.ended, began.changed) = (None, at(-50));
        let keeps = [
            tale(1, &hostile),
            tale(2, &failed),
            tale(3, &elsewhere),
            tale(4, &task),
            told(1, false, -24 * 60 - 580),
            told(2, false, -39),
            told(3, true, -15),
            Keep::Dropped(vec![TaleId(4)]),
            keep(hostile),
            keep(began),
            keep(failed),
            keep(elsewhere),
            keep(task),
            keep(running),
        ];
        let mut journal = place.journal();
        journal.write(&keeps, now()).unwrap();
        journal.close().unwrap();
        place
    }

    fn folder(&self) -> PathBuf {
        self.stage.home.path().join(".local/state/koji-notify")
    }

    fn journal(&self) -> Journal {
        journal::open(&self.folder(), now()).journal.unwrap()
    }

    /// Returns what it says with these words.
    async fn tells(&self, words: &str) -> String {
        let words = ["history"].into_iter().chain(words.split_whitespace());
        let ran = self.run(&words.collect::<Vec<_>>()).await;
        assert_eq!((ran.code, &*ran.errors), (0, ""));
        ran.output
    }

    async fn run(&self, words: &[&str]) -> Ran {
        finish(&mut self.stage.command(words)).await
    }
}

fn now() -> Timestamp {
    "2026-11-20T17:40:00Z".parse().unwrap()
}

fn at(minute: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minute)
}

/// Returns a build of mine that took ten minutes until then.
fn build(number: u64, nvr: &str, state: BuildState, minute: i64) -> Story {
    let nvr = Nvr::parse(nvr);
    Story {
        instance: InstanceName::new("fedora"),
        subject: Subject::Build(BuildId(number)),
        task: Some(TaskId(number + 1000)),
        package: nvr.as_ref().map(|it| it.name.clone()),
        nvr,
        method: None,
        owner: Some("mona".to_owned()),
        mine: true,
        target: Some("f43".to_owned()),
        scratch: false,
        standing: Standing::Build(state),
        children: Vec::new(),
        started: Some(at(minute - 10)),
        ended: Some(at(minute)),
        changed: at(minute),
        cause: None,
        usual: None,
        whereabouts: Whereabouts::Unknown,
        followed: false,
        trend: None,
    }
}

fn cause(class: CauseClass, arch: Option<&str>) -> Cause {
    Cause {
        class,
        task: Some(TaskId(8)),
        method: Some("buildArch".to_owned()),
        arch: arch.map(str::to_owned),
        fault: "BuildError: error building package".to_owned(),
        log: Some((TaskId(8), LogName::Build)),
        lines: vec!["error: oh".to_owned()],
        by: None,
    }
}

fn keep(story: Story) -> Keep {
    let told = story.standing.is_settled().then_some((story.standing, story.ended));
    Keep::Story(Box::new(Filed {
        told: told.into_iter().collect(),
        story,
        unseen_failure: false,
        doomed: false,
        task_done: false,
        earlier: Vec::new(),
        left: None,
    }))
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}
