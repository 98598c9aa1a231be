//! What the verifier says of the statements of a diagnosis.

use analysis_claims::verify::{Judgement, is_provable};

use super::log::Log;
use crate::judgement::need_in_words;
use crate::layout::{Text, cite};
use crate::sentence;

/// The statements that were withheld because their lines do not show them, each with its lines and with what these
/// say instead.
pub fn report(log: &Log<'_>) -> String {
    let diagnosis = log.diagnosis;
    let said = diagnosis.statements.iter().chain(&diagnosis.hypotheses).chain(log.registers);
    let confirmed = said.filter(|statement| is_provable(statement)).count();
    let mut out = Text::default();
    let withheld = log.unconfirmed.len();
    let sum = match (confirmed, withheld) {
        (0, 0) => "the log gives no statement that lines alone prove".to_owned(),
        (_, 0) => format!("{confirmed} statements, all shown by the lines they cite"),
        _ => format!(
            "{} statements, {withheld} not shown by the lines they cite and withheld:",
            confirmed + withheld
        ),
    };
    out.entry("Verified ", &sum, "");
    for (at, doubtful) in log.unconfirmed.iter().enumerate() {
        let statement = &doubtful.statement;
        let evidence = format!("{} {}", cite(statement.lines()), statement.rule());
        out.entry(&format!("{:>3} ", at + 1), &sentence(statement.predicate()), &evidence);
        match &doubtful.judgement {
            Judgement::Contradicted { lines, found } => {
                out.entry("    but: ", &sentence(found), &cite(lines));
            }
            Judgement::NotShown { need } => out.entry("    needed: ", need_in_words(*need), ""),
            Judgement::Shown { .. } => {}
        }
    }
    out.text
}
