//! rpm itself: specs that do not parse, `%prep`, `%files`, debuginfo, and the scripts that go over a build root.

use crate::koji::CauseClass::{Dependencies, Package, SourceRpm};

use super::Worth::{Follower, Plain, Reason, Sign};
use super::{Rule, rule};

/// What rpm repeats at its end and no other rule knows.
pub(in super::super) static LISTED: Rule = rule("rpm-list", Package, Plain, &[]);

pub(in super::super) const RULES: &[Rule] = &[
    rule(
        "requires",
        Dependencies,
        Reason,
        &[
            ("¤ … is needed by …", "libfoo-devel >= 2 is needed by a-1-1.fc44.x86_64"),
            ("¤ is needed by …", "libfoo-devel is needed by a-1-1.fc44.x86_64"),
            ("… is needed by …-…-….fc…", "(x with y) is needed by a-1-1.fc44.src"),
        ],
    ),
    rule(
        "requires-head",
        Dependencies,
        Sign,
        &[
            ("error: Failed build dependencies:", "error: Failed build dependencies:"),
            ("error: Failed dependencies:", "error: Failed dependencies:"),
            ("Failed build dependencies:", "Failed build dependencies:"),
        ],
    )
    .tail(1),
    // the spec
    rule(
        "source-missing",
        SourceRpm,
        Reason,
        &[
            (
                "error: Bad source: …",
                "error: Bad source: /builddir/build/SOURCES/a.tar.gz: No such file or directory",
            ),
            (
                "error: Bad file: …",
                "error: Bad file: /builddir/build/SOURCES/a.tar.gz: No such file or directory",
            ),
            (
                "error: File …/SOURCES/…: No such file or directory",
                "error: File /builddir/build/SOURCES/a.patch: No such file or directory",
            ),
            (
                "error: Unable to open …/SOURCES/…",
                "error: Unable to open /builddir/build/SOURCES/a.inc: No such file or directory",
            ),
            ("error: No source number №…", "error: No source number 7"),
            ("error: No patch number №…", "error: No patch number 7"),
            (
                "error: Unable to open …",
                "error: Unable to open /builddir/build/SPECS/a.spec: No such file or directory",
            ),
            (
                "error: failed to read spec …",
                "error: failed to read spec file /a.spec",
            ),
            ("error: Source … can't …", "error: Source a can't be fetched"),
            ("error: Missing source…", "error: Missing source 0"),
            (
                "Bad source: …",
                "Bad source: /builddir/build/SOURCES/a.tar.gz: No such file or directory",
            ),
            (
                "Bad file: …",
                "Bad file: /builddir/build/SOURCES/a.patch: No such file or directory",
            ),
        ],
    ),
    rule(
        "spec",
        SourceRpm,
        Reason,
        &[
            ("error: line №: …", "error: line 12: Unknown tag: Foo: bar"),
            (
                "error: …: line №: …",
                "error: /builddir/build/SPECS/a.spec: line 12: Unknown tag: x",
            ),
            ("error: ….spec:№: …", "error: a.spec:12: x"),
            (
                "error: parse error in expression…",
                "error: parse error in expression: x",
            ),
            (
                "error: syntax error in expression…",
                "error: syntax error in expression: x",
            ),
            (
                "error: syntax error while parsing …",
                "error: syntax error while parsing &&",
            ),
            (
                "error: bare words are no longer supported…",
                "error: bare words are no longer supported, please use \"...\": x",
            ),
            ("error: types must match…", "error: types must match"),
            ("error: unmatched …", "error: unmatched (: (x"),
            ("error: Unterminated …", "error: Unterminated {: {x"),
            ("error: Unclosed %if…", "error: Unclosed %if"),
            ("error: …%else with no %if…", "error: x.spec:3: Got a %else with no %if"),
            (
                "error: …%endif with no %if…",
                "error: x.spec:3: Got a %endif with no %if",
            ),
            (
                "error: … field must be present in package: …",
                "error: Name field must be present in package: (main package)",
            ),
            (
                "error: Duplicate … entries in package: …",
                "error: Duplicate Version entries in package: (main package)",
            ),
            (
                "error: Package has no %description: …",
                "error: Package has no %description: a",
            ),
            (
                "error: Package already exists: …",
                "error: Package already exists: a-devel",
            ),
            (
                "error: Package does not exist: …",
                "error: Package does not exist: a-devel",
            ),
            (
                "error: %changelog …",
                "error: %changelog not in descending chronological order",
            ),
            ("error: bad date in %changelog…", "error: bad date in %changelog: x"),
            (
                "error: %changelog entries must start with *",
                "error: %changelog entries must start with *",
            ),
            (
                "error: Illegal char…",
                "error: Illegal char '-' (0x2d) in: Version: 1-2",
            ),
            ("error: Illegal sequence …", "error: Illegal sequence \"..\" in: 1..2"),
            (
                "error: Invalid …",
                "error: Invalid version (double separator '-'): 1--2",
            ),
            ("error: Empty tag: …", "error: Empty tag: Version:"),
            ("error: Unknown …", "error: Unknown option x in a.spec"),
            (
                "error: Too many levels of recursion in macro expansion…",
                "error: Too many levels of recursion in macro expansion. It is likely caused by recursive macro declaration.",
            ),
            ("error: Macro %… …", "error: Macro %a has illegal name (%define)"),
            (
                "error: Dependency tokens must begin with …",
                "error: Dependency tokens must begin with alpha-numeric, '_' or '/': x",
            ),
            (
                "error: Versioned file name not permitted…",
                "error: Versioned file name not permitted: x",
            ),
            (
                "error: lua script failed: …",
                "error: lua script failed: [string \"<lua>\"]:1: x",
            ),
            ("error: …lua…: …", "error: lua expansion failed: x"),
            (
                "error: query of specfile … failed, can't parse",
                "error: query of specfile a.spec failed, can't parse",
            ),
            ("error: Failed to parse spec…", "error: Failed to parse spec file"),
            ("error: Spec …", "error: Spec file can't use BuildRoot"),
            (
                "error: … does not appear to be a specfile.",
                "error: a.spec does not appear to be a specfile.",
            ),
            (
                "error: File … does not appear to be a specfile.",
                "error: File a.spec does not appear to be a specfile.",
            ),
            (
                "error: Could not open %include …",
                "error: Could not open %include file x",
            ),
            ("error: Unable to parse …", "error: Unable to parse a.spec"),
        ],
    ),
    rule(
        "spec-lines",
        SourceRpm,
        Plain,
        &[
            ("line №: Unknown tag: …", "line 12: Unknown tag: x"),
            ("line №: … in: …", "line 12: Illegal char '-' in: Version: x"),
        ],
    ),
    rule(
        "no-arch",
        Package,
        Reason,
        &[
            (
                "error: No compatible architectures found for build",
                "error: No compatible architectures found for build",
            ),
            (
                "error: Architecture is …cluded: …",
                "error: Architecture is excluded: s390x",
            ),
            (
                "error: Architecture is not included: …",
                "error: Architecture is not included: x86_64",
            ),
            ("error: OS is …cluded: …", "error: OS is excluded: linux"),
        ],
    ),
    // what an undefined macro leaves behind
    rule(
        "macro",
        Package,
        Reason,
        &[
            (
                "…: fg: no job control",
                "/var/tmp/rpm-tmp.a: line 33: fg: no job control",
            ),
            ("…: Fg: …", "/var/tmp/rpm-tmp.a: line 33: Fg: no"),
            (
                "…/rpm-tmp.…: line №: %…",
                "/var/tmp/rpm-tmp.a: line 33: %foo: command not found",
            ),
        ],
    ),
    // %prep
    rule(
        "patch",
        Package,
        Reason,
        &[
            ("Hunk #№ FAILED at …", "Hunk #1 FAILED at 12."),
            (
                "№ out of № hunk… FAILED…",
                "1 out of 3 hunks FAILED -- saving rejects to file x.c.rej",
            ),
            ("№ out of № hunk… ignored…", "1 out of 1 hunk ignored"),
            (
                "can't find file to patch at input line №…",
                "can't find file to patch at input line 5",
            ),
            (
                "Reversed (or previously applied) patch detected!…",
                "Reversed (or previously applied) patch detected! Assume -R? [n]",
            ),
            ("error: patch failed: …", "error: patch failed: x.c:12"),
            ("error: …: patch does not apply", "error: x.c: patch does not apply"),
            (
                "error: …: does not exist in index",
                "error: x.c: does not exist in index",
            ),
            ("error: corrupt patch at line №…", "error: corrupt patch at line 12"),
            (
                "error: No valid patches in input…",
                "error: No valid patches in input (allow with \"--allow-empty\")",
            ),
            ("Patch failed at № …", "Patch failed at 0001 a patch"),
            ("patch: **** …", "patch: **** malformed patch at line 12: x"),
            (
                "patch unexpectedly ends in middle of line",
                "patch unexpectedly ends in middle of line",
            ),
            (
                "…-- refusing to patch",
                "File x is not a regular file -- refusing to patch",
            ),
            (
                "Not deleting file … as content differs from patch",
                "Not deleting file x as content differs from patch",
            ),
            ("The next patch would …", "The next patch would create the file x,"),
        ],
    ),
    rule(
        "unpack",
        SourceRpm,
        Reason,
        &[
            ("¤: ¤: unexpected end of file", "gzip: stdin: unexpected end of file"),
            (
                "tar: …: Cannot open: …",
                "tar: a.tar.gz: Cannot open: No such file or directory",
            ),
            (
                "tar: This does not look like a tar archive",
                "tar: This does not look like a tar archive",
            ),
            ("tar: …: Not found in archive", "tar: x: Not found in archive"),
            ("tar: Unexpected EOF in archive", "tar: Unexpected EOF in archive"),
            ("…: not in gzip format", "gzip: stdin: not in gzip format"),
            (
                "…: File format not recognized",
                "xz: (stdin): File format not recognized",
            ),
            (
                "…: …nd-of-central-directory signature not found…",
                "End-of-central-directory signature not found. x: y: End-of-central-directory signature not found",
            ),
            (
                "unzip: cannot find …",
                "unzip: cannot find or open a.zip, a.zip.zip or a.zip.ZIP.",
            ),
            ("gpgv: BAD signature from …", "gpgv: BAD signature from \"a\""),
            (
                "gpgv: Can't check signature: …",
                "gpgv: Can't check signature: No public key",
            ),
            ("gpg: BAD signature from …", "gpg: BAD signature from \"a\""),
            (
                "¤: WARNING: № computed checksum… did NOT match",
                "sha512sum: WARNING: 1 computed checksum did NOT match",
            ),
        ],
    ),
    // %files and what follows %install
    rule(
        "unpackaged",
        Package,
        Reason,
        &[(
            "error: Installed (but unpackaged) file(s) found:…",
            "error: Installed (but unpackaged) file(s) found:",
        )],
    )
    .tail(2),
    rule(
        "files",
        Package,
        Reason,
        &[
            (
                "error: File not found: …",
                "error: File not found: /builddir/build/BUILDROOT/a/usr/bin/x",
            ),
            (
                "error: File not found by glob: …",
                "error: File not found by glob: /builddir/build/BUILDROOT/a/usr/*",
            ),
            (
                "error: Directory not found: …",
                "error: Directory not found: /builddir/build/BUILDROOT/a/usr/x",
            ),
            (
                "error: File must begin with \"/\": …",
                "error: File must begin with \"/\": x",
            ),
            ("error: Two files on one line: …", "error: Two files on one line: x"),
            (
                "error: More than one file on a line: …",
                "error: More than one file on a line: x",
            ),
            (
                "error: Empty %files file …",
                "error: Empty %files file /builddir/build/BUILD/a/debugsourcefiles.list",
            ),
            (
                "error: Could not open %files file …",
                "error: Could not open %files file /builddir/build/BUILD/a/x.lang: No such file or directory",
            ),
            (
                "error: Explicit file attributes required in spec for: …",
                "error: Explicit file attributes required in spec for: x",
            ),
            (
                "error: Arch dependent binaries in noarch package",
                "error: Arch dependent binaries in noarch package",
            ),
            ("error: create archive failed…", "error: create archive failed: cpio: x"),
            ("error: magic_file…", "error: magic_file(ms, \"x\") failed: mode 1 x"),
            (
                "error: Recognition of file … failed: …",
                "error: Recognition of file \"x\" failed: mode 100644 y",
            ),
            ("error: …uplicate build-ids …", "error: Duplicate build-ids a and b"),
            ("error: …build-id…", "error: Missing build-id in /builddir/x"),
            ("error: …not owned by any package…", "error: x not owned by any package"),
            ("error: Missing %files …", "error: Missing %files for subpackage"),
            ("error: Not a directory: …", "error: Not a directory: /builddir/x"),
            ("error: Can't find …", "error: Can't find /builddir/x"),
            (
                "error: Symlink points to BuildRoot: …",
                "error: Symlink points to BuildRoot: x",
            ),
            ("error: Package … overrides …", "error: Package a overrides b"),
            ("error: Too many args…", "error: Too many args in %files"),
            (
                "error: Couldn't exec …",
                "error: Couldn't exec /usr/lib/rpm/find-provides: No such file or directory",
            ),
            ("error: Dependency generator …", "error: Dependency generator failed"),
        ],
    ),
    rule(
        "over-the-build-root",
        Package,
        Reason,
        &[
            (
                "find-debuginfo: …ailed …",
                "find-debuginfo: Failed to extract debuginfo from x",
            ),
            ("find-debuginfo: ERROR: …", "find-debuginfo: ERROR: x"),
            (
                "*** ERROR: …",
                "*** ERROR: ambiguous python shebang in /usr/bin/x: #!/usr/bin/python. Change it to python3 (or python2) explicitly.",
            ),
            (
                "ERROR №: …",
                "ERROR 0001: file '/usr/lib64/libx.so' contains a standard runpath '/usr/lib64' in [/usr/lib64]",
            ),
            (
                "ERROR: No build ID note found in …",
                "ERROR: No build ID note found in /builddir/build/BUILDROOT/x",
            ),
            (
                "Found '…' in installed files; aborting",
                "Found '/builddir/build/BUILDROOT/a' in installed files; aborting",
            ),
            (
                "debugedit: …",
                "debugedit: canonicalization unexpectedly shrank by one character",
            ),
            (
                "/usr/bin/debugedit: …",
                "/usr/bin/debugedit: x: Unknown DWARF DW_FORM_0x1f20",
            ),
            ("…/debugedit: …", "/usr/lib/rpm/debugedit: x: Wrong ELF"),
            ("error: …: unable to …strip…", "error: x: unable to be stripped"),
            ("ERROR: …runpath…", "ERROR: x has runpath"),
            ("ERROR: …rpath…", "ERROR: x contains an invalid rpath"),
            ("Failed to mangle shebang…", "Failed to mangle shebang in x"),
            ("BUILDSTDERR: *** ERROR: …", "BUILDSTDERR: *** ERROR: x"),
        ],
    ),
    rule(
        "rpm-repeats",
        Package,
        Plain,
        &[
            (
                "File not found: …",
                "File not found: /builddir/build/BUILDROOT/a/usr/bin/x",
            ),
            (
                "File not found by glob: …",
                "File not found by glob: /builddir/build/BUILDROOT/a/usr/*",
            ),
            (
                "Directory not found: …",
                "Directory not found: /builddir/build/BUILDROOT/a/usr/x",
            ),
            (
                "Installed (but unpackaged) file(s) found:…",
                "Installed (but unpackaged) file(s) found:",
            ),
            ("Empty %files file …", "Empty %files file /builddir/x"),
            ("Could not open %files file …", "Could not open %files file /builddir/x"),
            (
                "Arch dependent binaries in noarch package",
                "Arch dependent binaries in noarch package",
            ),
        ],
    ),
    rule(
        "rpm-follower",
        Package,
        Follower,
        &[(
            "…/rpm-tmp.…: Exiting on signal…",
            "/var/tmp/rpm-tmp.a: Exiting on signal",
        )],
    ),
];
