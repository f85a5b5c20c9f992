//! What builds in any language use: configure, CMake, Meson, make, the shell, file tools, documents.

use crate::koji::CauseClass::Package;

use super::Worth::Reason;
use super::{Rule, rule};

pub(in super::super) const RULES: &[Rule] = &[
    rule(
        "configure",
        Package,
        Reason,
        &[
            ("configure: error: …", "configure: error: x library not found"),
            ("…: configure: error: …", "x: configure: error: y not found"),
            (
                "¤configure: line №: …",
                "./configure: line 123: syntax error near unexpected token `x'",
            ),
            (
                "configure…: …rror: …",
                "configure.ac:12: error: possibly undefined macro: AC_X",
            ),
            (
                "….ac:№: error: …",
                "configure.ac:12: error: required file './x' not found",
            ),
            (
                "….am:№: error: …",
                "src/Makefile.am:12: error: Libtool library used but 'LIBTOOL' is undefined",
            ),
            ("aclocal: error: …", "aclocal: error: x"),
            ("automake: error: …", "automake: error: no 'Makefile.am' found"),
            ("autoconf: error: …", "autoconf: error: no input file"),
            ("autoreconf: error: …", "autoreconf: error: 'configure.ac' is required"),
            (
                "autom4te: error: …",
                "autom4te: error: /usr/bin/m4 failed with exit status: 1",
            ),
            (
                "…Package requirements (…) were not met…",
                "x: error: Package requirements (y >= 2) were not met:",
            ),
            (
                "Package …, required by …, not found",
                "Package 'x', required by 'y', not found",
            ),
            ("No package … found", "No package 'x' found"),
            ("ERROR: … not found", "ERROR: libx not found"),
            ("Unknown option \"--…", "Unknown option \"--enable-x\"."),
        ],
    ),
    rule(
        "cmake",
        Package,
        Reason,
        &[
            ("CMake Error…", "CMake Error at CMakeLists.txt:12 (find_package):"),
            (
                "CMake Error: …",
                "CMake Error: The source directory \"x\" does not exist.",
            ),
        ],
    )
    .tail(1),
    rule(
        "meson",
        Package,
        Reason,
        &[
            (
                "…:№:№: ERROR: …",
                "meson.build:12:3: ERROR: Dependency \"x\" not found, tried pkgconfig and cmake",
            ),
            ("…meson.build:№: …rror: …", "meson.build:12: Error: x"),
            (
                "ERROR: Neither source directory … nor build directory …",
                "ERROR: Neither source directory '.' nor build directory 'b' contain a build file meson.build.",
            ),
        ],
    ),
    rule(
        "qmake",
        Package,
        Reason,
        &[
            ("Project ERROR: …", "Project ERROR: Unknown module(s) in QT: x"),
            ("…:№: Parse Error …", "x.pro:12: Parse Error ('x')"),
        ],
    ),
    rule(
        "waf",
        Package,
        Reason,
        &[
            ("Could not find the program …", "Could not find the program ['x']"),
            ("The configuration failed…", "The configuration failed"),
            ("Build failed…", "Build failed"),
        ],
    ),
    rule(
        "make",
        Package,
        Reason,
        &[
            (
                "make…: *** No rule to make target …",
                "make[1]: *** No rule to make target 'x', needed by 'y'. Stop.",
            ),
            (
                "make…: *** …",
                "make: *** No targets specified and no makefile found. Stop.",
            ),
            ("…:№: *** …", "Makefile:12: *** missing separator. Stop."),
            (
                "make…: ¤: No such file or directory",
                "make[1]: x: No such file or directory",
            ),
            ("make…: ¤: Command not found", "make: x: Command not found"),
            ("make…: ¤: Permission denied", "make: ./x: Permission denied"),
            ("make…: execvp: …", "make: execvp: ./x: Permission denied"),
            (
                "ninja: error: …",
                "ninja: error: 'x', needed by 'y', missing and no known rule to make it",
            ),
            (
                "ninja: fatal: …",
                "ninja: fatal: chdir to 'x' - No such file or directory",
            ),
            ("scons: *** …", "scons: *** No SConstruct file found."),
        ],
    ),
    rule(
        "shell",
        Package,
        Reason,
        &[
            (
                "…: line №: syntax error: unexpected end of file…",
                "/var/tmp/rpm-tmp.a: line 33: syntax error: unexpected end of file",
            ),
            (
                "…: command not found",
                "/var/tmp/rpm-tmp.a: line 33: x: command not found",
            ),
            ("…sh: …: not found", "/bin/sh: 1: x: not found"),
            (
                "…: Kommando nicht gefunden.",
                "/bin/sh: Zeile 1: x: Kommando nicht gefunden.",
            ),
            (
                "…: Befehl nicht gefunden.",
                "/bin/sh: Zeile 1: x: Befehl nicht gefunden.",
            ),
            ("…: commande introuvable", "/bin/sh: ligne 1: x : commande introuvable"),
            ("…: orden no encontrada", "/bin/sh: línea 1: x: orden no encontrada"),
            ("…: команда не найдена", "/bin/sh: строка 1: x: команда не найдена"),
            (
                "…: コマンドが見つかりません",
                "/bin/sh: 行 1: x: コマンドが見つかりません",
            ),
            ("…: 未找到命令", "/bin/sh: 行 1: x: 未找到命令"),
            (
                "…: syntax error near unexpected token …",
                "/var/tmp/rpm-tmp.a: line 33: syntax error near unexpected token `('",
            ),
            (
                "…: unexpected EOF while looking for matching …",
                "/var/tmp/rpm-tmp.a: line 33: unexpected EOF while looking for matching `\"'",
            ),
            (
                "…: unbound variable",
                "/var/tmp/rpm-tmp.a: line 33: x: unbound variable",
            ),
            (
                "…/rpm-tmp.…: line №: …: No such file or directory",
                "/var/tmp/rpm-tmp.a: line 33: cd: a-1: No such file or directory",
            ),
            (
                "…/rpm-tmp.…: …: …: No such file or directory",
                "/var/tmp/rpm-tmp.a: Zeile 33: x: No such file or directory",
            ),
            (
                "…/rpm-tmp.…: …: Permission denied",
                "/var/tmp/rpm-tmp.a: line 33: ./x: Permission denied",
            ),
            (
                "…/rpm-tmp.…: …: Is a directory",
                "/var/tmp/rpm-tmp.a: line 33: x: Is a directory",
            ),
            (
                "…sh: …: No such file or directory",
                "/bin/sh: line 1: ./x: No such file or directory",
            ),
            (
                "…sh: …: Permission denied",
                "/usr/bin/sh: line 1: ./x: Permission denied",
            ),
            (
                "…env: ‘…’: No such file or directory",
                "/usr/bin/env: ‘python’: No such file or directory",
            ),
            (
                "…env: …: No such file or directory",
                "/usr/bin/env: 'python': No such file or directory",
            ),
            (
                "…: bad interpreter: …",
                "./x: /usr/bin/y: bad interpreter: No such file or directory",
            ),
            ("…: cannot execute…", "./x: cannot execute: required file not found"),
            ("xargs: …", "xargs: x: No such file or directory"),
        ],
    ),
    rule(
        "files",
        Package,
        Reason,
        &[
            (
                "¤: failed to create …",
                "ln: failed to create symbolic link 'x': File exists",
            ),
            (
                "¤: failed to access …",
                "ln: failed to access 'x': No such file or directory",
            ),
            (
                "¤: failed to preserve …",
                "cp: failed to preserve ownership for 'x': Operation not permitted",
            ),
            (
                "¤: cannot stat …",
                "install: cannot stat 'x': No such file or directory",
            ),
            ("¤: cannot access …", "ls: cannot access 'x': No such file or directory"),
            ("¤: cannot remove …", "rm: cannot remove 'x': No such file or directory"),
            (
                "¤: cannot create …",
                "install: cannot create regular file 'x': No such file or directory",
            ),
            (
                "¤: cannot open …",
                "head: cannot open 'x' for reading: No such file or directory",
            ),
            (
                "¤: cannot move …",
                "mv: cannot move 'x' to 'y': No such file or directory",
            ),
            (
                "¤: cannot overwrite …",
                "cp: cannot overwrite non-directory 'x' with directory 'y'",
            ),
            (
                "¤: cannot touch …",
                "touch: cannot touch 'x': No such file or directory",
            ),
            (
                "¤: cannot change …",
                "install: cannot change owner and permissions of 'x': Operation not permitted",
            ),
            ("¤: target …: …", "cp: target 'x': No such file or directory"),
            ("¤: target … is not a directory", "cp: target 'x' is not a directory"),
            ("¤: omitting directory …", "install: omitting directory 'x'"),
            (
                "¤: will not overwrite just-created …",
                "install: will not overwrite just-created 'x' with 'y'",
            ),
            (
                "¤: missing … operand…",
                "install: missing destination file operand after 'x'",
            ),
            ("¤: missing operand…", "rm: missing operand"),
            ("¤: invalid option …", "install: invalid option -- 'x'"),
            ("¤: unrecognized option …", "install: unrecognized option '--x'"),
            ("¤: unrecognised option …", "x: unrecognised option '--y'"),
            ("¤: can't read …", "sed: can't read x: No such file or directory"),
            ("sed: …", "sed: -e expression #1, char 3: unterminated `s' command"),
            (
                "¤: der Aufruf von stat für … ist nicht möglich: …",
                "install: der Aufruf von stat für 'x' ist nicht möglich: Datei oder Verzeichnis nicht gefunden",
            ),
            (
                "¤: impossible d'évaluer …",
                "install: impossible d'évaluer 'x': Aucun fichier ou dossier de ce type",
            ),
            ("install: …", "install: x: No such file or directory"),
            ("cp: …", "cp: -r not specified; omitting directory 'x'"),
            ("mv: …", "mv: 'x' and 'y' are the same file"),
        ],
    ),
    rule(
        "metadata",
        Package,
        Reason,
        &[
            (
                "….desktop: error: …",
                "x.desktop: error: value \"y\" for key \"Icon\" is an icon name with an extension",
            ),
            (
                "Error on file \"…",
                "Error on file \"x.desktop\": No such file or directory",
            ),
            ("….xml: FAILED:", "x.metainfo.xml: FAILED:"),
            ("…Validation failed…", "Validation failed"),
            ("E: ¤:№: …", "E: org.x:12: tag-invalid y"),
        ],
    )
    .tail(1),
    rule(
        "documents",
        Package,
        Reason,
        &[
            ("! LaTeX Error: …", "! LaTeX Error: File `x.sty' not found."),
            ("! ¤ Error: …", "! Package Error: x"),
            ("! Undefined control sequence.", "! Undefined control sequence."),
            ("!pdfTeX error: …", "!pdfTeX error: /usr/bin/pdftex (file x): not found"),
            (
                "…:№: parser error : …",
                "x.xml:12: parser error : Opening and ending tag mismatch",
            ),
            ("…:№: validity error : …", "x.xml:12: validity error : x"),
            (
                "I/O error : …",
                "I/O error : Attempt to load network entity http://x/y.dtd",
            ),
            ("a2x: ERROR: …", "a2x: ERROR: x"),
            ("asciidoc: ERROR: …", "asciidoc: ERROR: x.txt: line 12: y"),
            ("asciidoctor: ERROR: …", "asciidoctor: ERROR: x"),
            ("asciidoctor: FAILED: …", "asciidoctor: FAILED: x"),
            ("help2man: …", "help2man: can't get `--help' info from x"),
            (
                "Extension error…",
                "Extension error: Could not import extension x (exception: No module named 'x')",
            ),
            (
                "Could not import extension …",
                "Could not import extension x (exception: No module named 'x')",
            ),
            (
                "Configuration error:…",
                "Configuration error: There is a programmable error",
            ),
            ("Theme error:…", "Theme error: no theme named 'x' found"),
            (
                "pandoc: …",
                "pandoc: x: withBinaryFile: does not exist (No such file or directory)",
            ),
            ("msgfmt: found № fatal error…", "msgfmt: found 1 fatal error"),
            ("doxygen: …rror…", "doxygen: error: x"),
        ],
    )
    .tail(1),
    rule(
        "network",
        Package,
        Reason,
        &[
            ("curl: (№) …", "curl: (6) Could not resolve host: example.org"),
            (
                "wget: unable to resolve host address …",
                "wget: unable to resolve host address 'example.org'",
            ),
            (
                "fatal: unable to access …",
                "fatal: unable to access 'https://example.org/x.git/': Could not resolve host: example.org",
            ),
            (
                "fatal: not a git repository…",
                "fatal: not a git repository (or any of the parent directories): .git",
            ),
            ("fatal: …", "fatal: repository 'x' does not exist"),
            (
                "…: Temporary failure in name resolution…",
                "x: Temporary failure in name resolution",
            ),
            (
                "…Could not resolve host…",
                "error: x Could not resolve host: example.org",
            ),
        ],
    ),
];
