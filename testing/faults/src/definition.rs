//! What `fault.toml` says: how the guest is set up, what is done in it, and what is true then.

use serde::Deserialize;

use crate::error::FaultError;
use crate::kernels::Feature;

/// A fault, as defined in its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Name of the folder, of the module and of its C file.
    pub name: String,
    file: File,
}

/// How the guest is set up and what is done in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guest {
    /// Number of CPUs.
    #[serde(default = "two_cpus")]
    pub cpus: u32,
    /// Memory in MiB, or `None` for as much as the kernel needs.
    pub memory_mib: Option<u32>,
    /// Added to the kernel's command line.
    #[serde(default)]
    pub parameters: Vec<String>,
    /// What `guest/provoke.c` carries out, one step each; the module is loaded before.
    pub steps: Vec<String>,
}

/// What is true about the log of a run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// The kinds of verdict that are right (as `diagnose --json` names them), the best first.
    pub verdict: Vec<String>,
    /// The title of the first crash report of the run; several where the sample decides. Empty
    /// where the community has none.
    pub titles: Vec<String>,
    /// What happened first, in one sentence.
    pub statement: String,
    /// A pattern for the lines of the events that show it; any of them is a right answer.
    pub first_cause: String,
    /// Who did it.
    pub culprit: Culprit,
    /// Who waits for whom, from the last victim to the cause.
    #[serde(default)]
    pub chain: Vec<String>,
    /// Whether the waits form a cycle: a real deadlock.
    #[serde(default)]
    pub cycle: bool,
    /// Kinds of verdict that would be false.
    #[serde(default)]
    pub must_not: Vec<String>,
    /// Patterns that the log must match, each at or after the line of the one before.
    #[serde(default)]
    pub expect: Vec<String>,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Culprit {
    /// In words; `{pid}` stands for what the group `pid` of `line` captured.
    pub who: String,
    /// A pattern for the first line that names it.
    pub line: String,
}

/// A fault on one kernel: what to do there, and what is true then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provocation {
    /// Set-up and steps.
    pub guest: Guest,
    /// The truth.
    pub truth: Truth,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    summary: String,
    #[serde(default)]
    needs: Vec<Feature>,
    #[serde(default)]
    lacks: Vec<Feature>,
    guest: Guest,
    truth: Truth,
    #[serde(default)]
    on: Vec<Variant>,
}

/// What differs on kernels with a feature. What is not given stays.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    has: Feature,
    parameters: Option<Vec<String>>,
    steps: Option<Vec<String>>,
    verdict: Option<Vec<String>>,
    titles: Option<Vec<String>>,
    statement: Option<String>,
    first_cause: Option<String>,
    culprit: Option<Culprit>,
    chain: Option<Vec<String>>,
    cycle: Option<bool>,
    expect: Option<Vec<String>>,
}

fn two_cpus() -> u32 {
    2
}

impl Fault {
    /// Reads a definition.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown or lacks a needed key.
    pub fn parse(name: &str, text: &str) -> Result<Self, FaultError> {
        let file = toml::from_str(text).map_err(|error| FaultError::Definition {
            name: name.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { name: name.to_owned(), file })
    }

    /// One line: what it provokes.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.file.summary
    }

    /// What to do on a kernel with these features, or `None` where the fault cannot show itself.
    #[must_use]
    pub fn on(&self, features: &[Feature]) -> Option<Provocation> {
        let file = &self.file;
        let able = file.needs.iter().all(|need| features.contains(need))
            && !file.lacks.iter().any(|lack| features.contains(lack));
        if !able {
            return None;
        }
        let mut here = Provocation { guest: file.guest.clone(), truth: file.truth.clone() };
        for variant in file.on.iter().filter(|variant| features.contains(&variant.has)) {
            variant.apply(&mut here);
        }
        Some(here)
    }
}

impl Variant {
    fn apply(&self, to: &mut Provocation) {
        fn set<T: Clone>(field: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                field.clone_from(value);
            }
        }
        set(&mut to.guest.parameters, self.parameters.as_ref());
        set(&mut to.guest.steps, self.steps.as_ref());
        set(&mut to.truth.verdict, self.verdict.as_ref());
        set(&mut to.truth.titles, self.titles.as_ref());
        set(&mut to.truth.statement, self.statement.as_ref());
        set(&mut to.truth.first_cause, self.first_cause.as_ref());
        set(&mut to.truth.culprit, self.culprit.as_ref());
        set(&mut to.truth.chain, self.chain.as_ref());
        set(&mut to.truth.cycle, self.cycle.as_ref());
        set(&mut to.truth.expect, self.expect.as_ref());
    }
}
