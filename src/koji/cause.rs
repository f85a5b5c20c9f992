//! Why a build or task failed, as facts: who says so, what kind of trouble it is, and where the reason stands; of one that
//! was canceled, by whom.

use super::TaskId;

/// The most characters of a fault's sentence or of a log line that are kept.
pub const MAX_CAUSE_TEXT: usize = 400;

/// The most deciding lines of a log that are kept.
pub const MAX_CAUSE_LINES: usize = 3;

/// What kind of trouble it is, which is whose turn it is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum CauseClass {
    /// The package does not build: compiler, linker, tests, patches, `%install`, `%files`.
    Package,
    /// There is no source RPM: the spec does not parse, a source or patch is missing, the checkout failed.
    SourceRpm,
    /// A build requirement cannot be installed.
    Dependencies,
    /// The build system: repository, network, disk, memory, lock, timeout, host.
    Buildroot,
    /// Not allowed, not in the list, blocked, already built.
    Policy,
    /// It is built, but could not be tagged.
    Tagging,
    /// Somebody canceled it.
    Canceled,
    /// The text tells nothing that we know.
    Unknown,
}

impl CauseClass {
    /// Returns the name as `--json` output and the samples' labels spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::SourceRpm => "source-rpm",
            Self::Dependencies => "dependencies",
            Self::Buildroot => "buildroot",
            Self::Policy => "policy",
            Self::Tagging => "tagging",
            Self::Canceled => "canceled",
            Self::Unknown => "ours-unknown",
        }
    }
}

/// A log of a task, by its file name in the task's folder.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum LogName {
    Build,
    Root,
    Checkout,
    MockOutput,
    State,
}

impl LogName {
    /// Returns the file's name.
    pub fn file(self) -> &'static str {
        match self {
            Self::Build => "build.log",
            Self::Root => "root.log",
            Self::Checkout => "checkout.log",
            Self::MockOutput => "mock_output.log",
            Self::State => "state.log",
        }
    }
}

/// Why a build or task failed or was canceled, as well as it could be found out.
///
/// All text in it was written by strangers; it is cut to its limits and free of control characters and terminal
/// colours, and has no other promise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cause {
    pub class: CauseClass,
    /// The task that failed first: a child where there is one, else the task itself.
    pub task: Option<TaskId>,
    /// The failed task's method, such as `buildArch`.
    pub method: Option<String>,
    /// The architecture in the packager's spelling; `None` where it is not about one.
    pub arch: Option<String>,
    /// The fault's decisive sentence, one line; empty if there was none.
    pub fault: String,
    /// The log that says why, which was there when we looked, and whose task's it is.
    pub log: Option<(TaskId, LogName)>,
    /// The lines that decide, in the log's order; not merely the last. At most [`MAX_CAUSE_LINES`].
    pub lines: Vec<String>,
    /// The name of the user who canceled it, which the hub does not tell of all.
    pub by: Option<String>,
}

impl Cause {
    /// Returns that a user has canceled a task.
    pub fn canceled(task: TaskId, by: String) -> Self {
        Self {
            class: CauseClass::Canceled,
            task: Some(task),
            method: None,
            arch: None,
            fault: String::new(),
            log: None,
            lines: Vec::new(),
            by: Some(by),
        }
    }
}
