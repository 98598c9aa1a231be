//! Changes of bugs, crashes and their history.

use std::fmt::Write as _;

use model::tracker::{
    Action, Bug, BugId, Build, Change, CrashId, Failure, Job, KeptNames, Key, Mail, Manager,
    ManagerDay, NewCrash, RecordError, Reproducer, Standing,
};
use rusqlite::params;

use super::rows::state_number;
use super::{Result, SqliteRecord, machine};

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Bytes of a bug's texts that can be searched.
const SEARCHED: usize = 64 << 10;
/// Errors of clients that are remembered.
const FAILURES: i64 = 10_000;

/// Removes an artefact unless something names it.
const UNNAMED: &str = "DELETE FROM artefact WHERE name = ?1
     AND NOT EXISTS (SELECT 1 FROM crash WHERE log = ?1)
     AND NOT EXISTS (SELECT 1 FROM crash WHERE report = ?1)
     AND NOT EXISTS (SELECT 1 FROM crash WHERE machine_info = ?1)
     AND NOT EXISTS (SELECT 1 FROM reproducer WHERE text = ?1)
     AND NOT EXISTS (SELECT 1 FROM build WHERE config = ?1)
     AND NOT EXISTS (SELECT 1 FROM job WHERE patch = ?1 OR log = ?1)";

fn text_of(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| RecordError::Other(error.to_string()))
}

