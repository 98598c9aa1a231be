//! Any log gives a diagnosis: the same whether it comes whole or in pieces, each statement with lines that
//! exist, and no deadlock without a cycle.

#![no_main]

use libfuzzer_sys::fuzz_target;
use analysis_hang::{LogReader, conclude};
use model::VerdictKind;

fuzz_target!(|input: &[u8]| {
    // The first bytes say how long the pieces are; the rest is the log.
    let (lengths, log) = input.split_at(input.len().min(4));
    let mut whole = LogReader::new();
    whole.push(log);
    let diagnosis = conclude(whole.finish());
    let newlines = log.iter().filter(|byte| **byte == b'\n').count() as u64;
    for statement in diagnosis.statements.iter().chain(&diagnosis.hypotheses) {
        let lines = statement.lines();
        assert!(!lines.is_empty(), "no line: {statement:?}");
        for span in lines {
            assert!(span.first <= span.last && span.last <= newlines + 1, "no such line");
        }
    }
    if diagnosis.verdict.kind == VerdictKind::Deadlock {
        assert!(diagnosis.graph.cycle(model::Grade::Derived).is_some(), "a deadlock without a cycle");
    }
    if let Some(cause) = &diagnosis.first_cause {
        assert!(cause.line >= 1 && cause.line <= newlines + 1, "no such line");
    }
    let mut reader = LogReader::new();
    let mut rest = log;
    for length in lengths.iter().cycle() {
        let (piece, later) = rest.split_at(rest.len().min(usize::from(*length) + 1));
        reader.push(piece);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    let pieces = conclude(reader.finish());
    assert_eq!(pieces.verdict, diagnosis.verdict);
    assert_eq!(pieces.statements.len(), diagnosis.statements.len());
});
