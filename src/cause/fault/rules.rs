//! The texts that Koji writes into a fault, as data. The first rule that matches decides.
//!
//! Sources: `builder/kojid`, `koji/daemon.py`, `koji/tasks.py`, `koji/util.py`, `kojihub/kojihub.py` and their plugins,
//! up to 1.36; what a status of mock means is in `mockbuild/exception.py`. How a shape reads is told in `pattern`.

use crate::koji::{CauseClass, LogName};

use super::{Stage, Sure};

use CauseClass::{Buildroot, Canceled, Dependencies, Package, Policy, SourceRpm, Tagging, Unknown};
use LogName::{Build, Checkout, MockOutput, Root};
use Sure::{Certain, Guess, Likely};

/// One kind of fault.
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) class: CauseClass,
    pub(super) sure: Sure,
    /// Each shape with a text that it matches.
    pub(super) shapes: &'static [(&'static str, &'static str)],
    /// The logs that say more, in the order in which they are worth reading.
    pub(super) logs: &'static [LogName],
    /// The stage of the build, where the text says it better than the task's method.
    pub(super) stage: Option<Stage>,
    /// Where the sentence is cut off, as nothing readable follows.
    pub(super) cut: Option<&'static str>,
}

const fn rule(id: &'static str, class: CauseClass, shapes: &'static [(&'static str, &'static str)]) -> Rule {
    Rule {
        id,
        class,
        sure: Certain,
        shapes,
        logs: &[],
        stage: None,
        cut: None,
    }
}

impl Rule {
    const fn read(self, logs: &'static [LogName]) -> Self {
        Self { logs, ..self }
    }

    const fn sure(self, sure: Sure) -> Self {
        Self { sure, ..self }
    }

    const fn stage(self, stage: Stage) -> Self {
        Self {
            stage: Some(stage),
            ..self
        }
    }

    const fn cut(self, cut: &'static str) -> Self {
        Self { cut: Some(cut), ..self }
    }
}

