//! An index of archives of mail: who wrote what when, which thread it is in, and the bugs, files,
//! functions and trailers it names, with full text.
//!
//! The mails themselves stay in their archive; a row names the commit that holds one. How far an
//! archive was read is written in the transaction that adds its mails, so an interrupted run goes on
//! where it was and no mail is lost or counted twice. The number of a mail is never given again, so
//! what other tables say of a mail that was taken back means nothing and may stay.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

mod add;
mod kept;
mod query;

pub use query::{Filter, Found};

/// The format of the tables. An index of another format is made anew.
const FORMAT: i64 = 6;
const SCHEMA: &str = "
CREATE TABLE archive (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, list TEXT NOT NULL, done TEXT, unread INTEGER NOT NULL DEFAULT 0);
CREATE TABLE mail (
  id INTEGER PRIMARY KEY AUTOINCREMENT, archive INTEGER NOT NULL, place TEXT NOT NULL, message_id TEXT, thread INTEGER NOT NULL,
  date INTEGER, name TEXT NOT NULL, address TEXT NOT NULL, subject TEXT NOT NULL, is_patch INTEGER NOT NULL, version INTEGER);
CREATE TABLE node (message_id TEXT PRIMARY KEY, thread INTEGER NOT NULL, mail INTEGER) WITHOUT ROWID;
CREATE TABLE bug (id TEXT NOT NULL, mail INTEGER NOT NULL, PRIMARY KEY (id, mail)) WITHOUT ROWID;
CREATE TABLE file (path TEXT NOT NULL, mail INTEGER NOT NULL, PRIMARY KEY (path, mail)) WITHOUT ROWID;
CREATE TABLE function (name TEXT NOT NULL, mail INTEGER NOT NULL, PRIMARY KEY (name, mail)) WITHOUT ROWID;
CREATE TABLE identifier (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE series (key INTEGER NOT NULL, mail INTEGER NOT NULL, PRIMARY KEY (key, mail)) WITHOUT ROWID;
CREATE TABLE touched (key INTEGER NOT NULL, mail INTEGER NOT NULL, PRIMARY KEY (key, mail)) WITHOUT ROWID;
CREATE TABLE cited (message_id TEXT NOT NULL, mail INTEGER NOT NULL, PRIMARY KEY (message_id, mail)) WITHOUT ROWID;
CREATE TABLE tested (mail INTEGER PRIMARY KEY);
CREATE TABLE applied (mail INTEGER PRIMARY KEY);
CREATE TABLE kept (thread INTEGER PRIMARY KEY, stamp TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE kept_of (part INTEGER NOT NULL, thread INTEGER NOT NULL, PRIMARY KEY (part, thread)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(subject, sender, text, diff, content='', columnsize=0, tokenize=\"unicode61 tokenchars '_'\");
CREATE INDEX mail_thread ON mail (thread);
CREATE INDEX mail_address ON mail (address);
CREATE INDEX node_thread ON node (thread);
CREATE INDEX series_mail ON series (mail);
CREATE INDEX touched_mail ON touched (mail);
CREATE INDEX cited_mail ON cited (mail);
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
    #[error("`{words}` is no search: use words, \"phrases\", beginnings*, AND, OR, NOT")]
    Query {
        /// The words.
        words: String,
    },
}

/// What the index takes over of a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// Its Message-ID without brackets.
    pub message_id: Option<String>,
    /// The Message-IDs that its headers answer.
    pub references: Vec<String>,
    /// Seconds since 1970, if known.
    pub date: Option<i64>,
    /// The sender's name.
    pub name: String,
    /// The sender's address; empty if there is none.
    pub address: String,
    /// The subject.
    pub subject: String,
    /// It carries a patch.
    pub is_patch: bool,
    /// For a patch or cover letter: a number that grows from a proposal to v1 and from version to version.
    pub version: Option<i64>,
    /// It holds a `Tested-by` of its sender's.
    pub is_tested: bool,
    /// It says that something was applied.
    pub says_applied: bool,
    /// Bug ids.
    pub bugs: Vec<String>,
    /// Paths of its diffs.
    pub files: Vec<String>,
    /// Functions of its diffs.
    pub functions: Vec<String>,
    /// Identifiers on changed lines of its diffs.
    pub identifiers: Vec<String>,
    /// What it has in common with other versions of its series, as hashes: equal ones may be of one series.
    pub series: Vec<i64>,
    /// Who touches which function, as hashes: a patch that was given another title is found by them.
    pub touched: Vec<i64>,
    /// Message-IDs that a patch or cover letter links to in its own words.
    pub cited: Vec<String>,
    /// Its own words.
    pub words: String,
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
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// Seconds since 1970, if known.
    pub date: Option<i64>,
    /// The sender's name or address.
    pub sender: String,
    /// The subject.
    pub subject: String,
}

/// What an archive says of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is here.
    Added(Box<Mail>),
    /// The mail with this Message-ID is taken back.
    Removed(Option<String>),
}

/// The index.
#[derive(Debug)]
pub struct MailIndex {
    connection: Connection,
    path: PathBuf,
    /// Hashes of identifiers that stand in the table, as far as this run knows.
    identifiers: std::collections::HashSet<u64>,
    /// Threads whose kept text became stale in this run.
    stale: std::collections::BTreeSet<i64>,
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
        let mut index = Self {
            connection,
            path: path.to_owned(),
            identifiers: Default::default(),
            stale: Default::default(),
        };
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
        // Fewer and larger merges of the full-text index: it is written once and searched often.
        transaction.execute_batch(
            "INSERT INTO words (words, rank) VALUES ('automerge', 8); INSERT INTO words (words, rank) VALUES ('hashsize', 8388608);",
        )?;
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
            transaction
                .execute("UPDATE archive SET done = NULL, unread = 0 WHERE path = ?1", [&path])?;
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
            if count > 0 {
                kept::forget_all(&transaction)?;
            }
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
        let added =
            add::all(&transaction, archive, list, mails, &mut self.identifiers).map_err(fail)?;
        kept::forget(&transaction, &added.threads, &mut self.stale).map_err(fail)?;
        transaction.commit().map_err(fail)?;
        Ok(added.count)
    }

    /// Notes how many mails of an archive could not be read.
    pub fn note_unread(&mut self, archive: &Path, count: usize) -> Result<(), Error> {
        self.connection
            .execute(
                "UPDATE archive SET unread = unread + ?1 WHERE path = ?2",
                rusqlite::params![
                    i64::try_from(count).unwrap_or(i64::MAX),
                    archive.to_string_lossy()
                ],
            )
            .map(|_| ())
            .map_err(|e| error("writing", &self.path, e))
    }

    /// How many mails could not be read when they were to be indexed.
    pub fn unread(&self) -> Result<u64, Error> {
        self.connection
            .query_row("SELECT coalesce(sum(unread), 0) FROM archive", [], |row| {
                row.get::<_, i64>(0)
            })
            .map(|n| u64::try_from(n).unwrap_or(0))
            .map_err(|e| error("counting", &self.path, e))
    }

    /// How many mails there are.
    pub fn count(&self) -> Result<u64, Error> {
        self.connection
            .query_row("SELECT count(*) FROM mail", [], |row| row.get::<_, i64>(0))
            .map(|n| u64::try_from(n).unwrap_or(0))
            .map_err(|e| error("counting", &self.path, e))
    }

    /// The mails of a thread, oldest first.
    pub fn mails(&self, thread: i64) -> Result<Vec<Row>, Error> {
        let run = || -> Result<Vec<Row>, rusqlite::Error> {
            let mut statement = self.connection.prepare_cached(
                "SELECT a.path, m.place, m.thread, m.date, m.name, m.address, m.subject, m.message_id \
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
                        message_id: row.get(7)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(id: &str, reply: Option<&str>, subject: &str, words: &str) -> Mail {
        Mail {
            message_id: Some(id.to_owned()),
            references: reply.map(str::to_owned).into_iter().collect(),
            date: Some(1_772_442_000),
            name: "Ann Lee".to_owned(),
            address: "ann@pump.example".to_owned(),
            subject: subject.to_owned(),
            words: words.to_owned(),
            ..Mail::default()
        }
    }

    fn index(mails: Vec<Mail>) -> (tempfile::TempDir, MailIndex) {
        let directory = tempfile::tempdir().expect("a directory");
        let mut index = MailIndex::open(&directory.path().join("i.sqlite")).expect("an index");
        let mails: Vec<(String, Change)> = mails
            .into_iter()
            .enumerate()
            .map(|(n, m)| (format!("{n:040x}"), Change::Added(Box::new(m))))
            .collect();
        index.add(Path::new("/archive/0.git"), "pumps", &mails).expect("added");
        (directory, index)
    }

    #[test]
    fn words_of_kernel_people_phrases_and_parts_of_names_are_found_and_filters_combine() {
        let patch = Mail {
            identifiers: vec!["pump_remote_start".to_owned()],
            is_patch: true,
            ..mail(
                "a@x",
                None,
                "[PATCH] pump: io_uring support",
                "a use-after-free that doesn't go away",
            )
        };
        let (_directory, index) =
            index(vec![patch, mail("b@x", None, "other", "free after all use")]);
        let count = |filter: Filter| index.threads(&filter, 9).expect("threads").total;
        let words = |w: &str| Filter { words: vec![w.to_owned()], ..Filter::default() };
        for text in [
            "io_uring",
            "use-after-free",
            "doesn't",
            "\"that doesn't go\"",
            "remote_st",
            "*remote*",
            "pum*",
        ] {
            assert_eq!(count(words(text)), 1, "{text}");
        }
        assert_eq!(count(words("free")), 2);
        assert_eq!(count(words("free NOT away")), 1);
        assert_eq!(count(Filter { from: vec!["ann".to_owned()], ..words("away") }), 1);
        assert_eq!(count(Filter { until: Some(1), ..words("away") }), 0);
        assert!(matches!(index.threads(&words("AND"), 1), Err(Error::Query { .. })));
    }

    #[test]
    fn two_mails_under_one_id_are_both_kept_and_a_copy_is_not() {
        let other = Mail { address: "bo@x.example".to_owned(), ..mail("a@x", None, "b", "two") };
        let (_directory, index) = index(vec![
            mail("a@x", None, "a", "one"),
            other,
            mail("a@x", None, "[pumps] a", "one"),
        ]);
        assert_eq!(index.count().expect("a count"), 2);
    }
}
