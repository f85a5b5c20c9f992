//! Lines of a build that look bad and are not, or that only follow from what went wrong before.

use crate::koji::CauseClass::Package;

use super::Worth::{Follower, Innocent, Plain};
use super::{Rule, rule};

/// What is innocent whatever it says.
pub(in super::super) const TRACES: &[Rule] = &[
    rule(
        "trace",
        Package,
        Innocent,
        &[
            (
                "_configtest…",
                "_configtest.c:1:10: fatal error: x.h: No such file or directory",
            ),
            (
                "/tmp/tmp…",
                "/tmp/tmpa1/x.c:1:10: fatal error: x.h: No such file or directory",
            ),
            ("try.c:…", "try.c:1:10: fatal error: x.h: No such file or directory"),
            ("[№ of №] …", "[4 of 12] Compiling Error: x"),
            ("[ № of №] …", "[ 1 of 12] Compiling Error: x"),
            ("+ …", "+ ./configure --disable-error: no"),
            ("++ …", "++ error: x"),
            ("checking …", "checking for error: … no"),
            ("-- …", "-- Performing Test HAVE_X - Failed"),
            (
                "conftest…",
                "conftest.c:11:10: fatal error: x.h: No such file or directory",
            ),
            ("configure:№: …", "configure:1234: error: x"),
            ("…/conftest…: …", "/tmp/conftest.c:3:4: error: no"),
            (
                "…/CMakeScratch/…",
                "/builddir/CMakeFiles/CMakeScratch/TryCompile-a/src.c:1:2: error: no",
            ),
            ("…/CMakeTmp/…", "/builddir/CMakeFiles/CMakeTmp/src.c:1:2: error: no"),
            (
                "…/meson-private/…",
                "/builddir/meson-private/tmpa/testfile.c:1:2: error: no",
            ),
            ("testfile.c…", "testfile.c:1:2: error: no"),
            ("| …", "| #error: x"),
            ("[№/№] …", "[12/345] gcc -c error: x.c"),
            ("[ №%] …", "[ 12%] Building error: x.o"),
            ("[№%] …", "[100%] Building error: x.o"),
            ("Compiling …", "Compiling error: x v1.0"),
            ("Running `…", "Running `rustc error: x`"),
            ("libtool: compile: …", "libtool: compile: gcc error: x"),
            ("libtool: link: …", "libtool: link: gcc error: x"),
            ("make…: Entering directory …", "make[1]: Entering directory 'error: x'"),
            ("make…: Leaving directory …", "make[1]: Leaving directory 'error: x'"),
            ("make…: warning: …", "make[1]: warning: Clock skew detected. error: x"),
            (
                "Traceback (most recent call last):…",
                "Traceback (most recent call last):",
            ),
            (
                "File \"…/mockbuild/…",
                "File \"/usr/lib/python3.13/site-packages/mockbuild/trace_decorator.py\", line 93, in trace",
            ),
            ("raise …", "raise exception.Error(\"x: error: y\")"),
            ("ENTER …", "ENTER ['do'](['bash', 'error: '])"),
            ("LEAVE …", "LEAVE do --> raised error: x"),
        ],
    ),
    rule(
        "passed",
        Package,
        Innocent,
        &[
            ("ok № …", "ok 12 - error: x is found"),
            ("ok …", "ok github.com/x/y 0.1s error: x"),
            ("PASS: …", "PASS: t/error: x"),
            ("PASS …", "PASS t/error: x"),
            ("--- PASS: …", "--- PASS: TestError: x"),
            ("--- SKIP: …", "--- SKIP: TestError: x"),
            ("SKIP: …", "SKIP: t/error: x"),
            ("XFAIL: …", "XFAIL: t/error: x"),
            ("XFAIL …", "XFAIL tests/x.py::y - error: z"),
            ("UNSUPPORTED: …", "UNSUPPORTED: error: x"),
            ("[ OK ] …", "[ OK ] Error.Test: error: x"),
            ("[ PASSED ] …", "[ PASSED ] 12 tests. error: x"),
            ("[ RUN ] …", "[ RUN ] Error.Test: error: x"),
            ("… ... ok", "test_error (test_x.Error: y) ... ok"),
            ("… ... skipped…", "test_error (test_x.Error: y) ... skipped 'x'"),
            (
                "… ... expected failure",
                "test_error (test_x.Error: y) ... expected failure",
            ),
            ("… PASSED", "tests/test_x.py::test_error: y PASSED"),
            ("… PASSED […%]", "tests/test_x.py::test_error: y PASSED [ 12%]"),
            ("№/№ Test …Passed …", "12/13 Test #12: error: x .... Passed 0.1 sec"),
            ("№/№ … OK …", "12/13 error: x OK 0.1s"),
            (
                concat!("not ok … # TO", "DO…"),
                concat!("not ok 3 - x # TO", "DO later"),
            ),
            ("not ok … # SKIP…", "not ok 3 - x # SKIP"),
            ("# FAIL: 0", "# FAIL: 0"),
            ("# ERROR: 0", "# ERROR: 0"),
            ("✓ …", "✓ error: x is thrown"),
            ("✔ …", "✔ error: x is thrown"),
            ("√ …", "√ error: x is thrown"),
        ],
    ),
];