pub(super) const RULES: &[Rule] = &[
    // mock on a package
    rule(
        "mock-rpmbuild",
        Package,
        &[(
            "error building package (arch …), mock exited with status 10;…",
            "error building package (arch i686), mock exited with status 10; see build.log for more information",
        )],
    )
    .read(&[Build])
    .sure(Likely)
    .stage(Stage::Build),
    rule(
        "mock-requires",
        Dependencies,
        &[
            (
                "error building package (arch …), mock exited with status 30;…",
                "error building package (arch s390x), mock exited with status 30; see root.log for more information",
            ),
            (
                "error building package (arch …), mock exited with status 31;…",
                "error building package (arch s390x), mock exited with status 31; see root.log for more information",
            ),
            (
                "error building package (arch …), mock exited with status 40;…",
                "error building package (arch s390x), mock exited with status 40; see root.log for more information",
            ),
        ],
    )
    .read(&[Root, MockOutput])
    .sure(Likely)
    .stage(Stage::Build),
    rule(
        "mock-timeout",
        Buildroot,
        &[(
            "error building package (arch …), mock exited with status 11;…",
            "error building package (arch noarch), mock exited with status 11; see root.log for more information",
        )],
    )
    .read(&[Build, Root])
    .stage(Stage::Build),
    rule(
        "mock-killed-politely",
        Buildroot,
        &[
            (
                "error building package (arch …), mock exited with status 129;…",
                "error building package (arch x86_64), mock exited with status 129; see root.log for more information",
            ),
            (
                "error building package (arch …), mock exited with status 141;…",
                "error building package (arch x86_64), mock exited with status 141; see root.log for more information",
            ),
            (
                "error building package (arch …), mock exited with status 143;…",
                "error building package (arch x86_64), mock exited with status 143; see root.log for more information",
            ),
        ],
    )
    .read(&[MockOutput, Build])
    .stage(Stage::Build),
    rule(
        "mock-misconfigured",
        Buildroot,
        &[
            (
                "error building package (arch …), mock exited with status 2;…",
                "error building package (arch x86_64), mock exited with status 2; see root.log for more information",
            ),
            (
                "error building package (arch …), mock exited with status 3;…",
                "error building package (arch x86_64), mock exited with status 3; see root.log for more information",
            ),
            (
                "error building package (arch …), mock exited with status 5;…",
                "error building package (arch x86_64), mock exited with status 5; see root.log for more information",
            ),
            (
                "error building package (arch …), mock exited with status 6;…",
                "error building package (arch x86_64), mock exited with status 6; see root.log for more information",
            ),
        ],
    )
    .read(&[MockOutput, Root])
    .stage(Stage::Chroot),
    // Koji named this log for everything but 10, in its days: it says nothing.
    rule(
        "mock-anything-root",
        Unknown,
        &[(
            "error building package (arch …), mock exited with status 1; see root.log for…",
            "error building package (arch armv7hl), mock exited with status 1; see root.log for more information",
        )],
    )
    .read(&[Root, Build, MockOutput])
    .sure(Guess)
    .stage(Stage::Build),
    rule(
        "mock-anything",
        Package,
        &[(
            "error building package (arch …), mock exited with status 1;…",
            "error building package (arch armv7hl), mock exited with status 1; see build.log or root.log for more information",
        )],
    )
    .read(&[Build, Root, MockOutput])
    .sure(Guess)
    .stage(Stage::Build),
    rule(
        "mock-chroot",
        Buildroot,
        &[(
            "error building package (arch …), mock exited with status №;…",
            "error building package (arch x86_64), mock exited with status 60; see root.log for more information",
        )],
    )
    .read(&[Root, MockOutput])
    .stage(Stage::Chroot),
    rule(
        "mock-signal",
        Buildroot,
        &[
            (
                "error building package (arch …), mock was killed by signal №…",
                "error building package (arch aarch64), mock was killed by signal 9",
            ),
            (
                "…, mock terminated for unknown reasons…",
                "error building package (arch aarch64), mock terminated for unknown reasons",
            ),
        ],
    )
    .read(&[MockOutput, Build]),
    // the source RPM
    rule(
        "srpm-chroot",
        Buildroot,
        &[
            (
                "error building srpm, mock exited with status 30;…",
                "error building srpm, mock exited with status 30; see root.log for more information",
            ),
            (
                "error building srpm, mock exited with status №0;…",
                "error building srpm, mock exited with status 60; see root.log for more information",
            ),
            (
                "error building srpm, mock was killed by signal №…",
                "error building srpm, mock was killed by signal 9",
            ),
        ],
    )
    .read(&[Root, MockOutput])
    .stage(Stage::Source),
    rule(
        "srpm",
        SourceRpm,
        &[(
            "error building srpm, …",
            "error building srpm, mock exited with status 1; see build.log or root.log for more information",
        )],
    )
    .read(&[Build, Root, MockOutput])
    .sure(Likely)
    .stage(Stage::Source),
    rule(
        "sources",
        SourceRpm,
        &[(
            "error retrieving sources, …",
            "error retrieving sources, mock exited with status 1; see root.log for more information",
        )],
    )
    .read(&[Root, MockOutput])
    .sure(Likely)
    .stage(Stage::Source),
    rule(
        "chroot",
        Buildroot,
        &[(
            "could not init mock buildroot, …",
            "could not init mock buildroot, mock exited with status 30; see root.log for more information",
        )],
    )
    .read(&[Root, MockOutput])
    .stage(Stage::Chroot),
    rule(
        "maven",
        Package,
        &[(
            "error building Maven package, …",
            "error building Maven package, mock exited with status 1; see root.log for more information",
        )],
    )
    .read(&[Build, Root])
    .sure(Likely)
    .stage(Stage::Build),
    rule(
        "maven-extra-packages",
        Dependencies,
        &[(
            "error installing packages, …",
            "error installing packages, mock exited with status 30; see mock_output.log for more information",
        )],
    )
    .read(&[MockOutput, Root])
    .sure(Likely)
    .stage(Stage::Build),
    rule(
        "spec-file",
        SourceRpm,
        &[
            ("No spec file found…", "No spec file found"),
            (
                "Multiple spec files found…",
                "Multiple spec files found: ['a.spec', 'b.spec']",
            ),
        ],
    )
    .read(&[Checkout]),
    rule(
        "no-srpm",
        SourceRpm,
        &[
            (
                "No srpms found in …",
                "No srpms found in /var/lib/mock/f44-build-1-2/result",
            ),
            (
                "no srpms found in …",
                "no srpms found in /var/lib/mock/f44-build-1-2/result",
            ),
            ("no srpm files found for task…", "no srpm files found for task 17"),
            (
                "Multiple srpms found in …",
                "Multiple srpms found in /var/lib/mock/f44-build-1-2/result: a.src.rpm, b.src.rpm",
            ),
            (
                "multiple srpms found in …",
                "multiple srpms found in /var/lib/mock/f44-build-1-2/result: a.src.rpm, b.src.rpm",
            ),
            (
                "multiple srpm files found for task…",
                "multiple srpm files found for task 17: ['a.src.rpm', 'b.src.rpm']",
            ),
        ],
    )
    .read(&[Build]),
    rule(
        "srpm-checks",
        SourceRpm,
        &[
            (
                "srpm name mismatch: …",
                "srpm name mismatch: a-1-1.src.rpm != b-1-1.src.rpm",
            ),
            (
                "Packager is not allowed to be set in spec file…",
                "Packager is not allowed to be set in spec file",
            ),
            (
                "Distribution is not allowed to be set in spec file…",
                "Distribution is not allowed to be set in spec file",
            ),
            (
                "Vendor is not allowed to be set in spec file…",
                "Vendor is not allowed to be set in spec file",
            ),
            (
                "¤ is not allowed to be defined in spec file…",
                "packager is not allowed to be defined in spec file",
            ),
            ("not a source package", "not a source package"),
            (
                "… is not a source package",
                "/mnt/koji/work/cli-build/1/a-1-1.x86_64.rpm is not a source package",
            ),
        ],
    ),
    rule(
        "srpm-lost",
        Buildroot,
        &[
            (
                "Input SRPM file missing: …",
                "Input SRPM file missing: /mnt/koji/work/x.src.rpm",
            ),
            ("SRPM file missing: …", "SRPM file missing: /mnt/koji/work/x.src.rpm"),
        ],
    ),
    rule(
        "checkout",
        SourceRpm,
        &[
            (
                "Error running ¤ command …",
                "Error running GIT+HTTPS command \"git reset --hard 1f3a\", see checkout.log for details",
            ),
            (
                "Error running ¤ checkout …",
                "Error running CVS checkout \"cvs co x\", see checkout.log for details",
            ),
            (
                "Error getting commit hash for git…",
                "Error getting commit hash for git",
            ),
        ],
    )
    .read(&[Checkout])
    .sure(Likely)
    .stage(Stage::Source),
    rule(
        "scm-not-allowed",
        Policy,
        &[
            (
                "… is not in the list of allowed SCMs…",
                "git.example.org:/x.git is not in the list of allowed SCMs",
            ),
            (
                "SCM: … is not allowed, reason: …",
                "SCM: git.example.org:/x.git is not allowed, reason: None",
            ),
        ],
    ),
    rule(
        "scm-password",
        SourceRpm,
        &[(
            "username:password format not supported…",
            "username:password format not supported: me:hunter2",
        )],
    )
    .cut(": "),
    rule(
        "scm-address",
        SourceRpm,
        &[
            (
                "Invalid scheme in scm url…",
                "Invalid scheme in scm url. Valid schemes are: cvs:// git://",
            ),
            (
                "Invalid SCM URL…",
                "Invalid SCM URL. Path element must begin with a slash: x",
            ),
            (
                "Unable to parse SCM URL…",
                "Unable to parse SCM URL: git://h/x. Missing SCM fragment.",
            ),
            ("Unknown SCM type: …", "Unknown SCM type: hg"),
            (
                "No user specified for repository access scheme…",
                "No user specified for repository access scheme: git+ssh",
            ),
            ("Invalid source specification: …", "Invalid source specification: x"),
        ],
    ),
    // not allowed
    rule(
        "not-in-list",
        Policy,
        &[
            (
                "package … not in list for tag …",
                "package bash not in list for tag f44-pending",
            ),
            (
                "package (…) … not in list for tag …",
                "package (image) base not in list for tag f44-pending",
            ),
            (
                "package … is blocked for tag …",
                "package bash is blocked for tag f44-pending",
            ),
        ],
    ),
    rule(
        "policy-tag",
        Tagging,
        &[(
            "policy violation (tag)…",
            "policy violation (tag): all builds must be signed",
        )],
    )
    .stage(Stage::Tag),
    rule(
        "policy",
        Policy,
        &[
            ("policy violation (…)…", "policy violation (build_from_srpm)"),
            ("policy violation…", "policy violation: no"),
        ],
    ),
    rule(
        "already-built",
        Policy,
        &[
            (
                "Build already exists (id=…",
                "Build already exists (id=425, state=COMPLETE): {'name': 'x', 'task_id': 1}",
            ),
            (
                "Build already exists…",
                "Build already exists. Unable to recycle build: tagged",
            ),
            (
                "Build already in progress (task …",
                "Build already in progress (task 17)",
            ),
            ("The build already exists: …", "The build already exists: {'id': 7}"),
            ("Existing build found: …", "Existing build found: a-1-1"),
            ("Target build already exists: …", "Target build already exists: a-1-1"),
        ],
    )
    .cut(": {"),
    rule(
        "target",
        Policy,
        &[
            ("unknown build target: …", "unknown build target: f99"),
            ("neither tag nor target: …", "neither tag nor target: f99"),
            ("Repo/Target mismatch: …", "Repo/Target mismatch: f44-build/f43-build"),
            (
                "arch_override is only allowed for scratch builds…",
                "arch_override is only allowed for scratch builds",
            ),
            (
                "--scratch is not allowed with chain-builds…",
                "--scratch is not allowed with chain-builds",
            ),
            (
                "only admins may create high-priority tasks…",
                "only admins may create high-priority tasks",
            ),
            (
                "Draft build: … is not allowed…",
                "Draft build: a-1-1,draft_7 is not allowed",
            ),
            ("Draft build … not allowed…", "Draft build a-1-1 not allowed here"),
            ("Not a draft build…", "Not a draft build: a-1-1"),
            ("Cannot promote build…", "Cannot promote build a-1-1"),
            ("Invalid arch for build tag: …", "Invalid arch for build tag: riscv64"),
        ],
    ),
    rule(
        "task-owner",
        Unknown,
        &[
            ("host № does not own task №", "host 7 does not own task 17"),
            ("user № does not own task №", "user 7 does not own task 17"),
        ],
    ),
    // architectures
    rule(
        "no-arch",
        Package,
        &[
            ("No matching arches were found…", "No matching arches were found"),
            (
                "No valid arches were found. tag …",
                "No valid arches were found. tag x86_64, extra None",
            ),
        ],
    ),
    rule(
        "tag-without-arch",
        Buildroot,
        &[
            ("No arches for tag …", "No arches for tag f44-build [7]"),
            ("No arch list for …", "No arch list for this host"),
            (
                "host … does not support any arches of tag…",
                "host b1 (x86_64) does not support any arches of tag f44 (s390x)",
            ),
            (
                "The build system failed to set the …",
                "The build system failed to set the vendor tag",
            ),
        ],
    ),
    rule(
        "differs",
        Package,
        &[
            (
                "The following noarch package built differently on different architectures: …",
                "The following noarch package built differently on different architectures: a-doc-1-1.noarch.rpm",
            ),
            (
                "Unable to complete build: …mismatch…",
                "Unable to complete build: version mismatch (build: 1, rpm: 2)",
            ),
            (
                "srpm mismatch for …",
                "srpm mismatch for a-1-1.x86_64.rpm: a-1-1.src.rpm (expected a-1-2.src.rpm)",
            ),
        ],
    ),
    // the hub and its storage
    rule(
        "ended-meanwhile",
        Canceled,
        &[
            (
                "Unable to complete build: state is …",
                "Unable to complete build: state is CANCELED (expected BUILDING)",
            ),
            ("Task № is canceled…", "Task 12345 is canceled"),
            ("Task № was canceled…", "Task 12345 was canceled"),
            ("Dependency № failed to complete…", "Dependency 17 failed to complete"),
            ("Parent task (id №) is not open…", "Parent task (id 17) is not open"),
            ("Task № is not open…", "Task 17 is not open"),
        ],
    ),
    rule(
        "not-finished",
        Unknown,
        &[
            ("Task № is not finished…", "Task 17 is not finished"),
            ("could not find a built srpm…", "could not find a built srpm"),
            ("multiple builds returned a srpm…", "multiple builds returned a srpm"),
            (
                "Error importing build log…",
                "Error importing build log. build.log not found",
            ),
            ("A repo id must be provided…", "A repo id must be provided"),
            ("Repo № not in INIT state…", "Repo 17 not in INIT state (got READY)"),
        ],
    )
    .sure(Likely),
    rule(
        "upload",
        Buildroot,
        &[
            ("…ploaded file is wrong …", "Uploaded file is wrong length"),
            ("…ploaded file has wrong …", "uploaded file has wrong size"),
            ("File upload failed…", "File upload failed: build.log"),
            (
                "upload checksum failed…",
                "upload checksum failed for build.log: 1 != 2",
            ),
            (
                "server returned wrong chunk size…",
                "server returned wrong chunk size: 1 != 2",
            ),
            ("…error reading package header…", "error: error reading package header"),
        ],
    ),
    rule(
        "repo",
        Buildroot,
        &[
            ("Requested repo (№) is ¤…", "Requested repo (17) is DELETED"),
            ("tag/repo mismatch: …", "tag/repo mismatch: 7 vs 8"),
            (
                "Could not get config info for tag…",
                "Could not get config info for tag: 7",
            ),
            ("failed to get a buildroot id…", "failed to get a buildroot id"),
            ("No such repo: …", "No such repo: 17"),
            ("Bad repo: …", "Bad repo: 17 (DELETED)"),
            ("no repo for tag …", "no repo for tag f44-build"),
            (
                "Unsuccessfully waited …",
                "Unsuccessfully waited 120 minutes for a new f44-build repo",
            ),
            ("Repo request no longer active…", "Repo request no longer active"),
            ("Failed at_event request…", "Failed at_event request"),
            (
                "Repo directory missing: …",
                "Repo directory missing: /mnt/koji/repos/f44-build/17",
            ),
            (
                "failed to create repo: …",
                "failed to create repo: /usr/bin/createrepo_c exited with status 1",
            ),
            (
                "failed to merge repos: …",
                "failed to merge repos: /usr/bin/mergerepo_c exited with status 1",
            ),
            ("mergerepo_c is not installed…", "mergerepo_c is not installed"),
            (
                "Found multiple merge modes…",
                "Found multiple merge modes for external repos: x",
            ),
            ("Host mismatch…", "Host mismatch: 7 != 8"),
            (
                "Restart failed - start time is…",
                "Restart failed - start time is before restart request",
            ),
            ("Stage one restart task is…", "Stage one restart task is FAILED"),
            ("Subtasks timed out after …", "Subtasks timed out after 3600.0 seconds"),
        ],
    ),
    rule(
        "dist-repo",
        Policy,
        &[
            (
                "Packages missing from the filesystem…",
                "Packages missing from the filesystem. See missing_paths.log",
            ),
            (
                "Unsigned packages found…",
                "Unsigned packages found. See missing_keys.log",
            ),
            (
                "multilib packages missing…",
                "multilib packages missing. See missing_multilib.log",
            ),
        ],
    ),
    rule(
        "tag",
        Tagging,
        &[
            ("tag is locked", "tag is locked"),
            ("tag requires ¤ permission", "tag requires autosign permission"),
            ("build … already tagged…", "build a-1-1 already tagged (f44)"),
            (
                "build … not complete: state …",
                "build a-1-1 not complete: state FAILED",
            ),
            ("build … not in tag …", "build a-1-1 not in tag f44"),
            ("Package … not in list for …", "Package a not in list for f44"),
            ("Package … blocked in …", "Package a blocked in f44"),
            (
                "Package … is not in tag listing for …",
                "Package a is not in tag listing for f44",
            ),
            ("This is not your sidetag…", "This is not your sidetag"),
            ("Not a sidetag…", "Not a sidetag: f44"),
        ],
    )
    .stage(Stage::Tag),
    // other kinds of build
    rule(
        "subtasks",
        Package,
        &[
            ("all subtasks failed…", "all subtasks failed"),
            (
                "unable to run chain build, circular dependencies…",
                "unable to run chain build, circular dependencies",
            ),
            ("could not find build for task…", "could not find build for task 17"),
            (
                "…; see root.log or appliance.log for more…",
                "x; see root.log or appliance.log for more information",
            ),
            (
                "…; see root.log or livecd.log for more…",
                "x; see root.log or livecd.log for more information",
            ),
            (
                "…; see root.log or livemedia-out.log for more…",
                "x; see root.log or livemedia-out.log for more information",
            ),
            ("Could not create ¤…", "Could not create appliance: 1"),
            ("Kiwi failed…", "Kiwi failed"),
            ("Preparation step failed…", "Preparation step failed"),
            (
                "ImageFactory functions not available…",
                "ImageFactory functions not available",
            ),
        ],
    )
    .sure(Likely),
    rule(
        "kickstart",
        SourceRpm,
        &[
            (
                "Failed to parse kickstart file …",
                "Failed to parse kickstart file 'x.ks'",
            ),
            (
                "Failed to read kickstart file …",
                "Failed to read kickstart file 'x.ks'",
            ),
            ("Kickstart … does not exist…", "Kickstart x.ks does not exist"),
            ("KS file missing…", "KS file missing: x.ks"),
        ],
    )
    .read(&[Checkout]),
    rule(
        "maven-coordinates",
        SourceRpm,
        &[("¤ mismatch (current: …", "groupId mismatch (current: a, new: b)")],
    ),
    rule(
        "maven-repository",
        Package,
        &[(
            "files found in unexpected path in local Maven repo…",
            "files found in unexpected path in local Maven repo: x",
        )],
    )
    .read(&[Build]),
    rule(
        "maven-missing",
        Buildroot,
        &[(
            "/usr/bin/mvn was not found in the buildroot…",
            "/usr/bin/mvn was not found in the buildroot",
        )],
    )
    .read(&[Root]),
    // wrong calls
    rule(
        "wrong-call",
        Unknown,
        &[
            (
                "…handler() got an unexpected …",
                "handler() got an unexpected keyword argument 'x'",
            ),
            (
                "…handler() takes …",
                "handler() takes 2 positional arguments but 3 were given",
            ),
            (
                "…handler() missing …",
                "handler() missing 1 required positional argument: 'x'",
            ),
            ("Invalid signature for …", "Invalid signature for a"),
            ("opts not supported…", "opts not supported"),
            ("missing required argument…", "missing required argument x"),
            ("too many args…", "too many args"),
            ("method \"…\" is not supported", "method \"a\" is not supported"),
            ("Invalid method: …", "Invalid method: a"),
            ("No such tag…", "No such tag: a"),
            ("No such build…", "No such build: a"),
            ("No such user…", "No such user: a"),
            ("No such entry…", "No such entry in table tag: a"),
            ("query returned no rows…", "query returned no rows"),
        ],
    )
    .sure(Likely),
    // the world, which breaks in the middle of anything
    rule(
        "offline",
        Buildroot,
        &[
            ("Server disabled for maintenance…", "Server disabled for maintenance"),
            ("database outage…", "database outage"),
            ("server is offline…", "server is offline"),
            ("…Offline: …", "ServerOffline: back soon"),
        ],
    ),
    rule(
        "disk",
        Buildroot,
        &[
            (
                "…No space left on device…",
                "[Errno 28] No space left on device: '/mnt/koji/work/x'",
            ),
            ("…Errno 28]…", "OSError: [Errno 28] x"),
            ("…Disk quota exceeded…", "[Errno 122] Disk quota exceeded"),
            (
                "…Read-only file system…",
                "[Errno 30] Read-only file system: '/var/lib/mock'",
            ),
            ("…Input/output error…", "[Errno 5] Input/output error"),
            ("…Stale file handle…", "[Errno 116] Stale file handle: '/mnt/koji'"),
            (
                "…Transport endpoint is not connected…",
                "[Errno 107] Transport endpoint is not connected",
            ),
            ("…Too many open files…", "[Errno 24] Too many open files"),
        ],
    )
    .sure(Likely),
    rule(
        "memory",
        Buildroot,
        &[
            ("…Cannot allocate memory…", "OSError: [Errno 12] Cannot allocate memory"),
            ("MemoryError…", "MemoryError: "),
            (
                "…Resource temporarily unavailable…",
                "BlockingIOError: [Errno 11] Resource temporarily unavailable",
            ),
        ],
    )
    .sure(Likely),
    rule(
        "network",
        Buildroot,
        &[
            ("ConnectionError: …", "ConnectionError: ('Connection aborted.', x)"),
            ("¤ConnectionError…", "requests.exceptions.ConnectionError: x"),
            ("HTTPError: …", "HTTPError: HTTP Error 503: Backend fetch failed"),
            ("HTTP Error №…", "HTTP Error 404: Not Found"),
            ("…HTTPError: …", "requests.exceptions.HTTPError: 502"),
            (
                "… Server Error: …",
                "502 Server Error: Proxy Error for url: https://koji.example.org/kojihub",
            ),
            (
                "…imed out…",
                "HTTPSConnectionPool(host='koji.example.org', port=443): Read timed out. (read timeout=43200)",
            ),
            ("…imeout: …", "ReadTimeout: x"),
            ("…Connection reset by peer…", "[Errno 104] Connection reset by peer"),
            ("…Connection refused…", "[Errno 111] Connection refused"),
            (
                "…Connection aborted…",
                "('Connection aborted.', BadStatusLine(\"''\",))",
            ),
            (
                "…RemoteDisconnected…",
                "('x', RemoteDisconnected('Remote end closed connection without response'))",
            ),
            (
                "…Remote end closed connection…",
                "Remote end closed connection without response",
            ),
            (
                "…ProtocolError…",
                "ProtocolError: <ProtocolError for koji.example.org/kojihub: 502 Bad Gateway>",
            ),
            ("…IncompleteRead(…", "IncompleteRead(0 bytes read)"),
            ("…Bad Gateway…", "502 Bad Gateway"),
            ("…Service Unavailable…", "503 Service Unavailable"),
            (
                "…Service Temporarily Unavailable…",
                "503 Service Temporarily Unavailable",
            ),
            ("…Gateway Time…", "504 Gateway Time-out"),
            (
                "…Max retries exceeded…",
                "HTTPSConnectionPool(host='h', port=443): Max retries exceeded with url: /x",
            ),
            (
                "…Temporary failure in name resolution…",
                "[Errno -3] Temporary failure in name resolution",
            ),
            ("…Name or service not known…", "[Errno -2] Name or service not known"),
            ("…No route to host…", "[Errno 113] No route to host"),
            ("…Network is unreachable…", "[Errno 101] Network is unreachable"),
            ("…Broken pipe…", "[Errno 32] Broken pipe"),
            (
                "…certificate verify failed…",
                "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1)",
            ),
            ("SSLError: …", "SSLError: x"),
            ("BadStatusLine…", "BadStatusLine: ''"),
            ("…urlopen error …", "<urlopen error x>"),
            (
                "…all retries failed…",
                "reached maximum number of retries, all retries failed",
            ),
            (
                "…eached maximum number of retries…",
                "reached maximum number of retries, last call failed with: x",
            ),
        ],
    )
    .sure(Likely),
    rule(
        "database",
        Buildroot,
        &[
            (
                "OperationalError: …",
                "OperationalError: server closed the connection unexpectedly",
            ),
            (
                "…server closed the connection unexpectedly…",
                "server closed the connection unexpectedly",
            ),
            ("…deadlock detected…", "deadlock detected"),
            (
                "…could not serialize access…",
                "could not serialize access due to concurrent update",
            ),
            ("InterfaceError: …", "InterfaceError: connection already closed"),
        ],
    )
    .sure(Likely),
    rule(
        "lock",
        Buildroot,
        &[
            (
                "…uild root is locked by another process…",
                "Build root is locked by another process.",
            ),
            ("LockError: …", "LockError: x"),
            (
                "…Device or resource busy…",
                "[Errno 16] Device or resource busy: '/var/lib/mock/x'",
            ),
            ("…Directory not empty…", "[Errno 39] Directory not empty: 'x'"),
        ],
    )
    .sure(Likely),
];
