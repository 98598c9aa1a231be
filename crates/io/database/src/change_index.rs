//! An index of changes and of reports of crashes: each is found by terms, newest first.
//!
//! How far a source was read is written in the transaction that adds its changes, so an interrupted run goes on
//! where it was and nothing is lost or counted twice.

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::change::Change;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

/// The format of the tables. An index of another format is made anew.
const FORMAT: i64 = 2;
const DAY: i64 = 86_400;
const SCHEMA: &str = "
CREATE TABLE source (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, name TEXT NOT NULL, done TEXT);
CREATE TABLE change (id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER NOT NULL, key TEXT NOT NULL, date INTEGER NOT NULL,
  kind INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (source, key));
CREATE TABLE posting (term INTEGER NOT NULL, day INTEGER NOT NULL, change INTEGER NOT NULL, PRIMARY KEY (term, day, change)) WITHOUT ROWID;
CREATE INDEX change_key ON change (key);
CREATE INDEX change_date ON change (source, date);
";

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refuses an operation.
    #[error("{operation} in the index {}", path.display())]
    Database {
        /// What was to be done.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row cannot be read.
    #[error("the index {} is damaged: row {id} cannot be read; remove the file, and it is made anew", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The row.
        id: i64,
    },
}

/// A change with the numbers of the terms under which it is found.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What tells it from others of its source: a Message-ID or a commit.
    pub key: String,
    /// The change.
    pub change: Change,
    /// Its terms.
    pub terms: Vec<i64>,
}

/// What a source says.
#[derive(Clone, Debug)]
pub enum News {
    /// It has a change.
    Added(Box<Entry>),
    /// It takes the change with this key back.
    Removed(String),
}

/// A source that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// How many changes and reports it gave.
    pub changes: u32,
    /// The newest of them, in seconds since 1970.
    pub newest: Option<i64>,
}

/// The index.
#[derive(Debug)]
pub struct ChangeIndex {
    connection: Connection,
    path: PathBuf,
}

