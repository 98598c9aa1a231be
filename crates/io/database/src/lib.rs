//! Keeps what was asked, run and seen, in an embedded database, as it happens.
//!
//! Invariants: what [`BisectionStore::add`] returned from is on the disk, whatever ends the program;
//! nothing that was seen is ever changed.

pub mod change_index;
pub mod mail_index;
pub mod record;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::bisection::{Attempt, Event, Request, Stored};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// The shape of the stored rows. An older program refuses newer ones.
const FORMAT: i64 = 2;

/// The database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or a file in it cannot be made or opened.
    #[error("{}: cannot {doing}", path.display())]
    File {
        /// What was to be done.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database refused.
    #[error("{}: cannot {doing}: {message}", path.display())]
    Database {
        /// What was to be done.
        doing: &'static str,
        /// The database.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// A row was written by something else.
    #[error("{}: bisection {id} cannot be read: {message}", path.display())]
    Row {
        /// The database.
        path: PathBuf,
        /// The bisection.
        id: i64,
        /// What is wrong with it.
        message: String,
    },
    /// A newer program wrote the database.
    #[error("{}: written by a newer ktriage (format {found}, this one knows {FORMAT})", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// The format found.
        found: i64,
    },
}

/// All bisections of a state folder.
pub struct BisectionStore {
    connection: Connection,
    path: PathBuf,
}

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS bisection (
    id INTEGER PRIMARY KEY,
    format INTEGER NOT NULL,
    started INTEGER NOT NULL,
    repository TEXT NOT NULL,
    request TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS attempt (
    id INTEGER PRIMARY KEY,
    bisection INTEGER NOT NULL REFERENCES bisection (id),
    \"commit\" TEXT NOT NULL,
    event TEXT NOT NULL,
    title TEXT,
    seconds REAL NOT NULL,
    output TEXT NOT NULL,
    also TEXT NOT NULL DEFAULT '',
    signature TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS attempt_of ON attempt (bisection, id);
";

/// What format 1 lacks.
const FROM_1: &str = "
ALTER TABLE attempt ADD COLUMN also TEXT NOT NULL DEFAULT '';
ALTER TABLE attempt ADD COLUMN signature TEXT;
";

impl BisectionStore {
    /// Opens the database in a state folder; makes both when they are not there.
    ///
    /// # Errors
    /// When the folder cannot be made, or holds a database that cannot be used.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|source| StoreError::File {
            doing: "make the state folder",
            path: folder.to_owned(),
            source,
        })?;
        let path = folder.join("bisect.sqlite");
        let failed = |doing| {
            let path = path.clone();
            move |error: rusqlite::Error| StoreError::Database {
                doing,
                path,
                message: error.to_string(),
            }
        };
        let connection = Connection::open(&path).map_err(failed("open the database"))?;
        let prepare = || {
            connection.busy_timeout(Duration::from_secs(10))?;
            // Every attempt is on the disk before the next one begins.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
        };
        let found = prepare().map_err(failed("open the database"))?;
        if found > FORMAT {
            return Err(StoreError::Newer { path, found });
        }
        let make = || {
            if found == 1 {
                connection.execute_batch(FROM_1)?;
            }
            connection.execute_batch(TABLES)?;
            connection.pragma_update(None, "user_version", FORMAT)
        };
        make().map_err(failed("prepare the database"))?;
        Ok(Self { connection, path })
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError + use<> {
        let path = self.path.clone();
        move |error| StoreError::Database { doing, path, message: error.to_string() }
    }

    /// Begins a bisection; gives its number. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(&self, request: &Request, now: i64) -> Result<i64, StoreError> {
        let text = serde_json::to_string(request).map_err(|error| StoreError::Row {
            path: self.path.clone(),
            id: 0,
            message: error.to_string(),
        })?;
        self.connection
            .execute(
                "INSERT INTO bisection (format, started, repository, request) VALUES (?1, ?2, ?3, ?4)",
                params![FORMAT, now, request.repository.to_string_lossy(), text],
            )
            .map_err(self.failed("write a bisection"))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// The bisection of that number, or the newest one. `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(&self, id: Option<i64>) -> Result<Option<Stored>, StoreError> {
        let read = |row: &Row<'_>| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
        };
        let found = match id {
            Some(id) => self.connection.query_row(
                "SELECT id, started, request FROM bisection WHERE id = ?1",
                [id],
                read,
            ),
            None => self.connection.query_row(
                "SELECT id, started, request FROM bisection ORDER BY id DESC LIMIT 1",
                [],
                read,
            ),
        };
        let found = found.optional().map_err(self.failed("read a bisection"))?;
        found
            .map(|(id, started, text)| {
                let request = serde_json::from_str(&text).map_err(|error| StoreError::Row {
                    path: self.path.clone(),
                    id,
                    message: error.to_string(),
                })?;
                Ok(Stored { id, started, request })
            })
            .transpose()
    }

    /// Says which titles are wanted, where the bad end has shown several.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_titles(&self, stored: &Stored, titles: &[String]) -> Result<(), StoreError> {
        let request = Request { titles: titles.to_vec(), ..stored.request.clone() };
        let text = serde_json::to_string(&request).map_err(|error| StoreError::Row {
            path: self.path.clone(),
            id: stored.id,
            message: error.to_string(),
        })?;
        self.connection
            .execute("UPDATE bisection SET request = ?2 WHERE id = ?1", params![stored.id, text])
            .map_err(self.failed("write which titles are wanted"))?;
        Ok(())
    }

    /// Writes an attempt. When this returns, it is on the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&self, bisection: i64, attempt: &Attempt) -> Result<(), StoreError> {
        self.connection
            .execute(
                "INSERT INTO attempt
                 (bisection, \"commit\", event, title, seconds, output, also, signature)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    bisection,
                    attempt.commit,
                    attempt.event.name(),
                    attempt.title,
                    attempt.seconds,
                    attempt.output,
                    attempt.also.join("\n"),
                    attempt.signature
                ],
            )
            .map_err(self.failed("write an attempt"))?;
        Ok(())
    }

    /// All attempts of a bisection, in the order in which they ended.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn attempts(&self, bisection: i64) -> Result<Vec<Attempt>, StoreError> {
        let read = |row: &Row<'_>| {
            Ok((
                Attempt {
                    commit: row.get(0)?,
                    event: Event::InfrastructureError,
                    title: row.get(2)?,
                    seconds: row.get(3)?,
                    output: row.get(4)?,
                    also: row.get::<_, String>(5)?.lines().map(str::to_owned).collect(),
                    signature: row.get(6)?,
                },
                row.get::<_, String>(1)?,
            ))
        };
        let all = || {
            let mut statement = self.connection.prepare(
                "SELECT \"commit\", event, title, seconds, output, also, signature FROM attempt
                 WHERE bisection = ?1 ORDER BY id",
            )?;
            statement.query_map([bisection], read)?.collect::<Result<Vec<_>, _>>()
        };
        all()
            .map_err(self.failed("read the attempts"))?
            .into_iter()
            .map(|(attempt, name)| match Event::from_name(&name) {
                Some(event) => Ok(Attempt { event, ..attempt }),
                None => Err(StoreError::Row {
                    path: self.path.clone(),
                    id: bisection,
                    message: format!("an attempt ended as {name:?}, which is unknown"),
                }),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use model::bisection::LabRequest;

    use super::*;

    fn request() -> Request {
        Request {
            repository: "/some/where".into(),
            good: vec!["a".repeat(40)],
            bad: "b".repeat(40),
            test: "make check".into(),
            build: Some("make".into()),
            titles: vec!["BUG: x".into()],
            not_built: vec!["Documentation".into()],
            suspects: vec!["net/sched".into()],
            confidence: 0.99,
            budget_minutes: None,
            budget_runs: Some(500),
            jobs: 2,
            run_seconds: 600,
            build_seconds: 3600,
            walk: true,
            lab: Some(LabRequest {
                reproducer: "/some/repro.c".into(),
                arguments: vec!["5".into()],
                fragments: vec!["net".into()],
                configs: vec!["CONFIG_X=y\n".into()],
                memory: 512,
                cpus: 2,
                append: String::new(),
            }),
            fix: true,
            guilty: vec!["net/sched/sch_api.c".into()],
            weights: vec![("d".repeat(40), 2.5)],
            environment: Some("cc --version".into()),
            no_revert: true,
        }
    }

    #[test]
    fn what_was_written_is_read_back_after_opening_again() {
        let folder = tempfile::tempdir().unwrap();
        let attempts: Vec<Attempt> = Event::ALL
            .iter()
            .map(|(event, name)| Attempt {
                commit: "c".repeat(40),
                event: *event,
                title: (*event == Event::Crashed).then(|| "BUG: 'x'; DROP TABLE attempt".into()),
                seconds: 1.5,
                output: format!("{name}\n"),
                also: vec!["BUG: y".into(), "INFO: z".into()],
                signature: Some("ab".into()),
            })
            .collect();
        let id = {
            let store = BisectionStore::open(folder.path()).unwrap();
            let id = store.create(&request(), 1_700_000_000).unwrap();
            for attempt in &attempts {
                store.add(id, attempt).unwrap();
            }
            id
        };
        let store = BisectionStore::open(folder.path()).unwrap();
        assert_eq!(store.attempts(id).unwrap(), attempts);
        let stored = store.load(None).unwrap().unwrap();
        assert_eq!(stored, Stored { id, started: 1_700_000_000, request: request() });
        assert_eq!(store.load(Some(id + 1)).unwrap(), None);
        store.set_titles(&stored, &["BUG: other".into()]).unwrap();
        let titles = store.load(Some(id)).unwrap().unwrap().request.titles;
        assert_eq!(titles, ["BUG: other"]);
    }

    #[test]
    fn a_bisection_of_the_first_format_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut request = serde_json::to_value(request()).unwrap();
        for newer in ["lab", "walk", "fix", "guilty", "weights", "environment", "no_revert"] {
            request.as_object_mut().unwrap().remove(newer);
        }
        let connection = Connection::open(folder.path().join("bisect.sqlite")).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE bisection (id INTEGER PRIMARY KEY, format INTEGER NOT NULL,
                 started INTEGER NOT NULL, repository TEXT NOT NULL, request TEXT NOT NULL) STRICT;
                 CREATE TABLE attempt (id INTEGER PRIMARY KEY, bisection INTEGER NOT NULL,
                 \"commit\" TEXT NOT NULL, event TEXT NOT NULL, title TEXT, seconds REAL NOT NULL,
                 output TEXT NOT NULL) STRICT;
                 INSERT INTO attempt VALUES (1, 1, 'c', 'clean', NULL, 1.5, 'said');",
            )
            .unwrap();
        connection
            .execute("INSERT INTO bisection VALUES (1, 1, 7, '/r', ?1)", [request.to_string()])
            .unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        drop(connection);
        let store = BisectionStore::open(folder.path()).unwrap();
        assert_eq!(store.load(None).unwrap().unwrap().request.lab, None);
        let attempts = store.attempts(1).unwrap();
        assert_eq!((attempts[0].event, attempts[0].also.len()), (Event::Clean, 0));
        store.add(1, &Attempt { also: vec!["BUG: x".into()], ..attempts[0].clone() }).unwrap();
        assert_eq!(store.attempts(1).unwrap()[1].also, ["BUG: x"]);
    }

    #[test]
    fn a_database_of_a_newer_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(BisectionStore::open(folder.path()).unwrap());
        let connection = Connection::open(folder.path().join("bisect.sqlite")).unwrap();
        connection.pragma_update(None, "user_version", FORMAT + 1).unwrap();
        drop(connection);
        assert!(matches!(BisectionStore::open(folder.path()), Err(StoreError::Newer { .. })));
    }

    #[test]
    fn a_file_that_is_no_database_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("bisect.sqlite"),
            "not a database, just some words\n".repeat(99),
        )
        .unwrap();
        let error = BisectionStore::open(folder.path()).err().unwrap();
        assert!(error.to_string().contains("bisect.sqlite"), "{error}");
    }
}
