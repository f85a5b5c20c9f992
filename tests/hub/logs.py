"""What builders write: faults as kojid words them, and logs whose text bears them out."""

STATUS_1 = "mock exited with status 1; see build.log or root.log for more information"

_BUILD_HEAD = """Mock Version: 5.6
ENTER ['do_with_status'](['bash', '--login', '-c', '/usr/bin/rpmbuild -bb --noclean --target {arch} {name}.spec'])
Executing(%prep): /bin/sh -e /var/tmp/rpm-tmp.prep
+ exit 0
Executing(%build): /bin/sh -e /var/tmp/rpm-tmp.build
"""
_ROOT = """INFO mock.py:619:  mock.py version 5.6 starting
DEBUG util.py:445:  Installing dependencies:
DEBUG util.py:445:   gcc {arch} 14.2.1-3.fc44 build 37 M
DEBUG util.py:445:  Complete!
"""
_COMPILE = """gcc -O2 -g -c src/main.c -o src/main.o
src/main.c: In function 'main':
src/main.c:42:5: error: implicit declaration of function 'frobnicate' [-Wimplicit-function-declaration]
   42 |     frobnicate(argv[1]);
      |     ^~~~~~~~~~
make: *** [Makefile:12: src/main.o] Error 1
error: Bad exit status from /var/tmp/rpm-tmp.build (%build)

RPM build errors:
    Bad exit status from /var/tmp/rpm-tmp.build (%build)
Child return code was: 1
"""
_CHECK = """Executing(%check): /bin/sh -e /var/tmp/rpm-tmp.check
+ make check
FAIL: tests/roundtrip
1 of 58 tests failed
make: *** [Makefile:80: check] Error 1
error: Bad exit status from /var/tmp/rpm-tmp.check (%check)

RPM build errors:
    Bad exit status from /var/tmp/rpm-tmp.check (%check)
Child return code was: 1
"""
_FILES = """Processing files: {nvr}.{arch}
error: File not found: /builddir/build/BUILD/{name}-build/BUILDROOT/usr/share/man/man1/{name}.1*

RPM build errors:
    File not found: /builddir/build/BUILD/{name}-build/BUILDROOT/usr/share/man/man1/{name}.1*
Child return code was: 1
"""
_SRPM = """Mock Version: 5.6
ENTER ['do_with_status'](['bash', '--login', '-c', '/usr/bin/rpmbuild -bs --noclean {name}.spec'])
error: Bad source: /builddir/build/SOURCES/{name}-{version}.tar.gz: No such file or directory

RPM build errors:
    Bad source: /builddir/build/SOURCES/{name}-{version}.tar.gz: No such file or directory
Child return code was: 1
"""
_DEPENDENCIES = """DEBUG util.py:445:  Failed to resolve the transaction:
DEBUG util.py:445:  No match for argument: {name}-compat-devel
DEBUG util.py:445:    You can try to add to command line:
DEBUG util.py:445:      --skip-unavailable to skip unavailable packages
"""
_GOOD_END = "Wrote: /builddir/build/RPMS/{nvr}.{arch}.rpm\nChild return code was: 0\n"
_KINDS = (_COMPILE, _CHECK, _FILES, None)


def arch_fault(arch):
    return "error building package (arch %s), %s" % (arch, STATUS_1)


def srpm_fault():
    return "error building srpm, " + STATUS_1


def of_failed_arch(nvr, arch, kind=0):
    """Returns the logs of an architecture that failed, by name; `kind` chooses among what goes wrong in real builds."""
    text = _KINDS[kind % len(_KINDS)]
    words = _words(nvr, arch)
    root = _ROOT if text is not None else _ROOT.replace("DEBUG util.py:445:  Complete!\n", "") + _DEPENDENCIES
    # Without its dependencies a build does not begin.
    build = "" if text is None else _BUILD_HEAD + text
    return _filled({"build.log": build, "root.log": root, "state.log": "Finish: rpmbuild\n"}, words)


def of_good_arch(nvr, arch):
    logs = {"build.log": _BUILD_HEAD + _GOOD_END, "root.log": _ROOT, "state.log": "Finish: rpmbuild\n"}
    return _filled(logs, _words(nvr, arch))


def of_failed_srpm(nvr):
    checkout = "$ git clone -n {name}.git\nCloning into '{name}'...\n"
    return _filled({"checkout.log": checkout, "build.log": _SRPM}, _words(nvr, "noarch"))


def of_good_srpm(nvr):
    checkout = "$ git clone -n {name}.git\nCloning into '{name}'...\n"
    build = "Wrote: /builddir/build/SRPMS/{nvr}.src.rpm\nChild return code was: 0\n"
    return _filled({"checkout.log": checkout, "build.log": build}, _words(nvr, "noarch"))


def _words(nvr, arch):
    name, version, _ = nvr.rsplit("-", 2)
    return {"{nvr}": nvr, "{name}": name, "{version}": version, "{arch}": arch}


def _filled(logs, words):
    def fill(text):
        for word, value in words.items():
            text = text.replace(word, value)
        return text

    return {name: fill(text) for name, text in logs.items()}
