//! Jobs: handed out with a lease, taken back once.

use model::tracker::{
    Action, Bug, Build, Change, Crash, Job, JobKind, JobState, Manager, Reproducer, ReproducerLevel,
};
use serde_json::{Value, json};

use super::builds::cut;
use super::{Call, CallError, bytes, shapes};
use crate::reproduce::retest_within;
use crate::{Error, Tracker};

/// Seconds after which a job that nobody finished is handed out again.
const LEASE: i64 = 12 * 3600;
/// How often a job is handed out.
const ATTEMPTS: u32 = 5;
/// Retests that a bug has at most, with those that came before.
const RETESTS: u64 = 200;
/// Jobs of a manager that are looked through.
const LOOKED_AT: u64 = 10_000;

/// Everything that a job needs.
struct Needs {
    bug: Bug,
    build: Build,
    reproducer: Reproducer,
}

/// What is asked of a job.
#[derive(Clone, Debug, Default)]
pub struct NewJob {
    /// Who asks.
    pub who: String,
    /// The mail that asks.
    pub message_id: Option<String>,
    /// The repository; empty stands for the crash's own.
    pub repository: String,
    /// The branch or commit.
    pub branch: String,
    /// The patch.
    pub patch: Vec<u8>,
}

impl Tracker {
    /// Asks for a job. Gives its number.
    ///
    /// # Errors
    /// When the bug has nothing that could be run, or the record cannot be written.
    pub fn ask(&self, bug: i64, kind: JobKind, new: &NewJob, now: i64) -> Result<i64, Error> {
        self.change(|change| self.ask_within(change, bug, kind, new, now))
    }

    pub(crate) fn ask_within(
        &self,
        change: &dyn Change,
        bug: i64,
        kind: JobKind,
        new: &NewJob,
        now: i64,
    ) -> Result<i64, Error> {
        if kind == JobKind::Reproduce {
            return Err(Error::Text(
                "managers take no jobs that reproduce a crash; they ask for logs to reproduce by themselves",
            ));
        }
        let needs = needs(change, bug, kind)?;
        let job = Job {
            id: 0,
            bug,
            kind,
            state: JobState::Waiting,
            who: new.who.clone(),
            message_id: new.message_id.clone(),
            created: now,
            attempts: 0,
            lease: None,
            manager: needs.build.manager,
            repository: new.repository.clone(),
            branch: new.branch.clone(),
            patch: (!new.patch.is_empty()).then(|| change.put(&new.patch)).transpose()?,
            ended: None,
            crash_title: String::new(),
            error: String::new(),
            log: None,
            commits: Vec::new(),
        };
        Ok(change.add_job(&job)?)
    }

    pub(super) fn job_poll(&self, call: Call<'_>) -> Result<Value, CallError> {
        let poll: shapes::JobPoll = call.read()?;
        Ok(self.change(|change| {
            let mut jobs = Vec::new();
            for manager in poll.managers.keys() {
                jobs.extend(change.open_jobs(manager, LOOKED_AT)?);
            }
            // Who was asked for first comes first; what failed often waits.
            jobs.sort_by_key(|job| (job.attempts, job.id));
            for mut job in jobs {
                let willing = poll.managers.get(&job.manager).copied().unwrap_or_default();
                let willing = match job.kind {
                    JobKind::Test | JobKind::Retest => willing.test,
                    JobKind::BisectCause => willing.cause,
                    JobKind::BisectFix => willing.fix,
                    JobKind::Reproduce => false,
                };
                let free = match job.state {
                    JobState::Waiting => true,
                    JobState::Running => job.lease.is_none_or(|lease| lease < call.now),
                    JobState::Done => false,
                };
                if !willing || !free {
                    continue;
                }
                if job.attempts >= ATTEMPTS {
                    job.state = JobState::Done;
                    job.ended = Some(call.now);
                    job.error = format!("nobody finished it in {ATTEMPTS} attempts");
                    change.set_job(&job)?;
                    continue;
                }
                let Ok(needs) = needs(change, job.bug, job.kind) else { continue };
                job.state = JobState::Running;
                job.attempts += 1;
                job.lease = Some(call.now + LEASE);
                change.set_job(&job)?;
                return handed_out(change, &job, &needs);
            }
            Ok(json!({ "ID": "" }))
        })?)
    }

    pub(super) fn job_done(&self, call: Call<'_>) -> Result<Value, CallError> {
        let done: shapes::JobDone = call.read()?;
        let id = done.id.rsplit_once('|').and_then(|(_, id)| id.parse::<i64>().ok());
        let job = id.map(|id| self.read().job(id)).transpose()?.flatten();
        let mut job = job.ok_or(CallError::Unknown("job"))?;
        if job.state == JobState::Done {
            // The reply to the first call was lost.
            return Ok(Value::Null);
        }
        let log = if done.log.0.is_empty() { &done.crash_log.0 } else { &done.log.0 };
        self.change(|change| {
            job.state = JobState::Done;
            job.ended = Some(call.now);
            job.lease = None;
            job.crash_title = cut(&done.crash_title);
            job.error = String::from_utf8_lossy(&done.error.0).chars().take(16 << 10).collect();
            job.log = (!log.is_empty()).then(|| change.put(log)).transpose()?;
            job.commits = done
                .commits
                .iter()
                .take(50)
                .map(|commit| cut(&format!("{} {}", commit.hash, commit.title)).replace('\n', " "))
                .collect();
            change.set_job(&job)?;
            let result = match (job.crash_title.is_empty(), job.error.is_empty()) {
                (false, _) => format!("crash: {}", job.crash_title),
                (true, false) => format!("error: {}", job.error.lines().next().unwrap_or("")),
                (true, true) if !job.commits.is_empty() => job.commits.join("; "),
                (true, true) => "no crash".to_owned(),
            };
            let action = Action::JobDone { job: job.id, result };
            change.append(job.bug, call.now, call.client, &action, "", None)?;
            if job.kind == JobKind::Retest {
                self.retest_done(change, &job, &done.build, call)?;
            }
            Ok(())
        })?;
        Ok(Value::Null)
    }

