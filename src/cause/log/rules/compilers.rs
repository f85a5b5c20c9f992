//! Compilers and linkers that say where, whatever the language, and programs that crash.

use crate::koji::CauseClass::Package;

use super::Worth::{Reason, Sign};
use super::{Rule, rule};

pub(in super::super) const RULES: &[Rule] = &[
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
