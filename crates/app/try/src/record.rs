//! What was built and run, kept by what it was built of: two trials with the same base share its runs, and
//! one that was interrupted goes on where it stopped.
//!
//! Invariants: a line is whole or does not count; nothing that is recorded is written again.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use analysis_trial::{Build, BuildFailure, Run};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The number of the stored shapes.
const FORMAT: u32 = 1;

/// What a run ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// Without a failure.
    Clean,
    /// With one.
    Failed,
    /// It says nothing: the lab failed, or the test could not tell.
    Lost,
}

/// A recorded run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredRun {
    pub(crate) format: u32,
    pub(crate) event: Event,
    /// Titles of the first failure.
    pub(crate) titles: Vec<String>,
    /// Titles of the failures after it.
    pub(crate) later: Vec<String>,
    /// The snapshot from which it started.
    pub(crate) snapshot: Option<u32>,
    pub(crate) seconds: f64,
    /// Where more of it is, for people.
    pub(crate) record: Option<PathBuf>,
}

impl StoredRun {
    pub(crate) fn new(event: Event, titles: Vec<String>, seconds: f64) -> Self {
        let later = Vec::new();
        Self { format: FORMAT, event, titles, later, snapshot: None, seconds, record: None }
    }

    /// As what is compared; nothing for a run that says nothing.
    pub(crate) fn compared(&self) -> Option<Run> {
        (self.event != Event::Lost).then(|| Run {
            snapshot: self.snapshot,
            titles: self.titles.clone(),
            later: self.later.clone(),
        })
    }
}

/// A recorded build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StoredBuild {
    format: u32,
    seconds: f64,
    signature: Option<String>,
    from_base: bool,
    failure: Option<StoredFailure>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StoredFailure {
    file: Option<String>,
    line: Option<u32>,
    message: String,
    log: Option<String>,
}

/// The records of one build of one tree.
#[derive(Clone, Debug)]
pub(crate) struct SideRecord {
    folder: PathBuf,
}

impl SideRecord {
    /// In `folder`, which is made.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, Failure> {
        fs::create_dir_all(&folder)
            .map_err(|error| Failure::io("make the folder", &folder, &error))?;
        Ok(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The build, if it has ended.
    pub(crate) fn build(&self) -> Option<(Build, f64)> {
        let text = fs::read_to_string(self.folder.join("build.json")).ok()?;
        let stored: StoredBuild = serde_json::from_str(&text).ok()?;
        let seconds = stored.seconds;
        let build = match stored.failure {
            None => {
                Build::Done { seconds, signature: stored.signature, from_base: stored.from_base }
            }
            Some(failure) => Build::Failed(BuildFailure {
                file: failure.file,
                line: failure.line,
                message: failure.message,
                patch: None,
                log: failure.log,
            }),
        };
        (stored.format == FORMAT).then_some((build, seconds))
    }

    pub(crate) fn keep_build(&self, build: &Build, seconds: f64) -> Result<(), Failure> {
        let stored = match build {
            Build::Done { signature, from_base, .. } => StoredBuild {
                format: FORMAT,
                seconds,
                signature: signature.clone(),
                from_base: *from_base,
                failure: None,
            },
            Build::Failed(failure) => StoredBuild {
                format: FORMAT,
                seconds,
                signature: None,
                from_base: false,
                failure: Some(StoredFailure {
                    file: failure.file.clone(),
                    line: failure.line,
                    message: failure.message.clone(),
                    log: failure.log.clone(),
                }),
            },
        };
        write_whole(&self.folder.join("build.json"), &json(&stored)?)
    }

    /// The folder of a workload, which is made.
    pub(crate) fn workload(&self, key: &str) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(key);
        fs::create_dir_all(&folder)
            .map_err(|error| Failure::io("make the folder", &folder, &error))?;
        Ok(folder)
    }

    /// The runs of a workload, in the order in which they ended.
    pub(crate) fn runs(&self, key: &str) -> Vec<StoredRun> {
        lines(&self.folder.join(key).join("runs.jsonl"))
            .into_iter()
            .filter(|run: &StoredRun| run.format == FORMAT)
            .collect()
    }

    /// Adds a run; it is on the disk when this returns.
    pub(crate) fn keep_run(&self, key: &str, run: &StoredRun) -> Result<(), Failure> {
        append(&self.workload(key)?.join("runs.jsonl"), &json(run)?)
    }
}

/// A finished trial of a version, for those of the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredTrial {
    format: u32,
    /// Equal for versions of one series.
    pub(crate) series: String,
    pub(crate) version: String,
    pub(crate) base: String,
    pub(crate) cell: String,
    /// The record of its patched side.
    pub(crate) side: String,
}

impl StoredTrial {
    pub(crate) fn new(
        series: String,
        version: String,
        base: String,
        cell: String,
        side: String,
    ) -> Self {
        Self { format: FORMAT, series, version, base, cell, side }
    }

    /// Every one that was kept in `folder`.
    pub(crate) fn all(folder: &Path) -> Vec<Self> {
        let mut all = lines(&folder.join("trials.jsonl"));
        all.retain(|one: &Self| one.format == FORMAT);
        all
    }

    /// Adds this one, unless it is there.
    pub(crate) fn keep(&self, folder: &Path) -> Result<(), Failure> {
        if Self::all(folder).contains(self) {
            return Ok(());
        }
        append(&folder.join("trials.jsonl"), &json(self)?)
    }
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(Failure::from_error)
}

/// The lines that are whole: a sudden end cuts the last one off.
fn lines<T: for<'de> Deserialize<'de>>(path: &Path) -> Vec<T> {
    let text = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn append(path: &Path, line: &str) -> Result<(), Failure> {
    let write = || {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        // A line that was cut off must not spoil this one.
        file.write_all(format!("\n{line}\n").as_bytes())?;
        file.sync_data()
    };
    write().map_err(|error| Failure::io("write", path, &error))
}

/// Writes a file so that it is whole or not there.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let half = path.with_extension("half");
    let write = || {
        let mut file = File::create(&half)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        fs::rename(&half, path)
    };
    write().map_err(|error| Failure::io("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_cut_off_costs_one_run_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let record = SideRecord::open(folder.path().join("side")).unwrap();
        let run = StoredRun::new(Event::Failed, vec!["BUG: x".into()], 1.5);
        record.keep_run("a", &run).unwrap();
        let file = folder.path().join("side/a/runs.jsonl");
        let mut text = fs::read_to_string(&file).unwrap();
        text.push_str("{\"format\":1,\"eve");
        fs::write(&file, text).unwrap();
        let clean = StoredRun::new(Event::Clean, Vec::new(), 2.0);
        record.keep_run("a", &clean).unwrap();
        assert_eq!(record.runs("a"), [run, clean]);
        assert!(record.runs("b").is_empty());
    }

    #[test]
    fn a_build_is_read_as_it_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        let record = SideRecord::open(folder.path().to_owned()).unwrap();
        assert_eq!(record.build(), None);
        let signature = Some("ab".to_owned());
        let done = Build::Done { seconds: 3.0, signature, from_base: true };
        record.keep_build(&done, 3.0).unwrap();
        assert_eq!(record.build(), Some((done, 3.0)));
        let failed = Build::Failed(BuildFailure {
            file: Some("a.c".into()),
            line: Some(3),
            message: "x".into(),
            ..BuildFailure::default()
        });
        record.keep_build(&failed, 4.0).unwrap();
        assert_eq!(record.build(), Some((failed, 4.0)));
    }
}
