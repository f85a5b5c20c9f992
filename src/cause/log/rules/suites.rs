//! Test suites: which test failed, and what it said.

use crate::koji::CauseClass::Package;

use super::Worth::{Plain, Reason, Sign, Verdict};
use super::{Rule, rule};

pub(in super::super) const RULES: &[Rule] = &[
    rule(
        "ctest",
        Package,
        Verdict,
        &[
            ("№ - … (Failed)…", "12 - x (Failed)"),
            ("№ - … (Timeout)…", "12 - x (Timeout)"),
            ("№ - … (SEGFAULT)…", "12 - x (SEGFAULT)"),
            ("№ - … (Subprocess aborted)…", "12 - x (Subprocess aborted)"),
            ("№ - … (Not Run)…", "12 - x (Not Run)"),
            ("№ - … (ILLEGAL)…", "12 - x (ILLEGAL)"),
            ("№ - … (Exit code …)…", "12 - x (Exit code 0xc0000135)"),
            ("Could not find executable …", "Could not find executable x"),
            ("Unable to find executable: …", "Unable to find executable: x"),
        ],
    ),
    rule(
        "ctest-progress",
        Package,
        Plain,
        &[
            ("№/№ Test …***…", "12/17 Test #12: x ......***Failed 0.10 sec"),
            (
                "№/№ Test …Subprocess aborted…",
                "2/6 Test #2: x ...Subprocess aborted***Exception: 0.1 sec",
            ),
        ],
    ),
    rule(
        "automake-tests",
        Package,
        Verdict,
        &[
            ("FAIL: …", "FAIL: tests/x"),
            ("FAIL …", "FAIL tests/x.test.js"),
            ("XPASS: …", "XPASS: tests/x"),
            ("ERROR: ¤", "ERROR: tests/x"),
            ("ERROR: ¤ - …", "ERROR: x.test - missing test plan"),
            ("ERROR: ¤ (…)…", "ERROR: test_x (tests.test_y.Case.test_x)"),
            ("№: … FAILED (…)", "12: x FAILED (x.at:12)"),
            ("not ok …", "not ok 3 - x"),
            ("Bail out! …", "Bail out! x"),
        ],
    ),
    rule(
        "meson-tests",
        Package,
        Verdict,
        &[
            ("№/№ … FAIL №…", "3/10 x:y FAIL 0.12s exit status 1"),
            ("№/№ … ERROR №…", "3/10 x:y ERROR 0.12s exit status 1"),
            (
                "№/№ … TIMEOUT №…",
                "3/10 x:y TIMEOUT 30.01s killed by signal 15 SIGTERM",
            ),
            ("№/№ … FAIL …s", "3/10 x FAIL y 0.12 s"),
            ("№/№ … UNEXPECTEDPASS …", "3/10 x UNEXPECTEDPASS 0.1s"),
        ],
    ),
    rule(
        "pytest",
        Package,
        Verdict,
        &[
            ("E Failed: …", "E Failed: DID NOT RAISE <class 'ValueError'>"),
            ("E ¤Error: …", "E ModuleNotFoundError: No module named 'x'"),
            ("E ¤Error", "E AssertionError"),
            ("E ¤Exception: …", "E x.SomeException: y"),
            ("E ¤Warning: …", "E DeprecationWarning: y"),
            ("E assert …", "E assert 1 == 2"),
            ("FAILED ¤::…", "FAILED tests/test_x.py::test_y - AssertionError: z"),
            (
                "ERROR ¤.py…",
                "ERROR tests/test_x.py - ModuleNotFoundError: No module named 'x'",
            ),
            ("ERROR ¤::…", "ERROR tests/test_x.py::test_y - z"),
            (
                "ImportError while loading conftest …",
                "ImportError while loading conftest '/builddir/tests/conftest.py'.",
            ),
            ("ERROR: usage: …", "ERROR: usage: pytest [options] [file_or_dir] [...]"),
            (
                "…pytest: error: …",
                "__main__.py: error: pytest: error: unrecognized arguments: --x",
            ),
            (
                "…: error: unrecognized arguments: …",
                "pytest.py: error: unrecognized arguments: --x",
            ),
            (
                "ERROR: file or directory not found: …",
                "ERROR: file or directory not found: tests",
            ),
            ("INTERNALERROR> ¤: …", "INTERNALERROR> ValueError: x"),
        ],
    ),
    rule(
        "python-progress",
        Package,
        Plain,
        &[
            ("¤::¤ FAILED", "x.py::test_y FAILED"),
            ("¤::… FAILED […%]", "x.py::test_y[a b] FAILED [ 12%]"),
            ("¤::¤ ERROR", "x.py::test_y ERROR"),
            ("¤::… ERROR […%]", "x.py::test_y[a b] ERROR [ 12%]"),
            ("¤ (¤) ... FAIL", "test_x (y.Z.test_x) ... FAIL"),
            ("¤ (¤) ... ERROR", "test_x (y.Z.test_x) ... ERROR"),
        ],
    ),
    rule(
        "pytest-heads",
        Package,
        Sign,
        &[
            (
                "…_ ERROR collecting … _…",
                "_____ ERROR collecting tests/test_x.py _____",
            ),
            (
                "ImportError while importing test module …",
                "ImportError while importing test module '/builddir/tests/test_x.py'.",
            ),
        ],
    ),
    rule(
        "python-tests",
        Package,
        Verdict,
        &[
            ("Failed example:", "Failed example:"),
            ("AssertionError: …", "AssertionError: 1 != 2"),
            ("AssertionError", "AssertionError"),
        ],
    ),
    rule(
        "rust-tests",
        Package,
        Verdict,
        &[
            ("test … ... FAILED", "test x::y ... FAILED"),
            ("thread '…' panicked at …", "thread 'x::y' panicked at src/lib.rs:12:5:"),
            (
                "thread '…' (№) panicked at …",
                "thread 'x' (17) panicked at src/lib.rs:12:5:",
            ),
            ("…---- … stdout ----", "---- x::y stdout ----"),
            (
                "test result: FAILED. …",
                "test result: FAILED. 12 passed; 1 failed; 0 ignored; 0 measured",
            ),
        ],
    )
    .tail(1),
    rule(
        "go-tests",
        Package,
        Verdict,
        &[
            ("--- FAIL: …", "--- FAIL: TestX (0.00s)"),
            ("¤_test.go:№: …", "x_test.go:12: expected 1, got 2"),
            ("¤_test.go:№:№: …", "x_test.go:12:3: undefined: y"),
            ("panic: …", "panic: runtime error: index out of range [recovered]"),
        ],
    ),
    rule(
        "c-tests",
        Package,
        Verdict,
        &[
            ("[ FAILED ] …", "[ FAILED ] X.Y (1 ms)"),
            ("[FAILED] …", "[FAILED] x"),
            ("[FAIL] …", "[FAIL] x"),
            ("…:№: Failure", "x.cc:12: Failure"),
            ("…:№: FAILED:", "x.cpp:12: FAILED:"),
            (
                "…(№): error: in \"…",
                "x.cpp(12): error: in \"y/z\": check a == b has failed",
            ),
            (
                "…(№): fatal error: in \"…",
                "x.cpp(12): fatal error: in \"y/z\": critical check a == b has failed",
            ),
            ("…:№:F:…", "x.c:12:F:core:test_y:0: Assertion 'a==b' failed"),
            (
                "…:№:E:…",
                "x.c:12:E:core:test_y:0: (after this point) Received signal 11",
            ),
            ("FAIL! : …", "FAIL! : TestX::y() Compared values are not the same"),
            ("№ - … ***Failed…", "3 - x ***Failed"),
            ("*** … FAILED…", "*** test x FAILED"),
            ("Test … FAILED…", "Test x FAILED"),
            ("…[ERROR] … FAILED…", "[ERROR] x FAILED"),
        ],
    ),
    rule(
        "ruby-tests",
        Package,
        Verdict,
        &[
            ("rspec ./…", "rspec ./spec/x_spec.rb:12 # y"),
            ("Failure/Error: …", "Failure/Error: expect(x).to eq(1)"),
            ("Failure: …", "Failure: test_x(TestY)"),
            (
                "Error: ¤(¤)…",
                "Error: test_x(TestY): NoMethodError: undefined method `z' for nil",
            ),
            ("№) Failure:", "1) Failure:"),
            ("№) Error:", "1) Error:"),
            (
                "An error occurred while loading …",
                "An error occurred while loading ./spec/x_spec.rb.",
            ),
        ],
    )
    .tail(1),
    rule(
        "perl-tests",
        Package,
        Verdict,
        &[
            ("# Failed test …", "# Failed test 'x'"),
            ("# Failed test (…", "# Failed test (t/x.t at line 12)"),
            (
                "# Looks like your test exited with …",
                "# Looks like your test exited with 2 just after 3.",
            ),
            (
                "# Looks like you planned …",
                "# Looks like you planned 3 tests but ran 2.",
            ),
            (
                "¤.t … Dubious, test returned …",
                "t/x.t ............ Dubious, test returned 2 (wstat 512, 0x200)",
            ),
            ("¤.t … Failed …", "t/x.t .. Failed 1/10 subtests"),
            (
                "Dubious, test returned …",
                "Dubious, test returned 2 (wstat 512, 0x200)",
            ),
            ("Failed №/№ subtests…", "Failed 1/10 subtests"),
            ("¤.t …Wstat: …", "t/x.t (Wstat: 512 (exited 2) Tests: 10 Failed: 1)"),
        ],
    ),
    rule(
        "java-test-counts",
        Package,
        Sign,
        &[
            (
                "[ERROR] Tests run: …",
                "[ERROR] Tests run: 5, Failures: 1, Errors: 0, Skipped: 0",
            ),
            ("Tests run: …", "Tests run: 5, Failures: 1, Errors: 0, Skipped: 0"),
            ("[ERROR] Failures:", "[ERROR] Failures:"),
            ("[ERROR] Errors:", "[ERROR] Errors:"),
            ("[ERROR] There are test failures.", "[ERROR] There are test failures."),
        ],
    ),
    rule(
        "java-tests",
        Package,
        Reason,
        &[
            ("[ERROR] ¤.¤:№ …", "[ERROR] XTest.testY:12 expected:<1> but was:<2>"),
            (
                "[ERROR] ¤.¤:№->…",
                "[ERROR] XTest.testY:12->check:13 expected:<1> but was:<2>",
            ),
            (
                "[ERROR] ¤ -- Time elapsed: … <<< …",
                "[ERROR] x.XTest.testY -- Time elapsed: 0.1 s <<< FAILURE!",
            ),
            ("…<<< FAILURE!…", "testY(x.XTest) Time elapsed: 0.1 sec <<< FAILURE!"),
            ("…<<< ERROR!…", "testY(x.XTest) Time elapsed: 0.1 sec <<< ERROR!"),
            ("[junit] Test ¤ FAILED…", "[junit] Test x.XTest FAILED"),
            ("¤ > … FAILED", "x.XTest > testY FAILED"),
        ],
    ),
    rule(
        "other-tests",
        Package,
        Verdict,
        &[
            (
                "¤Error [¤]: …",
                "AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:",
            ),
            ("● …", "● x › y"),
            ("✖ …", "✖ x (1.2ms)"),
            ("✗ …", "✗ x"),
            ("✘ …", "✘ x"),
            ("==== ¤ … FAILED", "==== x-1.1 does y FAILED"),
            ("*** Failed! …", "*** Failed! Falsified (after 1 test):"),
            ("Test Failed at …", "Test Failed at x.jl:12"),
            ("…: Test Failed at …", "x: Test Failed at x.jl:12"),
            ("!!!!! test … failed", "!!!!! test x failed"),
        ],
    )
    .tail(1),
    rule(
        "phpunit",
        Package,
        Verdict,
        &[
            ("Failed asserting …", "Failed asserting that 2 matches expected 1."),
            ("№) ¤::…", "1) X\\Tests\\DateTest::testParse"),
        ],
    )
    .tail(1),
    rule(
        "phpunit-heads",
        Package,
        Sign,
        &[
            ("There was № failure:", "There was 1 failure:"),
            ("There were № failures:", "There were 2 failures:"),
        ],
    ),
    rule(
        "counts",
        Package,
        Sign,
        &[
            ("# FAIL: №", "# FAIL: 2"),
            ("# ERROR: №", "# ERROR: 2"),
            (
                "…% tests passed, № tests failed out of №…",
                "94% tests passed, 1 tests failed out of 17",
            ),
            ("The following tests FAILED:", "The following tests FAILED:"),
            ("=… failed…in …", "=== 1 failed, 23 passed in 1.2s ==="),
            ("=… error… in …", "=== 1 error in 1.2s ==="),
            ("FAILED (…", "FAILED (failures=1)"),
            (
                "№ runs, № assertions, …",
                "12 runs, 30 assertions, 1 failures, 0 errors, 0 skips",
            ),
            ("№ examples, № failure…", "12 examples, 1 failure"),
            ("№ failing", "1 failing"),
            ("Tests: № failed, …", "Tests: 1 failed, 12 passed, 13 total"),
            ("Result: FAIL", "Result: FAIL"),
            ("Result: …rror…", "Result: Errors"),
            (
                "Failed №/№ test programs. …",
                "Failed 2/30 test programs. 1/200 subtests failed.",
            ),
            ("Fail: №", "Fail: 1"),
            ("№ tests failed…", "2 tests failed."),
            ("№ of № tests failed…", "2 of 30 tests failed"),
            ("See ¤test-suite.log…", "See ./test-suite.log"),
        ],
    ),
];
