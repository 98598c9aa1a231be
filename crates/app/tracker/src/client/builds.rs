//! Builds, managers and the commits that they contain.

use std::collections::BTreeSet;

use model::tracker::{
    Action, Bug, Build, Change, Failure, Filter, Fix, Manager, ManagerDay, Read, State,
};
use serde_json::{Value, json};

use super::{Call, CallError, Host, shapes};
use crate::{Error, Tracker};

/// Characters of a text that a client gives.
const LONGEST: usize = 1024;
/// Seconds after which a manager that was not heard of no longer keeps a bug from being fixed.
const DEAD: i64 = 14 * 86_400;
/// Bugs whose fixes are waited for.
const WAITED_FOR: u64 = 1_000;
/// Commits of one call.
const COMMITS: usize = 10_000;

pub(super) fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

impl Tracker {
    /// The bugs that wait for a fix to arrive.
    fn waiting(&self, read: &dyn Read) -> Result<Vec<Bug>, Error> {
        let filter =
            Filter { states: vec![State::FixKnown], limit: WAITED_FOR, ..Filter::default() };
        Ok(read.bugs(&filter)?.bugs)
    }

    pub(super) fn write_build(
        &self,
        change: &dyn Change,
        call: Call<'_>,
        build: &shapes::Build,
        failed: bool,
    ) -> Result<Build, Error> {
        if let Some(known) = change.build(call.client, &build.id)?
            && !known.invented
        {
            return Ok(known);
        }
        let config = &build.kernel_config.0;
        let written = Build {
            key: cut(&build.id),
            client: call.client.to_owned(),
            manager: cut(&build.manager),
            time: call.now,
            os: cut(&build.os),
            arch: cut(&build.arch),
            vm_arch: cut(&build.vm_arch),
            fuzzer_commit: cut(&build.syzkaller_commit),
            compiler: cut(&build.compiler_id),
            repository: cut(&build.kernel_repo),
            branch: cut(&build.kernel_branch),
            commit: cut(&build.kernel_commit),
            commit_title: cut(&build.kernel_commit_title),
            config: (!config.is_empty()).then(|| change.put(config)).transpose()?,
            invented: false,
            failed,
        };
        change.put_build(&written)?;
        Ok(written)
    }

    pub(super) fn upload_build(&self, call: Call<'_>) -> Result<Value, CallError> {
        let build: shapes::Build = call.read()?;
        for (field, name) in [
            (&build.manager, "Manager"),
            (&build.id, "ID"),
            (&build.kernel_repo, "KernelRepo"),
            (&build.syzkaller_commit, "SyzkallerCommit"),
        ] {
            if field.is_empty() {
                return Err(CallError::Missing(name));
            }
        }
        self.change(|change| {
            self.write_build(change, call, &build, false)?;
            let managers = change.managers()?;
            let mut manager = managers
                .into_iter()
                .find(|one| one.name == build.manager)
                .unwrap_or_else(|| Manager { name: cut(&build.manager), ..Manager::default() });
            call.client.clone_into(&mut manager.client);
            manager.seen = call.now;
            if manager.build.as_ref() != Some(&build.id) {
                manager.build = Some(cut(&build.id));
                // A new kernel need not contain what the old one did.
                manager.contains.clear();
            }
            self.fixes_of_tags(change, call, &build.fix_commits)?;
            let wanted: BTreeSet<String> = self
                .waiting(change)?
                .into_iter()
                .flat_map(|bug| bug.standing.fixes)
                .map(|fix| fix.title)
                .collect();
            let said =
                build.commits.iter().chain(build.fix_commits.iter().map(|commit| &commit.title));
            for title in said.take(COMMITS).filter(|title| wanted.contains(*title)) {
                if !manager.contains.contains(title) {
                    manager.contains.push(title.clone());
                }
            }
            change.put_manager(&manager)?;
            self.close_fixed(change, call)
        })?;
        Ok(Value::Null)
    }

