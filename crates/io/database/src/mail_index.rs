//! An index of archives of mail: who wrote what when, which thread it is in, and the bugs, files,
//! functions and trailers it names, with full text.
//!
//! The mails themselves stay in their archive; a row names the commit that holds one. How far an
//! archive was read is written in the transaction that adds its mails, so an interrupted run goes on
//! where it was and no mail is lost or counted twice. The number of a mail is never given again, so
//! what other tables say of a mail that was taken back means nothing and may stay.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parse_mail::{Body, Message, TrailerKind, bug_ids, diffs, quote, trailer};
use rusqlite::{
    CachedStatement, Connection, OptionalExtension as _, Transaction, TransactionBehavior, params,
};

/// The format of the tables. An index of another format is made anew.
const FORMAT: i64 = 2;
/// Bytes of own words of a mail that are searched.
const MAX_WORDS: usize = 64 << 10;
/// Rows of one kind kept of a mail.
const MAX_ROWS: usize = 512;

const SCHEMA: &str = "
CREATE TABLE archive (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, list TEXT NOT NULL, done TEXT);
CREATE TABLE mail (
  id INTEGER PRIMARY KEY AUTOINCREMENT, archive INTEGER NOT NULL, place TEXT NOT NULL, message_id TEXT, thread INTEGER NOT NULL,
  date INTEGER, name TEXT NOT NULL, address TEXT NOT NULL, subject TEXT NOT NULL, is_patch INTEGER NOT NULL);
CREATE TABLE node (message_id TEXT PRIMARY KEY, thread INTEGER NOT NULL, mail INTEGER) WITHOUT ROWID;
CREATE TABLE bug (id TEXT NOT NULL, mail INTEGER NOT NULL, PRIMARY KEY (id, mail)) WITHOUT ROWID;
CREATE TABLE file (path TEXT NOT NULL, mail INTEGER NOT NULL, PRIMARY KEY (path, mail)) WITHOUT ROWID;
CREATE TABLE function (name TEXT NOT NULL, mail INTEGER NOT NULL, PRIMARY KEY (name, mail)) WITHOUT ROWID;
CREATE TABLE tested (mail INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE words USING fts5(subject, sender, text, content='', columnsize=0, detail=column);
CREATE INDEX mail_thread ON mail (thread);
CREATE INDEX mail_address ON mail (address);
CREATE INDEX node_thread ON node (thread);
";

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refuses an operation.
    #[error("{operation} in the mail index {}", path.display())]
    Database {
        /// What was to be done.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The words to search for are not a query.
    #[error("`{words}` is no search: use words, \"phrases\", AND, OR, NOT")]
    Query {
        /// The words.
        words: String,
    },
}

/// A mail of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The archive that holds it.
    pub archive: PathBuf,
    /// Where in the archive: a commit.
    pub place: String,
    /// The thread, by a number that is good for this index only.
    pub thread: i64,
    /// Seconds since 1970, if known.
    pub date: Option<i64>,
    /// The sender's name or address.
    pub sender: String,
    /// The subject.
    pub subject: String,
}

/// What threads are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// That name a bug id.
    Bug(String),
    /// With a diff of a file, or of all files below a directory that ends in `/`.
    File(String),
    /// With a diff of a function.
    Function(String),
    /// In which an address wrote.
    Writer(String),
    /// That have patches and no `Tested-by`.
    Untested,
    /// With these words.
    Words(String),
}

/// What an archive says of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is here.
    Added(Message),
    /// It is taken back.
    Removed(Message),
}

/// The index.
#[derive(Debug)]
pub struct MailIndex {
    connection: Connection,
    path: PathBuf,
}

