//! A written analysis in place of a log: the stacks it quotes still show who waits for whom. Its claims are
//! judged by `ktriage check`.

use analysis_claims::Report;

use super::text::Page;

/// Largest input that is read as an analysis, bytes.
pub(super) const LIMIT: usize = 4 << 20;

/// The report of the stacks an input quotes, when it is no log but quotes some that wait.
pub(super) fn read(input: &[u8]) -> Option<Report> {
    let report = analysis_claims::check(input, None);
    (!report.edges.is_empty()).then_some(report)
}

/// The printed report.
pub(super) fn report(report: &Report) -> String {
    let mut out = Page::default();
    out.entry("Input    ", &format!("{}; no console log", report.input), "");
    for (at, task) in report.tasks.iter().enumerate() {
        let head = if at == 0 { "Tasks    " } else { "         " };
        let claims: Vec<&str> = task.claims.iter().map(|claim| claim.statement.as_str()).collect();
        let lines: Vec<_> = task.claims.iter().flat_map(|claim| claim.lines.clone()).collect();
        out.entry(
            head,
            &format!("{}: {}", task.task, claims.join(" ")),
            &super::text::cite(&lines),
        );
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
        let evidence = format!("{}  {}", note.grade, super::text::cite(&note.lines));
        out.entry(head, &note.statement, &evidence);
    }
    if !report.needed.is_empty() {
        out.blank();
        out.line("Need");
        for (at, item) in report.needed.iter().enumerate() {
            out.entry(&format!("{:>3} ", at + 1), item, "");
        }
    }
    out.blank();
    out.entry("  ", "The claims of this analysis are judged by: ktriage check FILE", "");
    out.text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_quoted_in_prose_give_a_graph() {
        let note = "I think it hangs.\n\n**1. flusher (pid 51) - blocked in close():**\n```\n__x64_sys_close\n  my_release\n    synchronize_rcu\n      wait_for_completion\n```\n\n```\nrcu: Tasks blocked on level-0 rcu_node (CPUs 0-1): P77\ntask:reader   state:R  running task\n```\n";
        let report = read(note.as_bytes()).unwrap();
        assert!(!report.cycle);
        let text = super::report(&report);
        assert!(text.contains("flusher") && text.contains("No cycle."), "{text}");
        assert!(read(b"nothing to see here\n").is_none());
    }
}
