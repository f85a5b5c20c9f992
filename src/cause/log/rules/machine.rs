//! The machine: disk, memory, time, and tools that cannot start. It breaks in the middle of anything.

use crate::koji::CauseClass::{Buildroot, Package};

use super::Worth::{Innocent, Machine};
use super::{Rule, rule};

const fn machine(id: &'static str, shapes: &'static [(&'static str, &'static str)]) -> Rule {
    rule(id, Buildroot, Machine, shapes)
}

pub(in super::super) const RULES: &[Rule] = &[
    rule(
        "tests-of-trouble",
        Package,
        Innocent,
        &[("…strerror…", "strerror(28): No space left on device")],
    ),
    machine(
        "disk-full",
        &[
            (
                "…No space left on device…",
                "cp: error writing '/builddir/x': No space left on device",
            ),
            (
                "…Kein Speicherplatz mehr auf dem Gerät verfügbar…",
                "cp: x: Kein Speicherplatz mehr auf dem Gerät verfügbar",
            ),
            (
                "…Auf dem Gerät ist kein Speicherplatz mehr verfügbar…",
                "x: Auf dem Gerät ist kein Speicherplatz mehr verfügbar",
            ),
            (
                "…Aucun espace disponible sur le périphérique…",
                "cp: x: Aucun espace disponible sur le périphérique",
            ),
            (
                "…На устройстве не осталось свободного места…",
                "cp: x: На устройстве не осталось свободного места",
            ),
            ("…Disk quota exceeded…", "tar: x: Cannot write: Disk quota exceeded"),
            (
                "…more space needed on the … filesystem…",
                "At least 120MB more space needed on the / filesystem.",
            ),
            (
                "…installing package … needs №… on the … filesystem…",
                "installing package a-1-1 needs 12MB on the / filesystem",
            ),
            ("…[Errno 28]…", "OSError: [Errno 28] x"),
            ("…ENOSPC: …", "Error: ENOSPC: no space left on device, write"),
            (
                "…No usable temporary directory found…",
                "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp']",
            ),
        ],
    ),
    machine(
        "disk-broken",
        &[
            (
                "…: Read-only file system",
                "mkdir: cannot create directory '/builddir/x': Read-only file system",
            ),
            (
                "…: Input/output error",
                "cp: error reading '/usr/lib64/libx.so': Input/output error",
            ),
            ("…: Stale file handle", "ls: cannot access '/mnt': Stale file handle"),
            (
                "…: Structure needs cleaning",
                "rm: cannot remove 'x': Structure needs cleaning",
            ),
            (
                "…ransport endpoint is not connected…",
                "ls: x: Transport endpoint is not connected",
            ),
        ],
    ),
    machine(
        "memory",
        &[
            (
                "…: Killed signal terminated program …",
                "g++: fatal error: Killed signal terminated program cc1plus",
            ),
            (
                "…: internal compiler error: Killed…",
                "gcc: internal compiler error: Killed (program cc1)",
            ),
            (
                "…terminated with signal 9 [Killed]…",
                "collect2: fatal error: ld terminated with signal 9 [Killed]",
            ),
            (
                "virtual memory exhausted: …",
                "virtual memory exhausted: Cannot allocate memory",
            ),
            (
                "…: virtual memory exhausted…",
                "cc1: virtual memory exhausted: Cannot allocate memory",
            ),
            (
                "…: out of memory allocating № bytes…",
                "cc1plus: out of memory allocating 65536 bytes after a total of 4 bytes",
            ),
            ("…: memory exhausted", "/usr/bin/ld: memory exhausted"),
            (
                "…ld…: final link failed: …emory exhausted…",
                "/usr/bin/ld: final link failed: memory exhausted",
            ),
            (
                "…ld…: failed to set dynamic section sizes: …emory exhausted…",
                "ld: failed to set dynamic section sizes: memory exhausted",
            ),
            (
                "…ut of memory: Killed process …",
                "kernel: Out of memory: Killed process 17 (cc1plus)",
            ),
            (
                "…: fork: …Cannot allocate memory…",
                "/bin/sh: fork: Cannot allocate memory",
            ),
            (
                "…: fork: …Resource temporarily unavailable…",
                "sh: fork: retry: Resource temporarily unavailable",
            ),
            (
                "…cannot fork…: Cannot allocate memory…",
                "error: cannot fork() for ls: Cannot allocate memory",
            ),
            ("make…: *** […] Killed", "make[2]: *** [Makefile:12: x.o] Killed"),
            ("make…: *** […] Error 137", "make: *** [Makefile:12: x] Error 137"),
            ("…: line №: № Killed …", "/var/tmp/rpm-tmp.a: line 33: 117 Killed ./x"),
            (
                "…(signal: 9, SIGKILL: kill)…",
                "process didn't exit successfully: `rustc x` (signal: 9, SIGKILL: kill)",
            ),
            ("LLVM ERROR: out of memory…", "LLVM ERROR: out of memory"),
            (
                "fatal error: runtime: out of memory…",
                "fatal error: runtime: out of memory",
            ),
            (
                "…: signal: killed",
                "go build x: /usr/lib/golang/pkg/tool/compile: signal: killed",
            ),
            (
                "…There is insufficient memory for the Java Runtime …",
                "# There is insufficient memory for the Java Runtime Environment to continue.",
            ),
            (
                "…memory allocation of № bytes failed…",
                "memory allocation of 64 bytes failed",
            ),
            ("…c++…terminated by signal 9…", "c++: cc1plus terminated by signal 9"),
        ],
    ),
    machine(
        "time",
        &[
            (
                "…Timeout(№) expired for command…",
                "mockbuild.exception.commandTimeoutExpired: Timeout(172800) expired for command:",
            ),
            ("…commandTimeoutExpired…", "EXCEPTION: [commandTimeoutExpired('x')]"),
        ],
    ),
    machine(
        "tool-cannot-start",
        &[
            (
                "/usr/¤: symbol lookup error: …",
                "/usr/bin/cmake: symbol lookup error: /lib64/libx.so.1: undefined symbol: y",
            ),
            (
                "/usr/¤: error while loading shared libraries: …",
                "/usr/libexec/gcc/x/cc1: error while loading shared libraries: libx.so.1: cannot open shared object file",
            ),
            (
                "/usr/¤: …version `…' not found (required by …",
                "/usr/bin/ld: /lib64/libc.so.6: version `GLIBC_2.99' not found (required by /lib64/libx.so)",
            ),
            (
                "/usr/¤: relocation error: …",
                "/usr/bin/x: relocation error: /lib64/liby.so: symbol z version Z not defined",
            ),
            (
                "/bin/¤: error while loading shared libraries: …",
                "/bin/sh: error while loading shared libraries: libx.so: no",
            ),
            (
                "¤: error while loading shared libraries: …",
                "cmake: error while loading shared libraries: libx.so.1: cannot open shared object file",
            ),
            (
                "¤: symbol lookup error: …",
                "rpmbuild: symbol lookup error: /lib64/librpm.so: undefined symbol: x",
            ),
            (
                "…cc1…: fatal error: cannot load plugin …",
                "cc1: fatal error: cannot load plugin annobin: no",
            ),
            (
                "…fatal error: inaccessible plugin file …",
                "cc1: fatal error: inaccessible plugin file plugin/annobin.so expanded from short plugin name annobin",
            ),
            (
                "…incompatible gcc/plugin versions…",
                "cc1: error: incompatible gcc/plugin versions",
            ),
            (
                "…: error: fail to initialize plugin …",
                "cc1: error: fail to initialize plugin /usr/lib/gcc/plugin/annobin.so",
            ),
        ],
    ),
];