pub(in super::super) const RULES: &[Rule] = &[
    rule(
        "sphinx-warning",
        Package,
        Plain,
        &[
            ("Warning, treated as error:…", "Warning, treated as error:"),
            ("WARNING: …[Werror]", "WARNING: x [Werror]"),
        ],
    )
    .tail(1),
    rule(
        "follower",
        Package,
        Follower,
        &[
            ("make…: *** […] …", "make[2]: *** [Makefile:12: all] Error 2"),
            ("gmake…: *** […] …", "gmake[2]: *** [Makefile:12: all] Error 2"),
            (
                "make…: *** Waiting for unfinished jobs…",
                "make: *** Waiting for unfinished jobs....",
            ),
            (
                "make…: *** Es wird auf noch nicht beendete Prozesse gewartet…",
                "make: *** Es wird auf noch nicht beendete Prozesse gewartet …",
            ),
            (
                "make…: *** Attente des tâches non terminées…",
                "make: *** Attente des tâches non terminées....",
            ),
            (
                "make…: Target … not remade because of errors.",
                "make: Target 'all' not remade because of errors.",
            ),
            ("scons: *** […] Error №…", "scons: *** [x.o] Error 1"),
            (
                "scons: building terminated because of errors.",
                "scons: building terminated because of errors.",
            ),
            ("ninja: build stopped: …", "ninja: build stopped: subcommand failed."),
            ("samu: …", "samu: subcommand failed"),
            ("FAILED: …", "FAILED: src/x.o"),
            (
                "collect2: error: ld returned …",
                "collect2: error: ld returned 1 exit status",
            ),
            (
                "collect2: Fehler: …",
                "collect2: Fehler: ld gab 1 als Ende-Status zurück",
            ),
            (
                "collect2: erreur…",
                "collect2: erreur: ld a retourné le statut de sortie 1",
            ),
            (
                "lto-wrapper: fatal error: … returned …",
                "lto-wrapper: fatal error: g++ returned 1 exit status",
            ),
            ("…: error: lto-wrapper failed", "/usr/bin/ld: error: lto-wrapper failed"),
            (
                "lto-wrapper: …",
                "lto-wrapper: fatal error: make returned 2 exit status",
            ),
            ("compilation terminated.", "compilation terminated."),
            (
                "compilation terminated due to …",
                "compilation terminated due to -Wfatal-errors.",
            ),
            (
                "¤: all warnings being treated as errors",
                "cc1plus: all warnings being treated as errors",
            ),
            (
                "¤: some warnings being treated as errors",
                "cc1: some warnings being treated as errors",
            ),
            (
                "clang…: error: linker command failed…",
                "clang: error: linker command failed with exit code 1 (use -v to see invocation)",
            ),
            (
                "clang…: error: unable to execute command…",
                "clang: error: unable to execute command: x",
            ),
            ("№ error… generated.", "2 errors generated."),
            ("№ warning… generated.", "1 warning and 2 errors generated."),
            ("№ errors", "2 errors"),
            ("№ error", "1 error"),
            (
                "error: could not compile …",
                "error: could not compile `x` (lib) due to 2 previous errors",
            ),
            (
                "error: aborting due to …",
                "error: aborting due to 2 previous errors; 1 warning emitted",
            ),
            ("error: build failed", "error: build failed"),
            (
                "error: test failed, to rerun …",
                "error: test failed, to rerun pass `--lib`",
            ),
            ("error: № target… failed:…", "error: 1 target failed:"),
            (
                "error: command … failed with exit …",
                "error: command '/usr/bin/gcc' failed with exit code 1",
            ),
            (
                "error: subprocess-exited-with-error",
                "error: subprocess-exited-with-error",
            ),
            ("error: metadata-generation-failed", "error: metadata-generation-failed"),
            (
                "ERROR: Failed to build one or more wheels",
                "ERROR: Failed to build one or more wheels",
            ),
            (
                "ERROR: Failed building wheel for …",
                "ERROR: Failed building wheel for x",
            ),
            ("Failed to build …", "Failed to build x"),
            (
                "subprocess.CalledProcessError: …",
                "subprocess.CalledProcessError: Command 'make' returned non-zero exit status 2.",
            ),
            ("Errors while running CTest", "Errors while running CTest"),
            ("See also …", "See also \"/builddir/CMakeOutput.log\"."),
            (
                "A full log can be found at …",
                "A full log can be found at /builddir/build/meson-logs/meson-log.txt",
            ),
            (
                "autoreconf: …failed with exit status: …",
                "autoreconf: error: autoconf failed with exit status: 1",
            ),
            (
                "error: Bad exit status from …",
                "error: Bad exit status from /var/tmp/rpm-tmp.a (%build)",
            ),
            (
                "Bad exit status from …",
                "Bad exit status from /var/tmp/rpm-tmp.a (%build)",
            ),
            ("RPM build errors:", "RPM build errors:"),
            ("Child return code was: …", "Child return code was: 1"),
            ("EXCEPTION: [Error(…", "EXCEPTION: [Error('Command failed: x')]"),
            ("Command failed: …", "Command failed: # /usr/bin/systemd-nspawn"),
            (
                "mockbuild.exception.Error: …",
                "mockbuild.exception.Error: Command failed: x",
            ),
            ("# /usr/bin/systemd-nspawn …", "# /usr/bin/systemd-nspawn -q -M x"),
            ("# /usr/sbin/chroot …", "# /usr/sbin/chroot x"),
            ("BUILD FAILURE", "BUILD FAILURE"),
            ("[ERROR] -> [Help …", "[ERROR] -> [Help 1]"),
            (
                "[ERROR] To see the full stack trace …",
                "[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.",
            ),
            (
                "[ERROR] Re-run Maven using the -X …",
                "[ERROR] Re-run Maven using the -X switch to enable full debug logging.",
            ),
            (
                "[ERROR] For more information about the errors…",
                "[ERROR] For more information about the errors and possible solutions, please read:",
            ),
            ("[ERROR] [Help №] …", "[ERROR] [Help 1] http://cwiki.apache.org/x"),
            (
                "[ERROR] After correcting the problems…",
                "[ERROR] After correcting the problems, you can resume the build",
            ),
            ("[ERROR] mvn … -rf …", "[ERROR] mvn <args> -rf :x"),
            ("[ERROR]", "[ERROR]"),
            ("Execution halted", "Execution halted"),
            (
                "BEGIN failed--compilation aborted…",
                "BEGIN failed--compilation aborted at x.t line 3.",
            ),
            (
                "Compilation failed in require at …",
                "Compilation failed in require at x.t line 3.",
            ),
            ("tar: Child returned status №", "tar: Child returned status 1"),
            (
                "tar: Error is not recoverable: exiting now",
                "tar: Error is not recoverable: exiting now",
            ),
            (
                "tar: Exiting with failure status due to previous errors",
                "tar: Exiting with failure status due to previous errors",
            ),
            (
                "npm ERR! A complete log of this run …",
                "npm ERR! A complete log of this run can be found in: x",
            ),
            (
                "npm error A complete log of this run …",
                "npm error A complete log of this run can be found in: x",
            ),
            ("npm ERR!", "npm ERR!"),
            ("npm ERR! errno …", "npm ERR! errno 1"),
            ("npm error errno …", "npm error errno 1"),
            ("npm ERR! code …", "npm ERR! code ELIFECYCLE"),
            ("npm error code …", "npm error code 1"),
            ("rake aborted!", "rake aborted!"),
            ("Tasks: TOP => …", "Tasks: TOP => default => test"),
            ("*** extconf.rb failed ***", "*** extconf.rb failed ***"),
        ],
    ),
    rule(
        "warning",
        Package,
        Innocent,
        &[
            ("…: Warning: …", "src/x.erl:12:3: Warning: variable 'Error' is unused"),
            ("…:№: WARNING: …", "x.c:12: WARNING: error: y"),
            ("…: предупреждение: …", "x.c:12:3: предупреждение: x: error: y"),
            ("…: avertissement : …", "x.c:12:3: avertissement : error: y"),
            ("warning: …", "warning: File listed twice: error: /usr/x"),
            ("WARNING: …", "WARNING: error: x"),
            ("Warning: …", "Warning: error: x"),
            ("[WARNING] …", "[WARNING] x: error: y"),
            ("[WARN] …", "[WARN] x: error: y"),
            ("[INFO] …", "[INFO] error: x"),
            ("[DEBUG] …", "[DEBUG] error: x"),
            ("…: warning: …", "x.c:12:3: warning: error: x [-Wx]"),
            ("…: Warnung: …", "x.c:12:3: Warnung: x: error: y"),
            ("…: attention: …", "x.c:12:3: attention: x: error: y"),
            ("…: note: …", "x.c:12:3: note: error: x"),
            ("…: Anmerkung: …", "x.c:12:3: Anmerkung: error: x"),
            ("configure: WARNING: …", "configure: WARNING: error: x"),
            ("*** WARNING: …", "*** WARNING: mangling shebang in x: error: y"),
            ("npm WARN …", "npm WARN error: x"),
            ("npm warn …", "npm warn error: x"),
            ("File listed twice: …", "File listed twice: /usr/lib/error: x"),
            ("bogus date in %changelog: …", "bogus date in %changelog: Fri error: x"),
            ("In file included from …", "In file included from error: x"),
            ("DEBUG: …", "DEBUG: error: x"),
            ("INFO: …", "INFO: error: x"),
        ],
    ),
];