impl MailIndex {
    /// Opens an index or makes an empty one.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let fail = |source: rusqlite::Error| error("opening", path, source);
        let connection = Connection::open(path).map_err(fail)?;
        connection.busy_timeout(Duration::from_secs(30)).map_err(fail)?;
        write_ahead(&connection).map_err(fail)?;
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(fail)?;
        connection.pragma_update(None, "cache_size", -65536).map_err(fail)?;
        let format: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fail)?;
        let mut index = Self { connection, path: path.to_owned() };
        if format != FORMAT {
            index.clear().map_err(fail)?;
        }
        Ok(index)
    }

    fn clear(&mut self) -> Result<(), rusqlite::Error> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another run may have made the tables meanwhile.
        let format: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if format == FORMAT {
            return Ok(());
        }
        let tables: Vec<String> = transaction
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'words_%'")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for table in tables {
            transaction.execute_batch(&format!("DROP TABLE \"{}\"", table.replace('"', "\"\"")))?;
        }
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
        transaction.commit()
    }

    /// How far an archive was read: the last commit.
    pub fn done(&self, archive: &Path) -> Result<Option<String>, Error> {
        self.connection
            .query_row(
                "SELECT done FROM archive WHERE path = ?1",
                [archive.to_string_lossy()],
                |row| row.get::<_, Option<String>>(0),
            )
            .optional()
            .map(Option::flatten)
            .map_err(|e| error("reading", &self.path, e))
    }

    /// Says that the history of an archive was rewritten, so that the places of its mails hold no
    /// more. All of it is to be added again; [`Self::end_again`] then forgets what is gone.
    pub fn begin_again(&mut self, archive: &Path) -> Result<(), Error> {
        let run = |connection: &mut Connection| -> Result<(), rusqlite::Error> {
            let transaction = connection.transaction()?;
            let path = archive.to_string_lossy();
            transaction.execute(
                "UPDATE mail SET place = '' WHERE archive = (SELECT id FROM archive WHERE path = ?1)",
                [&path],
            )?;
            transaction.execute("UPDATE archive SET done = NULL WHERE path = ?1", [&path])?;
            transaction.commit()
        };
        run(&mut self.connection).map_err(|e| error("forgetting places", &self.path, e))
    }

    /// Forgets the mails of an archive that a rewritten history does not have, once it was read to its
    /// end. Returns how many they are.
    pub fn end_again(&mut self, archive: &Path) -> Result<usize, Error> {
        let run = |connection: &mut Connection| -> Result<usize, rusqlite::Error> {
            let transaction = connection.transaction()?;
            let gone = "SELECT id FROM mail WHERE place = '' AND archive = (SELECT id FROM archive WHERE path = ?1)";
            let path = archive.to_string_lossy();
            transaction
                .execute(&format!("UPDATE node SET mail = NULL WHERE mail IN ({gone})"), [&path])?;
            let count =
                transaction.execute(&format!("DELETE FROM mail WHERE id IN ({gone})"), [&path])?;
            transaction.commit()?;
            Ok(count)
        };
        run(&mut self.connection).map_err(|e| error("forgetting mails", &self.path, e))
    }

    /// The thread of a Message-ID, without its brackets; none if no mail has or answers it.
    pub fn thread_of(&self, message_id: &str) -> Result<Option<i64>, Error> {
        self.connection
            .query_row("SELECT thread FROM node WHERE message_id = ?1", [message_id], |r| r.get(0))
            .optional()
            .map_err(|e| error("searching", &self.path, e))
    }

    /// Takes over what an archive says, in order, each with its place, and notes the last place as
    /// done. A mail that is known by its Message-ID is not added again. Returns how many were added.
    pub fn add(
        &mut self,
        archive: &Path,
        list: &str,
        mails: &[(String, Change)],
    ) -> Result<usize, Error> {
        let path = self.path.clone();
        let fail = |source| error("adding mails", &path, source);
        let transaction = self.connection.transaction().map_err(fail)?;
        let added = add_all(&transaction, archive, list, mails).map_err(fail)?;
        transaction.commit().map_err(fail)?;
        Ok(added)
    }

    /// How many mails there are.
    pub fn count(&self) -> Result<u64, Error> {
        self.connection
            .query_row("SELECT count(*) FROM mail", [], |row| row.get::<_, i64>(0))
            .map(|n| u64::try_from(n).unwrap_or(0))
            .map_err(|e| error("counting", &self.path, e))
    }

    /// The threads that fit, the one with the newest mail first; at most `limit`.
    pub fn threads(&self, wanted: &Wanted, limit: usize) -> Result<Vec<i64>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let (condition, value) = match wanted {
            Wanted::Bug(id) => ("id IN (SELECT mail FROM bug WHERE id = ?1)", id.clone()),
            Wanted::File(path) if path.ends_with('/') => (
                "id IN (SELECT mail FROM file WHERE path >= ?1 AND path < ?1 || char(1114111))",
                path.clone(),
            ),
            Wanted::File(path) => ("id IN (SELECT mail FROM file WHERE path = ?1)", path.clone()),
            Wanted::Function(name) => {
                ("id IN (SELECT mail FROM function WHERE name = ?1)", name.clone())
            }
            Wanted::Writer(address) => ("address = ?1", address.to_lowercase()),
            Wanted::Untested => (
                "is_patch = ?1 AND thread NOT IN (SELECT m.thread FROM tested t JOIN mail m ON m.id = t.mail)",
                "1".to_owned(),
            ),
            Wanted::Words(words) => {
                ("id IN (SELECT rowid FROM words WHERE words MATCH ?1)", words.clone())
            }
        };
        let text = format!(
            "SELECT thread FROM mail WHERE thread IN (SELECT thread FROM mail WHERE {condition}) \
             GROUP BY thread ORDER BY max(date) DESC LIMIT ?2"
        );
        let run = || -> Result<Vec<i64>, rusqlite::Error> {
            let mut statement = self.connection.prepare(&text)?;
            statement.query_map(params![value, limit], |row| row.get(0))?.collect()
        };
        run().map_err(|e| match wanted {
            Wanted::Words(words) => Error::Query { words: words.clone() },
            _ => error("searching", &self.path, e),
        })
    }

    /// The mails of a thread, oldest first.
    pub fn mails(&self, thread: i64) -> Result<Vec<Row>, Error> {
        let run = || -> Result<Vec<Row>, rusqlite::Error> {
            let mut statement = self.connection.prepare_cached(
                "SELECT a.path, m.place, m.thread, m.date, m.name, m.address, m.subject \
                 FROM mail m JOIN archive a ON a.id = m.archive WHERE m.thread = ?1 AND m.place <> '' ORDER BY m.date, m.id",
            )?;
            statement
                .query_map([thread], |row| {
                    let (name, address): (String, String) = (row.get(4)?, row.get(5)?);
                    Ok(Row {
                        archive: PathBuf::from(row.get::<_, String>(0)?),
                        place: row.get(1)?,
                        thread: row.get(2)?,
                        date: row.get(3)?,
                        sender: if name.is_empty() { address } else { name },
                        subject: row.get(6)?,
                    })
                })?
                .collect()
        };
        run().map_err(|e| error("reading a thread", &self.path, e))
    }
}