    /// Commits that name a bug fix it.
    fn fixes_of_tags(
        &self,
        change: &dyn Change,
        call: Call<'_>,
        commits: &[shapes::Commit],
    ) -> Result<(), Error> {
        for commit in commits.iter().take(COMMITS).filter(|commit| !commit.title.is_empty()) {
            let fix = Fix {
                title: cut(&commit.title),
                hash: (!commit.hash.is_empty()).then(|| cut(&commit.hash)),
            };
            for id in &commit.bug_ids {
                let Some(bug) = change.bug_by_external(id)? else { continue };
                let known = bug.standing.fixes.iter().any(|known| known.title == fix.title);
                if known || bug.standing.state == State::Fixed {
                    continue;
                }
                // Other trees may have the fix under another title: both are kept.
                let mut fixes = bug.standing.fixes.clone();
                fixes.push(fix.clone());
                match self.act_within(
                    change,
                    bug.id,
                    &Action::Fix { fixes },
                    call.client,
                    "named by the commit",
                    call.now,
                ) {
                    Ok(_) | Err(Error::Refused { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Closes the bugs whose fix every living manager's kernel contains.
    fn close_fixed(&self, change: &dyn Change, call: Call<'_>) -> Result<(), Error> {
        let alive: Vec<Manager> = change
            .managers()?
            .into_iter()
            .filter(|manager| manager.build.is_some() && call.now - manager.seen < DEAD)
            .collect();
        for bug in self.waiting(change)? {
            let fixes = &bug.standing.fixes;
            let contains =
                |manager: &Manager| fixes.iter().any(|fix| manager.contains.contains(&fix.title));
            if !alive.is_empty() && alive.iter().all(contains) {
                let kernels = alive.iter().map(|manager| manager.name.clone()).collect();
                self.act_within(
                    change,
                    bug.id,
                    &Action::Contained { kernels },
                    "ktriage",
                    "",
                    call.now,
                )?;
            }
        }
        Ok(())
    }

    pub(super) fn builder_poll(&self, call: Call<'_>, host: &Host) -> Result<Value, CallError> {
        let name: shapes::Name = call.read()?;
        let managers = self.read().managers()?;
        let contains = managers
            .iter()
            .find(|manager| manager.name == name.manager)
            .map_or(&[][..], |manager| &manager.contains);
        let pending: BTreeSet<String> = self
            .waiting(self.read())?
            .into_iter()
            .flat_map(|bug| bug.standing.fixes)
            .map(|fix| fix.title)
            .filter(|title| !contains.contains(title))
            .collect();
        Ok(json!({ "PendingCommits": pending, "ReportEmail": host.mail }))
    }

    pub(super) fn commit_poll(&self, host: &Host) -> Result<Value, CallError> {
        let titles: BTreeSet<String> = self
            .waiting(self.read())?
            .into_iter()
            .flat_map(|bug| bug.standing.fixes)
            .filter(|fix| fix.hash.is_none())
            .map(|fix| fix.title)
            .collect();
        Ok(json!({ "ReportEmail": host.mail, "Repos": [], "Commits": titles }))
    }

    pub(super) fn upload_commits(&self, call: Call<'_>) -> Result<Value, CallError> {
        let commits: shapes::Commits = call.read()?;
        self.change(|change| {
            self.fixes_of_tags(change, call, &commits.commits)?;
            for mut bug in self.waiting(change)? {
                let mut found = false;
                for fix in bug.standing.fixes.iter_mut().filter(|fix| fix.hash.is_none()) {
                    let same = commits
                        .commits
                        .iter()
                        .find(|commit| commit.title == fix.title && !commit.hash.is_empty());
                    if let Some(commit) = same {
                        fix.hash = Some(cut(&commit.hash));
                        found = true;
                    }
                }
                if found {
                    change.set_bug(&bug)?;
                }
            }
            Ok(())
        })?;
        Ok(Value::Null)
    }

    pub(super) fn manager_stats(&self, call: Call<'_>) -> Result<Value, CallError> {
        let stats: shapes::Stats = call.read()?;
        if stats.name.is_empty() {
            return Err(CallError::Missing("Name"));
        }
        let seconds = |nanoseconds: i64| u64::try_from(nanoseconds / 1_000_000_000).unwrap_or(0);
        self.change(|change| {
            let managers = change.managers()?;
            let known = managers.into_iter().find(|manager| manager.name == stats.name);
            let manager = Manager {
                name: cut(&stats.name),
                client: call.client.to_owned(),
                seen: call.now,
                address: cut(&stats.addr),
                up_seconds: seconds(stats.up_time),
                corpus: stats.corpus,
                cover: stats.cover.max(stats.pcs),
                crash_types: stats.crash_types,
                ..known.unwrap_or_default()
            };
            change.put_manager(&manager)?;
            let day = ManagerDay {
                day: call.now.div_euclid(86_400),
                corpus: stats.corpus,
                cover: stats.cover.max(stats.pcs),
                fuzzing_seconds: seconds(stats.fuzzing_time),
                crashes: stats.crashes,
                suppressed: stats.suppressed_crashes,
                executions: stats.execs,
            };
            change.add_manager_day(&manager.name, &day)?;
            Ok(Self::answered(change, call, &Value::Null)?)
        })?;
        Ok(Value::Null)
    }

    pub(super) fn log_error(&self, call: Call<'_>) -> Result<Value, CallError> {
        let error: shapes::LogError = call.read()?;
        self.change(|change| {
            change.add_failure(&Failure {
                time: call.now,
                client: call.client.to_owned(),
                name: cut(&error.name),
                text: error.text.chars().take(16 << 10).collect(),
            })?;
            Ok(())
        })?;
        Ok(Value::Null)
    }
}
