//! What builds in any language use: the shell, make, configure, CMake, Meson, the linker, file tools.

use crate::koji::CauseClass::Package;

use super::Worth::{Reason, Sign};
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
        "linker",
        Package,
        Reason,
        &[
            (
                "…: cannot find -l…",
                "/usr/bin/ld: cannot find -lx: No such file or directory",
            ),
            (
                "…ld: cannot find …",
                "/usr/bin/ld: cannot find x.o: No such file or directory",
            ),
            ("…: kann -l… nicht finden…", "/usr/bin/ld: kann -lx nicht finden"),
            (
                "…: ne peut trouver -l…",
                "/usr/bin/ld : ne peut trouver -lx : Aucun fichier",
            ),
            (
                "…: undefined reference to symbol …",
                "/usr/bin/ld: x.o: undefined reference to symbol 'y@@Z'",
            ),
            (
                "…error adding symbols: …",
                "/usr/bin/ld: /usr/lib64/libm.so.6: error adding symbols: DSO missing from command line",
            ),
            (
                "…: relocation ¤ against …",
                "/usr/bin/ld: x.o: relocation R_X86_64_32 against `.rodata' can not be used when making a shared object",
            ),
            ("ld.¤: error: …", "ld.lld: error: undefined symbol: x"),
            ("ld: error: …", "ld: error: x"),
            ("¤ld.¤: error: …", "/usr/bin/ld.gold: error: x"),
            ("…: file in wrong format…", "/usr/bin/ld: x.so: file in wrong format"),
            (
                "…: hidden symbol … is referenced by DSO",
                "/usr/bin/ld: x: hidden symbol `y' in z is referenced by DSO",
            ),
            (
                "…failed: symbol not defined…",
                "/usr/bin/ld: x: version script assignment of `A' to symbol `y' failed: symbol not defined",
            ),
            (
                "…/ld:…: syntax error in …",
                "/usr/bin/ld:x.map:3: syntax error in VERSION script",
            ),
            (
                "…recompile with -fPIC…",
                "/usr/bin/ld: failed to set y; recompile with -fPIC",
            ),
            ("…: final link failed: …", "/usr/bin/ld: final link failed: bad value"),
            (
                "…unresolvable …relocation against …",
                "ld: x: unresolvable R_X86_64 relocation against symbol `y'",
            ),
            (
                "…: undefined reference to …",
                "/usr/bin/ld: x.o: in function `main': x.c:3: undefined reference to `y'",
            ),
            (
                "…: Nicht definierter Verweis auf …",
                "x.c:3: Nicht definierter Verweis auf `y'",
            ),
            (
                "…: nicht definierter Verweis auf …",
                "x.c:3: nicht definierter Verweis auf `y'",
            ),
            ("…: référence indéfinie vers …", "x.c:3: référence indéfinie vers « y »"),
            ("…: неопределённая ссылка на …", "x.c:3: неопределённая ссылка на «y»"),
            (
                "…: multiple definition of …",
                "/usr/bin/ld: x.o:(.bss+0x0): multiple definition of `y'; z.o: first defined here",
            ),
            (
                "…: relocation truncated to fit: …",
                "x.c:(.text+0x1): relocation truncated to fit: R_X86_64_PC32 against `y'",
            ),
            ("mold: …", "mold: fatal: library not found: x"),
            (
                "…: file not recognized: …",
                "x.o: file not recognized: file format not recognized",
            ),
            (
                "lto1: …",
                "lto1: fatal error: bytecode stream in file 'x.o' generated with LTO version 1 instead of 2",
            ),
        ],
    ),
    rule(
        "crash",
        Package,
        Reason,
        &[
            (
                "…: line №: № Bus error…",
                "/bin/sh: line 1: 17 Bus error (core dumped) ./x",
            ),
            (
                "…: line №: № Illegal instruction…",
                "/bin/sh: line 1: 17 Illegal instruction (core dumped) ./x",
            ),
            ("…: line №: № Aborted…", "/bin/sh: line 1: 17 Aborted (core dumped) ./x"),
            (
                "…: line №: № Segmentation fault…",
                "/var/tmp/rpm-tmp.a: line 33: 17 Segmentation fault (core dumped) ./x",
            ),
            (
                "…:№:№: runtime error: …",
                "x.c:12:3: runtime error: signed integer overflow",
            ),
            ("…: Assertion …failed…", "x: x.c:12: main: Assertion `y' failed."),
            (
                "…:№:¤: assertion failed…",
                "ERROR:x.c:12:main: assertion failed (x == y): (1 == 2)",
            ),
            (
                "…*** stack smashing detected ***…",
                "*** stack smashing detected ***: terminated",
            ),
            (
                "…*** buffer overflow detected ***…",
                "*** buffer overflow detected ***: terminated",
            ),
            ("…double free or corruption…", "double free or corruption (out)"),
            ("…free(): invalid …", "free(): invalid pointer"),
            ("…malloc(): …corrupt…", "malloc(): corrupted top size"),
            ("…munmap_chunk(): invalid pointer…", "munmap_chunk(): invalid pointer"),
            (
                "terminate called after throwing …",
                "terminate called after throwing an instance of 'std::runtime_error'",
            ),
            (
                "==№==ERROR: …",
                "==17==ERROR: AddressSanitizer: heap-use-after-free on address 0x1",
            ),
            (
                "…: internal compiler error: …",
                "x.c:12:3: internal compiler error: in y, at z.c:12",
            ),
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
    rule(
        "located",
        Package,
        Reason,
        &[
            ("…(№,№) Error: …", "x.nim(12,3) Error: undeclared identifier: 'y'"),
            (
                "…:№:№: error:…",
                "src/x.c:12:3: error: 'y' undeclared (first use in this function)",
            ),
            (
                "…:№:№: fatal error:…",
                "x.c:1:10: fatal error: y.h: No such file or directory",
            ),
            ("…:№: error:…", "x.java:12: error: cannot find symbol"),
            (
                "…:№: fatal error:…",
                "x.c:1: fatal error: y.h: No such file or directory",
            ),
            ("…:№:№: Error:…", "x.f90:12:3: Error: y"),
            ("…:№: Error: …", "/tmp/cca.s:12: Error: no such instruction: `y'"),
            (
                "…:№.№…: error:…",
                "x.vala:12.3-12.8: error: The name `y' does not exist",
            ),
            ("…(№): error…: …", "x.cu(12): error: identifier \"y\" is undefined"),
            (
                "…(№,№): error…: …",
                "x.cs(12,3): error CS0103: The name 'y' does not exist",
            ),
            ("…(№): Error: …", "x.d(12): Error: undefined identifier y"),
            ("…(№,№): Error: …", "x.d(12,3): Error: undefined identifier y"),
            ("…(№, №) Error: …", "x.nim(12, 3) Error: undeclared identifier: 'y'"),
            ("…:№:№ - error …", "x.ts:12:3 - error TS2304: Cannot find name 'y'."),
            ("…:№:№: Fehler: …", "x.c:12:3: Fehler: »y« nicht deklariert"),
            (
                "…:№:№: schwerwiegender Fehler: …",
                "x.c:12:3: schwerwiegender Fehler: y.h: Datei oder Verzeichnis nicht gefunden",
            ),
            ("…:№:№: erreur…: …", "x.c:12:3: erreur: « y » non déclaré"),
            (
                "…:№:№: erreur fatale: …",
                "x.c:12:3: erreur fatale: y.h: Aucun fichier ou dossier de ce type",
            ),
            ("…:№:№: ошибка: …", "x.c:12:3: ошибка: «y» не описан"),
            ("…:№:№: помилка: …", "x.c:12:3: помилка: «y» не оголошено"),
            ("…:№:№: エラー: …", "x.c:12:3: エラー: ‘y’ が宣言されていません"),
            ("…:№:№: 错误：…", "x.c:12:3: 错误：‘y’未声明"),
            ("…:№:№: błąd: …", "x.c:12:3: błąd: ‘y’ niezadeklarowany"),
            ("…:№:№: chyba: …", "x.c:12:3: chyba: „y“ není deklarován"),
            ("…:№:№: errore: …", "x.c:12:3: errore: y non dichiarato"),
            ("…:№:№: fel: …", "x.c:12:3: fel: ”y” är odeklarerad"),
            ("…:№:№: hata: …", "x.c:12:3: hata: ‘y’ bildirilmemiş"),
        ],
    ),
    rule(
        "compiler",
        Package,
        Reason,
        &[
            ("gcc: error: …", "gcc: error: unrecognized command-line option '-fx'"),
            ("g++: error: …", "g++: error: x.cpp: No such file or directory"),
            ("cc: error: …", "cc: error: x: No such file or directory"),
            ("c++: error: …", "c++: error: unrecognized command-line option '-fx'"),
            ("gfortran: error: …", "gfortran: error: x"),
            ("¤: fatal error: …", "gcc: fatal error: no input files"),
            (
                "cc1…: error: …",
                "cc1: error: -Wformat-security ignored without -Wformat [-Werror=format-security]",
            ),
            ("clang…: error: …", "clang: error: unknown argument: '-fx'"),
            ("as: …rror: …", "as: Error: x"),
            (
                "…: linker input file not found: …",
                "gcc: x: linker input file not found: No such file or directory",
            ),
        ],
    ),
    rule(
        "crash-signs",
        Package,
        Sign,
        &[
            ("Segmentation fault…", "Segmentation fault"),
            ("…: Segmentation fault", "x: Segmentation fault"),
            ("Aborted", "Aborted"),
            ("Illegal instruction", "Illegal instruction"),
            ("Bus error", "Bus error"),
        ],
    ),
];
