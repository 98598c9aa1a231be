//! What `ktriage explain --json` prints: one [`Rule`] a line.

use model::RuleId;
use schemars::JsonSchema;
use serde::Serialize;

use super::diagnose::Statement;

/// Grows when a field changes its meaning or goes; new fields do not change it.
const FORMAT: u32 = 1;

/// A rule that statements cite.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Rule {
    format: u32,
    rule: RuleId,
    /// What a statement that cites it says.
    meaning: &'static str,
    /// Where the kernel prints or defines it.
    source: &'static str,
    /// A statement about an invented log that cites it; null where there is none, and where all rules are listed.
    example: Option<Example>,
}

/// A statement and its proof.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Example {
    statement: Statement,
    /// The first of the lines that prove it.
    text: Vec<Line>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    /// The line of the example's log.
    line: u64,
    text: &'static str,
}

impl Example {
    /// A statement about a log, with the first of the cited lines by their number.
    pub(crate) fn new(statement: &model::Statement, lines: &[(u64, &'static str)]) -> Self {
        let text = lines.iter().map(|&(line, text)| Line { line, text }).collect();
        Self { statement: super::diagnose::statement(statement), text }
    }
}

/// The printed shape of a rule.
pub(crate) fn rule(rule: &model::Rule, example: Option<Example>) -> Rule {
    Rule { format: FORMAT, rule: rule.id, meaning: rule.meaning, source: rule.source, example }
}
