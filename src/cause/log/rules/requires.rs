//! `root.log` and `mock_output.log`: the chroot, the package manager, its repositories, and mock itself.

use crate::koji::CauseClass::{Buildroot, Dependencies, Package, SourceRpm};

use super::Worth::{Follower, Innocent, Machine, Plain, Reason, Sign, Verdict};
use super::{Rule, rule};

pub(in super::super) const INNOCENT: &[Rule] = &[rule(
    "innocent",
    Buildroot,
    Innocent,
    &[
        (
            "Non-fatal … in rpm package …",
            "Non-fatal POSTIN scriptlet failure in rpm package a",
        ),
        ("…is already installed…", "Package a-1-1 is already installed."),
        ("child environment: …", "child environment: {'error': 'x'}"),
        (
            "Executing command: …",
            "Executing command: ['/usr/bin/dnf', 'builddep', 'error: No space left on device']",
        ),
        ("Child return code was: …", "Child return code was: 1"),
        ("…umount…", "Executing command: /bin/umount: error: x"),
        ("No match for group package …", "No match for group package \"x\""),
        (
            "warning: …",
            "warning: %post(a-1-1.x86_64) scriptlet failed, exit status 1",
        ),
        ("Warning: …", "Warning: failed loading error: x"),
        ("WARNING: …", "WARNING: error: x"),
        ("…: warning: …", "x: warning: error: y"),
        (
            "Error in …scriptlet in rpm package …",
            "Error in POSTIN scriptlet in rpm package a",
        ),
        (
            "Non-critical error in scriptlet…",
            "Non-critical error in scriptlet, skipping: x",
        ),
        (
            ">>> Non-critical error in …",
            ">>> Non-critical error in post-install scriptlet: a",
        ),
        ("Failed to set locale…", "Failed to set locale, defaulting to C.UTF-8"),
        (
            "Failed to connect to bus…",
            "Failed to connect to bus: No such file or directory",
        ),
        ("Created symlink …", "Created symlink error: x"),
        ("Installing : …", "Installing : perl-Error: x"),
        ("Installing: …", "Installing: perl-Error: x"),
        ("Running scriptlet: …", "Running scriptlet: perl-Error: x"),
        ("Verifying : …", "Verifying : perl-Error: x"),
        ("Failed to open /dev/…", "Failed to open /dev/x"),
        (
            "Failed to obtain the transaction lock…",
            "Failed to obtain the transaction lock (logged in as: x).",
        ),
        ("… - using …", "a - using error: x"),
        ("ERROR: Command failed…", "ERROR: Command failed:"),
        (
            "ERROR: Exception(…) Config(…) …",
            "ERROR: Exception(/builddir/a.src.rpm) Config(f44) 0 minutes 7 seconds",
        ),
    ],
)];

