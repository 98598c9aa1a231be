//! Texts that the application keeps of a thread until a mail changes what they say.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Error, MailIndex, error};

/// Changed threads from which on all texts are forgotten instead of one by one.
const MANY: usize = 2000;

/// Threads whose texts may speak of a thread: those that keep it as a part, and those with patches of the same
/// series.
const SPEAKING_OF: &str = "SELECT thread FROM kept_of WHERE part = ?1 \
    UNION SELECT k.thread FROM mail m JOIN series s ON s.mail = m.id JOIN series o ON o.key = s.key \
      JOIN mail n ON n.id = o.mail JOIN kept_of k ON k.part = n.thread WHERE m.thread = ?1 \
    UNION SELECT k.thread FROM mail m JOIN touched s ON s.mail = m.id JOIN touched o ON o.key = s.key \
      JOIN mail n ON n.id = o.mail JOIN kept_of k ON k.part = n.thread WHERE m.thread = ?1";

/// Forgets the texts that changed threads may have made stale; which they are goes to `stale`.
pub(super) fn forget(
    transaction: &Connection,
    changed: &HashSet<i64>,
    stale: &mut BTreeSet<i64>,
) -> Result<(), rusqlite::Error> {
    let has_any: bool =
        transaction.query_row("SELECT EXISTS (SELECT 1 FROM kept)", [], |row| row.get(0))?;
    if !has_any {
        return Ok(());
    }
    if changed.len() > MANY {
        return forget_all(transaction);
    }
    let mut speaking = transaction.prepare_cached(SPEAKING_OF)?;
    for thread in changed {
        let found: Vec<i64> =
            speaking.query_map([thread], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for one in found {
            transaction.execute("DELETE FROM kept WHERE thread = ?1", [one])?;
            stale.insert(one);
        }
    }
    Ok(())
}

/// Forgets all texts.
pub(super) fn forget_all(transaction: &Connection) -> Result<(), rusqlite::Error> {
    transaction.execute_batch("DELETE FROM kept; DELETE FROM kept_of;")
}

impl MailIndex {
    /// The text kept of a thread by the same program, as `stamp` names it.
    pub fn kept(&self, thread: i64, stamp: &str) -> Result<Option<String>, Error> {
        self.connection
            .query_row(
                "SELECT body FROM kept WHERE thread = ?1 AND stamp = ?2",
                params![thread, stamp],
                |row| row.get(0),
            )
            .optional()
            .map_err(|e| error("reading what is kept", &self.path, e))
    }

    /// Keeps a text of a thread until a mail of one of `parts` comes or goes.
    pub fn keep(&self, thread: i64, stamp: &str, parts: &[i64], body: &str) -> Result<(), Error> {
        let run = || -> Result<(), rusqlite::Error> {
            self.connection.execute(
                "INSERT INTO kept VALUES (?1, ?2, ?3) ON CONFLICT (thread) \
                 DO UPDATE SET stamp = excluded.stamp, body = excluded.body",
                params![thread, stamp, body],
            )?;
            let mut part =
                self.connection.prepare_cached("INSERT OR IGNORE INTO kept_of VALUES (?1, ?2)")?;
            for one in parts {
                part.execute([*one, thread])?;
            }
            Ok(())
        };
        run().map_err(|e| error("keeping a text", &self.path, e))
    }

    /// The threads whose text became stale since this was asked the last time.
    pub fn take_stale(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.stale).into_iter().collect()
    }

    /// When the newest mail was sent, in seconds since 1970.
    pub fn newest(&self) -> Result<Option<i64>, Error> {
        // A date in the future is a wrong clock; most mails come in order.
        self.connection
            .query_row(
                "SELECT max(date) FROM (SELECT date FROM mail ORDER BY id DESC LIMIT 1000)",
                [],
                |row| row.get(0),
            )
            .map_err(|e| error("reading", &self.path, e))
    }

    /// Does several things in one transaction.
    pub fn together<T, E: From<Error>>(&self, run: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let say = |text: &str| {
            self.connection.execute_batch(text).map_err(|e| error("keeping texts", &self.path, e))
        };
        say("BEGIN IMMEDIATE")?;
        let outcome = run();
        say(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        outcome
    }
}
