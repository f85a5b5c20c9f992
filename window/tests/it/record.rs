//! A journal with a packager's week in it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use koji_notify::clock;
use koji_notify::journal::{self, FILE};
use koji_notify::koji::{
    BuildId, BuildState, Cause, CauseClass, Child, InstanceName, LogName, Nvr, Subject, TaskId, TaskState,
};
use koji_notify::watch::{Filed, Keep, Standing, Story, Whereabouts};
use tempfile::TempDir;

/// A home with a configuration and a journal in it.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// Returns a home without a journal.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let it = Self { folder };
        let words = "# Mine.\n[instance.fedora]\nuser = \"mona\" # that is me\n\
            weburl = \"https://koji.example.com/koji\"\ntopurl = \"https://files.example.com\"\n\
            [instance.fedora.hub]\nserver = \"https://koji.example.com/kojihub\"\n";
        fs::write(it.configuration(), words).unwrap();
        it
    }

    pub(crate) fn with(stories: Vec<Story>) -> Self {
        let home = Self::empty();
        home.write(stories);
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.path().join("config.toml")
    }

    /// What `XDG_STATE_HOME` is to be.
    pub(crate) fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.state().join("koji-notify").join(FILE)
    }

    /// Returns the window's program, in a folder of its own.
    pub(crate) fn program(&self) -> PathBuf {
        let program = self.path().join("koji-notify-window");
        if !program.exists() {
            fs::copy(env!("CARGO_BIN_EXE_koji-notify-window"), &program).unwrap();
        }
        program
    }

    /// Puts a program beside it that says what `koji-notify check --json` is to say: the real one looks at the world.
    pub(crate) fn put_doctor(&self, says: &str) {
        let program = self.path().join("koji-notify");
        let script =
            format!("#!/bin/sh\ntest \"$3 $4\" = 'check --json' || exit 2\ncat <<'end'\n{says}\nend\nexit 5\n");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts the real program beside it, which is built if it was not.
    pub(crate) fn put_program(&self) {
        let window = Path::new(env!("CARGO_BIN_EXE_koji-notify-window"));
        let target = window.ancestors().nth(2).unwrap();
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--locked",
                "--quiet",
                "--package",
                "koji-notify",
                "--bin",
                "koji-notify",
            ])
            .arg("--target-dir")
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(built.success());
        fs::copy(target.join("debug/koji-notify"), self.path().join("koji-notify")).unwrap();
    }

    /// Takes the journal elsewhere, so that nothing happens in its folder when it is written. Returns where it is.
    pub(crate) fn move_journal(&self) -> PathBuf {
        let elsewhere = self.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let elsewhere = elsewhere.join(FILE);
        fs::rename(self.journal(), &elsewhere).unwrap();
        symlink(&elsewhere, self.journal()).unwrap();
        elsewhere
    }

    /// Returns a folder with our sentences in German.
    pub(crate) fn german(&self) -> PathBuf {
        let folder = self.path().join("locale");
        let messages = folder.join("de/LC_MESSAGES");
        fs::create_dir_all(&messages).unwrap();
        let made = Command::new("msgfmt")
            .arg("-o")
            .arg(messages.join("koji-notify.mo"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../po/de.po"))
            .status()
            .unwrap();
        assert!(made.success());
        folder
    }

    /// Writes these down, as the running program does.
    pub(crate) fn write(&self, stories: Vec<Story>) {
        let folder = self.state().join("koji-notify");
        let mut journal = journal::open(&folder, clock::now()).journal.unwrap();
        let keeps: Vec<Keep> = stories.into_iter().map(keep).collect();
        journal.write(&keeps, clock::now()).unwrap();
        journal.close().unwrap();
    }
}

/// Returns a week of builds: what runs, what failed and why, and the many that went well.
pub(crate) fn week() -> Vec<Story> {
    let mut running = build(90, "gnome-shell-49.2-1.fc43", BuildState::Building, 0);
    running.started = Some(ago(14 * 60));
    running.changed = ago(14 * 60);
    running.ended = None;
    running.usual = Some(SignedDuration::from_mins(22));
    running.children = [
        ("aarch64", TaskState::Closed),
        ("i686", TaskState::Closed),
        ("ppc64le", TaskState::Open),
        ("s390x", TaskState::Open),
        ("x86_64", TaskState::Closed),
    ]
    .map(child)
    .into();
    let mut failed = build(80, "kernel-6.12.8-200.fc43", BuildState::Failed, 42 * 60);
    failed.children = [
        ("aarch64", TaskState::Failed),
        ("s390x", TaskState::Canceled),
        ("x86_64", TaskState::Closed),
    ]
    .map(child)
    .into();
    failed.cause = Some(Cause {
        class: CauseClass::Package,
        task: Some(TaskId(4001)),
        method: Some("buildArch".to_owned()),
        arch: Some("aarch64".to_owned()),
        fault: "BuildError: error building package (arch aarch64), mock exited with status 1".to_owned(),
        log: Some((TaskId(4001), LogName::Build)),
        lines: vec![
            "drivers/gpu/drm/tegra/dc.c:1204:9: error: implicit declaration of function 'drm_gem_plane_helper'"
                .to_owned(),
            "make[4]: *** [scripts/Makefile.build:229: drivers/gpu/drm/tegra/dc.o] Error 1".to_owned(),
        ],
        by: None,
    });
    let mut canceled = build(70, "libreoffice-25.8.3-2.fc43", BuildState::Canceled, 26 * 3600);
    canceled.cause = Some(Cause::canceled(TaskId(71), "otto".to_owned()));
    let mut scratch = build(60, "bash-5.3-2.fc43", BuildState::Complete, 3 * 3600);
    scratch.subject = Subject::Task(TaskId(60));
    scratch.standing = Standing::Task(TaskState::Closed);
    scratch.method = Some("build".to_owned());
    scratch.scratch = true;
    let mut others = build(50, "python3.14-3.14.0-3.fc43", BuildState::Complete, 5 * 3600);
    others.mine = false;
    others.owner = Some("bob".to_owned());
    let mut tagged = build(40, "bash-5.3-1.fc43", BuildState::Complete, 9 * 3600);
    tagged.whereabouts = Whereabouts::InRepo("f43-build".to_owned());
    let mut stories = vec![running, failed, canceled, scratch, others, tagged];
    for number in 1..=24_u64 {
        let release = 25 - number;
        let age = i64::try_from(number).unwrap() * 20 * 3600 + 30;
        let state = match number % 7 {
            3 => BuildState::Failed,
            5 => BuildState::Canceled,
            _ => BuildState::Complete,
        };
        let mut old = build(
            100 + number,
            &format!("kernel-6.12.{}-200.fc43", release % 9),
            state,
            age,
        );
        old.started = old
            .ended
            .map(|it| it - SignedDuration::from_mins(60 + i64::try_from(number * 7 % 40).unwrap()));
        stories.push(old);
    }
    stories
}

/// Returns a build of mine that took ten minutes and ended so many seconds ago.
pub(crate) fn build(number: u64, nvr: &str, state: BuildState, age: i64) -> Story {
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
        target: Some("f43-candidate".to_owned()),
        scratch: false,
        standing: Standing::Build(state),
        children: Vec::new(),
        started: Some(ago(age + 630)),
        ended: Some(ago(age)),
        changed: ago(age),
        cause: None,
        usual: None,
        trend: None,
        whereabouts: Whereabouts::Unknown,
        followed: false,
    }
}

fn child((arch, state): (&str, TaskState)) -> Child {
    Child {
        task: TaskId(4001),
        method: "buildArch".to_owned(),
        arch: arch.to_owned(),
        state: Some(state),
    }
}

/// Returns so many seconds ago, and half a minute more: what is said of it stays the same while a test runs.
fn ago(seconds: i64) -> Timestamp {
    clock::now() - SignedDuration::from_secs(seconds + 25)
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
