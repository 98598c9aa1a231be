//! `docs/faults.md`: what each fault showed on each kernel, written from a run.

use std::fmt::Write as _;

use crate::definition::Fault;

/// What became of a fault on one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The log shows what the definition says.
    Shown,
    /// It does not.
    NotShown,
    /// The guest or the build failed; nothing is known.
    Failed,
    /// There is no recorded log; nothing is known.
    NotRecorded,
    /// The kernel cannot show it.
    NotThere,
}

impl Outcome {
    /// The word for a table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::NotShown => "NOT SHOWN",
            Self::Failed => "FAILED",
            Self::NotRecorded => "not recorded",
            Self::NotThere => "–",
        }
    }
}

/// A fault and its outcomes, one for each kernel.
#[derive(Clone, Debug)]
pub struct Row<'fault> {
    /// The fault.
    pub fault: &'fault Fault,
    /// In the order of the table's kernels.
    pub outcomes: Vec<Outcome>,
}

/// Kernels: a name, and what the kernel says of itself.
pub type NamedKernels = Vec<(String, String)>;

/// The document; the rows' outcomes are in the order of `kernels`.
#[must_use]
pub fn markdown(kernels: &[(String, String)], rows: &[Row<'_>]) -> String {
    let mut text = String::from(
        "# Faults\n\n\
         Made from the recorded logs and their truth by `testing_faults::table`; a test fails when it is stale. Each fault is a small kernel module\n\
         (`testing/faults/modules/NAME`) that provokes what the second column says. \"shown\": the\n\
         recorded console log holds all that the fault's definition expects, in that order, and the\n\
         lines of the first cause and of the culprit (`testing/faults/recorded/KERNEL/NAME.toml`).\n\
         \"–\": that kernel cannot show it (a check that it lacks, or another kind of lock).\n\
         \"not recorded\": not run there yet.\n\n\
         | kernel | version |\n|---|---|\n",
    );
    for (name, version) in kernels {
        let _ = writeln!(text, "| {name} | {} |", cell(version));
    }
    text.push_str("\n| fault | provokes |");
    for (name, _) in kernels {
        let _ = write!(text, " {name} |");
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(kernels.len()));
    text.push('\n');
    for row in rows {
        let _ = write!(text, "| {} | {} |", row.fault.name, cell(row.fault.summary()));
        for outcome in &row.outcomes {
            let _ = write!(text, " {} |", outcome.word());
        }
        text.push('\n');
    }
    let shown = rows.iter().flat_map(|row| &row.outcomes).filter(|o| **o == Outcome::Shown).count();
    let run = rows
        .iter()
        .flat_map(|row| &row.outcomes)
        .filter(|outcome| !matches!(outcome, Outcome::NotThere | Outcome::NotRecorded))
        .count();
    let _ = writeln!(text, "\n{} faults; {shown} of {run} runs show what they should.", rows.len());
    text
}

/// Text for a cell: a guest's words may hold anything.
fn cell(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .flat_map(|c| (c == '|' || c == '\\').then_some('\\').into_iter().chain([c]))
        .collect()
}
