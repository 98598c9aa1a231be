//! Whether a console log shows what a fault's definition says, and on which lines.

use regex::Regex;

use crate::definition::Truth;
use crate::error::FaultError;

/// What `guest/provoke.c` says first: what stands before is the kernel's start.
const FIRST_WORDS: &str = "provoke: first step";
/// What it says last.
const LAST_WORDS: &str = "provoke: end of steps";

/// The outcome of a look at a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The log shows it.
    Shown(Proof),
    /// It does not.
    NotShown {
        /// Patterns of the definition that match nowhere, or not after the one before.
        missing: Vec<String>,
    },
}

/// The lines that prove it, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Lines of the events that show the first cause; at least one.
    pub first_cause: Vec<usize>,
    /// The first line that names the culprit.
    pub culprit_line: usize,
    /// The culprit in words, with its process id.
    pub culprit: String,
}

/// Whether the guest's program has begun, and whether it has carried out its last step.
#[must_use]
pub fn progress(log: &[u8]) -> (bool, bool) {
    let has = |words: &str| log.windows(words.len()).any(|window| window == words.as_bytes());
    (has(FIRST_WORDS), has(LAST_WORDS))
}

/// Looks at a log. Only what follows the first words of the guest's program counts, if the log has them.
///
/// # Errors
/// When a pattern of the definition is not one.
pub fn judge(truth: &Truth, log: &str) -> Result<Judgement, FaultError> {
    let lines: Vec<&str> = log.split('\n').collect();
    let start = lines.iter().position(|line| line.contains(FIRST_WORDS)).unwrap_or(0);
    let mut missing = Vec::new();
    let mut from = start;
    for expected in &truth.expect {
        let pattern = pattern(expected)?;
        match (from..lines.len()).find(|&at| pattern.is_match(lines[at])) {
            Some(at) => from = at,
            None => missing.push(expected.clone()),
        }
    }
    let cause = pattern(&truth.first_cause)?;
    let first_cause: Vec<usize> =
        (start..lines.len()).filter(|&at| cause.is_match(lines[at])).map(|at| at + 1).collect();
    if first_cause.is_empty() {
        missing.push(truth.first_cause.clone());
    }
    let named = pattern(&truth.culprit.line)?;
    let culprit = (start..lines.len()).find_map(|at| {
        let captures = named.captures(lines[at])?;
        let pid = captures.name("pid").map_or("", |pid| pid.as_str());
        Some((at + 1, truth.culprit.who.replace("{pid}", pid)))
    });
    match culprit {
        Some((culprit_line, culprit)) if missing.is_empty() => {
            Ok(Judgement::Shown(Proof { first_cause, culprit_line, culprit }))
        }
        Some(_) => Ok(Judgement::NotShown { missing }),
        None => {
            missing.push(truth.culprit.line.clone());
            Ok(Judgement::NotShown { missing })
        }
    }
}

fn pattern(text: &str) -> Result<Regex, FaultError> {
    Regex::new(text).map_err(|error| FaultError::Definition {
        name: format!("pattern `{text}`"),
        reason: error.to_string(),
    })
}
