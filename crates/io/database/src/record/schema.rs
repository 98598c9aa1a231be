//! The tables of the record, as migrations: each is applied once, in order, in a transaction of its own.
//!
//! A migration that was released is never changed; what must change is a further one.

/// The migrations. The number of those that were applied is the database's `user_version`.
pub(super) const MIGRATIONS: &[&str] = &[FIRST, CRASHES_OF_A_BUILD];

const FIRST: &str = "
CREATE TABLE bug (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    external TEXT NOT NULL UNIQUE,
    state INTEGER NOT NULL,
    open INTEGER NOT NULL,
    reason TEXT NOT NULL,
    duplicate_of INTEGER REFERENCES bug (id),
    merged INTEGER NOT NULL,
    fixes TEXT NOT NULL,
    closed INTEGER,
    public INTEGER NOT NULL,
    created INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    reproducer INTEGER NOT NULL,
    kind TEXT,
    frame TEXT,
    changed INTEGER NOT NULL,
    previous INTEGER REFERENCES bug (id),
    attempts INTEGER NOT NULL,
    attempted INTEGER,
    kept INTEGER NOT NULL,
    kept_last INTEGER,
    UNIQUE (title, sequence)
) STRICT;
CREATE INDEX bug_by_last ON bug (open, last DESC, id DESC, public);
CREATE INDEX bug_by_crashes ON bug (open, crashes DESC, id DESC, public);
CREATE INDEX bug_by_state ON bug (state, last DESC, id DESC, public);
CREATE INDEX bug_private ON bug (public) WHERE public = 0;
CREATE INDEX bug_duplicates ON bug (duplicate_of) WHERE duplicate_of IS NOT NULL;

CREATE TABLE bug_key (
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    bug INTEGER NOT NULL REFERENCES bug (id),
    PRIMARY KEY (kind, value, bug)
) STRICT, WITHOUT ROWID;
CREATE INDEX bug_key_of ON bug_key (bug);

CREATE VIRTUAL TABLE bug_text USING fts5 (content, tokenize = \"unicode61 tokenchars '_'\", prefix = '2 3');

CREATE TABLE crash (
    id INTEGER PRIMARY KEY,
    bug INTEGER NOT NULL REFERENCES bug (id),
    origin INTEGER NOT NULL,
    time INTEGER NOT NULL,
    title TEXT NOT NULL,
    kernel TEXT,
    build TEXT,
    machine TEXT NOT NULL,
    source TEXT NOT NULL,
    log TEXT,
    report TEXT,
    machine_info TEXT,
    line INTEGER NOT NULL,
    corrupted INTEGER NOT NULL,
    reproducer INTEGER NOT NULL,
    key TEXT
) STRICT;
CREATE INDEX crash_of ON crash (bug, time DESC);
CREATE INDEX crash_kept ON crash (bug) WHERE log IS NOT NULL OR report IS NOT NULL;
CREATE UNIQUE INDEX crash_key ON crash (key) WHERE key IS NOT NULL;
CREATE INDEX crash_log ON crash (log) WHERE log IS NOT NULL;
CREATE INDEX crash_report ON crash (report) WHERE report IS NOT NULL;
CREATE INDEX crash_machine_info ON crash (machine_info) WHERE machine_info IS NOT NULL;

CREATE TABLE day (
    bug INTEGER NOT NULL,
    day INTEGER NOT NULL,
    kernel TEXT NOT NULL,
    crashes INTEGER NOT NULL,
    PRIMARY KEY (bug, day, kernel)
) STRICT, WITHOUT ROWID;
CREATE TABLE total (day INTEGER PRIMARY KEY, crashes INTEGER NOT NULL) STRICT;

CREATE TABLE seen (
    what INTEGER NOT NULL,
    value TEXT NOT NULL,
    bug INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    PRIMARY KEY (what, value, bug)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_of ON seen (bug, what, crashes DESC);

CREATE TABLE artefact (
    name TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE reproducer (
    id INTEGER PRIMARY KEY,
    bug INTEGER NOT NULL REFERENCES bug (id),
    crash INTEGER NOT NULL REFERENCES crash (id),
    level INTEGER NOT NULL,
    options TEXT NOT NULL,
    text TEXT NOT NULL,
    time INTEGER NOT NULL,
    revoked INTEGER NOT NULL
) STRICT;
CREATE INDEX reproducer_of ON reproducer (bug, revoked, level DESC, time DESC);
CREATE INDEX reproducer_text ON reproducer (text);

CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    bug INTEGER NOT NULL REFERENCES bug (id),
    time INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    why TEXT NOT NULL,
    before TEXT
) STRICT;
CREATE INDEX history_of ON history (bug, id);
CREATE TRIGGER history_stays BEFORE UPDATE ON history
BEGIN SELECT RAISE (ABORT, 'the history is never changed'); END;
CREATE TRIGGER history_remains BEFORE DELETE ON history
BEGIN SELECT RAISE (ABORT, 'nothing is removed from the history'); END;

CREATE TABLE label (
    bug INTEGER NOT NULL REFERENCES bug (id),
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name, bug)
) STRICT, WITHOUT ROWID;
CREATE INDEX label_of ON label (bug);

CREATE TABLE build (
    client TEXT NOT NULL,
    key TEXT NOT NULL,
    content TEXT NOT NULL,
    config TEXT,
    PRIMARY KEY (client, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX build_config ON build (config) WHERE config IS NOT NULL;
CREATE TABLE manager (name TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE manager_day (
    name TEXT NOT NULL,
    day INTEGER NOT NULL,
    corpus INTEGER NOT NULL,
    cover INTEGER NOT NULL,
    fuzzing_seconds INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    suppressed INTEGER NOT NULL,
    executions INTEGER NOT NULL,
    PRIMARY KEY (name, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE failure (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    client TEXT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;

CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    bug INTEGER NOT NULL REFERENCES bug (id),
    kind TEXT NOT NULL,
    state INTEGER NOT NULL,
    who TEXT NOT NULL,
    message_id TEXT,
    created INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    lease INTEGER,
    manager TEXT NOT NULL,
    repository TEXT NOT NULL,
    branch TEXT NOT NULL,
    patch TEXT,
    ended INTEGER,
    crash_title TEXT NOT NULL,
    error TEXT NOT NULL,
    log TEXT,
    commits TEXT NOT NULL
) STRICT;
CREATE INDEX job_of ON job (bug);
CREATE INDEX job_waiting ON job (state) WHERE state < 2;

CREATE TABLE handled (
    key TEXT PRIMARY KEY,
    time INTEGER NOT NULL,
    answer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE mail (
    id INTEGER PRIMARY KEY,
    bug INTEGER REFERENCES bug (id),
    message_id TEXT NOT NULL UNIQUE,
    time INTEGER NOT NULL,
    text TEXT NOT NULL,
    delivered INTEGER
) STRICT;
CREATE INDEX mail_of ON mail (bug);
CREATE INDEX mail_waiting ON mail (id) WHERE delivered IS NULL;
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// Whose crashes a build's configuration belongs to is asked for each time that somebody wants to read it.
const CRASHES_OF_A_BUILD: &str = "
CREATE INDEX crash_build ON crash (build, source) WHERE build IS NOT NULL;
";
