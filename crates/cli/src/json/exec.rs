//! What `ktriage fuzz exec --json` prints: one object a program, on one line.

use schemars::JsonSchema;
use serde::Serialize;

/// The number of this form.
pub(crate) struct ExecJson;

impl ExecJson {
    pub(crate) const FORMAT: u32 = 1;
}

/// A run of a program.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProgramJson {
    /// The number of this form.
    pub(crate) format: u32,
    /// The program's file.
    pub(crate) program: String,
    /// `finished`, `timed out`, `exit N`, `signal N`, `refused`, `crashed`, `lost`.
    pub(crate) end: String,
    /// The title of the crash, or why the guest was lost.
    pub(crate) crash: Option<String>,
    /// From its start to its end.
    pub(crate) milliseconds: Option<f64>,
    /// Calls that did not go as their comments say; 0 without `--verify`.
    pub(crate) otherwise: usize,
    /// Its calls.
    pub(crate) calls: Vec<CallJson>,
}

/// A call.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CallJson {
    /// Its name.
    pub(crate) call: String,
    /// `done`, `late` (after the next was made), `blocked` (a signal ended it), `missing` (the executor cannot
    /// make it), `unfinished`, `unexecuted`.
    pub(crate) state: &'static str,
    /// 0 if it did not fail; null if it did not end.
    pub(crate) errno: Option<u32>,
    /// Its name.
    pub(crate) errno_name: Option<&'static str>,
    /// What it returned.
    pub(crate) result: Option<u64>,
    /// Edges of coverage.
    pub(crate) edges: usize,
    /// How long it took.
    pub(crate) microseconds: Option<u32>,
    /// Addresses that were reached, with `--places`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) places: Option<Vec<String>>,
    /// The comment on its line, with `--verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expected: Option<String>,
    /// Whether it went so, with `--verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) as_expected: Option<bool>,
}