/// Switches to the write-ahead log, in which readers and a writer do not wait for each other. While
/// another run makes the file, SQLite refuses the switch at once instead of waiting.
fn write_ahead(connection: &Connection) -> Result<(), rusqlite::Error> {
    let mut tries = 0;
    loop {
        let outcome = connection.pragma_update(None, "journal_mode", "WAL");
        let busy = outcome.as_ref().is_err_and(|error| {
            error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
        });
        tries += 1;
        if !busy || tries > 300 {
            return outcome;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn error(operation: &'static str, path: &Path, source: rusqlite::Error) -> Error {
    Error::Database { operation, path: path.to_owned(), source: Box::new(source) }
}

/// The statements of one run.
struct Inserts<'t> {
    mail: CachedStatement<'t>,
    node: CachedStatement<'t>,
    find: CachedStatement<'t>,
    place: CachedStatement<'t>,
    take_back: CachedStatement<'t>,
    forget: CachedStatement<'t>,
    join_nodes: CachedStatement<'t>,
    join_mails: CachedStatement<'t>,
    bug: CachedStatement<'t>,
    file: CachedStatement<'t>,
    function: CachedStatement<'t>,
    tested: CachedStatement<'t>,
    words: CachedStatement<'t>,
}

fn add_all(
    transaction: &Transaction<'_>,
    archive: &Path,
    list: &str,
    mails: &[(String, Change)],
) -> Result<usize, rusqlite::Error> {
    let path = archive.to_string_lossy();
    transaction.execute(
        "INSERT INTO archive (path, list) VALUES (?1, ?2) ON CONFLICT (path) DO NOTHING",
        params![path, list],
    )?;
    let archive: i64 =
        transaction.query_row("SELECT id FROM archive WHERE path = ?1", [&path], |r| r.get(0))?;
    let mut inserts = Inserts {
        mail: transaction.prepare_cached(
            "INSERT INTO mail (archive, place, message_id, thread, date, name, address, subject, is_patch) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?,
        node: transaction.prepare_cached(
            "INSERT INTO node (message_id, thread, mail) VALUES (?1, ?2, ?3) \
             ON CONFLICT (message_id) DO UPDATE SET thread = excluded.thread, mail = coalesce(mail, excluded.mail)",
        )?,
        find: transaction.prepare_cached("SELECT thread, mail FROM node WHERE message_id = ?1")?,
        place: transaction.prepare_cached(
            "UPDATE mail SET place = ?1 WHERE id = ?2 AND archive = ?3 AND place = ''",
        )?,
        take_back: transaction.prepare_cached(
            "DELETE FROM mail WHERE id = (SELECT mail FROM node WHERE message_id = ?1) \
             AND archive IN (SELECT id FROM archive WHERE list = (SELECT list FROM archive WHERE id = ?2))",
        )?,
        forget: transaction.prepare_cached(
            "UPDATE node SET mail = NULL WHERE message_id = ?1 \
             AND NOT EXISTS (SELECT 1 FROM mail WHERE mail.id = node.mail)",
        )?,
        join_nodes: transaction.prepare_cached("UPDATE node SET thread = ?1 WHERE thread = ?2")?,
        join_mails: transaction.prepare_cached("UPDATE mail SET thread = ?1 WHERE thread = ?2")?,
        bug: transaction.prepare_cached("INSERT OR IGNORE INTO bug VALUES (?1, ?2)")?,
        file: transaction.prepare_cached("INSERT OR IGNORE INTO file VALUES (?1, ?2)")?,
        function: transaction.prepare_cached("INSERT OR IGNORE INTO function VALUES (?1, ?2)")?,
        tested: transaction.prepare_cached("INSERT OR IGNORE INTO tested VALUES (?1)")?,
        words: transaction
            .prepare_cached("INSERT INTO words (rowid, subject, sender, text) VALUES (?1, ?2, ?3, ?4)")?,
    };
    let mut next: i64 =
        transaction.query_row("SELECT coalesce(max(thread), 0) + 1 FROM node", [], |r| r.get(0))?;
    let next_mail: i64 =
        transaction.query_row("SELECT coalesce(max(thread), 0) + 1 FROM mail", [], |r| r.get(0))?;
    next = next.max(next_mail);
    let mut added = 0;
    for (place, change) in mails {
        match change {
            Change::Added(message) => {
                let new = add_one(&mut inserts, transaction, archive, place, message, &mut next)?;
                added += usize::from(new);
            }
            Change::Removed(message) => {
                let Some(id) = message.message_id.as_deref() else { continue };
                inserts.take_back.execute(params![id, archive])?;
                inserts.forget.execute([id])?;
            }
        }
    }
    if let Some((last, _)) = mails.last() {
        transaction
            .execute("UPDATE archive SET done = ?1 WHERE id = ?2", params![last, archive])?;
    }
    Ok(added)
}

fn add_one(
    inserts: &mut Inserts<'_>,
    transaction: &Transaction<'_>,
    archive: i64,
    place: &str,
    message: &Message,
    next: &mut i64,
) -> Result<bool, rusqlite::Error> {
    let own = message.message_id.as_deref();
    let mut find = |id: &str| -> Result<Option<(i64, Option<i64>)>, rusqlite::Error> {
        inserts.find.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    };
    let known = match own {
        Some(id) => find(id)?,
        None => None,
    };
    if let Some((_, Some(mail))) = known {
        // After a rewritten history it has another place.
        inserts.place.execute(params![place, mail, archive])?;
        return Ok(false);
    }
    let references: Vec<&str> = message
        .references
        .iter()
        .chain(&message.in_reply_to)
        .map(String::as_str)
        // Answers to a tool's prompt, `In-Reply-To: <yes>`, tie nothing together.
        .filter(|id| id.contains('@'))
        .take(MAX_ROWS)
        .collect();
    let mut threads: Vec<i64> = known.iter().map(|k| k.0).collect();
    for id in &references {
        threads.extend(find(id)?.map(|f| f.0));
    }
    let thread = threads.iter().copied().min().unwrap_or_else(|| {
        *next += 1;
        *next - 1
    });
    threads.sort_unstable();
    threads.dedup();
    for other in threads.into_iter().filter(|t| *t != thread) {
        inserts.join_nodes.execute([thread, other])?;
        inserts.join_mails.execute([thread, other])?;
    }
    let facts = facts(message);
    let sender = &message.from;
    inserts.mail.execute(params![
        archive,
        place,
        own,
        thread,
        message.date.map(|d| d.seconds),
        sender.name,
        sender.address.as_deref().unwrap_or_default().to_lowercase(),
        message.subject.text,
        facts.is_patch,
    ])?;
    let mail = transaction.last_insert_rowid();
    if let Some(id) = own {
        inserts.node.execute(params![id, thread, mail])?;
    }
    for id in references {
        inserts.node.execute(params![id, thread, None::<i64>])?;
    }
    for bug in facts.bugs.iter().take(MAX_ROWS) {
        inserts.bug.execute(params![bug, mail])?;
    }
    for path in facts.files.iter().take(MAX_ROWS) {
        inserts.file.execute(params![path, mail])?;
    }
    for name in facts.functions.iter().take(MAX_ROWS) {
        inserts.function.execute(params![name, mail])?;
    }
    if facts.is_tested {
        inserts.tested.execute([mail])?;
    }
    inserts.words.execute(params![mail, message.subject.text, sender.name, facts.words])?;
    Ok(true)
}

/// What the index keeps of a mail's text.
#[derive(Default)]
struct Facts {
    is_patch: bool,
    is_tested: bool,
    bugs: Vec<String>,
    files: Vec<String>,
    functions: Vec<String>,
    words: String,
}

fn facts(message: &Message) -> Facts {
    let mut facts = Facts::default();
    let body: &Body = &message.body;
    let all = diffs(body);
    facts.is_patch = message.subject.is_patch && !message.subject.is_reply && !all.is_empty();
    let mut skip = vec![false; body.len()];
    for diff in &all {
        skip[diff.first..=diff.last].fill(true);
        for file in &diff.files {
            facts.files.push(file.path().to_owned());
            for hunk in &file.hunks {
                // The heading names the function above the hunk; others begin inside it.
                let inside =
                    hunk.body.iter().map(|l| l.text.as_str()).filter(|l| begins_function(l));
                for name in inside.chain([hunk.heading.as_str()]).filter_map(function) {
                    facts.functions.push(name.to_owned());
                }
            }
        }
    }
    for (index, line) in body.lines().enumerate() {
        if skip[index] || quote(line.text).depth > 0 {
            continue;
        }
        for bug in bug_ids(line.text) {
            facts.bugs.push(bug.id);
        }
        facts.is_tested |= line.text.contains("ested-by:")
            && trailer(line.text)
                .is_some_and(|t| t.kind == TrailerKind::Test || t.tag == "Reviewed-and-tested-by");
        if facts.words.len() < MAX_WORDS {
            facts.words.push_str(line.text);
            facts.words.push('\n');
        }
    }
    for list in [&mut facts.bugs, &mut facts.files, &mut facts.functions] {
        list.sort();
        list.dedup();
    }
    facts
}

/// Whether a line of C begins a function: it starts in the first column and is no statement.
fn begins_function(line: &str) -> bool {
    line.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && line.contains('(')
        && !line.trim_end().ends_with([';', ':'])
}

/// The name of the function in a hunk's heading or the first line of a definition.
fn function(heading: &str) -> Option<&str> {
    let head = &heading[..heading.find('(')?];
    let name = head.rsplit([' ', '\t', '*']).next()?;
    (name.len() >= 2 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        .then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(id: &str, reply: Option<&str>, subject: &str, text: &str) -> (String, Message) {
        let reply = reply.map_or(String::new(), |r| format!("In-Reply-To: <{r}>\n"));
        let raw = format!(
            "From: Ann Lee <ann@pump.example>\nSubject: {subject}\nDate: Mon, 2 Mar 2026 09:00:00 +0000\n\
             Message-ID: <{id}>\n{reply}\n{text}\n"
        );
        (format!("commit-{id}"), parse_mail::message(raw.as_bytes(), 1))
    }

    fn added(id: &str, reply: Option<&str>, subject: &str, text: &str) -> (String, Change) {
        let (place, message) = mail(id, reply, subject, text);
        (place, Change::Added(message))
    }

    #[test]
    fn mails_taken_back_and_purged_ones_are_forgotten_and_others_found_at_their_new_place() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut index = MailIndex::open(&directory.path().join("i.sqlite")).expect("an index");
        let archive = Path::new("/archive/0.git");
        let (_, spam) = mail("spam@x", Some("a@x"), "buy pumps", "cheap");
        let mails = [
            added("a@x", None, "pump", "words"),
            ("s".to_owned(), Change::Added(spam.clone())),
            ("d".to_owned(), Change::Removed(spam)),
            added("b@x", Some("a@x"), "Re: pump", "answer"),
        ];
        index.add(archive, "pumps", &mails).expect("added");
        assert_eq!(index.count().expect("a count"), 2);
        assert_eq!(index.threads(&Wanted::Words("cheap".into()), 9).expect("none"), [0i64; 0]);
        assert_eq!(index.done(archive).expect("done").as_deref(), Some("commit-b@x"));
        index.begin_again(archive).expect("begun");
        assert_eq!(index.done(archive).expect("done"), None);
        let (_, first) = mail("a@x", None, "pump", "words");
        index.add(archive, "pumps", &[("new".to_owned(), Change::Added(first))]).expect("added");
        assert_eq!(index.end_again(archive).expect("ended"), 1);
        let thread = index.thread_of("a@x").expect("found").expect("a thread");
        let rows = index.mails(thread).expect("mails");
        assert_eq!(rows.iter().map(|r| r.place.as_str()).collect::<Vec<_>>(), ["new"]);
        assert_eq!(index.thread_of("c@x").expect("none"), None);
    }

    const DIFF: &str = "---\ndiff --git a/drivers/pump/core.c b/drivers/pump/core.c\n--- a/drivers/pump/core.c\n\
                        +++ b/drivers/pump/core.c\n@@ -1 +1 @@ int pump_start(struct pump *p)\n-a\n+b\n";

    #[test]
    fn threads_are_found_by_bug_file_function_writer_and_words() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("index.sqlite");
        let mut index = MailIndex::open(&path).expect("an index");
        let archive = Path::new("/archive/0.git");
        // The reply comes first: its thread is joined with that of its parent later.
        let mails = [
            added("b@x", Some("a@x"), "Re: [PATCH] pump: x", "see extid=0123456789abcdef0123"),
            added("c@x", None, "another", "nothing of it"),
            added("a@x", None, "[PATCH] pump: x", DIFF),
        ];
        assert_eq!(index.add(archive, "pumps", &mails).expect("added"), 3);
        assert_eq!(
            index.add(archive, "pumps", &mails).expect("added"),
            0,
            "known mails are not added"
        );
        assert_eq!(index.done(archive).expect("done").as_deref(), Some("commit-a@x"));
        drop(index);
        let index = MailIndex::open(&path).expect("the same index");
        assert_eq!(index.count().expect("a count"), 3);
        for wanted in [
            Wanted::Bug("0123456789abcdef0123".into()),
            Wanted::File("drivers/pump/core.c".into()),
            Wanted::File("drivers/".into()),
            Wanted::Function("pump_start".into()),
            Wanted::Untested,
            Wanted::Words("extid".into()),
        ] {
            let threads = index.threads(&wanted, 10).expect("threads");
            assert_eq!(threads.len(), 1, "{wanted:?}");
            assert_eq!(index.mails(threads[0]).expect("mails").len(), 2, "{wanted:?}");
        }
        assert_eq!(
            index.threads(&Wanted::Writer("Ann@Pump.example".into()), 10).expect("threads").len(),
            2
        );
        assert!(matches!(index.threads(&Wanted::Words("\"".into()), 1), Err(Error::Query { .. })));
    }
}
