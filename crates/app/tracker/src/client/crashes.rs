//! Crashes and reproductions.

use analysis_tracker::{filed_as, function, is_placeless, is_set_aside};
use model::tracker::{
    Action, Bug, Build, Change, Filter, Identity, NewCrash, NewReproducer, ReproducerLevel,
};
use serde_json::{Value, json};

use super::builds::cut;
use super::{Call, CallError, bytes, shapes};
use crate::filing::{bounded, modules};
use crate::{Error, Tracker};

/// Reproductions that are tried of one bug, and seconds after which one more is.
const ATTEMPTS: u32 = 10;
const AGAIN: i64 = 86_400;
/// Other names of a crash.
const NAMES: usize = 50;
/// Bugs among which a log to reproduce is looked for.
const LOOKED_AT: u64 = 100;

/// Whether a reproducer of a bug is still wanted.
fn wants_reproducer(bug: &Bug, now: i64) -> bool {
    let due = bug.attempts < ATTEMPTS || bug.attempted.is_none_or(|last| now - last >= AGAIN);
    bug.standing.state.is_open()
        && bug.standing.fixes.is_empty()
        && bug.reproducer < ReproducerLevel::C
        && (bug.frame.is_some() || !is_placeless(&bug.title))
        && !is_set_aside(&bug.title)
        && due
}

impl Tracker {
    /// The build that a crash names. One that nobody uploaded is invented, since a lone manager uploads none.
    fn build_of(&self, change: &dyn Change, call: Call<'_>, id: &str) -> Result<Build, Error> {
        if let Some(build) = change.build(call.client, id)? {
            return Ok(build);
        }
        let invented = Build {
            key: cut(id),
            client: call.client.to_owned(),
            manager: call.client.to_owned(),
            time: call.now,
            invented: true,
            ..Build::default()
        };
        change.put_build(&invented)?;
        Ok(invented)
    }

    fn crash_within(
        &self,
        change: &dyn Change,
        call: Call<'_>,
        build: &Build,
        crash: &shapes::Crash,
    ) -> Result<Bug, Error> {
        let title = bounded(&crash.title);
        let frame = function(&title).map(str::to_owned);
        let reproducer = |level, text: &bytes::Bytes| NewReproducer {
            level,
            options: String::from_utf8_lossy(&crash.repro_opts.0).into_owned(),
            text: text.0.clone(),
        };
        let mut alternatives: Vec<String> =
            crash.alt_titles.iter().take(NAMES).map(|title| bounded(title)).collect();
        // A reproducer may crash under another name than the crash that it was made from.
        if !crash.original_title.is_empty() && crash.original_title != crash.title {
            alternatives.push(bounded(&crash.original_title));
        }
        let kernel = match (build.commit.get(..12), build.branch.is_empty()) {
            (Some(commit), false) => Some(format!("{} {commit}", build.branch)),
            (Some(commit), true) => Some(commit.to_owned()),
            (None, _) if build.key.is_empty() => None,
            (None, _) => Some(build.key.clone()),
        };
        let said = |wrong: bool| wrong.then(|| "the manager says so".to_owned());
        let new = NewCrash {
            key: None,
            time: call.now,
            identity: Identity {
                title,
                alternatives,
                frame,
                modules: modules(&String::from_utf8_lossy(&crash.report.0)),
                ..Identity::default()
            },
            kind: None,
            corrupted: said(crash.corrupted),
            suppressed: said(crash.suppressed),
            kernel,
            build: Some(build.key.clone()),
            machine: build.manager.clone(),
            source: call.client.to_owned(),
            log: crash.log.0.clone().into(),
            report: crash.report.0.clone(),
            machine_info: crash.machine_info.0.clone(),
            line: 0,
            reproducers: [
                reproducer(ReproducerLevel::Syz, &crash.repro_syz),
                reproducer(ReproducerLevel::C, &crash.repro_c),
            ]
            .into_iter()
            .filter(|one| !one.text.is_empty())
            .collect(),
        };
        let filed = self.ingest_one(change, &new, call.client, call.now)?;
        for file in crash.guilty_files.iter().take(1) {
            change.set_label(filed.bug, "file", &file.chars().take(100).collect::<String>())?;
        }
        change.bug(filed.bug)?.ok_or_else(|| Error::NoBug(filed.bug.to_string()))
    }

    pub(super) fn report_crash(&self, call: Call<'_>) -> Result<Value, CallError> {
        let crash: shapes::Crash = call.read()?;
        if crash.title.trim().is_empty() {
            return Err(CallError::Missing("Title"));
        }
        Ok(self.change(|change| {
            let build = self.build_of(change, call, &crash.build_id)?;
            let bug = self.crash_within(change, call, &build, &crash)?;
            let answer = json!({ "NeedRepro": wants_reproducer(&bug, call.now) });
            Self::answered(change, call, &answer)?;
            Ok(answer)
        })?)
    }

    pub(super) fn report_build_error(&self, call: Call<'_>) -> Result<Value, CallError> {
        let error: shapes::BuildError = call.read()?;
        if error.crash.title.trim().is_empty() {
            return Err(CallError::Missing("Crash.Title"));
        }
        self.change(|change| {
            let build = self.write_build(change, call, &error.build, true)?;
            self.crash_within(change, call, &build, &error.crash)?;
            Ok(Self::answered(change, call, &Value::Null)?)
        })?;
        Ok(Value::Null)
    }

