//! The hub, its repositories and tags, and kinds of build other than packages.

use crate::koji::CauseClass::{Buildroot, Canceled, Package, Policy, SourceRpm, Tagging, Unknown};
use crate::koji::LogName::{Build, Checkout, Root};

use super::super::Stage;
use super::super::Sure::Likely;
use super::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
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
        ],
    )
    .sure(Likely),
    rule(
        "image",
        Package,
        &[
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
    .read(&[Root])
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
];
