//! What may be built, on what, and under which name.

use crate::koji::CauseClass::{Buildroot, Package, Policy, Tagging, Unknown};

use super::super::Stage;
use super::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
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
];