impl ChangeIndex {
    /// Opens the index in the file `path`, which is made if it is not there.
    ///
    /// # Errors
    /// When the file cannot be made or is no database.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let open = || -> Result<Connection, rusqlite::Error> {
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(60))?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "cache_size", -65_536)?;
            connection.pragma_update(None, "mmap_size", 1_i64 << 32)?;
            Ok(connection)
        };
        let failed = |e: rusqlite::Error| Error::Database {
            operation: "opening",
            path: path.to_owned(),
            source: Box::new(e),
        };
        let mut connection = open().map_err(failed)?;
        make(&mut connection).map_err(failed)?;
        Ok(Self { connection, path: path.to_owned() })
    }

    fn error(&self, operation: &'static str) -> impl FnOnce(rusqlite::Error) -> Error + use<> {
        let path = self.path.clone();
        move |e| Error::Database { operation, path, source: Box::new(e) }
    }

    /// How far a source was read.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn done(&self, source: &Path) -> Result<Option<String>, Error> {
        self.connection
            .query_row(
                "SELECT done FROM source WHERE path = ?1",
                [source.to_string_lossy()],
                |row| row.get(0),
            )
            .optional()
            .map(Option::flatten)
            .map_err(self.error("reading"))
    }

    /// Forgets a source.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget(&mut self, source: &Path) -> Result<(), Error> {
        let failed = self.error("forgetting a source");
        let path = source.to_string_lossy();
        let run = |connection: &mut Connection| -> Result<(), rusqlite::Error> {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let of = "(SELECT id FROM source WHERE path = ?1)";
            transaction.execute(&format!("DELETE FROM change WHERE source IN {of}"), [&path])?;
            // Those too of changes that were taken back before.
            transaction
                .execute("DELETE FROM posting WHERE change NOT IN (SELECT id FROM change)", [])?;
            transaction.execute("DELETE FROM source WHERE path = ?1", [&path])?;
            transaction.commit()
        };
        run(&mut self.connection).map_err(failed)
    }

    /// Takes over what a source says, in one transaction, and how far it was read then.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn add(
        &mut self,
        source: &Path,
        name: &str,
        news: &[News],
        done: &str,
    ) -> Result<(), Error> {
        let failed = self.error("writing");
        let path = source.to_string_lossy();
        let run = |connection: &mut Connection| -> Result<(), rusqlite::Error> {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute(
                "INSERT INTO source (path, name) VALUES (?1, ?2) ON CONFLICT (path) DO NOTHING",
                params![path, name],
            )?;
            let id: i64 =
                transaction
                    .query_row("SELECT id FROM source WHERE path = ?1", [&path], |r| r.get(0))?;
            {
                let mut change = transaction.prepare_cached(
                    "INSERT OR IGNORE INTO change (source, key, date, kind, data) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?;
                let mut posting = transaction
                    .prepare_cached("INSERT OR IGNORE INTO posting VALUES (?1, ?2, ?3)")?;
                let mut remove = transaction
                    .prepare_cached("DELETE FROM change WHERE source IN (SELECT id FROM source WHERE name = ?1) AND key = ?2")?;
                for one in news {
                    match one {
                        News::Added(entry) => {
                            let date = entry.change.date;
                            let kind = entry.change.kind as u8;
                            if change.execute(params![
                                id,
                                entry.key,
                                date,
                                kind,
                                pack(&entry.change)
                            ])? == 0
                            {
                                continue;
                            }
                            let number = transaction.last_insert_rowid();
                            for term in &entry.terms {
                                posting.execute(params![term, date.div_euclid(DAY), number])?;
                            }
                        }
                        // Its terms stay behind and lead nowhere: numbers are never given again.
                        News::Removed(key) => {
                            remove.execute(params![name, key])?;
                        }
                    }
                }
            }
            transaction.execute("UPDATE source SET done = ?1 WHERE id = ?2", params![done, id])?;
            transaction.commit()
        };
        run(&mut self.connection).map_err(failed)
    }

    /// How many changes older than `until` (seconds since 1970) have a term; counts up to `most`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn count(&self, term: i64, until: i64, most: u32) -> Result<u32, Error> {
        self.connection
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM posting WHERE term = ?1 AND day <= ?2 AND (day < ?2 OR \
                 EXISTS (SELECT 1 FROM change c WHERE c.id = change AND c.date < ?3)) LIMIT ?4)",
            )
            .and_then(|mut s| {
                s.query_row(params![term, until.div_euclid(DAY), until, most], |row| row.get(0))
            })
            .map_err(self.error("searching"))
    }

    /// The changes with a term from the day of `since` on and older than `until` (seconds since 1970); the newest
    /// first, or the oldest first. At most `most`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(
        &self,
        term: i64,
        since: i64,
        until: i64,
        newest_first: bool,
        most: u32,
    ) -> Result<Vec<i64>, Error> {
        let text = match newest_first {
            true => {
                "SELECT change FROM posting WHERE term = ?1 AND day >= ?2 AND day <= ?3 AND (day < ?3 OR \
                 EXISTS (SELECT 1 FROM change c WHERE c.id = change AND c.date < ?4)) ORDER BY day DESC LIMIT ?5"
            }
            false => {
                "SELECT change FROM posting WHERE term = ?1 AND day >= ?2 AND day <= ?3 AND (day < ?3 OR \
                 EXISTS (SELECT 1 FROM change c WHERE c.id = change AND c.date < ?4)) ORDER BY day LIMIT ?5"
            }
        };
        let run = || -> Result<Vec<i64>, rusqlite::Error> {
            let mut statement = self.connection.prepare_cached(text)?;
            let values = params![term, since.div_euclid(DAY), until.div_euclid(DAY), until, most];
            statement.query_map(values, |row| row.get(0))?.collect()
        };
        run().map_err(self.error("searching"))
    }

    /// The change of a number; none if it was taken back.
    ///
    /// # Errors
    /// When the database cannot be read or the row is damaged.
    pub fn load(&self, id: i64) -> Result<Option<Change>, Error> {
        let data: Option<Vec<u8>> = self
            .connection
            .prepare_cached("SELECT data FROM change WHERE id = ?1")
            .and_then(|mut s| s.query_row([id], |row| row.get(0)).optional())
            .map_err(self.error("reading"))?;
        data.map(|data| unpack(&data).ok_or_else(|| Error::Row { path: self.path.clone(), id }))
            .transpose()
    }

    /// Whether no source was read.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_empty(&self) -> Result<bool, Error> {
        self.connection
            .query_row("SELECT NOT EXISTS (SELECT 1 FROM source)", [], |row| row.get(0))
            .map_err(self.error("reading"))
    }

    /// The sources, by name, with what is older than `until` (seconds since 1970).
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sources(&self, until: i64) -> Result<Vec<Source>, Error> {
        let run = || -> Result<Vec<Source>, rusqlite::Error> {
            let mut statement = self.connection.prepare_cached(
                "SELECT s.path, s.name, count(c.id), max(c.date) FROM source s LEFT JOIN change c ON c.source = s.id AND c.date < ?1 \
                 GROUP BY s.id ORDER BY s.name, s.path",
            )?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Source {
                    path: PathBuf::from(row.get::<_, String>(0)?),
                    name: row.get(1)?,
                    changes: row.get(2)?,
                    newest: row.get(3)?,
                })
            };
            statement.query_map([until], read)?.collect()
        };
        run().map_err(self.error("reading"))
    }
}

