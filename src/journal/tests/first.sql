-- A journal as version 1 of the tables made it.
CREATE TABLE state_of_file (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    clean INTEGER NOT NULL
) STRICT;

CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (instance, id)
) STRICT;

CREATE TABLE stories (
    number INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    subject TEXT NOT NULL,
    build INTEGER,
    task INTEGER,
    nvr TEXT,
    package TEXT,
    owner TEXT,
    mine INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    settled INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    changed INTEGER NOT NULL,
    dealt TEXT NOT NULL,
    story TEXT NOT NULL,
    UNIQUE (instance, subject)
) STRICT;
CREATE INDEX stories_by_time ON stories (settled, changed DESC);

CREATE TABLE states (
    story INTEGER NOT NULL REFERENCES stories ON DELETE CASCADE,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (story, at, kind, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE tales (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    instance TEXT NOT NULL,
    subject TEXT NOT NULL,
    fate TEXT NOT NULL,
    tag TEXT,
    rule TEXT NOT NULL,
    late INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('due', 'told', 'digest', 'dropped')),
    at INTEGER NOT NULL,
    story TEXT NOT NULL
) STRICT;
CREATE INDEX tales_of_story ON tales (instance, subject);
CREATE INDEX tales_due ON tales (number) WHERE outcome = 'due';
CREATE INDEX tales_over ON tales (at) WHERE outcome <> 'due';

CREATE TABLE marks (
    instance TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
    instance TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE muted (
    package TEXT PRIMARY KEY,
    until INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE paused (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    until INTEGER,
    asked TEXT NOT NULL
) STRICT;

CREATE TABLE usual (
    instance TEXT NOT NULL,
    package TEXT NOT NULL,
    takes INTEGER,
    at INTEGER NOT NULL,
    PRIMARY KEY (instance, package)
) STRICT, WITHOUT ROWID;

CREATE TABLE on_screen (
    server TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (server, number)
) STRICT;

INSERT INTO state_of_file (one, clean) VALUES (1, 1);

INSERT INTO stories VALUES (1, 'fedora', '{"build":2900001}', 2900001, 140000001, 'bash-5.3-1.fc43', 'bash', 'mona', 1,
    'build', 'FAILED', 1, NULL, 1795196340000000000, 1795196340000000000,
    '{"told":[{"standing":{"build":"FAILED"},"at":"2026-11-20T17:39:00Z"}],"unseen_failure":true}',
    '{"standing":{"build":"FAILED"},"changed":"2026-11-20T17:39:00Z","ended":"2026-11-20T17:39:00Z","task":140000001,"nvr":{"name":"bash","version":"5.3","release":"1.fc43"},"package":"bash","owner":"mona","mine":true}');
INSERT INTO states VALUES (1, 1795196340000000000, 'build', 'FAILED');
INSERT INTO tales VALUES (3, 'fedora', '{"build":2900001}', 'failed', NULL, 'my-builds', 0, 'due', 1795196400000000000,
    '{"standing":{"build":"FAILED"},"changed":"2026-11-20T17:39:00Z","ended":"2026-11-20T17:39:00Z","task":140000001,"nvr":{"name":"bash","version":"5.3","release":"1.fc43"},"package":"bash","owner":"mona","mine":true}');
INSERT INTO marks VALUES ('fedora', 1795196400000000000);
PRAGMA application_id = 1802463849;
PRAGMA user_version = 1;
