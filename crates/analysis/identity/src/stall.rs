//! The function of a stall: what the innermost entry of the stack called.

use std::sync::LazyLock;

use parse_console::frame;
use regex::Regex;

use crate::bucket::bucket;
use crate::compiled::CompiledShape;
use crate::functions::{self, Found};
use crate::names;
use crate::pattern::regex;
use crate::tables::entries::ENTRIES;

static ENTRY: LazyLock<Regex> = LazyLock::new(|| regex(&format!("^(?:{})$", ENTRIES.join("|"))));

/// Functions that only wait for other CPUs: whoever calls them, the bug is that they do not answer.
fn waits_for_cpus(function: &str) -> bool {
    bucket(function) == Some("smp_call_function")
}

pub(crate) fn find(shape: &CompiledShape, lines: &[&str]) -> Found {
    // RCU stalls are found by the tick: what it interrupted stands below it.
    let from = match shape.starts.first() {
        Some(Some(start)) => match lines.iter().position(|text| start.is_match(text)) {
            Some(at) => at + 1,
            // From 6.1 on a CPU that reports itself shows the interrupted registers and begins the
            // trace with them; others are asked for theirs. Some architectures name no tick at all.
            None => match lines.iter().position(|text| functions::is_kernel_registers(text)) {
                Some(at) => at,
                None => return Found::default(),
            },
        },
        _ => 0,
    };
    let mut callee: Option<String> = None;
    for text in &lines[from..] {
        let instruction = frame::instruction_pointer(text);
        let Some(frame) = instruction.or_else(|| frame::parse(text)) else { continue };
        if frame.inline || !frame.reliable {
            continue;
        }
        let name = names::plain(frame.function);
        if waits_for_cpus(&name) {
            return Found { function: Some(name), ..Found::default() };
        }
        if ENTRY.is_match(&name)
            && let Some(callee) = callee.take()
        {
            return Found { function: Some(callee), ..Found::default() };
        }
        if !shape.passes_over(&name) {
            if frame.caller.is_some_and(|caller| ENTRY.is_match(caller)) {
                return Found { function: Some(name), ..Found::default() };
            }
            callee = Some(name);
        }
    }
    Found::default()
}
