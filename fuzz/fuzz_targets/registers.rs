//! Any bytes as a log whose registers, faults and code bytes are read: no panic, no statement without a line.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let lines: Vec<_> = parse_console::lines(input).collect();
    for claim in analysis_registers::claims(&lines) {
        assert!(!claim.statement.is_empty() && !claim.rules.is_empty());
        assert!(!claim.lines.is_empty(), "no line: {}", claim.statement);
    }
    for fault in analysis_registers::user_faults(&lines) {
        let _ = fault.offset_in_mapping();
    }
});
