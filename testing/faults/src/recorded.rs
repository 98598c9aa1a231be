//! The truth beside a recorded log: what the definition says, resolved against the log's lines.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::definition::{Fault, Provocation};
use crate::error::FaultError;
use crate::judge::{Judgement, Proof, judge};
use crate::kernels::KnownKernel;
use crate::table::{NamedKernels, Outcome, Row};

/// The file `NAME.toml` beside `NAME.log`. All lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Name of the fault.
    pub fault: String,
    /// Name of the kernel.
    pub kernel: String,
    /// What was provoked.
    pub summary: String,
    /// The kinds of verdict that are right, the best first.
    pub verdict: Vec<String>,
    /// Kinds of verdict that would be false.
    pub must_not: Vec<String>,
    /// The title of the first crash report; one of several where the sample decides, none where the
    /// community has none.
    pub titles: Vec<String>,
    /// Whether the waits form a cycle.
    pub cycle: bool,
    /// Who waits for whom, from the last victim to the cause.
    pub chain: Vec<String>,
    /// Number of CPUs.
    pub cpus: u32,
    /// Parameters of the kernel.
    pub parameters: Vec<String>,
    /// What was done.
    pub steps: Vec<String>,
    /// What happened first.
    pub first_cause: FirstCause,
    /// Who did it.
    pub culprit: RecordedCulprit,
}

/// What happened first, and where the log shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstCause {
    /// The first of `lines`.
    pub line: usize,
    /// Lines of all events that show it; naming any of these events is right.
    pub lines: Vec<usize>,
    /// In one sentence.
    pub statement: String,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCulprit {
    /// The first line that names it.
    pub line: usize,
    /// In words, with its process id.
    pub who: String,
}

impl Recorded {
    /// Joins what was to be shown and where it was.
    #[must_use]
    pub fn new(
        fault: &str,
        summary: &str,
        kernel: &str,
        provocation: &Provocation,
        proof: &Proof,
    ) -> Self {
        let Provocation { guest, truth } = provocation.clone();
        Self {
            fault: fault.to_owned(),
            kernel: kernel.to_owned(),
            summary: summary.to_owned(),
            verdict: truth.verdict,
            must_not: truth.must_not,
            titles: truth.titles,
            cycle: truth.cycle,
            chain: truth.chain,
            cpus: guest.cpus,
            parameters: guest.parameters,
            steps: guest.steps,
            first_cause: FirstCause {
                line: proof.first_cause.first().copied().unwrap_or_default(),
                lines: proof.first_cause.clone(),
                statement: truth.statement,
            },
            culprit: RecordedCulprit { line: proof.culprit_line, who: proof.culprit.clone() },
        }
    }

    /// As TOML.
    ///
    /// # Errors
    /// Never for a value that was made by [`Recorded::new`].
    pub fn to_toml(&self) -> Result<String, FaultError> {
        let text =
            toml::to_string_pretty(self).map_err(|error| self.problem(&error.to_string()))?;
        Ok(format!("# What is true about {}.log; lines count from 1.\n{text}", self.fault))
    }

    /// Reads it back.
    ///
    /// # Errors
    /// When it is not such a file.
    pub fn parse(name: &str, text: &str) -> Result<Self, FaultError> {
        toml::from_str(text).map_err(|error| FaultError::Definition {
            name: name.to_owned(),
            reason: error.to_string(),
        })
    }

    fn problem(&self, reason: &str) -> FaultError {
        FaultError::Definition { name: self.fault.clone(), reason: reason.to_owned() }
    }
}

/// Judges the logs `FOLDER/KERNEL/FAULT.log` of an earlier run: the kernels with the version that their
/// logs tell, and a row for each fault.
///
/// # Errors
/// When a pattern of a definition is not one.
pub fn judge_recordings<'fault>(
    folder: &Path,
    faults: &'fault [Fault],
    kernels: &[KnownKernel],
) -> Result<(NamedKernels, Vec<Row<'fault>>), FaultError> {
    let mut named: NamedKernels =
        kernels.iter().map(|kernel| (kernel.name.clone(), String::new())).collect();
    let mut rows = Vec::new();
    for fault in faults {
        let mut outcomes = Vec::new();
        for (kernel, (_, version)) in kernels.iter().zip(&mut named) {
            let Some(here) = fault.on(&kernel.features) else {
                outcomes.push(Outcome::NotThere);
                continue;
            };
            let path = folder.join(&kernel.name).join(format!("{}.log", fault.name));
            let Ok(log) = fs::read(&path) else {
                outcomes.push(Outcome::NotRecorded);
                continue;
            };
            let log = String::from_utf8_lossy(&log);
            if version.is_empty() {
                *version = version_in(&log);
            }
            outcomes.push(match judge(&here.truth, &log)? {
                Judgement::Shown(_) => Outcome::Shown,
                Judgement::NotShown { .. } => Outcome::NotShown,
            });
        }
        rows.push(Row { fault, outcomes });
    }
    Ok((named, rows))
}

/// What a kernel says of itself: its release and, where it names one, the distribution's version (the
/// last word after "Debian"; an earlier one is the compiler's).
fn version_in(log: &str) -> String {
    let Some((_, text)) = log.split_once("Linux version ") else { return String::new() };
    let line = text.lines().next().unwrap_or_default();
    let release = line.split(' ').next().unwrap_or_default();
    match line.rsplit_once("Debian ").map(|(_, rest)| rest.split(' ').next().unwrap_or_default()) {
        Some(version) if line.contains("debian-kernel") => format!("{release} (Debian {version})"),
        _ => release.to_owned(),
    }
}