fn make(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == FORMAT {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in ["posting", "change", "source"] {
        transaction.execute_batch(&format!("DROP TABLE IF EXISTS {table}"))?;
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}

/// Bytes that one change may have unpacked.
const MAX_UNPACKED: usize = 16 << 20;

fn pack(change: &Change) -> Vec<u8> {
    let text = serde_json::to_vec(change).unwrap_or_default();
    zstd::bulk::compress(&text, 1).unwrap_or_default()
}

fn unpack(data: &[u8]) -> Option<Change> {
    let text = zstd::bulk::decompress(data, MAX_UNPACKED).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, day: i64, terms: &[i64]) -> News {
        let change = Change { title: key.to_owned(), date: day * DAY, ..Change::default() };
        News::Added(Box::new(Entry { key: key.to_owned(), change, terms: terms.to_vec() }))
    }

    #[test]
    fn changes_are_found_by_term_and_time_and_what_is_added_twice_is_there_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("i.sqlite");
        let source = Path::new("/archive/0.git");
        {
            let mut index = ChangeIndex::open(&path).unwrap();
            let news = [entry("a", 1, &[7, 8]), entry("b", 3, &[7]), entry("b", 3, &[7])];
            assert!(index.is_empty().unwrap());
            index.add(source, "pumps", &news, "c1").unwrap();
            index.add(source, "pumps", &[News::Removed("a".into())], "c2").unwrap();
        }
        let mut index = ChangeIndex::open(&path).unwrap();
        assert!(!index.is_empty().unwrap());
        assert_eq!(index.done(source).unwrap().as_deref(), Some("c2"));
        let titles = |ids: Vec<i64>| -> Vec<Option<String>> {
            ids.into_iter().map(|id| index.load(id).unwrap().map(|c| c.title)).collect()
        };
        let all = index.find(7, 0, 9 * DAY, true, 9).unwrap();
        assert_eq!(titles(all), [Some("b".into()), None]);
        assert_eq!(index.find(7, 2 * DAY, 9 * DAY, false, 9).unwrap().len(), 1);
        assert_eq!(index.sources(9 * DAY).unwrap()[0].changes, 1);
        // To the second, not to the day.
        assert_eq!(index.find(7, 0, 3 * DAY, true, 9).unwrap().len(), 1);
        assert_eq!(index.count(7, 3 * DAY, 9).unwrap(), 1);
        assert_eq!(index.count(7, 3 * DAY + 1, 9).unwrap(), 2);
        assert_eq!(index.sources(3 * DAY).unwrap()[0].changes, 0);
        index.forget(source).unwrap();
        assert_eq!((index.done(source).unwrap(), index.count(7, 9 * DAY, 9).unwrap()), (None, 0));
    }

    #[test]
    fn a_file_that_is_no_database_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("i.sqlite");
        std::fs::write(&path, "just words, no database at all\n".repeat(99)).unwrap();
        let error = ChangeIndex::open(&path).unwrap_err();
        assert!(error.to_string().contains("i.sqlite"), "{error}");
    }
}