    /// What a retest tells. One that ended in an error tells nothing; one that was clean and does not settle it is asked
    /// for again.
    fn retest_done(
        &self,
        change: &dyn Change,
        job: &Job,
        build: &shapes::Build,
        call: Call<'_>,
    ) -> Result<(), Error> {
        let is_crash = !job.crash_title.is_empty();
        let reproducer = change.reproducers(job.bug)?.into_iter().find(|one| !one.revoked);
        let Some(reproducer) = reproducer.filter(|_| is_crash || job.error.is_empty()) else {
            return Ok(());
        };
        let commit: String = build.kernel_commit.chars().take(12).collect();
        let kernel = format!("{} {commit}", job.manager);
        let seen = (u32::from(is_crash), 1);
        let told =
            retest_within(self, change, &reproducer, kernel.trim(), seen, call.client, call.now)?;
        let asked = change.jobs_of(job.bug, RETESTS)?;
        let tries = asked.iter().filter(|one| one.kind == JobKind::Retest).count() as u64;
        if !is_crash && !told.is_gone && tries < RETESTS {
            let new = NewJob { who: "ktriage".into(), ..NewJob::default() };
            self.ask_within(change, job.bug, JobKind::Retest, &new, call.now)?;
        }
        Ok(())
    }

    pub(super) fn job_reset(&self, call: Call<'_>) -> Result<Value, CallError> {
        let reset: shapes::JobReset = call.read()?;
        self.change(|change| {
            for manager in &reset.managers {
                let jobs = change.open_jobs(manager, LOOKED_AT)?;
                for mut job in jobs.into_iter().filter(|job| job.state == JobState::Running) {
                    job.state = JobState::Waiting;
                    job.lease = None;
                    change.set_job(&job)?;
                }
            }
            Ok(())
        })?;
        Ok(Value::Null)
    }
}

/// What a job of that bug needs: its best reproducer and the build of the crash that it made; for a retest, the kernel
/// that the manager runs now.
fn needs(change: &dyn Change, id: i64, kind: JobKind) -> Result<Needs, Error> {
    let bug = change.bug(id)?.ok_or_else(|| Error::NoBug(id.to_string()))?;
    let found = change.reproducers(id)?.into_iter().find(|one| !one.revoked);
    let reproducer = found.ok_or(Error::Text("the bug has no reproducer that could be run"))?;
    let crash: Option<Crash> = change.crash(reproducer.crash)?;
    let build = match &crash {
        Some(crash) => change.build(&crash.source, crash.build.as_deref().unwrap_or(""))?,
        None => None,
    };
    let build = build.filter(|build| !build.invented && build.config.is_some());
    let build = build
        .ok_or(Error::Text("the kernel that the reproducer crashed is not known well enough"))?;
    if kind == JobKind::Retest {
        let managers = change.managers()?;
        let manager = managers.into_iter().find(|manager| manager.name == build.manager);
        let current = match manager {
            Some(Manager { client, build: Some(key), .. }) => change.build(&client, &key)?,
            _ => None,
        };
        let build = current.filter(|build| build.config.is_some()).unwrap_or(build);
        return Ok(Needs { bug, build, reproducer });
    }
    Ok(Needs { bug, build, reproducer })
}

fn handed_out(change: &dyn Change, job: &Job, needs: &Needs) -> Result<Value, Error> {
    let Needs { bug, build, reproducer } = needs;
    let text = |name: Option<&String>| -> Result<Value, Error> {
        let text = name.map(|name| change.artefact(name)).transpose()?.flatten();
        Ok(text.map_or(Value::Null, |text| bytes::encode(&text).into()))
    };
    let all = change.reproducers(bug.id)?;
    let of = |level| {
        all.iter()
            .find(|one| one.crash == reproducer.crash && one.level == level)
            .map(|one| &one.text)
    };
    let kind = match job.kind {
        JobKind::Test | JobKind::Retest | JobKind::Reproduce => 0,
        JobKind::BisectCause => 1,
        JobKind::BisectFix => 2,
    };
    let or =
        |own: &str, other: &str| if own.is_empty() { other.to_owned() } else { own.to_owned() };
    Ok(json!({
        "ID": format!("{}|{}", bug.external, job.id),
        "Type": kind,
        "Manager": job.manager,
        "KernelRepo": or(&job.repository, &build.repository),
        "KernelBranch": or(&job.branch, &build.branch),
        "MergeBaseRepo": "",
        "MergeBaseBranch": "",
        "KernelCommit": build.commit,
        "KernelCommitTitle": build.commit_title,
        "KernelConfig": text(build.config.as_ref())?,
        "SyzkallerCommit": build.fuzzer_commit,
        "Patch": text(job.patch.as_ref())?,
        "ReproOpts": bytes::encode(reproducer.options.as_bytes()),
        "ReproSyz": text(of(ReproducerLevel::Syz))?,
        "ReproC": text(of(ReproducerLevel::C))?,
    }))
}
