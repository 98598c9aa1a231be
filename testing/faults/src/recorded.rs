//! The truth beside a recorded log: what the definition says, resolved against the log's lines.

use serde::{Deserialize, Serialize};

use crate::definition::Provocation;
use crate::error::FaultError;
use crate::judge::Proof;

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