impl Change for SqliteRecord {
    fn add_bug(&self, bug: &Bug) -> Result<BugId> {
        self.run(
            "INSERT INTO bug (title, sequence, external, state, open, reason, duplicate_of, merged, fixes,
                 closed, public, created, first, last, crashes, reproducer, kind, frame, changed,
                 previous, attempts, attempted, kept, kept_last)
             VALUES (?1, ?2, ?3, 0, 1, '', NULL, 0, '[]', NULL, 0, ?4, 0, 0, 0, 0, ?5, ?6, 0, ?7, 0, NULL, 0, NULL)",
            params![
                bug.title,
                bug.sequence,
                bug.external,
                bug.created,
                bug.kind,
                bug.frame,
                bug.previous
            ],
        )?;
        let id = self.connection.last_insert_rowid();
        self.set_bug(&Bug { id, ..bug.clone() })?;
        self.run("INSERT INTO bug_text (rowid, content) VALUES (?1, ?2)", params![id, bug.title])?;
        Ok(id)
    }

    fn set_bug(&self, bug: &Bug) -> Result<()> {
        let standing = &bug.standing;
        self.run(
            "UPDATE bug SET state = ?2, open = ?3, reason = ?4, duplicate_of = ?5, merged = ?6, fixes = ?7,
                 closed = ?8, public = ?9, first = ?10, last = ?11, crashes = ?12, reproducer = ?13,
                 changed = ?14, attempts = ?15, attempted = ?16, kept = ?17, kept_last = ?18
             WHERE id = ?1",
            params![
                bug.id,
                state_number(standing.state),
                standing.state.is_open(),
                standing.reason,
                standing.duplicate_of,
                standing.merged,
                text_of(&standing.fixes)?,
                standing.closed,
                standing.public,
                bug.first,
                bug.last,
                i64::try_from(bug.crashes).unwrap_or(i64::MAX),
                bug.reproducer as i64,
                bug.changed,
                bug.attempts,
                bug.attempted,
                bug.kept,
                bug.kept_last
            ],
        )?;
        Ok(())
    }

    fn add_keys(&self, bug: BugId, keys: &[Key]) -> Result<()> {
        for key in keys {
            let sql = "INSERT OR IGNORE INTO bug_key (kind, value, bug) VALUES (?1, ?2, ?3)";
            self.run(sql, params![key.kind.number(), key.value, bug])?;
        }
        Ok(())
    }

    fn remove_key(&self, bug: BugId, key: &Key) -> Result<()> {
        let sql = "DELETE FROM bug_key WHERE kind = ?1 AND value = ?2 AND bug = ?3";
        self.run(sql, params![key.kind.number(), key.value, bug]).map(drop)
    }

    fn add_text(&self, bug: BugId, text: &str) -> Result<()> {
        let sql = "SELECT content FROM bug_text WHERE rowid = ?1";
        let mut content = self.row(sql, [bug], |row| row.get::<_, String>(0))?.unwrap_or_default();
        let before = content.len();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if content.len() + line.len() < SEARCHED && !content.lines().any(|known| known == line)
            {
                let _ = write!(content, "\n{line}");
            }
        }
        if content.len() == before {
            return Ok(());
        }
        self.run("UPDATE bug_text SET content = ?2 WHERE rowid = ?1", params![bug, content])
            .map(drop)
    }

    fn add_crash(
        &self,
        bug: BugId,
        origin: BugId,
        crash: &NewCrash,
        kept: &KeptNames,
    ) -> Result<CrashId> {
        self.run(
            "INSERT INTO crash (bug, origin, time, title, kernel, build, machine, source, log, report,
                 machine_info, line, corrupted, reproducer, key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            params![
                bug,
                origin,
                crash.time,
                crash.identity.title,
                crash.kernel,
                crash.build,
                crash.machine,
                crash.source,
                kept.log,
                kept.report,
                kept.machine_info,
                i64::try_from(crash.line).unwrap_or(0),
                crash.corrupted.is_some(),
                kept.reproducer as i64,
                crash.key
            ],
        )?;
        let id = self.connection.last_insert_rowid();
        let (day, kernel) = (crash.time.div_euclid(DAY), crash.kernel.as_deref().unwrap_or(""));
        self.run(
            "INSERT INTO day (bug, day, kernel, crashes) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT DO UPDATE SET crashes = crashes + 1",
            params![bug, day, kernel],
        )?;
        self.run(
            "INSERT INTO total (day, crashes) VALUES (?1, 1) ON CONFLICT DO UPDATE SET crashes = crashes + 1",
            [day],
        )?;
        for (what, value) in [(0, crash.machine.as_str()), (1, kernel)] {
            if !value.is_empty() {
                self.run(
                    "INSERT INTO seen (what, value, bug, crashes) VALUES (?1, ?2, ?3, 1)
                     ON CONFLICT DO UPDATE SET crashes = crashes + 1",
                    params![what, value, bug],
                )?;
            }
        }
        Ok(id)
    }

    fn add_reproducer(&self, bug: BugId, crash: CrashId, reproducer: &Reproducer) -> Result<i64> {
        self.run(
            "INSERT INTO reproducer (bug, crash, level, options, text, time, revoked)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
            params![
                bug,
                crash,
                reproducer.level as i64,
                reproducer.options,
                reproducer.text,
                reproducer.time
            ],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    fn set_revoked(&self, reproducer: i64, revoked: bool) -> Result<()> {
        let sql = "UPDATE reproducer SET revoked = ?2 WHERE id = ?1";
        self.run(sql, params![reproducer, revoked])?;
        self.run(
            "UPDATE bug SET reproducer = COALESCE(
                 (SELECT MAX(level) FROM reproducer WHERE reproducer.bug = bug.id AND NOT revoked), 0)
             WHERE id = (SELECT bug FROM reproducer WHERE id = ?1)",
            [reproducer],
        )
        .map(drop)
    }

    fn drop_texts(&self, crash: CrashId) -> Result<()> {
        let sql = "SELECT log, report, machine_info FROM crash WHERE id = ?1";
        let names = self.row(sql, [crash], |row| {
            Ok([0, 1, 2].map(|at| row.get::<_, Option<String>>(at).unwrap_or_default()))
        })?;
        let sql = "UPDATE crash SET log = NULL, report = NULL, machine_info = NULL WHERE id = ?1";
        self.run(sql, [crash])?;
        for name in names.into_iter().flatten().flatten() {
            self.run(UNNAMED, [name])?;
        }
        Ok(())
    }

    fn move_crashes(
        &self,
        from: BugId,
        to: BugId,
        origin: BugId,
        title: Option<&str>,
        refile: bool,
    ) -> Result<u64> {
        let condition = "bug = ?1 AND origin = ?3 AND (?4 IS NULL OR title = ?4)";
        self.run(
            &format!(
                "UPDATE reproducer SET bug = ?2 WHERE crash IN (SELECT id FROM crash WHERE {condition})"
            ),
            params![from, to, origin, title],
        )?;
        let sql = format!(
            "UPDATE crash SET bug = ?2, origin = CASE WHEN ?5 THEN ?2 ELSE origin END WHERE {condition}"
        );
        self.run(&sql, params![from, to, origin, title, refile]).map(|moved| moved as u64)
    }

    fn recount(&self, bug: BugId) -> Result<()> {
        self.run("DELETE FROM day WHERE bug = ?1", [bug])?;
        self.run(
            // The day of a time before 1970 is rounded down too.
            "INSERT INTO day (bug, day, kernel, crashes)
             SELECT bug, (time - ((time % 86400) + 86400) % 86400) / 86400, COALESCE(kernel, ''), COUNT(*)
             FROM crash WHERE bug = ?1 GROUP BY 1, 2, 3",
            [bug],
        )?;
        self.run("DELETE FROM seen WHERE bug = ?1", [bug])?;
        for (what, column) in [(0, "machine"), (1, "kernel")] {
            self.run(
                &format!(
                    "INSERT INTO seen (what, value, bug, crashes)
                     SELECT {what}, {column}, bug, COUNT(*) FROM crash
                     WHERE bug = ?1 AND {column} <> '' GROUP BY {column}"
                ),
                [bug],
            )?;
        }
        self.run(
            "UPDATE bug SET
                 crashes = (SELECT COUNT(*) FROM crash WHERE crash.bug = ?1),
                 first = COALESCE((SELECT MIN(time) FROM crash WHERE crash.bug = ?1), first),
                 last = COALESCE((SELECT MAX(time) FROM crash WHERE crash.bug = ?1), last),
                 reproducer = COALESCE(
                     (SELECT MAX(level) FROM reproducer WHERE reproducer.bug = ?1 AND NOT revoked), 0)
             WHERE id = ?1",
            [bug],
        )
        .map(drop)
    }

    fn put(&self, content: &[u8]) -> Result<String> {
        let name = blake3::hash(content).to_hex().to_string();
        let there = self.row("SELECT 1 FROM artefact WHERE name = ?1", [&name], |_| Ok(()))?;
        if there.is_none() {
            let packed = self.packer.borrow_mut().compress(content);
            let packed = packed
                .map_err(|error| RecordError::Other(format!("cannot pack a text: {error}")))?;
            self.run(
                "INSERT INTO artefact (name, size, stored, content) VALUES (?1, ?2, ?3, ?4)",
                params![name, content.len() as i64, packed.len() as i64, packed],
            )?;
        }
        Ok(name)
    }

    fn append(
        &self,
        bug: BugId,
        time: i64,
        who: &str,
        action: &Action,
        why: &str,
        before: Option<&Standing>,
    ) -> Result<i64> {
        let before = before.map(text_of).transpose()?;
        self.run(
            "INSERT INTO history (bug, time, who, action, why, before) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![bug, time, who, text_of(action)?, why, before],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    fn set_label(&self, bug: BugId, name: &str, value: &str) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO label (bug, name, value) VALUES (?1, ?2, ?3)";
        self.run(sql, params![bug, name, value]).map(drop)
    }

    fn remove_label(&self, bug: BugId, name: &str) -> Result<bool> {
        let gone =
            self.run("DELETE FROM label WHERE bug = ?1 AND name = ?2", params![bug, name])?;
        Ok(gone > 0)
    }

    fn put_build(&self, build: &Build) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO build (client, key, content, config) VALUES (?1, ?2, ?3, ?4)",
            params![build.client, build.key, text_of(build)?, build.config],
        )
        .map(drop)
    }

    fn put_manager(&self, manager: &Manager) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO manager (name, content) VALUES (?1, ?2)";
        self.run(sql, params![manager.name, text_of(manager)?]).map(drop)
    }

    fn add_manager_day(&self, name: &str, day: &ManagerDay) -> Result<()> {
        machine::add_manager_day(self, name, day)
    }

    fn add_failure(&self, failure: &Failure) -> Result<()> {
        let Failure { time, client, name, text } = failure;
        self.run(
            "INSERT INTO failure (time, client, name, text) VALUES (?1, ?2, ?3, ?4)",
            params![time, client, name, text],
        )?;
        let oldest = self.connection.last_insert_rowid() - FAILURES;
        self.run("DELETE FROM failure WHERE id <= ?1", [oldest]).map(drop)
    }

    fn add_job(&self, job: &Job) -> Result<i64> {
        machine::write_job(self, job, true)
    }

    fn set_job(&self, job: &Job) -> Result<()> {
        machine::write_job(self, job, false).map(drop)
    }

    fn set_handled(&self, key: &str, time: i64, answer: &str) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO handled (key, time, answer) VALUES (?1, ?2, ?3)";
        self.run(sql, params![key, time, answer]).map(drop)
    }

    fn forget_handled(&self, prefix: &str, before: i64) -> Result<()> {
        let sql = "DELETE FROM handled WHERE key >= ?1 AND key < ?1 || '~' AND time < ?2";
        self.run(sql, params![prefix, before]).map(drop)
    }

    fn add_mail(&self, mail: &Mail) -> Result<i64> {
        self.run(
            "INSERT INTO mail (bug, message_id, time, text, delivered) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![mail.bug, mail.message_id, mail.time, mail.text, mail.delivered],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    fn set_delivered(&self, id: i64, time: i64) -> Result<()> {
        self.run("UPDATE mail SET delivered = ?2 WHERE id = ?1", params![id, time]).map(drop)
    }

    fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)";
        self.run(sql, params![name, value]).map(drop)
    }
}
