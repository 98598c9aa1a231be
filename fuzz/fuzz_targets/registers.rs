//! Any bytes as a log whose registers, faults and code bytes are read: no panic, no statement without a line.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let lines: Vec<_> = parse_console::lines(input).collect();
    for statement in analysis_registers::statements(&lines) {
        assert!(!statement.lines().is_empty(), "no line: {:?}", statement.predicate());
    }
    for fault in analysis_registers::user_faults(&lines) {
        let _ = fault.offset_in_mapping();
    }
});
