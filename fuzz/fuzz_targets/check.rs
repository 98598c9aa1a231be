//! Any text as an analysis, with any log beside it: judged without a panic, with lines that exist.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // A zero byte parts the analysis from the log.
    let (analysis, log) = match input.iter().position(|byte| *byte == 0) {
        Some(at) => (&input[..at], Some(&input[at + 1..])),
        None => (input, None),
    };
    let report = analysis_claims::check(analysis, log);
    for claim in &report.claims {
        assert!(!claim.verdict.name().is_empty() && !claim.reason.is_empty());
    }
    for edge in &report.edges {
        assert!(!edge.lines.is_empty(), "an edge without a line");
    }
});
