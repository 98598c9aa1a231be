//! Questions about bugs, crashes and their history.

use model::tracker::{
    Action, Bug, BugId, Build, Counts, Crash, CrashId, Day, Entry, Failure, Filter, Job, Key,
    KeyKind, Mail, Manager, Page, Read, RecordError, Reproducer, ReproducerLevel,
};
use rusqlite::{Row, params};

use super::rows::{BUG, BUG_COLUMNS, broken, bug, count};
use super::{Result, SqliteRecord, filter, machine};

/// The columns of a crash, in the order in which [`crash`] reads them.
const CRASH: &str = "id, bug, origin, time, title, kernel, build, machine, source, log, report, \
    machine_info, line, corrupted, reproducer";
/// Largest content that is unpacked.
const LARGEST: usize = 64 << 20;

fn crash(row: &Row<'_>) -> rusqlite::Result<Crash> {
    Ok(Crash {
        id: row.get(0)?,
        bug: row.get(1)?,
        origin: row.get(2)?,
        time: row.get(3)?,
        title: row.get(4)?,
        kernel: row.get(5)?,
        build: row.get(6)?,
        machine: row.get(7)?,
        source: row.get(8)?,
        log: row.get(9)?,
        report: row.get(10)?,
        machine_info: row.get(11)?,
        line: count(row.get(12)?),
        corrupted: row.get(13)?,
        has_reproducer: row.get::<_, i64>(14)? > 0,
    })
}

fn key(row: &Row<'_>, at: usize) -> rusqlite::Result<Key> {
    let number: i64 = row.get(at)?;
    let kind = usize::try_from(number).ok().and_then(|at| KeyKind::ALL.get(at)).copied();
    Ok(Key { kind: kind.unwrap_or(KeyKind::Title), value: row.get(at + 1)? })
}

fn entry(row: &Row<'_>, at: usize) -> rusqlite::Result<Entry> {
    let action: String = row.get(at + 4)?;
    let action: Action = serde_json::from_str(&action).map_err(|error| broken(at + 4, error))?;
    let before: Option<String> = row.get(at + 6)?;
    let before = before
        .map(|text| serde_json::from_str(&text).map_err(|error| broken(at + 6, error)))
        .transpose()?;
    Ok(Entry {
        id: row.get(at)?,
        bug: row.get(at + 1)?,
        time: row.get(at + 2)?,
        who: row.get(at + 3)?,
        action,
        why: row.get(at + 5)?,
        before,
    })
}

impl SqliteRecord {
    fn one_bug(&self, condition: &str, value: impl rusqlite::ToSql) -> Result<Option<Bug>> {
        self.row(&format!("SELECT {BUG} FROM bug WHERE {condition}"), [value], bug)
    }

    fn some_crashes(&self, rest: &str, values: impl rusqlite::Params) -> Result<Vec<Crash>> {
        self.rows(&format!("SELECT {CRASH} FROM crash WHERE {rest}"), values, crash)
    }

    /// Entries of histories, each with its bug.
    fn some_entries(&self, rest: &str, values: impl rusqlite::Params) -> Result<Vec<(Entry, Bug)>> {
        let sql = format!(
            "SELECT {BUG}, history.id, history.bug, history.time, history.who, history.action,
                 history.why, history.before
             FROM history JOIN bug ON bug.id = history.bug WHERE {rest}"
        );
        self.rows(&sql, values, |row| Ok((entry(row, BUG_COLUMNS)?, bug(row)?)))
    }
}

impl Read for SqliteRecord {
    fn bug(&self, id: BugId) -> Result<Option<Bug>> {
        self.one_bug("id = ?1", id)
    }

    fn bug_by_external(&self, external: &str) -> Result<Option<Bug>> {
        self.one_bug("external = ?1", external)
    }

    fn bugs(&self, filter: &Filter) -> Result<Page> {
        filter::bugs(self, filter)
    }

    fn bugs_with_keys(&self, keys: &[Key], limit: usize) -> Result<Vec<(Bug, Vec<Key>)>> {
        let mut found: Vec<(Bug, Vec<Key>)> = Vec::new();
        for key in keys {
            let sql = format!(
                "SELECT {BUG} FROM bug_key JOIN bug ON bug.id = bug_key.bug
                 WHERE bug_key.kind = ?1 AND bug_key.value = ?2 ORDER BY bug.id DESC LIMIT ?3"
            );
            for one in self.rows(&sql, params![key.kind.number(), key.value, limit as i64], bug)? {
                match found.iter_mut().find(|(known, _)| known.id == one.id) {
                    Some((_, shared)) => shared.push(key.clone()),
                    None => found.push((one, vec![key.clone()])),
                }
            }
        }
        found.sort_by_key(|(bug, _)| std::cmp::Reverse(bug.id));
        Ok(found)
    }

