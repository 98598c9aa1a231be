//! A written analysis in place of a log: the stacks it quotes still show who waits for whom.

use analysis_claims::Report;

use crate::layout::{Text, cite};

/// The printed report of the stacks that an input quotes.
pub fn report(report: &Report) -> String {
    let mut out = Text::default();
    out.entry("Input    ", &format!("{}; no console log", report.input), "");
    for (at, task) in report.tasks.iter().enumerate() {
        let head = if at == 0 { "Tasks    " } else { "         " };
        let claims: Vec<&str> = task.claims.iter().map(|claim| claim.statement.as_str()).collect();
        let lines: Vec<_> = task.claims.iter().flat_map(|claim| claim.lines.clone()).collect();
        out.entry(head, &format!("{}: {}", task.task, claims.join(" ")), &cite(&lines));
    }
    out.blank();
    out.line("Wait graph");
    for edge in &report.edges {
        let lines: Vec<String> = edge.lines.iter().map(ToString::to_string).collect();
        let what = if edge.waits_for.contains(&edge.to) {
            edge.waits_for.clone()
        } else {
            format!("{} ({})", edge.to, edge.waits_for)
        };
        out.entry(
            "  ",
            &format!("{} -> {what}", edge.from),
            &format!("{}  {}  {}", edge.grade, lines.join(" "), edge.rule),
        );
    }
    for chain in &report.chains {
        out.entry("  ", chain, "");
    }
    out.entry("  ", if report.cycle { "A cycle." } else { "No cycle." }, "");
    out.blank();
    out.entry("Verdict  ", &report.verdict.statement, "");
    out.entry(
        "         ",
        &format!("(chain: {} / cause: {})", report.verdict.chain, report.verdict.cause),
        "",
    );
    for (at, note) in report.notes.iter().enumerate() {
        let head = if at == 0 { "Note     " } else { "         " };
        let evidence = format!("{}  {}", note.grade, cite(&note.lines));
        out.entry(head, &note.statement, &evidence);
    }
    out.list("Need", &report.needed);
    out.blank();
    out.entry("  ", "The claims of this analysis are judged by: ktriage check FILE", "");
    out.text
}
