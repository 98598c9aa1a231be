//! The bug's record in SQLite: one file, texts in it compressed and named by their content, so that a crash and its
//! log become durable in one step or not at all.
//!
//! Invariants: what [`Record::change`] returned from is on the disk, whatever ends the program; the history is only
//! ever appended to; any number of programs may use the record, one at a time may serve it ([`ServerLock`]).

mod change;
mod filter;
mod machine;
mod read;
mod rows;
mod schema;

use std::cell::RefCell;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::tracker::{Change, Record, RecordError};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Params, Row};

/// The file in the state folder.
const FILE: &str = "record.sqlite";
/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(20);
/// Prepared statements that are kept.
const STATEMENTS: usize = 160;
/// Pages of the write-ahead log from which on it is taken into the file.
const CHECKPOINT_PAGES: i64 = 16_000;

/// Compression: fast, since every log of a crash passes.
const LEVEL: i32 = 3;

type Result<T> = std::result::Result<T, RecordError>;

/// The record of a state folder.
pub struct SqliteRecord {
    connection: Connection,
    path: PathBuf,
    packer: RefCell<zstd::bulk::Compressor<'static>>,
}

impl std::fmt::Debug for SqliteRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteRecord").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteRecord {
    /// Opens the record in a state folder; makes both when they are not there, and brings an older one up to date.
    ///
    /// # Errors
    /// When the folder cannot be made, or holds a record that cannot be used.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|error| {
            RecordError::Other(format!(
                "{}: cannot make the state folder: {error}",
                folder.display()
            ))
        })?;
        let path = folder.join(FILE);
        let connection = Connection::open(&path).map_err(failed(&path, "open the record"))?;
        let packer = zstd::bulk::Compressor::new(LEVEL).map_err(|error| {
            RecordError::Other(format!("cannot prepare to pack texts: {error}"))
        })?;
        let record = Self { connection, path, packer: RefCell::new(packer) };
        record.prepare().map_err(failed(&record.path, "open the record"))?;
        record.migrate()?;
        Ok(record)
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        let connection = &self.connection;
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A commit is on the disk when it returns.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        // 64 MiB, in KiB.
        connection.pragma_update(None, "cache_size", -65_536)?;
        connection.pragma_update(None, "foreign_keys", true)
    }

    fn version(&self) -> Result<usize> {
        self.connection
            .pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
            .map(|version| usize::try_from(version).unwrap_or(usize::MAX))
            .map_err(failed(&self.path, "read the version of the record"))
    }

    fn migrate(&self) -> Result<()> {
        let known = schema::MIGRATIONS.len();
        while self.version()? != known {
            self.begin()?;
            // Another program may have been faster.
            let version = self.version()?;
            if version > known {
                self.end(false)?;
                return Err(RecordError::Other(format!(
                    "{}: written by a newer ktriage (version {version}, this one knows {known})",
                    self.path.display()
                )));
            }
            let done = match schema::MIGRATIONS.get(version) {
                None => Ok(()),
                Some(sql) => self
                    .connection
                    .execute_batch(sql)
                    .and_then(|()| {
                        self.connection.pragma_update(None, "user_version", version as i64 + 1)
                    })
                    .map_err(failed(&self.path, "bring the record up to date")),
            };
            self.end(done.is_ok())?;
            done?;
        }
        Ok(())
    }

    /// Lets the file grow to so many pages at most, counted with those that it has.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn limit_pages(&self, pages: i64) -> Result<()> {
        let limited =
            self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()));
        limited.map_err(self.failed("limit the size of the record"))
    }

    fn begin(&self) -> Result<()> {
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
        begun.map_err(failed(&self.path, "begin a change"))
    }

    fn end(&self, keep: bool) -> Result<()> {
        if keep {
            let kept = self.connection.execute_batch("COMMIT");
            let kept = kept.map_err(failed(&self.path, "write a change"));
            if kept.is_err() {
                // It may be half open still.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            return kept;
        }
        // After a full disk SQLite has taken it back already.
        let _ = self.connection.execute_batch("ROLLBACK");
        Ok(())
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(rusqlite::Error) -> RecordError + use<> {
        failed(&self.path, doing)
    }

    /// All rows of a question.
    fn rows<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let all = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_map(values, read)?.collect::<rusqlite::Result<Vec<T>>>()
        };
        all().map_err(self.failed("read"))
    }

    /// The one row of a question, if there is one.
    fn row<T>(
        &self,
        sql: &str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let one = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_row(values, read).optional()
        };
        one().map_err(self.failed("read"))
    }

    /// Runs one statement; gives how many rows it touched.
    fn run(&self, sql: &str, values: impl Params) -> Result<usize> {
        let run = || self.connection.prepare_cached(sql)?.execute(values);
        run().map_err(self.failed("write"))
    }
}

impl Record for SqliteRecord {
    fn change(&self, change: &mut dyn FnMut(&dyn Change) -> Result<()>) -> Result<()> {
        self.begin()?;
        match change(self) {
            Ok(()) => self.end(true),
            Err(error) => {
                self.end(false)?;
                Err(error)
            }
        }
    }

    fn backup(&self, to: &Path) -> Result<()> {
        if to.exists() {
            return Err(RecordError::Other(format!("{} is there already", to.display())));
        }
        let to = to.to_string_lossy();
        let copied = self.connection.execute("VACUUM INTO ?1", [&to]);
        copied.map(drop).map_err(self.failed("copy the record"))
    }
}

/// What an error of the database means.
fn failed(path: &Path, doing: &'static str) -> impl FnOnce(rusqlite::Error) -> RecordError + use<> {
    let path = path.to_owned();
    move |error| {
        let path = path.display();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => RecordError::Full(format!(
                "{path}: cannot {doing}: the disk is full; nothing was written, make room and try again"
            )),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => RecordError::Busy(
                format!("{path}: cannot {doing}: another program has been writing for long"),
            ),
            _ => RecordError::Other(format!("{path}: cannot {doing}: {error}")),
        }
    }
}

/// The right to serve a state folder. It ends with the program, however that ends.
#[derive(Debug)]
pub struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Takes it.
    ///
    /// # Errors
    /// When another program serves the folder, or the lock cannot be made.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join("serve.lock");
        let other = |error: std::io::Error| {
            RecordError::Other(format!("{}: cannot lock: {error}", path.display()))
        };
        std::fs::create_dir_all(folder).map_err(other)?;
        let options =
            File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = options.map_err(other)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut who = String::new();
                let _ = file.read_to_string(&mut who);
                let who = who
                    .trim()
                    .parse::<u32>()
                    .map_or(String::new(), |id| format!(" (process {id})"));
                return Err(RecordError::Busy(format!(
                    "{}: another ktriage serves this folder{who}",
                    folder.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(other(error)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(other)?;
        write!(file, "{}", std::process::id()).map_err(other)?;
        Ok(Self { _file: file })
    }
}
