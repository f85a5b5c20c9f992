//! Disks, memory, networks and databases, which break in the middle of anything. Mostly the end of a traceback.

use crate::koji::CauseClass::Buildroot;

use super::super::Sure::Likely;
use super::{Rule, rule};

pub(super) const RULES: &[Rule] = &[
    // the world, which breaks in the middle of anything
    rule(
        "offline",
        Buildroot,
        &[
            ("Server disabled for maintenance…", "Server disabled for maintenance"),
            ("database outage…", "database outage"),
            ("server is offline…", "server is offline"),
            ("…Offline: …", "ServerOffline: back soon"),
        ],
    ),
    rule(
        "disk",
        Buildroot,
        &[
            (
                "…No space left on device…",
                "[Errno 28] No space left on device: '/mnt/koji/work/x'",
            ),
            ("…Errno 28]…", "OSError: [Errno 28] x"),
            ("…Disk quota exceeded…", "[Errno 122] Disk quota exceeded"),
            (
                "…Read-only file system…",
                "[Errno 30] Read-only file system: '/var/lib/mock'",
            ),
            ("…Input/output error…", "[Errno 5] Input/output error"),
            ("…Stale file handle…", "[Errno 116] Stale file handle: '/mnt/koji'"),
            (
                "…Transport endpoint is not connected…",
                "[Errno 107] Transport endpoint is not connected",
            ),
            ("…Too many open files…", "[Errno 24] Too many open files"),
        ],
    )
    .sure(Likely),
    rule(
        "memory",
        Buildroot,
        &[
            ("…Cannot allocate memory…", "OSError: [Errno 12] Cannot allocate memory"),
            ("MemoryError…", "MemoryError: "),
            (
                "…Resource temporarily unavailable…",
                "BlockingIOError: [Errno 11] Resource temporarily unavailable",
            ),
        ],
    )
    .sure(Likely),
    rule(
        "network",
        Buildroot,
        &[
            ("ConnectionError: …", "ConnectionError: ('Connection aborted.', x)"),
            ("¤ConnectionError…", "requests.exceptions.ConnectionError: x"),
            ("HTTPError: …", "HTTPError: HTTP Error 503: Backend fetch failed"),
            ("HTTP Error №…", "HTTP Error 404: Not Found"),
            ("…HTTPError: …", "requests.exceptions.HTTPError: 502"),
            (
                "… Server Error: …",
                "502 Server Error: Proxy Error for url: https://koji.example.org/kojihub",
            ),
            (
                "…imed out…",
                "HTTPSConnectionPool(host='koji.example.org', port=443): Read timed out. (read timeout=43200)",
            ),
            ("…imeout: …", "ReadTimeout: x"),
            ("…Connection reset by peer…", "[Errno 104] Connection reset by peer"),
            ("…Connection refused…", "[Errno 111] Connection refused"),
            (
                "…Connection aborted…",
                "('Connection aborted.', BadStatusLine(\"''\",))",
            ),
            (
                "…RemoteDisconnected…",
                "('x', RemoteDisconnected('Remote end closed connection without response'))",
            ),
            (
                "…Remote end closed connection…",
                "Remote end closed connection without response",
            ),
            (
                "…ProtocolError…",
                "ProtocolError: <ProtocolError for koji.example.org/kojihub: 502 Bad Gateway>",
            ),
            ("…IncompleteRead(…", "IncompleteRead(0 bytes read)"),
            ("…Bad Gateway…", "502 Bad Gateway"),
            ("…Service Unavailable…", "503 Service Unavailable"),
            (
                "…Service Temporarily Unavailable…",
                "503 Service Temporarily Unavailable",
            ),
            ("…Gateway Time…", "504 Gateway Time-out"),
            (
                "…Max retries exceeded…",
                "HTTPSConnectionPool(host='h', port=443): Max retries exceeded with url: /x",
            ),
            (
                "…Temporary failure in name resolution…",
                "[Errno -3] Temporary failure in name resolution",
            ),
            ("…Name or service not known…", "[Errno -2] Name or service not known"),
            ("…No route to host…", "[Errno 113] No route to host"),
            ("…Network is unreachable…", "[Errno 101] Network is unreachable"),
            ("…Broken pipe…", "[Errno 32] Broken pipe"),
            (
                "…certificate verify failed…",
                "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1)",
            ),
            ("SSLError: …", "SSLError: x"),
            ("BadStatusLine…", "BadStatusLine: ''"),
            ("…urlopen error …", "<urlopen error x>"),
            (
                "…all retries failed…",
                "reached maximum number of retries, all retries failed",
            ),
            (
                "…eached maximum number of retries…",
                "reached maximum number of retries, last call failed with: x",
            ),
        ],
    )
    .sure(Likely),
    rule(
        "database",
        Buildroot,
        &[
            (
                "OperationalError: …",
                "OperationalError: server closed the connection unexpectedly",
            ),
            (
                "…server closed the connection unexpectedly…",
                "server closed the connection unexpectedly",
            ),
            ("…deadlock detected…", "deadlock detected"),
            (
                "…could not serialize access…",
                "could not serialize access due to concurrent update",
            ),
            ("InterfaceError: …", "InterfaceError: connection already closed"),
        ],
    )
    .sure(Likely),
    rule(
        "lock",
        Buildroot,
        &[
            (
                "…uild root is locked by another process…",
                "Build root is locked by another process.",
            ),
            ("LockError: …", "LockError: x"),
            (
                "…Device or resource busy…",
                "[Errno 16] Device or resource busy: '/var/lib/mock/x'",
            ),
            ("…Directory not empty…", "[Errno 39] Directory not empty: 'x'"),
        ],
    )
    .sure(Likely),
];