    fn newest_of_title(&self, title: &str) -> Result<Option<Bug>> {
        self.one_bug("title = ?1 ORDER BY sequence DESC LIMIT 1", title)
    }

    fn keys(&self, bug: BugId) -> Result<Vec<Key>> {
        let sql = "SELECT kind, value FROM bug_key WHERE bug = ?1 ORDER BY kind, value";
        self.rows(sql, [bug], |row| key(row, 0))
    }

    fn duplicates(&self, of: BugId) -> Result<Vec<Bug>> {
        let sql = format!("SELECT {BUG} FROM bug WHERE duplicate_of = ?1 ORDER BY id");
        self.rows(&sql, [of], bug)
    }

    fn crashes(&self, bug: BugId, limit: u64) -> Result<Vec<Crash>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.some_crashes("bug = ?1 ORDER BY time DESC, id DESC LIMIT ?2", [bug, limit])
    }

    fn kept_crashes(&self, bug: BugId) -> Result<Vec<Crash>> {
        let rest =
            "bug = ?1 AND (log IS NOT NULL OR report IS NOT NULL) ORDER BY time DESC, id DESC";
        self.some_crashes(rest, [bug])
    }

    fn crash(&self, id: CrashId) -> Result<Option<Crash>> {
        Ok(self.some_crashes("id = ?1", [id])?.pop())
    }

    fn best_crash(&self, bug: BugId) -> Result<Option<Crash>> {
        let rest = "bug = ?1 AND (log IS NOT NULL OR report IS NOT NULL)
             ORDER BY reproducer DESC, corrupted, title = (SELECT title FROM bug WHERE id = ?1) DESC,
                 time DESC, id DESC LIMIT 1";
        Ok(self.some_crashes(rest, [bug])?.pop())
    }

    fn crash_by_key(&self, key: &str) -> Result<Option<Crash>> {
        Ok(self.some_crashes("key = ?1", [key])?.pop())
    }

    fn days(&self, bug: BugId) -> Result<Vec<Day>> {
        let sql = "SELECT day, kernel, crashes FROM day WHERE bug = ?1 ORDER BY day, kernel";
        self.rows(sql, [bug], |row| {
            Ok(Day { day: row.get(0)?, kernel: row.get(1)?, crashes: count(row.get(2)?) })
        })
    }

    fn days_of_all(&self, from: i64, public_only: bool) -> Result<Vec<(i64, u64)>> {
        let private = match public_only {
            false => "0",
            true => {
                "(SELECT COALESCE(SUM(day.crashes), 0) FROM bug JOIN day ON day.bug = bug.id
                  WHERE bug.public = 0 AND day.day = total.day)"
            }
        };
        let sql = format!(
            "SELECT day, crashes - {private} FROM total WHERE day >= ?1 ORDER BY day LIMIT 1000"
        );
        self.rows(&sql, [from], |row| Ok((row.get(0)?, count(row.get(1)?))))
    }

    fn machines(&self, bug: BugId, limit: u64) -> Result<Vec<(String, u64)>> {
        let sql = "SELECT value, crashes FROM seen WHERE bug = ?1 AND what = 0
                   ORDER BY crashes DESC, value LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.rows(sql, [bug, limit], |row| Ok((row.get(0)?, count(row.get(1)?))))
    }

    fn reproducers(&self, bug: BugId) -> Result<Vec<Reproducer>> {
        let sql = "SELECT id, bug, crash, level, options, text, time, revoked FROM reproducer
                   WHERE bug = ?1 ORDER BY revoked, level DESC, time DESC, id DESC LIMIT 200";
        self.rows(sql, [bug], |row| {
            Ok(Reproducer {
                id: row.get(0)?,
                bug: row.get(1)?,
                crash: row.get(2)?,
                level: ReproducerLevel::from_number(row.get(3)?),
                options: row.get(4)?,
                text: row.get(5)?,
                time: row.get(6)?,
                revoked: row.get(7)?,
            })
        })
    }

    fn history(&self, bug: BugId) -> Result<Vec<Entry>> {
        let sql = "SELECT id, bug, time, who, action, why, before FROM history WHERE bug = ?1 ORDER BY id";
        self.rows(sql, [bug], |row| entry(row, 0))
    }

    fn recent(&self, limit: u64, public_only: bool) -> Result<Vec<(Entry, Bug)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rest = "bug.public >= ?1 ORDER BY history.id DESC LIMIT ?2";
        self.some_entries(rest, params![public_only, limit])
    }

    fn history_after(&self, entry: i64, limit: u64) -> Result<Vec<(Entry, Bug)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.some_entries("history.id > ?1 ORDER BY history.id LIMIT ?2", [entry, limit])
    }

    fn labels(&self, bug: BugId) -> Result<Vec<(String, String)>> {
        let sql = "SELECT name, value FROM label WHERE bug = ?1 ORDER BY name";
        self.rows(sql, [bug], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn artefact(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let packed = self.row("SELECT content FROM artefact WHERE name = ?1", [name], |row| {
            row.get::<_, Vec<u8>>(0)
        })?;
        packed.map(|packed| zstd::bulk::decompress(&packed, LARGEST)).transpose().map_err(|error| {
            RecordError::Other(format!("artefact {name} cannot be unpacked: {error}"))
        })
    }

    fn bugs_of_artefact(&self, name: &str) -> Result<Vec<BugId>> {
        let sql = "SELECT bug FROM crash WHERE log = ?1 UNION SELECT bug FROM crash WHERE report = ?1
             UNION SELECT bug FROM crash WHERE machine_info = ?1
             UNION SELECT bug FROM reproducer WHERE text = ?1
             UNION SELECT crash.bug FROM build
                 JOIN crash ON crash.build = build.key AND crash.source = build.client WHERE build.config = ?1
             UNION SELECT bug FROM job WHERE patch = ?1 OR log = ?1 LIMIT 1000";
        self.rows(sql, [name], |row| row.get(0))
    }

    fn count_artefacts(&self) -> Result<u64> {
        let number = self.row("SELECT COUNT(*) FROM artefact", [], |row| row.get(0))?;
        Ok(count(number.unwrap_or(0)))
    }

    fn counts(&self, public_only: bool) -> Result<Counts> {
        let mut counts = Counts::default();
        let sql = "SELECT state, COUNT(*) FROM bug WHERE public >= ?1 GROUP BY state";
        for (number, bugs) in
            self.rows(sql, [public_only], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?
        {
            if let Some(slot) =
                usize::try_from(number).ok().and_then(|at| counts.states.get_mut(at))
            {
                *slot = count(bugs);
            }
        }
        let one = |sql: &str| {
            self.row(sql, [], |row| row.get::<_, i64>(0)).map(|number| count(number.unwrap_or(0)))
        };
        // Rows of crashes are never removed, so that the last number is how many there are.
        counts.crashes = one("SELECT COALESCE(MAX(id), 0) FROM crash")?;
        if public_only {
            let private = one("SELECT COALESCE(SUM(crashes), 0) FROM bug WHERE public = 0")?;
            counts.crashes = counts.crashes.saturating_sub(private);
        }
        let page = one("PRAGMA page_size")?;
        counts.file_bytes = one("PRAGMA page_count")? * page;
        Ok(counts)
    }

    fn build(&self, client: &str, key: &str) -> Result<Option<Build>> {
        machine::build(self, client, key)
    }

    fn managers(&self) -> Result<Vec<Manager>> {
        machine::managers(self)
    }

    fn failures(&self, limit: u64) -> Result<Vec<Failure>> {
        machine::failures(self, limit)
    }

    fn jobs_of(&self, bug: BugId, limit: u64) -> Result<Vec<Job>> {
        machine::jobs_of(self, bug, limit)
    }

    fn jobs(&self, limit: u64) -> Result<Vec<Job>> {
        machine::jobs(self, limit)
    }

    fn open_jobs(&self, manager: &str, limit: u64) -> Result<Vec<Job>> {
        machine::open_jobs(self, manager, limit)
    }

    fn count_open_jobs(&self) -> Result<u64> {
        machine::count_open_jobs(self)
    }

    fn job(&self, id: i64) -> Result<Option<Job>> {
        machine::job(self, id)
    }

    fn handled(&self, key: &str) -> Result<Option<(i64, String)>> {
        let sql = "SELECT time, answer FROM handled WHERE key = ?1";
        self.row(sql, [key], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn undelivered(&self, limit: u64) -> Result<Vec<Mail>> {
        machine::undelivered(self, limit)
    }

    fn mail(&self, message_id: &str) -> Result<Option<Mail>> {
        machine::mail(self, message_id)
    }

    fn setting(&self, name: &str) -> Result<Option<String>> {
        self.row("SELECT value FROM setting WHERE name = ?1", [name], |row| row.get(0))
    }
}
