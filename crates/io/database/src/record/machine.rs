//! Builds, managers, jobs and mails.

use model::tracker::{
    BugId, Build, Failure, Job, JobKind, JobState, Mail, Manager, ManagerDay, RecordError,
};
use rusqlite::{Row, params};
use serde::de::DeserializeOwned;

use super::{Result, SqliteRecord};

const JOB: &str = "id, bug, kind, state, who, message_id, created, attempts, lease, manager, repository, \
    branch, patch, ended, crash_title, error, log, commits";
const MAIL: &str = "id, bug, message_id, time, text, delivered";
/// Most rows of one answer.
const MOST: i64 = 10_000;

fn parsed<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| RecordError::Other(format!("{what} cannot be read: {error}")))
}

fn limited(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(MOST).min(MOST)
}

fn natural(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(|number| u64::try_from(number).unwrap_or(0))
}

fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn build(record: &SqliteRecord, client: &str, key: &str) -> Result<Option<Build>> {
    let sql = "SELECT content FROM build WHERE client = ?1 AND key = ?2";
    let text = record.row(sql, [client, key], |row| row.get::<_, String>(0))?;
    text.map(|text| parsed("a build", &text)).transpose()
}

pub(super) fn managers(record: &SqliteRecord) -> Result<Vec<Manager>> {
    let sql = "SELECT content FROM manager ORDER BY name LIMIT ?1";
    let texts = record.rows(sql, [MOST], |row| row.get::<_, String>(0))?;
    texts.iter().map(|text| parsed("a manager", text)).collect()
}

pub(super) fn add_manager_day(record: &SqliteRecord, name: &str, day: &ManagerDay) -> Result<()> {
    record
        .run(
            "INSERT INTO manager_day VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET corpus = MAX(corpus, excluded.corpus),
                 cover = MAX(cover, excluded.cover),
                 fuzzing_seconds = fuzzing_seconds + excluded.fuzzing_seconds,
                 crashes = crashes + excluded.crashes, suppressed = suppressed + excluded.suppressed,
                 executions = executions + excluded.executions",
            params![
                name,
                day.day,
                stored(day.corpus),
                stored(day.cover),
                stored(day.fuzzing_seconds),
                stored(day.crashes),
                stored(day.suppressed),
                stored(day.executions)
            ],
        )
        .map(drop)
}

pub(super) fn failures(record: &SqliteRecord, limit: u64) -> Result<Vec<Failure>> {
    let sql = "SELECT time, client, name, text FROM failure ORDER BY id DESC LIMIT ?1";
    record.rows(sql, [limited(limit)], |row| {
        Ok(Failure { time: row.get(0)?, client: row.get(1)?, name: row.get(2)?, text: row.get(3)? })
    })
}

fn read_job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let kind: String = row.get(2)?;
    let kind = JobKind::ALL.iter().find(|(_, name)| *name == kind);
    Ok(Job {
        id: row.get(0)?,
        bug: row.get(1)?,
        kind: kind.map_or(JobKind::Test, |(kind, _)| *kind),
        state: JobState::from_number(row.get(3)?),
        who: row.get(4)?,
        message_id: row.get(5)?,
        created: row.get(6)?,
        attempts: row.get(7)?,
        lease: row.get(8)?,
        manager: row.get(9)?,
        repository: row.get(10)?,
        branch: row.get(11)?,
        patch: row.get(12)?,
        ended: row.get(13)?,
        crash_title: row.get(14)?,
        error: row.get(15)?,
        log: row.get(16)?,
        commits: row.get::<_, String>(17)?.lines().map(str::to_owned).collect(),
    })
}

pub(super) fn jobs_of(record: &SqliteRecord, bug: BugId, limit: u64) -> Result<Vec<Job>> {
    let sql = format!("SELECT {JOB} FROM job WHERE bug = ?1 ORDER BY state, id DESC LIMIT ?2");
    record.rows(&sql, params![bug, limited(limit)], read_job)
}

pub(super) fn jobs(record: &SqliteRecord, limit: u64) -> Result<Vec<Job>> {
    let limit = limited(limit);
    // Two questions, since those that are done, nearly all, are in order by their number already.
    let sql = format!("SELECT {JOB} FROM job WHERE state < 2 ORDER BY state, id DESC LIMIT ?1");
    let mut jobs = record.rows(&sql, [limit], read_job)?;
    let rest = limit.saturating_sub_unsigned(jobs.len() as u64);
    let sql = format!("SELECT {JOB} FROM job WHERE state = 2 ORDER BY id DESC LIMIT ?1");
    jobs.extend(record.rows(&sql, [rest], read_job)?);
    Ok(jobs)
}

pub(super) fn open_jobs(record: &SqliteRecord, manager: &str, limit: u64) -> Result<Vec<Job>> {
    let sql = format!(
        "SELECT {JOB} FROM job WHERE state < 2 AND manager = ?1 ORDER BY attempts, id LIMIT ?2"
    );
    record.rows(&sql, params![manager, limited(limit)], read_job)
}

pub(super) fn count_open_jobs(record: &SqliteRecord) -> Result<u64> {
    let count =
        record.row("SELECT COUNT(*) FROM job WHERE state < 2", [], |row| natural(row, 0))?;
    Ok(count.unwrap_or(0))
}

pub(super) fn job(record: &SqliteRecord, id: i64) -> Result<Option<Job>> {
    record.row(&format!("SELECT {JOB} FROM job WHERE id = ?1"), [id], read_job)
}

/// Writes a job; gives its number. A new one gets one.
pub(super) fn write_job(record: &SqliteRecord, job: &Job, new: bool) -> Result<i64> {
    let id = (!new).then_some(job.id);
    let sql = format!(
        "INSERT OR REPLACE INTO job ({JOB})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
    );
    record.run(
        &sql,
        params![
            id,
            job.bug,
            job.kind.name(),
            job.state as i64,
            job.who,
            job.message_id,
            job.created,
            job.attempts,
            job.lease,
            job.manager,
            job.repository,
            job.branch,
            job.patch,
            job.ended,
            job.crash_title,
            job.error,
            job.log,
            job.commits.join("\n")
        ],
    )?;
    Ok(record.connection.last_insert_rowid())
}

fn read_mail(row: &Row<'_>) -> rusqlite::Result<Mail> {
    Ok(Mail {
        id: row.get(0)?,
        bug: row.get(1)?,
        message_id: row.get(2)?,
        time: row.get(3)?,
        text: row.get(4)?,
        delivered: row.get(5)?,
    })
}

pub(super) fn undelivered(record: &SqliteRecord, limit: u64) -> Result<Vec<Mail>> {
    let sql = format!("SELECT {MAIL} FROM mail WHERE delivered IS NULL ORDER BY id LIMIT ?1");
    record.rows(&sql, [limited(limit)], read_mail)
}

pub(super) fn mail(record: &SqliteRecord, message_id: &str) -> Result<Option<Mail>> {
    record.row(&format!("SELECT {MAIL} FROM mail WHERE message_id = ?1"), [message_id], read_mail)
}
