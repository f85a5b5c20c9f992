//! Languages with tools and messages of their own.

use crate::koji::CauseClass::Package;

use super::Worth::{Plain, Reason, Sign};
use super::{Rule, rule};

pub(in super::super) const RULES: &[Rule] = &[
    rule(
        "rust",
        Package,
        Reason,
        &[
            ("error[E№]: …", "error[E0425]: cannot find value `x` in this scope"),
            (
                "error: linking with …",
                "error: linking with `cc` failed: exit status: 1",
            ),
            (
                "error: failed to select a version for …",
                "error: failed to select a version for the requirement `x = \"^1\"`",
            ),
            (
                "error: no matching package …",
                "error: no matching package named `x` found",
            ),
            (
                "error: failed to run custom build command for …",
                "error: failed to run custom build command for `x v1.0.0`",
            ),
            (
                "error: package … requires rustc …",
                "error: package `x v1` cannot be built because it requires rustc 1.99 or newer",
            ),
            (
                "error: failed to …",
                "error: failed to parse manifest at `/builddir/Cargo.toml`",
            ),
            (
                "error: the lock file …",
                "error: the lock file x needs to be updated but --locked was passed",
            ),
            (
                "error: rustc …",
                "error: rustc 1.70.0 is not supported by the following packages:",
            ),
        ],
    )
    .tail(1),
    rule(
        "go",
        Package,
        Reason,
        &[
            ("build …: cannot load …", "build x: cannot load y: z"),
            ("….go:№:№: …", "./x.go:12:3: undefined: y"),
            (
                "….go:№: …: no such file or directory",
                "x.go:12: open y: no such file or directory",
            ),
            (
                "go: …: …",
                "go: example.org/x@v1: module lookup disabled by GOPROXY=off",
            ),
            ("go: …", "go: inconsistent vendoring in /builddir/x"),
            ("…annot find package …", "x: cannot find package \"y\" in any of:"),
            (
                "…no required module provides package …",
                "no required module provides package x; to add it:",
            ),
            (
                "…cannot find module providing package …",
                "cannot find module providing package x: y",
            ),
            (
                "package …: build constraints exclude all Go files in …",
                "package x: build constraints exclude all Go files in /y",
            ),
            (
                "package … is not in …",
                "package x is not in std (/usr/lib/golang/src/x)",
            ),
            ("no Go files in …", "no Go files in /builddir"),
            ("¤ (from ¤): …", "x.c (from y): z"),
        ],
    ),
    rule(
        "haskell",
        Package,
        Reason,
        &[
            ("….hs:№:№:", "x.hs:12:3:"),
            ("….hs:(№,№)-(№,№): error:…", "x.hs:(1,2)-(3,4): error:"),
            ("….hs:№:№-№: error:…", "x.hs:12:3-9: error:"),
            ("¤etup: …", "Setup: Encountered missing or private dependencies:"),
            (
                "¤etup: Encountered missing …",
                "setup: Encountered missing or private dependencies:",
            ),
            ("Error: [Cabal-№]…", "Error: [Cabal-8010]"),
            ("Error: cabal: …", "Error: cabal: x"),
            ("cabal: …", "cabal: Could not resolve dependencies:"),
            ("Could not find module …", "Could not find module ‘X.Y’"),
        ],
    )
    .tail(1),
    rule(
        "ocaml",
        Package,
        Reason,
        &[
            ("Error: Unbound …", "Error: Unbound module X"),
            (
                "Error: This …",
                "Error: This expression has type int but an expression was expected of type string",
            ),
            ("Error (…): …", "Error (alert deprecated): module X"),
            ("Error: Library …", "Error: Library \"x\" not found."),
            (
                "Error: Some fatal warnings were triggered …",
                "Error: Some fatal warnings were triggered (1 occurrences)",
            ),
            ("ocamlfind: …", "ocamlfind: Package `x' not found"),
            ("Fatal error: exception …", "Fatal error: exception X.Y"),
            (
                "Error: Error on dynamically loaded library: …",
                "Error: Error on dynamically loaded library: x",
            ),
        ],
    ),
    rule(
        "java",
        Package,
        Reason,
        &[
            (
                "[ERROR] ….java:[№,№] …",
                "[ERROR] /builddir/X.java:[12,34] error: cannot find symbol",
            ),
            (
                "[ERROR] ….kt…: …",
                "[ERROR] /builddir/X.kt: (12, 34) Unresolved reference: y",
            ),
            (
                "[ERROR] Failed to execute goal …",
                "[ERROR] Failed to execute goal x:y:1:compile on project z: Compilation failure",
            ),
            (
                "[ERROR] Non-resolvable …",
                "[ERROR] Non-resolvable parent POM for x: Cannot access y in offline mode",
            ),
            (
                "[ERROR] …could not be resolved…",
                "[ERROR] Plugin x:y:1 or one of its dependencies could not be resolved: z",
            ),
            (
                "[ERROR] …Could not resolve …",
                "[ERROR] x: Could not resolve dependencies for project y",
            ),
            (
                "[ERROR] …Cannot access …",
                "[ERROR] Cannot access central in offline mode",
            ),
            (
                "[ERROR] Unknown lifecycle phase …",
                "[ERROR] Unknown lifecycle phase \"x\".",
            ),
            (
                "[ERROR] 'dependencies…",
                "[ERROR] 'dependencies.dependency.version' for x is missing.",
            ),
            (
                "[ERROR] Source option № is no longer supported…",
                "[ERROR] Source option 5 is no longer supported. Use 7 or later.",
            ),
            (
                "error: Source option …",
                "error: Source option 6 is no longer supported. Use 7 or later.",
            ),
            ("error: release version …", "error: release version 5 not supported"),
            ("error: package … does not exist", "error: package x.y does not exist"),
            ("* What went wrong:", "* What went wrong:"),
            (
                "Execution failed for task …",
                "Execution failed for task ':compileJava'.",
            ),
            ("> Could not …", "> Could not resolve x:y:1."),
            ("> Task … FAILED", "> Task :compileJava FAILED"),
            (
                "A problem occurred …",
                "A problem occurred evaluating root project 'x'.",
            ),
            (
                "….xml:№: …",
                "/builddir/build.xml:12: The following error occurred while executing this line:",
            ),
            (
                "Exception in thread …",
                "Exception in thread \"main\" java.lang.NoClassDefFoundError: x",
            ),
            (
                "Error: Could not find or load main class …",
                "Error: Could not find or load main class x",
            ),
            (
                "Error occurred during initialization of VM…",
                "Error occurred during initialization of VM",
            ),
            ("e: …", "e: file:///builddir/x.kt:12:3 Unresolved reference: y"),
            ("[error] …", "[error] /builddir/x.scala:12: not found: value y"),
        ],
    )
    .tail(1),
    rule(
        "java-head",
        Package,
        Sign,
        &[("[ERROR] COMPILATION ERROR :…", "[ERROR] COMPILATION ERROR :")],
    ),
    rule(
        "java-other",
        Package,
        Plain,
        &[
            ("Caused by: …", "Caused by: java.lang.NullPointerException"),
            ("java.¤Exception…", "java.lang.IllegalStateException: x"),
            ("java.¤Error…", "java.lang.AssertionError: x"),
            ("javax.¤Exception…", "javax.x.Exception: y"),
            ("org.¤Exception…", "org.x.SomeException: y"),
            ("com.¤Exception…", "com.x.SomeException: y"),
            ("[ERROR] …", "[ERROR] x"),
            ("[javac] …: error: …", "[javac] x: error: y"),
        ],
    ),
    rule(
        "python",
        Package,
        Reason,
        &[
            ("¤Error: …", "ModuleNotFoundError: No module named 'x'"),
            ("¤Error", "NotImplementedError"),
            ("¤Exception: …", "x.SomeException: y"),
            (
                "¤.Distribution…: …",
                "pkg_resources.DistributionNotFound: The 'x' distribution was not found",
            ),
            (
                "¤.VersionConflict: …",
                "pkg_resources.VersionConflict: (x 1 (/y), Requirement.parse('x>=2'))",
            ),
            (
                "ERROR: Could not find a version that satisfies …",
                "ERROR: Could not find a version that satisfies the requirement x (from versions: none)",
            ),
            (
                "ERROR: No matching distribution found for …",
                "ERROR: No matching distribution found for x",
            ),
            ("error: invalid command …", "error: invalid command 'bdist_wheel'"),
            (
                "error: Multiple top-level …",
                "error: Multiple top-level packages discovered in a flat-layout: ['x', 'y'].",
            ),
            (
                "error in … setup command: …",
                "error in x setup command: use_2to3 is invalid.",
            ),
            (
                "…python…: can't open file …",
                "/usr/bin/python3: can't open file '/builddir/setup.py': [Errno 2] No such file or directory",
            ),
            (
                "…python…: No module named …",
                "/usr/bin/python3: No module named pytest",
            ),
            ("Fatal Python error: …", "Fatal Python error: init_fs_encoding: x"),
            ("nox > …ailed…", "nox > Session x failed."),
        ],
    ),
    rule(
        "ruby",
        Package,
        Reason,
        &[
            (
                "….rb:№:in …: … (¤)",
                "/usr/share/ruby/x.rb:12:in `y': undefined method `z' for nil (NoMethodError)",
            ),
            (
                "….rb:№:…: … (LoadError)",
                "x.rb:12:in `require': cannot load such file -- y (LoadError)",
            ),
            (
                "….rb:№: syntax error…",
                "x.rb:12: syntax error, unexpected end-of-input",
            ),
            ("…annot load such file -- …", "cannot load such file -- x"),
            ("¤::…Error: …", "ActionView::Template::Error: x"),
            (
                "mkmf.rb can't find header files …",
                "mkmf.rb can't find header files for ruby at /usr/share/include/ruby.h",
            ),
            (
                "Could not find gem …",
                "Could not find gem 'x' in locally installed gems.",
            ),
            (
                "Could not find … in …gems…",
                "Could not find x-1.0 in locally installed gems",
            ),
            (
                "Could not find '…' (…",
                "Could not find 'x' (>= 1) among 80 total gem(s) (Gem::MissingSpecError)",
            ),
            ("Don't know how to build task …", "Don't know how to build task 'x'"),
            ("*** ¤.rb failed…", "*** x.rb failed"),
            ("…: need to …", "extconf.rb: need to install x"),
        ],
    ),
    rule(
        "perl",
        Package,
        Reason,
        &[
            (
                "Can't locate … in @INC …",
                "Can't locate X/Y.pm in @INC (you may need to install the X::Y module) at z line 1.",
            ),
            ("syntax error at … line №…", "syntax error at x.pl line 12, near \"y\""),
            (
                "Global symbol … requires explicit package name…",
                "Global symbol \"$x\" requires explicit package name at y line 1.",
            ),
            (
                "Can't … at … line №.",
                "Can't open x: No such file or directory at y line 12.",
            ),
            (
                "Undefined subroutine … called at …",
                "Undefined subroutine &X::y called at z line 12.",
            ),
            (
                "… version … required--this is only version …",
                "X version 2 required--this is only version 1 at y line 3.",
            ),
            ("… at ¤ line №.", "no such thing at x.PL line 12."),
            ("…Can't load '….so' for module …", "Can't load '/x.so' for module Y: z"),
        ],
    ),
    rule(
        "r",
        Package,
        Reason,
        &[
            (
                "Error in …",
                "Error in loadNamespace(x) : there is no package called ‘y’",
            ),
            (
                "ERROR: dependenc… not available for package …",
                "ERROR: dependencies ‘x’, ‘y’ are not available for package ‘z’",
            ),
            (
                "ERROR: dependency … is not available for package …",
                "ERROR: dependency ‘x’ is not available for package ‘y’",
            ),
            (
                "ERROR: …failed for package …",
                "ERROR: lazy loading failed for package ‘x’",
            ),
            ("* checking … ERROR", "* checking tests ... ERROR"),
            ("there is no package called …", "there is no package called ‘x’"),
        ],
    )
    .tail(1),
    rule(
        "node",
        Package,
        Reason,
        &[
            ("npm ERR! …", "npm ERR! Missing script: \"build\""),
            ("npm error …", "npm error Missing script: \"build\""),
            ("Error: Cannot find module …", "Error: Cannot find module 'x'"),
            (
                "Module not found: …",
                "Module not found: Error: Can't resolve 'x' in '/builddir'",
            ),
            ("ERROR in …", "ERROR in ./src/x.ts"),
            ("error TS№: …", "error TS5023: Unknown compiler option 'x'."),
            ("➤ YN№: …", "➤ YN0001: │ Error: x"),
            ("[!] …", "[!] (plugin x) Error: y"),
            (
                "FATAL ERROR: …",
                "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
            ),
            ("Uncaught …", "Uncaught Error: x"),
        ],
    ),
    rule(
        "others",
        Package,
        Reason,
        &[
            ("PHP Fatal error: …", "PHP Fatal error: Uncaught Error: x"),
            ("PHP Parse error: …", "PHP Parse error: syntax error, unexpected x"),
            ("Fatal error: …", "Fatal error: Uncaught Error: x"),
            ("lua…: ….lua:№: …", "lua: x.lua:12: attempt to call a nil value"),
            ("** (¤) …", "** (CompileError) lib/x.ex:12: undefined function y/0"),
            ("….erl:№:№: …", "x.erl:12:3: function y/0 undefined"),
            ("….erl:№: …", "x.erl:12: function y/0 undefined"),
            ("ERROR: LoadError: …", "ERROR: LoadError: x"),
            ("….adb:№:№: …", "x.adb:12:03: \"y\" is undefined"),
            ("….ads:№:№: …", "x.ads:12:03: \"y\" is undefined"),
            ("gprbuild: *** …", "gprbuild: *** compilation phase failed"),
            ("Fatal: Compilation aborted…", "Fatal: Compilation aborted"),
            (
                "Fatal Error: …",
                "Fatal Error: Cannot open module file ‘x.mod’ for reading at (1): No such file or directory",
            ),
            ("f951: …rror: …", "f951: Error: x"),
            ("Error: Symbol …", "Error: Symbol 'x' at (1) has no IMPLICIT type"),
            ("Unhandled exception. …", "Unhandled exception. System.Exception: x"),
            ("MSBUILD : error …", "MSBUILD : error MSB1003: x"),
            ("guile: …", "guile: x"),
            ("sbcl: …", "sbcl: x"),
            ("LLVM ERROR: …", "LLVM ERROR: x"),
        ],
    ),
    rule(
        "no-such-file",
        Package,
        Plain,
        &[
            ("…: No such file or directory", "x: y: No such file or directory"),
            (
                "…: Datei oder Verzeichnis nicht gefunden",
                "x: y: Datei oder Verzeichnis nicht gefunden",
            ),
            (
                "…: Aucun fichier ou dossier de ce type",
                "x: y: Aucun fichier ou dossier de ce type",
            ),
            (
                "…: Нет такого файла или каталога",
                "x: y: Нет такого файла или каталога",
            ),
            (
                "…: そのようなファイルやディレクトリはありません",
                "x: y: そのようなファイルやディレクトリはありません",
            ),
            ("…: 没有那个文件或目录", "x: y: 没有那个文件或目录"),
            (
                "…: No existe el fichero o el directorio",
                "x: y: No existe el fichero o el directorio",
            ),
            ("…: Permission denied", "x: y: Permission denied"),
        ],
    ),
    rule(
        "error",
        Package,
        Plain,
        &[
            ("ERROR: …", "ERROR: x y"),
            ("error: …", "error: x"),
            ("Error: …", "Error: x"),
            ("erreur : …", "erreur : x"),
            ("Fehler: …", "Fehler: x"),
            ("FATAL: …", "FATAL: x"),
            ("Fatal: …", "Fatal: x"),
            ("fatal error: …", "fatal error: x"),
            ("ERROR …", "ERROR x"),
            ("ERROR! …", "ERROR! x"),
            ("error …", "error An unexpected error occurred: \"x\"."),
            ("*** Error…", "*** Error: x"),
            ("!!! …", "!!! x"),
            ("¤: error: …", "x: error: y"),
            ("¤: Error: …", "x: Error: y"),
            ("¤: ERROR: …", "x: ERROR: y"),
            ("¤: fatal: …", "x: fatal: y"),
            ("E: …", "E: x"),
            ("BUILD FAILED…", "BUILD FAILED"),
            ("FAILURE: …", "FAILURE: Build failed with an exception."),
            ("ABORT: …", "ABORT: x"),
            ("Abort…", "Aborting."),
        ],
    ),
    rule(
        "failed",
        Package,
        Sign,
        &[
            ("… failed", "x failed"),
            ("… failed.", "x failed."),
            ("… failed: …", "x failed: y"),
            ("… FAILED", "x FAILED"),
            ("…: not found", "x: not found"),
            ("… not found", "x not found"),
            ("… is missing…", "x is missing."),
            ("…annot …", "x: cannot y"),
            ("…: error: …", "x y: error: z"),
            ("…Error: …", "x SomeError: z"),
            ("… exited with …", "x exited with code 1"),
        ],
    ),
];
