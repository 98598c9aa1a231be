//! Any text as an analysis or as claims, with any log beside it: judged without a panic, by lines that exist.

#![no_main]

use analysis_claims::verify::{Judgement, Log, verify_assertion};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // A zero byte parts the text from the log.
    let (text, log) = match input.iter().position(|byte| *byte == 0) {
        Some(at) => (&input[..at], Some(&input[at + 1..])),
        None => (input, None),
    };
    let report = analysis_claims::check(text, log);
    for claim in &report.claims {
        holds(&report.log, &claim.judgement);
    }
    if let (Ok(claims), Some(log)) = (analysis_claims::claim::read(&String::from_utf8_lossy(text)), log) {
        let log = Log::read(log);
        for claim in claims.iter().take(100) {
            holds(&log, &verify_assertion(&log, claim));
        }
    }
});

fn holds(log: &Log, judgement: &Judgement) {
    if let Judgement::Shown { lines } | Judgement::Contradicted { lines, .. } = judgement {
        assert!(!lines.is_empty() && lines.iter().all(|span| log.text(span.first).is_some()));
    }
}
