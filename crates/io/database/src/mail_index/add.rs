//! How mails come into the index.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use rusqlite::{CachedStatement, OptionalExtension as _, Transaction, params};

use super::{Change, Mail};

/// References of a mail that join threads.
const MAX_REFERENCES: usize = 512;
/// Identifiers whose presence is remembered between transactions.
const MAX_KNOWN: usize = 2_000_000;

/// The statements of one run.
struct Inserts<'t> {
    mail: CachedStatement<'t>,
    node: CachedStatement<'t>,
    find: CachedStatement<'t>,
    twin: CachedStatement<'t>,
    place: CachedStatement<'t>,
    take_back: CachedStatement<'t>,
    forget: CachedStatement<'t>,
    join_nodes: CachedStatement<'t>,
    join_mails: CachedStatement<'t>,
    bug: CachedStatement<'t>,
    file: CachedStatement<'t>,
    function: CachedStatement<'t>,
    identifier: CachedStatement<'t>,
    series: CachedStatement<'t>,
    touched: CachedStatement<'t>,
    cited: CachedStatement<'t>,
    tested: CachedStatement<'t>,
    applied: CachedStatement<'t>,
    words: CachedStatement<'t>,
}

impl<'t> Inserts<'t> {
    fn new(transaction: &'t Transaction<'_>) -> Result<Self, rusqlite::Error> {
        let prepare = |text| transaction.prepare_cached(text);
        Ok(Self {
            mail: prepare(
                "INSERT INTO mail (archive, place, message_id, thread, date, name, address, subject, is_patch, version) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?,
            node: prepare(
                "INSERT INTO node (message_id, thread, mail) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (message_id) DO UPDATE SET thread = excluded.thread, mail = coalesce(mail, excluded.mail)",
            )?,
            find: prepare("SELECT thread, mail FROM node WHERE message_id = ?1")?,
            twin: prepare(
                "SELECT id FROM mail WHERE thread = ?1 AND message_id = ?2 AND date IS ?3 AND address = ?4 LIMIT 1",
            )?,
            place: prepare(
                "UPDATE mail SET place = ?1 WHERE id = ?2 AND archive = ?3 AND place = ''",
            )?,
            take_back: prepare(
                "DELETE FROM mail WHERE id = (SELECT mail FROM node WHERE message_id = ?1) \
                 AND archive IN (SELECT id FROM archive WHERE list = (SELECT list FROM archive WHERE id = ?2))",
            )?,
            forget: prepare(
                "UPDATE node SET mail = NULL WHERE message_id = ?1 \
                 AND NOT EXISTS (SELECT 1 FROM mail WHERE mail.id = node.mail)",
            )?,
            join_nodes: prepare("UPDATE node SET thread = ?1 WHERE thread = ?2")?,
            join_mails: prepare("UPDATE mail SET thread = ?1 WHERE thread = ?2")?,
            bug: prepare("INSERT OR IGNORE INTO bug VALUES (?1, ?2)")?,
            file: prepare("INSERT OR IGNORE INTO file VALUES (?1, ?2)")?,
            function: prepare("INSERT OR IGNORE INTO function VALUES (?1, ?2)")?,
            identifier: prepare("INSERT OR IGNORE INTO identifier VALUES (?1)")?,
            series: prepare("INSERT OR IGNORE INTO series VALUES (?1, ?2)")?,
            touched: prepare("INSERT OR IGNORE INTO touched VALUES (?1, ?2)")?,
            cited: prepare("INSERT OR IGNORE INTO cited VALUES (?1, ?2)")?,
            tested: prepare("INSERT OR IGNORE INTO tested VALUES (?1)")?,
            applied: prepare("INSERT OR IGNORE INTO applied VALUES (?1)")?,
            words: prepare(
                "INSERT INTO words (rowid, subject, sender, text, diff) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
        })
    }
}

/// What was added.
pub(super) struct Added {
    /// New mails.
    pub(super) count: usize,
    /// Threads that have other mails than before, also those that were joined to others.
    pub(super) threads: HashSet<i64>,
}

/// Takes over what an archive says, in order.
pub(super) fn all(
    transaction: &Transaction<'_>,
    archive: &Path,
    list: &str,
    mails: &[(String, Change)],
    identifiers: &mut HashSet<u64>,
) -> Result<Added, rusqlite::Error> {
    let path = archive.to_string_lossy();
    transaction.execute(
        "INSERT INTO archive (path, list) VALUES (?1, ?2) ON CONFLICT (path) DO NOTHING",
        params![path, list],
    )?;
    let archive: i64 =
        transaction.query_row("SELECT id FROM archive WHERE path = ?1", [&path], |r| r.get(0))?;
    let mut inserts = Inserts::new(transaction)?;
    let highest = |table: &str| -> Result<i64, rusqlite::Error> {
        let text = format!("SELECT coalesce(max(thread), 0) + 1 FROM {table}");
        transaction.query_row(&text, [], |r| r.get(0))
    };
    let mut next = highest("node")?.max(highest("mail")?);
    let mut added = Added { count: 0, threads: HashSet::new() };
    for (place, change) in mails {
        match change {
            Change::Added(mail) => {
                let threads = &mut added.threads;
                if one(&mut inserts, transaction, archive, place, mail, &mut next, threads)? {
                    added.count += 1;
                    remember(&mut inserts, mail, identifiers)?;
                }
            }
            Change::Removed(Some(id)) => {
                let thread = inserts.find.query_row([id], |row| row.get(0)).optional()?;
                added.threads.extend(thread.map(|t: i64| t));
                inserts.take_back.execute(params![id, archive])?;
                inserts.forget.execute([id])?;
            }
            Change::Removed(None) => {}
        }
    }
    if let Some((last, _)) = mails.last() {
        transaction
            .execute("UPDATE archive SET done = ?1 WHERE id = ?2", params![last, archive])?;
    }
    Ok(added)
}

/// Adds the identifiers of a mail to the list of all.
fn remember(
    inserts: &mut Inserts<'_>,
    mail: &Mail,
    known: &mut HashSet<u64>,
) -> Result<(), rusqlite::Error> {
    for name in &mail.identifiers {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        if known.insert(hasher.finish()) {
            inserts.identifier.execute([name])?;
        }
    }
    Ok(())
}

fn one(
    inserts: &mut Inserts<'_>,
    transaction: &Transaction<'_>,
    archive: i64,
    place: &str,
    mail: &Mail,
    next: &mut i64,
    changed: &mut HashSet<i64>,
) -> Result<bool, rusqlite::Error> {
    let own = mail.message_id.as_deref();
    let mut find = |id: &str| -> Result<Option<(i64, Option<i64>)>, rusqlite::Error> {
        inserts.find.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    };
    let known = match own {
        Some(id) => find(id)?,
        None => None,
    };
    let address = mail.address.to_lowercase();
    if let Some((thread, Some(_))) = known {
        // The same mail by way of another list, or at another place after a rewritten history. Another
        // mail under the same Message-ID is kept.
        let twin: Option<i64> = inserts
            .twin
            .query_row(params![thread, own, mail.date, address], |row| row.get(0))
            .optional()?;
        if let Some(twin) = twin {
            inserts.place.execute(params![place, twin, archive])?;
            return Ok(false);
        }
    }
    let references: Vec<&str> = mail
        .references
        .iter()
        .map(String::as_str)
        // Answers to a tool's prompt, `In-Reply-To: <yes>`, tie nothing together.
        .filter(|id| id.contains('@'))
        .take(MAX_REFERENCES)
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
    changed.insert(thread);
    changed.extend(&threads);
    for other in threads.into_iter().filter(|t| *t != thread) {
        inserts.join_nodes.execute([thread, other])?;
        inserts.join_mails.execute([thread, other])?;
    }
    inserts.mail.execute(params![
        archive,
        place,
        own,
        thread,
        mail.date,
        mail.name,
        address,
        mail.subject,
        mail.is_patch,
        mail.version,
    ])?;
    let row = transaction.last_insert_rowid();
    if let Some(id) = own {
        inserts.node.execute(params![id, thread, row])?;
    }
    for id in references {
        inserts.node.execute(params![id, thread, None::<i64>])?;
    }
    tables(inserts, mail, row)?;
    Ok(true)
}

/// Writes what a mail names.
fn tables(inserts: &mut Inserts<'_>, mail: &Mail, row: i64) -> Result<(), rusqlite::Error> {
    for bug in &mail.bugs {
        inserts.bug.execute(params![bug, row])?;
    }
    for path in &mail.files {
        inserts.file.execute(params![path, row])?;
    }
    for name in &mail.functions {
        inserts.function.execute(params![name, row])?;
    }
    for key in &mail.series {
        inserts.series.execute(params![key, row])?;
    }
    for key in &mail.touched {
        inserts.touched.execute(params![key, row])?;
    }
    for id in &mail.cited {
        inserts.cited.execute(params![id, row])?;
    }
    if mail.is_tested {
        inserts.tested.execute([row])?;
    }
    if mail.says_applied {
        inserts.applied.execute([row])?;
    }
    let diff = mail.identifiers.join(" ");
    inserts.words.execute(params![row, mail.subject, mail.name, mail.words, diff])?;
    Ok(())
}