pub(in super::super) const RULES: &[Rule] = &[
    // requirements
    rule(
        "nothing-provides",
        Dependencies,
        Reason,
        &[
            ("¤ conflicts with …", "a conflicts with b-1-1"),
            (
                "…nothing provides …",
                "- nothing provides libfoo.so.1()(64bit) needed by a-1-1.x86_64",
            ),
            (
                "…No matching package to install: …",
                "No matching package to install: 'foo-devel'",
            ),
            ("No match for argument: …", "No match for argument: foo-devel"),
            ("…Unable to find a match: …", "Error: Unable to find a match: foo-devel"),
            ("…No Package found for …", "Error: No Package found for foo-devel >= 2"),
            ("…No Packages found for …", "No Packages found for foo-devel"),
            ("No package … available.", "No package foo-devel available."),
            ("No matches found for …", "No matches found for foo"),
            ("¤ … is needed by …", "libfoo >= 2 is needed by a-1-1.x86_64"),
            ("¤ is needed by …", "libfoo is needed by a-1-1.x86_64"),
            (
                "…Missing Dependency: …",
                "Error: Missing Dependency: libfoo is needed by package a",
            ),
            (
                "file … from install of … conflicts with file from package …",
                "file /usr/bin/x from install of a-1-1 conflicts with file from package b-1-1",
            ),
            (
                "file … conflicts between attempted installs of …",
                "file /usr/bin/x conflicts between attempted installs of a-1-1 and b-1-1",
            ),
            (
                "file … from install of … conflicts with …",
                "file /usr/bin/x from install of a-1-1 conflicts with y",
            ),
        ],
    ),
    rule(
        "conflict",
        Dependencies,
        Verdict,
        &[
            (
                "…none of the providers can be installed…",
                "- package a-1-1 requires libfoo, but none of the providers can be installed",
            ),
            (
                "- cannot install both … and …",
                "- cannot install both a-1-1 from x and a-2-1 from x",
            ),
            (
                "…: package … conflicts with …",
                "Problem 1: package a-1-1 conflicts with b provided by b-1-1",
            ),
            (
                "- package … conflicts with …",
                "- package a-1-1 conflicts with b provided by b-1-1",
            ),
            (
                "- package … obsoletes …",
                "- package a-1-1 obsoletes b < 2 provided by b-1-1",
            ),
            (
                "- installed package … requires …",
                "- installed package a-1-1 requires b",
            ),
            ("- package … requires …", "- package a-1-1 requires b = 2"),
            (
                "…is filtered out by …",
                "- package a-1-1 is filtered out by exclude filtering",
            ),
            ("- package … is excluded", "- package a-1-1 is excluded"),
            (
                "…does not have a compatible architecture…",
                "- package a-1-1 does not have a compatible architecture",
            ),
            (
                "…has inferior architecture…",
                "- package a-1-1 has inferior architecture",
            ),
            ("…conflicting dependencies…", "Error: conflicting dependencies"),
        ],
    ),
    rule(
        "yum",
        Dependencies,
        Reason,
        &[("Error: Package: … (…)", "Error: Package: a-1-1.x86_64 (build)")],
    )
    .tail(1),
    rule(
        "problem",
        Dependencies,
        Plain,
        &[
            (
                "…cannot install the best …candidate …",
                "Problem: cannot install the best candidate for the job",
            ),
            ("Problem: …", "Problem: conflicting requests"),
            ("Problem №: …", "Problem 1: conflicting requests"),
            ("Error: Problem…", "Error: Problem: conflicting requests"),
            ("- conflicting requests", "- conflicting requests"),
            ("Requires: …", "Requires: libfoo >= 2"),
        ],
    ),
    rule(
        "resolve",
        Dependencies,
        Sign,
        &[
            (
                "Failed to resolve the transaction…",
                "Failed to resolve the transaction:",
            ),
            ("Not all dependencies satisfied", "Not all dependencies satisfied"),
            (
                "…Some packages could not be found…",
                "Error: Some packages could not be found.",
            ),
            ("…epsolve…", "Depsolve Error occurred: x"),
            ("error: Failed …dependencies:", "error: Failed build dependencies:"),
            (
                "…You can try to add …--skip-broken…",
                "(You can try to add '--skip-broken' to skip uninstallable packages)",
            ),
        ],
    )
    .tail(1),
    // repositories and their servers
    rule(
        "mirror",
        Buildroot,
        Sign,
        &[
            (
                "[MIRROR] …",
                "[MIRROR] a.rpm: Curl error (28): Timeout was reached for http://h/a.rpm",
            ),
            (
                "…Trying other mirror.",
                "http://h/a.rpm: [Errno 14] curl#7 - \"x\" Trying other mirror.",
            ),
            (">>> … Trying …mirror…", ">>> Curl error (28): x. Trying next mirror."),
        ],
    ),
    rule(
        "lookaside",
        SourceRpm,
        Reason,
        &[
            (
                "…Could not execute sources: …404…",
                "Could not execute sources: Server returned status code 404",
            ),
            ("…Could not execute sources: …", "Could not execute sources: x"),
            ("…Failed to download sources…", "Failed to download sources"),
            ("…ould not download …ources…", "Could not download sources"),
            (
                "…The requested URL returned error: 404…",
                "curl: (22) The requested URL returned error: 404 Not Found",
            ),
            (
                "…computed checksum… did NOT match…",
                "md5sum: WARNING: 1 computed checksum did NOT match",
            ),
            ("…ownload… hash …mismatch…", "Downloaded file's hash mismatch"),
            ("…failed checksum…", "a.tar.gz failed checksum"),
            ("…sources…: command not found", "sh: fedpkg-sources: command not found"),
            (
                "…No rule to make target 'sources'…",
                "make: *** No rule to make target 'sources'. Stop.",
            ),
            (
                "…No rule to make target `sources'…",
                "make: *** No rule to make target `sources'. Stop.",
            ),
        ],
    ),
    rule(
        "repository",
        Buildroot,
        Machine,
        &[
            (
                "…Curl error (№): …",
                "Curl error (28): Timeout was reached for http://h/repodata/repomd.xml",
            ),
            (
                "…Status code: № for …",
                "- Status code: 503 for http://h/repodata/repomd.xml (IP: 10.0.0.1)",
            ),
            (
                "…Cannot download repomd.xml…",
                "Error: Cannot download repomd.xml: All mirrors were tried",
            ),
            (
                "…Failed to download metadata …",
                "Error: Failed to download metadata for repo 'build': x",
            ),
            (
                "…Failed to synchronize cache for repo …",
                "Error: Failed to synchronize cache for repo 'build'",
            ),
            (
                "…Cannot download …",
                "Cannot download Packages/a.rpm: All mirrors were tried",
            ),
            ("…All mirrors were tried…", "x: All mirrors were tried"),
            (
                "…No more mirrors to try…",
                "[FAILED] a.rpm: No more mirrors to try - All mirrors were already tried without success",
            ),
            (
                "…failure: …: [Errno 256] …",
                "failure: repodata/repomd.xml from build: [Errno 256] x",
            ),
            (
                "…[Errno 14] …",
                "http://h/repodata/repomd.xml: [Errno 14] HTTP Error 404 - Not Found",
            ),
            ("…Librepo error: …", "Librepo error: x"),
            (
                "…Cannot retrieve repository metadata …",
                "Error: Cannot retrieve repository metadata (repomd.xml) for repository: build.",
            ),
            (
                "…annot prepare internal mirrorlist…",
                "Cannot prepare internal mirrorlist: x",
            ),
            (
                "…Failed to retrieve …",
                "Failed to retrieve new key for repository build",
            ),
            (
                "…checksum doesn't match…",
                "Downloading successful, but checksum doesn't match.",
            ),
            ("…Checksum doesn't match…", "x: Checksum doesn't match"),
            ("…GPG check FAILED…", "Error: GPG check FAILED"),
            ("Package … is not signed…", "Package a-1-1.rpm is not signed"),
            (
                "…The GPG keys listed …",
                "The GPG keys listed for the \"x\" repository are already installed but they are not correct for this package.",
            ),
            (
                "…does not verify: …",
                "package a-1-1.x86_64 does not verify: Payload SHA256 digest: BAD",
            ),
            ("…Could not resolve host…", "x: Could not resolve host: h"),
            ("…Couldn't resolve host…", "x: Couldn't resolve host 'h'"),
            ("…Connection timed out…", "x: Connection timed out"),
            ("…Connection refused…", "x: Connection refused"),
            ("…Connection reset by peer…", "x: Connection reset by peer"),
            (
                "…Operation too slow…",
                "x: Operation too slow. Less than 1000 bytes/sec transferred the last 30 seconds",
            ),
            (
                "…Temporary failure in name resolution…",
                "x: Temporary failure in name resolution",
            ),
            ("…HTTP Error 5№…", "HTTP Error 503: Service Unavailable"),
            (
                "…returned error: 5№…",
                "curl: (22) The requested URL returned error: 503",
            ),
            ("…ailed to load metadata…", "Failed to load metadata for build"),
            ("…Error: Unknown repo…", "Error: Unknown repo: 'build'"),
            ("…xml…parse error…", "repomd.xml parse error: x"),
        ],
    ),
    // installing
    rule(
        "repository-heads",
        Buildroot,
        Verdict,
        &[
            (
                "…Errors during downloading metadata …",
                "Errors during downloading metadata for repository 'build':",
            ),
            ("…rror downloading packages:…", "Error: Error downloading packages:"),
        ],
    ),
    rule(
        "install",
        Buildroot,
        Reason,
        &[
            (
                "error: unpacking of archive failed…",
                "error: unpacking of archive failed on file /usr/x;1: cpio: read",
            ),
            (
                "…Error unpacking rpm package …",
                "Error unpacking rpm package a-1-1.x86_64",
            ),
            (
                "error: %…scriptlet failed…",
                "error: %prein(a-1-1.x86_64) scriptlet failed, exit status 1",
            ),
            ("error: lua script failed…", "error: lua script failed: x"),
            ("error: a-… : install …", "error: a-1-1 : install failed"),
            ("error: …: install failed", "error: a-1-1.x86_64: install failed"),
            ("error: rpmdb: …", "error: rpmdb: BDB0113 Thread/process x failed"),
            ("error: db5 error…", "error: db5 error(-30973) from dbenv->open: x"),
            (
                "error: cannot open Packages …",
                "error: cannot open Packages database in /var/lib/rpm",
            ),
            ("error: sqlite failure: …", "error: sqlite failure: x"),
            (
                "…Rpmdb checksum is invalid…",
                "Rpmdb checksum is invalid: dCDPT(pkg checksums)",
            ),
            (
                "…there are unfinished transactions …",
                "there are unfinished transactions remaining",
            ),
            ("…RPM: error: …", "RPM: error: x"),
            (
                "…intended for a different architecture…",
                "package a-1-1.noarch is intended for a different architecture",
            ),
            (
                "…intended for a different operating system…",
                "package a is intended for a different operating system",
            ),
        ],
    ),
    // mock
    rule(
        "mock",
        Buildroot,
        Reason,
        &[
            ("…amespace unshare failed…", "Namespace unshare failed."),
            (
                "…uild root is locked by another process…",
                "mockbuild.exception.BuildRootLocked: Build root is locked by another process.",
            ),
            ("…BuildRootLocked…", "BuildRootLocked: x"),
            (
                "…ResultDirLocked…",
                "ResultDirLocked: Result dir is locked by another process",
            ),
            (
                "…esult dir is locked by another process…",
                "Result dir is locked by another process",
            ),
            (
                "…InvalidArchitecture: …",
                "mockbuild.exception.InvalidArchitecture: Cannot build target x on arch y",
            ),
            (
                "…Cannot build target … on arch …",
                "Cannot build target x on arch y, because it is not listed in legal_host_arches ('z')",
            ),
            ("…ResultDirNotAccessible…", "ResultDirNotAccessible: x"),
            ("…UnshareFailed…", "UnshareFailed: x"),
            ("…BootstrapError…", "BootstrapError: x"),
            ("…RootError: …", "mockbuild.exception.RootError: x"),
            ("…StateError…", "StateError: x"),
            ("…LvmError…", "LvmError: x"),
            ("…LvmLocked…", "LvmLocked: x"),
            (
                "…nsufficient free space…",
                "Volume group has insufficient free space (0 extents): 5 required.",
            ),
            ("…ConfigError…", "ConfigError: x"),
            (
                "…Could not find required config file…",
                "ERROR: Could not find required config file: /etc/mock/x.cfg",
            ),
            (
                "…Directory tree … is currently busy…",
                "Directory tree /var/lib/mock/x/root is currently busy.",
            ),
            (
                "Failed to register machine: …",
                "Failed to register machine: Machine 'x' already exists",
            ),
            ("Failed to allocate …", "Failed to allocate scope: x"),
            ("Failed to fork …", "Failed to fork off x"),
            ("Failed to clone…", "Failed to clone: x"),
            ("Failed to mount …", "Failed to mount x"),
            ("…pkgManager …ailed…", "pkgManager command failed"),
            (
                "…Device or resource busy…",
                "OSError: [Errno 16] Device or resource busy: '/var/lib/mock/x'",
            ),
            ("…Failed to pull …", "Failed to pull the bootstrap image"),
            ("…PkgError…", "mockbuild.exception.PkgError: x"),
        ],
    ),
    rule(
        "srpm-not-accepted",
        Package,
        Reason,
        &[
            (
                "…Cannot find/open srpm: …",
                "ERROR: Cannot find/open srpm: /x.src.rpm. Error: y",
            ),
            ("…bad package: …", "ERROR: bad package: x"),
        ],
    ),
    rule(
        "install-heads",
        Buildroot,
        Verdict,
        &[
            ("…Could not run transaction…", "Error: Could not run transaction."),
            ("…Transaction failed…", "Error: Transaction failed"),
            ("…Rpm transaction failed…", "Rpm transaction failed."),
            ("…Transaction test error…", "Error: Transaction test error:"),
            ("…ransaction check error…", "Transaction check error:"),
            ("…ransaction check …error…", "Running transaction check error: x"),
        ],
    ),
    rule(
        "follower",
        Buildroot,
        Follower,
        &[
            (
                "error: Bad exit status from …",
                "error: Bad exit status from /var/tmp/rpm-tmp.a (%build)",
            ),
            (
                "Bad exit status from …",
                "Bad exit status from /var/tmp/rpm-tmp.a (%build)",
            ),
            ("RPM build errors:", "RPM build errors:"),
            (
                "Traceback (most recent call last):",
                "Traceback (most recent call last):",
            ),
            (
                "mockbuild.exception.Error: …",
                "mockbuild.exception.Error: Command failed: x",
            ),
            ("# /usr/bin/…", "# /usr/bin/dnf builddep x"),
            ("# …", "# /usr/bin/systemd-nspawn x"),
        ],
    ),
    rule(
        "error",
        Buildroot,
        Plain,
        &[
            ("Error: …", "Error: x"),
            ("error: …", "error: x"),
            ("ERROR: …", "ERROR: x"),
            ("fatal: …", "fatal: x"),
            ("¤Error: …", "mockbuild.exception.YumError: x"),
            ("¤Exception: …", "x.SomeException: y"),
        ],
    ),
];
