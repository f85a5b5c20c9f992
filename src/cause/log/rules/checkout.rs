//! `checkout.log`: git's own words, and those of what fetches the sources.

use crate::koji::CauseClass::{Buildroot, SourceRpm};

use super::Worth::{Innocent, Machine, Plain, Reason, Sign};
use super::{Rule, rule};

pub(in super::super) const RULES: &[Rule] = &[
    rule(
        "innocent",
        SourceRpm,
        Innocent,
        &[
            ("Cloning into …", "Cloning into 'error: x'..."),
            ("$ …", "$ git clone error: x"),
            ("warning: …", "warning: error: x"),
            ("hint: …", "hint: error: x"),
            ("HEAD is now at …", "HEAD is now at 1f3a error: x"),
            ("remote: Counting …", "remote: Counting objects: 1"),
            ("remote: Compressing …", "remote: Compressing objects: 100%"),
            ("remote: Enumerating …", "remote: Enumerating objects: 5, done."),
            ("remote: Total …", "remote: Total 5 (delta 0), reused 0 (delta 0)"),
        ],
    ),
    rule(
        "server",
        Buildroot,
        Machine,
        &[
            (
                "…Could not resolve host…",
                "fatal: unable to access 'https://h/x.git/': Could not resolve host: h",
            ),
            (
                "…Couldn't resolve host…",
                "fatal: unable to access 'https://h/x.git/': Couldn't resolve host 'h'",
            ),
            (
                "…unable to look up …",
                "fatal: unable to look up h (port 9418) (Name or service not known)",
            ),
            (
                "…imed out…",
                "fatal: unable to access 'https://h/x.git/': Failed to connect to h port 443: Connection timed out",
            ),
            (
                "…Failed to connect to …",
                "fatal: unable to access 'https://h/x/': Failed to connect to h port 443 after 12 ms: x",
            ),
            (
                "…Connection refused…",
                "ssh: connect to host h port 22: Connection refused",
            ),
            (
                "…Connection reset by peer…",
                "fatal: read error: Connection reset by peer",
            ),
            ("…onnection closed by …", "Connection closed by 10.0.0.1 port 22"),
            ("…No route to host…", "ssh: connect to host h port 22: No route to host"),
            (
                "…The requested URL returned error: 5№…",
                "fatal: unable to access 'https://h/x.git/': The requested URL returned error: 503",
            ),
            ("…HTTP 5№…", "error: RPC failed; HTTP 504 curl 22 x"),
            (
                "error: RPC failed; …",
                "error: RPC failed; curl 18 transfer closed with outstanding read data remaining",
            ),
            ("…early EOF", "fatal: early EOF"),
            (
                "…The remote end hung up unexpectedly…",
                "fatal: The remote end hung up unexpectedly",
            ),
            (
                "…the remote end hung up unexpectedly…",
                "fatal: the remote end hung up unexpectedly",
            ),
            ("…index-pack failed…", "fatal: index-pack failed"),
            (
                "…unexpected disconnect while reading …",
                "fetch-pack: unexpected disconnect while reading sideband packet",
            ),
            (
                "…SSL certificate problem…",
                "fatal: unable to access 'https://h/x/': SSL certificate problem: certificate has expired",
            ),
        ],
    ),
    rule(
        "git",
        SourceRpm,
        Reason,
        &[
            ("fatal: …", "fatal: Could not parse object '1f3a'."),
            (
                "error: pathspec …",
                "error: pathspec 'f99' did not match any file(s) known to git",
            ),
            ("error: unable to …", "error: unable to read sha1 file of x"),
            (
                "error: Server does not allow request for unadvertised object …",
                "error: Server does not allow request for unadvertised object 1f3a",
            ),
            ("Host key verification failed.", "Host key verification failed."),
            ("…Permission denied (…", "git@h: Permission denied (publickey)."),
            ("remote: …", "remote: Repository not found."),
            ("svn: …", "svn: E170000: URL 'x' doesn't exist"),
            ("cvs …: …", "cvs checkout: cannot find module `x' - ignored"),
            (
                "…Could not execute sources: …",
                "Could not execute sources: Server returned status code 404",
            ),
            ("…ould not download …", "Could not download sources"),
            ("make: *** …", "make: *** No rule to make target 'sources'. Stop."),
            ("…: command not found", "/bin/sh: fedpkg: command not found"),
            (
                "…computed checksum… did NOT match…",
                "md5sum: WARNING: 1 computed checksum did NOT match",
            ),
            ("…: FAILED", "a.tar.gz: FAILED"),
            (
                "…The requested URL returned error: …",
                "curl: (22) The requested URL returned error: 404 Not Found",
            ),
        ],
    ),
    rule(
        "error",
        SourceRpm,
        Plain,
        &[
            ("error: …", "error: x"),
            ("Error: …", "Error: x"),
            ("ERROR: …", "ERROR: x"),
            ("¤Error: …", "IOError: x"),
        ],
    ),
    rule(
        "sign",
        SourceRpm,
        Sign,
        &[("…ailed…", "x failed"), ("…o such …", "No such x")],
    ),
];
