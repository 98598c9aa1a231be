//! The stored and printed shape of a run. A change here is a change of `format`.

use std::time::Duration;

use analysis_identity::CrashReport;
use serde::{Deserialize, Serialize};

/// What a run ended with. Exactly one holds; they are never mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The run came to its end and the kernel reported nothing.
    Clean,
    /// The kernel reported a crash.
    Crashed,
    /// The kernel did not come as far as the reproducer.
    BootFailed,
    /// The reproducer or the kernel does not build.
    BuildFailed,
    /// The guest fell silent: neither console nor agent says anything.
    NoOutput,
    /// The guest rebooted, switched itself off, or its link broke, without a report.
    LostConnection,
    /// The lab or the emulator failed. Nothing is learnt about the kernel.
    InfrastructureError,
}

impl Outcome {
    /// All outcomes, in the order in which tables show them.
    pub const ALL: [Self; 7] = [
        Self::Clean,
        Self::Crashed,
        Self::BootFailed,
        Self::BuildFailed,
        Self::NoOutput,
        Self::LostConnection,
        Self::InfrastructureError,
    ];

    /// The words under which it is shown.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Crashed => "crashed",
            Self::BootFailed => "boot failed",
            Self::BuildFailed => "build failed",
            Self::NoOutput => "no output",
            Self::LostConnection => "lost connection",
            Self::InfrastructureError => "infrastructure error",
        }
    }
}

/// A crash of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// Its title.
    pub title: String,
    /// Other titles that the same bug may have.
    pub alt_titles: Vec<String>,
    /// Why the report is damaged, if it is.
    pub corrupted: Option<String>,
    /// The line of `console.log` that announces it, counted from 1.
    pub line: u64,
}

impl From<&CrashReport> for Crash {
    fn from(report: &CrashReport) -> Self {
        Self {
            title: report.title.clone(),
            alt_titles: report.alt_titles.clone(),
            corrupted: report.corrupted.clone(),
            line: report.header_line,
        }
    }
}

/// One run as it is stored in `results.jsonl` and printed with `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRun {
    /// The number of this shape.
    pub format: u32,
    /// Which run, counted from 1.
    pub run: u32,
    /// What it ended with.
    pub outcome: Outcome,
    /// One sentence on it.
    pub detail: String,
    /// The crashes, in the order of the console; only of an outcome `crashed`.
    pub crashes: Vec<Crash>,
    /// Exit status of the reproducer, if it ended by itself.
    pub exit_status: Option<u32>,
    /// The signal that ended the reproducer, if one did.
    pub signal: Option<u32>,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// The folder with console, output, QEMU's messages and exhibits, relative to the campaign's.
    pub folder: Option<String>,
    /// The campaign's snapshot from which it started, counted from 1; none for a run that booted.
    pub snapshot: Option<u32>,
    /// What decided how the guest's state was varied before the run; none for a run that booted.
    pub seed: Option<u64>,
}

impl StoredRun {
    /// The format that is written.
    pub const FORMAT: u32 = 3;

    /// Milliseconds of a duration.
    pub(crate) fn milliseconds(duration: Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_run_keeps_its_shape() {
        let run = StoredRun {
            format: StoredRun::FORMAT,
            run: 3,
            outcome: Outcome::LostConnection,
            detail: "the guest rebooted".into(),
            crashes: vec![Crash {
                title: "BUG: soft lockup in f".into(),
                alt_titles: Vec::new(),
                corrupted: None,
                line: 7,
            }],
            exit_status: None,
            signal: Some(9),
            milliseconds: 12,
            folder: Some("run-3".into()),
            snapshot: Some(2),
            seed: Some(7),
        };
        let text = serde_json::to_string(&run).unwrap();
        assert_eq!(
            text,
            r#"{"format":3,"run":3,"outcome":"lost_connection","detail":"the guest rebooted","crashes":[{"title":"BUG: soft lockup in f","alt_titles":[],"corrupted":null,"line":7}],"exit_status":null,"signal":9,"milliseconds":12,"folder":"run-3","snapshot":2,"seed":7}"#
        );
        assert_eq!(serde_json::from_str::<StoredRun>(&text).unwrap(), run);
    }
}
