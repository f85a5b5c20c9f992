//! From the checkout to the packages: what builders say of their own work.

use crate::koji::CauseClass::{Buildroot, Dependencies, Package, Policy, SourceRpm, Unknown};
use crate::koji::LogName::{Build, Checkout, MockOutput, Root};

use super::super::Stage;
use super::super::Sure::{Guess, Likely};
use super::{Rule, rule};

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
];