    /// The newest bug of that very title.
    fn bug_of_crash(&self, id: &shapes::CrashId) -> Result<Option<Bug>, Error> {
        let own = Identity { title: bounded(&id.title), ..Identity::default() };
        let identity = filed_as(own, id.corrupted, id.suppressed);
        Ok(crate::ingest::same_bug(self.read(), &identity)?.map(|(bug, _)| bug))
    }

    pub(super) fn need_repro(&self, call: Call<'_>) -> Result<Value, CallError> {
        let id: shapes::CrashId = call.read()?;
        let need = match self.bug_of_crash(&id)? {
            Some(bug) => wants_reproducer(&bug, call.now),
            None if id.may_be_missing => true,
            None => return Err(CallError::Unknown("bug")),
        };
        Ok(json!({ "NeedRepro": need }))
    }

    pub(super) fn report_failed_repro(&self, call: Call<'_>) -> Result<Value, CallError> {
        let id: shapes::CrashId = call.read()?;
        let bug = self.bug_of_crash(&id)?.ok_or(CallError::Unknown("bug"))?;
        self.change(|change| {
            let mut bug = change.bug(bug.id)?.ok_or_else(|| Error::NoBug(bug.id.to_string()))?;
            bug.attempts = bug.attempts.saturating_add(1);
            bug.attempted = Some(call.now);
            change.set_bug(&bug)?;
            let log = String::from_utf8_lossy(&id.repro_log.0);
            let end: String = {
                let from = log.len().saturating_sub(400);
                log[log.ceil_char_boundary(from)..].to_owned()
            };
            change.append(bug.id, call.now, call.client, &Action::Attempt, end.trim(), None)?;
            Ok(Self::answered(change, call, &Value::Null)?)
        })?;
        Ok(Value::Null)
    }

    /// A log of a bug that nobody tried to reproduce yet, on the manager's own kernel.
    pub(super) fn log_to_repro(&self, call: Call<'_>) -> Result<Value, CallError> {
        let name: shapes::Name = call.read()?;
        let build = self.read().build(call.client, &name.build_id)?;
        let machine = build.map_or_else(|| call.client.to_owned(), |build| build.manager);
        let filter = Filter { machine: Some(machine), limit: LOOKED_AT, ..Filter::default() };
        for bug in self.read().bugs(&filter)?.bugs {
            if bug.attempts > 0
                || bug.reproducer > ReproducerLevel::None
                || !wants_reproducer(&bug, call.now)
            {
                continue;
            }
            let Some(crash) = self.read().best_crash(bug.id)? else { continue };
            let Some(log) = crash.log.map(|log| self.read().artefact(&log)).transpose()?.flatten()
            else {
                continue;
            };
            return Ok(json!({
                "ReqID": bug.external,
                "Title": crash.title,
                "CrashLog": bytes::encode(&log),
                "Type": "retry",
            }));
        }
        Ok(json!({ "ReqID": "", "Title": "", "CrashLog": null, "Type": "" }))
    }

    pub(super) fn bug_list(&self) -> Result<Value, CallError> {
        let filter = Filter { limit: 1_000, ..Filter::default() };
        let bugs = self.read().bugs(&filter)?.bugs;
        Ok(json!({ "List": bugs.iter().map(|bug| &bug.external).collect::<Vec<_>>() }))
    }

    pub(super) fn load_bug(&self, call: Call<'_>) -> Result<Value, CallError> {
        let name: shapes::Name = call.read()?;
        let bug = self.read().bug_by_external(&name.id)?.ok_or(CallError::Unknown("bug"))?;
        let crash = self.read().best_crash(bug.id)?;
        let text = |name: Option<String>| -> Result<Value, CallError> {
            let text = name.map(|name| self.read().artefact(&name)).transpose()?.flatten();
            Ok(text.map_or(Value::Null, |text| bytes::encode(&text).into()))
        };
        let (report, log) = match crash {
            Some(crash) => (text(crash.report)?, text(crash.log)?),
            None => (Value::Null, Value::Null),
        };
        Ok(json!({ "ID": bug.external, "Title": bug.shown(), "Report": report, "Log": log }))
    }

    pub(super) fn save_discussion(&self, call: Call<'_>) -> Result<Value, CallError> {
        let shapes::Discussion { id, subject, r#type, bug_ids } =
            call.read::<shapes::SaveDiscussion>()?.discussion;
        if id.is_empty() {
            return Err(CallError::Missing("Discussion.ID"));
        }
        let key = format!("discussion:{}", cut(&id));
        self.change(|change| {
            if change.handled(&key)?.is_some() {
                return Ok(());
            }
            for external in bug_ids.iter().take(NAMES) {
                if let Some(bug) = change.bug_by_external(external)? {
                    let text = format!("{} <{}>", cut(&subject), cut(&id));
                    let action = match &*r#type {
                        "patch" if bug.standing.state.is_open() => Action::Propose { link: text },
                        _ => Action::Note { text },
                    };
                    self.act_within(change, bug.id, &action, call.client, "", call.now)?;
                }
            }
            Ok(change.set_handled(&key, call.now, "")?)
        })?;
        Ok(Value::Null)
    }
}
