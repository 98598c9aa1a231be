//! Any log gives reports, and the same ones whether it comes whole or in pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;
use analysis_identity::{LogReader, read_log};

fuzz_target!(|input: &[u8]| {
    // The first bytes say how long the pieces are; the rest is the log.
    let (lengths, log) = input.split_at(input.len().min(4));
    let whole = read_log(log);
    let mut reader = LogReader::new();
    let mut rest = log;
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let length = usize::from(*length).saturating_mul(7).clamp(1, rest.len());
        let (piece, after) = rest.split_at(length);
        reader.push(piece);
        rest = after;
    }
    assert_eq!(reader.finish(), whole, "pieces give other reports than the whole");

    let last = log.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
    assert_eq!(whole.bytes, log.len() as u64);
    for report in &whole.reports {
        assert!(!report.title.is_empty() && report.title.len() <= 120, "{:?}", report.title);
        assert!(report.title.bytes().all(|b| (b' '..=b'~').contains(&b)), "{:?}", report.title);
        assert!(report.lines.first >= 1 && report.lines.last <= last, "{:?}", report.lines);
        assert!(report.lines.first <= report.header_line, "{:?}", report.lines);
        assert!(report.offset <= log.len() as u64, "{}", report.offset);
        assert!(
            report.text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()),
            "a control character in {:?}",
            report.text
        );
    }
});
